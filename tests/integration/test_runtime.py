"""The running monitor over real sockets, when venues misbehave or our own code does."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.apps import replace_spec, rows_in, settings_for, watching, wrap_protocol
from tests.support.database import until

from tidegauge.core.errors import OperatorError
from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.runtime import venue_runner
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.sinks.connect import Database
from tidegauge.sinks.writer import PostgresWriter
from tidegauge.venues import load
from tidegauge.wire import links as wire_links
from tidegauge.wire.protocol import Output, VenueProtocol

GHOST = (("0.01", "123456"),)
"""A level no venue here ever tells of: were it in a book after a reconnect, it was carried over."""


# -- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 451])
async def test_a_venue_that_refuses_us_from_the_start_is_left_alone(
    status: int, database: Database, tmp_path: Path
) -> None:
    """Its catalogue was refused: it is quarantined with the reason, the others run, a row tells."""
    names = ("binance", "bybit-spot")
    async with LocalVenues(venues=names) as venues:
        venues.dialects["binance"].refuse_with = status
        settings = settings_for(venues.endpoints, tmp_path, database)
        async with watching(settings, names, store=True) as watched:
            assert f"HTTP {status}" in (watched.seen("binance").quarantined or "")
            (event,) = watched.told(FeedEventKind.QUARANTINED, "binance")
            assert f"HTTP {status}" in event.detail
            asked = len(venues.dialects["binance"].requests)
            before = watched.seen("bybit-spot").updates
            await until(lambda: watched.seen("bybit-spot").updates > before + 20)
            assert len(venues.dialects["binance"].requests) == asked, "it is not asked again"
    async with database.session() as connection:
        detail = await connection.fetchval(
            "SELECT detail FROM tidegauge.feed_events WHERE venue = 'binance' AND kind = 'quarantined'"
        )
    assert f"HTTP {status}" in detail


async def test_a_venue_that_refuses_us_later_is_left_alone(tmp_path: Path) -> None:
    """A handshake answered with 451 ends that venue only; its books are not believed any more."""
    names = ("binance", "hyperliquid")
    async with (
        LocalVenues(venues=names) as venues,
        watching(settings_for(venues.endpoints, tmp_path), names) as watched,
    ):
        trouble = venues.dialects["hyperliquid"]
        trouble.refuse_with = 451
        trouble.cut()
        await until(lambda: watched.seen("hyperliquid").quarantined is not None)
        keeper = watched.keeper("hyperliquid", "BTC")
        assert (keeper.trust, keeper.reason) == (Trust.UNTRUSTED, TrustReason.REFUSED)
        assert watched.told(FeedEventKind.QUARANTINED, "hyperliquid")
        before = watched.seen("binance").updates
        await until(lambda: watched.seen("binance").updates > before + 10)
        assert watched.live("binance")
        assert watched.seen("binance").connects == 1
        assert watched.app.crashes == 0


# -- cut, lost and silent ------------------------------------------------------------------------


@pytest.mark.parametrize("venue", ["binance", "bybit-linear"])
async def test_a_cut_socket_is_opened_again_and_nothing_is_carried_over(
    venue: str, tmp_path: Path
) -> None:
    """DISCONNECTED, a new epoch, LIVE again, and no level of the old epoch in the book."""
    async with (
        LocalVenues(venues=(venue,)) as venues,
        watching(settings_for(venues.endpoints, tmp_path), (venue,)) as watched,
    ):
        keeper = watched.keeper(venue)
        epoch = keeper.epoch
        keeper.book.apply_delta(GHOST, ())
        assert any(str(price) == "0.01" for price in keeper.book.bids), keeper.book.bids
        venues.dialects[venue].cut()
        await until(lambda: bool(watched.told(FeedEventKind.DISCONNECTED, venue)))
        await until(lambda: keeper.epoch > epoch and watched.live())
        assert not any(str(price) == "0.01" for price in keeper.book.bids)
        assert keeper.book.best_bid is not None
        assert watched.app.crashes == 0
        events = [event.kind for event in watched.events if event.venue == venue]
        lost = events.index(FeedEventKind.DISCONNECTED)
        assert FeedEventKind.CONNECTED in events[lost:]


@pytest.mark.parametrize("venue", ["binance", "binance-futures"])
async def test_a_lost_update_resyncs_that_book_only(venue: str, tmp_path: Path) -> None:
    """One diff never arrives: a gap, a resync of that symbol, LIVE again; its sibling goes on."""
    symbols = ("BTCUSDT", "ETHUSDT")
    async with LocalVenues(venues=(venue,), symbols=symbols) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, (venue,), symbols=symbols) as watched:
            sibling = watched.keeper(venue, "ETHUSDT")
            since, updates = sibling.since, sibling.updates
            venues.dialects[venue].drop_next('"s":"BTCUSDT"')
            await until(lambda: bool(watched.told(FeedEventKind.GAP, venue)))
            (gap,) = watched.told(FeedEventKind.GAP, venue)
            assert gap.instrument == "BTCUSDT"
            assert gap.trace.startswith(f"{venue}/{watched.keeper(venue, 'BTCUSDT').epoch}/")
            await until(watched.live)
            assert venues.dialects[venue].dropped == 1
            counts, links = watched.feed(venue).counts, len(load()[venue].links([]))
            assert (counts.gaps, counts.resyncs, counts.connects) == (1, 1, links)
            await until(lambda: sibling.updates > updates + 5)
            assert sibling.since == since, "the sibling's trust never moved"


async def test_a_silent_venue_goes_stale_and_is_connected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is open and answers pings, but nothing is said: no book is believed for long."""
    monkeypatch.setattr(wire_links, "DEAD_AFTER", 3 * SECOND)
    monkeypatch.setattr(venue_runner, "TICK_S", 0.1)
    replace_spec(monkeypatch, "binance", lambda spec: replace(spec, silence_limit=SECOND))
    names = ("binance", "bybit-spot")
    async with (
        LocalVenues(venues=names) as venues,
        watching(settings_for(venues.endpoints, tmp_path), names) as watched,
    ):
        keeper = watched.keeper("binance")
        venues.dialects["binance"].silent = True
        await until(lambda: keeper.trust is Trust.STALE)
        assert keeper.reason is TrustReason.SILENT
        await until(lambda: bool(watched.told(FeedEventKind.DISCONNECTED, "binance")))
        (event,) = watched.told(FeedEventKind.DISCONNECTED, "binance")
        assert "no frame for" in event.detail
        venues.dialects["binance"].silent = False
        await until(watched.live)
        assert keeper.epoch > 1
        assert watched.seen("bybit-spot").connects == 1


# -- our own fault -------------------------------------------------------------------------------


class CrashesWhenTold:
    """A protocol with a bug in it, that shows when `armed`."""

    armed = False

    def __init__(self, inner: VenueProtocol) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> Sequence[Output]:
        if CrashesWhenTold.armed:
            CrashesWhenTold.armed = False
            raise RuntimeError("a bug of ours")
        return self._inner.received(link, frame, now)


async def test_a_crash_in_one_venue_is_told_and_mended_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logged with its traceback, counted, and started again within about a second."""
    wrap_protocol(monkeypatch, "binance", CrashesWhenTold)  # type: ignore[arg-type]
    names = ("binance", "bybit-spot")
    async with (
        LocalVenues(venues=names) as venues,
        watching(settings_for(venues.endpoints, tmp_path), names) as watched,
    ):
        broken = watched.feed("binance")
        CrashesWhenTold.armed = True
        await until(lambda: watched.app.crashes == 1)
        keeper = broken.keepers["BTCUSDT"]
        assert keeper.trust is not Trust.LIVE, "what crashed is not believed"
        sibling = watched.seen("bybit-spot").updates
        connected = FeedEventKind.CONNECTED
        await until(lambda: len(watched.told(connected, "binance")) > 1 and watched.live())
        await until(lambda: watched.seen("bybit-spot").updates > sibling)
        assert watched.seen("bybit-spot").connects == 1
        assert watched.keeper("binance").epoch > 1, "epochs go on counting"
        (event,) = watched.told(FeedEventKind.DISCONNECTED, "binance")
        assert "a bug of ours" in event.detail


async def test_a_book_that_cannot_be_judged_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector with a bug costs its own book's samples; every venue goes on."""
    names = ("binance", "bybit-spot")
    async with LocalVenues(venues=names) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, names) as watched:
            books = watched.app.monitor._books
            broken, fine = list(books.values())

            def tick(_at: Nanos) -> None:
                raise ZeroDivisionError

            monkeypatch.setattr(broken.detector, "tick", tick)
            detector = fine.detector
            assert detector is not None
            samples = detector.status().samples
            with capture_logs() as lines:
                await until(lambda: watched.app.crashes > 1)
            (told,) = [line for line in lines if line["event"] == "book_crashed"]
            assert told["trace"].startswith(f"{broken.keeper.id.venue}/")
            await until(lambda: detector.status().samples > samples + 1)
            assert watched.live()
            assert [watched.seen(name).connects for name in names] == [1, 1]


# -- the database --------------------------------------------------------------------------------


async def test_a_database_that_is_down_at_the_start_is_the_operators_business(
    tmp_path: Path,
) -> None:
    """Nothing is monitored into the void."""
    nowhere = Database(
        describe="",
        url="postgresql://u@127.0.0.1:1/x",
        embedded=False,
        password="p",
        arguments=dict,
    )
    async with LocalVenues(venues=("binance",)) as venues:
        settings = settings_for(venues.endpoints, tmp_path, nowhere)
        with pytest.raises(OperatorError, match="cannot be reached"):
            async with watching(settings, ("binance",), store=True):
                pass
        assert not venues.dialects["binance"].requests


async def test_what_was_accepted_is_stored_when_something_fails(
    database: Database, tmp_path: Path
) -> None:
    """A view that fails ends the run; the rows are in the database all the same."""
    async with LocalVenues(venues=("bybit-spot",), speed=10) as venues:
        settings = settings_for(venues.endpoints, tmp_path, database)
        app = App(settings, Assignment(symbols=("BTCUSDT",), venues=("bybit-spot",)))

        async def fail_later() -> None:
            await until(lambda: app.monitor.readings > 50)
            raise BrokenPipeError

        async def run() -> None:
            async with app.opened(), asyncio.TaskGroup() as tasks:
                tasks.create_task(app.run())
                tasks.create_task(fail_later())

        with pytest.raises(ExceptionGroup) as failure:
            await run()
        assert failure.group_contains(BrokenPipeError)
        assert app.writer is not None
        written = app.writer.statistics()
        assert written.written == written.accepted
        rows = await rows_in(database, ("runs", "readings"))
        assert rows == {"runs": 1, "readings": written.accepted["reading"]}


async def test_a_writer_that_crashes_is_started_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug there costs a second, and no record."""
    until_due, crashes = PostgresWriter._until_due, [RuntimeError("a bug of ours")]

    async def crash_once(writer: PostgresWriter) -> None:
        if crashes:
            raise crashes.pop()
        await until_due(writer)

    monkeypatch.setattr(PostgresWriter, "_until_due", crash_once)
    async with LocalVenues(venues=("bybit-spot",), speed=5) as venues:
        settings = settings_for(venues.endpoints, tmp_path, database)
        async with watching(settings, ("bybit-spot",), store=True) as watched:
            writer = watched.app.writer
            assert writer is not None
            await until(lambda: writer.statistics().rows > 10)
            assert watched.app.crashes == 1
    written = writer.statistics()
    assert written.written == written.accepted
