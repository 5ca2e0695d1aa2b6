"""Reads what is left of a damaged file, page by page, where SQLite gives up the whole.

Source: "Database File Format" of the SQLite documentation, sections 1.6 "B-tree Pages", 2.1 "Record
Format" and 4.1 "WAL File Format". Any page may be garbage; a row counts when its CRC is right.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..slips import READING, SERIES, SERIES_AT, Slip
from .segment import PAGE, crc_of, files_of, series_crc

LEAF = 0x0D
WAL_HEADER, FRAME_HEADER = 32, 24
FIRST_PAGE_OFFSET = 100
LEAF_HEADER = 8
MOST_LOCAL = PAGE - 35
LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)
ZERO, ONE, FIRST_BLOB = 8, 9, 12
SLIP_COLUMNS, SERIES_COLUMNS = 5, 3

Pages = Mapping[int, bytes]


@dataclass(slots=True)
class Salvage:
    """What could be read: slips by number, and the series some of them lie under."""

    slips: dict[int, Slip] = field(default_factory=dict)
    series: dict[int, Slip] = field(default_factory=dict)

    def in_order(self) -> list[Slip]:
        """Return the slips by number, readings under their series where it was found."""
        return [self._placed(self.slips[seq]) for seq in sorted(self.slips)]

    def _placed(self, slip: Slip) -> Slip:
        if slip.code != READING:
            return slip
        under = self.series.get(int.from_bytes(slip.body[SERIES_AT], "big"))
        return Slip(slip.code, slip.at, slip.body, under, slip.seq)


def salvage(path: Path) -> Salvage:
    """Return every row of a file and its log whose CRC is right. Raises `OSError`."""
    found = Salvage()
    data, log = (_bytes_of(each) for each in files_of(path)[:2])
    pages: dict[int, bytes] = {
        number + 1: data[place : place + PAGE]
        for number, place in enumerate(range(0, len(data), PAGE))
    }
    _take(pages, found)
    for number, page in _frames(log):
        pages[number] = page  # later frames hold later forms of a page, overflow pages too
        _take_page(number, page, pages, found)
    return found


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _frames(log: bytes) -> Iterator[tuple[int, bytes]]:
    step = FRAME_HEADER + PAGE
    for place in range(WAL_HEADER, len(log) - step + 1, step):
        yield (
            int.from_bytes(log[place : place + 4], "big"),
            log[place + FRAME_HEADER : place + step],
        )


def _take(pages: Pages, found: Salvage) -> None:
    for number, page in pages.items():
        _take_page(number, page, pages, found)


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
            found.slips[rowid] = Slip(code, at, body, None, rowid)
    elif len(columns) == SERIES_COLUMNS:
        _none, crc, body = columns
        if isinstance(body, bytes) and crc == series_crc(rowid, body):
            found.series[rowid] = Slip(SERIES, 0, body)


def _payload(page: bytes, place: int, size: int, pages: Pages) -> bytes:
    """Return a cell's payload, the part on overflow pages too."""
    if size <= MOST_LOCAL:
        return page[place : place + size]
    local = LEAST_LOCAL + (size - LEAST_LOCAL) % (PAGE - 4)
    if local > MOST_LOCAL:
        local = LEAST_LOCAL
    parts = [page[place : place + local]]
    following = int.from_bytes(page[place + local : place + local + 4], "big")
    missing = size - local
    for _ in range(len(pages)):
        if missing <= 0:
            return b"".join(parts)
        rest = pages[following]
        following = int.from_bytes(rest[:4], "big")
        parts.append(rest[4 : 4 + missing])
        missing -= PAGE - 4
    if missing > 0:
        raise ValueError("overflow pages in a circle")
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
