"""The daemon's end of the window: shows itself to whoever may open its socket, and waits for nobody.

A round tells all there is, twice a second, while anybody looks. It is made in slices, between which
the feed goes on, and takes at most a twentieth of the time. Who does not read misses whole rounds.
Of the ladders that are wanted, those that were told longest ago have their turn after each round.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from tidegauge import __version__
from tidegauge.core.instrument import BookId
from tidegauge.runtime.control import clear_away, folder_of

from .daemon import Daemon, alerts_of, round_of, symbol_of
from .instants import instant
from .show_books import cut_ladder, show_book
from .wire import (
    LONGEST_WANT,
    PROTOCOL,
    Books,
    Bye,
    Hello,
    Ladder,
    LadderWanted,
    Want,
    line_of,
    want_of,
)

log = structlog.get_logger(__name__)

SUFFIX = ".view"

EVERY_S = 0.5
SLICE_S = 0.001
"""After so long the feed has its turn."""

SHARE = 20
"""A round that took this long is followed by so many times that without one."""

LADDERS_S = EVERY_S / SHARE
"""What ladders may take after a round: however many are wanted, rounds go on."""

MOST_WATCHERS = 32
MOST_WAITING = 8 * 1024 * 1024
"""Bytes that may wait for a watcher before rounds pass it by."""

MOST_LADDERS = 2_000
GOODBYE_S = 0.5


@dataclass(eq=False, slots=True)
class Watcher:
    """Somebody who looks, and the ladders that they want, by book."""

    writer: asyncio.StreamWriter
    wanted: dict[BookId, LadderWanted] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Bytes that they were told and have not read."""
        return self.writer.transport.get_write_buffer_size()

    @property
    def keeps_up(self) -> bool:
        """Whether they read what they were told."""
        return self.waiting < MOST_WAITING

    def tell(self, line: bytes) -> None:
        """Say a line; it waits in our memory until it is read."""
        if not self.writer.is_closing():
            self.writer.write(line)


Lines: TypeAlias = Iterator[tuple[bytes, list[Watcher]]]
"""Lines, and who is told each."""


class Window:
    """`opened` while the daemon runs."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.watchers: set[Watcher] = set()
        self._looked_at = asyncio.Event()
        self._id = str(os.getpid())
        self._crashes = 0
        self._turns: dict[LadderWanted, None] = {}
        """The ladders that are wanted, the one that was told longest ago first."""

    @asynccontextmanager
    async def opened(self, data_dir: Path) -> AsyncIterator[None]:
        """Show the daemon meanwhile. Where no socket can be had, it runs without a window."""
        path = folder_of(data_dir) / f"{self._id}{SUFFIX}"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            path.unlink(missing_ok=True)
            clear_away(data_dir, SUFFIX)
            server = await asyncio.start_unix_server(self._converse, path, limit=LONGEST_WANT)
            path.chmod(0o600)
        except OSError as error:
            log.warning("window_unavailable", path=str(path), reason=str(error))
            yield
            return
        showing = asyncio.create_task(self._show(), name="window")
        try:
            yield
        finally:
            showing.cancel()
            server.close()
            with contextlib.suppress(OSError):
                path.unlink()
            await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        for watcher in self.watchers:
            watcher.tell(line_of(Bye()))
            watcher.writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for watcher in [*self.watchers]:
                    await watcher.writer.wait_closed()

    # -- who looks -------------------------------------------------------------------------------

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one watcher: what they want is heard here, and told by the rounds."""
        if len(self.watchers) >= MOST_WATCHERS:
            log.warning("window_crowded", watchers=len(self.watchers))
            writer.close()
            return
        watcher = Watcher(writer)
        watcher.tell(line_of(self._hello()))
        self.watchers.add(watcher)
        self._looked_at.set()
        try:
            while line := await reader.readline():
                await self._want(watcher, want_of(line))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("window_misused", reason=str(error))
        finally:
            self.watchers.discard(watcher)
            writer.close()

    def _hello(self) -> Hello:
        return Hello(
            protocol=PROTOCOL, version=__version__, daemon=self._id, run=self._daemon.run_id
        )

    async def _want(self, watcher: Watcher, want: Want) -> None:
        """Take note of the ladders that are wanted, and tell those that are new at once."""
        had = watcher.wanted
        watcher.wanted = {
            BookId(each.venue, each.symbol): each for each in want.ladders[:MOST_LADDERS]
        }
        for id_, each in [*watcher.wanted.items()]:
            if not watcher.keeps_up:
                return  # the rounds tell the others, once this was read
            if had.get(id_) != each:
                watcher.tell(line_of(self._ladder(each)))
                await asyncio.sleep(0)

    # -- what they see ---------------------------------------------------------------------------

    async def _show(self) -> None:
        """Tell round after round, for as long as anybody looks."""
        while True:
            if not self.watchers:
                self._looked_at.clear()
                await self._looked_at.wait()
            busy = 0.0
            try:
                busy = await self._tell(self._round)
                busy += await self._tell(self._ladders, LADDERS_S)
            except Exception as crash:  # noqa: BLE001 (our bug; the next round may be told)
                self._crashed(crash)
            await asyncio.sleep(max(EVERY_S, SHARE * busy))

    def _crashed(self, crash: Exception) -> None:
        """Tell of a bug of ours at the 1st, 10th, 100th … time."""
        self._daemon.crashes += 1
        self._crashes += 1
        if self._crashes == 10 ** (len(str(self._crashes)) - 1):
            log.error("window_crashed", times=self._crashes, exc_info=crash)

    async def _tell(self, made: Callable[[list[Watcher]], Lines], most_s: float = inf) -> float:
        """Tell what is made for all who keep up, for so long; return for how many seconds that held the
        feed up."""
        lines = made([each for each in self.watchers if each.keeps_up])
        busy = 0.0
        while busy < most_s:
            began = time.perf_counter()
            while time.perf_counter() - began < SLICE_S:
                told = next(lines, None)
                if told is None:
                    return busy + time.perf_counter() - began
                line, to = told
                for watcher in to:
                    watcher.tell(line)
            busy += time.perf_counter() - began
            await asyncio.sleep(0)
        return busy

    def _round(self, watchers: list[Watcher]) -> Lines:
        """Iterate over the lines of a round; nothing is made before its turn."""
        for book in [*self._daemon.monitor.watched_books]:
            shown = show_book(book, self._daemon.now(), self._id)
            yield line_of(Books(books=(shown,))), watchers
        for symbol in [*self._daemon.monitor.crossing.symbols.values()]:
            yield line_of(symbol_of(symbol, self._id)), watchers
        for some in alerts_of(self._daemon):
            yield line_of(some), watchers
        yield line_of(round_of(self._daemon, self._id)), watchers

    def _ladders(self, watchers: list[Watcher]) -> Lines:
        """Iterate over the ladders that are wanted. Who does not keep up has to have a round told whole,
        or it would be another picture, but not the ladders."""
        wanted = _by_ladder(watchers)
        turns = [each for each in self._turns if each in wanted]
        self._turns = dict.fromkeys((*turns, *wanted))
        for each in [*self._turns]:
            del self._turns[each]
            self._turns[each] = None
            if reading := [who for who in wanted[each] if who.keeps_up]:
                yield line_of(self._ladder(each)), reading

    def _ladder(self, wanted: LadderWanted) -> Ladder:
        now = self._daemon.now()
        book = self._daemon.monitor.watched_book(BookId(wanted.venue, wanted.symbol))
        if book is not None:
            return cut_ladder(book, wanted, now)
        return Ladder(
            venue=wanted.venue,
            symbol=wanted.symbol,
            at=instant(now),
            age_s=None,
            trust="unknown",
            reason="not watched here",
            quote="",
            resting=None,
        )


def _by_ladder(watchers: list[Watcher]) -> dict[LadderWanted, list[Watcher]]:
    """Return who wants which ladder: what several want alike is cut once."""
    found: dict[LadderWanted, list[Watcher]] = {}
    for watcher in watchers:
        for wanted in watcher.wanted.values():
            found.setdefault(wanted, []).append(watcher)
    return found
