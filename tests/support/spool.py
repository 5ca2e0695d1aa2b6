"""Rows for a spool, what is left of it after a crash, and disks that are small or take no writes."""

import itertools
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import absent

from tidegauge.sinks.rows import Kind
from tidegauge.sinks.slips import CODES, READING, SERIES, Slip
from tidegauge.sinks.spool.lane import Lane
from tidegauge.sinks.spool.paths import files_of
from tidegauge.sinks.spool.spool import Spool

RECORD = CODES[Kind.FEED_EVENT]
NUMBERS = itertools.count(1)


def a_series(number: int = 1) -> Slip:
    """Return what readings lie under."""
    return Slip(SERIES, 0, b"series %d" % number)


def a_row(number: int, size: int = 40, series: Slip | None = None) -> Slip:
    """Return a reading as far as the spool is concerned: `number` fills all of it."""
    under = a_series() if series is None else series
    id_ = int(under.body.split()[1])
    head = struct.pack(">hIq", 31, 8, id_)
    token = b"%015d|" % number
    return Slip(READING, number, head + (token * (size // len(token) + 1))[:size], under)


def a_record(number: int, size: int = 40) -> Slip:
    """Return a record as far as the spool is concerned."""
    token = b"%015d|" % number
    return Slip(RECORD, number, (token * (size // len(token) + 1))[:size])


def rows(count: int, size: int = 40) -> list[Slip]:
    """Return readings that nobody returned before."""
    return [a_row(next(NUMBERS), size) for _ in range(count)]


def numbers(slips: Sequence[Slip]) -> list[int]:
    """Return the numbers of the rows."""
    return [slip.at for slip in slips]


def contents(slips: Sequence[Slip]) -> list[tuple[int, int, bytes, bytes | None]]:
    """Return all that was asked to be kept of the rows."""
    return [
        (slip.code, slip.at, slip.body, None if slip.under is None else slip.under.body)
        for slip in slips
    ]


def opened(root: Path, name: str) -> Spool:
    """Return an open spool."""
    spool = Spool(root, name)
    spool.open()
    return spool


def drained(spool: Spool | Lane, limit: int = 100) -> list[Slip]:
    """Store everything that waits, and return it."""
    found: list[Slip] = []
    while (parcel := spool.fetch(limit)) is not None:
        found += parcel.slips
        spool.settle(parcel)
    return found


def as_killed(place: Path, to: Path) -> Path:
    """Return a copy of what a `kill -9` at this moment would leave in a folder."""
    shutil.copytree(place, to)
    return to


def whole_copy(path: Path, to: Path) -> Path:
    """Copy a file, and its log where it has one. Returns the copy."""
    for each, copy in zip(files_of(path)[:2], files_of(to)[:2], strict=True):
        if each.exists():
            copy.write_bytes(each.read_bytes())
    return to


def flip(path: Path, bit: int) -> None:
    """Turn over one bit of a file."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes((byte ^ (1 << bit % 8),)))


@contextmanager
def small_disk(place: Path, megabytes: int = 16) -> Iterator[Path]:
    """Have a disk of its own at `place`, gone afterwards."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def allow_writes(place: Path, *, allow: bool) -> None:
    """Let a disk take writes, or none."""
    _mount("-o", f"remount,{'rw' if allow else 'ro'}", str(place))


def fill(place: Path) -> Path:
    """Fill a disk to its last byte. Returns the file to delete for room."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(piece))
            except OSError:
                continue
    return ballast


def _mount(*arguments: str) -> None:
    program = shutil.which("mount")
    if program is None:
        absent("the program mount")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode and "remount" not in arguments[1]:
        absent(f"the right to mount a disk ({done.stderr.strip()})")
    assert not done.returncode, done.stderr
