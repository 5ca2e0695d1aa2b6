"""Sockets and HTTP through a faulty network, in virtual time: the outside of a simulated monitor."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.clock import SlewedClock
from tidegauge.runtime.outside import TIMEOUT_S
from tidegauge.runtime.world import Dial, HandshakeRefused, SocketClosed, Unreachable, World
from tidegauge.wire.protocol import Fetch, Response

from .loop import SimulatedLoop, simulated_loop
from .weather import CALM, Weather

EPOCH: Nanos = 1_790_000_000 * SECOND
"""UTC when a simulation begins."""

KEEPALIVE_S = 40.0
"""How long after the last pong the client's library gives a connection up."""


class Peer(Protocol):
    """A socket as the venue at its other end sees it."""

    def say(self, text: str) -> None: ...

    def cut(self) -> None: ...


class Server(Protocol):
    """A venue as its network sees it."""

    name: str

    def admit(self) -> Response | None:
        """Return why a handshake is refused, None to accept it."""
        ...

    def connected(self, socket: Peer, path: str) -> None: ...

    def received(self, socket: Peer, text: str) -> None: ...

    def disconnected(self, socket: Peer) -> None: ...

    def answer(self, fetch: Fetch, *, lag: Nanos) -> Response: ...


class SimulatedClock(SlewedClock):
    """The monitor's own clock over virtual time. `leap` is by how much the machine's clock is set wrong."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.leap: Nanos = 0
        super().__init__(
            wall=lambda: EPOCH + round(loop.time() * SECOND) + self.leap,
            steady=lambda: round(loop.time() * SECOND),
        )


@dataclass(slots=True)
class Tally:
    """How often each fault struck, and what the client did to the venue."""

    faults: dict[str, int] = field(default_factory=dict)
    handshakes: list[float] = field(default_factory=list)
    requests: list[tuple[float, int]] = field(default_factory=list)

    def count(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def most_within(self, seconds: float, *, weight: bool) -> int:
        """Return the most handshakes, or weight of requests, in any span of so many seconds."""
        entries = self.requests if weight else [(at, 1) for at in self.handshakes]
        most = held = 0
        window: deque[tuple[float, int]] = deque()
        for at, cost in entries:
            window.append((at, cost))
            held += cost
            while window[0][0] <= at - seconds:
                held -= window.popleft()[1]
            most = max(most, held)
        return most


class SimulatedSocket:
    """Both ends of one connection. The client awaits `recv`; the venue calls `say`.

    Frames arrive in the order in which they were said, `latency` later and at `bandwidth` bytes a
    second. Once `half_open`, nothing comes any more and nobody says so; with `answers_pings` the
    client's library does not find out either.
    """

    def __init__(self, line: "Line", latency: float) -> None:
        self.line = line
        self.latency = latency
        self.bandwidth = 10e6
        self.half_open = False
        self.answers_pings = True
        self.over: str | None = None
        self._loop = simulated_loop()
        self._unread: deque[bytes] = deque()
        self._came = asyncio.Event()
        self._pending: deque[bytes | None] = deque()
        self._outgoing: deque[str] = deque()
        self._arrives_at = 0.0
        self._told_venue = False

    # -- the client's end ------------------------------------------------------------------------

    async def recv(self) -> bytes:
        while not self._unread:
            if self.over is not None:
                raise SocketClosed(self.over)
            self._came.clear()
            await self._came.wait()
        return self._unread.popleft()

    async def send(self, text: str) -> None:
        if self.over is not None:
            raise SocketClosed(self.over)
        if not self.half_open:
            self._outgoing.append(text)
            self._loop.call_later(self.latency, self._deliver)

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._end("closed by us")

    # -- the venue's end -------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Write a text frame, through whatever the weather does to it."""
        if self.over is not None or self.half_open:
            return
        for frame in self.line.weathered(self, text.encode()):
            self._transmit(frame)

    def cut(self) -> None:
        """End the connection now: what is on its way is lost."""
        self._pending.clear()
        self._end("no close frame received or sent")

    def freeze(self, *, answers_pings: bool) -> None:
        """Let nothing through any more, and tell nobody."""
        self.half_open, self.answers_pings = True, answers_pings
        self._pending.clear()
        if not answers_pings:
            self._loop.call_later(KEEPALIVE_S, self._end, "keepalive ping timeout")

    def _transmit(self, frame: bytes | None) -> None:
        """Have a frame arrive after all before it; None: the connection ends in its middle."""
        at = max(self._arrives_at, self._loop.time() + self.latency)
        self._arrives_at = at + (len(frame) / self.bandwidth if frame is not None else 0.0)
        self._pending.append(frame)
        self._loop.call_at(self._arrives_at, self._arrive)

    def _arrive(self) -> None:
        if not self._pending or self.over is not None:
            return
        frame = self._pending.popleft()
        if frame is None:
            self._end("no close frame received or sent")
            return
        self._unread.append(frame)
        self._came.set()

    def _deliver(self) -> None:
        text = self._outgoing.popleft()
        if self.over is None and not self.half_open:
            self.line.server.received(self, text)

    def _end(self, why: str) -> None:
        if self.over is None:
            self.over = why
            self._came.set()
            self.line.sockets.pop(self, None)
            self.line.server.disconnected(self)


class Line:
    """The network between the monitor and one venue."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.weather: Weather = CALM
        self.tally = Tally()
        self.sockets: dict[SimulatedSocket, None] = {}
        self.latency = 0.02 + 0.08 * chance.random()
        self._loop = simulated_loop()
        self._held: dict[SimulatedSocket, bytes] = {}
        self._earlier: dict[SimulatedSocket, deque[bytes]] = {}

    def strikes(self, fault: str) -> bool:
        """Whether this fault happens now; one that does is counted."""
        if self.chance.random() >= getattr(self.weather, fault):
            return False
        self.tally.count(fault)
        return True

    def weathered(self, socket: SimulatedSocket, frame: bytes) -> list[bytes | None]:
        """Return what is to be transmitted in place of a frame."""
        held = self._held.pop(socket, None)
        if self.weather.calm:
            return [frame] if held is None else [frame, held]
        frames: list[bytes | None] = [frame]
        if self.strikes("cut_within"):
            return [None]
        if self.strikes("late"):
            socket._arrives_at = self._loop.time() + self.chance.uniform(0.2, 5.0)
        if self.strikes("lost"):
            frames = []
        elif self.strikes("spoilt"):
            frames = [spoilt(frame, self.chance)]
        elif self.strikes("doubled"):
            frames = [frame, frame]
        elif held is None and self.strikes("swapped"):
            self._held[socket] = frame
            return []
        earlier = self._earlier.setdefault(socket, deque(maxlen=30))
        if earlier and self.strikes("repeated_later"):
            frames.append(self.chance.choice(earlier))
        earlier.append(frame)
        return frames if held is None else [*frames, held]

    @asynccontextmanager
    async def connect(self, dial: Dial) -> AsyncIterator[SimulatedSocket]:
        """Open a socket, as `World.connect` does."""
        self.tally.handshakes.append(self._loop.time())
        if self.strikes("unreachable"):
            if self.chance.random() < 0.5:
                await asyncio.sleep(dial.open_timeout_s)
                raise Unreachable("TimeoutError: timed out during opening handshake")
            await asyncio.sleep(self.latency)
            raise Unreachable("ConnectionRefusedError: refused")
        await asyncio.sleep(2 * self.latency)
        refusal = self.server.admit()
        if refusal is None and self.strikes("turned_away"):
            status = self.chance.choice((429, 500, 502, 503))
            refusal = Response(status=status, body=b"", retry_after=self.chance.choice((None, 2.0)))
        if refusal is not None:
            raise HandshakeRefused(refusal.status, refusal.retry_after)
        socket = SimulatedSocket(self, self.latency)
        self.sockets[socket] = None
        self.server.connected(socket, dial.url.partition(urlsplit(dial.url).netloc)[2])
        try:
            yield socket
        finally:
            socket.abort()
            self._held.pop(socket, None)
            self._earlier.pop(socket, None)

    async def fetch(self, fetch: Fetch) -> Response:
        """Make a request, as `World.http` does."""
        self.tally.requests.append((self._loop.time(), fetch.weight))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._request(fetch)
        except TimeoutError:
            return Response(status=0, body=b"TimeoutError: ")

    async def _request(self, fetch: Fetch) -> Response:
        chance = self.chance
        await asyncio.sleep(self.latency)
        if self.strikes("no_answer"):
            await asyncio.sleep(3600)
        if self.strikes("limited"):
            wait = chance.choice((None, 1.0, 5.0, 20.0))
            return Response(status=429, body=b'{"code":-1003}', retry_after=wait)
        if self.strikes("failing"):
            return Response(status=chance.choice((500, 502, 503, 504)), body=b"<html>")
        lag = chance.randrange(2 * SECOND) if self.strikes("stale_answer") else 0
        response = self.server.answer(fetch, lag=lag)
        await asyncio.sleep(self.latency)
        if self.strikes("slow_answer"):
            await asyncio.sleep(chance.uniform(0.5, 12.0))
        if self.strikes("truncated"):
            body = response.body[: chance.randrange(max(1, len(response.body)))]
            return Response(status=response.status, body=body)
        return response


class _Host:
    """One venue's REST host, as `World.http` returns it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def fetch(self, fetch: Fetch) -> Response:
        return await self._line.fetch(fetch)


def world_of(lines: Mapping[str, Line], clock: SimulatedClock, chance: random.Random) -> World:
    """Return the outside; a venue's hosts are found by `ws://<venue>.test`."""

    def line_of(url: str) -> Line:
        return lines[urlsplit(url).netloc.removesuffix(".test")]

    @asynccontextmanager
    async def http(rest_url: str, _proxy: str | None) -> AsyncIterator[_Host]:
        yield _Host(line_of(rest_url))

    return World(
        clock=clock,
        chance=chance.random,
        connect=lambda dial: line_of(dial.url).connect(dial),
        http=http,
    )


def spoilt(frame: bytes, chance: random.Random) -> bytes:
    """Damage a frame so that it is no JSON any more."""
    place = chance.randrange(max(1, len(frame)))
    match chance.randrange(4):
        case 0:
            return frame[:place]
        case 1:
            return frame[:place] + b"\xff" + frame[place + 1 :]
        case 2:
            return frame[:place] + b"\x00" + frame[place:]
        case _:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(80)))
