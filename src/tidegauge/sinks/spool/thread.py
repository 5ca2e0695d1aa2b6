"""The spool, worked by a thread of its own: the event loop never waits for the disk."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from ..slips import Slip
from .lane import Parcel
from .spool import Finished, Spool, SpoolFigures

Result = TypeVar("Result")

MIB = 1024 * 1024

log = structlog.get_logger()


class SpoolError(Exception):
    """The disk does not do what it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """`most_bytes`: what it may take on disk. `keep_s`: how long a reading may wait in it.

    `commit_s`: how long a record waits for others before it goes to the disk. `retry_s`: how often a
    disk that took nothing is tried again.
    """

    most_bytes: int = 4096 * MIB
    keep_s: float = 7 * 86_400.0
    commit_s: float = 0.1
    retry_s: float = 5.0


class SpoolThread:
    """What the writer asks of the spool. Methods raise `SpoolError`; one of them runs at a time."""

    def __init__(
        self, root: Path, name: str, limits: SpoolLimits | None = None, *, database: str = ""
    ) -> None:
        """Work on `Spool(root, name)`; `database`: the identity of the one its rows go to."""
        self.limits = SpoolLimits() if limits is None else limits
        self.figures = SpoolFigures()
        self.waiting = 0
        self.broken: str | None = None
        self._spool = Spool(root, name, database=database)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    async def open(self) -> None:
        """Open the spool and take over what is left; also after it was broken."""
        await self._write(Spool.open)

    async def keep(self, slips: Sequence[Slip]) -> None:
        """Put rows on the disk."""
        await self._write(lambda spool: spool.append(slips))

    async def fetch(self, limit: int) -> Parcel | None:
        """Return the next rows to store."""
        return await self._do(lambda spool: spool.fetch(limit))

    async def settle(self, parcel: Parcel) -> None:
        """Note that they are stored."""
        await self._do(lambda spool: spool.settle(parcel))

    async def finished(self, *, closing: bool = False) -> Finished:
        """Return the files that are stored whole."""
        return await self._do(lambda spool: spool.finished(closing=closing))

    async def forget(self, finished: Finished) -> None:
        """Delete them."""
        await self._do(lambda spool: spool.forget(finished))

    async def quarantine(self, refused: Sequence[tuple[Slip, str]]) -> None:
        """Keep what the database refuses."""
        await self._do(lambda spool: spool.quarantine(refused))

    async def look(self) -> int:
        """Bring `figures` up to date, take over what others left, and give up what is too old.

        Returns rows given up.
        """

        def look(spool: Spool) -> tuple[SpoolFigures, int]:
            spool.adopt()
            spool.write_marks()
            given_up = spool.expire(self.limits.keep_s)
            return spool.figures(), given_up

        self.figures, given_up = await self._do(look)
        return given_up

    @property
    def filled(self) -> float:
        """How full it is, as a share of its bound: of `most_bytes`, or of what the disk has room for.

        As of the last look. A tenth of that room is left to what is never given up.
        """
        held, free = self.figures.bytes, self.figures.free
        bound = self.limits.most_bytes
        if free is not None:
            bound = min(bound, (held + free) * 9 // 10)
        return held / max(1, bound)

    async def close(self) -> None:
        """Close every file, and end the thread."""
        try:
            await self._do(Spool.close)
        except SpoolError as error:
            log.warning("spool_not_closed", error=str(error))
        finally:
            self._thread.shutdown(wait=False)

    async def _write(self, act: Callable[[Spool], None]) -> None:
        """Do what tells whether the disk takes anything."""
        try:
            await self._do(act)
        except SpoolError as error:
            if self.broken is None:
                said = str(error)
                log.error("spool_lost", error=said, folder=str(self._spool.root))  # noqa: TRY400
            self.broken = str(error)
            raise
        if self.broken is not None:
            log.warning("spool_recovered", folder=str(self._spool.root))
            self.broken = None

    async def _do(self, act: Callable[[Spool], Result]) -> Result:
        """Do it in the thread. What has begun there is waited for, even when we are cancelled."""

        def work() -> Result:
            try:
                return act(self._spool)
            finally:
                self.waiting = self._spool.waiting

        try:
            begun = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            raise SpoolError("it is closed") from error
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            await asyncio.wait([begun])
            if (failure := begun.exception()) is not None:
                log.warning("spool_failed_at_the_end", error=str(failure))
            raise
        except (sqlite3.Error, OSError) as error:
            raise SpoolError(f"{type(error).__name__}: {error}") from error
