"""Much history: what a question touches of it, and in the long form how long the answers take."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.support.history import DAY, START, Past, make_readings, make_rollups

from tidegauge.sinks.connect import Database
from tidegauge.sinks.upkeep import catch_up

FIVE_MINUTES = (
    "venue = 'okx' AND symbol = 'BTCUSDT' AND at >= '{0}' AND at < '{0}'::timestamptz + '5 min'"
)
RAW_VIEWS = ("v_readings", "v_depth", "v_slippage", "v_max_size")
ROLLED_VIEWS = ("v_hours", "v_depth_hours", "v_slippage_hours")


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


async def plan_of(connection: Any, query: str) -> str:
    """Run a query, print its plan, and return it."""
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, SUMMARY) {query}")
    plan = "\n".join(row[0] for row in rows)
    print(f"\n{query}\n{plan}")
    return plan


async def timed(connection: Any, what: str, query: str) -> Any:
    """Run a query, print how long it took, and return its first value."""
    began = time.perf_counter()
    found = await connection.fetchval(query)
    print(f"{what}: {1e3 * (time.perf_counter() - began):.1f} ms")
    return found


def check_raw(plan: str, day: str) -> None:
    """Check that of all days one was looked at, by an index, never row by row."""
    assert f"readings_{day}" in plan
    assert plan.count("readings_2") == plan.count(f"readings_{day}")
    assert "Seq Scan on readings" not in plan
    assert "at >=" in plan


@pytest.mark.parametrize("view", RAW_VIEWS)
async def test_five_minutes_of_a_book_touch_one_day_by_its_index(
    connection: Any, view: str
) -> None:
    """Of three days of thirteen books; the others are not even opened."""
    past = Past(until=START + 3 * DAY, every=timedelta(seconds=60))
    await make_readings(connection, past)
    await connection.execute("ANALYZE tidegauge.readings; ANALYZE tidegauge.series")
    where = FIVE_MINUTES.format("2026-01-02 14:02Z")
    check_raw(
        await plan_of(connection, f"SELECT * FROM tidegauge.{view} WHERE {where}"), "20260102"
    )


@pytest.mark.parametrize("view", ROLLED_VIEWS)
async def test_months_of_a_symbol_are_found_by_the_key_of_the_rollup(
    connection: Any, view: str
) -> None:
    """What others trade is not read."""
    await make_rollups(connection, Past(until=START + 4 * DAY))
    await connection.execute("ANALYZE tidegauge.hours; SET enable_seqscan = off")
    query = f"SELECT * FROM tidegauge.{view} WHERE symbol = 'SOLUSDT' AND at >= '2026-01-02Z'"
    plan = await plan_of(connection, query)
    assert "hours_pkey" in plan
    assert "symbol = 'SOLUSDT'" in plan.partition("Index Cond")[2]


@pytest.mark.campaign
async def test_ten_million_readings_and_the_rollups_of_a_hundred_million(connection: Any) -> None:
    """Nine days of thirteen books each second, and minutes and hours of ninety (pytest -rP shows all)."""
    raw = Past(until=START + 9 * DAY)
    assert await make_readings(connection, raw) == raw.rows > 10_000_000
    old = Past(since=START - 90 * DAY, until=START)
    await make_rollups(connection, old)
    await connection.execute("ANALYZE")
    for view in RAW_VIEWS:
        where = FIVE_MINUTES.format("2026-01-05 14:02Z")
        check_raw(
            await plan_of(connection, f"SELECT * FROM tidegauge.{view} WHERE {where}"), "20260105"
        )
    for view in ROLLED_VIEWS:
        query = f"SELECT * FROM tidegauge.{view} WHERE symbol = 'BTCUSDT' AND at < '{START}'"
        assert "on minutes" not in await plan_of(connection, query)
    for minute in range(5):
        since = START + 4 * DAY + timedelta(hours=12, minutes=minute)
        query = f"SELECT tidegauge.roll_up('{since}', '{since + timedelta(minutes=1)}')"
        assert await timed(connection, "a minute of 13 books rolled up", query) == 26
    hour = "SELECT tidegauge.roll_up('2026-01-05 20:00Z', '2026-01-05 21:00Z')"
    assert await timed(connection, "an hour of 13 books rolled up", hour) == 13 * 61
    late = "SELECT count(*) FROM tidegauge.not_rolled_up('2026-01-05Z', '2026-01-06Z')"
    assert await timed(connection, "a day looked through for late readings", late) == 23
    began = time.perf_counter()
    assert await catch_up(connection, START, START + DAY) == 24
    print(f"a day of 13 books rolled up: {time.perf_counter() - began:.1f} s")
    dropped = "SELECT count(*) FROM tidegauge.prune(1) WHERE partition = 'readings_20260101'"
    assert await timed(connection, "old days rolled up and dropped", dropped) == 1
