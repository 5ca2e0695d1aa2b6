"""Takes records from the monitor and puts them in PostgreSQL, however often it goes away.

Deciding is `batch.Backlog`, storing is `store`; here is only the patience between them.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import asyncpg
import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.reading import Reading

from .batch import URGENT, Backlog, Entry, Measured, Told, WriterLimits
from .connect import Database, close
from .encode import UNWRITABLE, ReadingEncoder
from .rows import KINDS, Kind, Record, rows_of
from .store import Batch, prepare, store

GRACE_S = 1.0
HURRIED_BACKOFF_S = 0.1

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

KIND = attrgetter("kind")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatistics:
    """What became of the records: accepted = written + dropped + rejected + depth.

    `dropped`: given up for want of room. `rejected`: the database refuses them. `duplicates`: rows
    it had already, or had newer. `last_error` holds no secret.
    """

    accepted: Mapping[Kind, int]
    written: Mapping[Kind, int]
    dropped: Mapping[Kind, int]
    rejected: Mapping[Kind, int]
    rows: int
    duplicates: int
    retries: int
    outages: int
    depth: int
    away: bool
    last_error: str | None


@dataclass(slots=True)
class Outage:
    """The database is away."""

    since: Nanos
    attempts: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Counts:
    """What `statistics` shows."""

    accepted: dict[Kind, int] = field(default_factory=dict)
    written: Counter[Kind] = field(default_factory=Counter)
    dropped: Counter[Kind] = field(default_factory=Counter)
    rejected: Counter[Kind] = field(default_factory=Counter)
    rows: int = 0
    duplicates: int = 0
    retries: int = 0
    outages: int = 0
    last_error: str | None = None


class PostgresWriter:
    """`submit` from anywhere on the loop; `run` in a task of the caller's; `drain` before the end."""

    def __init__(
        self,
        database: Database,
        limits: WriterLimits,
        run_id: str,
        *,
        clock: Callable[[], Nanos] = time.monotonic_ns,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._limits = limits
        self._run_id = run_id
        self._clock = clock
        self._jitter = jitter
        self._backlog = Backlog(limits)
        self._encoder = ReadingEncoder(run_id)
        self._counts = Counts()
        self._in_flight = 0
        self._outage: Outage | None = None
        self._connection: Any = None
        self._told: set[int] = set()
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._running = False

    def submit(self, record: Record) -> None:
        """Accept a record. Never blocks, never raises; when there is no room a reading gives way."""
        kind = KINDS.get(type(record))
        if kind is None:
            log.warning("record_not_known", kind=type(record).__name__)
            return
        accepted = self._counts.accepted
        accepted[kind] = accepted.get(kind, 0) + 1
        entry: Entry
        if isinstance(record, Reading):
            # As bytes from here on: a waiting reading is one object, not a tree of them.
            try:
                series, row = self._encoder.encode(record)
            except UNWRITABLE as error:
                self._reject(kind, error)
                return
            entry = Measured(row, series, self._clock())
        else:
            entry = Told(kind, record, self._clock())
        backlog = self._backlog
        dropped = backlog.add(entry)
        if dropped is not None:
            self._note_drop(dropped)
        if backlog.size == 1 or backlog.size >= self._limits.batch or kind in URGENT:
            self._wake.set()

    async def run(self) -> None:
        """Write until cancelled. What was taken and not written goes back to the queue."""
        self._running = True
        try:
            while True:
                await self._until_due()
                async with self._writing:
                    await self._write(self._backlog.take())
        finally:
            self._running = False
            await self._disconnect()

    async def drain(self, timeout_s: float) -> bool:
        """Write everything accepted so far. Returns whether it was done in time."""
        self._hurry.set()
        try:
            async with asyncio.timeout(timeout_s):
                while self.depth:
                    async with self._writing:
                        await self._write(self._backlog.take())
        except TimeoutError:
            log.warning("drain_incomplete", depth=self.depth, seconds=timeout_s)
            return False
        else:
            return True
        finally:
            self._hurry.clear()
            if not self._running:
                await self._disconnect()

    @property
    def depth(self) -> int:
        """Records accepted that are not yet written."""
        return len(self._backlog) + self._in_flight

    def statistics(self) -> WriterStatistics:
        """Return the counts as they stand."""
        counts = self._counts
        return WriterStatistics(
            accepted=dict(counts.accepted),
            written=dict(counts.written),
            dropped=dict(counts.dropped),
            rejected=dict(counts.rejected),
            rows=counts.rows,
            duplicates=counts.duplicates,
            retries=counts.retries,
            outages=counts.outages,
            depth=self.depth,
            away=self._outage is not None,
            last_error=counts.last_error,
        )

    async def _until_due(self) -> None:
        while not (self._backlog.due(self._clock()) or (self._hurry.is_set() and self._backlog)):
            self._wake.clear()
            due_at = self._backlog.due_at()
            left_s = None if due_at is None else max(0.0, (due_at - self._clock()) / SECOND)
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wake.wait()

    async def _write(self, batch: Sequence[Entry]) -> None:
        """Write a batch. A row the database refuses is found by halving, and the rest goes in."""
        parts = [list(batch)] if batch else []
        try:
            while parts:
                self._in_flight = sum(map(len, parts))
                part = parts[-1]
                refusal = await self._settle(part)
                parts.pop()
                if refusal is None:
                    self._counts.written.update(map(KIND, part))
                elif len(part) == 1:
                    self._reject(part[0].kind, refusal)
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
        finally:
            for part in parts:
                self._backlog.put_back(part)
            self._in_flight = 0

    async def _settle(self, part: Sequence[Entry]) -> Exception | None:
        """Store `part`, however long the database is away. Returns why it refuses, if it does."""
        try:
            batch = self._batch(part)
        except UNWRITABLE as error:
            return error
        again = False
        while True:
            try:
                await self._store(batch)
            except AWAY as error:
                orphaned = isinstance(error, asyncpg.ForeignKeyViolationError)
                if orphaned and not again:
                    again = True  # Somebody emptied the tables: tell each series once more.
                elif is_poison(error):
                    return error
                else:
                    await self._wait_out(error)
            except UNWRITABLE as error:
                return error
            else:
                self._recover()
                return None

    def _batch(self, part: Sequence[Entry]) -> Batch:
        rows = [
            row
            for entry in part
            if isinstance(entry, Told)
            for row in rows_of(entry.record, self._run_id)
        ]
        readings = [entry for entry in part if isinstance(entry, Measured)]
        series = {entry.series for entry in readings}
        return Batch(rows, [entry.row for entry in readings], list(series))

    async def _store(self, batch: Batch) -> None:
        async with self._connected() as connection:
            fresh = [each for each in batch.series if each.id not in self._told]
            stored = await store(connection, replace(batch, series=fresh))
        self._told.update(each.id for each in fresh)
        self._counts.rows += stored.new
        self._counts.duplicates += stored.sent - stored.new

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """Lend the connection for one transaction. After any failure it is cut, never reused.

        The deadline cuts it too: a cancelled asyncpg call would ask a server that hangs to cancel.
        """
        limits = self._limits
        fresh = self._connection is None or self._connection.is_closed()
        if fresh:
            self._connection = await self._database.connect(limits.connect_s)
            self._told.clear()
        connection = self._connection
        cut = asyncio.get_running_loop().call_later(limits.command_s, connection.terminate)
        whole = False
        try:
            async with asyncio.timeout(limits.command_s + GRACE_S):
                if fresh:
                    await prepare(connection)
                yield connection
            whole = True
        except AttributeError as error:
            # asyncpg writes on to a transport that the deadline has taken away during a COPY.
            if not connection.is_closed():
                raise
            raise TimeoutError(f"not done within {limits.command_s} s") from error
        finally:
            cut.cancel()
            if not whole:
                self._connection = None
                connection.terminate()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    async def _wait_out(self, error: Exception) -> None:
        """Wait before the next attempt, and let the server be started again where it is ours."""
        counts = self._counts
        counts.retries += 1
        counts.last_error = shown(error)
        if self._outage is None:
            self._outage = Outage(self._clock())
            counts.outages += 1
            log.error("database_lost", error=counts.last_error, depth=self.depth)
        limits = self._limits
        ceiling = min(
            limits.longest_backoff_s, limits.backoff_s * 2 ** min(self._outage.attempts, 16)
        )
        self._outage.attempts += 1
        if self._hurry.is_set():
            await asyncio.sleep(HURRIED_BACKOFF_S)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(ceiling * self._jitter()):
                    await self._hurry.wait()
        try:
            await self._database.revive()
        except OperatorError as refusal:
            counts.last_error = shown(refusal)

    def _recover(self) -> None:
        outage, self._outage = self._outage, None
        if outage is not None:
            log.warning(
                "database_recovered",
                seconds=round((self._clock() - outage.since) / SECOND, 3),
                attempts=outage.attempts,
                dropped=outage.dropped,
                depth=self.depth,
            )

    def _note_drop(self, kind: Kind) -> None:
        self._counts.dropped[kind] += 1
        first = sum(self._counts.dropped.values()) == 1
        if self._outage is not None:
            self._outage.dropped += 1
            first = self._outage.dropped == 1
        if first:
            log.error("records_dropped", kind=kind, capacity=self._limits.capacity)

    def _reject(self, kind: Kind, refusal: Exception) -> None:
        self._counts.rejected[kind] += 1
        self._counts.last_error = shown(refusal)
        log.error("record_rejected", kind=kind, error=shown(refusal))


def is_poison(error: Exception) -> bool:
    """Whether the database refuses a row, rather than being unwell."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in POISON


def shown(error: Exception) -> str:
    """Return an error as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
