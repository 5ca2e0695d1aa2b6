"""Who looks is told nothing that is over: of daemons that hang, die, or are somebody else's."""

import asyncio
import os
import socket
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import msgspec
import pytest
from tests.support.database import until
from tests.support.spoken_daemon import StandIn, a_ladder, books_of
from tests.support.windowed import daemon, running, watching

from tidegauge.core.instrument import BookId
from tidegauge.faces.api.answers import known_book, known_symbol
from tidegauge.faces.api.problems import Problem
from tidegauge.runtime.control import folder_of
from tidegauge.runtime.window import client as the_client
from tidegauge.runtime.window import hub as the_hub
from tidegauge.runtime.window import window as the_window
from tidegauge.runtime.window.client import windows_of
from tidegauge.runtime.window.daemon import Daemon
from tidegauge.runtime.window.hub import Hub
from tidegauge.runtime.window.window import Window
from tidegauge.runtime.window.wire import (
    line_of,
)

BINANCE = BookId("binance", "BTCUSDT")
NO_PROCESS = 2**22 + 1
"""A process id beyond those that there are."""


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

        async def told_and_shown() -> bool:
            await one.say(a_ladder(), books_of("7"), one.round())
            return BINANCE in await hub.ladders([BINANCE], levels=5)

        await until(told_and_shown)
        told_at = time.monotonic()
        await until(lambda: time.monotonic() > told_at + 0.4)
        assert await hub.ladders([BINANCE], levels=5) == {}


async def test_what_was_wrong_with_a_daemon_that_is_dead_is_told_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket stays behind, and another daemon may long be well."""
    monkeypatch.setattr(the_client, "ROUND_S", 0.1)
    one = StandIn("7")
    hub = Hub(tmp_path)
    async with running(hub.run()):
        async with one.listening(tmp_path):
            await one.say(one.hello())
            await until(lambda: any("it tells nothing" in each for each in hub.reasons()))
        assert (folder_of(tmp_path) / "7.view").exists()
        await until(lambda: not any("it tells nothing" in each for each in hub.reasons()))
        assert hub.silent("7")


async def test_a_daemon_that_dies_in_the_middle_of_a_line_is_gone_and_not_misunderstood(
    tmp_path: Path,
) -> None:
    """It is as if it had died a moment earlier."""
    one = StandIn("7")
    async with one.listening(tmp_path), watching(tmp_path) as watch:
        await one.say(one.hello(), books_of("7"), one.round())
        await until(lambda: "7" in watch.seen)
        one._writers[-1].write(line_of(one.round())[:50])
        one.drop()
        await until(lambda: watch.seen["7"].gone_at is not None)
        assert watch.refused == {}


async def test_what_says_nothing_of_who_it_is_ends_only_its_own_connection(tmp_path: Path) -> None:
    """A round without a beginning is no daemon's."""
    one = StandIn("7")
    async with one.listening(tmp_path), watching(tmp_path) as watch:
        await one.say(one.round())
        await until(lambda: "7" in watch.refused)
        assert "who it is" in watch.refused["7"]


async def test_levels_that_wait_for_their_turn_are_not_told_as_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else that the daemon tells of the book may be new."""
    monkeypatch.setattr(the_hub, "LADDER_S", 0.1)
    one, hub = StandIn("7"), Hub(tmp_path)
    async with one.listening(tmp_path), running(hub.run()):
        await one.say(one.hello(), books_of("7"), one.round())
        await until(lambda: bool(hub.picture().books))
        hub.wish(BINANCE, 5)
        await asyncio.sleep(0)
        await one.say(a_ladder())
        await until(lambda: hub.held(BINANCE) is not None)
        later = one.round()
        daemon_later = replace(later.daemon, at=a_ladder().at + timedelta(seconds=6))
        await one.say(books_of("7"), msgspec.structs.replace(later, daemon=daemon_later))
        await until(lambda: hub.picture().daemons["7"] == daemon_later)
        assert hub.held(BINANCE) is None
        assert await hub.ladders([BINANCE], levels=5) == {}


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
        async with Window(cast("Daemon", None)).opened(tmp_path):
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
