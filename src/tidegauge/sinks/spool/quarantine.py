"""Rows that the database refuses, kept with its reason for somebody to look at."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ..slips import KIND_OF, Slip

MOST = 10_000
"""Rows kept; the oldest go first. A fault that refuses more than this is not told by more rows."""

BUSY_S = 5.0
TABLE = """
CREATE TABLE IF NOT EXISTS refused (
    id      INTEGER PRIMARY KEY,
    kept_ns INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    at_ns   INTEGER NOT NULL,
    error   TEXT NOT NULL,
    body    BLOB NOT NULL
)
"""


class Quarantine:
    """One file for all daemons of a data directory. Blocking."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.added = 0

    def add(self, refused: Sequence[tuple[Slip, str]]) -> None:
        """Keep rows and why they were refused. Raises `sqlite3.Error`."""
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(TABLE)
        self._connection.executemany(
            "INSERT INTO refused (kept_ns, kind, at_ns, error, body) VALUES (?, ?, ?, ?, ?)",
            [
                (time.time_ns(), KIND_OF.get(slip.code, str(slip.code)), slip.at, error, slip.body)
                for slip, error in refused
            ],
        )
        self._connection.execute(
            "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (MOST,)
        )
        self.added += len(refused)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def count_refused(path: Path) -> int:
    """Return how many rows are kept; 0 when there is no such file. Raises `sqlite3.Error`."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_S)) as connection:
        return int(connection.execute("SELECT count(*) FROM refused").fetchone()[0])
