"""What the monitor needs of the world: a clock, chance, sockets and HTTP. All of it can be simulated.

The real one is `runtime.outside`; a simulated one makes a whole day pass in seconds, and the same
seed gives the same day.
"""

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tidegauge.core.instrument import Nanos
from tidegauge.wire.protocol import Fetch, Response


class Clock(Protocol):
    """Two readings of time, in nanoseconds."""

    def now(self) -> Nanos:
        """UTC. Never goes back and never leaps, whatever is done to the machine's clock."""
        ...

    def steady(self) -> Nanos:
        """A monotonic time of no particular origin."""
        ...


@runtime_checkable
class Slewing(Protocol):
    """A clock that follows another one without leaping, and knows when that was set."""

    def look(self) -> Nanos | None:
        """Compare, about once a second. Returns by how much the other was set, if it was."""
        ...

    def behind(self) -> Nanos:
        """How far the other one is ahead."""
        ...


class Unreachable(Exception):
    """A connection did not come about; the message says why."""


class HandshakeRefused(Exception):
    """The venue answered the handshake with an HTTP status that is not 101."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"the handshake was answered with HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class SocketClosed(Exception):
    """The connection ended; the message says how."""


class Socket(Protocol):
    """An open WebSocket."""

    async def recv(self) -> bytes | str:
        """Wait for a text frame. Raises `SocketClosed`."""
        ...

    async def send(self, text: str) -> None:
        """Write a text frame. Raises `SocketClosed`."""
        ...

    async def close(self) -> None:
        """Say goodbye, and wait for the answer."""
        ...

    def abort(self) -> None:
        """Cut the connection at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A socket to open. `proxy` None: whatever the environment says."""

    url: str
    proxy: str | None
    max_frame: int
    open_timeout_s: float
    close_timeout_s: float


class Http(Protocol):
    """One venue's REST host."""

    async def fetch(self, fetch: Fetch) -> Response:
        """Make one request. Never raises for the network: status 0 says why."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is outside. `connect` raises `Unreachable` or `HandshakeRefused` on entering.

    `http` is given the REST host's URL and a proxy. `chance` returns a number from 0 to 1.
    """

    clock: Clock
    chance: Callable[[], float]
    connect: Callable[[Dial], AbstractAsyncContextManager[Socket]]
    http: Callable[[str, str | None], AbstractAsyncContextManager[Http]]

    def new_id(self) -> str:
        """Make a random UUID (RFC 9562 version 4) of chance."""
        words = (int(self.chance() * 2**32) for _ in range(4))
        number = sum(word << 32 * place for place, word in enumerate(words))
        return str(uuid.UUID(int=number, version=4))
