"""Keeps the database's history in order: days made ahead, rollups, and no more days than asked for.

Deciding is `chores`; here is the doing, and the patience. Of the daemons of a database one does it, the
one that holds an advisory lock; when its connection ends, another takes over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from .chores import DAY, HOUR, CatchUp, Chore, Chores, MakeDays, Prune, RollUp, below
from .connect import Database, close
from .delivery import AWAY, shown

LOCK_PATIENCE_S = 5
"""Less for `prune`: while it waits for its lock, all who want the table wait behind it."""

PRUNE_PATIENCE_S = 2
COMMAND_S = 120
"""For one statement: a day of a busy database is rolled up in 20 s, an hour of it in one."""

GRACE_S = 5
RETRY_S = 10
IDLE_S = 60
UPKEEP_KEY = 0x7469_6465_7570_6B70  # "tideupkp"

SESSION = """
SET idle_session_timeout = '300s';
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
"""
"""A daemon that hangs, or whose machine is gone, does not keep the lock from the others for long."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pruned:
    """A partition that was dropped. `rows` is PostgreSQL's estimate."""

    partition: str
    rows: int
    bytes: int


async def make_partitions(connection: Any, first: date, last: date) -> int:
    """Make the partitions that are missing from the first day (UTC) to the last. Returns how many.

    Raises what asyncpg raises, and `TimeoutError`, as all of these do; the connection is then to be left.
    """
    async with _within(connection, LOCK_PATIENCE_S):
        made: int = await connection.fetchval(
            "SELECT tidegauge.make_partitions($1, $2)", first, last
        )
    return made


async def roll_up(connection: Any, since: datetime, until: datetime) -> int:
    """Roll up every minute that overlaps the time from `since` to `until`, and the hours they are in.

    An hour at a time, each in a transaction of its own. Returns the rows written.
    """
    written = 0
    while since < until:
        end = min(until, below(since, HOUR) + HOUR)
        async with _within(connection, LOCK_PATIENCE_S):
            written += await connection.fetchval("SELECT tidegauge.roll_up($1, $2)", since, end)
        since = end
    return written


async def catch_up(connection: Any, since: datetime, until: datetime) -> int:
    """Roll up the hours from `since` to `until` that have readings no minute counts.

    Returns how many hours there were.
    """
    hours: list[datetime] = []
    while since < until:
        end = min(until, since + DAY)
        async with _within(connection, LOCK_PATIENCE_S):
            hours += [
                row[0]
                for row in await connection.fetch(
                    "SELECT tidegauge.not_rolled_up($1, $2)", since, end
                )
            ]
        since = end
    for hour in hours:
        try:
            await roll_up(connection, hour, hour + HOUR)
        except asyncpg.DataError as error:
            # It will be refused whenever it is tried: the other hours need not wait for it.
            log.error("hour_not_rolled_up", hour=str(hour), error=shown(error))  # noqa: TRY400
    return len(hours)


async def prune(
    connection: Any,
    keep_days: int,
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Pruned]:
    """Drop the partitions that lie wholly before now less `keep_days`, having rolled up what was not.

    `progress` is told each partition as it is looked through, its number and how many there are.
    """
    old = await connection.fetch(OLD_DAYS, keep_days)
    for number, row in enumerate(old, 1):
        if progress is not None:
            progress(row["partition"], number, len(old))
        # Here, an hour at a time: `tidegauge.prune` then has nothing left to roll up.
        await catch_up(connection, row["first"], row["until"])
    async with _within(connection, PRUNE_PATIENCE_S):
        dropped = await connection.fetch("SELECT * FROM tidegauge.prune($1)", keep_days)
    return [Pruned(row["partition"], row["rows_estimate"], row["bytes"]) for row in dropped]


async def newest_rolled_up(connection: Any) -> datetime | None:
    """Return the newest hour rolled up, or the time of the oldest reading. None: there is neither."""
    async with _within(connection, LOCK_PATIENCE_S):
        newest: datetime | None = await connection.fetchval(NEWEST)
    return newest


NEWEST = """
SELECT coalesce(
    (SELECT max(at) FROM tidegauge.hours WHERE at <= now()),
    (SELECT min(s.oldest) FROM tidegauge.series CROSS JOIN LATERAL (
        SELECT min(at) AS oldest FROM tidegauge.readings WHERE series = series.id) AS s)
)
"""

OLD_DAYS = """
SELECT partition, first, until FROM tidegauge.partitions
 WHERE table_name = 'readings' AND until <= now() - make_interval(days => $1)
 ORDER BY first
"""


@asynccontextmanager
async def _within(connection: Any, lock_s: float) -> AsyncIterator[None]:
    """Run a transaction with an end: to waiting for locks, to a statement, and to a silent server.

    The last, and being cancelled, cut the connection: asyncpg would ask a server that hangs to cancel.
    """
    cut = asyncio.get_running_loop().call_later(COMMAND_S + GRACE_S, connection.terminate)
    try:
        await connection.execute(
            f"BEGIN; SET LOCAL lock_timeout = '{lock_s}s'; "
            f"SET LOCAL statement_timeout = '{COMMAND_S}s'"
        )
        yield
        await connection.execute("COMMIT")
    except asyncpg.PostgresError:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    except BaseException:
        connection.terminate()
        raise
    finally:
        cut.cancel()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Upkeep:
    """`run` in a task of the caller's, for as long as the database is used.

    `keep_days` None: nothing is ever dropped. `leading`: whether it is this daemon that does it.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep_days: int | None,
        days_ahead: int = 7,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.leading = False
        self._database = database
        self._clock = clock
        self._chores = Chores(keep_days=keep_days, days_ahead=days_ahead)
        self._connection: Any = None
        self._failing: set[str] = set()

    @property
    def rolled_up_until(self) -> datetime | None:
        """Up to when minutes are rolled up, as far as this daemon did it."""
        return self._chores.rolled_until

    async def run(self) -> None:
        """Keep the history in order until cancelled. Raises nothing else."""
        try:
            while True:
                rest = await self._round()
                await asyncio.sleep(max(0.0, rest.total_seconds()))
        finally:
            await self._leave()

    async def _round(self) -> timedelta:
        """Do what is due. Returns how long to rest."""
        try:
            connection = await self._lead()
            if connection is None:
                return timedelta(seconds=IDLE_S)
            if self._chores.rolled_until is None:
                self._chores.begin(await newest_rolled_up(connection), self._clock())
        except AWAY as error:
            self._note_failure("connect", error)
            await self._leave()
            return timedelta(seconds=RETRY_S)
        self._note_success("connect")
        for chore in self._chores.due(self._clock()):
            if not await self._do(connection, chore):
                return timedelta(seconds=RETRY_S)
        now = self._clock()
        behind = any(isinstance(chore, RollUp) for chore in self._chores.due(now))
        return timedelta() if behind else self._chores.wait(now)

    async def _lead(self) -> Any:
        """Return our connection when it is us who do the work; None when another daemon does."""
        if self._connection is None or self._connection.is_closed():
            self.leading = False
            self._connection = await self._database.connect()
            async with _within(self._connection, LOCK_PATIENCE_S):
                await self._connection.execute(SESSION)
        if not self.leading:
            async with _within(self._connection, LOCK_PATIENCE_S):
                self.leading = await self._connection.fetchval(
                    "SELECT pg_try_advisory_lock($1)", UPKEEP_KEY
                )
            self._chores.rolled_until = None
        return self._connection if self.leading else None

    async def _do(self, connection: Any, chore: Chore) -> bool:
        """Do one chore. Returns whether the connection is still good."""
        name = type(chore).__name__
        try:
            await _done(connection, chore)
        except AWAY as error:
            self._note_failure(name, error)
            self._chores.failed(chore, self._clock())
            if isinstance(error, asyncpg.PostgresError) and not connection.is_closed():
                return True
            await self._leave()
            return False
        self._note_success(name)
        self._chores.done(chore, self._clock())
        return True

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        self.leading = False
        if connection is not None:
            await close(connection)

    def _note_failure(self, what: str, error: Exception) -> None:
        if what not in self._failing:
            self._failing.add(what)
            log.error("upkeep_interrupted", doing=what, error=shown(error))

    def _note_success(self, what: str) -> None:
        if what in self._failing:
            self._failing.remove(what)
            log.warning("upkeep_resumed", doing=what)


async def _done(connection: Any, chore: Chore) -> None:
    match chore:
        case MakeDays():
            made = await make_partitions(connection, chore.first, chore.last)
            if made:
                log.info("partitions_made", partitions=made, last=str(chore.last))
        case RollUp():
            try:
                await roll_up(connection, chore.since, chore.until)
            except asyncpg.DataError as error:
                said = str(chore.since)
                log.error("minutes_not_rolled_up", since=said, error=shown(error))  # noqa: TRY400
        case CatchUp():
            hours = await catch_up(connection, chore.since, chore.until)
            if hours:
                log.info("late_readings_rolled_up", hours=hours)
        case Prune():
            for each in await prune(connection, chore.keep_days):
                log.info("partition_dropped", name=each.partition, rows=each.rows, size=each.bytes)
