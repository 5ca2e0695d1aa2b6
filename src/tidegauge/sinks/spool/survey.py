"""What lies in the spool of a data directory, looked at from outside: nothing is changed."""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tidegauge.core.instrument import Nanos

from .folder import LOCK, READINGS, RECORDS
from .label import Label, read_label
from .looking import ask
from .paths import NEW, paths_of, size_of
from .quarantine import count_refused
from .salvaged import ASIDE
from .spool import NOT_FOLDERS, QUARANTINE, ROOT

WAITING = """
    SELECT facts.last - facts.stored,
           (SELECT at FROM slips WHERE seq > facts.stored ORDER BY seq LIMIT 1)
      FROM facts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSurvey:
    """One daemon's folder. `records` and `readings` wait for the database, about: a daemon writes
    down how far it is a moment later. `damaged`: files that cannot be read as they are.

    `database`: the identity of the one they are meant for; empty when nobody said, None when its
    label cannot be read. `newer`: a version that knows more kept them.
    """

    folder: Path
    alive: bool
    records: int
    readings: int
    bytes: int
    oldest_at: Nanos | None
    damaged: int
    database: str | None = ""
    newer: bool = False

    @property
    def rows(self) -> int:
        """All that wait."""
        return self.records + self.readings

    def is_foreign_to(self, database: str) -> bool:
        """Whether nobody lives who delivers them, and no daemon of `database` will."""
        return not self.alive and self.database not in ("", database)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolState:
    """All of a data directory: its folders, rows refused, and damaged files that were put aside."""

    folders: Sequence[SpoolSurvey]
    quarantined: int
    put_aside: int


def survey(data_dir: Path) -> SpoolState:
    """Look at the spool of a data directory. Raises `OSError` when we may not."""
    root = data_dir / ROOT
    if not root.is_dir():
        return SpoolState(folders=(), quarantined=0, put_aside=0)
    aside = root / ASIDE
    try:
        quarantined = count_refused(root / QUARANTINE)
    except sqlite3.Error:
        quarantined = 0
    looks = [
        _look(path)
        for path in sorted(root.iterdir())
        if path.is_dir() and path.name not in NOT_FOLDERS and not path.name.endswith(NEW)
    ]
    return SpoolState(
        folders=[look for look in looks if look is not None],
        quarantined=quarantined,
        put_aside=sum(1 for path in aside.glob("*.sqlite3")) if aside.is_dir() else 0,
    )


def _look(folder: Path) -> SpoolSurvey | None:
    """Look at a folder; None: it was deleted meanwhile."""
    waiting = {RECORDS: 0, READINGS: 0}
    oldest: list[Nanos] = []
    size = damaged = 0
    try:
        files = [(lane, path) for lane in waiting for path, _first in paths_of(folder, lane)]
    except FileNotFoundError:
        return None
    for lane, path in files:
        size += size_of(path)
        try:
            count, at = _waiting_in(path)
        except (sqlite3.Error, TypeError, ValueError):
            damaged += path.exists()  # or it was stored, and deleted, meanwhile
            continue
        waiting[lane] += count
        if at is not None:
            oldest.append(at)
    label = _label_of(folder)
    return SpoolSurvey(
        database=None if label is None else label.database,
        newer=label is not None and label.is_newer,
        folder=folder,
        alive=_is_alive(folder / LOCK),
        records=waiting[RECORDS],
        readings=waiting[READINGS],
        bytes=size,
        oldest_at=min(oldest, default=None),
        damaged=damaged,
    )


def _label_of(folder: Path) -> Label | None:
    """Return the label of a folder; None when it cannot be read."""
    try:
        return read_label(folder) or Label()
    except OSError:
        return None


def _waiting_in(path: Path) -> tuple[int, Nanos | None]:
    """Return how many rows of a file wait, and since when."""
    count, at = ask(path, WAITING)
    return int(count), None if at is None else int(at)


def _is_alive(lock: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
