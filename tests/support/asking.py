"""Asking an application without a socket: what a server would hand it, and what it answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

NO_SUBPROTOCOLS: dict[str, Any] = {"subprotocols": []}
HERE = {"host": "localhost:8787"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, empty if it is not there."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def cookie(self) -> str:
        """The cookie it sets, as it is sent back."""
        return self.header("set-cookie").partition(";")[0]


async def ask(
    app: ASGIApp,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes | None = None,
    client: str = "192.0.2.1",
    kind: str = "http",
) -> Answer:
    """Ask `app` for `url`. `kind` websocket shakes hands; 101 says that it was taken."""
    path, _, query = url.partition("?")
    said = {
        **HERE,
        **_of_body(body),
        **(headers or {}),
    }
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in said.items()],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 8787),
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    scope |= {"method": method} if kind == "http" else NO_SUBPROTOCOLS
    begins: Message = {"type": "http.request", "body": body or b"", "more_body": False}
    to_app = [begins if kind == "http" else {"type": "websocket.connect"}]
    from_app: list[Message] = []

    async def receive() -> Message:
        return to_app.pop(0) if to_app else {"type": f"{kind}.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        from_app.append(message)

    await app(scope, receive, send)
    return _answer(from_app)


def _of_body(body: bytes | None) -> dict[str, str]:
    if body is None:
        return {}
    return {"content-length": str(len(body)), "content-type": "application/json"}


def _answer(messages: list[Message]) -> Answer:
    first = messages[0]
    if first["type"] == "websocket.accept":
        return Answer(101, (), b"")
    headers = tuple((name.decode(), value.decode("latin-1")) for name, value in first["headers"])
    body = b"".join(each.get("body", b"") for each in messages[1:])
    return Answer(first["status"], headers, body)
