"""What is wrong, told as problem details (RFC 9457): never a trace, never what was sent."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidegauge.core.errors import OperatorError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
"""Fields that one answer names."""

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
"""The same, for the description of the API."""


class Problem(Exception):
    """What is wrong with what somebody asks; raised by a route, it is the answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return it as an answer."""
        return Response(
            problem_body(self.status, self.detail, self.errors),
            self.status,
            self.headers,
            MEDIA_TYPE,
        )


def problem_body(status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return the JSON of a problem; `errors` are (field, what is wrong with it)."""
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _sound(detail),
    }
    if errors:
        said["errors"] = [
            {"field": _sound(field), "message": _sound(message)} for field, message in errors
        ]
    return msgspec.json.encode(said)


async def answered(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or refuse a handshake, with `response`."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        status, headers = response.status_code, response.raw_headers
        start = {"type": "websocket.http.response.start", "status": status, "headers": headers}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": response.body})
        return
    await response(scope, receive, send)


def tell_problems(app: FastAPI) -> None:
    """Have every error of the routes of `app` told as a problem."""
    app.exception_handler(Problem)(_of_problem)
    app.exception_handler(OperatorError)(_of_operator)
    app.exception_handler(RequestValidationError)(_of_validation)
    app.exception_handler(HTTPException)(_of_http)


async def _of_problem(_request: Request, error: Problem) -> Response:
    return error.response()


async def _of_operator(_request: Request, error: OperatorError) -> Response:
    """What only the operator of the daemon can put right is no fault of who asks."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)).response()


async def _of_validation(request: Request, error: RequestValidationError) -> Response:
    kind = request.headers.get("content-type", "application/json")
    if "json" not in kind and any(tuple(each["loc"])[:1] == ("body",) for each in error.errors()):
        detail = "The body has to be JSON, sent with content-type: application/json"
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail).response()
    errors = [_said_of(each) for each in error.errors()[:MOST_ERRORS]]
    named = ", ".join(dict.fromkeys(field for field, _message in errors))
    return Problem(422, f"This can't be understood: {named}", errors=errors).response()


async def _of_http(_request: Request, error: HTTPException) -> Response:
    said = {404: "There is nothing here by this name", 405: "This can't be done here"}
    detail = said.get(error.status_code) if _is_bare(error) else None
    headers = error.headers
    return Problem(error.status_code, detail or str(error.detail), headers=headers).response()


def _is_bare(error: HTTPException) -> bool:
    return error.detail == HTTPStatus(error.status_code).phrase


def _said_of(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return the field of an error, and what is wrong with it."""
    if error["type"] != "json_invalid":
        return _field(error["loc"]), str(error["msg"])
    why = error.get("ctx", {}).get("error", "it ends too soon")
    return "body", f"This is no JSON at character {error['loc'][-1]}: {why}"


def _field(place: Sequence[Any]) -> str:
    """Return the name of a field as who asks knows it: without where it was found, unless that is all."""
    inner = [str(each) for each in place[1:] if not isinstance(each, int) or len(place) > 1]
    return ".".join(inner) or str(place[0] if place else "request")


def _sound(text: str) -> str:
    """Return text that can be encoded: a lone surrogate can't."""
    return text.encode(errors="replace").decode()
