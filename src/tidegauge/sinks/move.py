"""Moves everything the embedded database holds to another one, so that nothing is lost.

It is one snapshot of the source, during which no daemon can take a lease there. Each piece (a
table, or a day of one) is a transaction of its own at the target: a move that was interrupted is
begun again, and passes over what has arrived.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import asyncpg

from tidegauge.core.errors import OperatorError

from .connect import Database
from .leases import Lease, leases, named, told
from .migrate import migrate
from .shape import Piece, pieces, shapes
from .transfer import SETTINGS, Arrived, count_on, transfer

ONE_AT_A_TIME = 0x7469_6465_6D6F_7665  # "tidemove"

AWAY = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)

REFUSED = (
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.PostgresConnectionError,
)

AGAIN = "What has arrived stays. Put it right and run the same command again: it goes on from there"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTable:
    """A table that was moved: its rows at the source, and how many were new to the target.

    `checksum`: of all its rows, in any order, the same on both sides.
    """

    name: str
    rows: int
    copied: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a move is: the piece under way, and the bytes sent so far in all."""

    piece: str
    done: int
    of: int
    sent: int


async def move(
    source: Database, target: Database, notify: Callable[[Step], None] = lambda _step: None
) -> list[MovedTable]:
    """Copy everything of `source` to `target`, and compare. What is there already stays.

    Raises `OperatorError`: for a daemon that runs at the source, the same database, a newer schema,
    and whatever stops it on the way.
    """
    try:
        async with source.session() as here, target.session() as there:
            await _agree(here, there, target)
            return await _move(here, there, notify)
    except REFUSED as error:
        raise OperatorError(
            f"the move stopped: {type(error).__name__}: {' '.join(str(error).split())}", fix=AGAIN
        ) from None
    except AWAY as error:
        raise OperatorError(
            f"the move stopped, a database went away: {type(error).__name__}", fix=AGAIN
        ) from None


async def _agree(here: Any, there: Any, target: Database) -> None:
    """Bring both to the schema we know; refuse one database under two names, and a second move."""
    key = secrets.randbits(62)
    await here.fetchval("SELECT pg_advisory_lock($1)", key)
    try:
        if not await there.fetchval("SELECT pg_try_advisory_lock($1)", key):
            raise OperatorError(
                f"{target.describe} is the database to be moved itself",
                fix="Name another one",
            )
    finally:
        await here.fetchval("SELECT pg_advisory_unlock($1)", key)
    if not await there.fetchval("SELECT pg_try_advisory_lock($1)", ONE_AT_A_TIME):
        raise OperatorError(
            f"another move to {target.describe} is under way", fix="Wait until it is done"
        )
    for connection in (here, there):
        await migrate(connection)
        await connection.execute(SETTINGS)


async def _move(here: Any, there: Any, notify: Callable[[Step], None]) -> list[MovedTable]:
    async with here.transaction(isolation="repeatable_read"):
        await _keep_daemons_out(here)
        plan = [piece for shape in await shapes(here) for piece in await pieces(here, shape)]
        await _make_partitions(there, plan)
        arrived: list[Arrived] = []
        sent = 0
        for place, piece in enumerate(plan):

            def count(size: int, place: int = place, piece: Piece = piece) -> None:
                nonlocal sent
                sent += size
                notify(Step(piece=str(piece), done=place, of=len(plan), sent=sent))

            count(0)
            arrived.append(await transfer(here, there, piece, count))
            await count_on(there, piece.shape)
    await _roll_up(there, arrived)
    return _by_table(arrived)


async def _keep_daemons_out(connection: Any) -> None:
    """Refuse while a daemon holds a lease; from then on nobody can take one until we are done.

    The lock comes first, so that the snapshot is of a time at which nobody could write.
    """
    await connection.execute("LOCK TABLE tidegauge.leases IN SHARE MODE")
    alive: Sequence[Lease] = [each for each in await leases(connection) if not each.free]
    if alive:
        raise OperatorError(
            f"a daemon writes to the database to be moved, {named(alive)}: {told(alive[0])}",
            fix="Stop it (it stores what it has first), then run the same command again",
        )


async def _make_partitions(connection: Any, plan: Sequence[Piece]) -> None:
    days = sorted({piece.first.astimezone(UTC).date() for piece in plan if piece.first is not None})
    for day in days:
        await connection.fetchval("SELECT tidegauge.make_partitions($1, $1)", day)


async def _roll_up(connection: Any, arrived: Sequence[Arrived]) -> None:
    """Make the minutes anew where the target has readings of its own beside those that came."""
    for each in arrived:
        piece = each.piece
        if piece.shape.name == "readings" and each.others and each.tally.rows:
            await connection.fetchval("SELECT tidegauge.roll_up($1, $2)", piece.first, piece.until)


def _by_table(arrived: Sequence[Arrived]) -> list[MovedTable]:
    tables: dict[str, MovedTable] = {}
    sums: dict[str, int] = {}
    for each in arrived:
        name = each.piece.shape.name
        before = tables.get(name)
        sums[name] = sums.get(name, 0) + each.tally.checksum
        tables[name] = MovedTable(
            name=name,
            rows=each.tally.rows + (before.rows if before else 0),
            copied=each.copied + (before.copied if before else 0),
            checksum=f"{sums[name] % 2**64:016x}",
        )
    return list(tables.values())
