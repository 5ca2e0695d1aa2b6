"""One order of rows, over as many files as it takes: written at the end, read from the start."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from tidegauge.core.instrument import Nanos

from ..slips import Slip
from .salvaged import Salvaged
from .segment import DamagedError, Segment

File: TypeAlias = Segment | Salvaged

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows to be stored together, and where they came from. `lost`: rows before or among them that
    could not be read."""

    lane: "Lane"
    file: File
    slips: Sequence[Slip]
    upto: int
    lost: int


class Lane:
    """The files `NAME-FIRST.sqlite3` of a folder, FIRST the number of their first row. Blocking.

    Rows are numbered from 1 without holes, so that what is missing can be counted.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Open what is there. Raises `OSError` when the folder cannot be read."""
        self.name = name
        self._folder = folder
        self.damaged = 0
        self.lost = 0
        self.files: list[File] = []
        self._finished: list[File] = []
        for path, first in paths_of(folder, name):
            self._adopt(path, first)
        self._active: Segment | None = None

    def _adopt(self, path: Path, first: int) -> None:
        before = self.files[-1] if self.files else None
        if before is not None and before.last + 1 < first:
            missing = first - 1 - before.last
            log.error("spool_rows_missing", before=path.name, rows=missing)
            self.lost += missing
        try:
            self.files.append(Segment.open(path, first))
        except DamagedError as error:
            self.files.append(self._salvage(path, first, 0, 0, error))

    @property
    def waiting(self) -> int:
        """Rows that are not stored."""
        return sum(file.waiting for file in self.files)

    @property
    def size(self) -> int:
        """What the files take on disk."""
        return sum(file.size for file in (*self.files, *self._finished))

    @property
    def last(self) -> int:
        """The number of the newest row."""
        return self.files[-1].last if self.files else 0

    def append(self, slips: Sequence[Slip]) -> None:
        """Add rows; when this returns they are on the disk.

        Raises `sqlite3.Error` and `OSError` when the disk takes them not; none is in it then.
        """
        active = self._active
        if active is None or active.full:
            active = self._begin()
        try:
            active.append(slips)
        except sqlite3.DatabaseError as error:
            if not (_of_this_file(error) or active.last >= active.first):
                raise
            # Damaged, or full to its last page: what cannot go there goes into the next.
            self._begin().append(slips)

    def _begin(self) -> Segment:
        first = self.last + 1
        if self._active is not None and self._active.last < self._active.first:
            # Nothing is in it: its name is the next one's.
            self.files.remove(self._active)
            self._active.remove()
        elif self._active is not None:
            self._active.shut()
        self._active = None
        fresh = Segment.create(self._folder / f"{self.name}-{first:012}.sqlite3", first)
        self.files.append(fresh)
        self._active = fresh
        return fresh

    def fetch(self, limit: int) -> Parcel | None:
        """Return the next rows that are not stored; None when all are."""
        for place, file in enumerate(list(self.files)):
            current = file
            if not current.waiting:
                continue
            try:
                chunk = current.read(limit)
            except DamagedError as error:
                if current is self._active:
                    self._active = None
                current.close()
                current = self._salvage(file.path, file.first, file.stored, file.last, error)
                self.files[place] = current
                chunk = current.read(limit)
            return Parcel(self, current, chunk.slips, chunk.upto, chunk.lost)
        return None

    def settle(self, parcel: Parcel) -> None:
        """Note that a parcel is stored. A file that is stored whole is finished."""
        parcel.file.mark(parcel.upto)
        self.lost += parcel.lost
        self._set_finished_apart()

    def _set_finished_apart(self) -> None:
        while self.files and self.files[0] is not self._active and not self.files[0].waiting:
            self.files[0].close()
            self._finished.append(self.files.pop(0))

    def finished(self) -> list[File]:
        """Return the files whose rows are all stored, oldest first."""
        self._set_finished_apart()
        return list(self._finished)

    def finish(self) -> None:
        """Write to no file any more: the one that was written to may be finished as well."""
        self._active = None
        self._set_finished_apart()

    def forget(self, files: Sequence[File]) -> None:
        """Delete finished files."""
        for file in files:
            file.remove()
            self._finished.remove(file)

    def expire(self, older_than: float) -> int:
        """Give up whole files last written before a time (seconds). Returns rows given up."""
        given_up = 0
        while self.files and self.files[0] is not self._active:
            oldest = self.files[0]
            if oldest.path.exists() and oldest.path.stat().st_mtime >= older_than:
                break
            given_up += oldest.waiting
            self.files.pop(0).remove()
        return given_up

    def oldest(self) -> Nanos | None:
        """Return the time of the oldest row that is not stored."""
        for file in self.files:
            if file.waiting:
                try:
                    slips = file.read(1).slips
                except DamagedError:
                    return None
                return slips[0].at if slips else None
        return None

    def write_marks(self) -> None:
        """Write down how far each file is stored. Raises `sqlite3.Error`."""
        for file in self.files:
            file.write_mark()

    def close(self) -> None:
        """Close every file."""
        for file in (*self.files, *self._finished):
            file.close()

    def _salvage(
        self, path: Path, first: int, stored: int, last: int, error: DamagedError
    ) -> Salvaged:
        self.damaged += 1
        found = Salvaged(path, first, stored, last)
        log.error("spool_file_damaged", file=path.name, error=str(error), readable=found.waiting)
        return found


def paths_of(folder: Path, name: str) -> list[tuple[Path, int]]:
    """Return the files of a lane and the number of their first rows, in order."""
    pattern = re.compile(rf"{name}-(\d{{12}})\.sqlite3")
    return sorted(
        (path, int(match[1]))
        for path in folder.iterdir()
        if (match := pattern.fullmatch(path.name)) is not None
    )


def _of_this_file(error: sqlite3.DatabaseError) -> bool:
    """Whether another file would do better: this one is damaged, or has no page left."""
    said = str(error)
    return "malformed" in said or "not a database" in said or "is full" in said
