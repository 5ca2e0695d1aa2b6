"""Looks after a writer's spool: how full it is, what became of it, and what in it is done with."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from tidegauge.core.events import FeedEventKind

from .delivery import Delivery
from .spool.spool import Finished
from .spool.thinning import Thinner
from .spool.thread import SpoolError, SpoolThread
from .tally import Tally

LOOK_EVERY_S = 1.0

log = structlog.get_logger()


class Caretaker:
    """`look_on` and `roll_on` in tasks of the caller's.

    `much`: rows that wait before it matters how full the disk is. `tell` records an event; `waits` is
    called when rows wait that nobody announced, such as those of a daemon that is gone.
    """

    def __init__(
        self,
        spool: SpoolThread,
        thinner: Thinner,
        tally: Tally,
        roller: Delivery,
        *,
        much: int,
        tell: Callable[[FeedEventKind, str], None],
        waits: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._thinner = thinner
        self._tally = tally
        self._roller = roller
        self._much = much
        self._tell = tell
        self._waits = waits

    async def look_on(self) -> None:
        """Look once a second, and tell of what happened."""
        while True:
            before = self._spool.figures
            with suppress(SpoolError):
                given_up = await self._spool.look()
                self._thin()
                self._judge(before.lost, before.damaged, given_up)
            await asyncio.sleep(LOOK_EVERY_S)

    async def roll_on(self) -> None:
        """Once a second roll up what was stored, and delete it."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with suppress(SpoolError):
                await self.roll_up(await self._spool.finished())

    async def roll_up(self, finished: Finished) -> None:
        """Roll up what was stored, then delete its files: a crash before that does it again.

        Raises `SpoolError`.
        """
        if not finished.files:
            return
        for since, until in finished.spans:
            await self._roller.roll_up(since, until + 1)
        await self._roller.close()  # it is rarely needed, and servers count connections
        await self._spool.forget(finished)

    def _thin(self) -> None:
        spool, thinner = self._spool, self._thinner
        # A disk that others fill is no reason while nothing much waits on it, nor is one that takes
        # nothing: then memory is what is short.
        matters = spool.broken is None and spool.waiting > self._much
        if thinner.look(spool.filled if matters else 0.0):
            held = spool.figures.bytes
            log.warning("readings_thinned", level=thinner.level, bytes=held)
            said = (
                f"the spool holds {held:,} bytes, {spool.filled:.0%} of its room: {thinner.told()}"
            )
            self._tell(FeedEventKind.THINNED, said)

    def _judge(self, lost: int, damaged: int, given_up: int) -> None:
        """Tell of what happened to the spool since the last look."""
        figures = self._spool.figures
        if given_up:
            self._tally.dropped["reading"] += given_up
            log.error("readings_expired", rows=given_up)
            said = f"{given_up:,} readings were given up: they waited for too long"
            self._tell(FeedEventKind.THINNED, said)
        if figures.lost > lost or figures.damaged > damaged:
            said = f"{figures.lost - lost:,} rows of the spool could not be read"
            self._tell(FeedEventKind.SPOOL_FAULT, said)
        if self._spool.waiting:
            self._waits()
