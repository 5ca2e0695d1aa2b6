"""Minutes and hours: what the readings came to, which stays when the readings are gone."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support import rolled
from tests.support.database import a_market_summary, a_reading
from tests.support.history import START, Past, make_readings
from tests.support.odd_readings import readings

from tidegauge.core.instrument import HOUR, MINUTE, SECOND
from tidegauge.core.reading import Reading, Scales
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.table import instant
from tidegauge.sinks.upkeep import catch_up, prune, roll_up
from tidegauge.sinks.writer import PostgresWriter

SYMBOLS = (f"SYM{number}" for number in itertools.count())
THEN = 1_577_836_800 * SECOND  # 2020-01-01
FIRST, LAST = instant(THEN - HOUR), instant(THEN + 26 * HOUR)
WIDTHS = (("minutes", timedelta(minutes=1)), ("hours", timedelta(hours=1)))

SOME = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

times = st.one_of(
    st.integers(0, MINUTE - 1),
    st.integers(0, 24 * HOUR),
    st.sampled_from([0, MINUTE - 1, MINUTE, HOUR - 1, HOUR, 24 * HOUR - 1, 24 * HOUR]),
)
"""Many in one minute, some of other minutes, hours and days, some at the very edges."""


async def write(database: Database, *found: Reading, run_id: str = "run-1") -> None:
    """Write readings and wait until they are in."""
    writer = PostgresWriter(database, WriterLimits(), run_id)
    for reading in found:
        writer.submit(reading)
    assert await writer.drain(30.0)
    assert not writer.statistics().rejected


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


def placed(reading: Reading, symbol: str, at: int, frame: int = 1) -> Reading:
    """Return a reading of another symbol and time."""
    return structs.replace(
        reading,
        origin=structs.replace(reading.origin, symbol=symbol, received_at=THEN + at, frame=frame),
    )


async def check(connection: Any, symbol: str, measured: Sequence[Reading]) -> None:
    """Hold minutes and hours against a fold over the readings."""
    for name, width in WIDTHS:
        found = await rolled.shown(connection, symbol, name)
        rolled.compare(found, rolled.rolled_up(measured, width), measured)


@SOME
@given(
    st.lists(readings() | readings(wide=True), min_size=1, max_size=8),
    st.lists(times, min_size=8, max_size=8, unique=True),
    st.lists(st.sampled_from(["run-1", "run-2"]), min_size=8, max_size=8),
    st.booleans(),
)
async def test_rollups_are_what_a_fold_makes_and_outlive_the_readings(
    database: Database,
    connection: Any,
    found: list[Reading],
    at: list[int],
    runs: list[str],
    rolled_before: bool,
) -> None:
    """18 decimals, integers no bigint holds, one side, partial fills, two runs of other scales."""
    symbol = next(SYMBOLS)
    measured = [placed(each, symbol, when) for each, when in zip(found, at, strict=False)]
    for run in ("run-1", "run-2"):
        mine = [each for each, of in zip(measured, runs, strict=False) if of == run]
        await write(database, *mine, run_id=run)
    if rolled_before:
        await roll_up(connection, FIRST, LAST)
        await check(connection, symbol, measured)
        before = await connection.fetch("SELECT * FROM tidegauge.minutes ORDER BY 1, 2, 3")
        assert await roll_up(connection, FIRST, LAST) == 0
        assert before == await connection.fetch("SELECT * FROM tidegauge.minutes ORDER BY 1, 2, 3")
    dropped = await connection.fetch("SELECT * FROM tidegauge.prune(30)")
    assert {row["partition"] for row in dropped} >= {
        f"readings_{instant(each.origin.received_at):%Y%m%d}" for each in measured
    }
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.readings") == 0
    await check(connection, symbol, measured)
    assert await roll_up(connection, FIRST, LAST) == 0
    await check(connection, symbol, measured)


async def test_a_minute_is_whole_when_only_a_part_of_it_is_asked_for(
    database: Database, connection: Any
) -> None:
    """Every minute that overlaps the time is computed, from all of its readings."""
    symbol = next(SYMBOLS)
    measured = [placed(a_reading(), symbol, second * SECOND, frame=second) for second in range(240)]
    await write(database, *measured)
    at = instant(THEN + 90 * SECOND)
    await connection.execute("SET timezone = 'Asia/Kolkata'")  # half an hour off the hours of UTC
    written = await roll_up(connection, at, at + timedelta(seconds=31))
    assert written == 2 + 1
    minutes = await connection.fetch("SELECT * FROM tidegauge.v_minutes ORDER BY at")
    assert [row["readings"] for row in minutes] == [60, 60]
    [hour] = await connection.fetch("SELECT * FROM tidegauge.v_hours")
    assert (hour["at"], hour["readings"]) == (instant(THEN), 120)
    assert await roll_up(connection, at, at) == 0


async def test_a_minute_never_loses_what_it_counted(database: Database, connection: Any) -> None:
    """Late readings of a day that was dropped do not replace what all of them came to."""
    symbol = next(SYMBOLS)
    measured = [placed(a_reading(), symbol, second * SECOND, second) for second in range(60)]
    await write(database, *measured)
    await prune(connection, 30)
    await write(database, placed(a_reading(99), symbol, 5, 99))
    await roll_up(connection, FIRST, LAST)
    await check(connection, symbol, measured)


async def test_readings_that_come_late_are_caught_up_with(
    database: Database, connection: Any
) -> None:
    """The hours they belong to are found by counting, and only those are rolled up."""
    symbol = next(SYMBOLS)
    measured = [placed(a_reading(), symbol, hour * HOUR, hour) for hour in range(6)]
    await write(database, *measured)
    await roll_up(connection, FIRST, LAST)
    assert await catch_up(connection, FIRST, LAST) == 0
    late = [placed(a_reading(), symbol, hour * HOUR + SECOND, 100 + hour) for hour in (2, 5)]
    await write(database, *late)
    assert await catch_up(connection, FIRST, LAST) == 2
    await check(connection, symbol, [*measured, *late])


async def test_many_sessions_roll_up_at_once_while_rows_come_in(database: Database) -> None:
    """Nobody waits in a circle, and in the end nothing is missing."""
    symbol = next(SYMBOLS)
    measured = [placed(a_reading(), symbol, second * 40 * SECOND, second) for second in range(600)]

    async def roll() -> None:
        async with database.session() as connection:
            for _ in range(4):
                await roll_up(connection, FIRST, LAST)

    async def fill() -> None:
        for place in range(0, len(measured), 100):
            await write(database, *measured[place : place + 100])

    async with asyncio.timeout(60):
        await asyncio.gather(fill(), *(roll() for _ in range(4)))
    async with database.session() as connection:
        await roll_up(connection, FIRST, LAST)
        await check(connection, symbol, measured)


async def test_prices_of_two_scales_meet_in_one_minute(database: Database, connection: Any) -> None:
    """The finer scale holds both; the view shows each to its last digit."""
    symbol = next(SYMBOLS)
    coarse = placed(a_reading(), symbol, SECOND)
    bare: dict[str, Any] = {"bands": (), "fills": (), "max_sizes": ()}
    fine = structs.replace(
        placed(a_reading(), symbol, 2 * SECOND),
        scales=Scales(price=18, base=18, quote=36),
        bid_ticks=1,
        ask_ticks=2,
        **bare,
    )
    await write(database, coarse, run_id="run-1")
    await write(database, fine, run_id="run-2")
    await roll_up(connection, FIRST, LAST)
    [row] = await connection.fetch("SELECT * FROM tidegauge.v_minutes WHERE symbol = $1", symbol)
    assert (row["mid_first"], row["mid_last"]) == (Decimal("61000.15"), Decimal("1.5E-18"))
    [stored] = await connection.fetch("SELECT * FROM tidegauge.minutes WHERE symbol = $1", symbol)
    assert stored["mid_last"] is None  # 61000.15 at 19 decimals is beyond a bigint
    assert stored["wide"] is not None


# -- days ----------------------------------------------------------------------------------------


async def a_day_that_lasts() -> datetime:
    """Return when today began; of a day that is nearly over wait for the next: the database has now()."""
    over = (datetime.now(UTC) + timedelta(minutes=1)).replace(minute=0, second=0, microsecond=0)
    left = over - datetime.now(UTC)
    if over.hour == 0 and left > timedelta():
        await asyncio.sleep(left.total_seconds())
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def test_only_days_that_are_wholly_old_are_dropped(
    database: Database, connection: Any
) -> None:
    """Of readings and of what was told beside the books; today and the days before stay."""
    today = await a_day_that_lasts()
    ages = range(10)
    for age in ages:
        at = int((today - timedelta(days=age)).timestamp()) * SECOND
        await write(database, a_reading(age, received_at=at))
        writer = PostgresWriter(database, WriterLimits(), "run-1")
        summary = a_market_summary(age)
        writer.submit(type(summary)(**{**_fields(summary), "at": at}))
        assert await writer.drain(30.0)
    dropped = await prune(connection, 3)
    gone = {f"{today - timedelta(days=age):%Y%m%d}" for age in ages if age > 3}
    assert sorted(each.partition for each in dropped) == sorted(
        f"{table}_{day}" for table in ("readings", "market") for day in gone
    )
    assert all(each.bytes > 0 for each in dropped)
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.readings") == 4
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.market") == 4
    assert await connection.fetchval("SELECT sum(readings) FROM tidegauge.v_minutes") == 6
    assert await prune(connection, 3) == []


async def test_at_least_a_day_is_kept(connection: Any) -> None:
    """Zero or less is refused: nobody means to drop the day that is being written."""
    for keep in (0, -1):
        with pytest.raises(asyncpg.InvalidParameterValueError, match="at least one day is kept"):
            await connection.fetch("SELECT * FROM tidegauge.prune($1)", keep)


async def test_ten_sessions_make_the_same_days_at_once(database: Database) -> None:
    """Each day is made once, and nobody fails."""
    first = datetime(2030, 1, 1, tzinfo=UTC).date()

    async def one() -> int:
        async with database.session() as connection:
            made: int = await connection.fetchval(
                "SELECT tidegauge.make_partitions($1, $2)", first, first + timedelta(days=9)
            )
            return made

    assert sum(await asyncio.gather(*(one() for _ in range(10)))) == 20


async def test_a_day_that_somebody_detached_holds_up_nothing(database: Database) -> None:
    """Its table keeps its name and its rows; late rows of the day go to another, also twice."""
    for again, name in enumerate(("readings_20260101", "readings_20260101_2"), start=1):
        async with database.session() as dba:
            await dba.execute("SELECT tidegauge.make_partitions('2026-01-01', '2026-01-01')")
            await write(database, a_reading(again))
            await dba.execute(f"ALTER TABLE tidegauge.readings DETACH PARTITION tidegauge.{name}")
    await write(database, a_reading(7), a_reading(8))
    async with database.session() as dba:
        told = await dba.fetch(
            "SELECT partition, (SELECT count(*) FROM tidegauge.readings) AS rows "
            "FROM tidegauge.partitions WHERE table_name = 'readings' AND first = '2026-01-01+00'"
        )
        assert [tuple(row) for row in told] == [("readings_20260101_3", 2)]
        for name in ("readings_20260101", "readings_20260101_2"):
            assert await dba.fetchval(f"SELECT count(*) FROM tidegauge.{name}") == 1


async def test_making_days_waits_for_nobody_and_stops_nobody(database: Database) -> None:
    """A long query and an open transaction that wrote are both under way."""
    async with database.session() as reader, database.session() as maker:
        await write(database, a_reading())
        await reader.execute("BEGIN")
        await reader.fetch("SELECT * FROM tidegauge.v_readings")
        await reader.execute(
            "INSERT INTO tidegauge.readings SELECT series, recv_ns, at, epoch, frame + 1, sequence, "
            "feed_age_ns, bid_levels, ask_levels, venue_time, latency_ns, bid_ticks, bid_units, "
            "ask_ticks, ask_units, microprice, spread_bps, imbalance, band_units, fill_cost_bps, "
            "fill_base, fill_worst, max_units, band_floor, fill_partial, fill_floor, max_floor "
            "FROM tidegauge.readings"
        )
        await maker.execute("SET lock_timeout = '20s'; BEGIN")
        await maker.execute("SELECT tidegauge.make_partitions('2030-01-01', '2030-01-02')")
        await asyncio.wait_for(write(database, a_reading(5)), 20)
        await asyncio.wait_for(reader.fetch("SELECT * FROM tidegauge.v_readings"), 20)
        await maker.execute("COMMIT")
        await reader.execute("COMMIT")
        assert await reader.fetchval("SELECT count(*) FROM tidegauge.readings") == 3


async def test_spans_are_told_whatever_the_session_thinks_of_dates(connection: Any) -> None:
    """Time zones and styles of dates change how PostgreSQL writes a bound."""
    query = "SELECT partition, first, until FROM tidegauge.partitions ORDER BY partition"
    plain = await connection.fetch(query)
    await connection.execute("SET timezone = 'America/Chicago'; SET datestyle = 'SQL, DMY'")
    assert await connection.fetch(query) == plain
    made = "SELECT tidegauge.make_partitions('2030-01-01', '2030-01-01')"
    assert await connection.fetchval(made) == 2
    assert await connection.fetchval(made) == 0


async def test_generated_history_is_rolled_up_in_its_minutes(connection: Any) -> None:
    """The generator of the long tests makes readings that views and rollups take for real."""
    past = Past(books=2, until=START + timedelta(minutes=10))
    assert await make_readings(connection, past) == past.rows == 1200
    await roll_up(connection, past.since, past.until)
    rows = await connection.fetch("SELECT * FROM tidegauge.v_slippage_minutes")
    assert len(rows) == 2 * 10 * 6
    assert {row["readings"] for row in rows} == {60}


def _fields(summary: Any) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in summary.__dataclass_fields__}
