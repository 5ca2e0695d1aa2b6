"""The writer against a real PostgreSQL that stops, dies, hangs and refuses."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from structlog.testing import capture_logs
from tests.support.database import (
    Server,
    a_feed_event,
    a_poisonous_reading,
    a_reading,
    an_alert,
    an_instrument,
    external,
    until,
)

from tidegauge.core.alert import AlertState
from tidegauge.core.reading import Quotability
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, open_database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.postmaster import ensure_running, listening, stop_server
from tidegauge.sinks.rows import Kind, Listed, Record, Run
from tidegauge.sinks.writer import PostgresWriter

QUICK = WriterLimits(age_s=0.02, backoff_s=0.02, longest_backoff_s=0.2, connect_s=2.0)


@asynccontextmanager
async def writing(
    database: Database, limits: WriterLimits = QUICK, run_id: str = "run-1"
) -> AsyncIterator[PostgresWriter]:
    """Run a writer as the monitor does: in a task of its own, drained at the end."""
    writer = PostgresWriter(database, limits, run_id)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        yield writer
        await writer.drain(30.0)
        task.cancel()


async def write(database: Database, *records: Record, run_id: str = "run-1") -> PostgresWriter:
    """Write records and wait until they are in."""
    async with writing(database, run_id=run_id) as writer:
        for record in records:
            writer.submit(record)
    return writer


async def fetch(database: Database, query: str, *arguments: object) -> list[Any]:
    async with database.session() as connection:
        return list(await connection.fetch(query, *arguments))


async def count(database: Database, table: str) -> int:
    return int((await fetch(database, f"SELECT count(*) FROM tidegauge.{table}"))[0][0])


async def test_every_kind_of_record_reaches_its_table(database: Database) -> None:
    """A run, an instrument, an alert, a feed event and a reading."""
    run = Run(id="run-1", started_at=1, version="0", command="demo", symbols=("BTCUSDT",))
    listed = Listed(instrument=an_instrument(), symbol="BTCUSDT", updated_at=5)
    writer = await write(database, run, listed, an_alert(), a_feed_event(), a_reading())
    for table in ("runs", "instruments", "alerts", "alert_changes", "feed_events", "readings"):
        assert await count(database, table) == 1
    assert writer.statistics().rows == 6
    assert 1 <= writer.statistics().batches <= 5
    assert writer.depth == 0


async def test_a_one_sided_book_is_stored_as_far_as_it_is_known(database: Database) -> None:
    """Unknown is null, not measured is an empty array, and the views show no row for it."""
    unknown: dict[str, Any] = {
        **dict.fromkeys(("ask_ticks", "ask_units", "microprice", "spread_bps", "imbalance")),
        **dict.fromkeys(("bands", "fills", "max_sizes"), ()),
    }
    reading = structs.replace(a_reading(), quotability=Quotability.ONE_SIDED, **unknown)
    await write(database, reading)
    [row] = await fetch(database, "SELECT * FROM tidegauge.v_readings")
    assert (row["quotability"], row["mid"], row["best_ask"]) == ("one_sided", None, None)
    assert row["best_bid"] == Decimal("61000.10")
    for view in ("v_depth", "v_slippage", "v_max_size"):
        assert await count(database, view) == 0


async def test_duplicates_are_stored_once(database: Database) -> None:
    """Within a batch and across batches."""
    await write(database, a_reading(1), a_reading(1), a_feed_event(1), a_feed_event(1))
    again = await write(database, a_reading(1), a_reading(2), a_feed_event(1))
    assert await count(database, "readings") == 2
    assert await count(database, "feed_events") == 1
    assert again.statistics().duplicates == 2


async def test_a_replay_stores_nothing_new(database: Database) -> None:
    """The same records of the same run, all over again."""
    records = [a_reading(frame) for frame in range(1_200)]
    for expected in (0, 1_200):
        writer = await write(database, *records)
        assert writer.statistics().duplicates == expected
    assert await count(database, "readings") == 1_200


async def test_two_daemons_at_the_same_frame_are_two_rows(database: Database) -> None:
    """Both restart at epoch 1, frame 1; their runs and their receive times differ."""
    await write(database, a_reading(1), run_id="run-1")
    await write(database, a_reading(1), run_id="run-2")
    await write(database, a_reading(1, received_at=1_767_268_801_000_000_999), run_id="run-1")
    assert await count(database, "readings") == 3


async def test_the_newest_change_of_an_alert_wins_in_any_order(database: Database) -> None:
    """The alert stands as last updated; every change is kept."""
    firing = an_alert(AlertState.FIRING, updated_at=2_000_000_000)
    resolved = an_alert(AlertState.RESOLVED, updated_at=2_000_000_001)  # in the same microsecond
    await write(database, firing, resolved)
    await write(database, firing)
    [row] = await fetch(database, "SELECT state, updated_ns FROM tidegauge.alerts")
    assert (row["state"], row["updated_ns"]) == ("resolved", 2_000_000_001)
    assert await count(database, "alert_changes") == 2


async def test_a_poison_row_is_found_and_the_rest_goes_in(database: Database) -> None:
    """Two of 300 rows are refused; 298 are stored, two are counted and logged."""
    records = [a_reading(frame) for frame in range(300)]
    records[17], records[290] = a_poisonous_reading(17), a_poisonous_reading(290)
    with capture_logs() as logs:
        writer = await write(database, *records)
    assert await count(database, "readings") == 298
    statistics = writer.statistics()
    assert statistics.rejected == {Kind.READING: 2}
    assert statistics.written == {Kind.READING: 298}
    assert [each["event"] for each in logs].count("record_rejected") == 2


async def test_a_row_the_server_refuses_is_poison_too(
    database: Database,
) -> None:
    """Not only what cannot be encoded: also what breaks a constraint."""
    async with database.session() as connection:
        await connection.execute("ALTER TABLE tidegauge.readings ADD CHECK (frame <> 3)")
    writer = await write(database, *(a_reading(frame) for frame in range(10)))
    assert await count(database, "readings") == 9
    assert writer.statistics().rejected == {Kind.READING: 1}
    assert writer.statistics().retries == 0


async def test_a_venues_strange_words_are_stored(database: Database) -> None:
    """A NUL and half a surrogate pair, which PostgreSQL cannot hold."""
    await write(database, replace(a_feed_event(), detail="bad\0frame \ud800"))
    [row] = await fetch(database, "SELECT detail FROM tidegauge.feed_events")
    assert row["detail"] == "bad\ufffdframe ?"


async def test_views_show_one_row_a_measurement(database: Database) -> None:
    """The arrays unfold with their places kept."""
    await write(database, a_reading())
    depth = await fetch(database, "SELECT * FROM tidegauge.v_depth ORDER BY band_bps")
    assert [row["band_bps"] for row in depth] == [10, 50, 100]
    assert [row["ask_complete"] for row in depth] == [True, True, False]
    assert [row["imbalance"] for row in depth] == [-1 / 3] * 3
    slippage = await fetch(
        database, "SELECT * FROM tidegauge.v_slippage WHERE taker = 'sell' ORDER BY notional"
    )
    assert [(row["notional"], row["slippage_bps"]) for row in slippage] == [
        (Decimal(100_000), 0.385),
        (Decimal(10**6), None),
    ]
    [reading] = await fetch(database, "SELECT * FROM tidegauge.v_readings")
    assert reading["latency_ms"] == 7.000001
    assert reading["recv_ns"] == a_reading().origin.received_at


async def test_the_columns_we_send_are_the_columns_there_are(database: Database) -> None:
    """No column is left to its default but what the database counts; each table says what it is."""
    from tidegauge.sinks.rows import TABLES  # noqa: PLC0415 - only here

    rows = await fetch(
        database,
        "SELECT table_name, array_agg(column_name::text) AS columns "
        "FROM information_schema.columns WHERE table_schema = 'tidegauge' "
        "AND is_generated = 'NEVER' AND is_identity = 'NO' GROUP BY table_name",
    )
    there = {row["table_name"]: set(row["columns"]) for row in rows}
    for table in TABLES:
        assert there[table.name] == set(table.columns)
    bare = await fetch(
        database,
        "SELECT relname FROM pg_class WHERE relnamespace = 'tidegauge'::regnamespace "
        "AND relkind IN ('r', 'v') AND obj_description(oid) IS NULL",
    )
    assert bare == []


# -- a server that goes away ---------------------------------------------------------------------


@asynccontextmanager
async def a_server_of_our_own(made_data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(made_data_dir) as server:
        async with external(server).session() as connection:
            await migrate(connection)
        yield server


async def bring_back(server: EmbeddedPostgres) -> None:
    """Start a stopped server at the address it had."""
    assert server._binaries is not None
    await ensure_running(server.home, server._binaries, server._said().port)


async def test_a_stopped_server_only_delays(made_data_dir: Path) -> None:
    """Nothing accepted is lost, and the outage is logged once at each end."""
    async with a_server_of_our_own(made_data_dir) as server:
        database = external(server)
        with capture_logs() as logs:
            async with writing(database) as writer:
                for frame in range(100):
                    writer.submit(a_reading(frame))
                await until(lambda: writer.depth == 0)
                await stop_server(server.home)
                for frame in range(100, 300):
                    writer.submit(a_reading(frame))
                writer.submit(an_alert())
                await until(lambda: writer.statistics().retries >= 3)
                assert writer.statistics().away
                await bring_back(server)
        assert await count(database, "readings") == 300
        assert await count(database, "alerts") == 1
        statistics = writer.statistics()
        assert not statistics.away
        assert statistics.outages == 1
        assert not statistics.dropped
        events = [each["event"] for each in logs]
        assert events.count("database_lost") == 1
        assert events.count("database_recovered") == 1


async def test_a_killed_postmaster_is_revived_and_nothing_is_lost(made_data_dir: Path) -> None:
    """The embedded server is ours: the writer starts it again itself, five times over."""
    async with open_database(url=None, password=None, data_dir=made_data_dir) as database:
        async with database.session() as connection:
            await migrate(connection)
        home = EmbeddedPostgres(made_data_dir).home
        async with writing(database) as writer:
            frames = iter(range(1_000_000))
            for _ in range(5):
                for _ in range(200):
                    writer.submit(a_reading(next(frames)))
                await asyncio.sleep(0)
                said = listening(home)
                assert said is not None
                os.kill(said.pid, signal.SIGKILL)
                for _ in range(200):
                    writer.submit(a_reading(next(frames)))
                await until(lambda: writer.depth == 0, 60)
        statistics = writer.statistics()
        assert statistics.accepted == statistics.written == {Kind.READING: 2_000}
        assert await count(database, "readings") == 2_000


async def test_a_server_that_hangs_is_left_and_tried_again(made_data_dir: Path) -> None:
    """A stopped process holds nobody up for longer than the deadlines; then all goes in."""
    limits = replace(QUICK, command_s=1.0, connect_s=1.0)
    async with a_server_of_our_own(made_data_dir) as server:
        database = external(server)
        async with writing(database, limits) as writer:
            writer.submit(a_reading(1))
            await until(lambda: writer.depth == 0)
            said = listening(server.home)
            assert said is not None
            backend = writer._delivery._connection.get_server_pid()
            for pid in (said.pid, backend):
                os.kill(pid, signal.SIGSTOP)
            try:
                for frame in range(2, 600):
                    writer.submit(a_reading(frame))
                await until(lambda: writer.statistics().retries >= 2)
            finally:
                for pid in (said.pid, backend):
                    os.kill(pid, signal.SIGCONT)
        assert await count(database, "readings") == 599


async def test_when_there_is_no_room_only_readings_give_way(made_data_dir: Path) -> None:
    """Oldest first, counted; alerts and feed events wait for the database."""
    limits = replace(QUICK, capacity=50, batch=10)
    async with a_server_of_our_own(made_data_dir) as server:
        database = external(server)
        await stop_server(server.home)
        async with writing(database, limits) as writer:
            for number in range(200):
                writer.submit(a_reading(number))
                if number % 10 == 0:
                    writer.submit(an_alert(name=f"alert-{number}"))
                    writer.submit(a_feed_event(number))
            await until(lambda: writer.statistics().retries >= 1)
            await bring_back(server)
        statistics = writer.statistics()
        stored = await count(database, "readings")
        assert await count(database, "alerts") == 20
        assert await count(database, "feed_events") == 20
        assert statistics.dropped == {Kind.READING: 200 - stored}
        frames = await fetch(database, "SELECT frame FROM tidegauge.readings ORDER BY frame DESC")
        assert [row["frame"] for row in frames][:10] == list(range(199, 189, -1))


async def test_a_drain_that_cannot_finish_says_so_in_time(made_data_dir: Path) -> None:
    """The database is gone for good: the end of the program does not wait for it."""
    async with a_server_of_our_own(made_data_dir) as server:
        writer = PostgresWriter(external(server), QUICK, "run-1")
        await stop_server(server.home)
        async with asyncio.timeout(20.0):
            writer.submit(a_reading())
            assert await writer.drain(0.5) is False
        assert writer.depth == 1
        await bring_back(server)
        assert await writer.drain(30.0) is True
        assert writer.depth == 0


async def test_a_password_that_changed_is_waited_out(postgres_server: Server) -> None:
    """A refusal of the whole connection is no row's fault: nothing is rejected."""
    name = "changed_password"
    database = await postgres_server.create(name, "migrated")
    try:
        right = dict(database.arguments())
        given = {**right, "password": "wrong"}
        database = replace(database, arguments=lambda: given)
        async with writing(database) as writer:
            writer.submit(a_reading())
            await until(lambda: writer.statistics().retries >= 2)
            assert "InvalidPasswordError" in (writer.statistics().last_error or "")
            given["password"] = right["password"]
        assert writer.statistics().written == {Kind.READING: 1}
    finally:
        await postgres_server.drop(name)


@pytest.mark.campaign
async def test_fifty_kills_lose_nothing(made_data_dir: Path) -> None:
    """`kill -9` of the postmaster, fifty times, while 20,000 rows go in."""
    async with open_database(url=None, password=None, data_dir=made_data_dir) as database:
        async with database.session() as connection:
            await migrate(connection)
        home = EmbeddedPostgres(made_data_dir).home
        async with writing(database) as writer:
            for kill in range(50):
                for frame in range(400):
                    writer.submit(a_reading(kill * 400 + frame))
                    if frame == kill * 8:
                        await asyncio.sleep(0.005)
                if said := listening(home):
                    os.kill(said.pid, signal.SIGKILL)
                await until(lambda: writer.depth == 0, 60.0)
        assert await count(database, "readings") == 20_000
