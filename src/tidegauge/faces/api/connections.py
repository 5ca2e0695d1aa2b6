"""A connection that costs little until a whole request came: deadlines, sizes, and a cap on how many.

uvicorn's own protocol waits for ever for the head of a request, and lets it be of any size.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .doors import LONGEST_URL, RAW_HEADERS
from .problems import MEDIA_TYPE, problem_body

LARGEST_HEAD = 16 * 1024
MOST_HEADERS = 100
MOST_AHEAD = 16
"""Requests that may be sent on a connection before the first is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client may take, and how many may be connected."""

    head_s: float = 10.0
    body_s: float = 30.0
    connections: int = 1_000


class _TooMuch(Exception):
    """The head is one that nobody needs."""


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a deadline for the head (408), one for the body, and limits.

    Where there are too many connections, the one that has waited longest without a request is closed
    for the new one; where all are at work, the new one.
    """

    patience = Patience()
    waiting: dict["GuardedHttp", None]
    """Connections without a request, at first or between two, the oldest first; of one server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True
        self._refusal: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close one."""
        super().connection_made(transport)
        if len(self.connections) > self.patience.connections:
            crowded = next(iter(self.waiting), self)
            self.waiting.pop(crowded, None)
            crowded.transport.abort()
            if crowded is self:
                return
        self.waiting[self] = None
        self._arm(self.patience.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._disarm()
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head has to be whole in time, and small."""
        if self._in_head:
            self._head += len(data)
            if self._deadline is None:
                self._arm(self.patience.head_s)
        super().data_received(data)
        if self._in_head and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin with a request whose head is whole."""
        self._disarm()
        self._in_head = False
        self.waiting.pop(self, None)
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > LONGEST_URL:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif size > LARGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif len(self.pipeline) >= MOST_AHEAD:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
        if self.transport.is_closing():
            raise _TooMuch  # so that the parser reads no further
        self._arm(self.patience.body_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request that is whole."""
        self._disarm()
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for another request, unless that is here."""
        super().on_response_complete()
        if self.cycle.response_complete and self._in_head and not self.transport.is_closing():
            self.waiting[self] = None

    def handle_websocket_upgrade(self) -> None:
        """Let the protocol of WebSockets go on with it."""
        self._disarm()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; nothing more is said where it was refused already."""
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.BAD_REQUEST)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and close, unless an answer is under way: then only close."""
        self._disarm()
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = problem_body(status, status.description or status.phrase)
            headers = [
                *RAW_HEADERS,
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
            self.transport.write(line + lines + b"\r\n" + body)
        self.transport.close()


def guarded(patience: Patience) -> type[GuardedHttp]:
    """Return the protocol of one server."""
    return type("GuardedHttp", (GuardedHttp,), {"patience": patience, "waiting": {}})
