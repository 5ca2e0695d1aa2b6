"""Who looks costs a daemon little, however much they ask."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import until
from tests.support.desk import firing, key_of
from tests.support.spoken_daemon import StandIn, a_ladder, books_of
from tests.support.windowed import daemon, hub_of, live, running, watching

from tidegauge.core.instrument import BookId
from tidegauge.faces.api.stream import Documents, Subscription
from tidegauge.runtime.watched_symbol import WatchedSymbol
from tidegauge.runtime.window import hub as the_hub
from tidegauge.runtime.window import window as the_window
from tidegauge.runtime.window.client import Watch, windows_of
from tidegauge.runtime.window.daemon import round_of
from tidegauge.runtime.window.hub import Hub
from tidegauge.runtime.window.merge import picture_of
from tidegauge.runtime.window.window import Window
from tidegauge.runtime.window.wire import (
    Alerts,
    Ladder,
    LadderWanted,
    Round,
    Want,
    line_of,
)

BINANCE = BookId("binance", "BTCUSDT")


async def test_who_asks_for_a_little_more_each_time_has_the_book_cut_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand sizes one above the other cost what ten do."""
    cut: list[LadderWanted] = []
    honest = Window._ladder

    def counted(self: Window, wanted: LadderWanted) -> Ladder:
        cut.append(wanted)
        return honest(self, wanted)

    monkeypatch.setattr(Window, "_ladder", counted)
    monkeypatch.setattr(the_hub, "LADDER_S", 20.0)
    async with daemon(tmp_path), hub_of(tmp_path) as hub:
        for size in range(1_000, 2_000):
            held = await hub.ladders([BINANCE], quote=Decimal(size))
            assert BINANCE in held
            await asyncio.sleep(0)
        (seen,) = hub._watch.seen.values()
        for _ in range(2):
            told = seen.round
            await until(lambda told=told: seen.round is not told)  # type: ignore[misc]
        assert len({each.quote for each in cut}) <= 2


async def test_wishes_of_many_books_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each would repeat all of those before it."""
    told: list[int] = []
    monkeypatch.setattr(Watch, "want", lambda _self, wanted: told.append(len([*wanted])))
    hub = Hub(tmp_path)
    for number in range(500):
        hub.wish(BookId("binance", f"S{number}"), 20)
    await until(lambda: bool(told))
    assert told == [500]


async def test_what_was_deep_once_is_not_told_for_as_long_as_anybody_looks_at_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each depth is wanted for as long as that is asked for."""
    monkeypatch.setattr(the_hub, "WANTED_FOR_S", 0.2)
    told: list[LadderWanted] = []
    monkeypatch.setattr(Watch, "want", lambda _self, wanted: told.extend(wanted))
    hub = Hub(tmp_path)
    async with running(hub.run()):
        hub.wish(BINANCE, levels=1, quote=Decimal(10**9))

        def top_alone() -> bool:
            hub.wish(BINANCE, levels=16)
            return bool(told) and (told[-1].levels, told[-1].quote) == (16, Decimal(0))

        await until(top_alone)
        assert told[0].levels == 16
        assert told[0].quote >= 10**9


async def test_what_nobody_asks_for_any_more_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither levels nor what was made of them."""
    monkeypatch.setattr(the_hub, "WANTED_FOR_S", 0.2)
    async with daemon(tmp_path), hub_of(tmp_path) as hub:
        await hub.ladders([BINANCE], levels=5)
        hub.markets["BTCUSDT"] = (hub.terms("BTCUSDT"), (), None)  # type: ignore[assignment]
        documents = Documents(hub)
        for levels in range(1, 50):
            documents.of(Subscription(("BTCUSDT",), levels))
        assert len(documents._ladders) >= 49
        await until(lambda: not hub.markets)
        assert hub._held == {}
        rounds = hub.rounds
        await until(lambda: hub.rounds > rounds)
        documents.of(Subscription())
        assert documents._ladders == {}


async def test_documents_are_not_made_anew_for_every_ladder(tmp_path: Path) -> None:
    """All clients share those of a round."""
    one = StandIn("7")
    hub = Hub(tmp_path)
    async with one.listening(tmp_path), running(hub.run()):
        await one.say(one.hello(), books_of("7"), one.round())
        await until(lambda: bool(hub.picture().books))
        hub.wish(BINANCE, 5)
        documents = Documents(hub)
        before = documents.of(Subscription(("BTCUSDT",), 5))["picture"]
        version = hub.version
        await asyncio.sleep(0)
        await one.say(a_ladder())
        await until(lambda: hub.version > version)
        after = documents.of(Subscription(("BTCUSDT",), 5))["picture"]
        assert after["daemons"] is before["daemons"]
        assert after["books"]["binance/BTCUSDT"] is before["books"]["binance/BTCUSDT"]


async def test_of_what_was_told_nothing_is_kept_for_clients_who_were_told_it(
    tmp_path: Path,
) -> None:
    """Else the documents of minutes would stay in memory."""
    one = StandIn("7")
    hub = Hub(tmp_path)
    documents = Documents(hub)
    kept = []
    async with one.listening(tmp_path), running(hub.run()):
        await one.say(one.hello())
        seen = documents.of(Subscription(("BTCUSDT",)))
        for _ in range(5):
            rounds = hub.rounds
            await one.say(books_of("7"), one.round())
            await until(lambda rounds=rounds: hub.rounds > rounds)  # type: ignore[misc]
            now = documents.of(Subscription(("BTCUSDT",)))
            documents.patch(seen, now)
            kept.append(len(documents._patches))
            seen = now
    assert kept[1:] == [kept[1]] * 4
    assert kept[1] > 0


async def test_however_many_ladders_are_wanted_rounds_go_on_and_each_has_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for the depth of every book makes nobody else's picture old."""
    told: list[LadderWanted | None] = []
    honest, whole = Window._ladder, round_of

    def slow(self: Window, wanted: LadderWanted) -> Ladder:
        time.sleep(0.005)
        told.append(wanted)
        return honest(self, wanted)

    def counted(*of: Any) -> Round:
        told.append(None)
        return whole(*of)

    wanted = [LadderWanted(venue="binance", symbol=f"S{number}", levels=5) for number in range(100)]
    async with daemon(tmp_path), watching(tmp_path) as watch:
        await until(lambda: live(watch))
        monkeypatch.setattr(Window, "_ladder", slow)
        watch.want(wanted)
        await until(lambda: len(watch.ladders) == len(wanted))
        told.clear()
        monkeypatch.setattr(the_window, "round_of", counted)
        await until(lambda: told.count(None) == 4)
        rounds = [[*group] for is_round, group in groupby(told, lambda each: each is None)]
        ladders = [each for group in rounds for each in group if each is not None]
        assert max(map(len, rounds)) <= 10
        assert len(ladders) == len(set(ladders)) > 0


async def test_wants_of_one_who_does_not_read_are_not_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is bounded, however often it asks for something else."""
    monkeypatch.setattr(the_window, "MOST_WAITING", 100_000)
    async with daemon(tmp_path) as app:
        (path,) = windows_of(tmp_path).values()
        _reader, writer = await asyncio.open_unix_connection(path, limit=1)
        await until(lambda: bool(app.window.watchers))
        (watcher,) = app.window.watchers
        for levels in range(1, 21):
            wanted = [
                LadderWanted(venue="binance", symbol=f"S{number}", levels=levels)
                for number in range(2_000)
            ]
            writer.write(line_of(Want(ladders=tuple(wanted))))
            await writer.drain()
        await until(lambda: any(each.levels == levels for each in watcher.wanted.values()))
        assert watcher.waiting < 1_000_000
        writer.close()
        async with watching(tmp_path) as watch:
            await until(lambda: live(watch))


async def test_a_bug_in_one_round_does_not_end_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, and the next round is told."""
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))

        def broken(*_: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(the_window, "round_of", broken)
            await until(lambda: app.crashes > 0)
        (seen,) = watch.seen.values()
        told = seen.round
        await until(lambda: seen.round is not told)


async def test_a_storm_of_alerts_is_told_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line is made at once: one of all of them would hold the feed up for milliseconds."""
    lines: list[Any] = []

    def noted(said: Any) -> bytes:
        lines.append(said)
        return line_of(said)

    monkeypatch.setattr(the_window, "line_of", noted)
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))
        alerts = [firing(key_of(), app.now(), alert=f"a{number}") for number in range(1_000)]
        app.monitor.alerts.update((each.id, each) for each in alerts)
        await until(lambda: len(picture_of(watch.seen, datetime.now(UTC)).alerts) == len(alerts))
        rounds = [each for each in lines if isinstance(each, Round)]
        assert all(not each.desk.alerts for each in rounds)
        told = [len(each.alerts) for each in lines if isinstance(each, Alerts)]
        assert max(told) <= 50


async def test_the_end_of_a_round_looks_at_no_symbol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made at once; each symbol is looked at when its own turn comes."""
    async with daemon(tmp_path) as app, watching(tmp_path) as watch:
        await until(lambda: live(watch))
        monkeypatch.delattr(WatchedSymbol, "view")
        assert round_of(app, "7").daemon.symbols == ("BTCUSDT",)
