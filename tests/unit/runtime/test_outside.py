"""REST requests against a real server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tidegauge.runtime import outside
from tidegauge.runtime.outside import RestHost
from tidegauge.runtime.world import Dial, Unreachable
from tidegauge.wire.protocol import Fetch, Purpose, Response

GET = Fetch(purpose=Purpose.SNAPSHOT, path="/depth", params=(("symbol", "A&B"),))
POST = Fetch(purpose=Purpose.SNAPSHOT, path="/info", body='{"type":"meta"}')

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[RestHost]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with RestHost(f"http://127.0.0.1:{port}/") as client:
            yield client
    finally:
        await runner.cleanup()


async def answer_to(fetch: Fetch, handler: Handler) -> Response:
    async with served(handler) as client:
        return await client.fetch(fetch)


async def test_a_request_is_made_as_asked() -> None:
    """Path, query, body, and what the venue answered, whatever its status."""
    seen: list[tuple[str, str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.path_qs, await request.text()))
        return web.Response(status=418, body=b"teapot", headers={"Retry-After": "7"})

    async with served(handler) as client:
        answer = await client.fetch(GET)
        await client.fetch(POST)
    assert (answer.status, answer.body, answer.retry_after) == (418, b"teapot", 7.0)
    assert seen == [("GET", "/depth?symbol=A%26B", ""), ("POST", "/info", '{"type":"meta"}')]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("9" * 400, outside.LONGEST_WAIT_S), ("²", None), ("-1", None), ("soon", None)],
)
async def test_a_wait_is_read_from_seconds_only_and_is_bounded(
    header: str, seconds: float | None
) -> None:
    """A venue cannot put us off for ever, and a word that is no number is no wait."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": header})

    assert (await answer_to(GET, handler)).retry_after == seconds


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is limited while it is read, not after."""
    monkeypatch.setattr(outside, "MAX_BODY", 100_000)

    async def handler(request: web.Request) -> web.StreamResponse:
        endless = web.StreamResponse()
        await endless.prepare(request)
        try:
            while True:
                await endless.write(b"x" * 10_000)
        except ConnectionError:
            return endless

    answer = await answer_to(GET, handler)
    assert (answer.status, answer.body) == (0, b"the answer is too large")


async def test_a_server_that_hangs_up_or_hangs_is_status_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is raised for the network; the body says what happened."""

    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    for handler, word, patience_s in ((hang_up, b"Disconnected", 20), (hang, b"Timeout", 0.2)):
        monkeypatch.setattr(outside, "TIMEOUT_S", patience_s)
        answer = await answer_to(GET, handler)
        assert answer.status == 0
        assert word in answer.body


async def test_nobody_there_is_status_zero() -> None:
    """A refused connection is an answer too."""
    async with RestHost("http://127.0.0.1:1") as client:
        answer = await client.fetch(GET)
    assert answer.status == 0
    assert b"ClientConnectorError" in answer.body


async def test_it_is_to_be_entered_first() -> None:
    """A mistake of ours is raised, not answered."""
    with pytest.raises(RuntimeError):
        await RestHost("http://127.0.0.1:1").fetch(GET)


async def test_no_word_of_an_error_holds_the_password_of_a_proxy() -> None:
    """The clients' own messages tell the whole address: a proxy that refuses, and one that is none."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        proxy = f"http://user:hunter2@127.0.0.1:{port}"
        async with RestHost("https://venue.example", proxy) as client:
            answer = await client.fetch(GET)
    assert answer.status == 0
    assert b"407" in answer.body
    assert b"hunter2" not in answer.body
    dial = Dial(
        url="wss://venue.example",
        proxy=f"ftp://user:hunter2@127.0.0.1:{port}",
        max_frame=1000,
        open_timeout_s=2,
        close_timeout_s=1,
    )
    with pytest.raises(Unreachable, match="isn't a valid proxy") as error:
        async with outside.open_socket(dial):
            pass
    assert "hunter2" not in str(error.value)
