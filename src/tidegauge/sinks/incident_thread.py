"""The audit trail, worked by a thread of its own: the event loop never waits for the disk.

A transition is on the disk before it is told to anybody. What the disk does not take is told all the
same, as somebody has to act on it: its line is owed, and written as soon as the disk takes it.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog

from tidegauge.core.incident import Incident, Transition
from tidegauge.core.instrument import Nanos, Symbol

from .chain import ChainedTransition
from .incident_log import IncidentLog

Result = TypeVar("Result")

RETRY_S = 5.0
CLOSE_S = 1.0

log = structlog.get_logger()


class IncidentLogThread:
    """`open` first; `append` from anywhere on the loop; `run` in a task of the caller's; `close` last.

    `told` is given the transitions, each with its place in the trail, in order, on the loop.
    """

    def __init__(
        self,
        folder: Path,
        told: Callable[[ChainedTransition], None],
        *,
        retry_s: float = RETRY_S,
    ) -> None:
        """Work on `IncidentLog(folder, ...)`."""
        self.broken: str | None = None
        self._folder = folder
        self._told = told
        self._retry_s = retry_s
        self._log: IncidentLog | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="incidents")
        self._waiting: list[Transition] = []
        self._begun = self._settled = 0
        self._stirred = asyncio.Event()
        self._moved = asyncio.Condition()
        self._writing = asyncio.Lock()

    @property
    def path(self) -> Path | None:
        """The file, once it is open."""
        return None if self._log is None else self._log.path

    async def open(
        self, now: Nanos, symbols: Collection[Symbol] = (), resolved_since: Nanos = 0
    ) -> list[Incident]:
        """Open the trail and return the incidents that go on, see `IncidentLog.restore`.

        Raises `OSError`.
        """

        def begin() -> tuple[IncidentLog, list[Incident]]:
            opened = IncidentLog(self._folder, now)
            return opened, opened.restore(symbols, resolved_since)

        self._log, incidents = await self._do(begin)
        return incidents

    def append(self, transition: Transition) -> None:
        """Take a transition. Never blocks, never raises."""
        self._waiting.append(transition)
        self._begun += 1
        self._stirred.set()

    async def settled(self) -> None:
        """Wait until all that was appended so far is on the disk, or the disk was found to take nothing."""
        upto = self._begun
        async with self._moved:
            await self._moved.wait_for(lambda: self._settled >= upto)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s if self.broken is not None else None):
                    await self._stirred.wait()
            self._stirred.clear()
            await self._write()

    async def close(self) -> None:
        """Write what is left, and let go of the file. After `run` was cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._write()
        opened, self._log = self._log, None
        if opened is not None:
            if opened.owed:
                log.error("incident_log_incomplete", lines=opened.owed, file=opened.path.name)
            with suppress(OSError):
                await self._do(opened.close)
        self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        """Write what waits, as one. What has begun is ended, even when we are cancelled."""
        async with self._writing:
            opened = self._log
            if opened is None or not (self._waiting or opened.owed):
                return
            batch, self._waiting = self._waiting, []

            def work() -> tuple[Sequence[ChainedTransition], str | None]:
                chained = list(_placed(opened, batch))
                try:
                    opened.flush()
                except OSError as error:
                    return chained, f"{type(error).__name__}: {error}"
                return chained, None

            begun = asyncio.ensure_future(self._do(work))
            try:
                await asyncio.shield(begun)
            except asyncio.CancelledError:
                await asyncio.wait([begun])
                raise
            finally:
                if begun.done() and begun.exception() is None:
                    await self._note(*begun.result(), settled=len(batch))

    async def _note(
        self, chained: Sequence[ChainedTransition], broken: str | None, *, settled: int
    ) -> None:
        if broken is not None and self.broken is None:
            log.error("incident_log_lost", folder=str(self._folder), error=broken)
        elif broken is None and self.broken is not None:
            log.warning("incident_log_recovered", folder=str(self._folder))
        self.broken = broken
        for each in chained:
            self._told(each)
        async with self._moved:
            self._settled += settled
            self._moved.notify_all()

    async def _do(self, act: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)


def _placed(opened: IncidentLog, batch: Sequence[Transition]) -> Iterator[ChainedTransition]:
    """Give each transition its place. One that cannot be written is our bug, and stops no other."""
    for each in batch:
        try:
            yield opened.add(each)
        except Exception as crash:
            name = f"{each.incident.id}/{each.event.number}"
            log.exception("incident_log_rejected", event_of=name, exc_info=crash)
