"""How a file of a lane is made, and how SQLite is told to open it."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from .journal import PAGE
from .paths import address_of

LARGEST_PAGES = 16_000_000 // PAGE

BUSY_S = 1.0
STATEMENTS = 256
"""Statements that are kept ready: one for each count of rows to a step, and a few."""

SETTINGS = (
    *(f"page_size={PAGE}", "journal_mode=WAL", "synchronous=FULL", "fullfsync=ON"),
    *(f"max_page_count={LARGEST_PAGES}", "wal_autocheckpoint=500"),
)
MAKING = (f"page_size={PAGE}", "journal_mode=OFF", "synchronous=OFF")
TABLES = (
    """CREATE TABLE slips (seq INTEGER PRIMARY KEY, code INTEGER NOT NULL, at INTEGER NOT NULL,
                          crc INTEGER NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL)",
    """CREATE TABLE facts (id INTEGER PRIMARY KEY, stored INTEGER NOT NULL, last INTEGER NOT NULL,
                          kept_ns INTEGER NOT NULL, series INTEGER NOT NULL,
                          crc INTEGER NOT NULL)""",
)


def make_file(path: Path, facts: Sequence[int]) -> None:
    """Make a file with everything but rows. Raises `sqlite3.Error`, `OSError`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in MAKING:
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("BEGIN")
        for table in TABLES:
            connection.execute(table)
        connection.execute("INSERT INTO facts VALUES (1, ?, ?, ?, ?, ?)", facts)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address_of(path, "mode=rw"),
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    try:
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_frozen(path: Path) -> sqlite3.Connection:
    """Open a file that nobody writes, and write nothing beside it."""
    return sqlite3.connect(
        address_of(path, "mode=ro&immutable=1"),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
