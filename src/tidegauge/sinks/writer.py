"""Takes records from the monitor: onto the disk at once, from there to PostgreSQL when it can be.

Two steps follow each other for ever. *Keeping* takes what was submitted and commits it to the spool:
from then on it is acknowledged, and survives us. *Delivering* takes the spool's next rows, stores
them and marks them. Without a spool, or while the disk takes nothing, what was submitted goes to the
database from memory, as far as that reaches.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import structlog

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Nanos

from .batch import URGENT, Backlog, WriterLimits
from .caretaker import Caretaker
from .connect import Database
from .delivery import Delivery, Refused
from .intake import Intake
from .rows import Kind, Record
from .slips import Slip
from .spool.lane import Parcel
from .spool.thread import SpoolError, SpoolThread
from .tally import Rate, Tally, WriterStatistics

MACHINE = "machine"
"""The venue of an event that concerns this machine itself."""

CLOSING_S = 2.0
DEEP = 4
"""From how many waiting batches on larger ones are stored: so many at once."""

log = structlog.get_logger()


class PostgresWriter:
    """`submit` from anywhere on the loop; `run` in a task of the caller's; `drain` before the end.

    With a spool, `open` comes first and `close` last. `on_kept` is told, on the loop, of slips that
    are on the disk; `on_stored` of each batch stored, its records and how long they took.
    """

    def __init__(
        self,
        database: Database,
        limits: WriterLimits,
        run_id: str,
        *,
        spool: SpoolThread | None = None,
        on_kept: Callable[[Sequence[Slip]], None] | None = None,
        on_stored: Callable[[int, Nanos], None] = lambda *_: None,
        clock: Callable[[], Nanos] = time.monotonic_ns,
        now: Callable[[], Nanos] = time.time_ns,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._limits = limits
        self._spool = spool
        self._on_kept = on_kept
        self._clock = clock
        self._now = now
        age_s = limits.age_s if spool is None else spool.limits.commit_s
        self._tally = Tally()
        self._backlog = Backlog(limits.batch, age_s, limits.capacity)
        self._intake = Intake(self._backlog, run_id, self._tally, clock)
        self._delivery = Delivery(
            database, limits, waiting=lambda: self.depth, told=on_stored, clock=clock, jitter=jitter
        )
        self._roller = Delivery(database, limits, clock=clock, jitter=jitter)
        self._rate = Rate(clock)
        self._in_flight = 0
        self._since: Nanos | None = None
        self._urgent = False
        self._hurried = False
        self._late = False
        self._running = False
        self._keeping, self._delivering = asyncio.Lock(), asyncio.Lock()
        self._submitted, self._kept = asyncio.Event(), asyncio.Event()
        self._disk_back = asyncio.Event()

    def submit(self, record: Record) -> None:
        """Accept a record. Never blocks, never raises; when there is no room a reading gives way."""
        slip = self._intake.take(record)
        backlog = self._backlog
        if slip is not None and (
            backlog.size == 1 or backlog.size >= self._limits.batch or slip.code in URGENT
        ):
            self._submitted.set()
            if self._direct:
                self._kept.set()

    async def open(self) -> None:
        """Open the spool. When the disk takes nothing we go on without, and try again."""
        if self._spool is not None:
            with suppress(SpoolError):
                await self._spool.open()
            if self._spool.waiting:
                self._since = 0

    async def run(self) -> None:
        """Work until cancelled. What was taken and not stored goes back to where it was."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as work:
                work.create_task(self._deliver_on())
                if self._spool is not None:
                    work.create_task(self._keep_on(self._spool))
                    work.create_task(self._caretaker(self._spool).look_on())
                    work.create_task(self._caretaker(self._spool).roll_on())
        finally:
            self._running = False
            await self._disconnect()

    async def drain(self, timeout_s: float) -> bool:
        """Store everything accepted so far. Returns whether it was done in time.

        What is in the spool by then is safe there, and stored by the next run.
        """
        self._hurry(on=True)
        try:
            async with asyncio.timeout(timeout_s):
                while self.depth:
                    if self._spool is not None and self._backlog:
                        await self._keep(self._spool)
                    if self._delivery.away and self.depth == self.in_spool:
                        raise TimeoutError  # noqa: TRY301 - it waits well where it is
                    await self._deliver()
        except TimeoutError:
            self._late = True
            log.warning(
                "drain_incomplete",
                depth=self.depth,
                in_spool=self.in_spool,
                seconds=timeout_s,
            )
            return False
        else:
            return True
        finally:
            self._hurry(on=False)
            if not self._running:
                await self._disconnect()

    async def close(self) -> None:
        """Keep what is left, roll up and delete what is stored, and close the spool.

        After `run` was cancelled.
        """
        spool = self._spool
        if spool is None:
            return
        with suppress(SpoolError, TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                while self._backlog and spool.broken is None:
                    await self._keep(spool)
                finished = await spool.finished(closing=True)
                if not self._delivery.away and not self._late:
                    await self._caretaker(spool).roll_up(finished)
        await self._disconnect()
        await spool.close()

    @property
    def depth(self) -> int:
        """Records accepted that are not yet stored."""
        return len(self._backlog) + self._in_flight + self.in_spool

    @property
    def in_spool(self) -> int:
        """Records that are safe on the disk and not yet stored."""
        return 0 if self._spool is None else self._spool.waiting

    def statistics(self) -> WriterStatistics:
        """Return the counts as they stand."""
        tally, delivery, spool = self._tally, self._delivery, self._spool
        known = {} if spool is None else {"spool": spool.figures, "spool_broken": spool.broken}
        return WriterStatistics(
            accepted=dict(tally.accepted),
            written=dict(tally.written),
            dropped=dict(tally.dropped),
            rejected=dict(tally.rejected),
            rows=delivery.rows,
            batches=delivery.batches,
            duplicates=delivery.duplicates,
            retries=delivery.retries,
            outages=delivery.outages,
            depth=self.depth,
            away=delivery.away,
            last_error=delivery.last_error or tally.last_error,
            drain_rate=self._rate.a_second(),
            thinned=self._intake.thinner.told() if self._intake.thinner.level else None,
            **known,  # type: ignore[arg-type]
        )

    # -- keeping ---------------------------------------------------------------------------------

    @property
    def _direct(self) -> bool:
        """Whether what is submitted goes to the database from memory."""
        return self._spool is None or self._spool.broken is not None

    async def _keep_on(self, spool: SpoolThread) -> None:
        while True:
            if spool.broken is None:
                await self._until_due()
            else:
                await asyncio.sleep(spool.limits.retry_s)
            await self._keep(spool)

    async def _until_due(self) -> None:
        while not (self._backlog.due(self._clock()) or (self._hurried and self._backlog)):
            self._submitted.clear()
            await self._wait(self._submitted, self._backlog.due_at())

    async def _keep(self, spool: SpoolThread) -> None:
        """Commit the next batch to the disk; when it fails, what was taken goes back."""
        async with self._keeping:
            if spool.broken is not None:
                with suppress(SpoolError):
                    await spool.open()
                    self._disk_back.set()
                return
            self._disk_back.clear()
            batch = self._backlog.take()
            self._in_flight += len(batch)
            # Cancelled in the middle, we still want to know whether it was done.
            committing = asyncio.ensure_future(spool.keep(batch))
            try:
                await asyncio.shield(committing)
            except asyncio.CancelledError:
                await asyncio.wait([committing])
                raise
            except SpoolError:
                self._kept.set()  # what waits is for the delivery now
            finally:
                self._in_flight -= len(batch)
                if committing.exception() is None:
                    self._note_kept(batch)
                else:
                    self._backlog.put_back(batch)

    def _note_kept(self, batch: Sequence[Slip]) -> None:
        if self._since is None:
            self._since = self._clock()
        if any(slip.code in URGENT for slip in batch):
            self._urgent = True
        self._kept.set()
        if self._on_kept is not None:
            self._on_kept(batch)

    # -- delivering ------------------------------------------------------------------------------

    async def _deliver_on(self) -> None:
        while True:
            await self._until_deliverable()
            await self._deliver()

    async def _until_deliverable(self) -> None:
        while (due_at := self._deliverable_at()) is None or due_at > self._clock():
            self._kept.clear()
            await self._wait(self._kept, due_at)

    def _deliverable_at(self) -> Nanos | None:
        """Return when to store the next batch; None: nothing waits."""
        spool = self._spool
        if spool is not None and spool.waiting:
            if self._hurried or self._urgent or spool.waiting >= self._limits.batch:
                return 0
            return (self._since or 0) + int(self._limits.age_s * SECOND)
        if self._direct and self._backlog:
            return 0 if self._hurried else self._backlog.due_at()
        return None

    async def _deliver(self) -> None:
        """Store the next batch: of the spool, or of memory while there is none that works."""
        async with self._delivering:
            spool = self._spool
            parcel = None if spool is None else await self._fetch(spool)
            if spool is not None and parcel is not None:
                await self._deliver_parcel(spool, parcel)
            elif self._direct and self._backlog:
                await self._deliver_memory()
            elif self._backlog or self._in_flight:
                await asyncio.sleep(0)  # being kept at this moment

    async def _fetch(self, spool: SpoolThread) -> Parcel | None:
        batch = self._limits.batch
        self._urgent = False
        try:
            return await spool.fetch(batch if spool.waiting < DEEP * batch else DEEP * batch)
        except SpoolError as error:
            log.warning("spool_not_read", error=str(error))
            await asyncio.sleep(spool.limits.retry_s)
            return None

    async def _deliver_parcel(self, spool: SpoolThread, parcel: Parcel) -> None:
        refused = await self._delivery.store(parcel.slips)
        try:
            await self._quarantine(refused)
        except SpoolError as error:
            # As long as nothing else keeps them, the spool does.
            log.warning("quarantine_not_written", rows=len(refused), error=str(error))
            await asyncio.sleep(spool.limits.retry_s)
            return
        self._tell_refused(refused)
        self._count(parcel.slips, refused)
        with suppress(SpoolError):
            await spool.settle(parcel)
        self._since = self._clock() if spool.waiting else None

    async def _deliver_memory(self) -> None:
        batch = self._backlog.take()
        self._in_flight += len(batch)
        refused: list[Refused] | None = None
        try:
            refused = await self._unless_disk_is_back(self._delivery.store(batch))
        finally:
            self._in_flight -= len(batch)
            if refused is None:
                self._backlog.put_back(batch)
                self._submitted.set()
        if refused is None:
            return
        self._intake.has_room_again()
        with suppress(SpoolError):
            await self._quarantine(refused)
        self._tell_refused(refused)
        self._count(batch, refused)

    async def _unless_disk_is_back(
        self, storing: Coroutine[Any, Any, list[Refused]]
    ) -> list[Refused] | None:
        """Store from memory. None: the disk takes rows again, and is the better place to wait."""
        work, back = asyncio.ensure_future(storing), asyncio.ensure_future(self._disk_back.wait())
        try:
            await asyncio.wait((work, back), return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            for each in (work, back):
                each.cancel()
            await asyncio.gather(work, back, return_exceptions=True)

    def _count(self, slips: Sequence[Slip], refused: Sequence[Refused]) -> None:
        self._tally.written.update(slip.name for slip in slips)
        self._tally.written.subtract(each.slip.name for each in refused)
        self._tally.written = +self._tally.written
        self._rate.add(len(slips))

    async def _quarantine(self, refused: Sequence[Refused]) -> None:
        """Keep rows that the database refuses. Raises `SpoolError` when the disk does not."""
        if refused and self._spool is not None:
            await self._spool.quarantine([(each.slip, each.error) for each in refused])

    def _tell_refused(self, refused: Sequence[Refused]) -> None:
        for each in refused:
            self._intake.reject(each.slip.name, each.error)
        # An event of a refused event would be refused, and told of, for ever.
        told = [each for each in refused if each.slip.name != Kind.FEED_EVENT]
        if told:
            said = f"{len(told)} rows were refused, a {told[0].slip.name}: {told[0].error}"
            self._tell(FeedEventKind.ROW_REFUSED, said)

    def _tell(self, kind: FeedEventKind, detail: str) -> None:
        trace = f"{MACHINE}/0/0"
        self.submit(FeedEvent(kind=kind, venue=MACHINE, at=self._now(), trace=trace, detail=detail))

    def _caretaker(self, spool: SpoolThread) -> Caretaker:
        return Caretaker(
            spool,
            self._intake.thinner,
            self._tally,
            self._roller,
            much=DEEP * self._limits.batch,
            tell=self._tell,
            waits=self._kept.set,
        )

    # -- waiting ---------------------------------------------------------------------------------

    def _hurry(self, *, on: bool) -> None:
        self._hurried = on
        for event in (self._delivery.hurry, self._roller.hurry):
            event.set() if on else event.clear()
        self._submitted.set()
        self._kept.set()

    async def _wait(self, event: asyncio.Event, due_at: Nanos | None) -> None:
        left_s = None if due_at is None else max(0.0, (due_at - self._clock()) / SECOND)
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await event.wait()

    async def _disconnect(self) -> None:
        await self._delivery.close(at_once=self._late)
        await self._roller.close(at_once=self._late)
