"""Rows that the database refuses, kept with its reason for somebody to look at."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from tidegauge.core.instrument import Nanos

from ..slips import KIND_OF, Slip
from .faults import is_full, is_of_the_file
from .looking import ask
from .paths import put_aside, remove_files
from .salvaged import ASIDE

MOST = 10_000
MOST_BYTES = 64 * 1024 * 1024
"""Rows kept, and bytes of them; the oldest go first. A fault that refuses more than this is not told
by more rows."""

BUSY_S = 5.0
TABLE = """
CREATE TABLE IF NOT EXISTS refused (
    id      INTEGER PRIMARY KEY,
    kept_ns INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    at_ns   INTEGER NOT NULL,
    error   TEXT NOT NULL,
    body    BLOB NOT NULL,
    series  BLOB
)
"""
TRIM = """
DELETE FROM refused
 WHERE id <= (SELECT max(id) FROM refused) - ?
    OR id <= (SELECT id
                FROM (SELECT id, sum(length(body) + coalesce(length(series), 0))
                                     OVER (ORDER BY id DESC) AS bytes FROM refused)
               WHERE bytes > ? ORDER BY id DESC LIMIT 1)
"""

log = structlog.get_logger()


class Quarantine:
    """One file for all daemons of a data directory. Blocking."""

    def __init__(self, path: Path, now: Callable[[], Nanos] = time.time_ns) -> None:
        self._path = path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self.added = 0

    def add(self, refused: Sequence[tuple[Slip, str]]) -> None:
        """Keep rows and why they were refused. Raises `sqlite3.Error`, `OSError`."""
        rows = [
            (
                *(self._now(), str(KIND_OF.get(slip.code, slip.code)), slip.at),
                *(error.encode("utf-8", "replace").decode(), slip.body),
                None if slip.under is None else slip.under.body,
            )
            for slip, error in refused
        ]
        try:
            self._insert(rows)
        except sqlite3.Error as error:
            self.close()
            if not is_of_the_file(error) or is_full(error):
                raise
            log.error("quarantine_damaged", error=str(error))  # noqa: TRY400
            self._put_aside()
            self._insert(rows)
        self.added += len(rows)

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            for setting in ("journal_mode=WAL", "synchronous=FULL"):
                self._connection.execute(f"PRAGMA {setting}").fetchall()
            self._connection.execute(TABLE)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT INTO refused (kept_ns, kind, at_ns, error, body, series)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute(TRIM, (MOST, MOST_BYTES))
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _put_aside(self) -> None:
        put_aside(self._path, self._path.parent / ASIDE, str(self._now()))
        remove_files(self._path)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def count_refused(path: Path) -> int:
    """Return how many rows are kept; 0 when there is no such file. Raises `sqlite3.Error`."""
    if not path.exists():
        return 0
    return int(ask(path, "SELECT count(*) FROM refused")[0])
