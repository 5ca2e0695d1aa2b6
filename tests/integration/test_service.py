"""The monitor as a service: what systemd is told of it, from its start to its end."""

import asyncio
import io
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.apps import settings_for
from tests.support.cli import Running, Told, endpoints, running
from tests.support.database import external, until
from tests.support.service import Manager, manager

from tidegauge.faces.running import watch
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_server import Endpoint
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.pulse import TURN_WITHIN
from tidegauge.runtime.service import Service
from tidegauge.sinks.embedded import EmbeddedPostgres, status

AWAY = {"binance": Endpoint(ws_url="ws://127.0.0.1:1", rest_url="http://127.0.0.1:1")}
MONITOR = ("monitor", "--symbol", "BTCUSDT", "--venue", "binance", "--dry-run", "--plain")
LIVE = "1 of 1 books live"


async def terminated(command: Running, systemd: Manager) -> Told:
    """End a command, and take in what it tells of that as it tells it: what finds no room is lost."""
    command.signal(signal.SIGTERM)
    await systemd.heard("STOPPING")
    return await command.ended()


async def test_a_real_monitor_tells_of_its_start_its_reload_and_its_end(tmp_path: Path) -> None:
    """Ready with a book to watch, alive, reading its rules anew, stopping; in this order."""
    rules = tmp_path / "desk.yaml"
    rules.write_text("crunch:\n  clear_for_s: 30\n")
    with manager(str(tmp_path / "notify")) as systemd:
        async with LocalVenues(venues=("binance",)) as venues:
            env = {
                **endpoints(venues.endpoints),
                "TIDEGAUGE_RULES": str(rules),
                "NOTIFY_SOCKET": systemd.address,
                "WATCHDOG_USEC": "300000",
            }
            async with running(*MONITOR, cwd=tmp_path, env=env) as command:
                await systemd.heard("WATCHDOG", 2)
                await until(lambda: any(LIVE in each.get("STATUS", "") for each in systemd.look()))
                command.signal(signal.SIGHUP)
                await systemd.heard("READY", 2)
                told = await terminated(command, systemd)
        systemd.look()
    assert told.code == 0, told.err[-2000:]
    words = [word for each in systemd.told for word in each if word != "STATUS"]
    assert words[0] == "READY"
    first, again = words.index("RELOADING"), words.index("READY", 1)
    assert 0 < words.index("WATCHDOG") < first < again < words.index("STOPPING")
    assert words[-1] == "STOPPING"


@asynccontextmanager
async def watched(
    folder: Path, systemd: Manager, served: Mapping[str, Endpoint]
) -> AsyncIterator[App]:
    """A monitor inside this process, which tells a third of a second's watchdog of itself."""
    service = Service(systemd.address, watchdog_s=0.3)
    console = Console(file=io.StringIO(), width=200)
    assignment = Assignment(symbols=("BTCUSDT",), venues=("binance",), store=False)
    app = App(settings_for(served, folder), assignment)
    async with app.opened(), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch(app, console, "test", service))
        yield app
        app.stop.set()


async def test_a_loop_that_hangs_tells_nothing(tmp_path: Path) -> None:
    """No thread goes on telling for it; when it turns again, so does the watchdog."""
    with manager(str(tmp_path / "notify")) as systemd:
        async with (
            LocalVenues(venues=("binance",)) as local,
            watched(tmp_path, systemd, local.endpoints),
        ):
            await systemd.heard("WATCHDOG", 2)
            fed = systemd.count("WATCHDOG")
            time.sleep(1.0)  # the hang itself: three times the watchdog's patience
            assert systemd.count("WATCHDOG") == fed
            await systemd.heard("WATCHDOG", fed + 1)


async def test_a_monitor_that_looks_at_nothing_starves_the_watchdog_though_its_loop_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever only proves that the loop turns proves nothing of the books."""
    with manager(str(tmp_path / "notify")) as systemd:
        async with (
            LocalVenues(venues=("binance",)) as local,
            watched(tmp_path, systemd, local.endpoints) as app,
        ):
            await systemd.heard("WATCHDOG", 2)
            steady, looks = app.pulse._steady, 0

            def much_later() -> int:
                nonlocal looks
                looks += 1
                return steady() + 2 * TURN_WITHIN

            monkeypatch.setattr(app.pulse, "beat", lambda _frames: None)
            app.pulse._steady = much_later
            fed = systemd.count("WATCHDOG")
            async with asyncio.timeout(30):
                while looks < 4:
                    await asyncio.sleep(0.01)
            assert systemd.count("WATCHDOG") == fed


async def test_a_monitor_whose_venues_are_away_is_a_monitor_that_works(tmp_path: Path) -> None:
    """A restart would not bring them back, and would lose the alert that says they are gone."""
    with manager(str(tmp_path / "notify")) as systemd:
        async with watched(tmp_path, systemd, AWAY) as app:
            await systemd.heard("WATCHDOG", 2)
            assert not app.pulse.beats()
    assert "0 of 0 books live" in systemd.told[0]["STATUS"]


async def test_a_symbol_that_no_venue_has_is_a_start_that_failed(tmp_path: Path) -> None:
    """`systemctl start` says so: nothing was ready."""
    with manager(str(tmp_path / "notify")) as systemd:
        async with LocalVenues(venues=("binance",)) as venues:
            env = {**endpoints(venues.endpoints), "NOTIFY_SOCKET": systemd.address}
            arguments = (*MONITOR[:2], "NOSUCHUSDT", *MONITOR[3:])
            async with running(*arguments, cwd=tmp_path, env=env) as command:
                told = await command.ended()
        assert told.code == 1
        assert "NOSUCHUSDT" in told.complaints[-1]
        assert systemd.count("READY") == 0


async def test_the_api_by_itself_says_when_it_serves_and_when_it_stops(tmp_path: Path) -> None:
    """With its address; its watchdog is fed by the loop that answers."""
    with manager(str(tmp_path / "notify")) as systemd:
        env = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "300000"}
        arguments = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        async with running(*arguments, cwd=tmp_path, env=env) as command:
            await systemd.heard("WATCHDOG", 2)
            told = await terminated(command, systemd)
        assert told.code == 0, told.err[-2000:]
        first, last = systemd.look()[0], systemd.told[-1]
    assert (first["READY"], last["STOPPING"]) == ("1", "1")
    assert first["STATUS"].startswith("http://127.0.0.1:")


async def test_two_daemons_share_a_data_directory_and_the_database_below_it(
    made_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `tidegauge@BTCUSDT` and `tidegauge@ETHUSDT`: whoever ends first takes nothing from the other."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)  # the wheel made the directory

    async def stored(symbol: str) -> int:
        async with (
            EmbeddedPostgres(made_data_dir) as server,
            external(server).session() as connection,
        ):
            asked = "SELECT count(*) FROM tidegauge.v_readings WHERE symbol = $1"
            return int(await connection.fetchval(asked, symbol))

    async def stores_more(symbol: str) -> None:
        before = await stored(symbol)
        async with asyncio.timeout(40):
            while await stored(symbol) <= before:
                await asyncio.sleep(0.2)

    where = ("--venue", "binance", "--plain", "--data-dir", str(made_data_dir))
    with (
        manager(str(tmp_path / "btc")) as of_btc,
        manager(str(tmp_path / "eth")) as of_eth,
    ):
        async with LocalVenues(venues=("binance",), symbols=("BTCUSDT", "ETHUSDT")) as venues:
            env = {**endpoints(venues.endpoints), "WATCHDOG_USEC": "600000"}
            btc = {**env, "NOTIFY_SOCKET": of_btc.address}
            eth = {**env, "NOTIFY_SOCKET": of_eth.address}
            async with (
                running("monitor", "--symbol", "BTCUSDT", *where, cwd=tmp_path, env=btc) as first,
                running("monitor", "--symbol", "ETHUSDT", *where, cwd=tmp_path, env=eth) as second,
            ):
                await of_btc.heard("READY", within_s=60)
                await of_eth.heard("READY", within_s=60)
                await stores_more("BTCUSDT")
                first.signal(signal.SIGTERM)
                assert (await first.ended()).code == 0
                fed = of_eth.count("WATCHDOG")
                await stores_more("ETHUSDT")
                await of_eth.heard("WATCHDOG", fed + 1)
                second.signal(signal.SIGTERM)
                told = await second.ended()
    assert told.code == 0, told.err[-2000:]
    assert status(made_data_dir).state == "stopped"
