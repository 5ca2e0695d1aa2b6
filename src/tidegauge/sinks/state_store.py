"""What the daemon keeps over a restart: bytes under a name, in one SQLite file, by its own thread.

Kept state is a convenience: without it detectors warm up again. So nothing here ever stops a start
or holds up the event loop; what goes wrong is told once, and tried again.
"""

import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from ..core.instrument import Nanos
from .spool.faults import DamagedError, UnopenedError, meant
from .spool.paths import put_aside

Result = TypeVar("Result")

log = structlog.get_logger()

PAGE = 4096
BUSY_S = 1.0
DAMAGED = "damaged"
"""The folder beside the file in which it is put aside."""

TABLE = """CREATE TABLE IF NOT EXISTS state
           (name TEXT PRIMARY KEY, at INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL)"""
PUT = "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)"
DROP = "DELETE FROM state WHERE name = ?"
GET = "SELECT at, crc, data FROM state WHERE name = ?"


class Kept(NamedTuple):
    """What was put under a name, and the time that was put with it."""

    at: Nanos
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLimits:
    """`every_s`: how long a state waits for others, to be written with them. `retry_s`: how often a
    file that takes nothing is tried again. `read_s`: how long a reader waits, `close_s`: how long
    the end does. `most_bytes`: how large the file may grow, its log apart.
    """

    every_s: float = 0.5
    retry_s: float = 5.0
    read_s: float = 1.0
    close_s: float = 5.0
    most_bytes: int = 2 * 1024**3


class StateStore:
    """The state last put under each name, from any thread.

    The file is opened in the store's own thread; making a store never fails. `broken` says why
    nothing can be kept at the moment, None while all is well.
    """

    def __init__(self, path: Path, limits: StateLimits | None = None) -> None:
        self.path = path
        self.broken: str | None = None
        self._limits = StateLimits() if limits is None else limits
        self._file = _StateFile(path, self._limits.most_bytes)
        self._waiting: dict[str, Kept | None] = {}
        self._asked: list[tuple[str, Future[Kept | None]]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._slow = False
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    # -- what the daemon asks --------------------------------------------------------------------

    def put(self, name: str, at: Nanos, data: bytes) -> None:
        """Keep this state instead of what was put under the name before."""
        self._await(name, Kept(at, data))

    def drop(self, name: str) -> None:
        """Keep nothing under this name any more."""
        self._await(name, None)

    def get(self, name: str) -> Kept | None:
        """Return the state last put under a name.

        None: there is none, it is damaged, or the disk did not answer in time; a disk that was too
        slow once is not waited for again.
        """
        answer: Future[Kept | None] = Future()
        with self._changed:
            if name in self._waiting:
                return self._waiting[name]
            if self._slow or self._closing or not self._thread.is_alive():
                return None
            self._asked.append((name, answer))
            self._changed.notify()
        try:
            return answer.result(self._limits.read_s)
        except TimeoutError:
            self._slow = True
            log.warning("kept_state_slow", file=str(self.path), waited_s=self._limits.read_s)
            return None

    def close(self) -> None:
        """Write what waits, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(self._limits.close_s)
        if self._waiting:
            log.warning("state_not_kept", file=str(self.path), states=len(self._waiting))

    def _await(self, name: str, kept: Kept | None) -> None:
        with self._changed:
            self._waiting[name] = kept
            self._changed.notify()

    # -- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._work():
                pass
        except Exception as crash:  # a bug of ours: nothing is kept any more, and all else goes on
            self.broken = f"{type(crash).__name__}: {crash}"
            log.exception("kept_state_crashed", file=str(self.path), monitor="goes on")
        finally:
            self._file.close()

    def _work(self) -> bool:
        """Answer who asked, or else write what waits; return whether to go on."""
        limits = self._limits
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._asked or self._closing)
            pause = limits.every_s if self.broken is None else limits.retry_s
            # A reader does not wait until others have something to write, nor does the end.
            self._changed.wait_for(lambda: self._asked or self._closing, pause)
            asked, self._asked = self._asked, []
            batch, ending = dict(self._waiting), self._closing
        for name, answer in asked:
            answer.set_result(self._safely(partial(self._file.read, name), otherwise=None))
        if asked:
            return True
        written = bool(batch) and self._safely(partial(self._file.write, batch), otherwise=False)
        if written:
            with self._changed:
                for name, kept in batch.items():
                    if self._waiting[name] is kept:
                        del self._waiting[name]
        return not ending

    def _safely(self, act: Callable[[], Result], *, otherwise: Result) -> Result:
        """Use the file; what goes wrong is told when it begins to."""
        try:
            answer = act()
        except (sqlite3.Error, OSError) as error:
            self._file.close()
            fault = meant(self.path, error) if isinstance(error, sqlite3.Error) else error
            if isinstance(fault, DamagedError) and not isinstance(fault, UnopenedError):
                self._put_aside(fault)
            else:
                self._failed(fault)
            return otherwise
        if self.broken is not None:
            log.warning("kept_state_recovered", file=str(self.path))
            self.broken = None
        return answer

    def _put_aside(self, fault: Exception) -> None:
        aside = self.path.parent / DAMAGED
        try:
            put_aside(self.path, aside, f"{time.time_ns()}")
        except OSError as error:
            self._failed(error)
        else:
            log.warning("kept_state_damaged", error=str(fault), put_aside=str(aside))

    def _failed(self, fault: Exception) -> None:
        said = str(fault)
        if self.broken is None:
            log.warning("state_not_kept", error=said, file=str(self.path), monitor="goes on")
        self.broken = said


class _StateFile:
    """The file. Methods raise `sqlite3.Error` and `OSError`; it is opened by the first of them."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_pages = max(1, most_bytes // PAGE)
        self._connection: sqlite3.Connection | None = None

    def read(self, name: str) -> Kept | None:
        """Return what is kept under a name; None as well if it is not what was once written."""
        row = self._open().execute(GET, (name,)).fetchone()
        if row is None:
            return None
        at, crc, data = row
        if zlib.crc32(data) != crc:
            log.warning("kept_state_damaged", file=str(self._path), name=name)
            return None
        return Kept(at, data)

    def write(self, batch: Mapping[str, Kept | None]) -> bool:
        """Write all of it, or nothing."""
        connection = self._open()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for name, kept in batch.items():
                if kept is None:
                    connection.execute(DROP, (name,))
                else:
                    crc = zlib.crc32(kept.data)
                    connection.execute(PUT, (name, kept.at, crc, kept.data))
        return True

    def close(self) -> None:
        """Close it, until it is used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Transactions are begun here, not by the module.
            connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchall()
                connection.execute("PRAGMA synchronous=NORMAL").fetchall()
                connection.execute(f"PRAGMA max_page_count={self._most_pages}").fetchall()
                connection.execute(TABLE)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection
