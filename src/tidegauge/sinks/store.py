"""Writes one batch in one transaction. What is sent twice is stored once.

Readings alone, which nearly every batch is, go straight into their table: one COPY, one round trip,
one transaction. COPY cannot skip a row that is there already; where it meets one, or where other
records go in too, it is COPY to a staging table, then INSERT ... ON CONFLICT. A day that has no
partition yet is given one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import structlog

from .binary import HEADER, TRAILER
from .reading_row import taken_at
from .rows import MARKET, READINGS, SERIES, TABLES
from .series import Series
from .table import Row, Table

STRIDE = 25
"""Rows of Python objects encoded before the loop may turn to something else: about 1 ms."""

CHUNK = 250
"""Rows of bytes handed to the socket at once: about 0.2 MB, which its buffer takes in one piece."""


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes in together. `series`: those that a reading of it names and that may be new."""

    rows: Sequence[tuple[Table, Row]] = ()
    readings: Sequence[bytes] = ()
    series: Sequence[Series] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows sent, series not counted, and how many of them were new or newer."""

    sent: int = 0
    new: int = 0


async def prepare(connection: Any) -> None:
    """Make the staging tables of this connection. They empty themselves at every commit."""
    await connection.execute(
        "".join(
            f"CREATE TEMP TABLE IF NOT EXISTS stage_{table.name} "
            f"(LIKE tidegauge.{table.name} INCLUDING GENERATED INCLUDING IDENTITY) "
            "ON COMMIT DELETE ROWS;"
            for table in TABLES
        )
    )


async def store(connection: Any, batch: Batch) -> Stored:
    """Store all of `batch`, or none. Raises what asyncpg raises; the connection is then to be left.

    Not `connection.transaction()`: its roll-back waits for a server that may not answer.
    """
    try:
        return await _store(connection, batch)
    except asyncpg.CheckViolationError as error:
        if not lacks_partition(error):
            raise
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
    for day in sorted(days_of(batch)):
        await connection.execute("SELECT tidegauge.make_partitions($1, $1)", day)
    return await _store(connection, batch)


def lacks_partition(error: asyncpg.CheckViolationError) -> bool:
    """Whether a row was refused only because its day has no partition yet."""
    partitioned = error.table_name in (READINGS.name, MARKET.name)
    return partitioned and error.constraint_name is None


def days_of(batch: Batch) -> set[date]:
    """Return the days (UTC) of the rows that go into partitions."""
    at = MARKET.columns.index("at")
    told = {row[at].date() for table, row in batch.rows if table is MARKET}
    return told | {taken_at(row).date() for row in batch.readings}


async def _store(connection: Any, batch: Batch) -> Stored:
    sent = new = 0
    if not batch.rows and not batch.series:
        try:
            await _copy_bytes(connection, batch.readings, schema="tidegauge", table="readings")
        except asyncpg.UniqueViolationError:
            log.debug("readings_met_again", readings=len(batch.readings))
        else:
            return Stored(len(batch.readings), len(batch.readings))
    await connection.execute("BEGIN")
    for table, group in _by_table(batch.rows).items():
        new += await _store_objects(connection, table, group)
        sent += len(group)
    if batch.series:
        rows = [each.row for each in {each.id: each for each in batch.series}.values()]
        await _store_objects(connection, SERIES, rows)
    if batch.readings:
        await _copy_bytes(connection, batch.readings, schema="pg_temp", table="stage_readings")
        new += await _merge(connection, READINGS)
        sent += len(batch.readings)
    await connection.execute("COMMIT")
    return Stored(sent, new)


async def _store_objects(connection: Any, table: Table, rows: Sequence[Row]) -> int:
    """Store rows that asyncpg is to encode. Returns how many of them were new or newer."""
    await connection.copy_records_to_table(
        f"stage_{table.name}",
        schema_name="pg_temp",
        columns=table.columns,
        records=_in_strides(_newest(table, rows) if table.newest else rows),
    )
    return await _merge(connection, table)


async def _copy_bytes(connection: Any, rows: Sequence[bytes], *, schema: str, table: str) -> None:
    """Copy readings that are encoded already."""
    await connection.copy_to_table(
        table,
        schema_name=schema,
        columns=READINGS.columns,
        source=_in_chunks(rows),
        format="binary",
    )


async def _merge(connection: Any, table: Table) -> int:
    done: str = await connection.execute(MERGES[table.name])
    return int(done.rpartition(" ")[2])


def merge(table: Table) -> str:
    """Return the statement that moves rows from the staging table to the table itself.

    In the order of the key, so that two daemons that replace the same rows never wait in a circle;
    where the database numbers the rows, in the order they came, which a daemon sends again as it was.
    """
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    if table.newest is None:
        action = "NOTHING"
    else:
        rest = [column for column in table.columns if column not in table.key]
        action = (
            f"UPDATE SET {', '.join(f'{column} = EXCLUDED.{column}' for column in rest)} "
            f"WHERE old.{table.newest} <= EXCLUDED.{table.newest}"
        )
    return (
        f"INSERT INTO tidegauge.{table.name} AS old ({columns}) "  # noqa: S608 - our own names
        f"SELECT {columns} FROM pg_temp.stage_{table.name} ORDER BY {table.numbered or key} "
        f"ON CONFLICT ({key}) DO {action}"
    )


MERGES = {table.name: merge(table) for table in TABLES}


def _by_table(rows: Iterable[tuple[Table, Row]]) -> dict[Table, list[Row]]:
    groups: dict[Table, list[Row]] = {}
    for table, row in rows:
        groups.setdefault(table, []).append(row)
    return groups


def _newest(table: Table, rows: Sequence[Row]) -> list[Row]:
    """Keep one row a key, as an upsert demands: the newest, of equals the last."""
    key = [table.columns.index(column) for column in table.key]
    age = table.columns.index(table.newest or "")
    kept: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        name = tuple(row[place] for place in key)
        if name not in kept or kept[name][age] <= row[age]:
            kept[name] = row
    return list(kept.values())


async def _in_strides(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for place, row in enumerate(rows):
        if place and place % STRIDE == 0:
            await asyncio.sleep(0)
        yield row


def _in_chunks(rows: Sequence[bytes]) -> memoryview | AsyncIterator[bytes]:
    """Return what asyncpg is to send: all at once, or, of many rows, one message after another.

    Not `bytes`, which asyncpg takes for the name of a file.
    """
    if len(rows) <= CHUNK:
        return memoryview(b"".join((HEADER, *rows, TRAILER)))
    return _chunks(rows)


async def _chunks(rows: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield HEADER
    for place in range(0, len(rows), CHUNK):
        yield b"".join(rows[place : place + CHUNK])
    yield TRAILER
