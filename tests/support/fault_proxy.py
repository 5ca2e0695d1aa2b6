"""A TCP proxy that does to a connection what networks do (after Toxiproxy's toxics)."""

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

HOST = "127.0.0.1"
CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """What happens to the bytes that travel from the venue to its client.

    `latency_s` (and up to `jitter_s` more) before each piece. `bytes_a_second` of bandwidth.
    `slice_bytes`: pieces of at most this size, each written by itself. `swallow`: nothing arrives
    any more, and nothing is closed. `reset_after` and `close_after`: so many bytes on, the
    connection is reset or closed. `corrupt_every`: one bit in so many bytes is flipped.
    `deaf`: what the client writes (pongs, goodbyes) is swallowed. `slow_close_s`: how long a close
    takes to arrive.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_a_second: float | None = None
    slice_bytes: int | None = None
    swallow: bool = False
    deaf: bool = False
    reset_after: int | None = None
    close_after: int | None = None
    corrupt_every: int | None = None
    slow_close_s: float = 0.0


HEALTHY = Toxic()
HALF_OPEN = Toxic(swallow=True, deaf=True)


class FaultProxy:
    """Listens on a port of its own and passes everything on, as the present `toxic` says.

    A new toxic holds for open connections too; `reset` and `close` count bytes from then on.
    """

    def __init__(self, port: int, *, seed: int = 1) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._toxic = HEALTHY
        self._since = 0
        self.port = 0
        self.opened = 0
        self.passed = 0

    @property
    def toxic(self) -> Toxic:
        return self._toxic

    @toxic.setter
    def toxic(self, toxic: Toxic) -> None:
        self._toxic, self._since = toxic, self.passed

    @property
    def open(self) -> int:
        """Return how many connections are open."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *failure: object) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)  # who was let in a moment ago is served, and ends, too
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.opened += 1
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            writer.close()
            self._connections.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on in both directions until either end has ended."""
        there_reader, there_writer = await asyncio.open_connection(HOST, self._target)
        pumps = [
            asyncio.create_task(self._down(there_reader, writer)),
            asyncio.create_task(self._up(reader, there_writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(self._toxic.slow_close_s)
        finally:
            for pump in pumps:
                pump.cancel()
            there_writer.transport.abort()
            there_writer.close()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if not self._toxic.deaf:
                writer.write(data)
                await writer.drain()
        while self._toxic.deaf:
            await asyncio.sleep(0.05)  # the client's end is not told on

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            toxic = self._toxic
            size = toxic.slice_bytes or len(data)
            for start in range(0, len(data), size):
                if not await self._pass(data[start : start + size], writer):
                    return
        while self._toxic.swallow:
            await asyncio.sleep(0.05)  # half open: the venue's end is not told on

    async def _pass(self, piece: bytes, writer: asyncio.StreamWriter) -> bool:
        """Write one piece as the toxic says. Returns whether the connection goes on."""
        toxic = self._toxic
        if toxic.latency_s or toxic.jitter_s:
            await asyncio.sleep(toxic.latency_s + toxic.jitter_s * self._random.random())
        if toxic.bytes_a_second is not None:
            await asyncio.sleep(len(piece) / toxic.bytes_a_second)
        if toxic.swallow:
            return True
        if toxic.corrupt_every is not None:
            piece = self._flip(piece, toxic.corrupt_every)
        for limit, end in ((toxic.reset_after, _reset), (toxic.close_after, _close)):
            if limit is not None and self.passed - self._since + len(piece) > limit:
                writer.write(piece[: max(0, limit - (self.passed - self._since))])
                self._since = self.passed
                await end(writer)
                return False
        writer.write(piece)
        self.passed += len(piece)
        await writer.drain()
        return True

    def _flip(self, piece: bytes, every: int) -> bytes:
        damaged = bytearray(piece)
        for _ in range(len(piece) // every + (self._random.random() < len(piece) % every / every)):
            damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        return bytes(damaged)


async def _reset(writer: asyncio.StreamWriter) -> None:
    """Send a reset: a close with unsent data thrown away."""
    kernel = writer.transport.get_extra_info("socket")
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await writer.drain()
    writer.close()
