"""What a client that is slow, large, many or wrong can do to a server: nothing, on real sockets."""

import asyncio
import contextlib
import json
import os
import resource
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.support.api import Served, an_api
from tests.support.cli import PATIENCE_S
from tests.support.database import until

from tidegauge.faces.api.binding import bound
from tidegauge.faces.api.connections import LARGEST_HEAD, MOST_AHEAD, Patience
from tidegauge.faces.api.serving import LARGEST_MESSAGE, serving
from tidegauge.runtime.settings_serve import ServeSettings

MEBI = 1024 * 1024
QUICK = Patience(head_s=0.3, body_s=0.5)


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


def resident() -> int:
    """Return how much memory this process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def test_a_head_that_does_not_end_is_answered_and_closed(tmp_path: Path) -> None:
    """However it drips: nothing at all, empty lines, a line at a time, or after an answer."""
    async with api(tmp_path, QUICK) as at:
        for first in (
            "",
            "\r\n",
            "G",
            "GET /things/1 HTTP/1.1\r\n",
            f"GET / HTTP/1.1\r\n{at.head}",
        ):
            async with client(at) as slow:
                await slow.say(first)
                status, headers, body = await slow.answer()
                assert (status, json.loads(body)["status"]) == (408, 408), first
                assert headers["connection"] == "close"
                assert headers["content-type"] == "application/problem+json"
                assert await slow.left() == b""
        async with client(at) as slow:
            await slow.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await slow.answer())[0] == 200
            await slow.say("GET /thi")
            assert (await slow.answer())[0] == 408
        assert await serves(at)


async def test_a_drip_of_headers_does_not_buy_time(tmp_path: Path) -> None:
    """The deadline is of the whole head."""
    async with api(tmp_path, QUICK) as at, client(at) as slow:
        await slow.say(f"GET /things/1 HTTP/1.1\r\n{at.head}")
        answering = asyncio.create_task(slow.answer())
        drips = 0
        while not answering.done():
            await slow.say(f"X-{drips}: y\r\n")
            drips += 1
            await asyncio.wait({answering}, timeout=0.02)
        assert answering.result()[0] == 408
        assert drips > 3


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    """Its route is never called."""
    async with api(tmp_path, QUICK) as at, client(at) as slow:
        await slow.say(f"POST /things HTTP/1.1\r\n{at.head}Content-Length: 9\r\n\r\n{{")
        assert (await slow.answer())[0] == 408
        assert await slow.left() == b""


@pytest.mark.parametrize("framing", [f"Content-Length: {100 * MEBI}", "Transfer-Encoding: chunked"])
async def test_a_body_of_a_hundred_megabytes_costs_no_memory(tmp_path: Path, framing: str) -> None:
    """It is refused as soon as it is, or says it is, too large."""
    async with api(tmp_path) as at, client(at) as large:
        before = resident()
        await large.say(f"POST /things HTTP/1.1\r\n{at.head}{framing}\r\n\r\n")
        piece = b"x" * MEBI
        if "chunked" in framing:
            piece = f"{MEBI:x}\r\n".encode() + piece + b"\r\n"
        answering = asyncio.create_task(large.answer())
        for _ in range(100):
            if large.writer.is_closing():
                break
            await large.say(piece)
        status, _headers, body = await answering
        assert (status, json.loads(body)["status"]) == (413, 413)
        assert resident() - before < 30 * MEBI
        assert await serves(at)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /?{long} HTTP/1.1\r\nHost: localhost\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}{long}\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 101, 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "{long}" * 200, 431),
        ("not HTTP\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n", 401),
        ("CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n", 400),
        ("GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n", 421),
    ],
)
async def test_a_head_that_nobody_needs_is_refused(tmp_path: Path, head: str, status: int) -> None:
    """With a problem, and no more of it is read."""
    async with api(tmp_path) as at, client(at) as odd:
        await odd.say(head.format(long="x" * (LARGEST_HEAD // 2 + 100)) + "\r\n")
        answer = await odd.answer()
        assert answer[0] == status
        assert answer[1]["content-type"] == "application/problem+json"
        assert "content-security-policy" in answer[1]
        assert await serves(at)


async def test_requests_far_ahead_of_their_answers_are_refused(tmp_path: Path) -> None:
    """A few are served in their order."""
    async with api(tmp_path) as at:
        one = f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n"
        async with client(at) as eager:
            await eager.say(one * (MOST_AHEAD // 2))
            for _ in range(MOST_AHEAD // 2):
                assert (await eager.answer())[0] == 200
        async with client(at) as eager:
            await eager.say(one * 1_000)
            answers = (await eager.left()).count(b"HTTP/1.1 ")
            assert answers <= MOST_AHEAD + 1
        assert await serves(at)


async def test_more_connections_than_are_allowed_cost_the_idle_ones(tmp_path: Path) -> None:
    """The one that waited longest is closed; who asks is answered throughout."""
    async with api(tmp_path, Patience(connections=20)) as at, contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(client(at)) for _ in range(20)]
        async with client(at) as eager:
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await eager.answer())[0] == 200
            assert await idle[0].left() == b""
            assert await serves(at)
            assert await idle[1].left() == b""
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await eager.answer())[0] == 200


async def test_connections_between_two_requests_are_idle_ones_too(tmp_path: Path) -> None:
    """Whoever asked something public once could otherwise keep all others out."""
    async with api(tmp_path, Patience(connections=20)) as at, contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            one = await stack.enter_async_context(client(at))
            await one.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await one.answer())[0] == 200
        assert await serves(at)


async def crowd(at: At, many: int) -> int:
    """Open so many connections that say nothing; return how much memory that took."""
    loop, before = asyncio.get_running_loop(), resident()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, 2 * many + 1_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    with contextlib.ExitStack() as stack:
        held: deque[socket.socket] = deque()
        for _ in range(many):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", at.port))
            held.append(one)
            if len(held) > most // 2:  # this process has both ends of them
                held.popleft().close()
        assert await serves(at)
        return resident() - before


async def test_idle_connections_cost_little(tmp_path: Path) -> None:
    """A small form."""
    async with api(tmp_path, Patience(connections=200)) as at:
        assert await crowd(at, 1_000) < 50 * MEBI


@pytest.mark.campaign
async def test_ten_thousand_idle_connections_cost_little(tmp_path: Path) -> None:
    """S-05: less than 100 MB."""
    async with api(tmp_path) as at:
        taken = await crowd(at, 10_000)
        print(f"10,000 idle connections took {taken / MEBI:.1f} MiB")
        assert taken < 100 * MEBI


def streaming(at: At, **more: Any) -> Any:
    """Connect to the stream."""
    token = {"Authorization": f"Bearer {at.served.tokens.read}"}
    address = f"ws://localhost:{at.port}/stream"
    return websockets.connect(address, additional_headers=token, proxy=None, **more)


async def test_a_stream_takes_small_messages_only(tmp_path: Path) -> None:
    """A larger one ends it, in one piece or in many."""
    async with api(tmp_path) as at:
        async with streaming(at) as stream:
            await stream.send("x" * LARGEST_MESSAGE)
            assert len(await stream.recv()) == LARGEST_MESSAGE
        for large in ("x" * (LARGEST_MESSAGE + 1), ["x" * 1_000] * 17):
            async with streaming(at) as stream:
                await stream.send(large)
                with pytest.raises(websockets.ConnectionClosed):
                    await stream.recv()
                assert stream.close_code == 1009
        assert await serves(at)


async def test_streams_beyond_the_most_are_refused(tmp_path: Path) -> None:
    """Until one ends."""
    async with api(tmp_path, streams=2) as at, streaming(at):
        async with streaming(at):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await streaming(at)
            assert refused.value.response.status_code == 503
            assert json.loads(refused.value.response.body)["status"] == 503
            assert "retry-after" in refused.value.response.headers

        async def room() -> bool:
            with contextlib.suppress(websockets.InvalidStatus):
                await (await streaming(at)).close()
                return True
            return False

        async with asyncio.timeout(PATIENCE_S):
            while not await room():
                await asyncio.sleep(0.01)


async def test_a_stranger_gets_no_stream(tmp_path: Path) -> None:
    """The handshake is refused before a stream is opened."""
    async with api(tmp_path) as at:
        address = f"ws://localhost:{at.port}/stream"
        bearer = f"Bearer {at.served.tokens.operate}"
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": bearer, "Origin": "http://evil.example"}, 403),
        ):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(address, additional_headers=headers, proxy=None)
            assert refused.value.response.status_code == status
            assert "content-security-policy" in refused.value.response.headers
        known = {"Authorization": bearer}
        other = f"ws://localhost:{at.port}/nothing"
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(other, additional_headers=known, proxy=None)
        assert refused.value.response.status_code in (403, 404)


async def test_two_hundred_requests_a_second_pass(tmp_path: Path) -> None:
    """A burst of twice the rate does too."""
    async with api(tmp_path) as at, client(at) as eager:
        statuses = []
        for _ in range(100):
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n" * 8)
            statuses += [(await eager.answer())[0] for _ in range(8)]
        assert set(statuses) == {200}


async def test_a_server_ends_with_streams_open(tmp_path: Path) -> None:
    """They are told, and not waited for."""
    async with contextlib.AsyncExitStack() as stack:
        async with api(tmp_path) as at:
            stream = await stack.enter_async_context(streaming(at))
            idle = await stack.enter_async_context(client(at))
        await until(lambda: stream.close_code is not None)
        assert stream.close_code == 1012
        assert await idle.left() == b""
