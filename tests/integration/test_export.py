"""Exports, read back: each row of the view is there, exactly, and no other."""

import csv
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.support import crunch_at_noon as story
from tests.support.crunch_at_noon import when
from tests.support.database import a_feed_event, a_market_summary

from tidegauge.core.activity import MarketSummary
from tidegauge.core.errors import OperatorError
from tidegauge.core.events import FeedEventKind
from tidegauge.sinks import export
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.export import DATASETS, Wanted, decimal_for, export_csv, export_parquet
from tidegauge.sinks.writer import PostgresWriter

WHOLE = (when(-86_400), when(86_400))


def wanted(name: str, **more: Any) -> Wanted:
    """All of it, from the day before to the day after."""
    return Wanted(**{"name": name, "since": WHOLE[0], "until": WHOLE[1], **more})


async def rows_of(noon_connection: Any, asked: Wanted) -> list[dict[str, Any]]:
    """Return what the view has, in the order of an export; ids as text."""
    rows = await noon_connection.fetch(
        f"{asked.query('*')} ORDER BY {asked.of.order}", *asked.values(asked.since, asked.until)
    )
    return [
        {name: str(cell) if name == "id" else cell for name, cell in row.items()} for row in rows
    ]


def unheard(_rows: int) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize("name", DATASETS)
async def test_parquet_holds_the_rows_of_the_view(
    name: str, noon_connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decimals to the last digit, times in UTC, arrays and nulls; in groups of rows."""
    monkeypatch.setattr(export, "GROUP", 1000)
    expected = await rows_of(noon_connection, wanted(name))
    told: list[int] = []
    path = tmp_path / "x.parquet"
    assert (
        await export_parquet(noon_connection, wanted(name), path, told.append) == len(expected) > 0
    )
    assert pq.read_table(path).to_pylist() == expected
    assert told[-1] == len(expected)
    assert pq.ParquetFile(path).num_row_groups == -(-len(expected) // 1000)


@pytest.mark.parametrize("name", DATASETS)
async def test_csv_holds_the_rows_of_the_view(
    name: str, noon_connection: Any, tmp_path: Path
) -> None:
    """In PostgreSQL's own words, under one header."""
    asked = wanted(name)
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        rows = await export_csv(noon_connection, asked, file, unheard)
    columns = list(await _columns(noon_connection, asked))
    expected = await noon_connection.fetch(
        f"SELECT {', '.join(f'{each}::text' for each in columns)} FROM ("
        f"{asked.query('*')}) AS whole ORDER BY {_typed(asked.of.order)}",
        *asked.values(*WHOLE),
    )
    with path.open(newline="") as file_:
        header, *found = csv.reader(file_)
    assert header == columns
    assert rows == len(found)
    said = {"true": "t", "false": "f"}
    assert found == [
        ["" if cell is None else said.get(cell, cell) for cell in row.values()] for row in expected
    ]


async def _columns(noon_connection: Any, asked: Wanted) -> list[str]:
    prepared = await noon_connection.prepare(asked.query("*"))
    return [each.name for each in prepared.get_attributes()]


def _typed(order: str) -> str:
    """The columns of the view, not the texts that are made of them."""
    return ", ".join(f"whole.{each.strip()}" for each in order.split(","))


async def test_numbers_of_another_shape_are_exact_too(database: Database, tmp_path: Path) -> None:
    """Very small, very large, and over several days; the columns that need it become wider."""
    writer = PostgresWriter(database, WriterLimits(), "run-1")
    odd = [Decimal("1E-30"), Decimal(10**30), Decimal("0.000000000000000001"), Decimal(0)]
    for day, number in enumerate(odd):
        writer.submit(_market(day, number))
    assert await writer.drain(60.0)
    asked = wanted("market", until=when(10 * 86_400))
    async with database.session() as connection:
        await export_parquet(connection, asked, tmp_path / "x.parquet", unheard)
        expected = await rows_of(connection, asked)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.to_pylist() == expected
    assert [row["buy_quote"] for row in expected] == odd
    assert str(table.schema.field("buy_quote").type) == "decimal256(76, 38)"
    assert str(table.schema.field("sell_quote").type) == "decimal128(38, 18)"


def _market(day: int, number: Decimal) -> MarketSummary:
    made = a_market_summary(day + 1)
    span = day * 86_400 * 10**9
    return replace(
        made,
        since=made.since + span,
        at=made.at + span,
        flow=replace(made.flow, buy_quote=number),
    )


def test_a_decimal_is_as_wide_as_it_must_be() -> None:
    """Files of one kind have one type, as long as it holds them."""
    assert decimal_for("x", 0, Decimal(0)) == (38, 18)
    assert decimal_for("x", 18, Decimal(10**20 - 1)) == (38, 18)
    assert decimal_for("x", 19, Decimal(1)) == (76, 38)
    assert decimal_for("x", 0, Decimal(10**20)) == (76, 38)
    assert decimal_for("x", 60, Decimal(10**15)) == (76, 60)
    for scale, largest in ((70, Decimal(10**10)), (0, Decimal("NaN")), (0, Decimal(10**76))):
        with pytest.raises(OperatorError, match=r"x holds a number.*--format csv"):
            decimal_for("x", scale, largest)


async def test_what_was_not_asked_for_is_left_out(noon_connection: Any, tmp_path: Path) -> None:
    """Times before and after, other symbols, other venues; the end is not part of it."""
    for asked, count in (
        (wanted("readings", since=when(0), until=when(10)), 30),
        (wanted("readings", since=when(0), until=when(10), venues=("okx", "binance")), 20),
        (wanted("readings", since=when(0), until=when(10), symbols=(story.HOSTILE,)), 0),
        (wanted("readings", since=when(-86_400), until=when(-80_000)), 0),
        (wanted("alerts", venues=("okx",)), 4),
    ):
        path = tmp_path / "x.csv"
        with path.open("wb") as file:
            assert await export_csv(noon_connection, asked, file, unheard) == count
        with path.open(newline="") as text:
            assert len(list(csv.reader(text))) == count + 1
        assert (
            await export_parquet(noon_connection, asked, tmp_path / "x.parquet", unheard) == count
        )
        assert pq.read_table(tmp_path / "x.parquet").num_rows == count


async def test_what_concerns_a_whole_venue_comes_with_each_symbol(
    database: Database, tmp_path: Path
) -> None:
    """A lost noon_connection has no symbol, and is why the readings are missing."""
    writer = PostgresWriter(database, WriterLimits(), "run-1")
    writer.submit(replace(a_feed_event(1, FeedEventKind.DISCONNECTED), symbol=None))
    writer.submit(a_feed_event(2))
    assert await writer.drain(60.0)
    async with database.session() as connection:
        asked = wanted("feed", symbols=("BTCUSDT",))
        assert await export_parquet(connection, asked, tmp_path / "x.parquet", unheard) == 2


async def test_an_export_is_of_one_instant(noon: Database, tmp_path: Path) -> None:
    """Its transaction changes nothing, and is over afterwards."""
    async with noon.session() as connection:
        await export_parquet(connection, wanted("alerts"), tmp_path / "x.parquet", unheard)
        assert not connection.is_in_transaction()
    assert datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=12) == when(0)


async def test_a_schema_that_is_too_old_says_what_to_do(
    empty_database: Database, tmp_path: Path
) -> None:
    """As questions do."""
    async with empty_database.session() as connection:
        with pytest.raises(OperatorError, match=r"too old.*tidegauge db up --once"):
            await export_parquet(connection, wanted("readings"), tmp_path / "x", unheard)


async def test_without_pyarrow_the_extra_is_named(
    noon_connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not installed with us; CSV needs nothing."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OperatorError, match=r"pip install 'tidegauge\[parquet\]'"):
        await export_parquet(noon_connection, wanted("alerts"), tmp_path / "x.parquet", unheard)
