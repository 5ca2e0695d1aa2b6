"""A daemon shows itself to another process over its socket: whole rounds, ladders, and its going."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from tests.support.database import until
from tests.support.windowed import VENUES, daemon, live, watching

from tidegauge.core.instrument import BookId
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.rests import resting
from tidegauge.risk.stress_ladder import ladder_of
from tidegauge.runtime.control import folder_of
from tidegauge.runtime.window import window as the_window
from tidegauge.runtime.window.client import windows_of
from tidegauge.runtime.window.merge import picture_of
from tidegauge.runtime.window.show_books import show_ladder
from tidegauge.runtime.window.wire import LadderWanted, Want, line_of

BINANCE = BookId("binance", "BTCUSDT")


async def test_what_is_shown_is_what_the_monitor_knows(tmp_path: Path) -> None:
    """In another process, exact numbers still are."""
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))
        picture = picture_of(watch.seen, datetime.now(UTC))
        (shown,) = picture.daemons.values()
        assert shown.run == app.run_id
        assert shown.symbols == ("BTCUSDT",)
        book = picture.books["binance/BTCUSDT"]
        watched = app.monitor.watched_book(BINANCE)
        assert watched is not None
        assert book.trust == Trust.LIVE
        assert book.reading is not None
        assert book.reading.trace.startswith("binance/")
        assert isinstance(book.reading.best_bid, Decimal)
        assert {fill.side for fill in book.reading.fills} == {"buy", "sell"}
        assert picture.symbols["BTCUSDT"].books == len(VENUES)
        assert {venue.venue for venue in picture.venues.values()} == set(VENUES)


async def test_a_ladder_is_the_book_to_the_last_digit(tmp_path: Path) -> None:
    """And a size costs on it what it costs on the book."""
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))
        watch.want([LadderWanted(venue="binance", symbol="BTCUSDT", levels=30)])
        await until(lambda: BINANCE in watch.ladders)
        watched = app.monitor.watched_book(BINANCE)
        assert watched is not None
        shown = show_ladder(watch.ladders[BINANCE], 30)
        assert len(shown.bids) == len(shown.asks) == 30
        assert shown.bids == tuple(sorted(shown.bids, reverse=True))
        assert shown.asks == tuple(sorted(shown.asks))
        # What was cut now and what would have been walked cost the same.
        book = watched.keeper.book
        cut = resting(book, levels=5, quote=Fraction(1_000_000), most=5_000)
        for taker in Taker:
            size = cut.ladder(taker).units(Fraction(1_000_000))
            whole = ladder_of(book, taker, None)
            assert cut.ladder(taker).base(size) == whole.base(size)


async def test_a_book_that_is_not_watched_here_is_told_as_that(tmp_path: Path) -> None:
    """Whoever waits for it need not wait in vain."""
    async with daemon(tmp_path), watching(tmp_path) as watch:
        await until(lambda: live(watch))
        watch.want([LadderWanted(venue="binance", symbol="NOSUCH", levels=5)])
        await until(lambda: BookId("binance", "NOSUCH") in watch.ladders)
        ladder = watch.ladders[BookId("binance", "NOSUCH")]
        assert (ladder.resting, ladder.reason) == (None, "not watched here")


async def test_a_daemon_that_stops_in_order_is_gone_and_one_that_comes_is_seen(
    tmp_path: Path,
) -> None:
    """Without anybody looking anew."""
    async with watching(tmp_path) as watch:
        async with daemon(tmp_path):
            await until(lambda: live(watch))
        await until(lambda: not watch.seen)
        async with daemon(tmp_path):
            await until(lambda: live(watch))


async def test_nonsense_ends_the_connection_and_nothing_else(tmp_path: Path) -> None:
    """The feed goes on, and nothing crashed."""
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))
        (path,) = windows_of(tmp_path).values()
        for nonsense in (b"nonsense\n", b'{"type":"want","ladders":7}\n', b"\xff\xfe\n", b"[" * 99):
            reader, writer = await asyncio.open_unix_connection(path)
            await reader.readline()
            writer.write(nonsense)
            writer.write_eof()
            async with asyncio.timeout(20):
                await reader.read()
            writer.close()
        updates = app.monitor.readings
        await until(lambda: app.monitor.readings > updates)
        assert app.crashes == 0


async def test_who_does_not_read_is_passed_by_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a slow one is bounded."""
    monkeypatch.setattr(the_window, "MOST_WAITING", 100_000)
    monkeypatch.setattr(the_window, "EVERY_S", 0.02)
    async with daemon(tmp_path) as app:
        (path,) = windows_of(tmp_path).values()
        _reader, writer = await asyncio.open_unix_connection(path, limit=1)
        wants = Want(ladders=(LadderWanted(venue="binance", symbol="BTCUSDT", levels=1_000),))
        writer.write(line_of(wants))
        async with watching(tmp_path) as watch:
            await until(lambda: live(watch))
            window = app.window
            await until(lambda: any(not each.keeps_up for each in window.watchers))
            waiting = sum(each.waiting for each in window.watchers)
            told = next(iter(watch.seen.values())).round
            await until(lambda: next(iter(watch.seen.values())).round is not told)
            assert sum(each.waiting for each in window.watchers) < 2 * waiting
        writer.close()


async def test_another_version_is_told_apart_and_not_misread(tmp_path: Path) -> None:
    """It is named, and nothing of it is shown."""
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)

    async def other(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = {"type": "hello", "protocol": 99, "version": "9.9", "daemon": "7", "run": "r"}
        writer.write(msgspec.json.encode(hello) + b"\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(other, folder / "7.view")
    async with watching(tmp_path) as watch:
        await until(lambda: "7" in watch.refused)
        assert "9.9" in watch.refused["7"]
        assert not watch.seen
    server.close()


async def test_only_its_owner_may_look(tmp_path: Path) -> None:
    """The socket and its folder are closed to others."""
    async with daemon(tmp_path):
        (path,) = windows_of(tmp_path).values()
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
