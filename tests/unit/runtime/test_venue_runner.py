"""A venue's links, requests and books in one task group, over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from tests.support.database import until
from tests.support.plain_venue import SNAPSHOT, SPEC, PlainProtocol, frame, instrument
from websockets.asyncio.server import ServerConnection, serve

from tidegauge.core.trust import Trust, TrustReason
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.runtime.outside import RestHost, real_world
from tidegauge.runtime.settings import FeedSettings
from tidegauge.runtime.venue_runner import VenueRunner
from tidegauge.wire.feed import Listing
from tidegauge.wire.protocol import Fetch, Response, VenueSpec


class Slow(RestHost):
    """Answers with a snapshot when it is allowed to."""

    def __init__(self) -> None:
        super().__init__("http://plain.test")
        self.asked: list[Fetch] = []
        self.allowed = asyncio.Event()

    async def fetch(self, fetch: Fetch) -> Response:
        self.asked.append(fetch)
        await self.allowed.wait()
        return Response(status=200, body=SNAPSHOT.encode())


class Bench:
    """A runner of one plain venue that says what it is told to."""

    def __init__(self, url: str, spec: VenueSpec = SPEC) -> None:
        self.records: list[Record] = []
        self.http = Slow()
        self.runner = VenueRunner(
            spec,
            (Listing(symbol="AAAUSDT", instrument=instrument()),),
            monitor=Monitor(MonitorPlan(), self.records.append),
            world=real_world(),
            http=self.http,
            ws_url=url,
            settings=FeedSettings(reconnect_base_s=0.01, reconnect_cap_s=0.05, mailbox=16),
            proxy=None,
            epochs=count(7),
        )
        self.keeper = self.runner.feed.keepers["AAA"]


@asynccontextmanager
async def saying(*frames: str) -> AsyncIterator[str]:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        for text in frames:
            await connection.send(text)
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as served:
        yield f"ws://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}/"


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(bench.runner.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_subscribes_follows_and_shows_what_it_counts() -> None:
    """From the socket to the book; epochs go on where the last runner stopped."""
    async with saying(SNAPSHOT, frame("delta", [("99", "5")], number=2)) as url:
        bench = Bench(url)
        async with running(bench):
            await until(lambda: bench.keeper.sequence == 2)
            assert (bench.keeper.trust, bench.keeper.epoch) == (Trust.LIVE, 7)
            view = bench.runner.view()
    assert (view.name, view.links, view.updates, view.connects) == (
        "plain",
        (("book", True),),
        2,
        1,
    )
    assert bench.runner.feed.trace().startswith(f"{SPEC.name}/7/")


async def test_a_request_does_not_hold_up_the_frames() -> None:
    """The venue takes its time to answer; the socket is read meanwhile."""
    async with saying(SNAPSHOT, frame("lost"), frame("delta", number=9)) as url:
        bench = Bench(url)
        async with running(bench):
            await until(lambda: bench.runner.feed.counts.frames == 3)
            assert len(bench.http.asked) == 1
            assert bench.keeper.trust is Trust.SYNCING
            bench.http.allowed.set()
            await until(lambda: bench.keeper.trust is Trust.LIVE)


async def test_a_refusal_ends_it_at_once_and_nothing_revives_the_book() -> None:
    """Also with a request under way, and with frames that came in the same breath."""
    async with saying(SNAPSHOT, frame("lost"), frame("refused"), SNAPSHOT, SNAPSHOT) as url:
        bench = Bench(url)
        async with asyncio.timeout(5):
            await bench.runner.run()
    assert bench.runner.quarantined == "not from here"
    assert (bench.keeper.trust, bench.keeper.reason) == (Trust.UNTRUSTED, TrustReason.REFUSED)


async def test_a_bug_of_ours_ends_it_with_every_task_it_owns() -> None:
    """The caller sees the error; no link, request or timer is left behind."""

    class Broken(PlainProtocol):
        def received(self, link: str, frame: str | bytes, now: int) -> list[object]:  # type: ignore[override]
            raise RuntimeError("a bug")

    def broken(instruments: Sequence[object]) -> Broken:
        return Broken(instruments)  # type: ignore[arg-type]

    before = asyncio.all_tasks()
    async with saying(SNAPSHOT) as url:
        bench = Bench(url, replace(SPEC, protocol=broken))  # type: ignore[arg-type]
        with pytest.raises(ExceptionGroup) as failure:
            await bench.runner.run()
        assert failure.group_contains(RuntimeError, match="a bug")
    assert asyncio.all_tasks() == before
