"""The folder of one daemon: a lock that dies with it, and two lanes.

What is rare and never given up (`RECORDS`) does not share a file with what may be (`READINGS`), and
is stored first when the database is back.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from tidegauge.core.instrument import SECOND, Nanos

from ..locks import FileLock
from ..rows import Kind
from ..slips import CODES, Slip
from .label import LABEL, Label, claim, write_label
from .lane import File, Lane, Parcel
from .paths import NEW, sync_folder

LOCK = "lock"
RECORDS, READINGS = "records", "readings"
OF_READINGS = frozenset({CODES[Kind.READING], CODES[Kind.MARKET]})
PROBE = "probe"
PROBE_BYTES = 256 * 1024
ABANDONED_S = 60.0
"""After how long a folder that was never made whole is deleted."""

log = structlog.get_logger()


class Folder:
    """An open folder that is ours. Blocking."""

    def __init__(
        self, path: Path, lock: FileLock | None, now: Callable[[], Nanos] = time.time_ns
    ) -> None:
        """Open what is in it. Raises `OSError`, `sqlite3.Error`."""
        self.path = path
        self._lock = lock
        try:
            self.records = Lane(path, RECORDS, now)
            self.readings = Lane(path, READINGS, now)
        except BaseException:
            if lock is not None:
                lock.close()
            raise

    @classmethod
    def create(
        cls, path: Path, now: Callable[[], Nanos] = time.time_ns, database: str = ""
    ) -> "Folder":
        """Make a folder of our own, or take back the one we had. Raises `OSError`, `sqlite3.Error`.

        It has its name when it is locked, and says which database it is for: whoever finds one that
        is not locked may take it over. Raises `NotOursError` too.
        """
        if path.exists():
            ours = cls.adopt(path, now, database)
            if ours is None:
                raise BlockingIOError(errno.EAGAIN, "another process holds it", str(path))
            return ours
        fresh = path.with_name(f"{path.name}{NEW}")
        fresh.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(fresh / LOCK)
        try:
            _take(lock)
            write_label(fresh, Label(database=database))
            fresh.rename(path)
            sync_folder(path.parent)
        except BaseException:
            lock.close()
            raise
        return cls(path, lock, now)

    @classmethod
    def adopt(
        cls, path: Path, now: Callable[[], Nanos] = time.time_ns, database: str = ""
    ) -> "Folder | None":
        """Take over the folder of a daemon that is gone; None while it lives, or when it went.

        A folder that takes no writes, not even a lock, is read for what is in it. Raises `OSError`
        and `sqlite3.Error`; `NotOursError` when it is for another database, or a newer version.
        """
        lock = FileLock(path / LOCK)
        try:
            if not lock.try_exclusive() or not path.is_dir():
                lock.close()
                return None
        except OSError as error:
            lock.close()
            if not path.is_dir():
                return None
            if not _takes_no_writes(path):
                raise
            claim(path, database)
            log.warning("spool_not_locked", folder=path.name, error=str(error))
            return cls(path, None, now)
        try:
            claim(path, database)  # while nobody else can put another label on it
        except BaseException:
            lock.close()
            raise
        return cls(path, lock, now)

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """In the order in which they are stored."""
        return self.records, self.readings

    @property
    def waiting(self) -> int:
        """Rows that are not stored."""
        return sum(lane.waiting for lane in self.lanes)

    @property
    def size(self) -> int:
        """What it takes on disk."""
        return sum(lane.size for lane in self.lanes)

    @property
    def lost(self) -> int:
        """Rows that could not be read."""
        return sum(lane.lost for lane in self.lanes)

    @property
    def damaged(self) -> int:
        """Files that could not be read as they were."""
        return sum(lane.damaged for lane in self.lanes)

    def probe(self) -> None:
        """Try whether the disk takes anything. Raises `OSError`."""
        path = self.path / PROBE
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.write(fd, bytes(PROBE_BYTES)) < PROBE_BYTES:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                os.fsync(fd)
            finally:
                os.close(fd)
        finally:
            with suppress(OSError):
                path.unlink()

    def append(self, slips: Sequence[Slip]) -> None:
        """Put each slip into its lane: records first. Raises `sqlite3.Error`, `OSError`.

        The records may be in it then: kept again, they are sent twice and stored once.
        """
        records = [slip for slip in slips if slip.code not in OF_READINGS]
        if records:
            self.records.append(records)
        if len(records) < len(slips):
            self.readings.append([slip for slip in slips if slip.code in OF_READINGS])

    def finished(self) -> list[tuple[Lane, File]]:
        """Return the files that are stored whole."""
        return [(lane, file) for lane in self.lanes for file in lane.finished()]

    def oldest(self) -> Nanos | None:
        """Return the time of the oldest row that is not stored."""
        times = [time for lane in self.lanes if (time := lane.oldest()) is not None]
        return min(times, default=None)

    def close(self) -> None:
        """Let go of it. Without a file of a lane in it, it is deleted."""
        for lane in self.lanes:
            lane.close()
        with suppress(OSError):
            if all(_is_rubbish(each.name) for each in self.path.iterdir()):
                shutil.rmtree(self.path)
        if self._lock is not None:
            self._lock.close()


def clear_abandoned(path: Path, now: Nanos) -> None:
    """Delete a folder that was not made whole, when whoever made it is gone."""
    with suppress(OSError):
        if now - path.stat().st_mtime_ns < ABANDONED_S * SECOND:
            return
        lock = FileLock(path / LOCK)
        try:
            if lock.try_exclusive():
                shutil.rmtree(path)
        finally:
            lock.close()


def _take(lock: FileLock) -> None:
    if not lock.try_exclusive():
        raise BlockingIOError(errno.EAGAIN, "another process holds it", str(lock.path))


def _takes_no_writes(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _is_rubbish(name: str) -> bool:
    """Whether a file may go with its folder."""
    return name in (LOCK, LABEL, PROBE) or NEW in name


__all__ = ["READINGS", "RECORDS", "Folder", "Parcel", "clear_abandoned"]
