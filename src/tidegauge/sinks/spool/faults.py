"""What an error of SQLite says: wait, or of the place a file lies in, or of the file itself."""

import errno
import sqlite3
from pathlib import Path

PASSING = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT}
)
"""What goes by if one waits."""

PASSING_OS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR})
"""What says nothing of a file: this process, or this machine, is short of something."""

OF_THE_PLACE = frozenset(
    {
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM),
        *(sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOLFS),
    }
)
"""What speaks of where a file lies rather than of what is in it."""

OF_THE_FILE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})


class DamagedError(Exception):
    """SQLite cannot read a file, or not all of it."""


class UnopenedError(DamagedError):
    """SQLite cannot open a file where it lies: the disk is full, or takes no writes.

    What is in it may be sound.
    """


def is_of_the_file(error: sqlite3.Error) -> bool:
    """Whether another file would do better: this one is damaged, or has no page left."""
    return is_full(error) or code_of(error) not in PASSING | OF_THE_PLACE


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk is full, or the file has as many pages as it may."""
    return code_of(error) == sqlite3.SQLITE_FULL


def code_of(error: sqlite3.Error) -> int | None:
    """Return the primary code; None: it is the module's own, of data that is not what it says."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def meant(path: Path, error: sqlite3.Error) -> Exception:
    """Return what an error says of a file; itself when it goes by."""
    code = code_of(error)
    if code in PASSING:
        return error
    told = f"{path.name}: {error}"
    if code in OF_THE_PLACE and getattr(error, "sqlite_errorcode", None) not in OF_THE_FILE:
        return UnopenedError(told)
    return DamagedError(told)
