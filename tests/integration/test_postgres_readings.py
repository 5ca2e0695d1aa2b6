"""Readings in a real PostgreSQL: what was measured is what the views show."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import a_feed_event, a_reading, until
from tests.support.odd_readings import readings

from tidegauge.core.reading import BandDepth, Fill, MaxSize, Reading
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.rows import Kind, Record
from tidegauge.sinks.table import instant
from tidegauge.sinks.writer import PostgresWriter

RUNS = itertools.count(1)


async def write(database: Database, *records: Record, run_id: str = "run-1") -> PostgresWriter:
    """Write records and wait until they are in."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.02, backoff_s=0.02), run_id)
    for record in records:
        writer.submit(record)
    assert await writer.drain(30.0)
    return writer


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[PostgresWriter]:
    """Run a writer in a task of its own; it keeps its connection."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), "run-1")
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


def apart(found: Sequence[Reading]) -> list[Reading]:
    """Return the readings with a frame each, so that none is another."""
    return [
        structs.replace(each, origin=structs.replace(each.origin, frame=frame))
        for frame, each in enumerate(found)
    ]


async def views_of(connection: Any, run: str) -> list[tuple[Any, list[Any], list[Any], list[Any]]]:
    """Return each reading of a run, by frame, with its bands, fills and maximal sizes."""
    shown: dict[str, tuple[Any, list[Any], list[Any], list[Any]]] = {
        row["id"]: (row, [], [], [])
        for row in await connection.fetch("SELECT * FROM tidegauge.v_readings WHERE run = $1", run)
    }
    for place, view in enumerate(("v_depth", "v_slippage", "v_max_size"), 1):
        query = f"SELECT * FROM tidegauge.{view} WHERE run = $1"
        for row in await connection.fetch(query, run):
            shown[row["reading"]][place].append(row)
    return sorted(shown.values(), key=lambda each: int(each[0]["id"].rpartition("/")[2]))


def digits(value: Decimal | None) -> str | None:
    """Return a number with all of its zeros."""
    return None if value is None else f"{value:f}"


def check_reading(row: Any, reading: Reading) -> None:
    """Compare a row of v_readings with what was measured."""
    origin = reading.origin
    for name in ("best_bid", "best_bid_size", "best_ask", "best_ask_size", "mid", "spread"):
        assert digits(row[name]) == digits(getattr(reading, name)), name
    for name in ("microprice", "spread_bps", "imbalance", "bid_levels", "ask_levels"):
        assert row[name] == getattr(reading, name), name
    for name in ("venue", "symbol", "instrument", "sequence", "trace"):
        assert row[name] == getattr(origin, name), name
    assert row["quotability"] == reading.quotability
    assert row["recv_ns"] == origin.received_at
    assert row["at"] == instant(origin.received_at)
    assert row["venue_time"] == (None if origin.venue_time is None else instant(origin.venue_time))
    assert row["latency_ms"] == (None if origin.latency is None else origin.latency / 1e6)
    assert row["feed_age_ms"] == origin.feed_age / 1e6


def check_band(row: Any, band: BandDepth, mid: Decimal | None) -> None:
    """Compare a row of v_depth with a band."""
    for name in ("bid_base", "bid_quote", "ask_base", "ask_quote", "total_quote"):
        assert digits(row[name]) == digits(getattr(band, name)), name
    told = (row["band_bps"], row["bid_complete"], row["ask_complete"], row["mid"])
    assert told == (band.bps, band.bid_complete, band.ask_complete, mid)
    total = band.bid_quote_units + band.ask_quote_units
    assert row["imbalance"] == (band.imbalance if total else None)


def check_fill(row: Any, fill: Fill, mid: Decimal) -> None:
    """Compare a row of v_slippage with a fill; what is derived, to 1e-14."""
    for name in ("taker", "notional", "filled", "filled_fraction", "base", "worst", "floor"):
        assert row[name] == getattr(fill, name), name
    assert digits(row["worst"]) == digits(fill.worst)
    assert row["slippage_bps"] == fill.slippage_bps
    assert row["partial_slippage_bps"] == fill.partial_slippage_bps
    assert row["mid"] == mid
    assert math.isclose(row["average"], fill.average, rel_tol=1e-14)
    if fill.filled:
        assert math.isclose(row["slippage_cost"], fill.cost, rel_tol=1e-14)
    else:
        assert row["slippage_cost"] is None


def check_size(row: Any, size: MaxSize) -> None:
    """Compare a row of v_max_size with a maximal size."""
    assert (row["taker"], row["bps"], row["floor"]) == (size.taker, size.bps, size.floor)
    assert digits(row["notional"]) == digits(size.notional)


async def check(connection: Any, run: str, measured: Sequence[Reading]) -> None:
    """Compare all that the views show of a run with what was measured."""
    shown = await views_of(connection, run)
    assert len(shown) == len(measured)
    for (row, bands, fills, sizes), reading in zip(shown, measured, strict=True):
        check_reading(row, reading)
        for found, band in zip(bands, reading.bands, strict=True):
            check_band(found, band, reading.mid)
        for found, fill in zip(fills, reading.fills, strict=True):
            assert reading.mid is not None
            check_fill(found, fill, reading.mid)
        for found, size in zip(sizes, reading.max_sizes, strict=True):
            check_size(found, size)


MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@MANY
@given(st.lists(readings() | readings(wide=True), min_size=1, max_size=4))
async def test_any_reading_comes_back_as_it_was(
    database: Database, connection: Any, found: list[Reading]
) -> None:
    """18 decimals, unknowns, empty bands, partial fills, and integers no bigint holds."""
    measured, run = apart(found), f"run-any-{next(RUNS)}"
    writer = await write(database, *measured, run_id=run)
    assert writer.statistics().written == {Kind.READING: len(measured)}
    await check(connection, run, measured)


@MANY
@given(readings(), st.integers(2, 6))
async def test_the_quick_way_stores_the_same(
    database: Database, connection: Any, found: Reading, count: int
) -> None:
    """From the second reading of a series on, the row is packed by unrolled code."""
    measured, run = apart([found] * count), f"run-quick-{next(RUNS)}"
    await write(database, *measured, run_id=run)
    await check(connection, run, measured)


async def test_only_what_does_not_fit_is_wide(database: Database, connection: Any) -> None:
    """The largest bigint fits; one more moves the integers of that row, and of no other."""
    good = a_reading()
    measured = apart([structs.replace(good, bid_units=units) for units in (2**63 - 1, 2**63, 5)])
    await write(database, *measured)
    rows = await connection.fetch("SELECT * FROM tidegauge.readings ORDER BY frame")
    assert [row["wide"] is None for row in rows] == [True, False, True]
    assert rows[1]["bid_ticks"] is rows[1]["band_units"] is rows[1]["fill_worst"] is None
    await check(connection, "run-1", measured)


async def test_a_run_of_readings_names_one_series(database: Database, connection: Any) -> None:
    """Another run, book, scale or size begins another; a one-sided instant does too, and goes back."""
    good = a_reading()
    bare: dict[str, Any] = {"bands": (), "fills": (), "max_sizes": (), "ask_ticks": None}
    await write(database, *apart([good, good, structs.replace(good, **bare), good]))
    series = await connection.fetch(
        "SELECT series, count(*) FROM tidegauge.readings GROUP BY 1 ORDER BY 2"
    )
    assert [row["count"] for row in series] == [1, 3]
    await write(database, good, run_id="run-2")
    await write(database, a_reading(venue="bybit-linear"))
    larger = structs.replace(good.fills[0], notional=Decimal("250000.5"))
    await write(database, structs.replace(good, fills=(larger, *good.fills[1:])))
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.series") == 5
    [row] = await connection.fetch("SELECT * FROM tidegauge.series WHERE run = 'run-2'")
    assert row["fill_notional"] == [fill.notional for fill in good.fills]
    assert (row["price_unit"], row["base_unit"]) == (Decimal("0.01"), Decimal("0.00000001"))


async def test_what_is_sent_twice_is_stored_once(database: Database, connection: Any) -> None:
    """Whole batches again, half a batch again, and beside other records."""
    measured = [a_reading(frame) for frame in range(600)]
    await write(database, *measured[:300])
    again = await write(database, *measured, a_feed_event())
    assert again.statistics().written == {Kind.READING: 600, Kind.FEED_EVENT: 1}
    assert again.statistics().duplicates == 300
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.readings") == 600


async def test_nobody_takes_a_series_from_under_its_readings(
    database: Database, connection: Any
) -> None:
    """A writer tells a series once. Readings may go without it; it is neither changed nor removed."""
    async with running(database) as writer:
        for frame in (1, 2):
            writer.submit(a_reading(frame))
            await until(lambda: writer.depth == 0)
        for harm in (
            "TRUNCATE tidegauge.series",
            "TRUNCATE tidegauge.series, tidegauge.readings",
            "DELETE FROM tidegauge.series",
            "UPDATE tidegauge.series SET price_scale = 3",
        ):
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="readings name"):
                await connection.execute(harm)
        await connection.execute("TRUNCATE tidegauge.readings")
        writer.submit(a_reading(3))
        await until(lambda: writer.depth == 0)
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.v_readings") == 1
    statistics = writer.statistics()
    assert (statistics.outages, statistics.retries, statistics.rejected) == (0, 0, {})


async def test_a_series_is_told_again_when_the_connection_died(
    database: Database, connection: Any
) -> None:
    """The writer reconnects and trusts nothing that the old connection was told."""
    async with running(database) as writer:
        writer.submit(a_reading(1))
        await until(lambda: writer.depth == 0)
        pid = writer._delivery._connection.get_server_pid()
        assert await connection.fetchval("SELECT pg_terminate_backend($1, 20000)", pid)
        await connection.execute(
            "ALTER TABLE tidegauge.series DISABLE TRIGGER USER;"
            "TRUNCATE tidegauge.series, tidegauge.readings"
        )
        writer.submit(a_reading(2))
        await until(lambda: writer.depth == 0)
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.v_readings") == 1
    assert not writer.statistics().rejected


async def test_hostile_names_are_stored_as_they_are(database: Database, connection: Any) -> None:
    """Quotes, semicolons, braces, backslashes, a NUL: text, never code."""
    names = ["'; DROP TABLE tidegauge.readings; --", "{a,b}\\", '"\t\n', "\0\ud800", "{b0}, exec"]
    good = a_reading()
    measured = apart(
        [
            structs.replace(good, origin=structs.replace(good.origin, instrument=name, symbol=name))
            for name in names
            for _twice in range(2)
        ]
    )
    writer = await write(database, *measured)
    assert writer.statistics().written == {Kind.READING: 10}
    rows = await connection.fetch(
        "SELECT symbol, instrument FROM tidegauge.v_readings ORDER BY recv_ns, id"
    )
    told = {(row["symbol"], row["instrument"]) for row in rows}
    plain = [name.replace("\0", "\ufffd").replace("\ud800", "?") for name in names]
    assert told == {(name, name) for name in plain}


async def test_a_book_and_a_time_are_found_by_index(database: Database, connection: Any) -> None:
    """Two days of a book among others: the plan touches what was asked for."""
    await write(database, *(a_reading(frame) for frame in range(1_000)))
    await connection.execute("ANALYZE tidegauge.readings; ANALYZE tidegauge.series")
    await connection.execute("SET enable_seqscan = off")
    plan = await connection.fetch(
        "EXPLAIN SELECT * FROM tidegauge.v_slippage WHERE venue = 'binance' AND symbol = 'BTCUSDT' "
        "AND at >= '2026-01-01 12:00:10Z' AND at < '2026-01-01 12:00:20Z'"
    )
    shown = "\n".join(row[0] for row in plan)
    assert "readings_20260101_pkey" in shown
    assert "at >=" in shown
