"""A proxy between the monitor and its venues: everything goes by it, or nothing does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from tests.support.apps import settings_for, watching
from tests.support.database import until

from tidegauge.core.events import FeedEventKind
from tidegauge.runtime.local_server import Endpoint
from tidegauge.runtime.local_venues import LocalVenues

CANARY = "c4n4ry-Pa55word"


@dataclass(slots=True)
class Proxy:
    """Forwards requests and tunnels, to this machine whatever the host's name; remembers what was
    asked of it, and refuses if told to."""

    port: int = 0
    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, version = head.split(b"\r\n")[0].decode().split(" ")
            self.asked.append(f"{method} {target}")
            if self.refuses:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            elif method == "CONNECT":
                port = int(target.rpartition(":")[2])
                there = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._join(reader, writer, *there)
            else:
                where = urlsplit(target)
                there = await asyncio.open_connection("127.0.0.1", where.port)
                rest = head.partition(b"\r\n")[2]
                path = target.partition(where.netloc)[2]
                there[1].write(f"{method} {path} {version}\r\n".encode() + rest)
                await self._join(reader, writer, *there)
        writer.close()

    async def _join(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def a_proxy(*, refuses: bool = False) -> AsyncIterator[Proxy]:
    proxy = Proxy(refuses=refuses)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


async def test_a_proxy_that_is_set_is_used_for_rest_and_sockets(tmp_path: Path) -> None:
    """The venues' names mean something to the proxy only: nothing gets there round it."""
    names = ("binance", "hyperliquid")
    async with LocalVenues(venues=names) as venues, a_proxy() as proxy:
        hidden = {
            name: Endpoint(
                ws_url=at.ws_url.replace("127.0.0.1", f"{name}.test"),
                rest_url=at.rest_url.replace("127.0.0.1", f"{name}.test"),
            )
            for name, at in venues.endpoints.items()
        }
        url = f"http://127.0.0.1:{proxy.port}"
        async with watching(settings_for(hidden, tmp_path, proxy=url), names) as watched:
            for name in names:
                host = urlsplit(hidden[name].ws_url).netloc
                opened = f"CONNECT {host}"
                # One that was asked for may not be open yet.
                await until(lambda: proxy.asked.count(opened) == watched.seen(name).connects)  # noqa: B023
                assert any(f" {hidden[name].rest_url}/" in each for each in proxy.asked)


async def test_a_proxy_that_refuses_is_told_of_without_its_password(tmp_path: Path) -> None:
    """The venue counts as unavailable, is tried again, and comes up when the proxy lets us."""
    async with LocalVenues(venues=("binance",)) as venues, a_proxy(refuses=True) as proxy:
        url = f"http://monitor:{CANARY}@127.0.0.1:{proxy.port}"
        settings = settings_for(venues.endpoints, tmp_path, proxy=url)
        with structlog.testing.capture_logs() as logged:
            async with watching(settings, ("binance",), all_live=False) as watched:
                await until(lambda: len(proxy.asked) > 1)
                await until(lambda: "HTTP 407" in (watched.seen("binance").quarantined or ""))
                proxy.refuses = False
                await until(lambda: watched.live("binance"))
                proxy.refuses = True
                venues.dialects["binance"].cut()
                await until(lambda: bool(watched.told(FeedEventKind.DISCONNECTED, "binance")))
                asked = len(proxy.asked)
                await until(lambda: len(proxy.asked) > asked)
                proxy.refuses = False
                await until(lambda: watched.keeper("binance").epoch > 1 and watched.live())
        assert CANARY not in str(logged)
        assert CANARY not in str(watched.events)


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo works where HTTPS_PROXY is set: local venues are reached directly."""
    async with LocalVenues(venues=("binance",)) as venues, a_proxy(refuses=True) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with watching(settings_for(venues.endpoints, tmp_path), ("binance",)):
            assert proxy.asked == []
