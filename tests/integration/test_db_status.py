"""`tidegauge db status`: what it tells of a database that is up, down, empty, or somebody else's."""

import asyncio
import json
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.cli import tidegauge
from tests.support.database import (
    NOON,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    external,
)

from tidegauge.core.instrument import SECOND
from tidegauge.faces.database import status
from tidegauge.faces.database.status import Seen
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.health.overview import overview
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.leases import acquire
from tidegauge.sinks.migrate import migrate, migrations
from tidegauge.sinks.spool import SpoolState
from tidegauge.sinks.writer import PostgresWriter

NOTHING = SpoolState(folders=(), quarantined=0, put_aside=0)
FAR = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)


async def write(database: Database, *records: Any) -> None:
    """Store records as a daemon does."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), "run-1")
    for record in records:
        writer.submit(record)
    assert await writer.drain(30.0)


def reading_at(at: int, venue: str = "binance") -> Any:
    """Return a reading taken at `at`."""
    good = a_reading(1, venue=venue)
    return replace(good, origin=replace(good.origin, received_at=at))


async def now_of(connection: Any) -> int:
    """Return the database's time in nanoseconds."""
    return int(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())")) * SECOND


async def test_what_was_last_written_is_told_by_book(database: Database) -> None:
    """The last reading of a live book; of a silent one the last hour; what is beside it; alerts."""
    async with database.session() as connection:
        now = await now_of(connection)
        await write(
            database,
            reading_at(now - 30 * SECOND),
            reading_at(now - 90 * SECOND),
            reading_at(NOON, "bybit-linear"),
            replace_summary(now - 40 * SECOND),
            an_alert(updated_at=NOON),
            a_feed_event(3),
        )
        await connection.fetchval("SELECT roll_up('2026-01-01+00', '2026-01-02+00')")
        await connection.fetchval(
            "SELECT roll_up(now() - interval '80 s', now() - interval '60 s')"
        )
        found = await overview(connection)
    live, silent = found.books
    assert (live.venue, silent.venue) == ("binance", "bybit-linear")
    assert found.last_reading == live.reading
    assert live.reading is not None
    assert found.now - live.reading < timedelta(seconds=60)
    assert (live.old, silent.old) == (False, True)
    assert silent.reading is not None
    assert silent.reading.isoformat() == "2026-01-01T12:00:00+00:00"
    assert live.alert is not None
    assert found.feed_event is not None
    assert found.rollup_lag is not None
    assert found.rollup_lag < timedelta(seconds=120)
    assert {each.table for each in found.partitions} == {"readings", "market"}
    # Seven when the session's template was made, and midnight may have passed since.
    assert all(each.ahead >= 6 for each in found.partitions)
    sizes = {each.name: each for each in found.tables}
    assert sizes["readings"].bytes > 0
    assert found.unknown == []


def replace_summary(at: int) -> Any:
    """Return what a venue told beside its book at `at`."""
    return changed(a_market_summary(1, venue="binance"), since=at - SECOND, at=at)


async def test_rows_are_estimated_and_unknown_before_anybody_counted(database: Database) -> None:
    """Never zero for what is not known."""
    await write(database, *(a_reading(n) for n in range(20)))
    async with database.session() as connection:
        await connection.execute("ANALYZE")
        found = {each.name: each.rows for each in (await overview(connection)).tables}
        assert found["readings"] == 20
        assert found["alerts"] == 0


async def test_a_visitor_and_an_older_schema_are_told_what_can_be(database: Database) -> None:
    """One question that cannot be answered does not stop the others."""
    async with database.session() as connection:
        await connection.execute("DROP VIEW partitions; DROP TABLE leases")
        found = await overview(connection)
    assert found.schema == len(migrations())
    assert found.tables
    assert [each.partition(" (")[0] for each in found.unknown] == ["partitions", "leases"]


async def test_an_empty_database_has_no_schema_yet(
    empty_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that is said, with what makes it."""
    async with empty_database.session() as connection:
        found = await overview(connection)
    assert found.schema is None
    status._tell(Seen(database="here", state="running", holds=found, waiting=NOTHING))
    assert "tidegauge db up --once" in capsys.readouterr().out


async def test_the_command_tells_people_and_programs_the_same(
    made_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that a venue chose do not steer the terminal, nor Rich."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)  # the wheel made the directory
    where = ("db", "status", "--data-dir", str(made_data_dir))
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            await migrate(connection)
            hour = timedelta(hours=1)  # to outlive the commands that are run
            await acquire(connection, ["BTCUSDT", "[red]\x1b[2J"], FAR, lease=hour)
            await write(database, reading_at(await now_of(connection) - 5 * SECOND))
        told = await asyncio.to_thread(lambda: tidegauge(*where, cwd=tmp_path))
        assert told.code == 0, told.err
        for part in (
            "running",
            f"schema {len(migrations())}",
            "BTCUSDT",
            "process 7 on far, run run-far",
            "[red]\\x1b",
        ):
            assert part in told.out
        assert "\x1b" not in told.out
        told = await asyncio.to_thread(lambda: tidegauge(*where, "--json", cwd=tmp_path))
        said = json.loads(told.out)
        assert (said["state"], said["schema"], said["schema_known"]) == (
            "running",
            *[len(migrations())] * 2,
        )
        assert [each["alive"] for each in said["leases"]] == [True, True]
        assert said["books"][0]["symbol"] == "BTCUSDT"
        assert said["last_reading"] == said["books"][0]["reading"]
        assert said["error"] is None
    told = await asyncio.to_thread(lambda: tidegauge(*where, "--json", cwd=tmp_path))
    assert told.code == 1
    said = json.loads(told.out)
    assert said["state"] == "stopped"
    assert "tidegauge db up" in said["error"]


def test_a_server_that_is_not_there_is_one_line_and_the_rest_is_told(
    tmp_path: Path,
) -> None:
    """Exit code 1; no password in it."""
    env = {
        "TIDEGAUGE_DATABASE_URL": "postgresql://me@127.0.0.1:1/db",
        "TIDEGAUGE_DATABASE_PASSWORD": "s3cret",
    }
    told = tidegauge("db", "status", "--json", "--data-dir", str(tmp_path), cwd=tmp_path, env=env)
    assert told.code == 1
    assert len(told.complaints) == 1
    said = json.loads(told.out)
    assert said["state"] == "unreachable"
    assert "127.0.0.1:1" in said["error"]
    assert "s3cret" not in told.out + told.err
