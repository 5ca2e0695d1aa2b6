"""From one database to another with nothing lost: real servers, of two versions."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.support.database import (
    NOON,
    Server,
    a_feed_event,
    a_reading,
    an_alert,
    external,
    new_data_dir,
    remove,
    until,
)
from tests.support.moving import (
    DAY,
    DEBIAN,
    FAR,
    ODD,
    everything,
    fill,
    filled_server,
    held_up,
    url_of,
    write,
)

from tidegauge.core.alert import AlertState
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.sinks import lease_keeper
from tidegauge.sinks.binaries import find_binaries
from tidegauge.sinks.connect import Database, database_at
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.lease_keeper import LeaseKeeper
from tidegauge.sinks.leases import acquire
from tidegauge.sinks.migrate import Migration, migrate, migrations
from tidegauge.sinks.move import Step, move
from tidegauge.sinks.shape import shapes

CUT_THOSE_WHO_WAIT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'
"""


@pytest_asyncio.fixture
async def source(made_data_dir: Path) -> AsyncIterator[Database]:
    """An embedded server with some of everything."""
    async with filled_server(made_data_dir) as database:
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
    assert counts["incidents"] == (2, 2)
    assert counts["incident_events"] == (6, 6)
    for name in ("incident_chains", "silences", "desk_orders", "order_outcomes", "deliveries"):
        assert counts[name] == (1, 1), name
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


async def test_a_target_that_alters_what_it_is_given_is_found_out(
    source: Database, empty_database: Database
) -> None:
    """Nothing of that table is stored; without the trigger the rest follows."""
    async with empty_database.session() as connection:
        await migrate(connection)
        await connection.execute(
            "CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.value := NEW.value + 1; RETURN NEW; END $$;"
            "CREATE TRIGGER meddle BEFORE INSERT ON tidegauge.alert_changes"
            " FOR EACH ROW EXECUTE FUNCTION public.meddle()"
        )
        with pytest.raises(OperatorError, match=r"2 rows of alert_changes .* other content"):
            await move(source, empty_database)
        assert await connection.fetchval("SELECT count(*) FROM tidegauge.alert_changes") == 0
        await connection.execute("DROP TRIGGER meddle ON tidegauge.alert_changes")
    await move(source, empty_database)
    async with empty_database.session() as connection:
        await connection.execute("DROP FUNCTION public.meddle()")
    assert await everything(empty_database) == await everything(source)


async def test_two_moves_at_once_are_one_too_many(
    source: Database, empty_database: Database
) -> None:
    """The second is told so, and does nothing."""
    async with held_up(empty_database, "runs"):
        steps: list[str] = []
        first = asyncio.create_task(
            move(source, empty_database, lambda step: steps.append(step.piece))
        )
        await until(lambda: "runs" in steps)
        with pytest.raises(OperatorError, match=r"another move to .* is under way"):
            await move(source, empty_database)
    await first


async def test_a_daemon_that_runs_is_named_and_none_can_start_meanwhile(
    source: Database, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would write after the snapshot would be missing."""
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
        with monkeypatch.context() as hurry:
            hurry.setattr(lease_keeper, "DEADLINE_S", 0.3)
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

        async with held_up(target, "alerts"), target.session() as other:

            async def cut() -> bool:
                return bool(await other.fetch(CUT_THOSE_WHO_WAIT))

            cutting = asyncio.create_task(until(cut))
            with pytest.raises(OperatorError, match="run the same command again"):
                await move(source, target)
            await cutting
        await move(source, target)
        assert await everything(target) == await everything(source)


async def test_shapes_put_first_what_others_need(database: Database) -> None:
    """A reader of the target never meets a reading whose series is not there."""
    async with database.session() as connection:
        found = {shape.name: place for place, shape in enumerate(await shapes(connection))}
    assert found["series"] < found["readings"]
    assert found["incidents"] < found["incident_events"]
