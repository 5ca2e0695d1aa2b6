"""One file of a lane: an SQLite database of at most 16 MB that rows are only added to.

SQLite pages carry no checksum, so each row has a CRC-32 of its own, and the file knows how many rows
it should have. The interpreter's lock is let go and taken again at every step of a statement, and a
busy event loop gives it back late: so rows go in and come out many to a step.
"""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tidegauge.core.instrument import HOUR, Nanos

from ..rows import Kind
from ..slips import CODES, READING, SERIES, SERIES_AT, Slip
from .faults import OF_THE_PLACE, PASSING_OS, DamagedError, code_of, meant
from .journal import PAGE, check_log
from .opening import LARGEST_PAGES, connect, connect_frozen, make_file
from .paths import NEW, files_of, has_log, remove_files, size_of, sync_folder

FULL_PAGES = LARGEST_PAGES - 1024 * 1024 // PAGE
"""Where the next file is begun: an append takes 1 MiB at most (`lane.AT_ONCE`)."""

STEP = 100
"""Rows inserted by one statement: SQLite takes 32,766 parameters, a page of Python much less."""

HEAD = struct.Struct(">QBqII")
"""seq, code, at, CRC, length of the body: how a row comes out."""

CHECKED = struct.Struct(">QBq")
"""What the CRC covers before the body."""

FACTS = struct.Struct(">QQqQ")
"""What the CRC of a file's facts covers."""

INSERT = "INSERT INTO slips (seq, code, at, crc, body) VALUES "
FETCH = """
    SELECT group_concat(printf('%016x%02x%016x%08x%08x', seq, code, at, crc, length(body))
                        || hex(body), '')
      FROM (SELECT * FROM slips WHERE seq > ? ORDER BY seq LIMIT ?)
"""
SPANS = """
    SELECT min(at), max(at) FROM slips WHERE code IN (?, ?) GROUP BY at / ? ORDER BY 1
"""
ROLLED_UP = (READING, CODES[Kind.MARKET])
"""Of what there are rollups."""

Span = tuple[Nanos, Nanos]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read: the slips, the number of the last one asked for, and how many were bad."""

    slips: Sequence[Slip]
    upto: int
    lost: int


class Segment:
    """A file, open only while it is written or read. Blocking, and for one thread at a time.

    `kept_ns`: when a row last came in.
    """

    damaged = False

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        self.first = first
        self.last = first - 1
        self.stored = first - 1
        self.kept_ns: Nanos = 0
        self.pages = 0
        self.series: dict[int, Slip] = {}
        self._marked = self.stored
        self._frozen = False
        self._spans: list[Span] | None = None
        self._opened: sqlite3.Connection | None = None

    @classmethod
    def create(cls, path: Path, first: int, now: Nanos) -> "Segment":
        """Make a new file whose first row will be `first`; it has its name when it is whole.

        Raises `sqlite3.Error`, `OSError`.
        """
        segment = cls(path, first)
        segment.kept_ns = now
        if any(each.exists() for each in files_of(path)[:2]):
            raise FileExistsError(f"{path} is there already")
        fresh = path.with_name(f"{path.name}{NEW}")
        try:
            remove_files(fresh)
            make_file(fresh, segment._facts(segment.last, 0))
            fresh.rename(path)
            sync_folder(path.parent)
        except BaseException:
            remove_files(fresh)
            segment.remove()
            raise
        return segment

    @classmethod
    def open(cls, path: Path, first: int, until: int | None = None) -> "Segment":
        """Open a file that is there. `until`: its last number at most.

        Raises `DamagedError`, and `sqlite3.Error` for what goes by.
        """
        segment = cls(path, first)
        try:
            check_log(path)
            segment._look()
        except sqlite3.Error as error:
            raise meant(path, error) from error
        except (ValueError, TypeError, OSError, struct.error) as error:
            if isinstance(error, OSError) and error.errno in PASSING_OS:
                raise
            raise DamagedError(f"{path.name}: {error}") from error
        finally:
            segment.shut()
        if until is not None:
            segment.last = min(segment.last, until)
            segment.stored = min(segment.stored, until)
        return segment

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._frozen = False
            try:
                self._opened = connect(self.path)
            except sqlite3.Error as error:
                if code_of(error) not in OF_THE_PLACE or has_log(self.path):
                    raise
                # Nothing can be written here, and without a log nothing needs to be.
                self._opened = connect_frozen(self.path)
                self._frozen = True
        return self._opened

    def _look(self) -> None:
        execute = self._connection.execute
        stored, last, kept_ns, series, crc = execute(
            "SELECT stored, last, kept_ns, series, crc FROM facts"
        ).fetchone()
        if crc != facts_crc(stored, last, kept_ns, series):
            raise ValueError("its facts are not what they were")
        newest = execute("SELECT max(seq) FROM slips").fetchone()[0]
        if last != (self.first - 1 if newest is None else newest) or stored > last:
            raise ValueError("its last rows are missing")
        for id_, told, body in execute("SELECT id, crc, body FROM series"):
            if told != series_crc(id_, body):
                raise ValueError("a series is not what it was")
            self.series[id_] = Slip(SERIES, 0, body)
        if len(self.series) != series:
            raise ValueError("a series is missing")
        self.last, self.kept_ns = last, kept_ns
        self.stored = self._marked = max(stored, self.first - 1)
        self.pages = int(execute("PRAGMA page_count").fetchone()[0])

    @property
    def is_open(self) -> bool:
        return self._opened is not None

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

    def append(self, slips: Sequence[Slip], now: Nanos) -> None:
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
                if id_ not in self.series:
                    fresh[id_] = slip.under
        execute("BEGIN IMMEDIATE")
        before, self.kept_ns = self.kept_ns, now
        try:
            for id_, under in fresh.items():
                execute(
                    "INSERT INTO series VALUES (?, ?, ?)",
                    (id_, series_crc(id_, under.body), under.body),
                )
            for place in range(0, len(rows), 5 * STEP):
                step = rows[place : place + 5 * STEP]
                execute(INSERT + ",".join(["(?,?,?,?,?)"] * (len(step) // 5)), step)
            self._write_facts(seq, len(self.series) + len(fresh))
            execute("COMMIT")
        except BaseException:
            self.kept_ns, self._marked = before, -1
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        self.series |= fresh
        self.last = seq
        self.pages = int(execute("PRAGMA page_count").fetchone()[0])

    def read(self, limit: int) -> Chunk:
        """Return the next rows that are not stored.

        Raises `DamagedError`, and `sqlite3.Error` for what goes by.
        """
        wanted = min(limit, self.waiting)
        try:
            slips: list[Slip] = []
            while len(slips) < wanted:
                after, step = self.stored + len(slips), min(STEP, wanted - len(slips))
                found = self._connection.execute(FETCH, (after, step)).fetchone()[0]
                slips += self._parse(bytes.fromhex(found or ""), after, step)
        except sqlite3.DataError:  # more than SQLite puts into one text
            if wanted > 1:
                return self.read(wanted // 2)
            raise
        except sqlite3.Error as error:
            raise meant(self.path, error) from error
        except (ValueError, struct.error) as error:
            raise DamagedError(f"{self.path.name}: {error}") from error
        return Chunk(slips, self.stored + wanted, 0)

    def _parse(self, data: bytes, after: int, count: int) -> list[Slip]:
        """Return the rows. Raises `ValueError` when they are not all there, in order and sound."""
        slips: list[Slip] = []
        place, expected = 0, after
        series, unpack, width = self.series, HEAD.unpack_from, HEAD.size
        while place < len(data):
            seq, code, at, crc, size = unpack(data, place)
            place += width + size
            body = data[place - size : place]
            expected += 1
            if seq != expected or crc != crc_of(seq, code, at, body):
                raise ValueError(f"row {expected} is not what it was")
            under = None
            if code == READING:
                under = series.get(int.from_bytes(body[SERIES_AT], "big"))
            slips.append(Slip(code, at, body, under, seq))
        if len(slips) < count:
            raise ValueError(f"{count - len(slips)} rows are missing")
        return slips

    def mark(self, stored: int) -> None:
        """Note how far it is stored. Written with the next append, or by `write_mark`."""
        self.stored = max(self.stored, stored)

    def write_mark(self) -> None:
        """Write the mark down. Without it what was stored is sent again, and stored once.

        Raises `sqlite3.Error`.
        """
        if self._marked != self.stored:
            _opened = self._connection
            if not self._frozen:
                self._write_facts(self.last, len(self.series))

    def _write_facts(self, last: int, series: int) -> None:
        self._connection.execute(
            "UPDATE facts SET stored = ?, last = ?, kept_ns = ?, series = ?, crc = ?",
            self._facts(last, series),
        )
        self._marked = self.stored

    def _facts(self, last: int, series: int) -> tuple[int, ...]:
        facts = (self.stored, last, self.kept_ns, series)
        return (*facts, facts_crc(*facts))

    def spans(self) -> Sequence[Span]:
        """Return the earliest and the latest time of what is rolled up, hour by hour.

        For a file that gets no more rows. Raises `DamagedError`, and `sqlite3.Error` for what goes
        by.
        """
        if self._spans is None:
            try:
                found = self._connection.execute(SPANS, (*ROLLED_UP, HOUR)).fetchall()
                self._spans = [(int(since), int(until)) for since, until in found]
            except sqlite3.Error as error:
                raise meant(self.path, error) from error
            except (ValueError, TypeError) as error:
                raise DamagedError(f"{self.path.name}: {error}") from error
            finally:
                self.shut()
        return self._spans

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


def facts_crc(stored: int, last: int, kept_ns: Nanos, series: int) -> int:
    """Return the CRC-32 of what a file knows of itself."""
    return zlib.crc32(FACTS.pack(stored, last, kept_ns, series))
