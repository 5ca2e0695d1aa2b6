"""The disk and the database, ill in turn or together: what was accepted is still somewhere."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from tests.support.database import a_reading, an_alert, until
from tests.support.spool import allow_writes, fill, small_disk
from tests.support.spooling import EAGER, QUICK, count, fetch, spooling, unreachable, waiting

from tidegauge.sinks.connect import Database
from tidegauge.sinks.spool import survey


async def refusing(database: Database, when: str, code: str) -> None:
    """Let the database refuse readings on a condition, with an error of our choice."""
    async with database.session() as connection:
        await connection.execute(
            f"""
            CREATE FUNCTION tidegauge.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {when} THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON tidegauge.readings
               FOR EACH ROW EXECUTE FUNCTION tidegauge.refuse();
            """
        )


async def test_a_disk_that_others_fill_costs_no_reading_while_the_database_is_there(
    database: Database, tmp_path: Path
) -> None:
    """Nothing much waits on it, so there is nothing to thin out."""
    with small_disk(tmp_path / "disk") as disk:
        async with spooling(database, disk) as writer:
            writer.submit(a_reading(0))
            await until(lambda: writer.depth == 0)
            fill(disk)
            for frame in range(1, 2_000):
                writer.submit(a_reading(frame))
                if frame % 100 == 0:
                    await asyncio.sleep(0.02)
            await until(lambda: writer.depth == 0)
            assert not writer.statistics().dropped
    assert await count(database, "readings") == 2_000


async def test_what_waited_in_memory_goes_to_the_disk_when_it_is_back(
    database: Database, tmp_path: Path
) -> None:
    """Both were away. The disk comes back first, and then the monitor ends: the alerts are on it."""
    with small_disk(tmp_path / "disk") as disk:
        async with spooling(unreachable(database), disk) as writer:
            await until(lambda: writer.depth == 0)
            ballast = fill(disk)
            for number in range(5):
                writer.submit(an_alert(name=f"alert-{number}"))
            await until(lambda: writer.statistics().spool_broken is not None)
            await until(lambda: writer.statistics().retries > 0)
            ballast.unlink()
            await until(lambda: waiting(disk) == 5)
        async with spooling(database, disk, "run-2") as writer:
            assert await writer.drain(20)
    assert await count(database, "alerts") == 5


async def test_a_refused_row_stays_in_the_spool_until_the_quarantine_has_it(
    database: Database, tmp_path: Path
) -> None:
    """On a disk that takes nothing it would be nowhere."""
    await refusing(database, "NEW.frame = 7", "23514")
    with small_disk(tmp_path / "disk") as disk:
        async with spooling(unreachable(database), disk, "run-1") as writer:
            for frame in range(20):
                writer.submit(a_reading(frame))
            await until(lambda: waiting(disk) == 20)
        allow_writes(disk, allow=False)
        with capture_logs() as logs:
            async with spooling(database, disk, "run-2") as writer:
                await until(lambda: any(e["event"] == "quarantine_not_written" for e in logs))
                allow_writes(disk, allow=True)
                await until(lambda: writer.depth == 0)
        assert survey(disk).quarantined == 1
    assert await count(database, "readings") == 19


async def test_a_row_too_large_is_blamed_where_the_server_takes_others(
    database: Database, tmp_path: Path
) -> None:
    """Its error (54000) is also that of a server which gives out no transactions any more."""
    await refusing(database, "NEW.frame = 7", "54000")
    async with spooling(database, tmp_path) as writer:
        for frame in range(20):
            writer.submit(a_reading(frame))
        await until(lambda: writer.depth == 0)
        assert writer.statistics().rejected == {"reading": 1}
    assert await count(database, "readings") == 19


async def test_a_locked_table_gathers_no_backends(database: Database, tmp_path: Path) -> None:
    """A server does not notice that we have gone while it waits for a lock: it gives up first."""
    limits = replace(QUICK, command_s=0.3)
    async with (
        database.session() as connection,
        spooling(database, tmp_path, limits=limits) as writer,
    ):
        await connection.execute("BEGIN; LOCK TABLE tidegauge.readings")
        writer.submit(a_reading())
        await until(lambda: writer.statistics().retries >= 12, 60)
        backends = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        assert backends <= 5
        await connection.execute("COMMIT")
        await until(lambda: writer.depth == 0)


async def test_a_database_that_is_slow_at_much_is_asked_for_less(
    database: Database, tmp_path: Path
) -> None:
    """A thousand rows take it longer than we wait: they go in by the hundred."""
    async with spooling(unreachable(database), tmp_path, "run-1") as writer:
        for frame in range(1_500):
            writer.submit(a_reading(frame))
        await until(lambda: waiting(tmp_path) == 1_500)
    await refusing(database, "pg_sleep(0.002) IS NULL", "23514")
    limits = replace(QUICK, command_s=1.0)
    async with spooling(database, tmp_path, "run-2", limits=limits) as writer:
        await until(lambda: writer.depth == 0, 60)
        assert writer.statistics().retries > 0
        assert not writer.statistics().rejected
    assert await count(database, "readings") == 1_500


async def test_a_rollup_that_is_refused_keeps_no_file_for_ever(
    database: Database, tmp_path: Path
) -> None:
    """It is told of, and left to whoever looks after the database; the readings are stored."""
    async with spooling(unreachable(database), tmp_path, "run-1") as writer:
        writer.submit(a_reading())
        await until(lambda: waiting(tmp_path) == 1)
    async with database.session() as connection:
        await connection.execute("DROP FUNCTION tidegauge.roll_up CASCADE")
    with capture_logs() as logs:
        async with spooling(database, tmp_path, "run-2"):
            await until(
                lambda: [each.folder.name for each in survey(tmp_path).folders] == ["run-2"]
            )
    given_up: list[Any] = [each for each in logs if each["event"] == "roll_up_given_up"]
    assert len(given_up) == 1
    assert await fetch(database, "SELECT 1 FROM tidegauge.readings")
    assert EAGER.retry_s < 1
