"""Brings slips into PostgreSQL, however often it goes away. Storing is `store`; here is patience.

Every connect and every command has a deadline. A failure opens the breaker: the connection is cut,
attempts come at growing distances with jitter, and the server is started again where it is ours.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos

from .batch import WriterLimits
from .connect import Database, close
from .encode import UNWRITABLE
from .rows import rows_of
from .series import Series
from .slips import READING, UNREADABLE, Slip, record_of, series_of
from .store import STRIDE, Batch, prepare, store
from .table import Row, Table, instant

GRACE_S = 1.0
HURRIED_BACKOFF_S = 0.1
SERIES_KEPT = 10_000

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a database that is not there, or not well, raises. The last: it died between two messages."""

POISON = frozenset({"22", "23", "54"})
"""SQLSTATE classes that speak of a row: bad data, a broken constraint, a row too large."""

REFUSALS = POISON | {"42"}
"""Those of a statement that will never do: it is not right, or not allowed."""

PROGRAM_LIMIT, QUERY_CANCELED, LOCK_NOT_AVAILABLE = "54000", "57014", "55P03"
ROLL_UP_ATTEMPTS = 5
LEAST, MOST = 25, 4_096
"""Slips stored at once: as many as there are, and fewer while the database is slow."""

log = structlog.get_logger()


@dataclass(slots=True)
class Outage:
    """The database is away."""

    since: Nanos
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A slip that the database does not take, and why."""

    slip: Slip
    error: str


class Delivery:
    """Stores slips, one batch at a time. `rows`: new or newer ones, in so many `batches`; `duplicates`: it had already.

    `waiting` is asked how much waits, for the log; without it outages are somebody else's to tell. `told`
    hears of each batch: how many slips, and how long they took.
    """

    def __init__(
        self,
        database: Database,
        limits: WriterLimits,
        *,
        waiting: Callable[[], int] | None = None,
        told: Callable[[int, Nanos], None] = lambda *_: None,
        clock: Callable[[], Nanos] = time.monotonic_ns,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._limits = limits
        self._waiting = waiting
        self._stored = told
        self._clock = clock
        self._jitter = jitter
        self._outage: Outage | None = None
        self._connection: Any = None
        self._told: set[int] = set()
        self._series: dict[bytes, Series] = {}
        self._comfortable = MOST
        self.hurry = asyncio.Event()
        self.rows = self.batches = self.duplicates = self.retries = self.outages = 0
        self.last_error: str | None = None

    @property
    def away(self) -> bool:
        """Whether the last attempt failed, and none has succeeded since."""
        return self._outage is not None

    async def store(self, slips: Sequence[Slip]) -> list[Refused]:
        """Store all of them, however long the database is away. Returns those it refuses.

        Cancelled, some may be stored: sent again, they are stored once.
        """
        refused: list[Refused] = []
        parts = self._portions(slips)
        while parts:
            part = parts.pop()
            error = await self._settle(part)
            if error is None:
                continue
            if len(part) == 1:
                self.last_error = shown(error)
                refused.append(Refused(part[0], self.last_error))
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        return refused

    def _portions(self, slips: Sequence[Slip]) -> list[list[Slip]]:
        """Return the slips in portions that were in time lately, the first one last."""
        size = self._comfortable
        return [list(slips[at : at + size]) for at in range(0, len(slips), size)][::-1]

    async def roll_up(self, since: Nanos, until: Nanos) -> None:
        """Bring the one-minute and one-hour rollups of a span up to date.

        What the database refuses to roll up, it refuses for ever: it is left to `upkeep`, and told of.
        """
        span = [instant(since), instant(until)]
        refusals = 0
        while True:
            try:
                async with self._connected(self._limits.roll_up_s) as connection:
                    await connection.execute("SELECT tidegauge.roll_up($1, $2)", *span)
            except AWAY as error:
                refusals += is_slow(error) or sqlstate(error)[:2] in REFUSALS
                if refusals >= ROLL_UP_ATTEMPTS:
                    said = [str(each) for each in span]
                    log.error("roll_up_given_up", span=said, error=shown(error))  # noqa: TRY400
                    self._recover()
                    return
                await self._wait_out(error)
            else:
                self._recover()
                return

    async def close(self, *, at_once: bool = False) -> None:
        """Close the connection; `at_once`: without a goodbye that a server that hangs would not hear."""
        connection, self._connection = self._connection, None
        if connection is not None and at_once:
            connection.terminate()
        elif connection is not None:
            await close(connection)

    async def _settle(self, part: Sequence[Slip]) -> Exception | None:
        """Store `part`, however long the database is away.

        Returns why it refuses, if it does; of a part that takes it too long, that: smaller ones may
        be in time.
        """
        try:
            batch = await self._batch(part)
        except UNREADABLE as error:
            return error
        while True:
            began = self._clock()
            try:
                await self._store(batch)
            except AWAY as error:
                if is_poison(error) and await self._takes_writes(error):
                    return error
                await self._wait_out(error)
                if is_slow(error) and len(part) > LEAST:
                    self._comfortable = max(LEAST, len(part) // 2)
                    return error
            except UNWRITABLE as error:
                return error
            else:
                self._recover()
                self.batches += 1
                self._stored(len(part), self._clock() - began)
                if len(part) >= self._comfortable:
                    self._comfortable = min(MOST, 2 * self._comfortable)
                return None

    async def _takes_writes(self, error: Exception) -> bool:
        """Whether it is the row's fault: 54000 may also mean that no transaction is given out.

        It does when transaction ids run out (PostgreSQL, `varsup.c`).
        """
        if sqlstate(error) != PROGRAM_LIMIT:
            return True
        try:
            async with self._connected(self._limits.command_s) as connection:
                await connection.execute("SELECT pg_current_xact_id()")
        except AWAY:
            return False
        return True

    async def _batch(self, part: Sequence[Slip]) -> Batch:
        """Make rows of the slips; readings are rows already. Raises one of `UNREADABLE`."""
        rows: list[tuple[Table, Row]] = []
        readings: list[bytes] = []
        under: dict[int, Slip] = {}
        for place, slip in enumerate(part):
            if slip.code == READING:
                readings.append(slip.body)
                if slip.under is not None:
                    under[id(slip.under)] = slip.under
            else:
                run, record = record_of(slip)
                rows += rows_of(record, run)
                if place % STRIDE == 0:
                    await asyncio.sleep(0)
        return Batch(rows, readings, [self._series_of(each) for each in under.values()])

    def _series_of(self, slip: Slip) -> Series:
        known = self._series.get(slip.body)
        if known is None:
            if len(self._series) >= SERIES_KEPT:
                self._series.clear()
            known = self._series[slip.body] = series_of(slip)
        return known

    async def _store(self, batch: Batch) -> None:
        async with self._connected(self._limits.command_s) as connection:
            fresh = [each for each in batch.series if each.id not in self._told]
            stored = await store(connection, replace(batch, series=fresh))
        self._told.update(each.id for each in fresh)
        self.rows += stored.new
        self.duplicates += stored.sent - stored.new

    @asynccontextmanager
    async def _connected(self, deadline_s: float) -> AsyncIterator[Any]:
        """Lend the connection for one transaction. After any failure it is cut, never reused.

        The deadline cuts it too: a cancelled asyncpg call would ask a server that hangs to cancel.
        """
        fresh = self._connection is None or self._connection.is_closed()
        if fresh:
            self._connection = await self._database.connect(self._limits.connect_s)
            self._told.clear()
        connection = self._connection
        cut = asyncio.get_running_loop().call_later(deadline_s, connection.terminate)
        whole = False
        try:
            async with asyncio.timeout(deadline_s + GRACE_S):
                if fresh:
                    await connection.execute(patience(deadline_s))
                    await prepare(connection)
                yield connection
            whole = True
        except AttributeError as error:
            # asyncpg writes on to a transport that the deadline has taken away during a COPY.
            if not connection.is_closed():
                raise
            raise TimeoutError(f"not done within {deadline_s} s") from error
        finally:
            cut.cancel()
            if not whole:
                self._connection = None
                connection.terminate()

    async def _wait_out(self, error: Exception) -> None:
        """Wait before the next attempt, and let the server be started again where it is ours."""
        self.retries += 1
        self.last_error = shown(error)
        if self._outage is None:
            self._outage = Outage(self._clock())
            self.outages += 1
            if self._waiting is not None:
                log.error("database_lost", error=self.last_error, depth=self._waiting())
        limits = self._limits
        ceiling = min(
            limits.longest_backoff_s, limits.backoff_s * 2 ** min(self._outage.attempts, 16)
        )
        self._outage.attempts += 1
        if self.hurry.is_set():
            await asyncio.sleep(HURRIED_BACKOFF_S)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(ceiling * self._jitter()):
                    await self.hurry.wait()
        try:
            await self._database.revive()
        except OperatorError as refusal:
            self.last_error = shown(refusal)

    def _recover(self) -> None:
        outage, self._outage = self._outage, None
        if outage is not None and self._waiting is not None:
            log.warning(
                "database_recovered",
                seconds=round((self._clock() - outage.since) / SECOND, 3),
                attempts=outage.attempts,
                depth=self._waiting(),
            )


def patience(deadline_s: float) -> str:
    """Return what has the server give up a little before we do.

    A backend that waits for a lock does not notice that we have gone, and would stay.
    """
    told = f"{int(deadline_s * 900)}ms"
    return f"SET lock_timeout = '{told}'; SET statement_timeout = '{told}'"


def sqlstate(error: Exception) -> str:
    """Return the code of an error of the server's; of others none."""
    return getattr(error, "sqlstate", None) or ""


def is_slow(error: Exception) -> bool:
    """Whether it took too long, by our deadline or the server's."""
    return isinstance(error, TimeoutError) or sqlstate(error) in (
        QUERY_CANCELED,
        LOCK_NOT_AVAILABLE,
    )


def is_poison(error: Exception) -> bool:
    """Whether the database refuses a row, rather than being unwell."""
    return sqlstate(error)[:2] in POISON


def shown(error: Exception) -> str:
    """Return an error as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
