"""The doors in front of every route. Whoever is not let in by them never reaches one.

A request passes `Dressed` (headers of safety, and the last resort), `Gate` (may they ask this?), and
`Measured` (is it of a size?). None of them knows the routes: what is not said to be public is not.
"""

from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidegauge.runtime.settings_serve import ServeSettings

from . import sessions
from .access import Access
from .asked import BAD_HOST, Asked
from .limits import Buckets, retry_after
from .problems import Problem, answered
from .sessions import Principal

log = structlog.get_logger(__name__)

PUBLIC = frozenset({"/healthz"})
"""The only path for which nothing is asked."""

LOGIN = "/login"
"""Where the code in the link is what lets one in."""

READ_MAY_POST = frozenset({"/login-links", "/logout"})
"""What changes nothing that others see; all else that is not read needs a token that operates."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ALWAYS_LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 (named, not bound)

READS = "This token reads; it takes one that operates"
READS_BY_COOKIE = "Your login only reads; `tidegauge web` on the machine where it runs prints a link that operates"

FAILURES_PER_S = 10.0
LONGEST_URL = 8_192
LARGEST_BODY = 64 * 1024

STRANGER = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Tidegauge</title>"
    "<meta name=viewport content='width=device-width'><h1>Log in to Tidegauge</h1>"
    "<p>Run <code>tidegauge web</code> on the machine where it runs, and open the link it prints."
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer; a route that says one of them itself (a file that may be kept) is heard."""

RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Dressed:
    """Adds the headers of safety to every answer; what crashes is a 500, and a line in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began = False

        async def dressed(message: Message) -> None:
            nonlocal began
            began = True
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                _dress(message)
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as crash:  # the last resort
            asked = {name: scope.get(name) for name in ("method", "path")}
            log.exception("api_crashed", **asked, exc_info=crash)
            if began:
                raise
            problem = Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "This is a bug in Tidegauge; the log of the API says where. Please report it",
            )
            await answered(problem.response(), scope, receive, dressed)


def _dress(message: MutableMapping[str, Any]) -> None:
    headers = list(message.get("headers", ()))
    there = {name.lower() for name, _value in headers}
    message["headers"] = [*headers, *(each for each in RAW_HEADERS if each[0] not in there)]


class Gate:
    """Lets in who may ask what they ask; `scope["state"]["principal"]` says whom it let in."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        settings: ServeSettings,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._app = app
        self._access = access
        self._scheme = "https" if settings.behind_tls else "http"
        own = () if settings.host in EVERY_ADDRESS else (settings.host,)
        self._names = frozenset((*ALWAYS_LOOPBACK, *own, *settings.allowed_hosts))
        clock = {} if now is None else {"now": now}
        rate = float(settings.requests_per_s)
        self._requests = Buckets(rate=rate, burst=2 * rate, **clock)
        self._failures = Buckets(rate=FAILURES_PER_S, burst=2 * FAILURES_PER_S, **clock)
        self._streams = settings.streams
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            asked = Asked.of(scope, behind_tls=self._scheme == "https")
            self._check_form(asked, scope)
            scope.setdefault("state", {})["principal"] = self._let_in(asked)
        except Problem as problem:
            await answered(self._refusal(problem, scope), scope, receive, send)
            return
        if not asked.is_socket:
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, self._while_known(asked, send))
        finally:
            self._open -= 1

    def _while_known(self, asked: Asked, send: Send) -> Send:
        """Return a `send` that ends a stream once who asked is not let in any more."""
        over = False

        async def sent(message: Message) -> None:
            nonlocal over
            if over:
                return
            if message["type"] == "websocket.send" and self._principal(asked) is None:
                over = True
                message = {"type": "websocket.close", "code": 1008, "reason": "Log in again"}
            await send(message)

        return sent

    def _check_form(self, asked: Asked, scope: Scope) -> None:
        """Refuse what a browser was led to by another page, or by a name that is not ours."""
        if asked.name not in self._names:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, BAD_HOST)
        if asked.origin is not None and asked.origin.lower() != f"{self._scheme}://{asked.host}":
            raise Problem(HTTPStatus.FORBIDDEN, "Pages of another origin may not ask here")
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_URL:
            raise Problem(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long")

    def _let_in(self, asked: Asked) -> Principal | None:
        """Return who asks, None where nobody need say. Raises `Problem`."""
        known = asked.path in PUBLIC and asked.method in SAFE
        principal = None if known else self._principal(asked)
        if principal is None and not known:
            at_login = asked.path == LOGIN and asked.method == "GET" and not asked.is_socket
            if at_login and self._access.knows(asked.code):
                return None
            if wait := self._failures.wait(asked.address):
                raise _too_many(wait)
            if at_login:
                return None  # who is told what is wrong with the link
            raise _unknown(asked)
        if wait := self._requests.wait(principal.name if principal else asked.address):
            raise _too_many(wait)
        if principal is not None:
            self._check_scope(asked, principal)
        return principal

    def _principal(self, asked: Asked) -> Principal | None:
        if asked.token is not None:  # a wrong token is not made good by a cookie
            return self._access.by_token(asked.token)
        return self._access.by_cookie(asked.cookies)

    def _check_scope(self, asked: Asked, principal: Principal) -> None:
        unsafe = asked.method not in SAFE
        if principal.by_cookie and asked.origin is None and (unsafe or asked.is_socket):
            raise Problem(HTTPStatus.FORBIDDEN, "A browser has to say which page asks (Origin)")
        needed = sessions.Scope.READ
        if unsafe and asked.path not in READ_MAY_POST:
            needed = sessions.Scope.OPERATE
        if principal.scope < needed:
            raise Problem(HTTPStatus.FORBIDDEN, READS_BY_COOKIE if principal.by_cookie else READS)
        if asked.is_socket and self._open >= self._streams:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._streams} streams are open, which is the most (serve.streams)",
                headers=retry_after(5),
            )

    def _refusal(self, problem: Problem, scope: Scope) -> Response:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
        page = scope["type"] == "http" and scope["method"] in SAFE and b"text/html" in accepted
        if page and problem.status == HTTPStatus.UNAUTHORIZED:
            return HTMLResponse(STRANGER, problem.status, problem.headers)
        return problem.response()


def _unknown(asked: Asked) -> Problem:
    detail = "It takes a token (Authorization: Bearer …), or a browser that is logged in"
    if asked.token is not None:
        detail = "The token is none of those in force"
    elif asked.cookies:
        detail = "The session is over; `tidegauge web` prints a new link"
    headers = {"www-authenticate": "Bearer"}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers)


def _too_many(wait: float) -> Problem:
    detail = "Too many requests; come again when Retry-After says"
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=retry_after(wait))


class Measured:
    """Reads the body of a request before any route does, and refuses one that is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = {name for name, _value in scope.get("headers", ())}
        if scope["type"] != "http" or not named & {b"content-length", b"transfer-encoding"}:
            await self._app(scope, receive, send)
            return
        try:
            body = await _body(scope, receive)
        except ClientDisconnect:
            return
        if body is None:
            detail = f"The body may have {LARGEST_BODY // 1024} KiB"
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            await answered(problem.response(), scope, receive, send)
            return
        told = False

        async def again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the whole body; None where it is, or says it is, too large."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not said.isdigit() or int(said[:20]) > LARGEST_BODY:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)
