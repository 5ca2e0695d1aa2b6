"""Brings one piece of a table from one database to another, and proves that it arrived.

Rows travel as PostgreSQL's own binary COPY, a few hundred kilobytes at a time, and are never made
into Python objects: no digit can change. A piece is one transaction at the target, and it is
committed only when count and checksum, computed by the same SQL on both sides, are the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from tidegauge.core.errors import OperatorError

from .shape import Piece, Shape, listed, quoted

WAITING = 8
"""Chunks on their way, of up to 64 kB or one row: what is held in memory."""

STAGE = "moving"

SETTINGS = (
    "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET statement_timeout = 0; "
    "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s'"
)
"""Both sides write a row as the same text, and neither gives up in the middle of a large one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows, and a checksum in which their order does not count."""

    rows: int
    checksum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What became of a piece. `copied` rows are new or newer than what was at the target."""

    piece: Piece
    tally: Tally
    copied: int
    others: bool
    """Whether the target has rows of its own beside them."""


async def tally(connection: Any, piece: Piece, table: str | None = None) -> Tally:
    """Count the rows of a piece, and sum up the hashes of all they hold."""
    place = table or f"tidegauge.{quoted(piece.shape.name)}"
    # `fetch`, since a portal of one row, as `fetchrow` opens, keeps the server from working in parallel.
    (row,) = await connection.fetch(
        "SELECT count(*) AS rows, coalesce(sum(hashtextextended("  # noqa: S608 - quoted names
        f'ROW({listed(piece.shape.compared, "t.")})::text COLLATE "C", 0)::numeric), 0) AS checksum '
        f"FROM {place} AS t WHERE {piece.where}"
    )
    return Tally(rows=row["rows"], checksum=int(row["checksum"]))


async def transfer(source: Any, target: Any, piece: Piece, told: Callable[[int], None]) -> Arrived:
    """Bring a piece over. `told` is called with the bytes that went, as they go.

    What is there already stays, and is compared. Raises `OperatorError` when something else is there
    under the same key, and what asyncpg raises.
    """
    here, there = await both(tally(source, piece), tally(target, piece))
    if here == there or not here.rows:
        return Arrived(piece=piece, tally=here, copied=0, others=there != here)
    if not there.rows:
        try:
            await _copy(source, target, piece, here, told)
        except (_Crowded, asyncpg.UniqueViolationError):
            pass  # Somebody writes there, too.
        else:
            return Arrived(piece=piece, tally=here, copied=here.rows, others=False)
    async with target.transaction():
        copied = await _merge(source, target, piece, here, told)
    return Arrived(piece=piece, tally=here, copied=copied, others=True)


class _Crowded(Exception):
    """More is there than what was brought."""


async def _copy(
    source: Any, target: Any, piece: Piece, here: Tally, told: Callable[[int], None]
) -> None:
    """Bring a piece to where nothing is yet. Raises `_Crowded` when something else came meanwhile."""
    async with target.transaction():
        await _stream(source, target, piece, "tidegauge", piece.shape.name, told)
        if await tally(target, piece) != here:
            raise _Crowded


async def both(here: Any, there: Any) -> tuple[Any, Any]:
    """Wait for both sides; what one of them raises is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            left, right = tasks.create_task(here), tasks.create_task(there)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return left.result(), right.result()


async def _merge(
    source: Any, target: Any, piece: Piece, here: Tally, told: Callable[[int], None]
) -> int:
    """Bring a piece to a staging table, and from there what is new or newer. Returns how many."""
    shape = piece.shape
    await target.execute(
        f"CREATE TEMP TABLE {STAGE} ON COMMIT DROP AS "  # noqa: S608 - quoted names
        f"SELECT {listed(shape.columns)} FROM tidegauge.{quoted(shape.name)} WITH NO DATA"
    )
    await _stream(source, target, piece, "pg_temp", STAGE, told)
    staged = await tally(target, piece, f"pg_temp.{STAGE}")
    if staged != here:
        raise OperatorError(
            f"{piece} did not arrive as it was sent: {staged.rows} of {here.rows} rows, or others",
            fix="Nothing was stored of it. Try again; if it happens again, check both servers' memory",
        )
    done: str = await target.execute(merged(shape))
    differing = await target.fetchval(differing_rows(piece))
    if differing:
        raise OperatorError(
            f"{differing} rows of {piece} are at the target under the same key with other content",
            fix="Nothing was stored of it. Choose an empty database, or look at those rows first",
        )
    return int(done.rpartition(" ")[2])


def merged(shape: Shape) -> str:
    """Return the statement that stores what is new or newer, in the order of the key."""
    columns, key = listed(shape.columns), listed(shape.key)
    action = "NOTHING"
    if shape.newest is not None:
        rest = [column for column in shape.columns if column not in shape.key]
        sets = ", ".join(f"{quoted(each)} = EXCLUDED.{quoted(each)}" for each in rest)
        newest = quoted(shape.newest)
        action = f"UPDATE SET {sets} WHERE old.{newest} < EXCLUDED.{newest}"
    return (
        f"INSERT INTO tidegauge.{quoted(shape.name)} AS old ({columns}) "  # noqa: S608 - quoted names
        f"{'OVERRIDING SYSTEM VALUE ' if shape.numbered else ''}"
        f"SELECT {columns} FROM pg_temp.{STAGE} ORDER BY {key} ON CONFLICT ({key}) DO {action}"
    )


def differing_rows(piece: Piece) -> str:
    """Return the question how many staged rows are not at the target, as they are or newer."""
    shape = piece.shape
    same = " AND ".join(f"s.{quoted(each)} = t.{quoted(each)}" for each in shape.key)
    newer = ""
    if shape.newest is not None:
        newest = quoted(shape.newest)
        newer = f" AND NOT t.{newest} > s.{newest}"
    return (
        f"SELECT count(*) FROM pg_temp.{STAGE} AS s "  # noqa: S608 - quoted names
        f"LEFT JOIN tidegauge.{quoted(shape.name)} AS t ON {same} AND {piece.where} "
        f"WHERE t.{quoted(shape.key[0])} IS NULL OR "
        f"(ROW({listed(shape.compared, 's.')})::text <> ROW({listed(shape.compared, 't.')})::text{newer})"
    )


async def count_on(target: Any, shape: Shape) -> None:
    """Have the target number the rows to come after those that were brought."""
    if shape.numbered is None:
        return
    column = quoted(shape.numbered)
    await target.fetchval(
        f"SELECT setval(s.name, greatest(max(t.{column}), nextval(s.name))) "  # noqa: S608 - quoted names
        f"FROM tidegauge.{quoted(shape.name)} AS t, "
        "(SELECT pg_get_serial_sequence($1, $2)::regclass AS name) AS s GROUP BY s.name",
        f"tidegauge.{quoted(shape.name)}",
        shape.numbered,
    )


async def _stream(
    source: Any, target: Any, piece: Piece, schema: str, table: str, told: Callable[[int], None]
) -> None:
    """COPY a piece out of one database and into another, with little of it in memory."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
    columns = piece.shape.columns

    async def take() -> None:
        await source.copy_from_query(
            f"SELECT {listed(columns, 't.')} FROM tidegauge.{quoted(piece.shape.name)} AS t "  # noqa: S608
            f"WHERE {piece.where}",
            output=waiting.put,
            format="binary",
        )
        await waiting.put(None)

    async def chunks() -> AsyncIterator[bytes]:
        while (chunk := await waiting.get()) is not None:
            told(len(chunk))
            yield chunk

    await both(
        take(),
        target.copy_to_table(
            table, schema_name=schema, columns=columns, source=chunks(), format="binary"
        ),
    )
