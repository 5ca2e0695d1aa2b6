"""Brings the pages of the outbox to their channels, however long these do not work.

Each channel has a queue of its own and is told in order, one page after another. At least once: a page
may come twice when an answer did not arrive, and then with the same key.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from tidegauge.core.desk import Arrival, Delivery, Page
from tidegauge.core.instrument import HOUR, SECOND, Nanos

from ..outbox.file import Settled
from ..outbox.outbox import Outbox, OutboxError
from ..outbox.parcel import Parcel, incident_of
from .channel import Answer, Channel, Verdict

MOST_SUBMITTED = 20_000
"""Pages that wait in memory for the disk to take them."""

CRASH_PAUSE_S = 1.0
GRACE_S = 1.0
"""How long an attempt that is under way is waited for at the end."""

TELLING = "notify-"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A channel, how long one attempt may take, and who is told in its place after how long."""

    channel: Channel
    timeout_s: float = 10.0
    fallback: str | None = None
    fallback_after_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`keep_for`: how long a page is tried. `base` and `cap`: the first and the longest wait after a
    failure, of which half is left to chance; `aside` and `aside_cap`: those of a page that is
    refused. `care_s`: how often it is seen to what nobody took; `look_s`: to what others left."""

    keep_for: Nanos = 24 * HOUR
    base: Nanos = SECOND
    cap: Nanos = 60 * SECOND
    aside: Nanos = 30 * SECOND
    aside_cap: Nanos = 600 * SECOND
    care_s: float = 0.5
    look_s: float = 5.0


class Notifier:
    """Takes pages and delivers them. `told` is called with each change of how a page fares."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Wired],
        *,
        told: Callable[[Delivery], None] = lambda _delivery: None,
        patience: Patience | None = None,
        now: Callable[[], Nanos] = time.time_ns,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._told = told
        self._patience = Patience() if patience is None else patience
        self._now = now
        self._chance = chance
        self._submitted: list[Page] = []
        self._work = asyncio.Event()
        self._wake = {name: asyncio.Event() for name in channels}
        self._failing: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._stopping = False
        self._kept = 0

    @property
    def waiting(self) -> int:
        """How many pages are not delivered yet: those of the outbox, as of the last look at it, and
        those on their way into it."""
        return self._kept + len(self._submitted)

    # -- taking pages --------------------------------------------------------------------------------

    def submit(self, page: Page) -> None:
        """Take a page. Never blocks, never raises; it is on the disk a moment later."""
        if len(self._submitted) >= MOST_SUBMITTED:
            log.error("page_dropped", key=self._submitted.pop(0).key)
        self._submitted.append(page)
        self._work.set()

    async def put(self, *pages: Page) -> None:
        """Take pages; they are on the disk when this returns. Raises `OutboxError`."""
        for _key, channel in await self._outbox.put(pages, self._channels):
            if channel in self._wake:
                self._wake[channel].set()
            elif channel not in self._unknown:
                self._unknown.add(channel)
                log.error("channel_not_known", channel=channel)

    async def flush(self) -> None:
        """Put what was submitted on the disk. Raises `OutboxError`; what it did not take is kept."""
        pages, self._submitted = self._submitted, []
        try:
            await self.put(*pages)
        except BaseException:
            self._submitted[:0] = pages
            raise

    # -- delivering ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Deliver meanwhile. At the end what was submitted is put on the disk, and waits there."""
        async with asyncio.TaskGroup() as tasks:
            works = [
                tasks.create_task(self._for_ever(work), name=name)
                for name, work in self._works().items()
            ]
            try:
                yield
            finally:
                await self._end(works)

    async def _end(self, works: list[asyncio.Task[None]]) -> None:
        """Let attempts that are under way come to their end, for a moment, and close everything."""
        self._stopping = True
        for wake in self._wake.values():
            wake.set()
        telling = [task for task in works if task.get_name().startswith(TELLING)]
        if telling:
            await asyncio.wait(telling, timeout=GRACE_S)
        for task in works:
            task.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        try:
            await self.flush()
        except OutboxError as error:
            log.error("pages_not_kept", pages=len(self._submitted), error=str(error))  # noqa: TRY400
        for wired in self._channels.values():
            await wired.channel.close()

    def _works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "outbox": self._take_in,
            "outbox-care": self._care,
            "outbox-look": self._look,
        }
        for name, wired in self._channels.items():
            works[f"{TELLING}{name}"] = partial(self._deliver, name)
            if wired.channel.reminded_every_s is not None:
                works[f"remind-{name}"] = partial(self._remind, name)
        return works

    async def _for_ever(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Go on after a crash of ours, or of the disk's: others' pages must not wait for it."""
        while not self._stopping:
            try:
                await work()
            except OutboxError as error:
                log.warning("outbox_not_worked", error=str(error))
            except Exception as crash:
                log.exception("notifier_crashed", exc_info=crash)
            if not self._stopping:
                await asyncio.sleep(CRASH_PAUSE_S)

    async def _take_in(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self.flush()
            except BaseException:
                self._work.set()
                raise

    async def _deliver(self, name: str) -> None:
        """Tell one channel what waits for it, page after page."""
        wake = self._wake[name]
        while not self._stopping:
            wake.clear()
            parcel, failures, due = await self._outbox.next(name)
            if parcel is not None:
                await self._attempt(self._channels[name], parcel, failures)
                continue
            try:
                async with asyncio.timeout(None if due is None else self._seconds_to(due)):
                    await wake.wait()
            except TimeoutError:
                pass

    def _seconds_to(self, due: Nanos) -> float:
        return max(0.001, min((due - self._now()) / SECOND, self._patience.cap / SECOND))

    async def _attempt(self, wired: Wired, parcel: Parcel, failures: int) -> None:
        """Tell a channel one page, and note what came of it."""
        incident = None
        before = None
        if wired.channel.reminded_every_s is not None:
            incident = incident_of(parcel.page)
            if incident is not None:
                before = await self._outbox.stands(parcel.channel, incident)
        began = self._now()
        answer = await attempted(wired, parcel.page, before)
        made = self._judged(parcel, began, answer, failures)
        if incident is not None and answer.verdict is Verdict.TAKEN:
            standing = {incident: None if parcel.page.over else parcel.page}
            made = replace(made, standing=standing)
        superseded = await self._settle(made)
        self._note(made, answer)
        for older, said in superseded:
            log.warning("page_superseded", key=older.page.key, channel=older.channel, said=said)
            self._told(_delivery(older, made.at, Arrival.FAILED, said))

    async def _settle(self, made: Settled) -> list[tuple[Parcel, str]]:
        """Note what came of an attempt, however long that takes: unnoted, it would be made again."""
        while True:
            try:
                return await self._outbox.settle(made)
            except OutboxError as error:
                log.warning("outbox_not_worked", error=str(error))
                await asyncio.sleep(CRASH_PAUSE_S)

    def _judged(self, parcel: Parcel, began: Nanos, answer: Answer, failures: int) -> Settled:
        now = self._now()
        patience = self._patience
        refused = answer.verdict is Verdict.REFUSED
        if refused:
            wait = self._wait(patience.aside, patience.aside_cap, parcel.attempts)
        else:
            wait = self._wait(patience.base, patience.cap, failures)
        return Settled(
            parcel=parcel,
            began=began,
            at=now,
            arrival=Arrival.SENT if answer.verdict is Verdict.TAKEN else Arrival.RETRYING,
            said=answer.said,
            refused=refused,
            not_before=now + max(wait, answer.wait or 0),
        )

    def _wait(self, base: Nanos, cap: Nanos, failures: int) -> Nanos:
        ceiling = min(cap, base << min(failures, 40))
        return int(ceiling * (1 + self._chance()) / 2)

    def _note(self, made: Settled, answer: Answer) -> None:
        """Tell whoever asked, and the log when it changes how a channel fares."""
        channel = made.parcel.channel
        self._told(_delivery(made.parcel, made.at, made.arrival, made.said, made.began))
        if answer.verdict is Verdict.REFUSED:
            log.error("page_refused", channel=channel, key=made.parcel.page.key, error=answer.said)
        elif answer.verdict is Verdict.LATER and self._failing.get(channel) != answer.said:
            self._failing[channel] = answer.said
            log.error("channel_failing", channel=channel, error=answer.said)
        if answer.verdict is Verdict.TAKEN:
            if answer.said:
                log.warning("page_taken_in_part", channel=channel, said=answer.said)
            if self._failing.pop(channel, None) is not None:
                log.warning("channel_recovered", channel=channel)

    # -- what nobody took ----------------------------------------------------------------------------

    async def _care(self) -> None:
        """Pass on what a channel does not take, and give up what nobody takes."""
        while True:
            now = self._now()
            for name, wired in self._channels.items():
                if wired.fallback is not None:
                    await self._pass_on(name, wired.fallback, wired.fallback_after_s)
            for parcel, said in await self._outbox.give_up(now - self._patience.keep_for):
                log.error("page_given_up", key=parcel.page.key, channel=parcel.channel, error=said)
                self._told(_delivery(parcel, now, Arrival.FAILED, said))
            self._kept = await self._outbox.waiting()
            await asyncio.sleep(self._patience.care_s)

    async def _pass_on(self, name: str, fallback: str, after_s: float) -> None:
        before = self._now() - int(after_s * SECOND)
        keys = await self._outbox.pass_on(name, fallback, before)
        if keys:
            log.warning("pages_passed_on", channel=name, fallback=fallback, pages=len(keys))
            self._wake[fallback].set()

    async def _look(self) -> None:
        """Take over what others left, and see whether the disk is back."""
        while True:
            if await self._outbox.look():
                for wake in self._wake.values():
                    wake.set()
            await asyncio.sleep(self._patience.look_s)

    async def _remind(self, name: str) -> None:
        """Tell a channel again of what lasts. When it does not take that, the next time will do."""
        wired = self._channels[name]
        every_s = wired.channel.reminded_every_s
        assert every_s is not None
        while True:
            pages = await self._outbox.standing(name)
            if pages:
                answer = await within(wired, wired.channel.remind(pages))
                if answer.verdict is not Verdict.TAKEN:
                    log.warning("channel_not_reminded", channel=name, error=answer.said)
            await asyncio.sleep(every_s)


async def attempted(wired: Wired, page: Page, before: Page | None = None) -> Answer:
    """Tell a channel one page, within the time that one attempt may take."""
    return await within(wired, wired.channel.send(page, before))


async def within(wired: Wired, attempt: Coroutine[Any, Any, Answer]) -> Answer:
    """Wait for an attempt no longer than it may take."""
    try:
        async with asyncio.timeout(wired.timeout_s):
            return await attempt
    except TimeoutError:
        said = f"no answer within {wired.timeout_s:g} s"
        return Answer(verdict=Verdict.LATER, said=said)
    except Exception as crash:
        log.exception("channel_crashed", exc_info=crash)
        return Answer(verdict=Verdict.LATER, said=f"a fault of ours: {type(crash).__name__}")


def _delivery(
    parcel: Parcel, at: Nanos, arrival: Arrival, said: str, began: Nanos | None = None
) -> Delivery:
    """Return how a page fares after an attempt that began at `began`; None: after none."""
    page = parcel.page
    return Delivery(
        page_key=page.key,
        channel=parcel.channel,
        kind=page.kind,
        severity=page.severity,
        title=page.title,
        incidents=page.of,
        attempts=parcel.attempts + (began is not None),
        first_at=began if parcel.first_at is None else parcel.first_at,
        sent_at=at if arrival is Arrival.SENT else None,
        at=at,
        arrival=arrival,
        said=said,
    )
