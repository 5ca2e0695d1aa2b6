"""The schema as those who write SQL meet it: described, moved up from every version, true to its rows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import (
    NOON,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
)
from tests.support.odd_readings import readings
from tests.support.old_rows import (
    OLD_COLUMNS,
    an_old_row,
    compare_views,
    store_integer_rows,
)

from tidegauge.core.alert import AlertState
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.core.reading import Reading
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.migrate import migrate, migrations
from tidegauge.sinks.rows import ALERT_CHANGES, ALERTS, Kind, Listed, Record, Run, rows_of
from tidegauge.sinks.table import instant
from tidegauge.sinks.writer import PostgresWriter

SOME = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DAY = 24 * HOUR


async def write(database: Database, *records: Record, run_id: str = "run-1") -> PostgresWriter:
    """Write records and wait until they are in."""
    writer = PostgresWriter(database, WriterLimits(), run_id)
    for record in records:
        writer.submit(record)
    assert await writer.drain(10.0)
    return writer


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


# -- described -----------------------------------------------------------------------------------


async def test_every_table_view_column_and_function_is_described(connection: Any) -> None:
    """Integers mean nothing without their units; a day that is made later is described too."""
    await connection.execute("SELECT tidegauge.make_partitions('2031-01-01', '2031-01-02')")
    bare = await connection.fetch(
        """
        SELECT c.relname, NULL AS column FROM pg_class AS c
         WHERE c.relnamespace = 'tidegauge'::regnamespace AND c.relkind IN ('r', 'p', 'v')
           AND obj_description(c.oid, 'pg_class') IS NULL
        UNION ALL
        SELECT c.relname, a.attname FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'tidegauge'::regnamespace AND c.relkind IN ('r', 'p', 'v')
           AND col_description(c.oid, a.attnum) IS NULL
        UNION ALL
        SELECT p.proname, 'function' FROM pg_proc AS p
         WHERE p.pronamespace = 'tidegauge'::regnamespace
           AND obj_description(p.oid, 'pg_proc') IS NULL
        """
    )
    assert bare == []


async def test_only_ratios_and_statistics_are_floats(connection: Any) -> None:
    """Prices, sizes and notionals of the views are numeric, and times carry their zone."""
    rows = await connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'tidegauge' AND table_name LIKE 'v\\_%'"
    )
    exact = ("bid", "ask", "mid", "notional", "price", "mark", "index", "impact")
    statistics = ("_bps", "_avg")
    for row in rows:
        name, kind = row["column_name"], row["data_type"]
        assert kind not in ("real", "timestamp without time zone"), row
        if name.startswith(exact) and not any(word in name for word in statistics):
            assert kind in ("numeric", "boolean", "integer"), row
        if name.startswith("mid_") or name.endswith("_low"):
            assert kind == "numeric", row


# -- from every earlier version ------------------------------------------------------------------

KEPT = (
    "v_alerts",
    "v_feed_events",
    "v_market",
    "v_readings",
    "v_depth",
    "v_slippage",
    "v_max_size",
)


def what_happened() -> list[Record]:
    """Return records of every kind but readings, of three days."""
    told: list[Record] = [
        Run(id="run-0", started_at=NOON, version="0", command="demo", symbols=("BTCUSDT",)),
        Listed(instrument=an_instrument(), symbol="BTCUSDT", updated_at=5),
        an_alert(AlertState.FIRING),
        an_alert(AlertState.RESOLVED, updated_at=NOON + SECOND),
        *(a_feed_event(number) for number in range(5)),
    ]
    for day in range(3):
        summary = a_market_summary(day + 1)
        told.append(
            type(summary)(
                **{
                    name: getattr(summary, name)
                    for name in ("venue", "symbol", "instrument", "number", "trace")
                },
                since=summary.since + day * DAY,
                at=summary.at + day * DAY,
                flow=summary.flow,
                standing=summary.standing,
            )
        )
    return told


async def store_old_rows(connection: Any, version: int, found: Sequence[Reading]) -> None:
    """Put rows into a schema of an earlier version, as the program of that time did."""
    if version > 3:
        await connection.execute("SELECT tidegauge.make_partitions('2026-01-01', '2026-01-03')")
    for record in what_happened():
        for table, row in rows_of(record, "run-0"):  # type: ignore[arg-type]
            if version == 1 and table.name == "market":
                continue
            columns = dict(zip(table.columns, row, strict=True))
            if version == 1:
                columns.pop("inverse", None)
            if table in (ALERTS, ALERT_CHANGES):
                columns.pop("side")
            if table.name == "alerts":
                await connection.execute("DELETE FROM tidegauge.alerts")
            await connection.copy_records_to_table(
                table.name,
                schema_name="tidegauge",
                columns=list(columns),
                records=[tuple(columns.values())],
            )
    if version < 3:
        await connection.copy_records_to_table(
            "readings",
            schema_name="tidegauge",
            columns=OLD_COLUMNS,
            records=[an_old_row(reading, "run-0") for reading in found],
        )


async def shown(connection: Any) -> dict[str, list[Any]]:
    """Return what the views show, each view's rows in the order of their text."""
    there = await connection.fetch(
        "SELECT relname FROM pg_class "
        "WHERE relnamespace = 'tidegauge'::regnamespace AND relname = ANY ($1)",
        list(KEPT),
    )
    return {
        name: sorted(await connection.fetch(f"SELECT * FROM tidegauge.{name}"), key=repr)
        for name in sorted(row["relname"] for row in there)
    }


def as_before(rows: Sequence[Any], after: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a view without the columns that it had not, which stand behind the others."""
    return [tuple(row)[: len(old)] for old, row in zip(rows, after, strict=True)]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@SOME
@given(found=st.lists(readings() | readings(wide=True), max_size=6))
async def test_a_database_of_any_version_is_moved_up_with_its_rows(
    empty_database: Database, version: int, found: list[Reading]
) -> None:
    """What the views showed they show still, digit for digit; what is sent again is known."""
    measured = [
        structs.replace(each, origin=structs.replace(each.origin, frame=frame))
        for frame, each in enumerate([*found, a_reading(), a_reading(received_at=NOON + 2 * DAY)])
    ]
    async with empty_database.session() as connection:
        await connection.execute("DROP SCHEMA IF EXISTS tidegauge CASCADE")
        await migrate(connection, migrations()[:version])
        await store_old_rows(connection, version, measured)
        if version >= 3:
            await store_integer_rows(connection, measured, "run-0")
        before = await shown(connection)
        assert len(before["v_readings"]) == len(measured)
        assert (await migrate(connection)).before == version
        after = await shown(connection)
        for view, rows in before.items():
            if version >= 3 or view not in ("v_readings", "v_depth", "v_slippage"):
                assert as_before(rows, after[view]) == rows, view
            else:
                compare_views(rows, after[view])
        again = await write(empty_database, *what_happened(), *measured, run_id="run-0")
        counts = again.statistics()
        assert counts.rejected == {}
        assert counts.retries == 0
        # The alert and the instrument replace what is there. Market rows are from version 2 on, and
        # readings of before version 3 went under series of other scales.
        news = 2 + (3 if version == 1 else 0) + (len(measured) if version < 3 else 0)
        assert counts.rows == news


async def test_rows_from_before_the_partitions_become_one(empty_database: Database) -> None:
    """From the day of the oldest to the day of the newest; the days about it are made as any other."""
    async with empty_database.session() as connection:
        await migrate(connection, migrations()[:3])
        await store_old_rows(connection, 3, [])
        measured = [a_reading(day, received_at=NOON + day * DAY) for day in range(3)]
        await store_integer_rows(connection, measured, "run-1")
        await migrate(connection)
        old = await connection.fetch(
            "SELECT * FROM tidegauge.partitions WHERE partition LIKE '%before%' ORDER BY table_name"
        )
        first = datetime(2026, 1, 1, tzinfo=UTC)
        for row, name in zip(old, ("market", "readings"), strict=True):
            assert row["partition"] == f"{name}_before_20260104"
            assert (row["first"], row["until"]) == (first, first + timedelta(days=3))
        made = "SELECT tidegauge.make_partitions('2025-12-31', '2026-01-05')"
        assert await connection.fetchval(made) == 6  # three days of two tables
        await write(empty_database, a_reading(9, received_at=NOON + 5 * HOUR))
        count = "SELECT count(*) FROM tidegauge.readings_before_20260104"
        assert await connection.fetchval(count) == 4


async def test_what_others_built_on_a_view_survives(empty_database: Database) -> None:
    """A view of theirs over one of ours is not in the way, and goes on."""
    async with empty_database.session() as connection:
        await migrate(connection, migrations()[:3])
        await connection.execute("CREATE VIEW mine AS SELECT at, mid FROM tidegauge.v_readings")
        await migrate(connection)
        await write(empty_database, a_reading())
        assert await connection.fetchval("SELECT mid FROM mine") == Decimal("61000.150")


async def test_many_daemons_move_a_database_up_at_once(empty_database: Database) -> None:
    """One does it; the rows are there once."""
    async with empty_database.session() as connection:
        await migrate(connection, migrations()[:3])
        await store_integer_rows(connection, [a_reading(n) for n in range(300)], "run-1")

    async def one() -> int:
        async with empty_database.session() as connection:
            return (await migrate(connection)).before

    befores = await asyncio.gather(*(one() for _ in range(8)))
    assert sorted(befores) == [3] + [len(migrations())] * 7
    async with empty_database.session() as connection:
        assert await connection.fetchval("SELECT count(*) FROM tidegauge.v_readings") == 300


# -- trust ---------------------------------------------------------------------------------------

moves = st.tuples(
    st.sampled_from(["run-1", "run-2"]),
    st.sampled_from(["binance", "okx"]),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
    st.sampled_from(list(Trust)),
    st.sampled_from(list(TrustReason)),
    st.sampled_from([0, 0, 1, 999, 1000, SECOND, HOUR]),
)


@SOME
@given(st.lists(moves, max_size=30))
async def test_spells_of_trust_are_those_a_fold_finds(
    database: Database, connection: Any, made: list[tuple[str, str, str, Trust, TrustReason, int]]
) -> None:
    """Each spell ends where the next of its book and run begins, those at one nanosecond included."""
    await connection.execute("TRUNCATE tidegauge.feed_events")
    at, events = NOON, []
    for number, (run, venue, symbol, trust, reason, later) in enumerate(made):
        at += later
        event = FeedEvent(
            kind=FeedEventKind.TRUST,
            venue=venue,
            at=at,
            trace=f"{venue}/1/{number}",
            instrument=symbol,
            symbol=symbol,
            trust=trust,
            reason=reason,
        )
        events.append((run, event))
    for run in ("run-1", "run-2"):
        mine = [event for of_run, event in events if of_run == run]
        await write(database, *mine, a_feed_event(), run_id=run)
    expected = []
    for book in {(run, event.venue, event.symbol) for run, event in events}:
        told = [event for run, event in events if (run, event.venue, event.symbol) == book]
        ends = [instant(after.at) for after in told[1:]]
        for event, until in zip_longest(told, ends):
            since = instant(event.at)
            expected.append(
                (
                    *(book, event.trace, event.trust, event.reason, since, until),
                    None if until is None else until - since,
                )
            )
    rows = await connection.fetch("SELECT * FROM tidegauge.v_feed_trust")
    found = [
        (
            *((row["run"], row["venue"], row["symbol"]), row["trace"], row["trust"]),
            *(row["reason"], row["since"], row["until"], row["lasted"]),
        )
        for row in rows
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


# -- incidents -----------------------------------------------------------------------------------


async def test_an_incident_tells_how_long_each_step_took(connection: Any) -> None:
    """From its opening on; what has not come about is null."""
    opened = datetime(2026, 1, 1, 12, tzinfo=UTC)
    columns = (
        *("id", "run", "symbol", "family", "state", "severity", "worst_severity", "trigger"),
        *("impact_quote", "action", "opened_at", "acknowledged_at", "mitigated_at", "resolved_at"),
        *("version", "alerts", "updated_at", "updated_ns"),
    )

    def row(name: str, *minutes: int | None) -> tuple[Any, ...]:
        steps = [None if each is None else opened + timedelta(minutes=each) for each in minutes]
        return (
            *(name, "run-1", "BTCUSDT", "liquidity", "open", "high", "critical", "depth is gone"),
            *(Decimal("1250.500000000000000001"), "pause_asset", opened, *steps),
            *(3, ["19b8-aa"], opened, NOON),
        )

    await connection.copy_records_to_table(
        "incidents",
        schema_name="tidegauge",
        columns=columns,
        records=[row("a", 2, 7, 61), row("b", None, None, None)],
    )
    done, new = await connection.fetch("SELECT * FROM tidegauge.v_incidents ORDER BY id")
    took = [done[name] for name in ("to_acknowledge", "to_mitigate", "to_resolve")]
    assert took == [timedelta(minutes=each) for each in (2, 7, 61)]
    assert new["to_acknowledge"] is new["to_mitigate"] is new["to_resolve"] is None
    assert done["impact_quote"] == Decimal("1250.500000000000000001")


# -- days that nobody made -----------------------------------------------------------------------


async def test_a_day_without_a_partition_is_given_one(database: Database, connection: Any) -> None:
    """Readings alone, readings beside other records, and what was told beside the books."""
    before = await connection.fetchval("SELECT count(*) FROM tidegauge.partitions")
    long_ago = NOON - 365 * DAY
    batch = [a_reading(day, received_at=long_ago + day * DAY // 2) for day in range(6)]
    writer = await write(database, *batch)
    writer = await write(database, a_reading(7, received_at=long_ago + 30 * DAY), a_feed_event())
    assert writer.statistics().written == {Kind.READING: 1, Kind.FEED_EVENT: 1}
    await write(database, a_market_summary(), a_market_summary(2))
    assert writer.statistics().retries == 0
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.readings") == 7
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.market") == 2
    after = await connection.fetchval("SELECT count(*) FROM tidegauge.partitions")
    # Noon and midnight of three and a half days, another day, and that of the summaries.
    assert after - before == 2 * (4 + 1 + 1)


async def test_events_are_numbered_as_they_came(database: Database, connection: Any) -> None:
    """Also within a batch, whose rows would otherwise be sorted by their ids."""
    events = [a_feed_event(0, FeedEventKind.GAP) for _ in range(1)]
    events += [a_feed_event(number) for number in range(1, 400)]
    await write(database, *events)
    rows = await connection.fetch("SELECT at_ns FROM tidegauge.feed_events ORDER BY number")
    assert [row["at_ns"] for row in rows] == [event.at for event in events]
