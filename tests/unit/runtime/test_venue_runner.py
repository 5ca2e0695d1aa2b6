"""A venue's links, requests and books in one task group, over a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest
from structlog.testing import capture_logs
from tests.support.budgets import budget_for
from tests.support.database import until
from tests.support.plain_venue import SNAPSHOT, SPEC, PlainProtocol, frame, instrument
from websockets.asyncio.server import ServerConnection, serve

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.runtime.journal import Journal
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.runtime.outside import RestHost, real_world
from tidegauge.runtime.plans import Pace
from tidegauge.runtime.settings import FeedSettings
from tidegauge.runtime.venue_runner import Surroundings, VenueRunner
from tidegauge.wire.feed import Listing
from tidegauge.wire.protocol import Fetch, Output, Response, VenueSpec
from tidegauge.wire.tape import TapeKind, TapeLine

KEEPING_UP = Pace(SECOND, SECOND // 4)


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

    def __init__(
        self,
        url: str,
        spec: VenueSpec = SPEC,
        *,
        journal: Journal | None = None,
        pace: Pace = KEEPING_UP,
    ) -> None:
        self.records: list[Record] = []
        self.http = Slow()
        self.crashes: list[Exception] = []
        self.runner = VenueRunner(
            spec,
            (Listing(symbol="AAAUSDT", instrument=instrument()),),
            Surroundings(
                monitor=Monitor(MonitorPlan(), self.records.append),
                world=real_world(),
                pace=pace,
                settings=FeedSettings(reconnect_base_s=0.01, reconnect_cap_s=0.05, mailbox=16),
                crashed=self.crashes.append,
                journal=journal,
            ),
            http=self.http,
            budget=budget_for(url),
            urls=(url, "http://plain.test"),
            epochs=count(7),
        )

    @property
    def keeper(self) -> BookKeeper:
        (keeper,) = self.runner.keepers
        return keeper


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
    assert bench.runner.fleet.feeds[0].trace().startswith(f"{SPEC.name}/7/")


async def test_how_long_each_frame_took_to_its_reading_is_counted() -> None:
    """A frame that gives none is not; what is counted includes the wait for its turn."""
    async with saying(SNAPSHOT, frame("delta", [("99", "5")], number=2), "{}") as url:
        bench = Bench(url)
        took = bench.runner._around.feed_to_reading
        began = time.monotonic_ns()
        async with running(bench):
            await until(lambda: bench.runner.view().connects == 1)
            await until(lambda: bench.runner.fleet.counts.frames == 3)
            shown, passed = took.snapshot(), time.monotonic_ns() - began
    assert shown.count == 2
    assert 0 < shown.sum * SECOND < 2 * passed


async def test_a_request_does_not_hold_up_the_frames() -> None:
    """The venue takes its time to answer; the socket is read meanwhile."""
    async with saying(SNAPSHOT, frame("lost"), frame("delta", number=9)) as url:
        bench = Bench(url)
        async with running(bench):
            await until(lambda: bench.runner.fleet.counts.frames == 3 and bool(bench.http.asked))
            assert len(bench.http.asked) == 1
            assert bench.keeper.trust is Trust.SYNCING
            bench.http.allowed.set()
            await until(lambda: bench.keeper.trust is Trust.LIVE)


async def test_a_refusal_ends_it_at_once_and_nothing_revives_the_book() -> None:
    """Also with a request under way, and with frames that came in the same breath."""
    async with saying(SNAPSHOT, frame("lost"), frame("refused"), SNAPSHOT, SNAPSHOT) as url:
        bench = Bench(url)
        async with asyncio.timeout(20):
            await bench.runner.run()
    assert bench.runner.quarantined == "not from here"
    assert (bench.keeper.trust, bench.keeper.reason) == (Trust.UNTRUSTED, TrustReason.REFUSED)


class Fragile(PlainProtocol):
    """Has a bug in what it does of a frame, or of a tick."""

    def received(self, link: str, frame: str | bytes, now: int) -> list[Output]:
        if b"bug" in bytes(frame if isinstance(frame, bytes) else frame.encode()):
            raise RuntimeError("a bug")
        return super().received(link, frame, now)


class Tickless(PlainProtocol):
    """Has a bug that concerns no shard in particular."""

    def tick(self, now: int) -> list[Output]:
        raise RuntimeError("a bug")


async def test_a_bug_of_ours_costs_one_shard_its_connection() -> None:
    """It is told of, its books are not believed, and it begins afresh after a moment."""
    async with saying(SNAPSHOT, "bug") as url:
        bench = Bench(url, replace(SPEC, protocol=Fragile))
        with capture_logs() as lines:
            async with running(bench):
                await until(lambda: bench.runner.fleet.counts.connects > 1)
    assert [line["trace"] for line in lines if line["event"] == "shard_crashed"][:1] == [
        "plain/7/2"
    ]
    assert [str(crash) for crash in bench.crashes][:1] == ["a bug"]
    kinds = [record.kind for record in bench.records if isinstance(record, FeedEvent)]
    assert FeedEventKind.DISCONNECTED in kinds


async def test_a_bug_beyond_one_shard_ends_it_with_every_task_it_owns() -> None:
    """The caller sees the error; no link, request or timer is left behind."""
    before = asyncio.all_tasks()
    async with saying(SNAPSHOT) as url:
        bench = Bench(url, replace(SPEC, protocol=Tickless))
        with pytest.raises(ExceptionGroup) as failure:
            async with asyncio.timeout(20):
                await bench.runner.run()
        assert failure.group_contains(RuntimeError, match="a bug")
    assert asyncio.all_tasks() == before
    bench.runner.failed("a bug")
    assert bench.runner.fleet.shards == ["0"]


async def test_a_roll_opens_a_second_socket_and_closes_the_first() -> None:
    """The book is believed throughout, by the epoch of the one and then of the other."""
    async with saying(SNAPSHOT) as url:
        bench = Bench(url)
        async with running(bench):
            await until(lambda: bench.keeper.trust is Trust.LIVE)
            bench.runner.roll("0", "told to")
            await until(lambda: bench.keeper.epoch == 8)
            assert bench.keeper.trust is Trust.LIVE
            await until(lambda: bench.runner.view().links == (("book", True),))
    events = [record for record in bench.records if isinstance(record, FeedEvent)]
    assert [event.trust for event in events if event.kind is FeedEventKind.TRUST][-1] is Trust.LIVE
    assert sum(event.kind is FeedEventKind.ROLLED for event in events) == 1


async def test_symbols_come_and_go_while_it_runs() -> None:
    """The first book goes on; what is let go is watched no more."""
    async with saying(SNAPSHOT, frame("snapshot", [("9", "1")], [("10", "1")], name="BBB")) as url:
        bench = Bench(url)
        async with running(bench):
            await until(lambda: bench.keeper.trust is Trust.LIVE)
            bench.runner.add(Listing(symbol="BBBUSDT", instrument=instrument("BBB")))
            await until(lambda: len(bench.runner.keepers) == 2)
            assert all(keeper.trust is Trust.LIVE for keeper in bench.runner.keepers)
            bench.runner.remove("AAA", "told to")
            await until(lambda: [k.instrument.name for k in bench.runner.keepers] == ["BBB"])
            assert bench.keeper.trust is Trust.LIVE


async def test_everything_is_noted_as_it_is_acted_upon() -> None:
    """What a replay needs: the venue, its socket, its frames and what we said, in that order."""
    lines: list[TapeLine] = []

    class Notes:
        def note(self, line: TapeLine) -> None:
            lines.append(line)

    async with saying(SNAPSHOT) as url:
        bench = Bench(url.replace("//", "//user:hunter2@"), journal=Notes())
        async with running(bench):
            await until(lambda: bench.keeper.trust is Trust.LIVE)
            bench.runner.roll("0", "told to")
            await until(lambda: bench.keeper.epoch == 8)
    kinds = [line.kind for line in lines if line.kind is not TapeKind.TICK]
    assert kinds[:4] == [TapeKind.META, TapeKind.OPEN, TapeKind.SEND, TapeKind.RECV]
    assert lines[-1].at >= lines[0].at
    assert {line.conn.partition("#")[2] for line in lines if line.kind is TapeKind.OPEN} == {
        "plain/0.book",
        "plain/1.book",
    }
    assert not any("hunter2" in line.written() for line in lines)


async def test_a_venue_that_falls_behind_is_read_less_often_and_says_so() -> None:
    """Every update still reaches the book, and once nothing waits each is read again."""
    updates = [frame("delta", [("99", str(number))], number=number) for number in range(2, 60)]
    async with saying(SNAPSHOT, *updates) as url:
        # What has waited for a nanosecond is late: everything is.
        bench = Bench(url, pace=Pace(0, SECOND))
        async with running(bench):
            await until(lambda: bench.keeper.sequence == 59)
            assert dict(bench.keeper.book.top(Side.BID, 9))[Decimal(99)] == 59
            monitor = bench.runner._around.monitor
            assert monitor.conflated > 40
            assert monitor.readings < 15
    told = [each for each in bench.records if isinstance(each, FeedEvent)]
    assert [event.kind for event in told].count(FeedEventKind.CONFLATED) == 2
    assert not bench.runner._around.monitor._paces  # who runs it next begins with nothing waiting
