"""Writes one batch in one transaction: COPY to a staging table, then INSERT ... ON CONFLICT.

COPY cannot skip a row that is already there; the INSERT can. What is sent twice is stored once.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .rows import TABLES, Row, Table

STRIDE = 25
"""Rows encoded before the loop may turn to something else: about 3 ms of readings."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows sent, and how many of them were new or newer."""

    sent: int = 0
    new: int = 0


async def prepare(connection: Any) -> None:
    """Make the staging tables of this connection. They empty themselves at every commit."""
    await connection.execute(
        "".join(
            f"CREATE TEMP TABLE IF NOT EXISTS stage_{table.name} "
            f"(LIKE tidegauge.{table.name}) ON COMMIT DELETE ROWS;"
            for table in TABLES
        )
    )


async def store(connection: Any, rows: Iterable[tuple[Table, Row]]) -> Stored:
    """Store all of `rows`, or none. Raises what asyncpg raises; the connection is then to be left.

    Not `connection.transaction()`: its roll-back waits for a server that may not answer.
    """
    sent = new = 0
    await connection.execute("BEGIN")
    for table, group in _by_table(rows).items():
        fresh = _newest(table, group) if table.newest else group
        await connection.copy_records_to_table(
            f"stage_{table.name}",
            schema_name="pg_temp",
            columns=table.columns,
            records=_in_strides(fresh),
        )
        done = await connection.execute(MERGES[table.name])
        sent += len(group)
        new += int(done.rpartition(" ")[2])
    await connection.execute("COMMIT")
    return Stored(sent, new)


def merge(table: Table) -> str:
    """Return the statement that moves rows from the staging table to the table itself.

    In the order of the key, so that two daemons that replace the same rows never wait in a circle.
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
        f"SELECT {columns} FROM pg_temp.stage_{table.name} ORDER BY {key} "
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
