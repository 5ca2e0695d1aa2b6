"""The whole spool of a daemon: its own folder, and those of daemons that are gone.

Below `ROOT` each start of a daemon has a folder of its own, named by its time. Whoever comes later
takes over what a dead one left, sends it, and deletes it.
"""

import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import structlog

from tidegauge.core.instrument import HOUR, SECOND, Nanos

from ..slips import Slip
from .folder import Folder, clear_abandoned
from .label import NotOursError, read_label
from .lane import File, Lane, Parcel
from .paths import NEW, sync_folder
from .quarantine import Quarantine
from .salvaged import ASIDE
from .segment import Span

ROOT = "spool"
QUARANTINE = "quarantine.sqlite3"
MOST_GONE = 200
"""Folders taken over at once, each with an open lock: the next ones when these are sent."""

NOT_FOLDERS = frozenset({ASIDE})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFigures:
    """How the spool is. `lost`: rows that could not be read; `oldest_at`: of what waits.

    `recovered`: rows that others left, those lost among them. `free`: what the disk has left.
    """

    waiting: int = 0
    bytes: int = 0
    lost: int = 0
    damaged: int = 0
    quarantined: int = 0
    recovered: int = 0
    oldest_at: Nanos | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Files that are stored whole, and what is to be rolled up of them: hour by hour, the earliest
    and the latest time of a row."""

    files: Sequence[tuple[Lane, File]]
    spans: Sequence[Span] = ()

    @property
    def span(self) -> Span | None:
        """All of them."""
        return (
            (self.spans[0][0], max(until for _since, until in self.spans)) if self.spans else None
        )


class Spool:
    """Blocking, and for one thread at a time. Every method raises `sqlite3.Error` and `OSError`."""

    def __init__(
        self,
        root: Path,
        name: str,
        *,
        now: Callable[[], Nanos] | None = None,
        database: str = "",
    ) -> None:
        """Open the spool below `root`; `name` is this run's folder in it.

        `database` is the identity of the one its rows go to (`identity_of`): what others left for
        another one stays where it is.
        `now` tells how old rows are; a clock that is set while we run makes none old.
        """
        self.root = root
        self._name = name
        self._names = (f"{name}-{again}" for again in count(2))
        self._now = steady_time() if now is None else now
        self._gone: list[Folder] = []
        self._passed: set[str] = set()
        self._failed: set[str] = set()
        self._left: set[str] = set()
        self._database = database
        self._lost = self._damaged = self.recovered = 0
        self._own: Folder | None = None
        self._quarantine = Quarantine(root / QUARANTINE)

    def open(self) -> None:
        """Take over what is left, make our own folder, and try whether the disk takes anything."""
        self.adopt()
        if not self.root.is_dir():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(OSError):
                sync_folder(self.root.parent)
        if self._own is not None and not self._own.path.is_dir():
            # Somebody deleted it. What is still open can be read; no file of ours is named like it.
            log.error("spool_folder_gone", folder=self._name)
            self._gone.append(self._own)
            self._own, self._name = None, next(self._names)
        if self._own is None:
            self._own = Folder.create(self.root / self._name, self._now, self._database)
            self._take_note(self._own)
        self._own.probe()

    def adopt(self) -> int:
        """Take over the folders of daemons that are gone. Returns how many rows wait in them."""
        if not self.root.is_dir():
            return 0
        ours = {self._name, *(folder.path.name for folder in self._gone), *self._passed}
        found = 0
        for path in sorted(self.root.iterdir()):
            if path.name in ours or path.name in NOT_FOLDERS or not path.is_dir():
                continue
            if path.name.endswith(NEW):
                clear_abandoned(path, self._now())
            elif len(self._gone) < MOST_GONE and (folder := self._adopt(path)) is not None:
                found += self._take_note(folder)
                self._gone.append(folder)
        if found:
            log.info("spool_taken_over", rows=found)
        self._let_go()
        return found

    def _adopt(self, path: Path) -> Folder | None:
        """Take over a folder. One that cannot be is left where it is, and holds up no other."""
        try:
            if path.name in self._left and not self._may_be_ours(path):
                return None
            folder = Folder.adopt(path, self._now, self._database)
        except NotOursError as error:
            self._leave(path, error)
            return None
        except (OSError, sqlite3.Error) as error:
            if path.name not in self._failed and path.is_dir():
                self._failed.add(path.name)
                log.error("spool_folder_not_read", folder=path.name, error=str(error))  # noqa: TRY400
            return None
        self._failed.discard(path.name)
        self._left.discard(path.name)
        return folder

    def _may_be_ours(self, path: Path) -> bool:
        """Whether somebody put another label on a folder that was none of ours."""
        label = read_label(path)
        return label is None or (not label.is_newer and label.suits(self._database))

    def _leave(self, path: Path, error: NotOursError) -> None:
        """Leave a folder where it is, and say so once."""
        if path.name in self._left:
            return
        self._left.add(path.name)
        if error.label.is_newer:
            log.warning("spool_of_a_newer_version", folder=path.name, format=error.label.format)
        else:
            log.warning(
                "spool_of_another_database", folder=path.name, database=error.label.database
            )

    def _take_note(self, folder: Folder) -> int:
        """Count the rows of a folder that we found, those that are known to be missing too."""
        self.recovered += folder.waiting + folder.lost
        return folder.waiting

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
        spans = [span for lane, file in files for span in lane.spans(file)]
        files = [each for folder in self._folders for each in folder.finished()]
        return Finished(files, _merged(spans))

    def forget(self, finished: Finished) -> None:
        """Delete what is stored; a folder of somebody gone goes when nothing is left in it."""
        for lane, file in finished.files:
            lane.forget([file])
        self._let_go()

    def _let_go(self) -> None:
        """Close the folders of which everything is stored and deleted."""
        for folder in list(self._gone):
            if not folder.waiting and not folder.finished():
                self._gone.remove(folder)
                self._lost += folder.lost
                self._damaged += folder.damaged
                folder.close()
                if folder.path.exists():
                    # A disk that deletes nothing: what is in it is stored, once is enough.
                    self._passed.add(folder.path.name)

    def expire(self, keep_s: float) -> int:
        """Give up readings that have waited longer than `keep_s`. Returns rows given up."""
        older_than = self._now() - int(keep_s * SECOND)
        return sum(folder.readings.expire(older_than) for folder in self._folders)

    def quarantine(self, refused: Sequence[tuple[Slip, str]]) -> None:
        """Keep rows that the database refuses, for somebody to look at."""
        self._quarantine.add(refused)

    def figures(self) -> SpoolFigures:
        """Return how it is."""
        folders = self._folders
        return SpoolFigures(
            waiting=self.waiting,
            bytes=sum(folder.size for folder in folders),
            lost=self._lost + sum(folder.lost for folder in folders),
            damaged=self._damaged + sum(folder.damaged for folder in folders),
            quarantined=self._quarantine.added,
            recovered=self.recovered,
            oldest_at=min(
                (at for folder in folders if (at := folder.oldest()) is not None), default=None
            ),
            free=self._free_bytes(),
        )

    def _free_bytes(self) -> int | None:
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return None

    def write_marks(self) -> None:
        """Write down how far everything is stored, where the disk takes it."""
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


def steady_time() -> Callable[[], Nanos]:
    """Return a clock that tells the time as of now, and is never set."""
    began = time.time_ns() - time.monotonic_ns()
    return lambda: began + time.monotonic_ns()


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Return the spans in order, one an hour."""
    hours: dict[int, Span] = {}
    for since, until in spans:
        known = hours.get(since // HOUR, (since, until))
        hours[since // HOUR] = min(since, known[0]), max(until, known[1])
    return [hours[hour] for hour in sorted(hours)]
