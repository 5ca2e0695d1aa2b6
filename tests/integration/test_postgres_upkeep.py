"""The keeper of the history, in a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs
from tests.support.database import a_reading, external, until

from tidegauge.core.instrument import SECOND
from tidegauge.sinks import upkeep as module
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.postmaster import ensure_running, stop_server
from tidegauge.sinks.upkeep import Upkeep, make_partitions, prune, roll_up
from tidegauge.sinks.writer import PostgresWriter

NOW = datetime.now(UTC)


async def write(database: Database, *times: datetime) -> None:
    """Write a reading of each time."""
    writer = PostgresWriter(database, WriterLimits(), "run-1")
    for frame, at in enumerate(times):
        writer.submit(a_reading(frame, received_at=int(at.timestamp()) * SECOND))
    assert await writer.drain(30.0)


@asynccontextmanager
async def keeping(
    database: Database, *, keep_days: int | None = None, days_ahead: int = 7
) -> AsyncIterator[Upkeep]:
    """Run upkeep as a daemon does."""
    upkeep = Upkeep(database, keep_days=keep_days, days_ahead=days_ahead)
    task = asyncio.create_task(upkeep.run())
    try:
        yield upkeep
    finally:
        task.cancel()
        [ended] = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)


async def one(database: Database, query: str) -> Any:
    async with database.session() as connection:
        return await connection.fetchval(query)


async def test_a_daemon_that_starts_finds_everything_and_does_it(database: Database) -> None:
    """Days ahead are made, what was not rolled up is, old days are dropped."""
    times = [NOW - timedelta(days=5, hours=hour) for hour in range(3)]
    times += [NOW - timedelta(hours=hour, minutes=2) for hour in range(5)]
    await write(database, *times)
    async with keeping(database, keep_days=3, days_ahead=20):

        async def done() -> bool:
            gone = f"SELECT count(*) FROM tidegauge.readings WHERE at < '{NOW - timedelta(days=4)}'"
            return bool(await one(database, gone) == 0)

        await until(done)
    assert await one(database, "SELECT sum(readings) FROM tidegauge.v_hours") == 8
    assert await one(database, "SELECT sum(readings) FROM tidegauge.v_minutes") == 8
    last = "SELECT max(until) FROM tidegauge.partitions WHERE table_name = 'readings'"
    assert await one(database, last) > NOW + timedelta(days=19)


async def test_of_many_daemons_one_keeps_the_history_and_another_takes_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as the first is gone."""
    monkeypatch.setattr(module, "IDLE_S", 0.02)
    async with keeping(database) as second:
        await until(lambda: second.leading)
        async with keeping(database) as third, keeping(database) as fourth:
            pid = second._connection.get_server_pid()
            assert second.leading
            assert not third.leading
            assert not fourth.leading
            monkeypatch.setattr(module, "RETRY_S", 1000)
            await one(database, f"SELECT pg_terminate_backend({pid}, 20000)")
            await until(lambda: third.leading or fourth.leading)
            assert third.leading != fourth.leading


async def test_a_stopped_server_is_waited_for(
    made_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once when it goes and once when it is back; then the work goes on."""
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        await stop_server(server.home)
        with capture_logs() as logs:
            async with keeping(database) as upkeep:
                await until(lambda: any(each["event"] == "upkeep_interrupted" for each in logs))
                assert server._binaries is not None
                await ensure_running(server.home, server._binaries, server._said().port)
                async with database.session() as connection:
                    await migrate(connection)
                await until(lambda: upkeep.leading and upkeep.rolled_up_until is not None)
        events = [each["event"] for each in logs if each["event"].startswith("upkeep")]
        assert events == ["upkeep_interrupted", "upkeep_resumed"]


async def test_what_cannot_get_its_lock_gives_up_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that goes on: old days stay another while, and nobody waits behind us for long."""
    monkeypatch.setattr(module, "PRUNE_PATIENCE_S", 0.2)
    await write(database, NOW - timedelta(days=9), NOW)
    async with database.session() as reader, database.session() as connection:
        await reader.execute("BEGIN")
        await reader.fetch("SELECT * FROM tidegauge.v_readings")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await prune(connection, 3)
        assert await one(database, "SELECT sum(readings) FROM tidegauge.v_minutes") == 1
        await reader.execute("COMMIT")
        told: list[tuple[str, int, int]] = []
        [readings, market] = await prune(connection, 3, progress=lambda *each: told.append(each))
    assert readings.partition.startswith("readings_") or market.partition.startswith("readings_")
    assert [each[1:] for each in told] == [(1, 1)]


async def test_one_chore_that_fails_leaves_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old days cannot be dropped, and the rest is done; it is told once."""
    monkeypatch.setattr(module, "PRUNE_PATIENCE_S", 0.1)
    await write(database, NOW - timedelta(days=9), NOW - timedelta(minutes=3))
    async with database.session() as reader:
        await reader.execute("BEGIN")
        await reader.fetch("SELECT * FROM tidegauge.v_readings")
        with capture_logs() as logs:
            async with keeping(database, keep_days=3, days_ahead=20) as upkeep:
                await until(lambda: any(each["event"] == "upkeep_interrupted" for each in logs))
                assert upkeep.leading
        await reader.execute("COMMIT")
    [failed] = [each for each in logs if each["event"] == "upkeep_interrupted"]
    assert failed["doing"] == "Prune"
    assert await one(database, "SELECT sum(readings) FROM tidegauge.v_minutes") == 2


async def test_each_part_can_be_called_by_itself(database: Database) -> None:
    """As the commands do; a second time there is nothing to do."""
    await write(database, NOW - timedelta(hours=3), NOW)
    async with database.session() as connection:
        first = NOW.date() + timedelta(days=30)
        assert await make_partitions(connection, first, first + timedelta(days=1)) == 4
        assert await make_partitions(connection, first, first + timedelta(days=1)) == 0
        since = NOW - timedelta(hours=4)
        assert await roll_up(connection, since, NOW + timedelta(minutes=1)) == 4
        assert await roll_up(connection, since, NOW + timedelta(minutes=1)) == 0
