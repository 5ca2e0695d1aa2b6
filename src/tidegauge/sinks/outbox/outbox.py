"""The outbox, worked by a thread of its own: the event loop never waits for the disk.

A disk that takes nothing is no reason not to page: the outbox then lives in memory, and goes back to
the disk as soon as that takes it.
"""

import asyncio
import os
import re
import sqlite3
import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog

from tidegauge.core.desk import Page
from tidegauge.core.instrument import Nanos

from ..locks import FileLock
from ..spool.faults import OF_THE_FILE, OF_THE_PLACE, PASSING, code_of
from ..spool.paths import put_aside, remove_files
from .file import DAY, OutboxFile, Settled
from .parcel import Parcel

NAME = "outbox.sqlite3"
FOLDER = "outbox"
"""Beside the file: a lock a process that uses it, and `damaged`."""

MEMORY = ":memory:"
OWNER = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)

Result = TypeVar("Result")

log = structlog.get_logger()


class OutboxError(Exception):
    """Neither the disk nor the memory does what it was asked."""


class Outbox:
    """What the notifier asks of the outbox. Methods raise `OutboxError`; one of them runs at a time.

    `owner` names this process among those that share the data directory, such as by its run.
    """

    def __init__(
        self, data_dir: Path, owner: str, *, now: Callable[[], Nanos] = time.time_ns
    ) -> None:
        self.path = data_dir / NAME
        self.broken: str | None = None
        """What the disk said when it took nothing; None: all is on the disk."""
        self._owner = owner
        self._folder = data_dir / FOLDER
        self._lock = FileLock(self._folder / f"{owner}.lock")
        self._now = now
        self._file: OutboxFile | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")

    async def open(self) -> None:
        """Open the file and take over what is left in it. A file or a disk that cannot be used is
        told of, and never a reason not to start."""
        try:
            await self.look()
        except OutboxError as error:
            log.warning("outbox_not_worked", error=str(error))

    async def put(self, pages: Sequence[Page], known: Container[str] = ()) -> list[tuple[str, str]]:
        """Keep pages for their channels; on the disk when this returns. Those it had are passed over.

        Returns (key, channel) of the others. `known`: see `OutboxFile.put`.
        """
        return await self._do(lambda file: file.put(pages, self._now(), known))

    async def next(self, channel: str) -> tuple[Parcel | None, int, Nanos | None]:
        """See `OutboxFile.next`."""
        return await self._do(lambda file: file.next(channel, self._now()))

    async def settle(self, made: Settled) -> list[tuple[Parcel, str]]:
        """See `OutboxFile.settle`."""
        return await self._do(lambda file: file.settle(made))

    async def pass_on(self, channel: str, fallback: str, before: Nanos) -> list[str]:
        """See `OutboxFile.pass_on`."""
        return await self._do(lambda file: file.pass_on(channel, fallback, before, self._now()))

    async def give_up(self, before: Nanos) -> list[tuple[Parcel, str]]:
        """See `OutboxFile.give_up`."""
        return await self._do(lambda file: file.give_up(before))

    async def waiting(self) -> int:
        """See `OutboxFile.waiting`."""
        return await self._do(lambda file: file.waiting())

    async def standing(self, channel: str) -> list[Page]:
        """See `OutboxFile.standing`."""
        return await self._do(lambda file: file.standing(channel))

    async def stands(self, channel: str, incident: str) -> Page | None:
        """See `OutboxFile.stands`."""
        return await self._do(lambda file: file.stands(channel, incident))

    async def look(self) -> int:
        """Go back to the disk if it is time, take over what others left, forget what is old.

        Returns how many pages were taken over.
        """

        def look(file: OutboxFile) -> int:
            if self.broken is not None:
                file = self._return_to_disk(file)
            elif not self.path.exists():
                file = self._made_again(file)
            file.forget(self._now())
            return 0 if self.broken is not None else self._take_over(file)

        return await self._do(look)

    async def close(self) -> None:
        """Close the file, and end the thread."""

        def close() -> None:
            if self._file is not None:
                with suppress(sqlite3.Error):
                    self._file.close()
                self._file = None
            self._lock.path.unlink(missing_ok=True)
            self._lock.close()

        with suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(self._thread, close)
        self._thread.shutdown(wait=False)

    # -- in the thread -------------------------------------------------------------------------------

    async def _do(self, act: Callable[[OutboxFile], Result]) -> Result:
        """Do it in the thread. What has begun there is waited for, even when we are cancelled."""
        try:
            begun = asyncio.get_running_loop().run_in_executor(self._thread, self._work, act)
        except RuntimeError as error:
            raise OutboxError("it is closed") from error
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            await asyncio.wait([begun])
            if (failure := begun.exception()) is not None:
                log.warning("outbox_failed_at_the_end", error=str(failure))
            raise
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(f"{type(error).__name__}: {error}") from error

    def _work(self, act: Callable[[OutboxFile], Result]) -> Result:
        """Do it with the file that is there, and once more with the one that takes its place."""
        if self._file is None:
            self._file = self._opened()
        try:
            return act(self._file)
        except (sqlite3.Error, OSError) as error:
            if self.broken is not None or _passes(error):
                raise
            self._file = self._in_place_of(self._file, error)
            return act(self._file)

    def _opened(self) -> OutboxFile:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.try_exclusive()
            return self._open_disk()
        except (sqlite3.Error, OSError) as error:
            return self._in_place_of(None, error)

    def _open_disk(self) -> OutboxFile:
        # Made by us, so that nobody else may read it, nor what SQLite puts beside it.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return OutboxFile(str(self.path), self._owner)

    def _in_place_of(self, old: OutboxFile | None, error: sqlite3.Error | OSError) -> OutboxFile:
        """Return a file to go on with: a new one when the old is damaged, else one in memory."""
        if _of_the_file(error):
            log.error("outbox_damaged", file=str(self.path), error=str(error))
            try:
                put_aside(self.path, self._folder / "damaged", str(self._now()))
                remove_files(self.path)
                new = self._open_disk()
            except (sqlite3.Error, OSError) as again:
                error = again
            else:
                _fill(new, old, of_ours=False)
                return new
        log.error("outbox_lost", file=str(self.path), error=str(error))
        self.broken = f"{type(error).__name__}: {error}"
        memory = OutboxFile(MEMORY, self._owner)
        _fill(memory, old, of_ours=True)
        return memory

    def _return_to_disk(self, memory: OutboxFile) -> OutboxFile:
        """Return the file on the disk, with what is in memory, if it takes that; else the memory."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.try_exclusive()
            disk = self._open_disk()
        except (sqlite3.Error, OSError) as error:
            self.broken = f"{type(error).__name__}: {error}"
            return memory
        try:
            disk.copy_from(memory, of_ours=True)
        except (sqlite3.Error, OSError) as error:
            self.broken = f"{type(error).__name__}: {error}"
            disk.close()
            return memory
        memory.close()
        self._file, self.broken = disk, None
        log.warning("outbox_recovered", file=str(self.path))
        return disk

    def _made_again(self, gone: OutboxFile) -> OutboxFile:
        """Return a new file with what was in ours, which somebody deleted."""
        log.error("outbox_gone", file=str(self.path))
        remove_files(self.path)
        self._file = new = self._open_disk()
        _fill(new, gone, of_ours=True)
        return new

    def _take_over(self, file: OutboxFile) -> int:
        """Make ours what is left of processes that are gone: nobody holds their lock."""
        taken = 0
        for owner in file.owners():
            if not OWNER.fullmatch(owner):
                taken += file.take_over(owner)
                continue
            lock = FileLock(self._folder / f"{owner}.lock")
            try:
                if lock.try_exclusive():
                    taken += file.take_over(owner)
                    lock.path.unlink(missing_ok=True)
            finally:
                lock.close()
        if taken:
            log.warning("outbox_taken_over", pages=taken)
        self._sweep()
        return taken

    def _sweep(self) -> None:
        """Delete the locks of those that are long gone; one that is young may be about to be taken."""
        for path in self._folder.glob("*.lock"):
            lock = FileLock(path)
            try:
                if path.stat().st_mtime_ns < self._now() - DAY and lock.try_exclusive():
                    path.unlink(missing_ok=True)
            except OSError:
                continue
            finally:
                lock.close()


def _fill(new: OutboxFile, old: OutboxFile | None, *, of_ours: bool) -> None:
    """Copy what can be read of a file that is given up, and close it."""
    if old is None:
        return
    with suppress(sqlite3.Error):
        new.copy_from(old, of_ours=of_ours)
    with suppress(sqlite3.Error):
        old.close()


def _passes(error: sqlite3.Error | OSError) -> bool:
    return isinstance(error, sqlite3.Error) and code_of(error) in PASSING


def _of_the_file(error: sqlite3.Error | OSError) -> bool:
    """Whether it is the file that is damaged, rather than the place that takes nothing."""
    if not isinstance(error, sqlite3.Error):
        return False
    exact = getattr(error, "sqlite_errorcode", None)
    return exact in OF_THE_FILE or code_of(error) not in PASSING | OF_THE_PLACE
