"""One question to a file that somebody else may be writing: nothing is changed, nobody waits."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from .paths import address_of, has_log

BUSY_S = 1.0


def ask(path: Path, query: str) -> tuple[Any, ...]:
    """Return the one row that answers `query`. Raises `sqlite3.Error`.

    A file without a log is not being written, and SQLite need make none beside it to read it.
    """
    if path.exists() and not path.is_file():
        raise sqlite3.DatabaseError(f"{path} is not a file")  # to open a pipe is to wait for ever
    if not has_log(path):
        with suppress(sqlite3.Error):  # perhaps its log was made at this moment
            return _asked(path, "mode=ro&immutable=1", query)
    return _asked(path, "mode=ro", query)


def _asked(path: Path, mode: str, query: str) -> tuple[Any, ...]:
    address = address_of(path, mode)
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
        row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("no answer")
    return row
