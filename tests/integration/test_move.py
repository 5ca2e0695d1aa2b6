"""From one database to another with nothing lost: real servers, of two versions."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.support.cli import running, tidegauge
from tests.support.database import (
    NOON,
    Server,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
    external,
    new_data_dir,
    remove,
    until,
)

from tidegauge.core.alert import AlertState
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks import lease_keeper
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.binaries import find_binaries
from tidegauge.sinks.connect import Database, database_at
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.lease_keeper import LeaseKeeper
from tidegauge.sinks.leases import acquire
from tidegauge.sinks.migrate import Migration, migrate, migrations
from tidegauge.sinks.move import Step, move
from tidegauge.sinks.rows import Listed, Run
from tidegauge.sinks.shape import LEFT_BEHIND, shapes
from tidegauge.sinks.writer import PostgresWriter

ODD = '\'; DROP TABLE readings; -- \\ " \t\n {NULL,"a"} \\N é 漢 \U0001f980'
DAY = 24 * HOUR
DEBIAN = Path("/usr/lib/postgresql/15/bin")
FAR = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)


def url_of(server: Server, name: str, *, user: str = "tidegauge") -> str:
    place = server.embedded.dsn.partition("@")[2].partition("/")[0]
    return f"postgresql://{user}@{place}/{name}"


async def write(database: Database, *records: Any, run: str = "run-1") -> None:
    """Store records as a daemon does."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), run)
    for record in records:
        writer.submit(record)
    assert await writer.drain(30.0)
    assert not writer.statistics().rejected


def wide_reading(frame: int) -> Any:
    """Return a reading with integers that no bigint holds."""
    good = a_reading(frame)
    bands = tuple(replace(band, bid_quote_units=10**30 + frame) for band in good.bands)
    return replace(good, bid_units=10**25 + 1, bands=bands)


async def fill(database: Database) -> None:
    """Store some of everything, over three days: wide, exact to 18 digits, and hostile."""
    days = [
        replace(each, origin=replace(each.origin, received_at=NOON + day * DAY + each.origin.frame))
        for day in range(3)
        for each in (a_reading(day * 10 + 1), wide_reading(day * 10 + 2), a_reading(day * 10 + 3))
    ]
    market = a_market_summary(1)
    flow = changed(market.flow, buy_base=Decimal("0.123456789012345678"), trades=2**62)
    await write(
        database,
        Run(id="run-1", started_at=NOON, version=ODD, command="monitor", symbols=("BTCUSDT", ODD)),
        Listed(instrument=changed(an_instrument(), base=ODD), symbol=None, updated_at=NOON),
        an_alert(AlertState.FIRING),
        changed(an_alert(AlertState.RESOLVED, updated_at=NOON + 5), sentence=ODD),
        *(changed(a_feed_event(n), detail=ODD) for n in range(5)),
        changed(market, flow=flow),
        *days,
    )
    async with database.session() as connection:
        await connection.execute(INCIDENT)
        await connection.fetchval("SELECT roll_up('2026-01-01+00', '2026-01-04+00')")


INCIDENT = """
INSERT INTO incidents (id, run, symbol, family, state, severity, worst_severity, trigger, action,
                       opened_at, version, alerts, updated_at, updated_ns)
VALUES ('i-1', 'run-1', 'BTCUSDT', 'liquidity', 'open', 'high', 'high', 'x', 'y', now(), 1, '{a,b}', now(), 1)
"""


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables as Python reads them: no SQL of the move's own."""
    async with database.session() as connection:
        names = [
            row["relname"]
            for row in await connection.fetch(
                "SELECT relname FROM pg_class WHERE relnamespace = 'tidegauge'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL ($1)",
                list(LEFT_BEHIND),
            )
        ]
        return {
            name: sorted(
                (tuple(row) for row in await connection.fetch(f"SELECT * FROM tidegauge.{name}")),
                key=repr,
            )
            for name in names
        }


@pytest_asyncio.fixture
async def source(made_data_dir: Path) -> AsyncIterator[Database]:
    """An embedded server with some of everything."""
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            await migrate(connection)
        await fill(database)
        yield database


@pytest.fixture
def other_data_dir() -> Iterator[Path]:
    """A second data directory."""
    folder = new_data_dir()
    yield folder
    remove(folder)


async def test_everything_arrives_and_a_second_move_finds_it_there(
    source: Database, empty_database: Database
) -> None:
    """Row by row the same; nothing is copied twice, and what comes after is numbered after."""
    steps: list[Step] = []
    moved = await move(source, empty_database, steps.append)
    assert await everything(empty_database) == await everything(source)
    counts = {each.name: (each.rows, each.copied) for each in moved}
    assert counts["readings"] == (9, 9)
    assert counts["feed_events"] == (5, 5)
    assert counts["minutes"] == (3, 3)
    assert counts["incidents"] == (1, 1)
    assert {"schema_migrations", "leases"}.isdisjoint(counts)
    assert steps[-1].done == steps[-1].of - 1
    assert steps[-1].sent > 5_000
    again = await move(source, empty_database)
    assert {(each.name, each.rows, each.copied) for each in again} == {
        (each.name, each.rows, 0) for each in moved
    }
    assert [each.checksum for each in again] == [each.checksum for each in moved]
    await write(empty_database, a_feed_event(77))
    async with empty_database.session() as connection:
        last = await connection.fetchrow("SELECT * FROM feed_events ORDER BY number DESC LIMIT 1")
    assert last["at_ns"] == NOON + 77


@pytest.mark.parametrize("up", [True, False], ids=["to a newer version", "to an older version"])
async def test_versions_of_postgresql_agree_on_every_checksum(
    made_data_dir: Path, other_data_dir: Path, *, up: bool
) -> None:
    """Between the oldest server that is here and the newest, both ways."""
    newest = find_binaries(None).folder
    oldest = DEBIAN if DEBIAN.is_dir() else newest.parents[1] / "pginstall" / "bin"
    assert find_binaries(oldest).major < find_binaries(newest).major
    async with (
        EmbeddedPostgres(made_data_dir) as new,
        EmbeddedPostgres(other_data_dir, oldest) as old,
    ):
        here, there = (external(old), external(new)) if up else (external(new), external(old))
        async with here.session() as connection:
            await migrate(connection)
        await fill(here)
        await move(here, there)
        assert await everything(there) == await everything(here)


async def test_what_the_target_has_already_stays_and_the_newer_wins(
    source: Database, empty_database: Database
) -> None:
    """A daemon writes there already: the two become one, and the minutes are made of both."""
    target = empty_database
    async with target.session() as connection:
        await migrate(connection)
    theirs = replace(a_reading(500), origin=replace(a_reading(500).origin, received_at=NOON + 9))
    await write(
        target,
        theirs,
        a_feed_event(0),
        a_feed_event(900),
        an_alert(AlertState.RESOLVED, updated_at=NOON + 99 * SECOND),
    )
    async with target.session() as connection:
        await connection.fetchval("SELECT roll_up('2026-01-01+00', '2026-01-02+00')")
    moved = {each.name: each for each in await move(source, target)}
    assert moved["readings"].copied == 9
    assert moved["alerts"].copied == 0, "the target's is newer"
    async with target.session() as connection:
        assert await connection.fetchval("SELECT count(*) FROM readings") == 10
        assert await connection.fetchval("SELECT count(*) FROM feed_events") == 6 + (ODD != "")
        ended = await connection.fetchval("SELECT updated_ns FROM alerts")
        assert ended == NOON + 99 * SECOND
        assert await connection.fetchval("SELECT sum(readings) FROM minutes") == 10
    before = await everything(target)
    assert {each.copied for each in await move(source, target)} == {0}
    assert await everything(target) == before


async def test_days_from_before_there_were_days_go_over_one_by_one(
    source: Database, postgres_server: Server, empty_database: Database
) -> None:
    """A partition of many days; a target whose user owns the database and nothing more."""
    async with source.session() as connection:
        await connection.execute(
            "CREATE TABLE tidegauge.readings_before (LIKE tidegauge.readings INCLUDING DEFAULTS);"
            "ALTER TABLE tidegauge.readings ATTACH PARTITION tidegauge.readings_before"
            " FOR VALUES FROM ('2025-01-01+00') TO ('2025-06-01+00')"
        )
    january = NOON - 360 * DAY
    old = [
        replace(each, origin=replace(each.origin, received_at=january + day * DAY))
        for day in (0, 7, 90)
        for each in (a_reading(day),)
    ]
    await write(source, *old)
    name = empty_database.url.rpartition("/")[2]
    async with empty_database.session() as connection:
        await connection.execute(
            f"CREATE ROLE mover LOGIN PASSWORD 'm'; ALTER DATABASE {name} OWNER TO mover"
        )
    try:
        target = database_at(url_of(postgres_server, name, user="mover"), "m")
        moved = {each.name: each for each in await move(source, target)}
        assert moved["readings"].copied == 12
        assert await everything(target) == await everything(source)
        async with target.session() as connection:
            days = await connection.fetchval(
                "SELECT count(*) FROM tidegauge.partitions WHERE table_name = 'readings' AND first < '2025-12-01'"
            )
        assert days == 3
    finally:
        async with empty_database.session() as connection:
            await connection.execute(
                f"ALTER DATABASE {name} OWNER TO tidegauge; REASSIGN OWNED BY mover TO tidegauge; DROP ROLE mover"
            )


async def test_other_content_under_the_same_key_is_refused(
    source: Database, empty_database: Database
) -> None:
    """What never changes cannot be two things: nothing of that table is stored."""
    await move(source, empty_database)
    async with empty_database.session() as connection:
        await connection.execute(
            "UPDATE alert_changes SET sentence = 'forged' WHERE state = 'firing'"
        )
    before = await everything(empty_database)
    with pytest.raises(OperatorError, match=r"1 rows of alert_changes .* other content"):
        await move(source, empty_database)
    assert await everything(empty_database) == before


async def test_a_daemon_that_runs_is_named_and_none_can_start_meanwhile(
    source: Database, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would write after the snapshot would be missing."""
    monkeypatch.setattr(lease_keeper, "DEADLINE_S", 0.3)
    async with source.session() as connection:
        await acquire(connection, ["BTCUSDT"], FAR)
        with pytest.raises(OperatorError, match="BTCUSDT: process 7 on far, run run-far"):
            await move(source, empty_database)
        await connection.execute("UPDATE leases SET expires_at = now()")
    tried: list[str] = []

    def try_to_start(step: Step) -> None:
        tried.append(step.piece)

    async with held_up(empty_database, "alerts"):
        moving = asyncio.create_task(move(source, empty_database, try_to_start))
        await until(lambda: "alerts" in tried)
        with pytest.raises(OperatorError, match="no lease can be had"):
            await LeaseKeeper(source, ["ETHUSDT"], FAR).start()
    await moving
    later = LeaseKeeper(source, ["ETHUSDT"], FAR)
    await later.start()
    await later.release()


async def test_the_same_database_and_a_newer_one_are_refused(
    source: Database, empty_database: Database
) -> None:
    """One that has two names; one that a later version has made."""
    with pytest.raises(OperatorError, match="the database to be moved itself"):
        await move(source, source)
    newer = [*migrations(), Migration(len(migrations()) + 1, "later", "SELECT 1")]
    async with empty_database.session() as connection:
        await migrate(connection, newer)
    with pytest.raises(OperatorError, match="Update Tidegauge"):
        await move(source, empty_database)


async def test_a_target_that_dies_on_the_way_costs_no_row(
    source: Database, other_data_dir: Path
) -> None:
    """One line that says how to go on; the second move does the rest."""
    async with EmbeddedPostgres(other_data_dir) as server:
        target = external(server)
        async with target.session() as connection:
            await migrate(connection)
        pids: list[int] = []

        async def cut() -> None:
            async with held_up(target, "alerts") as blocker:
                await until(lambda: bool(pids))
                await blocker.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock'"
                )

        cutting = asyncio.create_task(cut())
        with pytest.raises(OperatorError, match="run the same command again"):
            await move(
                source, target, lambda step: pids.append(1) if step.piece == "alerts" else None
            )
        await cutting
        await move(source, target)
        assert await everything(target) == await everything(source)


@asynccontextmanager
async def held_up(database: Database, table: str) -> AsyncIterator[Any]:
    """Keep everybody from a table, so that whoever needs it waits."""
    async with database.session() as connection:
        if await connection.fetchval("SELECT to_regclass('tidegauge.runs')") is None:
            await migrate(connection)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE tidegauge.{table} IN ACCESS EXCLUSIVE MODE")
            yield connection


# -- the command ---------------------------------------------------------------------------------


async def test_a_move_that_is_killed_goes_on_where_it_was(
    source: Database,
    made_data_dir: Path,
    postgres_server: Server,
    empty_database: Database,
    tmp_path: Path,
) -> None:
    """`kill -9` in the middle: what had arrived stays; the end says exactly what to do next."""
    password = str(empty_database.password)
    url = url_of(postgres_server, empty_database.url.rpartition("/")[2])
    arguments = ("db", "move", url, "--data-dir", str(made_data_dir))
    env = {"TIDEGAUGE_DATABASE_PASSWORD": password}

    async def some_arrived() -> bool:
        async with empty_database.session() as connection:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return bool(await connection.fetchval(waiting))

    async with (
        held_up(empty_database, "runs"),
        running(*arguments, cwd=tmp_path, env=env) as moving,
    ):
        await until(some_arrived)
        moving.process.kill()
        await moving.ended()
    async with empty_database.session() as connection:
        assert await connection.fetchval("SELECT count(*) FROM alerts") == 1
        assert await connection.fetchval("SELECT count(*) FROM readings") == 0
    told = await asyncio.to_thread(lambda: tidegauge(*arguments, cwd=tmp_path, env=env))
    assert told.code == 0, told.err
    assert f"set TIDEGAUGE_DATABASE_URL={url}" in told.out
    assert "count and checksum equal" in told.out
    assert password not in told.out + told.err
    assert await everything(empty_database) == await everything(source)


def test_a_password_on_the_command_line_and_a_move_of_nothing_are_refused(
    data_dir: Path, tmp_path: Path
) -> None:
    """Before anything is started; the password is not repeated."""
    where = ("--data-dir", str(data_dir))
    for url in ("postgresql://me:s3cret@h/db", "postgresql://me@h/db?password=s3cret"):
        told = tidegauge("db", "move", url, *where, cwd=tmp_path)
        assert told.code == 1
        assert "every user of this machine" in told.complaints[0]
        assert "s3cret" not in told.err
    told = tidegauge("db", "move", "postgresql://me@h/db", *where, cwd=tmp_path)
    assert "nothing to move" in told.complaints[0]
    assert not data_dir.exists()


async def test_shapes_put_first_what_others_need(database: Database) -> None:
    """A reader of the target never meets a reading whose series is not there."""
    async with database.session() as connection:
        found = {shape.name: place for place, shape in enumerate(await shapes(connection))}
    assert found["series"] < found["readings"]
    assert found["incidents"] < found["incident_events"]
