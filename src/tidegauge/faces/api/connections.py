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

from .doors import LARGEST_BODY, LONGEST_URL, RAW_HEADERS
from .problems import MEDIA_TYPE, problem_body

LARGEST_HEAD = 16 * 1024
MOST_HEADERS = 100
MOST_FRAMING = 8
"""Bytes around a byte of body: a chunk of one byte has six."""

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
    """Connections without a request, the one that has waited longest first; of one server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._came = 0
        self._body = 0

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
        """Read on; a head has to be whole in time, and all that is no body has to be small."""
        self._came += len(data)
        if self._in_head and self._deadline is None:
            self._arm(self.patience.head_s)
        super().data_received(data)
        if self._came - self._body > self._most_around() and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _most_around(self) -> int:
        """Return how much may have come beside the body: the head; then the frames of chunks, of which
        some hold one byte, and what may follow them. The parser would keep a trailer of any size."""
        if self._in_head:
            return LARGEST_HEAD
        return 2 * LARGEST_HEAD + MOST_FRAMING * min(self._body, LARGEST_BODY)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows a body is read over."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Count it."""
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request, as one that has waited least."""
        super().on_response_complete()
        if not self.pipeline and not self.transport.is_closing():
            self.waiting[self] = None

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
        self._in_head, self._came, self._body = True, 0, 0
        super().on_message_complete()

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
