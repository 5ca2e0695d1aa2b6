"""Reads what is left of a damaged file, page by page, where SQLite gives up the whole.

Source: "Database File Format" of the SQLite documentation, sections 1.6 "B-tree Pages", 2.1 "Record
Format" and 4.1 "WAL File Format". Any page may be garbage; a row counts when its CRC is right.
"""

import os
import stat
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidegauge.core.instrument import Nanos

from ..slips import LARGEST, READING, SERIES, SERIES_AT, Slip
from .faults import PASSING_OS
from .journal import PAGE, log_of
from .paths import files_of
from .segment import crc_of, facts_crc, series_crc

LEAF = 0x0D
FIRST_PAGE_OFFSET = 100
LEAF_HEADER = 8
MOST_LOCAL = PAGE - 35
LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)
ZERO, ONE, FIRST_BLOB = 8, 9, 12
SERIES_COLUMNS, SLIP_COLUMNS, FACTS_COLUMNS = 3, 5, 6
MOST_PAYLOAD = LARGEST + PAGE

Pages = Mapping[int, bytes]


@dataclass(slots=True)
class Salvage:
    """What could be read: slips by number, the series some of them lie under, and what the file
    knew of itself: how far it was stored, its last number, and when a row last came in."""

    slips: dict[int, Slip] = field(default_factory=dict)
    series: dict[int, Slip] = field(default_factory=dict)
    stored: int = 0
    last: int = 0
    kept_ns: Nanos | None = None

    def in_order(self, known: Mapping[int, Slip]) -> list[Slip]:
        """Return the slips by number, readings under their series: the file's, or a known one."""
        series = {**known, **self.series}
        return [self._placed(self.slips[seq], series) for seq in sorted(self.slips)]

    @staticmethod
    def _placed(slip: Slip, series: Mapping[int, Slip]) -> Slip:
        if slip.code != READING:
            return slip
        under = series.get(int.from_bytes(slip.body[SERIES_AT], "big"))
        return Slip(slip.code, slip.at, slip.body, under, slip.seq)


def salvage(path: Path) -> Salvage:
    """Return every row of a file and its log whose CRC is right.

    Raises `OSError` when we are out of something, and nothing is known of the file.
    """
    found = Salvage()
    data, log = _bytes_of(path), log_of(_bytes_of(files_of(path)[1]))
    pages: dict[int, bytes] = {
        number + 1: data[place : place + PAGE]
        for number, place in enumerate(range(0, len(data), PAGE))
    }
    _take_pages(pages.items(), pages, found)
    # What was committed comes first: a number may have been given before, to a row that was not.
    for places in (log.read, log.others):
        frames = [log.page(place) for place in places]
        if frames:
            pages.update(frames)
            _take_pages((*frames, *pages.items()), pages, found)
    return found


def _take_pages(these: Iterable[tuple[int, bytes]], pages: Pages, found: Salvage) -> None:
    """Take the rows of some pages; what overflows from them is on others."""
    for number, page in these:
        _take_page(number, page, pages, found)


def _bytes_of(path: Path) -> bytes:
    """Return what can be read of a file; zeros in the place of a page that cannot be."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in PASSING_OS:
            raise
        return b""
    try:
        told = os.fstat(fd)
        if not stat.S_ISREG(told.st_mode):
            return b""
        return b"".join(_piece_of(fd, place) for place in range(0, told.st_size, PAGE))
    finally:
        os.close(fd)


def _piece_of(fd: int, place: int) -> bytes:
    try:
        return os.pread(fd, PAGE, place)
    except OSError as error:
        if error.errno in PASSING_OS:
            raise
        return bytes(PAGE)


def _take_page(number: int, page: bytes, pages: Pages, found: Salvage) -> None:
    begin = FIRST_PAGE_OFFSET if number == 1 else 0
    if len(page) < PAGE or page[begin] != LEAF:
        return
    count = int.from_bytes(page[begin + 3 : begin + 5], "big")
    for nth in range(min(count, PAGE // 2)):
        at = begin + LEAF_HEADER + 2 * nth
        try:
            _take_cell(page, int.from_bytes(page[at : at + 2], "big"), pages, found)
        except (IndexError, ValueError, KeyError, struct.error):
            continue  # garbage where a cell should be


def _take_cell(page: bytes, place: int, pages: Pages, found: Salvage) -> None:
    size, place = _varint(page, place)
    rowid, place = _varint(page, place)
    columns = _columns(_payload(page, place, size, pages))
    if len(columns) == SLIP_COLUMNS:
        _none, code, at, crc, body = columns
        if (
            isinstance(code, int)
            and isinstance(at, int)
            and isinstance(body, bytes)
            and crc == crc_of(rowid, code, at, body)
        ):
            found.slips.setdefault(rowid, Slip(code, at, body, None, rowid))
    elif len(columns) == SERIES_COLUMNS:
        _none, crc, body = columns
        if isinstance(body, bytes) and crc == series_crc(rowid, body):
            found.series[rowid] = Slip(SERIES, 0, body)
    elif len(columns) == FACTS_COLUMNS:
        _take_facts(columns, found)


def _take_facts(columns: list[int | bytes | None], found: Salvage) -> None:
    """Each fact only grows, so the greatest is the latest."""
    facts = [each for each in columns[1:] if isinstance(each, int)]
    stored, last, kept_ns, series, crc = facts
    if crc == facts_crc(stored, last, kept_ns, series):
        found.stored = max(found.stored, stored)
        found.last = max(found.last, last)
        found.kept_ns = max(found.kept_ns or 0, kept_ns)


def _payload(page: bytes, place: int, size: int, pages: Pages) -> bytes:
    """Return a cell's payload, the part on overflow pages too."""
    if size <= MOST_LOCAL:
        return page[place : place + size]
    if size > MOST_PAYLOAD:
        raise ValueError("larger than any row")
    local = LEAST_LOCAL + (size - LEAST_LOCAL) % (PAGE - 4)
    if local > MOST_LOCAL:
        local = LEAST_LOCAL
    parts = [page[place : place + local]]
    following = int.from_bytes(page[place + local : place + local + 4], "big")
    missing = size - local
    while missing > 0:
        rest = pages[following]
        following = int.from_bytes(rest[:4], "big")
        parts.append(rest[4 : 4 + missing])
        missing -= PAGE - 4
    return b"".join(parts)


def _columns(payload: bytes) -> list[int | bytes | None]:
    header, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < header:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    columns: list[int | bytes | None] = []
    for kind in kinds:
        if kind in (0, ZERO, ONE):
            columns.append(None if kind == 0 else kind - ZERO)
            continue
        size = INTEGER_SIZES[kind] if kind < len(INTEGER_SIZES) else (kind - FIRST_BLOB) // 2
        value = payload[place : place + size]
        if len(value) < size or size < 0:
            raise ValueError("a column beyond its row")
        place += size
        columns.append(
            int.from_bytes(value, "big", signed=True) if kind < len(INTEGER_SIZES) else value
        )
    return columns


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a variable-length integer (section 1.6) and the place behind it."""
    value = 0
    for _ in range(8):
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the bit that says there is more
            return value, place
    return value << 8 | data[place], place + 1
