"""What is told beside the books, in a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest_asyncio
from tests.support.database import NOON, a_market_summary, a_reading, an_instrument

from tidegauge.core.activity import Flow, Standing
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.migrate import migrate, migrations
from tidegauge.sinks.report import market_by_venue
from tidegauge.sinks.rows import Listed, Record
from tidegauge.sinks.table import instant
from tidegauge.sinks.writer import PostgresWriter


async def write(database: Database, *records: Record, run_id: str = "run-1") -> PostgresWriter:
    """Write records and wait until they are in."""
    writer = PostgresWriter(database, WriterLimits(), run_id)
    for record in records:
        writer.submit(record)
    assert await writer.drain(60.0)
    return writer


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database with our schema."""
    async with database.session() as connection:
        yield connection


async def test_a_summary_comes_back_digit_for_digit(database: Database, connection: Any) -> None:
    """Sums and prices with their zeros, times to the nanosecond beside the microsecond."""
    told = a_market_summary()
    writer = await write(database, told)
    assert writer.statistics().rows == 1
    row = await connection.fetchrow("SELECT * FROM tidegauge.market")
    assert str(row["buy_quote"]) == "45750.075000"
    assert row["sell_base"] == Decimal("0.333333333333333333")
    assert str(row["funding_rate"]) == "-0.00001250"
    assert row["recv_ns"] == told.at
    assert (row["at"], row["since"]) == (instant(told.at), instant(told.since))
    assert row["next_funding_at"] - instant(NOON) == timedelta(hours=1)


async def test_the_view_adds_what_venues_are_compared_by(
    database: Database, connection: Any
) -> None:
    """The premium in basis points and the rate of eight hours; unknown where a part is."""
    await write(database, a_market_summary(1), replace(a_market_summary(2), standing=Standing()))
    known, unknown = await connection.fetch("SELECT * FROM tidegauge.v_market ORDER BY number")
    assert known["premium_bps"] == 0.5
    assert known["funding_8h"] == -0.0001
    assert known["open_interest_quote"] == Decimal("80123.456") * Decimal("61003.05")
    assert (unknown["premium_bps"], unknown["funding_8h"]) == (None, None)
    assert unknown["trades"] == 3


async def test_summaries_that_are_sent_again_are_stored_once(
    database: Database, connection: Any
) -> None:
    """Within a batch, across batches, and after a crash before the commit was known."""
    summaries = [a_market_summary(number) for number in range(1, 301)]
    await write(database, *summaries, summaries[7])
    again = await write(database, *summaries)
    assert again.statistics().duplicates == 300
    await write(database, *summaries, run_id="run-2")
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.market") == 600


async def test_a_run_is_reported_by_venue(database: Database, connection: Any) -> None:
    """Sums over its rows, and what was said last, whatever order they came in."""
    others = [a_market_summary(number, venue="bybit-linear") for number in (2, 1)]
    quiet = replace(
        a_market_summary(1, venue="hyperliquid"),
        flow=Flow(),
        standing=Standing(),
        tells_liquidations=False,
    )
    await write(database, a_market_summary(), *others, quiet)
    binance, bybit, hyperliquid = await market_by_venue(connection, "run-1")
    assert (binance.venue, binance.trades, binance.liquidations) == ("binance-futures", 3, 1)
    assert (bybit.rows, bybit.trades, bybit.bought) == (2, 6, Decimal("91500.15"))
    assert bybit.last_price == Decimal("61002.10")
    assert (hyperliquid.trades, hyperliquid.last_price) == (0, None)
    assert hyperliquid.liquidations is None
    assert hyperliquid.sold == 0
    assert await market_by_venue(connection, "another") == []


async def test_a_database_of_the_first_version_keeps_its_rows(empty_database: Database) -> None:
    """Migrated with rows in place: they stay, and what is new is there."""
    first, *_later = migrations()
    async with empty_database.session() as connection:
        await migrate(connection, [first])
        await connection.execute(
            "INSERT INTO tidegauge.instruments VALUES ('binance', 'BTCUSDT', 'BTCUSDT', 'spot',"
            " 'BTC', 'USDT', 0.01, 0.00001, 1, 'trading', now(), 1)"
        )
        await connection.execute(
            "INSERT INTO tidegauge.runs VALUES ('run-0', now(), '0.1.0', 'monitor', '{BTCUSDT}')"
        )
    async with empty_database.session() as connection:
        assert (await migrate(connection)).before == 1
    inverse = replace(an_instrument("BTCUSD_PERP"), inverse=True, contract_value=Decimal(100))
    listed = [
        Listed(instrument=each, symbol=None, updated_at=5) for each in (an_instrument(), inverse)
    ]
    await write(empty_database, *listed, a_market_summary(), a_reading())
    async with empty_database.session() as connection:
        assert await connection.fetchval("SELECT count(*) FROM tidegauge.runs") == 1
        rows = await connection.fetch(
            "SELECT name, inverse FROM tidegauge.instruments ORDER BY name"
        )
        assert [tuple(row) for row in rows] == [("BTCUSDT", False), ("BTCUSD_PERP", True)]
        for table in ("market", "v_market", "readings"):
            assert await connection.fetchval(f"SELECT count(*) FROM tidegauge.{table}") == 1


async def test_every_table_column_and_view_of_ours_is_described(connection: Any) -> None:
    """What a number means stands beside it."""
    missing = await connection.fetch(
        """
        SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = 'tidegauge' AND c.relkind IN ('r', 'v')
           AND obj_description(c.oid, 'pg_class') IS NULL
        """
    )
    assert missing == []
    columns = await connection.fetch(
        """
        SELECT a.attname FROM pg_attribute AS a
         WHERE a.attrelid = 'tidegauge.market'::regclass AND a.attnum > 0
           AND col_description(a.attrelid, a.attnum) IS NULL
        """
    )
    assert {row["attname"] for row in columns} <= {"venue", "symbol"}
