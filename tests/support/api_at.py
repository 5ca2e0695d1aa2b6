"""An API at a port, and a client that says what it wants, byte by byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.api import Served, an_api
from tests.support.cli import PATIENCE_S

from tidegauge.faces.api.binding import bound
from tidegauge.faces.api.connections import Patience
from tidegauge.faces.api.serving import serving
from tidegauge.runtime.settings_serve import ServeSettings


@dataclass(frozen=True, slots=True)
class At:
    """An API at a port."""

    served: Served
    port: int

    @property
    def head(self) -> str:
        """The headers of one who operates."""
        return f"Host: localhost\r\nAuthorization: Bearer {self.served.tokens.operate}\r\n"


@asynccontextmanager
async def api(folder: Path, patience: Patience | None = None, **settings: Any) -> AsyncIterator[At]:
    """Serve an API with routes of every kind."""
    serve = ServeSettings(port=0, **settings)
    served = an_api(folder, serve)
    with contextlib.closing(bound(serve)) as at:
        async with serving(served.app, at, serve, patience):
            yield At(served, at.getsockname()[1])


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: str | bytes) -> None:
        """Send something."""
        self.writer.write(text.encode() if isinstance(text, str) else text)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def left(self) -> bytes:
        """Return what comes until the server closes the connection."""
        found = b""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError):
                while some := await self.reader.read(65_536):
                    found += some
        return found


@asynccontextmanager
async def client(at: At) -> AsyncIterator[Client]:
    """Connect."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def serves(at: At) -> bool:
    """Whether somebody who asks is answered."""
    async with client(at) as one:
        await one.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
        return (await one.answer())[0] == 200
