"""One file of a lane: an SQLite database of at most 16 MiB that rows are only added to.

SQLite pages carry no checksum, so each row has a CRC-32 of its own. The interpreter's lock is let
go and taken again at every step of a statement, and a busy event loop gives it back late: so rows
go in and come out many to a step.
"""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tidegauge.core.instrument import Nanos

from ..slips import READING, SERIES, SERIES_AT, Slip

PAGE = 8192
LARGEST_PAGES = 16 * 1024 * 1024 // PAGE
FULL_PAGES = 15 * 1024 * 1024 // PAGE
"""Where the next file is begun: an append is about 1 MiB at most."""

BUSY_S = 1.0
STEP = 100
"""Rows that go in or come out by one statement: about 0.3 ms in which the loop cannot run."""

HEAD = struct.Struct(">QBqII")
"""seq, code, at, CRC, length of the body: how a row comes out."""

CHECKED = struct.Struct(">QBq")
"""What the CRC covers before the body."""

SETTINGS = (
    *(f"page_size={PAGE}", "journal_mode=WAL", "synchronous=FULL", "fullfsync=ON"),
    *(f"max_page_count={LARGEST_PAGES}", "wal_autocheckpoint=500"),
)
TABLES = (
    """CREATE TABLE slips (seq INTEGER PRIMARY KEY, code INTEGER NOT NULL, at INTEGER NOT NULL,
                          crc INTEGER NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)
INSERT = "INSERT INTO slips (seq, code, at, crc, body) VALUES "
FETCH = """
    SELECT group_concat(printf('%016x%02x%016x%08x%08x', seq, code, at, crc, length(body))
                        || hex(body), '')
      FROM (SELECT * FROM slips WHERE seq > ? ORDER BY seq LIMIT ?)
"""


class DamagedError(Exception):
    """SQLite cannot read a file, or not all of it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read: the slips, the number of the last one asked for, and how many were bad."""

    slips: Sequence[Slip]
    upto: int
    lost: int


class Segment:
    """A file, open only while it is written or read. Blocking, and for one thread at a time."""

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        self.first = first
        self._opened: sqlite3.Connection | None = None
        self.last = first - 1
        self.stored = first - 1
        self._marked = self.stored
        self._series: dict[int, Slip] = {}
        self.pages = 0

    @classmethod
    def create(cls, path: Path, first: int) -> "Segment":
        """Make a new file whose first row will be `first`. Raises `sqlite3.Error`, `OSError`."""
        segment = cls(path, first)
        try:
            for table in TABLES:
                segment._connection.execute(table)
            segment._marked = -1
            segment.write_mark()
        except BaseException:
            segment.remove()
            raise
        return segment

    @classmethod
    def open(cls, path: Path, first: int) -> "Segment":
        """Open a file that is there. Raises `DamagedError`."""
        segment = cls(path, first)
        try:
            segment._look()
        except (sqlite3.Error, ValueError, TypeError, OSError) as error:
            raise DamagedError(f"{path.name}: {error}") from error
        finally:
            segment.shut()
        return segment

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _connect(self.path)
        return self._opened

    def _look(self) -> None:
        fetch = self._connection.execute
        last = fetch("SELECT max(seq) FROM slips").fetchone()[0]
        self.last = self.first - 1 if last is None else int(last)
        mark = fetch("SELECT value FROM facts WHERE name = 'stored'").fetchone()
        self.stored = min(self.last, self.first - 1 if mark is None else int(mark[0]))
        self._marked = self.stored
        for id_, crc, body in fetch("SELECT id, crc, body FROM series"):
            if crc == series_crc(id_, body):
                self._series[id_] = Slip(SERIES, 0, body)
        self.pages = int(fetch("PRAGMA page_count").fetchone()[0])

    @property
    def full(self) -> bool:
        return self.pages >= FULL_PAGES

    @property
    def waiting(self) -> int:
        """Rows not stored yet."""
        return self.last - self.stored

    @property
    def size(self) -> int:
        """What it takes on disk."""
        return size_of(self.path)

    def append(self, slips: Sequence[Slip]) -> None:
        """Add rows in one transaction; when this returns they survive anything but the disk.

        Raises `sqlite3.Error`; none of them is in it then.
        """
        execute = self._connection.execute
        fresh: dict[int, Slip] = {}
        rows: list[object] = []
        seq = self.last
        for slip in slips:
            seq += 1
            rows += (seq, slip.code, slip.at, crc_of(seq, slip.code, slip.at, slip.body), slip.body)
            if slip.under is not None:
                id_ = int.from_bytes(slip.body[SERIES_AT], "big")
                if id_ not in self._series:
                    fresh[id_] = slip.under
        execute("BEGIN IMMEDIATE")
        try:
            for id_, under in fresh.items():
                execute(
                    "INSERT OR REPLACE INTO series VALUES (?, ?, ?)",
                    (id_, series_crc(id_, under.body), under.body),
                )
            for place in range(0, len(rows), 5 * STEP):
                step = rows[place : place + 5 * STEP]
                execute(INSERT + ",".join(["(?,?,?,?,?)"] * (len(step) // 5)), step)
            self.write_mark()
            execute("COMMIT")
        except BaseException:
            self._marked = -1
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        self._series |= fresh
        self.last = seq
        self.pages = int(execute("PRAGMA page_count").fetchone()[0])

    def read(self, limit: int) -> Chunk:
        """Return the next rows that are not stored. Raises `DamagedError`."""
        slips: list[Slip] = []
        upto, end = self.stored, min(self.last, self.stored + limit)
        try:
            while upto < end:
                found = self._connection.execute(FETCH, (upto, min(STEP, end - upto))).fetchone()[0]
                if not found:
                    upto = self.last
                    break
                read, last_seen = self._parse(bytes.fromhex(found))
                slips += read
                upto = min(self.last, max(last_seen, upto + 1))
        except (sqlite3.Error, ValueError, struct.error) as error:
            raise DamagedError(f"{self.path.name}: {error}") from error
        # Numbers follow each other, so what is missing between them is known to be lost.
        return Chunk(slips, upto, upto - self.stored - len(slips))

    def _parse(self, data: bytes) -> tuple[list[Slip], int]:
        slips: list[Slip] = []
        place = seq = 0
        series, unpack, width = self._series, HEAD.unpack_from, HEAD.size
        while place < len(data):
            seq, code, at, crc, size = unpack(data, place)
            place += width + size
            body = data[place - size : place]
            if crc != crc_of(seq, code, at, body):
                continue
            under = None
            if code == READING:
                under = series.get(int.from_bytes(body[SERIES_AT], "big"))
            slips.append(Slip(code, at, body, under, seq))
        return slips, seq

    def mark(self, stored: int) -> None:
        """Note how far it is stored. Written with the next append, or by `write_mark`."""
        self.stored = stored

    def write_mark(self) -> None:
        """Write the mark down. Without it what was stored is sent again, and stored once."""
        if self._marked != self.stored:
            self._connection.execute(
                "INSERT OR REPLACE INTO facts VALUES ('stored', ?)", (self.stored,)
            )
            self._marked = self.stored

    def span(self) -> tuple[Nanos, Nanos] | None:
        """Return the earliest and the latest time of its rows. Raises `DamagedError`."""
        was_open = self._opened is not None
        try:
            found = self._connection.execute("SELECT min(at), max(at) FROM slips").fetchone()
        except sqlite3.Error as error:
            raise DamagedError(f"{self.path.name}: {error}") from error
        finally:
            if not was_open:
                self.shut()  # many may be asked, and each open one holds 2 MB of pages
        return None if found[0] is None else (int(found[0]), int(found[1]))

    def shut(self) -> None:
        """Close the file, its log folded in; it is opened again when it is asked for something."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(sqlite3.Error):
                # Closing would do this too, but with the interpreter's lock held.
                opened.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            with suppress(sqlite3.Error):
                opened.close()

    def close(self) -> None:
        """Write the mark down, and close the file."""
        with suppress(sqlite3.Error):
            self.write_mark()
        self.shut()

    def remove(self) -> None:
        """Delete it: what it held is stored."""
        self.shut()
        remove_files(self.path)


def crc_of(seq: int, code: int, at: Nanos, body: bytes) -> int:
    """Return the CRC-32 of a row."""
    return zlib.crc32(body, zlib.crc32(CHECKED.pack(seq, code, at)))


def series_crc(id_: int, body: bytes) -> int:
    """Return the CRC-32 of a series."""
    return crc_of(0, SERIES, id_, body)


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the file, its write-ahead log, and that log's index."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def size_of(path: Path) -> int:
    """Return what a file and its log take on disk."""
    total = 0
    for each in files_of(path)[:2]:
        with suppress(OSError):
            total += each.stat().st_size
    return total


def remove_files(path: Path) -> None:
    """Delete a file, its log first: a log must not meet a file that is not its own."""
    for each in reversed(files_of(path)):
        with suppress(OSError):
            each.unlink()


def with_seq(slip: Slip, seq: int) -> Slip:
    """Return the slip, numbered."""
    return replace(slip, seq=seq)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=2 * STEP,
    )
    try:
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection
