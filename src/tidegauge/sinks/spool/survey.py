"""What lies in the spool of a data directory, looked at from outside: nothing is changed."""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tidegauge.core.instrument import Nanos

from .folder import LOCK, READINGS, RECORDS
from .lane import paths_of
from .quarantine import count_refused
from .salvaged import ASIDE
from .segment import size_of
from .spool import NOT_FOLDERS, QUARANTINE, ROOT

BUSY_S = 1.0
WAITING = """
    SELECT count(*), min(at)
      FROM slips WHERE seq > coalesce((SELECT value FROM facts WHERE name = 'stored'), 0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSurvey:
    """One daemon's folder. `records` and `readings` wait for the database, about: a daemon writes
    down how far it is a moment later. `damaged`: files that cannot be read as they are.
    """

    folder: Path
    alive: bool
    records: int
    readings: int
    bytes: int
    oldest_at: Nanos | None
    damaged: int


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
    return SpoolState(
        folders=[
            _look(path)
            for path in sorted(root.iterdir())
            if path.is_dir() and path.name not in NOT_FOLDERS
        ],
        quarantined=quarantined,
        put_aside=sum(1 for path in aside.glob("*.sqlite3")) if aside.is_dir() else 0,
    )


def _look(folder: Path) -> SpoolSurvey:
    waiting = {RECORDS: 0, READINGS: 0}
    oldest: list[Nanos] = []
    size = damaged = 0
    for lane in waiting:
        for path, _first in paths_of(folder, lane):
            size += size_of(path)
            try:
                count, at = _waiting_in(path)
            except (sqlite3.Error, TypeError, ValueError):
                damaged += 1
                continue
            waiting[lane] += count
            if at is not None:
                oldest.append(at)
    return SpoolSurvey(
        folder=folder,
        alive=_is_alive(folder / LOCK),
        records=waiting[RECORDS],
        readings=waiting[READINGS],
        bytes=size,
        oldest_at=min(oldest, default=None),
        damaged=damaged,
    )


def _waiting_in(path: Path) -> tuple[int, Nanos | None]:
    address = f"file:{path}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
        count, at = connection.execute(WAITING).fetchone()
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
