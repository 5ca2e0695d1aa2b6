"""The other end of the window: looks at every daemon of a data directory, for as long as it runs.

Daemons come and go; each is found by its socket within a second, and seen again when it comes back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import structlog

from tidegauge.core.instrument import BookId
from tidegauge.runtime.control import sockets_of

from .books import ShownBook
from .window import SUFFIX
from .wire import (
    LONGEST_LINE,
    PROTOCOL,
    Alerts,
    Books,
    Bye,
    Hello,
    Ladder,
    LadderWanted,
    Round,
    Symbols,
    Want,
    line_of,
    said_of,
)

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
CONNECT_S = 2.0
HELLO_S = 4.0
"""A daemon says who it is as soon as somebody looks: one that takes longer hangs."""

REMEMBERED_S = 600.0
"""So long a daemon that went without a goodbye is still told of."""

ROUND_S = 20.0
"""A daemon that tells nothing for so long is taken for gone: its connection is begun anew."""


@dataclass(slots=True)
class Seen:
    """One daemon as it was last seen. `round` is None before the first one was whole; `gone_at`: when
    (monotonic) it went without a goodbye; it shows no book any more. `told_at`: when its last round
    was whole."""

    hello: Hello
    books: dict[BookId, ShownBook] = field(default_factory=dict)
    round: Round | None = None
    gone_at: float | None = None
    told_at: float = 0.0


class Watch:
    """Looks at the daemons of a data directory.

    `seen`: by the daemon's id. `ladders`: the last of each book that is wanted. `changed` is told
    after each whole round, after each ladder, and when a daemon comes or goes; `rounds` counts all of
    these but the ladders: while it stays, `seen` does.
    """

    def __init__(self, data_dir: Path, changed: Callable[[], None] = lambda: None) -> None:
        self._data_dir = data_dir
        self._changed = changed
        self.seen: dict[str, Seen] = {}
        self.ladders: dict[BookId, Ladder] = {}
        self.refused: dict[str, str] = {}
        """Why a daemon that answers cannot be understood, by its id."""
        self.rounds = 0
        self._dead: set[str] = set()
        self._wanted: tuple[LadderWanted, ...] = ()
        self._books: frozenset[BookId] = frozenset()
        """Of which ladders are wanted."""
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    windows = windows_of(self._data_dir)
                    for name, path in windows.items():
                        if name not in self._looks:
                            look = tasks.create_task(self._look(name, path), name=f"window {name}")
                            self._looks[name] = look
                    self._forget(windows)
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for writer in self._writers.values():
                writer.close()

    def _forget(self, windows: Mapping[str, Path]) -> None:
        """Forget who cannot come back, who has been away for long, and who was started again."""
        self.refused = {name: why for name, why in self.refused.items() if name in windows}
        self._dead &= windows.keys()
        long_ago = time.monotonic() - REMEMBERED_S
        watched = {
            symbol
            for seen in self.seen.values()
            if seen.gone_at is None and seen.round is not None
            for symbol in seen.round.daemon.symbols
        }
        kept = {
            name: seen
            for name, seen in self.seen.items()
            if seen.gone_at is None
            or (seen.gone_at > long_ago and not (watched and _watched_by(seen) <= watched))
        }
        if len(kept) != len(self.seen):
            self.seen = kept
            self._moved()

    def want(self, ladders: Iterable[LadderWanted]) -> None:
        """Want these ladders from now on, and no others."""
        wanted = tuple(ladders)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._books = frozenset(BookId(each.venue, each.symbol) for each in wanted)
        self.ladders = {id_: each for id_, each in self.ladders.items() if id_ in self._books}
        for name, writer in self._writers.items():
            self._tell(name, writer)

    def silent(self, name: str) -> bool:
        """Whether it was tried to look at a daemon, and in vain."""
        return name in self.refused or name in self._dead

    @property
    def left_behind(self) -> list[str]:
        """The daemons of which nothing is known but a socket with nobody behind it: they were killed."""
        return sorted(self._dead - self.seen.keys())

    def daemon_of(self, book: BookId) -> str | None:
        """Return who watches a book, None where nobody does; of several the one that a picture shows."""
        return max((name for name, each in self.seen.items() if book in each.books), default=None)

    def _tell(self, name: str, writer: asyncio.StreamWriter) -> None:
        """Want of a daemon what it watches; of a book that nobody is seen to watch, ask all."""
        mine = tuple(
            each
            for each in self._wanted
            if self.daemon_of(BookId(each.venue, each.symbol)) in (name, None)
        )
        if not writer.is_closing():
            writer.write(line_of(Want(ladders=mine)))

    async def _look(self, name: str, path: Path) -> None:
        """Look at one daemon until it goes."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        except (OSError, TimeoutError) as error:
            del self._looks[name]
            # A socket that a crash left behind: what was wrong before is over with it.
            over = isinstance(error, ConnectionRefusedError) and self.refused.pop(name, "") != ""
            if over or name not in self._dead:
                self._dead.add(name)
                self._moved()
            return
        self._dead.discard(name)
        try:
            await self._converse(name, reader, writer)
        except (OSError, ValueError, TimeoutError, msgspec.MsgspecError) as error:
            self._misunderstood(name, error)
        finally:
            del self._looks[name]
            self._writers.pop(name, None)
            writer.close()
            if (seen := self.seen.get(name)) is not None:
                seen.gone_at = time.monotonic()
                self._take_back(seen)
            self._moved()

    async def _converse(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        told: dict[BookId, ShownBook] = {}
        parts: list[Symbols | Alerts] = []
        while True:
            async with asyncio.timeout(ROUND_S if name in self._writers else HELLO_S):
                line = await reader.readline()
            if not line.endswith(b"\n"):  # it went, and be it in the middle of a line
                if name not in self._writers:
                    raise ValueError("it let nobody in: others look at it already, or it ends")
                return
            match said_of(line):
                case Hello() as hello:
                    self._met(name, hello, writer)
                case Books(books=books):
                    told |= {BookId(each.venue, each.symbol): each for each in books}
                case Symbols() | Alerts() as part:
                    parts.append(part)
                case Round() as round_:
                    self._saw(name, _whole(round_, parts), told, writer)
                    told, parts = {}, []
                case Ladder() as ladder:
                    self._laid(name, ladder)
                case Bye():
                    self._take_back(self._known(name))
                    del self.seen[name]
                    return

    def _saw(
        self,
        name: str,
        round_: Round,
        books: dict[BookId, ShownBook],
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take a whole round in the place of the last one."""
        seen = self._known(name)
        knew, seen.books, seen.round = seen.books, books, round_
        seen.told_at = time.monotonic()
        if knew.keys() != seen.books.keys() and self._wanted:
            self._tell(name, writer)
        self._moved()

    def _known(self, name: str) -> Seen:
        if name not in self._writers:
            raise ValueError("it did not say who it is")
        return self.seen[name]

    def _take_back(self, seen: Seen) -> None:
        """Have nothing more to show of the books of a daemon that goes."""
        self.ladders = {id_: each for id_, each in self.ladders.items() if id_ not in seen.books}
        seen.books = {}

    def _moved(self) -> None:
        self.rounds += 1
        self._changed()

    def _met(self, name: str, hello: Hello, writer: asyncio.StreamWriter) -> None:
        if hello.protocol != PROTOCOL:
            raise ValueError(
                f"it runs version {hello.version}, which speaks otherwise than this one"
            )
        self.refused.pop(name, None)
        # A process id is used again: what the one before showed is not this one's.
        self.seen = {each: seen for each, seen in self.seen.items() if each != name}
        self.seen[name] = Seen(hello)
        self._writers[name] = writer
        if self._wanted:
            self._tell(name, writer)

    def _laid(self, name: str, ladder: Ladder) -> None:
        id_ = BookId(ladder.venue, ladder.symbol)
        owner = self.daemon_of(id_)
        if owner in (name, None) and id_ in self._books:
            if owner is None and ladder.resting is None and id_ in self.ladders:
                return  # who does not watch it has nothing to say of it
            self.ladders[id_] = ladder
            self._changed()

    def _misunderstood(self, name: str, error: Exception) -> None:
        reason = "it tells nothing" if isinstance(error, TimeoutError) else str(error)
        if self.refused.get(name) != reason:
            log.warning("daemon_not_understood", daemon=name, reason=reason)
        self.refused[name] = reason


def _watched_by(seen: Seen) -> set[str]:
    return set() if seen.round is None else set(seen.round.daemon.symbols)


def windows_of(data_dir: Path) -> dict[str, Path]:
    """Return the sockets of a data directory, by the id of the daemon."""
    return sockets_of(data_dir, SUFFIX)


def _whole(round_: Round, told: Iterable[Symbols | Alerts]) -> Round:
    """Return a round with what was told of it before its end."""
    symbols, terms, alerts = [*round_.symbols], dict(round_.terms), [*round_.desk.alerts]
    for part in told:
        match part:
            case Symbols():
                symbols += part.symbols
                terms |= part.terms
            case Alerts():
                alerts += part.alerts
    desk = replace(round_.desk, alerts=tuple(alerts))
    return msgspec.structs.replace(round_, symbols=tuple(symbols), terms=terms, desk=desk)
