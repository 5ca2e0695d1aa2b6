"""`tidegauge db check`: each thing that can be wrong is broken here, and named with what to do."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.support.cli import tidegauge
from tests.support.database import a_reading, external, until

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.health import machine, schema, server
from tidegauge.sinks.health.checks import CHECKS, check_database, check_machine
from tidegauge.sinks.health.finding import Finding, Verdict
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.leases import acquire
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.spool import SpoolState, SpoolSurvey
from tidegauge.sinks.writer import PostgresWriter

FAR = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


async def found(connection: Any) -> dict[str, Finding]:
    """Return what the checks of the database find, by name."""
    findings = await check_database(connection)
    assert [each.name for each in findings] == list(CHECKS)
    for each in findings:
        assert (each.fix is None) == (each.verdict is Verdict.OK)
    return {each.name: each for each in findings}


async def broken(connection: Any) -> dict[str, Verdict]:
    """Return what is not well."""
    findings = await found(connection)
    return {name: each.verdict for name, each in findings.items() if each.verdict is not Verdict.OK}


async def write(database: Database, *ages_s: float) -> None:
    """Store readings of BTCUSDT taken so many seconds ago."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), "run-1")
    async with database.session() as connection:
        now = int(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
    for frame, age_s in enumerate(ages_s):
        good = a_reading(frame)
        at = int((now - age_s) * SECOND)
        writer.submit(replace(good, origin=replace(good.origin, received_at=at)))
    assert await writer.drain(30.0)


# -- the schema ----------------------------------------------------------------------------------


async def test_a_healthy_database_passes_every_check(database: Database, connection: Any) -> None:
    """Watched, written to, rolled up."""
    await write(database, 3 * 3600, 3 * 3600 - 20, 2 * 3600, 3600, 30)
    await connection.fetchval("SELECT roll_up(now() - interval '4 h', now())")
    await acquire(connection, ["BTCUSDT"], FAR)
    assert await broken(connection) == {}
    rolled = (await found(connection))["rollups"]
    assert "equal what their readings say" in rolled.said


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("DROP VIEW v_market", "view v_market is missing"),
        ("DROP TABLE instruments", "table instruments is missing"),
        ("DROP INDEX alerts_by_time", "alerts_by_time of indexes is missing"),
        ("DROP FUNCTION prune(integer)", "prune(keep_days integer) of functions"),
        ("ALTER TABLE runs ALTER version TYPE varchar(9)", "version text of table runs"),
    ],
)
async def test_what_was_dropped_or_altered_by_hand_is_named(
    connection: Any, damage: str, named: str
) -> None:
    """Each part of the schema; what somebody added beside it is theirs."""
    await connection.execute("CREATE TABLE mine (x integer); CREATE VIEW v_mine AS SELECT 1 AS y")
    assert await broken(connection) == {}
    await connection.execute(damage)
    contents = (await found(connection))["contents"]
    assert contents.verdict is Verdict.FAIL
    assert named in contents.said


async def test_what_is_expected_is_what_the_migrations_leave(connection: Any) -> None:
    """After a new migration: python scripts/expected_schema.py."""
    assert await schema.contents(connection) == schema.expected()


async def test_a_schema_of_another_version_is_refused(connection: Any) -> None:
    """Edited, newer, older, none."""
    await connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE version = 2")
    assert "0002_beside_the_book" in (await schema.version(connection)).said
    await connection.execute("UPDATE schema_migrations SET version = 99 WHERE version = 2")
    assert "Update Tidegauge" in str((await schema.version(connection)).fix)
    await connection.execute("DELETE FROM schema_migrations WHERE version > 1")
    assert "needs" in (await schema.version(connection)).said
    await connection.execute("DROP SCHEMA tidegauge CASCADE")
    findings = await found(connection)
    assert findings["schema"].said == "there is no schema yet"
    assert findings["orphans"].verdict is Verdict.WARN, "it cannot be checked"


async def test_an_index_that_is_not_valid_is_named(connection: Any) -> None:
    """As one is that was begun with CREATE INDEX CONCURRENTLY and not finished."""
    await connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'alerts_by_time'::regclass"
    )
    findings = await found(connection)
    assert findings["indexes"].verdict is Verdict.FAIL
    assert "REINDEX INDEX alerts_by_time" in str(findings["indexes"].fix)


async def test_days_without_a_place_are_told_before_they_come(connection: Any) -> None:
    """Tomorrow's missing is a warning, today's is a failure."""
    drop = "DO $$ DECLARE p text; BEGIN FOR p IN SELECT partition FROM partitions WHERE {} LOOP"
    drop += " EXECUTE 'DROP TABLE tidegauge.' || p; END LOOP; END $$"
    await connection.execute(drop.format("first > now()"))
    assert (await schema.partitions(connection)).verdict is Verdict.WARN
    await connection.execute(drop.format("until > now()"))
    assert (await schema.partitions(connection)).verdict is Verdict.FAIL
    await connection.execute(drop.format("true"))
    assert "no reading can be written" in (await schema.partitions(connection)).said


# -- the rows ------------------------------------------------------------------------------------


async def test_a_reading_whose_series_is_gone_is_found(database: Database, connection: Any) -> None:
    """As after a restore of some tables only."""
    await write(database, 30, 60)
    await connection.execute("SET session_replication_role = replica; DELETE FROM series")
    assert await broken(connection) == {"orphans": Verdict.FAIL}


async def test_a_reading_of_tomorrow_is_found(database: Database, connection: Any) -> None:
    """Its host's clock ran ahead."""
    await write(database, 30, -3600)
    assert await broken(connection) == {"future": Verdict.WARN}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE minutes SET readings = readings + 1",
        "UPDATE minutes SET mid_low = mid_low - 1",
        "UPDATE minutes SET spread_bps_sum = spread_bps_sum * 1.0001",
        "DELETE FROM minutes WHERE at = (SELECT min(at) FROM minutes)",
    ],
)
async def test_minutes_that_are_not_what_their_readings_say_are_found(
    database: Database, connection: Any, damage: str
) -> None:
    """Computed anew by other SQL than that which made them; the fix makes them anew."""
    now = await connection.fetchval("SELECT date_trunc('hour', clock_timestamp())")
    into_the_hour = (await connection.fetchval("SELECT clock_timestamp()") - now).total_seconds()
    await write(database, *(into_the_hour + 7200 - n for n in range(60, 600, 20)), 1)
    await connection.fetchval("SELECT roll_up(now() - interval '4 h', now())")
    assert await broken(connection) == {}
    await connection.execute(damage)
    rolled = (await found(connection))["rollups"]
    assert rolled.verdict is Verdict.FAIL
    await connection.execute(str(rolled.fix))
    assert await broken(connection) == {}


async def test_a_daemon_that_renews_no_more_or_writes_nothing_is_named(
    database: Database, connection: Any
) -> None:
    """It is gone, or cannot reach the database; or its feeds are down."""
    await acquire(connection, ["BTCUSDT", "ETHUSDT"], FAR)
    await write(database, 30)
    assert await broken(connection) == {}
    await connection.execute("UPDATE leases SET acquired_at = now() - interval '1 hour'")
    findings = await found(connection)
    assert findings["leases"].verdict is Verdict.WARN
    assert "ETHUSDT" in findings["leases"].said
    assert "BTCUSDT" not in findings["leases"].said
    await connection.execute(
        "UPDATE leases SET renewed_at = now() - interval '2 min', expires_at = now() - interval '1 min'"
    )
    assert "process 7 on far" in (await found(connection))["leases"].said


# -- the server ----------------------------------------------------------------------------------


async def test_a_database_that_takes_no_writes_is_told_why(connection: Any) -> None:
    """Read-only, or a user who may only look."""
    await connection.execute("SET default_transaction_read_only = on")
    assert await broken(connection) == {"writable": Verdict.FAIL}
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute("CREATE ROLE looker; GRANT USAGE ON SCHEMA tidegauge TO looker")
    await connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA tidegauge TO looker")
    try:
        await connection.execute("SET ROLE looker")
        refused = (await found(connection))["writable"]
        assert refused.verdict is Verdict.FAIL
        assert "the user looker may not write" in refused.said
    finally:
        await connection.execute("RESET ROLE; DROP OWNED BY looker; DROP ROLE looker")


async def test_a_setting_that_risks_rows_is_named_with_what_it_risks(connection: Any) -> None:
    """And with the statement that turns it on again."""
    await connection.execute("SET synchronous_commit = off")
    durable = (await found(connection))["durable"]
    assert durable.verdict is Verdict.WARN
    assert "rows of the last moment" in durable.said
    assert "ALTER SYSTEM SET synchronous_commit = on" in str(durable.fix)


async def test_a_session_that_holds_up_others_is_named(
    database: Database, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its process, and the statement that ends it."""
    monkeypatch.setattr(server, "LONG_TRANSACTION_S", 0)
    async with database.session() as other, other.transaction():
        pid = await other.fetchval("SELECT pg_backend_pid()")
        sessions = (await found(connection))["sessions"]
    assert sessions.verdict is Verdict.WARN
    assert f"SELECT pg_terminate_backend({pid})" in str(sessions.fix)


async def test_clocks_that_disagree_are_told(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little is a warning; a minute is a failure."""
    real = time.time
    for off_s, verdict in ((-5.0, Verdict.WARN), (120.0, Verdict.FAIL)):
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda off_s=off_s: real() + off_s)
            clock = await server.clock(connection)
        assert clock.verdict is verdict
        assert ("ahead of" in clock.said) == (off_s < 0)


async def test_a_damaged_page_is_found(made_data_dir: Path) -> None:
    """The disk flipped some bits: a checksum says so, and the check repeats it."""
    async with EmbeddedPostgres(made_data_dir) as embedded:
        async with external(embedded).session() as connection:
            await migrate(connection)
            await connection.execute("CREATE TABLE hurt AS SELECT generate_series(1, 1000) AS x")
            await connection.execute("CHECKPOINT")
            path = await connection.fetchval("SELECT pg_relation_filepath('hurt')")
        cluster = embedded.home.cluster
    with (cluster / path).open("r+b") as file:
        file.seek(4000)
        file.write(b"\xff" * 64)
    async with EmbeddedPostgres(made_data_dir) as embedded:
        async with external(embedded).session() as connection:
            with pytest.raises(asyncpg.DataCorruptedError):
                await connection.fetchval("SELECT sum(x) FROM hurt")

        async def told() -> bool:
            async with external(embedded).session() as connection:
                return (await server.checksums(connection)).verdict is Verdict.FAIL

        await until(told)


# -- this machine --------------------------------------------------------------------------------


class Usage(NamedTuple):
    """As `shutil.disk_usage` tells it."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free_mb", "verdict"), [(100, Verdict.FAIL), (1000, Verdict.WARN), (50_000, Verdict.OK)]
)
def test_a_disk_that_fills_up_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, verdict: Verdict
) -> None:
    """Also where the data directory is not there yet."""
    usage = Usage(200_000 * machine.MEGABYTE, 0, free_mb * machine.MEGABYTE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage)
    assert machine.disk(tmp_path / "not" / "there").verdict is verdict


def state(*, put_aside: int = 0, quarantined: int = 0, **facts: Any) -> SpoolState:
    """Return a spool with one folder, of a daemon that runs and waits for the database."""
    usual = {"folder": Path("s"), "alive": True, "records": 5, "readings": 4, "bytes": 9}
    folder = SpoolSurvey(**{**usual, "oldest_at": None, "damaged": 0, **facts})
    return SpoolState(folders=[folder], quarantined=quarantined, put_aside=put_aside)


@pytest.mark.parametrize(
    ("spool", "wrong"),
    [
        (state(), set()),
        (state(damaged=1), {"spool"}),
        (state(put_aside=1), {"spool"}),
        (state(alive=False), {"spool"}),
        (state(alive=False, records=0, readings=0), set()),
        (state(quarantined=2), {"quarantine"}),
    ],
)
def test_what_waits_on_disk_is_judged(spool: SpoolState, wrong: set[str]) -> None:
    """The daemons go on: these are warnings."""
    findings = [machine.spool(spool), machine.quarantine(spool)]
    assert {each.name for each in findings if each.verdict is Verdict.WARN} == wrong
    assert not any(each.verdict is Verdict.FAIL for each in findings)


def test_what_is_no_spool_is_passed_over(tmp_path: Path) -> None:
    """A file where only folders are; the disk is looked at where the server is ours."""
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "odd").touch()
    assert [each.verdict for each in check_machine(tmp_path, None)] == [Verdict.OK, Verdict.OK]
    assert [each.name for each in check_machine(tmp_path, tmp_path)] == [
        "disk",
        "spool",
        "quarantine",
    ]


# -- the command ---------------------------------------------------------------------------------


async def test_the_exit_code_is_that_of_the_worst(
    made_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well: 0; broken: 1, in one line; down: 1, and this machine is looked at all the same."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)  # the wheel made the directory
    where = ("db", "check", "--data-dir", str(made_data_dir))

    async def told(*more: str) -> Any:
        return await asyncio.to_thread(lambda: tidegauge(*where, *more, cwd=tmp_path))

    async with EmbeddedPostgres(made_data_dir) as embedded:
        async with external(embedded).session() as connection:
            await migrate(connection)
            well = await told()
            assert (well.code, well.complaints) == (0, []), well.out
            assert f"{len(CHECKS) + 3} checks, 0 warnings, 0 failed" in well.out
            await connection.execute("DROP VIEW tidegauge.v_market")
        wrong = await told("--json")
        assert wrong.code == 1
        assert wrong.complaints == ["tidegauge: 1 of 21 checks failed: contents"]
        said = {each["name"]: each for each in json.loads(wrong.out)}
        assert said["contents"]["verdict"] == "FAIL"
    down = await told()
    assert down.code == 1
    assert "tidegauge db up" in down.out
    assert "disk" in down.out
