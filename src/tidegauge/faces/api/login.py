"""How a browser comes in and goes out: one-time links, and the cookie they are exchanged for."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, RedirectResponse, Response

from .access import Access
from .problems import Problem
from .sessions import SESSION_LASTS_S, Principal, Scope, Sessions

router = APIRouter(tags=["logging in"])

ENTRANCE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Tidegauge</title>"
    "<meta http-equiv=refresh content='0; url=/'><p>You are logged in. <a href='/'>Go on</a>"
)
"""A step of our own between a page of somebody else's and ours: the cookie is only sent along where
the page that leads on is ours."""

USED = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Tidegauge</title>"
    "<meta name=viewport content='width=device-width'><h1>This link lets nobody in any more</h1>"
    "<p>It was used, or is older than five minutes. Run <code>tidegauge web</code> where Tidegauge runs, "
    "and open the link it prints. <a href='/'>Go on</a>, if you are logged in already."
)


class WantedLink(BaseModel):
    """What the link shall give; without it, what who asks has."""

    model_config = ConfigDict(extra="forbid")

    scope: Literal["read", "operate"] | None = None


class LoginLink(BaseModel):
    """A link that logs a browser in, once."""

    url: str
    scope: Literal["read", "operate"]
    expires_at: datetime


@router.post("/login-links", status_code=201)
async def make_link(request: Request, wanted: WantedLink | None = None) -> LoginLink:
    """Make a link that logs a browser in once, within five minutes."""
    principal: Principal = request.state.principal
    named = None if wanted is None else wanted.scope
    scope = principal.scope if named is None else Scope[named.upper()]
    if scope > principal.scope:
        raise Problem(HTTPStatus.FORBIDDEN, "Who reads can't let others operate")
    code, until = _sessions(request).code(scope)
    return LoginLink(
        url=f"{_own_address(request)}/login?{urlencode({'code': code})}",
        scope="operate" if scope is Scope.OPERATE else "read",
        expires_at=datetime.fromtimestamp(until, UTC),
    )


@router.get(
    "/login",
    status_code=303,
    response_class=Response,
    responses={200: {"description": "Logged in; the page leads on", "content": {"text/html": {}}}},
)
async def log_in(request: Request, code: Annotated[str, Query(max_length=128)] = "") -> Response:
    """Log a browser in by the code of a link, and lead it to the page."""
    sessions = _sessions(request)
    scope = sessions.redeem(code)
    if scope is None:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(USED, HTTPStatus.FORBIDDEN)
        detail = "This link was used, or is older than five minutes: `tidegauge web` prints another"
        raise Problem(HTTPStatus.FORBIDDEN, detail)
    answer: Response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    if request.headers.get("sec-fetch-site") == "cross-site":
        answer = HTMLResponse(ENTRANCE)
    answer.set_cookie(
        sessions.cookie_name,
        sessions.cookie(scope),
        max_age=int(SESSION_LASTS_S),
        httponly=True,
        samesite="strict",
        secure=_is_behind_tls(request),
    )
    return answer


@router.post("/logout", status_code=204)
async def log_out(request: Request) -> Response:
    """Log the browser out that asks."""
    sessions = _sessions(request)
    if (cookie := request.cookies.get(sessions.cookie_name)) is not None:
        sessions.end(cookie)
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    answer.delete_cookie(
        sessions.cookie_name, httponly=True, samesite="strict", secure=_is_behind_tls(request)
    )
    return answer


def _sessions(request: Request) -> Sessions:
    access: Access = request.app.state.access
    if access.sessions is None:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The tokens can't be used; see the log")
    return access.sessions


def _own_address(request: Request) -> str:
    """Return under which address it was asked, which the gate has looked at."""
    scheme = "https" if _is_behind_tls(request) else "http"
    return f"{scheme}://{request.headers['host']}"


def _is_behind_tls(request: Request) -> bool:
    return bool(request.app.state.settings.behind_tls)
