"""Symbols come and go while the monitor runs: by its socket, and by the command."""

import asyncio
import json
import os
import socket
from pathlib import Path

import pytest
from tests.support.apps import settings_for, watching
from tests.support.cli import tidegauge
from tests.support.database import until

from tidegauge.core.errors import OperatorError
from tidegauge.core.events import FeedEventKind
from tidegauge.core.trust import Trust
from tidegauge.runtime.control import Request, ask, folder_of
from tidegauge.runtime.local_venues import LocalVenues

VENUES = ("binance", "bybit-spot", "hyperliquid")
BOTH = ("BTCUSDT", "ETHUSDT")


async def test_a_symbol_is_added_and_removed_and_the_others_do_not_notice(tmp_path: Path) -> None:
    """By a roll on each venue: the book that was there is LIVE throughout."""
    async with (
        LocalVenues(venues=VENUES, symbols=BOTH) as venues,
        watching(settings_for(venues.endpoints, tmp_path), VENUES) as watched,
    ):

        async def asked(do: str, *symbols: str) -> str:
            request = Request(do, symbols)  # type: ignore[arg-type]
            reply = await asyncio.to_thread(ask, tmp_path, request)
            return reply.error or " / ".join(reply.said)

        since = len(watched.events)
        assert "binance (ETHUSDT)" in await asked("add", "ETHUSDT")
        await until(lambda: len(watched.app.view().books) == 6 and watched.live(), 20)
        assert "ETHUSDT: binance, bybit-spot, hyperliquid" in await asked("list")
        assert "bybit-spot" in await asked("remove", "BTCUSDT")
        await until(lambda: {book.id.symbol for book in watched.app.view().books} == {"ETHUSDT"})
        for venue in VENUES:
            (added,) = watched.told(FeedEventKind.ADDED, venue)
            (removed,) = watched.told(FeedEventKind.REMOVED, venue)
            assert (added.symbol, removed.symbol) == ("ETHUSDT", "BTCUSDT")
        moves = [
            event.trust
            for event in watched.events[since:]
            if event.kind is FeedEventKind.TRUST and event.symbol == "BTCUSDT"
        ]
        assert moves == [Trust.UNTRUSTED] * len(VENUES), "only when it was let go"
        assert "No venue lists the symbol NOSUCH" in await asked("add", "NOSUCH")
        assert "is not watched" in await asked("remove", "BTCUSDT")
        told = await asked("remove", "ETHUSDT", "BTCUSDT")
        assert "BTCUSDT is not watched (done before that: ETHUSDT: let go on" in told


async def test_the_command_reaches_the_running_monitor(tmp_path: Path) -> None:
    """And says in one line what is wrong."""
    names = ("bybit-spot",)
    async with (
        LocalVenues(venues=names, symbols=BOTH) as venues,
        watching(settings_for(venues.endpoints, tmp_path), names) as watched,
    ):

        async def said(*arguments: str) -> tuple[int, str]:
            told = await asyncio.to_thread(
                tidegauge, "symbols", *arguments, "--data-dir", str(tmp_path), cwd=tmp_path
            )
            return told.code, told.out + "".join(told.complaints)

        assert await said("list") == (0, "BTCUSDT: bybit-spot\n")
        _code, told = await said("list", "--json")
        assert json.loads(told) == [{"symbol": "BTCUSDT", "venues": ["bybit-spot"]}]
        code, out = await said("add", "ethusdt", "--pid", str(os.getpid()))
        assert (code, out) == (0, "ETHUSDT: watching on bybit-spot (ETHUSDT)\n")
        await until(lambda: len(watched.app.view().books) == 2 and watched.live(), 20)
        code, out = await said("remove", "SOLUSDT")
        assert code == 1
        assert "SOLUSDT is not watched" in out
        code, out = await said("list", "--pid", "1")
        assert code == 1
        assert "No monitor with process id 1" in out


def test_without_a_monitor_it_says_so(tmp_path: Path) -> None:
    """A socket that a crashed one left behind is not taken for it."""
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "123.sock"))
    with pytest.raises(OperatorError, match="No monitor runs"):
        ask(tmp_path, Request("list"))


async def test_nonsense_is_answered_and_only_the_owner_may_ask(tmp_path: Path) -> None:
    """The socket is for its owner alone; what is no request is said to be none."""
    names = ("bybit-spot",)
    async with (
        LocalVenues(venues=names) as venues,
        watching(settings_for(venues.endpoints, tmp_path), names),
    ):
        path = folder_of(tmp_path) / f"{os.getpid()}.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        for line in (
            b"{}\n",
            b"nonsense\n",
            b"\xff\n",
            b'{"do": "stop"}\n',
            b"x" * 100_000 + b"\n",
        ):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(line)
            answer = await reader.read()
            assert b"not a request" in answer or answer == b""
            writer.close()
    assert not path.exists()


async def test_a_deep_data_directory_has_its_door_elsewhere(tmp_path: Path) -> None:
    """The path of a unix socket is short: the door is where both ends look for it."""
    deep = tmp_path / ("deep" * 30)
    names = ("bybit-spot",)
    async with (
        LocalVenues(venues=names) as venues,
        watching(settings_for(venues.endpoints, deep), names),
    ):
        (path,) = folder_of(deep).glob("*.sock")
        assert (path.parent.stat().st_mode & 0o777, deep in path.parents) == (0o700, False)
        reply = await asyncio.to_thread(ask, deep, Request("list"))
        assert any("BTCUSDT" in line for line in reply.said)
    assert folder_of(tmp_path / "short") != folder_of(deep)
