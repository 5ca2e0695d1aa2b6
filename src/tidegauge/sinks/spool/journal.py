"""A file's write-ahead log, read before SQLite opens the file: will SQLite read all of it?

SQLite reads a log up to the first frame whose checksum is wrong, and deletes the rest: right after a
crash, where what follows was never committed, and wrong after a flipped bit. The log of a file that
is empty, or gone, it deletes unread. Source: "WAL File Format" of the SQLite documentation.
"""

import stat
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import byteorder

from .paths import files_of

PAGE = 8192
WAL_HEADER, FRAME_HEADER = 32, 24
FRAME = FRAME_HEADER + PAGE
MAGIC = 0x377F0682
"""Of a log whose checksums are of little-endian words; one more, of big-endian ones."""

MASK = 0xFFFFFFFF
HEADER = b"SQLite format 3\0" + PAGE.to_bytes(2, "big") + bytes((2, 2))
"""How a file begins that has a log. By one bit less it has none, and SQLite would delete it."""


@dataclass(frozen=True, slots=True)
class Log:
    """The frames of a log by their places: those SQLite reads, and others, which it will not.

    `whole`: whether it is right not to read them. They are of an earlier round then.
    """

    data: bytes
    read: list[int]
    others: list[int]
    whole: bool

    def page(self, place: int) -> tuple[int, bytes]:
        """Return the number of a frame's page, and the page."""
        number = int.from_bytes(self.data[place : place + 4], "big")
        return number, self.data[place + FRAME_HEADER : place + FRAME]


def check_log(path: Path) -> None:
    """Raise `ValueError` when SQLite would lose rows of a file that are in its log."""
    told = path.stat()
    if not stat.S_ISREG(told.st_mode):
        raise ValueError("it is not a file")
    if not told.st_size:
        raise ValueError("it is empty")
    with path.open("rb") as file:
        if file.read(len(HEADER)) != HEADER:
            raise ValueError("it is no file of ours, or does not know its log")
    try:
        data = files_of(path)[1].read_bytes()
    except FileNotFoundError:
        return
    if not log_of(data).whole:
        raise ValueError("its log is damaged")


def log_of(data: bytes) -> Log:
    """Return what is in a log."""
    places = range(WAL_HEADER, len(data) - FRAME + 1, FRAME)
    if not places:
        return Log(data, [], [], whole=True)
    sums = _sums_of_header(data)
    if sums is None:
        return Log(data, [], list(places), whole=False)
    read: list[int] = []
    following, committed = True, 0
    whole = True
    for place, follows in _chained(data, places, sums):
        following = following and follows
        if following:
            read.append(place)
            if data[place + 4 : place + 8] != bytes(4):
                committed = len(read)
        elif _of_this_round(data, place):
            whole = False
    return Log(data, read[:committed], [*read[committed:], *places[len(read) :]], whole)


def _chained(data: bytes, places: range, sums: tuple[int, int]) -> Iterator[tuple[int, bool]]:
    """Return each frame, and whether it follows from the one before; from the first one that does
    not, none does."""
    order = "big" if data[3] & 1 else "little"
    follows = True
    for place in places:
        head = data[place : place + FRAME_HEADER]
        if follows:
            sums = checksum(head[:8], sums, order)
            sums = checksum(data[place + FRAME_HEADER : place + FRAME], sums, order)
            follows = head[8:16] == data[16:24] and head[16:] == struct.pack(">II", *sums)
        yield place, follows


def _of_this_round(data: bytes, place: int) -> bool:
    """Whether a frame was written since the log was last begun anew.

    It has the two salts of the header then; one will do, in case the other is what was hit.
    """
    return (
        data[place + 8 : place + 12] == data[16:20] or data[place + 12 : place + 16] == data[20:24]
    )


def checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """Return the checksums of `data`, whose length is a multiple of 8, going on from `sums`."""
    words = array("I", data)
    if order != byteorder:
        words.byteswap()
    first, second = sums
    each = iter(words)
    for one, two in zip(each, each, strict=True):
        first = (first + one + second) & MASK
        second = (second + two + first) & MASK
    return first, second


def _sums_of_header(data: bytes) -> tuple[int, int] | None:
    """Return the checksums that the first frame goes on from; None: it is no header."""
    magic, _version, page = struct.unpack(">III", data[:12])
    if magic & ~1 != MAGIC or page != PAGE:
        return None
    sums = checksum(data[:24], (0, 0), "big" if magic & 1 else "little")
    return sums if struct.pack(">II", *sums) == data[24:32] else None
