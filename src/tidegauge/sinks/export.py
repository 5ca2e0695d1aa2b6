"""Rows of a view as a file: CSV as PostgreSQL writes it, or Parquet. Streamed, and exact.

One snapshot, read a partition at a time, so that the server sorts no more than a day and we hold no
more than a row group. Times are UTC microseconds; `recv_ns` beside them is the full nanosecond.

Parquet has no numeric without a scale. Every numeric column is decimal128(38, 18) when each of its
values fits that, so that files of different days and symbols go together; else decimal256(76, 38);
else decimal256 at the scale it needs. Which it is is asked of the database before the first row is
written, of the same snapshot, and no value is ever rounded. Intervals are durations of microseconds.
"""

import importlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg

from tidegauge.core.errors import OperatorError

from .ask import refusal, settle

STATEMENT_S = 3600.0
"""For one statement: a day of a busy database takes minutes."""

GROUP = 20_000
"""Rows of a Parquet row group, which is what is held at a time."""

DECIMALS = ((38, 18), (76, 38))
"""Precision and scale of a numeric column: the first that holds all of it."""

WIDEST = 76

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What can be exported. `at` is the column the span speaks of, `order` what rows are sorted by.

    `table`: the partitioned one behind it. `more`: a column that the view has not. `shared`: whether
    rows without a symbol (of a whole venue) come along.
    """

    view: str
    at: str
    order: str
    table: str | None = None
    more: str = ""
    shared: bool = False


OF_READING = ", split_part(reading, '/', 2)::bigint AS recv_ns"

DATASETS = {
    "readings": Dataset(
        view="v_readings", at="at", order="recv_ns, venue, symbol, id", table="readings"
    ),
    "depth": Dataset(
        view="v_depth",
        at="at",
        order="recv_ns, venue, symbol, reading, band_bps",
        table="readings",
        more=OF_READING,
    ),
    "slippage": Dataset(
        view="v_slippage",
        at="at",
        order="recv_ns, venue, symbol, reading, taker, notional",
        table="readings",
        more=OF_READING,
    ),
    "market": Dataset(
        view="v_market", at="at", order="recv_ns, venue, symbol, number", table="market"
    ),
    "alerts": Dataset(view="v_alerts", at="started_at", order="started_at, id"),
    "feed": Dataset(view="v_feed_events", at="at", order="at, id", shared=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to export: `since` is in it, `until` is not. Empty `symbols` or `venues`: all of them."""

    name: str
    since: datetime
    until: datetime
    symbols: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()

    @property
    def of(self) -> Dataset:
        return DATASETS[self.name]

    def query(self, columns: str) -> str:
        """Return the statement: $1 and $2 are the span, $3 the symbols and $4 the venues, or null."""
        of = self.of
        no_symbol = " OR symbol IS NULL" if of.shared else ""
        return (
            f"SELECT {columns} FROM (SELECT *{of.more} FROM tidegauge.{of.view}) AS of_view "  # noqa: S608 - our own names
            f"WHERE {of.at} >= $1::timestamptz AND {of.at} < $2::timestamptz "
            f"AND ($3::text[] IS NULL OR symbol = ANY ($3::text[]){no_symbol}) "
            "AND ($4::text[] IS NULL OR venue = ANY ($4::text[]))"
        )

    def values(self, since: datetime, until: datetime) -> tuple[Any, ...]:
        return (since, until, list(self.symbols) or None, list(self.venues) or None)


async def export_csv(connection: Any, wanted: Wanted, file: BinaryIO, told: Progress) -> int:
    """Write CSV with a header, as psql's: empty is null, arrays are {a,b}. Returns the rows.

    Raises `OperatorError`, and `OSError` when the disk does.
    """
    rows = seen = 0

    async def write(data: bytes) -> None:
        nonlocal seen
        file.write(data)
        seen += data.count(b"\n")
        told(seen)

    async with _snapshot(connection, wanted):
        query = f"{wanted.query('*')} ORDER BY {wanted.of.order}"
        for number, span in enumerate(await _spans(connection, wanted)):
            done = await connection.copy_from_query(
                query, *wanted.values(*span), output=write, format="csv", header=number == 0
            )
            rows += int(done.rpartition(" ")[2])
    return rows


async def export_parquet(connection: Any, wanted: Wanted, path: Path, told: Progress) -> int:
    """Write Parquet (zstd). Returns the rows.

    Raises `OperatorError`, also without pyarrow, and `OSError` when the disk does.
    """
    arrow, parquet = load_pyarrow()
    rows = 0
    async with _snapshot(connection, wanted):
        query = f"{wanted.query('*')} ORDER BY {wanted.of.order}"
        prepared = await connection.prepare(query)
        named = [(each.name, each.type.name) for each in prepared.get_attributes()]
        decimals = await _decimals(connection, wanted, [n for n, t in named if t == "numeric"])
        schema = arrow.schema(
            [(name, _arrow_type(arrow, kind, decimals.get(name))) for name, kind in named]
        )
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for span in await _spans(connection, wanted):
                async for group in _groups(prepared.cursor(*wanted.values(*span), prefetch=2000)):
                    columns = zip(*group, strict=True)
                    arrays = [
                        arrow.array(_cells(column, kind), type=field.type)
                        for column, (_, kind), field in zip(columns, named, schema, strict=True)
                    ]
                    writer.write_batch(arrow.record_batch(arrays, schema=schema))
                    rows += len(group)
                    told(rows)
    return rows


def load_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its parquet module. Raises `OperatorError` when it is not installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise OperatorError(
            "Parquet needs pyarrow, which is not installed",
            fix="pip install 'tidegauge[parquet]', or write --format csv",
        ) from None


@asynccontextmanager
async def _snapshot(connection: Any, wanted: Wanted) -> AsyncIterator[None]:
    """Run a transaction that sees one instant, and changes nothing."""
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await settle(connection, STATEMENT_S)
            yield
    except (TimeoutError, asyncpg.PostgresError) as error:
        raise refusal(f"the export of {wanted.name}", error, STATEMENT_S) from None


async def _spans(connection: Any, wanted: Wanted) -> list[tuple[datetime, datetime]]:
    """Return the span, cut where its table is; at least one, be it empty, for the header."""
    whole = (wanted.since, wanted.until)
    if wanted.of.table is None:
        return [whole]
    rows = await connection.fetch(
        "SELECT greatest(first, $2) AS since, least(until, $3) AS until FROM tidegauge.partitions "
        "WHERE table_name = $1 AND first < $3 AND until > $2 ORDER BY first",
        wanted.of.table,
        *whole,
    )
    return [(row["since"], row["until"]) for row in rows] or [whole]


def _cells(column: Sequence[Any], kind: str) -> Sequence[Any]:
    return [None if each is None else str(each) for each in column] if kind == "uuid" else column


async def _groups(cursor: Any) -> AsyncIterator[Sequence[Any]]:
    group: list[Any] = []
    async for row in cursor:
        group.append(row)
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


async def _decimals(
    connection: Any, wanted: Wanted, names: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return precision and scale of each numeric column."""
    if not names:
        return {}
    asked = ", ".join(f"max(min_scale({name})), max(abs(trunc({name})))" for name in names)
    values = wanted.values(wanted.since, wanted.until)
    row = tuple(await connection.fetchrow(wanted.query(asked), *values))
    return {
        name: decimal_for(name, row[2 * place] or 0, row[2 * place + 1] or Decimal())
        for place, name in enumerate(names)
    }


def decimal_for(name: str, scale: int, largest: Decimal) -> tuple[int, int]:
    """Return precision and scale for values of at most `scale` decimals, the largest of `largest`.

    Raises `OperatorError` when no decimal of Parquet holds them.
    """
    digits = largest.adjusted() + 1 if largest.is_finite() and largest else 0
    if largest.is_finite():
        for precision, decimals in (*DECIMALS, (WIDEST, scale)):
            if scale <= decimals and digits <= precision - decimals:
                return precision, decimals
    raise OperatorError(
        f"{name} holds a number that no decimal of Parquet does", fix="Write --format csv"
    )


def _arrow_type(arrow: Any, kind: str, decimal: tuple[int, int] | None) -> Any:
    """Return the Arrow type of a column. Raises `KeyError` for one that no view of ours has."""
    if decimal is not None:
        precision, scale = decimal
        if precision <= DECIMALS[0][0]:
            return arrow.decimal128(precision, scale)
        return arrow.decimal256(precision, scale)
    plain: dict[str, Callable[[], Any]] = {
        "text": arrow.string,
        "uuid": arrow.string,
        "bool": arrow.bool_,
        "int4": arrow.int32,
        "int8": arrow.int64,
        "float8": arrow.float64,
        "timestamptz": lambda: arrow.timestamp("us", tz="UTC"),
        "interval": lambda: arrow.duration("us"),
        "text[]": lambda: arrow.list_(arrow.string()),
    }
    return plain[kind]()
