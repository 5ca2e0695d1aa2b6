"""The real command under load: told to stop, robbed of its database, sharing it with another."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import pytest
from tests.support.apps import TABLES, rows_in, settings_for, watching
from tests.support.cli import Running, Told, endpoints, running
from tests.support.database import external, until
from tests.support.spooling import frozen

from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres, status
from tidegauge.sinks.postmaster import ensure_running, stop_server

VENUES = ("binance", "binance-futures", "bybit-spot", "hyperliquid")
LOAD = {"TIDEGAUGE_READINGS__WRITE_EVERY_S": "0.001"}
"""Every reading is stored: hundreds a second."""

STOPS_WITHIN_S = 9.0
"""Five where the cores are ours. What is not let go of waits for ten: a venue, or a database."""


def monitor(*more: str, venues: Sequence[str] = VENUES) -> list[str]:
    chosen = [part for venue in venues for part in ("--venue", venue)]
    return ["monitor", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT", *chosen, *more]


async def stopped(command: Running, number: signal.Signals) -> Told:
    """Tell it to stop, and see that it does in time and by itself."""
    began = monotonic()
    command.signal(number)
    told = await command.ended()
    took = monotonic() - began
    assert told.code == 0, told.err[-3000:]
    assert took < STOPS_WITHIN_S, f"it took {took:.1f} s"
    assert "Traceback" not in told.err
    assert not told.complaints
    return told


async def count(database: Database, table: str) -> int:
    try:
        return (await rows_in(database, (table,)))[table]
    except Exception:  # noqa: BLE001 - it may not have its tables yet
        return 0


def nothing_lost(told: Told, rows: int) -> None:
    """Everything accepted was written, and is there."""
    last = told.logged("monitor_stopped")
    assert last["drained"]
    assert last["accepted"] == last["written"] > 0
    assert last["dropped"] == last["rejected"] == last["duplicates"] == 0
    assert last["rows"] == rows


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_loses_nothing(
    number: signal.Signals, database: Database, tmp_path: Path
) -> None:
    """Exit code 0 within 5 s; what was accepted is in the database; the password is nowhere."""
    async with LocalVenues(venues=VENUES, symbols=("BTCUSDT", "ETHUSDT"), speed=3) as venues:
        env = {
            **endpoints(venues.endpoints),
            **LOAD,
            "TIDEGAUGE_DATABASE_URL": database.url,
            "TIDEGAUGE_DATABASE_PASSWORD": database.password or "",
        }
        async with running(*monitor("--plain"), cwd=tmp_path, env=env) as command:

            async def busy() -> bool:
                return await count(database, "readings") > 500

            await until(busy, 40)
            told = await stopped(command, number)
    nothing_lost(told, sum((await rows_in(database, TABLES)).values()))
    assert (database.password or "?") not in told.err + told.out


async def test_a_reader_that_leaves_ends_it_with_everything_stored(
    database: Database, tmp_path: Path
) -> None:
    """`tidegauge monitor | head -1`: quiet, and no row is lost."""
    async with LocalVenues(venues=("binance",), speed=3) as venues:
        env = {
            **endpoints(venues.endpoints),
            **LOAD,
            "TIDEGAUGE_DATABASE_URL": database.url,
            "TIDEGAUGE_DATABASE_PASSWORD": database.password or "",
        }
        arguments = ("monitor", "--symbol", "BTCUSDT", "--venue", "binance")
        async with running(*arguments, cwd=tmp_path, env=env) as command:
            await until(lambda: bool(command.out), 40)
            await command.read_no_more()
            told = await command.ended()
    assert told.code == 1
    assert "Traceback" not in told.err
    nothing_lost(told, sum((await rows_in(database, TABLES)).values()))


async def test_ctrl_c_while_the_database_is_being_made_leaves_nothing_half_made(
    data_dir: Path, tmp_path: Path
) -> None:
    """One line, within 5 s; no server is left behind, and the next start works."""
    up = ("db", "up", "--once", "--data-dir", str(data_dir))
    home = EmbeddedPostgres(data_dir).home.folder
    async with running(*up, cwd=tmp_path) as command:
        await until(lambda: home.exists() and any(home.iterdir()), 40)
        began = monotonic()
        command.signal(signal.SIGINT)
        told = await command.ended()
        assert monotonic() - began < STOPS_WITHIN_S
    assert told.code == 130
    assert told.complaints == ["tidegauge: stopped"]
    assert "Traceback" not in told.err
    assert status(data_dir).state in ("absent", "stopped")
    async with running(*up, cwd=tmp_path) as command:
        assert (await command.ended()).code == 0


async def test_ctrl_c_while_no_venue_answers_stops_at_once(tmp_path: Path) -> None:
    """The first question to a venue may take ten seconds; a person need not wait for it."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    env = {"TIDEGAUGE_ENDPOINTS__BINANCE__REST_URL": f"http://127.0.0.1:{port}"}
    arguments = ("monitor", "--symbol", "BTCUSDT", "--venue", "binance", "--dry-run")
    async with running(*arguments, cwd=tmp_path, env=env) as command:
        async with asyncio.timeout(40):
            await asked.wait()
        await stopped(command, signal.SIGINT)
    server.close()


# -- the database --------------------------------------------------------------------------------


async def test_two_daemons_share_the_private_database(made_data_dir: Path, tmp_path: Path) -> None:
    """Either may leave first: the other goes on, the last one stops the server, no row is lost."""
    async with LocalVenues(
        venues=("binance", "bybit-spot"), symbols=("BTCUSDT", "ETHUSDT"), speed=3
    ) as venues:
        env = {**endpoints(venues.endpoints), **LOAD, "TIDEGAUGE_DATA_DIR": str(made_data_dir)}
        common = ("monitor", "--plain", "--venue")
        async with (
            running(*common, "binance", "--symbol", "BTCUSDT", cwd=tmp_path, env=env) as first,
            running(*common, "bybit-spot", "--symbol", "ETHUSDT", cwd=tmp_path, env=env) as second,
        ):
            await until(lambda: first.is_live() and second.is_live(), 60)
            before = await stopped(first, signal.SIGTERM)
            assert status(made_data_dir).state == "running", "the other still uses it"
            lines = len(second.out)
            await until(lambda: len(second.out) > lines, 60)
            after = await stopped(second, signal.SIGTERM)
    assert status(made_data_dir).state == "stopped"
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            for told in (before, after):
                last = told.logged("monitor_stopped")
                assert last["accepted"] == last["written"]
                readings = await connection.fetchval(
                    "SELECT count(*) FROM tidegauge.v_readings WHERE run = $1", last["run"]
                )
                assert readings > 0
            assert await connection.fetchval("SELECT count(*) FROM tidegauge.runs") == 2


async def test_a_second_daemon_for_a_symbol_is_refused_until_the_first_is_gone(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """One line says who watches it; a first one that was killed is no reason to wait."""
    async with LocalVenues(venues=("binance", "bybit-spot"), speed=3) as venues:
        env = {**endpoints(venues.endpoints), **LOAD, "TIDEGAUGE_DATA_DIR": str(made_data_dir)}
        common = ("monitor", "--symbol", "BTCUSDT", "--plain", "--venue")
        async with running(*common, "binance", cwd=tmp_path, env=env) as first:
            await until(first.is_live, 60)
            async with running(*common, "bybit-spot", cwd=tmp_path, env=env) as second:
                refused = await second.ended()
            assert refused.code == 1
            (line,) = refused.complaints
            assert "BTCUSDT" in line
            assert str(first.process.pid) in line
            assert "its lease lives" in line
            first.signal(signal.SIGKILL)
            await first.ended()
            async with running(*common, "bybit-spot", cwd=tmp_path, env=env) as third:
                await until(third.is_live, 60)
                await stopped(third, signal.SIGTERM)


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_signal_while_the_database_hangs_is_obeyed_in_time(
    noticed: bool,
    made_data_dir: Path,
    tmp_path: Path,
) -> None:
    """Within 5 s, also of one that has only just begun to hang; what the database has not got is on
    the disk, and goes in at the next start.
    """
    async with (
        EmbeddedPostgres(made_data_dir) as server,
        LocalVenues(venues=("binance",), speed=3) as venues,
    ):
        database = external(server)
        env = {
            **endpoints(venues.endpoints),
            **LOAD,
            "TIDEGAUGE_DATABASE_URL": database.url,
            "TIDEGAUGE_DATABASE_PASSWORD": database.password or "",
            **({"TIDEGAUGE_DATABASE__COMMAND_TIMEOUT_S": "1"} if noticed else {}),
        }
        arguments = ("monitor", "--symbol", "BTCUSDT", "--plain", "--venue", "binance")
        async with running(*arguments, cwd=tmp_path, env=env) as first:
            await until(first.is_live, 60)
            with frozen(server):
                await until(lambda: not noticed or first.said("database_lost"), 40)
                told = await stopped(first, signal.SIGTERM)
        left = told.logged("monitor_stopped")
        assert left["in_spool"] == left["accepted"] - left["written"] > 0
        async with running(*arguments, cwd=tmp_path, env=env) as second:
            await until(second.is_live, 60)
            told = await stopped(second, signal.SIGTERM)
        last = told.logged("monitor_stopped")
        assert last["recovered"] == left["in_spool"]
        assert last["written"] == last["accepted"] + last["recovered"]


async def test_a_monitor_starts_though_a_database_it_knows_is_away(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """What it measures waits on the disk, and goes in when the database is back."""
    async with (
        EmbeddedPostgres(made_data_dir) as server,
        LocalVenues(venues=("binance",), speed=3) as venues,
    ):
        database, port = external(server), server._said().port
        env = {
            **endpoints(venues.endpoints),
            **LOAD,
            "TIDEGAUGE_DATABASE_URL": f"postgresql://tidegauge@127.0.0.1:{port}/tidegauge",
            "TIDEGAUGE_DATABASE_PASSWORD": database.password or "",
        }
        arguments = ("monitor", "--symbol", "BTCUSDT", "--plain", "--venue", "binance")
        async with running(*arguments, cwd=tmp_path, env=env) as first:
            await until(first.is_live, 60)
            await stopped(first, signal.SIGTERM)
        await stop_server(server.home)
        async with running(*arguments, cwd=tmp_path, env=env) as second:
            await until(lambda: second.is_live() and second.said("database_away_at_start"), 60)
            assert server._binaries is not None
            await ensure_running(server.home, server._binaries, port)
            await until(lambda: second.said("database_recovered"), 40)
            held = f"SELECT pid = {second.process.pid} FROM tidegauge.leases"

            async def has_its_lease() -> bool:
                async with database.session() as connection:
                    return bool(await connection.fetchval(held))

            await until(has_its_lease)
            told = await stopped(second, signal.SIGTERM)
        last = told.logged("monitor_stopped")
        assert last["accepted"] == last["written"] > 0


async def test_a_database_killed_under_a_monitor_costs_it_nothing(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """The books go on, the queue holds, the server is started again, and every row is there."""
    async with LocalVenues(venues=("binance", "bybit-spot"), speed=3) as venues:
        settings = settings_for(venues.endpoints, tmp_path, data_dir=made_data_dir)
        async with watching(settings, ("binance", "bybit-spot"), store=True) as watched:
            writer, database = watched.app.writer, watched.app.database
            assert writer is not None
            assert database is not None
            await until(lambda: writer.statistics().rows > 50, 60)
            pid = status(made_data_dir).pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda: writer.statistics().outages > 0, 60)
            readings = watched.app.monitor.readings
            await until(lambda: watched.app.monitor.readings > readings + 20)
            rows = writer.statistics().rows
            await until(
                lambda: not writer.statistics().away and writer.statistics().rows > rows, 40
            )
            watched.app.stop.set()
            await until(lambda: writer.statistics().depth == 0)
            assert watched.live()
            written = writer.statistics()
            assert sum(written.dropped.values()) == sum(written.rejected.values()) == 0
            found = await rows_in(database, ("runs", "readings"))
        assert found["runs"] == 1
        written = writer.statistics()
        assert written.accepted == written.written
