"""`incidents.jsonl`: the audit trail of a daemon, a line each transition, on the disk before anything
else is told of it.

One daemon a file: the first of a data directory has `incidents.jsonl`, one beside it
`incidents-2.jsonl`, and whoever starts later goes on with the first that nobody has. The file is the
daemon's, not the database's: another database is told all of it (`chain_check.resend`). It grows by
about 1.2 kB a transition and is never rotated: a trail that is cut is none. Lines are chained (`chain`); what the file holds is compared with PostgreSQL by `chain_check`.
"""

import errno
import fcntl
import os
import re
from collections.abc import Collection, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import structlog

from tidegauge.core.alert import ALL
from tidegauge.core.incident import Incident, IncidentState, Transition
from tidegauge.core.instrument import Nanos, Symbol

from .chain import (
    NO_HASH,
    BadLine,
    Chain,
    ChainedTransition,
    Link,
    chain_of,
    first_line,
    glance,
    line_of,
    link_of,
    transition_of,
)
from .holder import this_host
from .locks import FileLock
from .spool.paths import sync_folder

NAME = re.compile(r"incidents(?:-([1-9]\d{0,5}))?\.jsonl")
MOST_BESIDE = 1_000
END = b"\n"

log = structlog.get_logger()


@dataclass(slots=True)
class Scan:
    """What is found in a file. `bad`: lines that are not as they were written, by their number.

    `last` is the newest line that could be read, and `unread` counts those after it. `length`: up to
    the end of the last whole line; `torn`: bytes after that.
    """

    chain: Chain | None = None
    last: Link = field(default_factory=lambda: Link(-1, NO_HASH))
    unread: int = 0
    lines: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)
    length: int = 0
    torn: int = 0


class IncidentLog:
    """An open audit trail that is ours. Blocking, for one thread at a time.

    A line that the disk does not take is owed: it is in the chain all the same, and written before
    the next one.
    """

    def __init__(self, folder: Path, now: Nanos) -> None:
        """Take the first trail below `folder` that nobody has, or begin one.

        What a crash left of a line is cut off and told of. Raises `OSError`.
        """
        self._owed: list[bytes] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, MOST_BESIDE):
            self.path = path_of(folder, number)
            if self._take():
                break
        else:
            raise OSError(errno.EMFILE, "too many daemons have a trail", str(folder))
        try:
            self.cut = self._begin(now)
        except BaseException:
            os.close(self._fd)
            raise

    def _take(self) -> bool:
        """Open `self.path` and lock it. Returns whether it is ours."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._scan = scan(self.path)
        except BlockingIOError:
            os.close(self._fd)
            return False
        except BaseException:
            os.close(self._fd)
            raise
        found = self._scan
        if found.lines and found.chain is None:
            log.error("incident_log_not_read", file=self.path.name, why=found.bad[0][1])
            os.close(self._fd)
            return False
        return True

    def _begin(self, now: Nanos) -> int:
        """Make what was found ready to be written on. Returns how many bytes were cut off."""
        found = self._scan
        if found.torn:
            os.ftruncate(self._fd, found.length)
            os.fsync(self._fd)
            log.warning("incident_log_torn", file=self.path.name, bytes=found.torn)
        for number, why in found.bad[:3]:
            log.error("incident_log_damaged", file=self.path.name, line=number, why=why)
        self._length = found.length
        if found.chain is None:
            found.chain = Chain(
                id=str(uuid4()),
                host=this_host(),
                path=str(self.path.absolute()),
                began_at=now,
            )
            self._owed.append(first_line(found.chain))
            found.last = link_of(self._owed[0])
            self.flush()
            sync_folder(self.path.parent)
        # A line that cannot be read has its place all the same.
        self._last = Link(found.last.sequence + found.unread, NO_HASH, found.last.hash)
        self.chain = found.chain
        return found.torn

    @property
    def head(self) -> Link:
        """The newest line."""
        return self._last

    @property
    def owed(self) -> int:
        """Lines that are not on the disk."""
        return len(self._owed)

    def append(self, transition: Transition) -> ChainedTransition:
        """Add a transition; when this returns its line is on the disk. Raises `OSError`."""
        chained = self.add(transition)
        self.flush()
        return chained

    def add(self, transition: Transition) -> ChainedTransition:
        """Give a transition its place; `flush` writes it."""
        sequence = self._last.sequence + 1
        line = line_of(sequence, self._last.hash, transition)
        self._last = link_of(line)
        self._owed.append(line)
        return ChainedTransition(
            chain=self.chain,
            sequence=sequence,
            at=transition.event.at,
            previous_hash=self._last.previous_hash,
            hash=self._last.hash,
            transition=transition,
        )

    def flush(self) -> None:
        """Write what is owed, all at once. Raises `OSError`; then all of it is owed still."""
        if not self._owed:
            return
        said = b"".join(line + END for line in self._owed)
        try:
            self._check_place()
            # Whatever a write that failed has left is no part of the trail.
            if os.fstat(self._fd).st_size != self._length:
                os.ftruncate(self._fd, self._length)
            _write_whole(self._fd, said)
            os.fsync(self._fd)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._fd, self._length)
            raise
        self._length += len(said)
        self._owed.clear()

    def _check_place(self) -> None:
        """Raise `OSError` when somebody removed or replaced the file: nobody would find the lines."""
        there = self.path.stat()
        ours = os.fstat(self._fd)
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise OSError(errno.ESTALE, "it was replaced while it was written", str(self.path))

    def restore(self, symbols: Collection[Symbol], resolved_since: Nanos) -> list[Incident]:
        """Return the newest record of each incident that is open, or was resolved since then.

        Those of `symbols` from every trail of this data directory that no other daemon has, as a symbol
        may have been another daemon's; those of all symbols from this trail alone. Raises `OSError`.
        """
        newest: dict[str, tuple[int, bytes]] = {}
        for path in paths_of(self.path.parent):
            ours = path == self.path
            if not ours and _is_held(path):
                continue
            for _number, line in lines_of(path):
                told = glance(line)
                if told is None or not (told.symbol in symbols or (ours and told.symbol == ALL)):
                    continue
                if told.id not in newest or newest[told.id][0] <= told.version:
                    newest[told.id] = told.version, line
        incidents = [transition_of(line).incident for _version, line in newest.values()]
        return [
            each
            for each in incidents
            if each.state is not IncidentState.RESOLVED or (each.resolved_at or 0) >= resolved_since
        ]

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


def _write_whole(fd: int, said: bytes) -> None:
    """Write all of it, at once. Raises `OSError` when only a part of it has room."""
    if os.write(fd, said) < len(said):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def path_of(folder: Path, number: int = 1) -> Path:
    """Return the file of the `number`th daemon of a data directory."""
    return folder / ("incidents.jsonl" if number == 1 else f"incidents-{number}.jsonl")


def paths_of(folder: Path) -> list[Path]:
    """Return the audit trails of a data directory, in their order. Raises `OSError`."""
    if not folder.is_dir():
        return []
    found = {
        int(match[1] or 1): path
        for path in folder.iterdir()
        if (match := NAME.fullmatch(path.name)) is not None and path.is_file()
    }
    return [found[number] for number in sorted(found)]


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Return each whole line with its number, from 1. Raises `OSError`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(END):
                yield number, line[:-1]


def read(path: Path, known: Container[str] = ()) -> Iterator[ChainedTransition]:
    """Return every transition of a trail that is as it was written; others are passed over, and those
    whose hash is `known`.

    Raises `OSError`; `BadLine` when its first line does not say whose it is.
    """
    chain: Chain | None = None
    for _number, line in lines_of(path):
        try:
            link = link_of(line)
            if link.sequence == 0:
                chain = chain_of(line)
            if link.sequence == 0 or link.hash in known:
                continue
            told = transition_of(line)
        except BadLine:
            continue
        if chain is None:
            raise BadLine("its first line does not say whose trail it is")
        yield ChainedTransition(
            chain=chain,
            sequence=link.sequence,
            at=told.event.at,
            previous_hash=link.previous_hash,
            hash=link.hash,
            transition=told,
        )


def scan(path: Path) -> Scan:
    """Go through a file, and tell what is wrong with it. Raises `OSError`."""
    found = Scan()
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(END):
                found.torn = len(line)
                break
            found.lines += 1
            found.length += len(line)
            why = _judge(found, line[:-1])
            if why is not None:
                found.bad.append((found.lines, why))
    return found


def _judge(found: Scan, line: bytes) -> str | None:
    """Say what is wrong with the next line. A line that is none is passed over by those after it."""
    before, unread = found.last, found.unread
    try:
        link = link_of(line)
        if link.sequence == 0 and found.chain is None:
            found.chain = chain_of(line)
    except BadLine as error:
        found.unread += 1
        return str(error)
    found.last, found.unread = link, 0
    place = before.sequence + 1 + unread
    if link.sequence == place and (unread or link.previous_hash == before.hash):
        return None
    if link.sequence == place:
        return (
            "it does not follow the line before it: one of the two is not the one that was written"
        )
    if link.sequence > place:
        gone = link.sequence - place
        return f"{gone} before it missing: it has number {link.sequence}, where {place} was to come"
    return f"it is not in its place: it has number {link.sequence}, where {place} was to come"


def _is_held(path: Path) -> bool:
    """Whether a daemon that runs has a trail: what it tells of is its own to handle."""
    lock = FileLock(path)
    try:
        return not lock.try_shared()
    finally:
        lock.close()
