"""How a simulated venue talks to whoever serves it: text and time in, things to do out.

The mirror image of `wire.protocol`. A dialect never waits, never reads a clock and never does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec

from tidegauge.core.instrument import SECOND, Nanos

ConnectionId: TypeAlias = int


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Write this text frame to the connection. `book` marks a book update (not an answer)."""

    connection: ConnectionId
    text: str
    book: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End the connection. `abrupt`: without a closing handshake (1006 at the other end)."""

    connection: ConnectionId
    abrupt: bool = False


Reply: TypeAlias = Say | Close


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A REST request: method, path, query and body as they came."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """One venue's server, without the sockets.

    An `eager` one has more to say whenever all it said before was taken (a recording, served as
    fast as the client takes it); the others are advanced as time passes.
    `ping_seconds` is how often the venue sends WebSocket pings, None for never.
    """

    @property
    def eager(self) -> bool: ...

    @property
    def ping_seconds(self) -> float | None: ...

    def admit(self, path: str, now: Nanos) -> Answer | None:
        """Return why a WebSocket handshake is refused, None to accept it."""
        ...

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        """A socket was opened at `path`."""
        ...

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        """The client wrote a text frame."""
        ...

    def disconnected(self, connection: ConnectionId) -> None:
        """The socket is gone."""
        ...

    def rest(self, request: Request, now: Nanos) -> Answer:
        """The client made a REST request."""
        ...

    def advance(self, now: Nanos) -> list[Reply]:
        """Time has passed (wall time, as in every other method)."""
        ...


def json_text(value: object) -> str:
    """Return compact JSON."""
    return msgspec.json.encode(value).decode()


def stamp(at: Nanos, places: int = 6) -> str:
    """Return a time as RFC 3339 writes it, in UTC, with so many digits of a second."""
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at // SECOND)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at % SECOND:09d}"[: 20 + places] + "Z"


def json_answer(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return a JSON answer."""
    return Answer(
        status=status,
        body=msgspec.json.encode(value),
        headers={"Content-Type": "application/json;charset=UTF-8", **(headers or {})},
    )


NOT_FOUND = Answer(status=404, body=b"<html><body><h2>404 Not found</h2></body></html>")
