"""The folder of one daemon: a lock that dies with it, and two lanes.

What is rare and never given up (`RECORDS`) does not share a file with what may be (`READINGS`), and
is stored first when the database is back.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tidegauge.core.instrument import Nanos

from ..locks import FileLock
from ..rows import Kind
from ..slips import CODES, Slip
from .lane import File, Lane, Parcel

LOCK = "lock"
RECORDS, READINGS = "records", "readings"
OF_READINGS = frozenset({CODES[Kind.READING], CODES[Kind.MARKET]})


class Folder:
    """An open folder that is ours. Blocking."""

    def __init__(self, path: Path, lock: FileLock | None) -> None:
        """Open what is in it. Raises `OSError`."""
        self.path = path
        self._lock = lock
        self.records = Lane(path, RECORDS)
        self.readings = Lane(path, READINGS)

    @classmethod
    def create(cls, path: Path) -> "Folder":
        """Make a folder of our own. Raises `OSError`."""
        path.mkdir(mode=0o700, parents=True)
        lock = FileLock(path / LOCK)
        lock.try_exclusive()
        return cls(path, lock)

    @classmethod
    def adopt(cls, path: Path) -> "Folder | None":
        """Take over the folder of a daemon that is gone; None while it lives.

        A folder that takes no writes, not even a lock, is read for what is in it. Raises `OSError`.
        """
        lock = FileLock(path / LOCK)
        try:
            if not lock.try_exclusive():
                lock.close()
                return None
        except OSError:
            if os.access(path, os.W_OK) and not _read_only(path):
                raise
            return cls(path, None)
        return cls(path, lock)

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

    def append(self, slips: Sequence[Slip]) -> None:
        """Put each slip into its lane: records first. Raises `sqlite3.Error`, `OSError`."""
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
        """Let go of it. Without a file in it, it is deleted."""
        for lane in self.lanes:
            lane.close()
        with suppress(OSError):
            if not any(file.name != LOCK for file in self.path.iterdir()):
                shutil.rmtree(self.path)
        if self._lock is not None:
            self._lock.close()


def _read_only(path: Path) -> bool:
    """Whether the disk itself takes no writes."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


__all__ = ["READINGS", "RECORDS", "Folder", "Parcel"]
