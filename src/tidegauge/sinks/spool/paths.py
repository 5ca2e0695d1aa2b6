"""The files of a lane on disk: their names, their sizes, and what makes a name last."""

import os
import re
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

NEW = ".new"
"""What the name of a file or a folder ends with until it is whole."""


def name_of(lane: str, first: int) -> str:
    """Return the name of a lane's file whose first row is `first`."""
    return f"{lane}-{first:012}.sqlite3"


def paths_of(folder: Path, lane: str) -> list[tuple[Path, int]]:
    """Return the files of a lane and the number of their first rows, in order.

    A file of which only the log is left is among them. Raises `OSError`.
    """
    pattern = re.compile(rf"({lane}-(\d{{12,19}})\.sqlite3)(?:-wal)?")
    found = {
        int(match[2]): folder / match[1]
        for path in folder.iterdir()
        if (match := pattern.fullmatch(path.name)) is not None
    }
    return [(found[first], first) for first in sorted(found)]


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


def has_log(path: Path) -> bool:
    """Whether a file's log holds anything."""
    try:
        return files_of(path)[1].stat().st_size > 0
    except OSError:
        return False


def remove_files(path: Path) -> None:
    """Delete a file, its log first: a log must not meet a file that is not its own."""
    for each in reversed(files_of(path)):
        with suppress(OSError):
            each.unlink()


def put_aside(path: Path, aside: Path, prefix: str) -> None:
    """Move a file and its log into the folder `aside`, over nothing that is there.

    Raises `OSError`.
    """
    for each in files_of(path)[:2]:
        if each.exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            each.rename(_free(aside / f"{prefix}-{each.name}"))


def _free(path: Path) -> Path:
    """Return the path, or one with a number before its name when it is taken."""
    numbered = (path.with_name(f"{number}-{path.name}") for number in count(2))
    return next(each for each in chain((path,), numbered) if not each.exists())


def address_of(path: Path, mode: str) -> str:
    """Return the address by which SQLite opens a file and never makes one."""
    return f"{path.absolute().as_uri()}?{mode}"


def sync_folder(path: Path) -> None:
    """Make the names in a folder last. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
