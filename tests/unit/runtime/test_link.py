"""One socket, kept open against a real server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import pytest
from tests.support.budgets import budget_for
from tests.support.database import until
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tidegauge.runtime import link as links
from tidegauge.runtime.link import FrameCame, Link, LinkClosed, LinkItem, LinkOpened, LinkRefused
from tidegauge.runtime.outside import real_world
from tidegauge.runtime.settings import FeedSettings

QUICK = FeedSettings(reconnect_base_s=0.01, reconnect_cap_s=0.05)

WORLD = real_world()

Handler = Callable[[ServerConnection], Awaitable[None]]


class Bench:
    """A link to one address, and all it told."""

    def __init__(
        self,
        url: str,
        *,
        proxy: str | None = None,
        max_frame: int = 1000,
        close_timeout_s: float = 0.2,
    ) -> None:
        self.told: list[LinkItem] = []
        self.link = Link(
            "book",
            venue="plain",
            url=url,
            put=self.told.append,
            tell=self.told.append,
            settings=QUICK.model_copy(update={"close_timeout_s": close_timeout_s}),
            world=WORLD,
            budget=budget_for(url),
            proxy=proxy,
            max_frame=max_frame,
        )

    def count(self, kind: type) -> int:
        return sum(isinstance(item, kind) for item in self.told)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.link.run())
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def server(handler: Handler, status: HTTPStatus | None = None) -> AsyncIterator[str]:
    def refuse(_connection: ServerConnection, _request: Request) -> Response | None:
        return None if status is None else Response(status.value, status.phrase, Headers())

    async with serve(handler, "127.0.0.1", 0, process_request=refuse, close_timeout=0.1) as served:
        port = next(iter(served.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def idle(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_what_is_heard_is_put_and_what_is_sent_arrives() -> None:
    """Frames come as bytes, undecoded: whether they are UTF-8 is the decoder's to judge."""
    heard: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        heard.append(await connection.recv())
        await connection.send("grüezi")
        await connection.wait_closed()

    async with server(handler) as url:
        bench = Bench(url)
        async with bench.running():
            await until(lambda: bench.link.connected)
            bench.link.send("subscribe")
            await until(lambda: bench.count(FrameCame) == 1)
    assert heard == ["subscribe"]
    assert isinstance(bench.told[0], LinkOpened)
    assert [item.frame for item in bench.told if isinstance(item, FrameCame)] == ["grüezi".encode()]


async def test_a_link_that_is_dropped_is_opened_again() -> None:
    """The reason is the one it was dropped for; what was to be sent is forgotten."""
    async with server(idle) as url:
        bench = Bench(url)
        async with bench.running():
            for times in (1, 2):
                await until(lambda: bench.count(LinkOpened) == times and bench.link.connected)  # noqa: B023
                bench.link.drop("told to")
                bench.link.drop("twice")
                await until(lambda: bench.count(LinkClosed) == times)  # noqa: B023
    reasons = {item.reason for item in bench.told if isinstance(item, LinkClosed)}
    assert reasons == {"told to"}


async def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    """It is refused by its size, before it is held."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 1001)
        await connection.wait_closed()

    async with server(handler) as url:
        bench = Bench(url)
        async with bench.running():
            await until(lambda: bench.count(LinkClosed) > 0)
    (first, *_) = [item for item in bench.told if isinstance(item, LinkClosed)]
    assert "too big" in first.reason
    assert bench.count(FrameCame) == 0


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus(451), HTTPStatus.UNAUTHORIZED])
async def test_a_refusal_ends_the_link(status: HTTPStatus) -> None:
    """By region or key: asking again would not help."""
    async with server(idle, status) as url:
        bench = Bench(url)
        async with asyncio.timeout(20):
            await bench.link.run()
    (told,) = bench.told
    assert isinstance(told, LinkRefused)
    assert str(status.value) in told.reason


async def test_another_bad_status_is_tried_again() -> None:
    """A venue under maintenance answers 503; it is asked again, with growing patience."""
    async with server(idle, HTTPStatus.SERVICE_UNAVAILABLE) as url:
        bench = Bench(url)
        async with bench.running() as task:
            await until(lambda: bench.link.attempts > 3)
            assert not task.done()
    assert bench.told == []


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("ws://127.0.0.1:1", None),
        ("nonsense", None),
        ("ws://venue.invalid:1", None),
        ("ws://venue.test", "http://127.0.0.1:1"),
        ("ws://venue.test", "socks9://127.0.0.1:1"),
    ],
)
async def test_whatever_keeps_it_from_connecting_is_tried_again(
    url: str, proxy: str | None
) -> None:
    """No address, no proxy and no name server is a reason to crash."""
    bench = Bench(url, proxy=proxy)
    async with bench.running() as task:
        await until(lambda: bench.link.attempts > 2, 60)  # a name server may be asked in vain
        assert not task.done()


async def test_a_proxy_of_the_environment_that_cannot_be_used_is_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A SOCKS proxy needs a library that is not here; that is told as any other failure."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    bench = Bench("ws://venue.test")
    async with bench.running() as task:
        await until(lambda: bench.link.attempts > 2, 60)  # a name server may be asked in vain
        assert not task.done()


async def test_a_venue_that_does_not_answer_our_goodbye_does_not_hold_us_up() -> None:
    """Half a second for manners, then the socket is cut."""

    over = asyncio.Event()

    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.send("hello")
        await over.wait()

    async with server(deaf) as url:
        bench = Bench(url, close_timeout_s=60)
        async with asyncio.timeout(30), bench.running():
            await until(lambda: bench.count(FrameCame) == 1)
        over.set()


async def test_a_venue_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to be written is bounded."""
    monkeypatch.setattr(links, "OUTBOX", 3)
    async with server(idle) as url:
        bench = Bench(url)
        async with bench.running():
            await until(lambda: bench.link.connected)
            for _ in range(5):
                bench.link.send("again")
            await until(lambda: bench.count(LinkClosed) == 1)
    (closed,) = [item for item in bench.told if isinstance(item, LinkClosed)][:1]
    assert "does not read" in closed.reason
