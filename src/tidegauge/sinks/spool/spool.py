"""The whole spool of a daemon: its own folder, and those of daemons that are gone.

Below `ROOT` each start of a daemon has a folder of its own, named by its time. Whoever comes later
takes over what a dead one left, sends it, and deletes it.
"""

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from tidegauge.core.instrument import Nanos

from ..slips import Slip
from .folder import Folder
from .lane import File, Lane, Parcel
from .quarantine import Quarantine

ROOT = "spool"
QUARANTINE = "quarantine.sqlite3"
NOT_FOLDERS = frozenset({"damaged"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFigures:
    """How the spool is. `lost`: rows that could not be read; `oldest_at`: of what waits."""

    waiting: int = 0
    bytes: int = 0
    lost: int = 0
    damaged: int = 0
    quarantined: int = 0
    recovered: int = 0
    oldest_at: Nanos | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Files that are stored whole, and the span of time of their rows."""

    files: Sequence[tuple[Lane, File]]
    span: tuple[Nanos, Nanos] | None


class Spool:
    """Blocking, and for one thread at a time. Every method raises `sqlite3.Error` and `OSError`."""

    def __init__(self, root: Path, name: str) -> None:
        """Open the spool below `root`; `name` is this run's folder in it."""
        self.root = root
        self._name = name
        self._gone: list[Folder] = []
        self._lost = self._damaged = self.recovered = 0
        self._oldest: Nanos | None = None
        self._own: Folder | None = None
        self._quarantine = Quarantine(root / QUARANTINE)

    def open(self) -> None:
        """Take over what is left, and make our own folder."""
        if self.root.is_dir():
            self.adopt()
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._own is None:
            self._own = Folder.create(self.root / self._name)

    def adopt(self) -> int:
        """Take over the folders of daemons that are gone. Returns how many rows wait in them."""
        ours = {self._name, *(folder.path.name for folder in self._gone), *NOT_FOLDERS}
        found = 0
        for path in sorted(self.root.iterdir()):
            if path.name in ours or not path.is_dir():
                continue
            folder = Folder.adopt(path)
            if folder is not None:
                found += folder.waiting
                self._gone.append(folder)
        if found:
            log.info("spool_taken_over", rows=found)
        self.recovered += found
        return found

    @property
    def _folders(self) -> list[Folder]:
        return [*self._gone, *([] if self._own is None else [self._own])]

    @property
    def waiting(self) -> int:
        """Rows that are not stored."""
        return sum(folder.waiting for folder in self._folders)

    def append(self, slips: Sequence[Slip]) -> None:
        """Keep rows; when this returns they are on the disk."""
        if self._own is None:
            self.open()
        assert self._own is not None
        self._own.append(slips)

    def fetch(self, limit: int) -> Parcel | None:
        """Return the next rows to store: all records before any reading, each in order."""
        folders = self._folders
        for lanes in ([each.records for each in folders], [each.readings for each in folders]):
            for lane in lanes:
                parcel = lane.fetch(limit)
                if parcel is not None:
                    return parcel
        return None

    def settle(self, parcel: Parcel) -> None:
        """Note that a parcel is stored."""
        parcel.lane.settle(parcel)

    def finished(self, *, closing: bool = False) -> Finished:
        """Return the files that are stored whole; when closing, our own among them."""
        files: list[tuple[Lane, File]] = []
        for folder in self._folders:
            if closing or folder is not self._own:
                for lane in folder.lanes:
                    lane.finish()
            files += folder.finished()
        spans = [span for _lane, file in files if (span := file.span()) is not None]
        if not spans:
            return Finished(files, None)
        return Finished(files, (min(span[0] for span in spans), max(span[1] for span in spans)))

    def forget(self, finished: Finished) -> None:
        """Delete what is stored; a folder of somebody gone goes when nothing is left in it."""
        for lane, file in finished.files:
            lane.forget([file])
        for folder in list(self._gone):
            if not folder.waiting and not folder.finished():
                self._gone.remove(folder)
                self._remember(folder)
                folder.close()

    def expire(self, keep_s: float) -> int:
        """Give up readings that have waited longer than `keep_s`. Returns rows given up."""
        older_than = time.time() - keep_s
        return sum(folder.readings.expire(older_than) for folder in self._folders)

    def quarantine(self, refused: Sequence[tuple[Slip, str]]) -> None:
        """Keep rows that the database refuses, for somebody to look at."""
        self._quarantine.add(refused)

    def figures(self) -> SpoolFigures:
        """Return how it is."""
        folders = self._folders
        lanes = [lane for folder in folders for lane in folder.lanes]
        waiting = sum(lane.waiting for lane in lanes)
        return SpoolFigures(
            waiting=waiting,
            bytes=sum(folder.size for folder in folders),
            lost=self._lost + sum(lane.lost for lane in lanes),
            damaged=self._damaged + sum(lane.damaged for lane in lanes),
            quarantined=self._quarantine.added,
            recovered=self.recovered,
            oldest_at=min(
                (at for folder in folders if (at := folder.oldest()) is not None), default=None
            )
            if waiting
            else None,
        )

    def free_bytes(self) -> int:
        """Return how much room the disk has."""
        return shutil.disk_usage(self.root).free

    def write_marks(self) -> None:
        """Write down how far everything is stored."""
        for folder in self._folders:
            for lane in folder.lanes:
                lane.write_marks()

    def close(self) -> None:
        """Let go of everything; what waits is for the next start."""
        for folder in self._folders:
            with suppress(sqlite3.Error, OSError):
                folder.close()
        self._gone, self._own = [], None
        self._quarantine.close()

    def _remember(self, folder: Folder) -> None:
        self._lost += sum(lane.lost for lane in folder.lanes)
        self._damaged += sum(lane.damaged for lane in folder.lanes)
