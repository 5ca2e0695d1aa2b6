"""Who looks costs a daemon little, however much they ask, and is told nothing that is over."""

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.database import until
from tests.support.pictures import a_book, a_daemon
from tests.support.windowed import daemon, hub_of, live, running, watching

from tidegauge.core.instrument import BookId
from tidegauge.faces.api.answers import known_book, known_symbol
from tidegauge.faces.api.problems import Problem
from tidegauge.faces.api.stream import Documents, Subscription
from tidegauge.runtime.control import folder_of
from tidegauge.runtime.window import client as the_client
from tidegauge.runtime.window import hub as the_hub
from tidegauge.runtime.window import window as the_window
from tidegauge.runtime.window.client import Watch, windows_of
from tidegauge.runtime.window.desk import ShownDesk
from tidegauge.runtime.window.hub import Hub
from tidegauge.runtime.window.window import Window
from tidegauge.runtime.window.wire import (
    Books,
    Hello,
    Ladder,
    LadderWanted,
    Round,
    Terms,
    Want,
    line_of,
)

BINANCE = BookId("binance", "BTCUSDT")
NO_PROCESS = 2**22 + 1
"""A process id beyond those that there are."""

NO_DESK = ShownDesk(incidents=(), over=(), alerts=(), silences=(), mutes=(), waiting={})


class StandIn:
    """A daemon that says what it is told to say, and no more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def listening(self, data_dir: Path) -> AsyncIterator[None]:
        """Listen where daemons do, until the block ends."""
        folder = folder_of(data_dir)
        folder.mkdir(parents=True, exist_ok=True)

        async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)

        server = await asyncio.start_unix_server(met, folder / f"{self.name}.view")
        try:
            yield
        finally:
            server.close()
            self.drop()

    def hello(self) -> Hello:
        """How it begins."""
        return Hello(protocol=1, version="1", daemon=self.name, run="r")

    def round(self, rate: str = "1") -> Round:
        """All that it shows beside one book of Bitcoin."""
        return Round(
            daemon=a_daemon(self.name, "BTCUSDT"),
            symbols=(),
            venues=(),
            desk=NO_DESK,
            exposures=(),
            terms={"BTCUSDT": Terms(rates={"USD": Decimal(rate)}, fees={})},
        )

    async def say(self, *messages: Any) -> None:
        """Say something to the last who came."""
        await until(lambda: bool(self._writers))
        for message in messages:
            self._writers[-1].write(line_of(message))

    def drop(self) -> None:
        """Go without a goodbye."""
        for writer in self._writers:
            writer.close()


def a_ladder() -> Ladder:
    return Ladder(
        venue="binance",
        symbol="BTCUSDT",
        at=a_daemon().at,
        age_s=0.1,
        trust="live",
        reason="",
        quote="USDT",
        resting=None,
    )


def books_of(name: str) -> Books:
    return Books(books=(a_book("binance", "BTCUSDT", name),))


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


async def test_a_daemon_that_was_started_again_takes_the_place_of_the_one_that_crashed(
    tmp_path: Path,
) -> None:
    """Its terms count, not those of the dead, and all is well again."""
    dead, anew = StandIn("7"), StandIn("8")
    hub = Hub(tmp_path)
    async with running(hub.run()):
        async with dead.listening(tmp_path):
            await dead.say(dead.hello(), books_of("7"), dead.round("0.5"))
            await until(lambda: bool(hub.picture().books))
            hub.wish(BINANCE, 5)
            await asyncio.sleep(0)
            await dead.say(a_ladder())
            await until(lambda: hub.held(BINANCE) is not None)
        await until(lambda: not hub.picture().books)
        assert hub.held(BINANCE) is None
        assert set(hub.picture().daemons) == {"7"}
        async with anew.listening(tmp_path):
            await anew.say(anew.hello(), books_of("8"), anew.round("2"))
            await until(lambda: "8" in hub.picture().daemons)
            assert hub.terms("BTCUSDT").rates == {"USD": Decimal(2)}
            await until(lambda: set(hub.picture().daemons) == {"8"})


async def test_levels_of_a_daemon_that_hangs_are_not_told_as_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left out once it has told nothing for long."""
    monkeypatch.setattr(the_hub, "OLD_AFTER_S", 0.3)
    monkeypatch.setattr(the_hub, "LADDER_S", 0.1)
    one = StandIn("7")
    hub = Hub(tmp_path)
    async with one.listening(tmp_path), running(hub.run()):
        await one.say(one.hello(), books_of("7"), one.round())
        await until(lambda: bool(hub.picture().books))
        hub.wish(BINANCE, 5)
        await asyncio.sleep(0)
        await one.say(a_ladder(), books_of("7"), one.round())
        await until(lambda: hub.held(BINANCE) is not None)
        assert BINANCE in await hub.ladders([BINANCE], levels=5)
        told_at = time.monotonic()
        await until(lambda: time.monotonic() > told_at + 0.4)
        assert await hub.ladders([BINANCE], levels=5) == {}


async def test_a_daemon_that_hangs_is_missed_by_one_who_comes_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes who connects, and says not even who it is."""
    monkeypatch.setattr(the_client, "HELLO_S", 0.1)
    hub = Hub(tmp_path)
    async with StandIn("7").listening(tmp_path), running(hub.run()):
        await until(lambda: hub.silent("7"))
        assert "daemon 7: it tells nothing" in hub.reasons()


async def test_a_killed_daemon_is_missed_until_one_starts(tmp_path: Path) -> None:
    """Who looks finds its socket, with nobody behind it; what starts clears it away, and no other."""
    folder = folder_of(tmp_path)
    killed, hangs = folder / f"{NO_PROCESS}.view", folder / f"{os.getppid()}.view"
    folder.mkdir(parents=True)
    for left in (killed, hangs):
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.bind(str(left))
    hub = Hub(tmp_path)
    async with running(hub.run()):
        await until(lambda: hub.silent(killed.stem))
        assert f"daemon {killed.stem} was killed, and not started again" in hub.reasons()
        async with Window(cast("Any", None)).opened(tmp_path):
            await until(lambda: not hub.silent(killed.stem))
    assert (killed.exists(), hangs.exists()) == (False, True)


async def test_a_symbol_whose_daemon_went_is_not_called_unknown(tmp_path: Path) -> None:
    """It was watched, by whom, and how long ago."""
    one = StandIn("7")
    hub = Hub(tmp_path)
    async with running(hub.run()):
        async with one.listening(tmp_path):
            await one.say(one.hello(), books_of("7"), one.round())
            await until(lambda: bool(hub.picture().books))
            assert hub.why_not("BTCUSDT") is None
        await until(lambda: not hub.picture().books)
        with pytest.raises(Problem) as refused:
            known_symbol(hub, "btcusdt")
        assert refused.value.status == 503
        assert "daemon 7, which watches BTCUSDT, was last seen" in refused.value.detail
        with pytest.raises(Problem) as unknown:
            known_book(hub, "binance", "NOPE")
        assert unknown.value.status == 404


async def test_what_says_nothing_of_who_it_is_ends_only_its_own_connection(tmp_path: Path) -> None:
    """A round without a beginning is no daemon's."""
    one = StandIn("7")
    async with one.listening(tmp_path), watching(tmp_path) as watch:
        await one.say(one.round())
        await until(lambda: "7" in watch.refused)
        assert "who it is" in watch.refused["7"]


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


async def test_of_two_daemons_that_watch_one_book_all_is_told_of_the_same(tmp_path: Path) -> None:
    """What is shown of it, its levels, and what a quote counts with."""
    one, two = StandIn("7"), StandIn("8")
    hub = Hub(tmp_path)
    async with one.listening(tmp_path), two.listening(tmp_path), running(hub.run()):
        await one.say(one.hello(), books_of("7"), one.round("0.5"))
        await until(lambda: bool(hub.picture().books))
        await two.say(two.hello(), books_of("8"), two.round("2"))
        await until(lambda: hub.picture().books["binance/BTCUSDT"].daemon == "8")
        assert hub.terms("BTCUSDT").rates == {"USD": Decimal(2)}
        hub.wish(BINANCE, 5)
        await asyncio.sleep(0)
        await two.say(a_ladder())
        await until(lambda: hub.held(BINANCE) is not None)


async def test_a_folder_that_somebody_else_made_in_the_place_of_ours_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all may write, anybody could make one, and pass for a daemon."""
    with tempfile.TemporaryDirectory(prefix="tg-") as shared:  # pytest's own may be too deep
        monkeypatch.setattr(tempfile, "tempdir", shared)
        deep = tmp_path / ("x" * 100)
        async with StandIn("7").listening(deep):
            assert set(windows_of(deep)) == {"7"}
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
            assert windows_of(deep) == {}


async def test_who_is_not_let_in_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than that no monitor runs."""
    monkeypatch.setattr(the_window, "MOST_WATCHERS", 0)
    async with daemon(tmp_path), watching(tmp_path) as watch:
        await until(lambda: bool(watch.refused))
        assert "others look" in next(iter(watch.refused.values()))
