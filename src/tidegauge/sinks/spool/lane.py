"""One order of rows, over as many files as it takes: written at the end, read from the start."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import structlog

from tidegauge.core.instrument import SECOND, Nanos

from ..slips import Slip
from .faults import DamagedError, UnopenedError, is_of_the_file
from .paths import name_of, paths_of
from .salvaged import Salvaged
from .segment import Segment, Span

File: TypeAlias = Segment | Salvaged

AT_ONCE = 512 * 1024
"""Bytes of rows in one transaction at most: with what SQLite adds, they fit into any file."""

EARLIEST: Nanos = 1_735_689_600 * SECOND
"""The first of January 2025."""

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

    def __init__(self, folder: Path, name: str, now: Callable[[], Nanos] = time.time_ns) -> None:
        """Open what is there. Raises `OSError` and `sqlite3.Error` when we cannot look at it."""
        self.name = name
        self._folder = folder
        self._now = now
        self.lost = 0
        self._damaged = 0
        self.files: list[File] = []
        self._finished: list[File] = []
        self._active: Segment | None = None
        self._series: dict[int, Slip] = {}
        self._oldest: tuple[tuple[Path, int], Nanos | None] | None = None
        found = paths_of(folder, name)
        following = [first - 1 for _path, first in found[1:]]
        for (path, first), until in zip_longest(found, following):
            self._adopt(path, first, until)
        self._last = self.files[-1].last if self.files else 0

    def _adopt(self, path: Path, first: int, until: int | None) -> None:
        file: File
        try:
            segment = Segment.open(path, first, until)
        except DamagedError as error:
            file = self._salvage(path, first, 0, until, error)
            if not self.files:
                file.scan()  # how far the first file is stored is worth knowing at once
                file.close()
        else:
            self._series |= segment.series
            file = segment
        self.files.append(file)
        if until is not None and file.last < until:
            log.error("spool_rows_missing", behind=path.name, rows=until - file.last)
            self.lost += until - file.last

    @property
    def damaged(self) -> int:
        """Files that could not be read as they were."""
        return self._damaged + sum(file.damaged for file in (*self.files, *self._finished))

    @property
    def waiting(self) -> int:
        """Rows that are not stored."""
        return sum(file.waiting for file in self.files)

    @property
    def size(self) -> int:
        """What the files take on disk."""
        return sum(file.size for file in (*self.files, *self._finished))

    def append(self, slips: Sequence[Slip]) -> None:
        """Add rows; when this returns they are on the disk.

        Raises `sqlite3.Error` and `OSError` when the disk takes them not. Of more than `AT_ONCE`
        bytes the first may be in it then: kept again, they are sent twice and stored once.
        """
        for part in _in_parts(slips):
            self._append(part)
            self._last += len(part)

    def _append(self, slips: Sequence[Slip]) -> None:
        active = self._active
        if active is None or active.full:
            active = self._begin()
        known = len(active.series)
        try:
            active.append(slips, self._now())
        except sqlite3.Error as error:
            if not (is_of_the_file(error) or active.last >= active.first):
                raise
            # Damaged, held by somebody, or full to its last page: into the next.
            active, known = self._begin(), 0
            active.append(slips, self._now())
        if len(active.series) > known:
            self._series |= active.series

    def _begin(self) -> Segment:
        first = self._last + 1
        active, self._active = self._active, None
        if active is not None and active.last < active.first:
            # Nothing is in it: its name is the next one's.
            self.files.remove(active)
            active.remove()
        elif active is not None:
            active.close()
        path = self._folder / name_of(self.name, first)
        self._active = Segment.create(path, first, self._now())
        self.files.append(self._active)
        return self._active

    def fetch(self, limit: int) -> Parcel | None:
        """Return the next rows that are not stored; None when all are.

        Raises `sqlite3.Error` and `OSError` for what goes by.
        """
        for place, file in enumerate(list(self.files)):
            if not file.waiting:
                continue
            try:
                chunk = file.read(limit)
            except DamagedError as error:
                file = self.files[place] = self._replace(file, error)  # noqa: PLW2901
                chunk = file.read(limit)
            if chunk.slips or chunk.lost:
                return Parcel(self, file, chunk.slips, chunk.upto, chunk.lost)
        return None

    def settle(self, parcel: Parcel) -> None:
        """Note that a parcel is stored. A file that is stored whole is finished."""
        file = parcel.file
        if parcel.upto > file.stored:
            file.mark(parcel.upto)
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

    def spans(self, file: File) -> Sequence[Span]:
        """Return the earliest and the latest time of what is rolled up, of a finished file."""
        try:
            return file.spans()
        except DamagedError as error:
            found = self._replace(file, error)
            found.scan()
            found.close()
            if file in self._finished:
                self._finished[self._finished.index(file)] = found
            return found.spans()

    def finish(self) -> None:
        """Write to no file any more: the one that was written to may be finished as well."""
        self._active = None
        self._set_finished_apart()

    def forget(self, files: Sequence[File]) -> None:
        """Delete finished files."""
        paths = {file.path for file in files}
        for file in [each for each in self._finished if each.path in paths]:
            self._finished.remove(file)
            self._delete(file)

    def expire(self, older_than: Nanos) -> int:
        """Give up whole files that no row came into since a time. Returns rows given up.

        A file of a time before there were any was kept while the clock was not set.
        """
        given_up = 0
        while self.files and EARLIEST <= self.files[0].kept_ns < older_than:
            oldest = self.files.pop(0)
            if oldest is self._active:
                self._active = None
            given_up += oldest.waiting
            self._delete(oldest)
        return given_up

    def oldest(self) -> Nanos | None:
        """Return the time of the oldest row that is not stored; None: none, or not to be read."""
        file = next((file for file in self.files if file.waiting), None)
        if file is None:
            return None
        seen = file.path, file.stored
        if self._oldest is None or self._oldest[0] != seen:
            self._oldest = seen, self._oldest_of(file)
        return self._oldest[1]

    def _oldest_of(self, file: File) -> Nanos | None:
        """Read a row; of many lanes that wait no file stays open for it."""
        was_open = file.is_open
        try:
            slips = file.read(1).slips
        except (DamagedError, sqlite3.Error, OSError):
            return None
        finally:
            if not was_open:
                file.shut()
        return slips[0].at if slips else None

    def write_marks(self) -> None:
        """Write down how far each file is stored, where the disk takes it."""
        for file in self.files:
            with suppress(sqlite3.Error):
                file.write_mark()

    def close(self) -> None:
        """Close every file."""
        for file in (*self.files, *self._finished):
            file.close()

    def _delete(self, file: File) -> None:
        self._damaged += file.damaged
        file.remove()

    def _replace(self, file: File, error: DamagedError) -> Salvaged:
        if file is self._active:
            self._active = None
        file.close()
        return self._salvage(file.path, file.first, file.stored, file.last, error)

    def _salvage(
        self, path: Path, first: int, stored: int, last: int | None, error: DamagedError
    ) -> Salvaged:
        damaged = not isinstance(error, UnopenedError)
        found = Salvaged(path, first, damaged=damaged, stored=stored, last=last, known=self._series)
        if damaged:
            log.error("spool_file_damaged", file=path.name, error=str(error))
        return found


def _in_parts(slips: Sequence[Slip]) -> Iterator[Sequence[Slip]]:
    """Return the slips in as few parts of `AT_ONCE` bytes as it takes."""
    begin = size = 0
    for place, slip in enumerate(slips):
        size += len(slip.body)
        if size > AT_ONCE and place > begin:
            yield slips[begin:place]
            begin, size = place, len(slip.body)
    if begin < len(slips):
        yield slips[begin:]
