"""A USD-M venue in a process of its own: says a tape over a WebSocket as fast as it is taken.

`python -m benchmarks.venue_server INPUT MESSAGES` prints its port and serves until its standard input
ends. The WebSocket is written by hand, from frames made beforehand, so that the server is not what
is measured. A path that begins with `/RATE/` is told so many frames a second; `/0/` as many as go.
"""

import asyncio
import base64
import hashlib
import json
import struct
import sys
from collections.abc import Sequence
from typing import cast
from urllib.parse import parse_qs, urlsplit

import uvloop

from .inputs import Input, load

HOST = "127.0.0.1"
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What RFC 6455 section 1.3 has a server hash."""

AFTER_SNAPSHOT_S = 0.5
"""A client may join the book, and gather its garbage, before the tape begins."""

CHUNK = 64 * 1024
CLOSE = 0x8

SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "contractType": "PERPETUAL",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001"},
    ],
}


def framed(payload: bytes) -> bytes:
    """Return one unmasked text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload


class Venue:
    """The tape, and whom it is told to."""

    def __init__(self, given: Input) -> None:
        self.snapshot = given.snapshot
        self.first = framed(given.frames[0])
        self.rest = [framed(frame) for frame in given.timed]
        self.listener: Connection | None = None
        self.telling: asyncio.Task[None] | None = None

    def answer(self, path: str) -> bytes:
        """Return the body of a REST answer; the first question for the book starts the tape."""
        if path.endswith("/exchangeInfo"):
            return json.dumps({"symbols": [SYMBOL]}).encode()
        if path.endswith("/depth"):
            if self.listener is not None and self.telling is None:
                self.telling = asyncio.create_task(self.listener.tell(self.rest))
            return self.snapshot
        return b'{"symbol":"BTCUSDT","openInterest":"1.000","time":1790000000000}'

    def listen(self, connection: "Connection") -> None:
        """A new client: the tape begins again, once it has asked for the book."""
        self.listener, self.telling = connection, None


class Connection(asyncio.Protocol):
    """One connection: HTTP until it is upgraded."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._upgraded = False
        self._rate = 0.0
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._upgraded:
            if data[0] & 0xF == CLOSE:
                self._transport.close()
            return
        self._received += data
        while b"\r\n\r\n" in self._received and not self._upgraded:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._asked(head.decode("latin-1").split("\r\n"))

    def _asked(self, lines: Sequence[str]) -> None:
        assert self._transport is not None
        target = urlsplit(lines[0].split(" ")[1])
        headers = {
            name.lower(): text.strip() for name, _, text in (x.partition(":") for x in lines)
        }
        if "sec-websocket-key" not in headers:
            body = self._venue.answer(target.path)
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            self._transport.write(head.encode() + b"\r\n\r\n" + body)
            return
        key = hashlib.sha1(  # noqa: S324 (the protocol wants it)
            (headers["sec-websocket-key"] + WEBSOCKET).encode()
        ).digest()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        accept = f"Sec-WebSocket-Accept: {base64.b64encode(key).decode()}\r\n\r\n"
        self._transport.write((head + accept).encode())
        self._upgraded = True
        self._rate = float(target.path.split("/")[1])
        if "@depth" in parse_qs(target.query).get("streams", [""])[0]:
            self._venue.listen(self)
            self._transport.write(self._venue.first)

    async def tell(self, frames: Sequence[bytes]) -> None:
        """Say frames: as many as are taken, or at the rate that the path named."""
        await asyncio.sleep(AFTER_SNAPSHOT_S)
        loop = asyncio.get_running_loop()
        began, told = loop.time(), 0
        while told < len(frames):
            await self._may_write.wait()
            if self._transport is None:
                return
            until = len(frames) if not self._rate else int((loop.time() - began) * self._rate) + 1
            chunk: list[bytes] = []
            size = 0
            while told < min(until, len(frames)) and size < CHUNK:
                chunk.append(frames[told])
                size += len(frames[told])
                told += 1
            self._transport.write(b"".join(chunk))
            if self._rate:
                await asyncio.sleep(max(0.0, began + told / self._rate - loop.time()))


async def serve(given: Input) -> None:
    """Serve until standard input ends."""
    venue = Venue(given)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(venue), HOST, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.close()


def main(arguments: Sequence[str]) -> None:
    """Serve the input that was named."""
    name, messages = arguments
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(load(name, int(messages))))


if __name__ == "__main__":
    main(sys.argv[1:])
