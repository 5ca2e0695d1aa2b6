"""What one who looks knows: one picture of all daemons, and the ladders that were asked for.

Nothing here waits for a client, and no daemon waits for the hub: however many look, a daemon tells
each round once, and each ladder twice a second while anybody wants it.
"""

import asyncio
import time
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from math import ceil
from pathlib import Path

from tidegauge.core.exact import LARGEST
from tidegauge.core.instrument import BookId, Symbol
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.quoting import Market
from tidegauge.risk.stress_ladder import Ladder as Rungs

from .across import OLD_AFTER_S
from .client import Watch
from .merge import picture_of
from .picture import Picture
from .show_books import MOST_LEVELS
from .wire import Ladder, LadderWanted, Terms

WANTED_FOR_S = 10.0
"""A ladder is told of for so long after it was last asked for."""

LADDER_S = 2.0
"""How long an answer waits for the levels of a book."""


class HeldLadder:
    """The levels of a book as they came, and what a taker would eat of them, made when asked for."""

    def __init__(self, told: Ladder) -> None:
        self.told = told

    @cached_property
    def _totals(self) -> tuple[Decimal, Decimal]:
        sides = (self._rungs(Taker.SELL), self._rungs(Taker.BUY))
        bid, ask = (Decimal(0) if side is None else side.quote(side.total) for side in sides)
        return bid, ask

    def _rungs(self, taker: Taker) -> Rungs | None:
        return None if self.told.resting is None else self.told.resting.ladder(taker)

    def covers(self, wanted: LadderWanted) -> bool:
        """Whether all that is wanted is here, or there is no more."""
        resting = self.told.resting
        if resting is None:
            return True
        for side, total in zip((resting.bids, resting.asks), self._totals, strict=True):
            enough = len(side.ticks) >= wanted.levels and total >= wanted.quote
            if side.more and not enough and len(side.ticks) < MOST_LEVELS:
                return False
        return True


class Hub:
    """Looks at every daemon of a data directory while `run` runs."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.version = 0
        """Counts what has changed."""
        self._watch = Watch(data_dir, self._changed)
        self._moved = asyncio.Event()
        self._wishes: dict[BookId, dict[tuple[int, Decimal], float]] = {}
        """Levels and quote that somebody wants, and until when (monotonic): what is deep is told for no
        longer because something else is wanted of the book."""
        self._telling = False
        self._held: dict[BookId, HeldLadder] = {}
        self._picture: tuple[int, Picture] | None = None
        self.markets: dict[Symbol, tuple[Terms, tuple[HeldLadder, ...], asyncio.Task[Market]]] = {}
        """What is made of the ladders of a symbol, since it was last asked for a price."""

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch.run(), name="watch")
            tasks.create_task(self._forget_wishes(), name="wishes")

    @property
    def rounds(self) -> int:
        """Counts what has changed, but for ladders."""
        return self._watch.rounds

    def _changed(self) -> None:
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def changed(self, since: int, patience_s: float) -> int:
        """Wait until something changed after version `since`, or for so long; return the version."""
        if self.version == since:
            try:
                async with asyncio.timeout(patience_s):
                    await self._moved.wait()
            except TimeoutError:
                pass
        return self.version

    # -- what is seen ----------------------------------------------------------------------------

    def picture(self) -> Picture:
        """Return all that the daemons show, as of now."""
        if self._picture is None or self._picture[0] != self.rounds:
            self._picture = self.rounds, picture_of(self._watch.seen, datetime.now(UTC))
        return self._picture[1]

    def silent(self, daemon: str) -> bool:
        """Whether a daemon's socket has nobody behind it, or somebody who cannot be understood."""
        return self._watch.silent(daemon)

    def terms(self, symbol: str) -> Terms:
        """Return what a quote of a symbol counts with."""
        for _name, seen in sorted(self._watch.seen.items(), reverse=True):
            if seen.gone_at is None and seen.round is not None and symbol in seen.round.terms:
                return seen.round.terms[symbol]
        return Terms(rates={}, fees={})

    def books_of(self, symbol: str) -> list[BookId]:
        """Return the books of a symbol that are watched, by venue."""
        books = self.picture().books.values()
        return sorted(BookId(book.venue, symbol) for book in books if book.symbol == symbol)

    def why_not(self, symbol: str) -> str | None:
        """Say why nothing is seen of a symbol that a daemon watched; None where none is known to."""
        now = datetime.now(UTC)
        for name, daemon in self.picture().daemons.items():
            if symbol in daemon.symbols and not self.books_of(symbol):
                ago = daemon.age_s(now)
                return f"daemon {name}, which watches {symbol}, was last seen {ago:.0f} s ago"
        return None

    def unseen(self) -> list[str]:
        """Say of each daemon that there is, or was, and that shows nothing why that is."""
        refused = [f"daemon {name}: {why}" for name, why in sorted(self._watch.refused.items())]
        killed = self._watch.left_behind
        return [*refused, *(f"daemon {name} was killed, and not started again" for name in killed)]

    def reasons(self) -> list[str]:
        """Say why what is shown cannot be relied on; nothing: it can."""
        said = self.unseen()
        daemons = self.picture().daemons
        if not daemons:
            return [*said, "no daemon is seen: is `tidegauge monitor` running?"]
        books = self.picture().books.values()
        if not any(book.trust == Trust.LIVE for book in books):
            said.append("no book can be believed now" if books else "no book is watched yet")
        now = datetime.now(UTC)
        for name, daemon in daemons.items():
            if (age := daemon.age_s(now)) > OLD_AFTER_S:
                said.append(f"daemon {name} was last seen {age:.0f} s ago")
            if daemon.storage is not None and daemon.storage.away:
                said.append(f"daemon {name}: the database takes nothing; rows wait on the disk")
        return said

    # -- ladders ---------------------------------------------------------------------------------

    def held(self, book: BookId) -> HeldLadder | None:
        """Return the levels of a book as they were last told, if they are wanted at all; None where they
        were left behind by what else is told of it."""
        told = self._watch.ladders.get(book)
        if told is None or self._lags(book, told):
            self._held.pop(book, None)
            return None
        held = self._held.get(book)
        if held is None or held.told is not told:
            held = self._held[book] = HeldLadder(told)
        return held

    def wish(self, book: BookId, levels: int = 0, quote: Decimal = Decimal(0)) -> None:
        """Want at least so many levels of a book, and so much quote in them, for a while."""
        # Who asks for a little more each time would have the daemon cut the book each time.
        levels, quote = _rounded_up(levels), min(Decimal(_rounded_up(ceil(quote))), LARGEST)
        wishes = self._wishes.setdefault(book, {})
        known = (levels, quote) in wishes
        wishes[levels, quote] = time.monotonic() + WANTED_FOR_S
        if not known and not self._telling:
            # Those of many books are told together.
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_wishes)

    def _tell_wishes(self) -> None:
        self._telling = False
        self._watch.want(
            LadderWanted(
                venue=book.venue,
                symbol=book.symbol,
                levels=max(levels for levels, _quote in wishes),
                quote=max(quote for _levels, quote in wishes),
            )
            for book, wishes in self._wishes.items()
        )

    async def ladders(
        self, books: Collection[BookId], levels: int = 0, quote: Decimal = Decimal(0)
    ) -> dict[BookId, HeldLadder]:
        """Return the levels of these books; left out are those that did not come in time, and those of
        a daemon that tells nothing any more: they are not what rests now."""
        for book in books:
            self.wish(book, levels, quote)
        wanted = LadderWanted(venue="", symbol="", levels=levels, quote=quote)

        def there(book: BookId) -> bool:
            held = None if self._is_old(book) else self.held(book)
            return held is not None and held.covers(wanted)

        deadline = time.monotonic() + LADDER_S
        while not all(there(book) for book in books) and time.monotonic() < deadline:
            await self.changed(self.version, max(0.0, deadline - time.monotonic()))
        fresh = [book for book in books if not self._is_old(book)]
        return {book: held for book in fresh if (held := self.held(book)) is not None}

    def _lags(self, book: BookId, told: Ladder) -> bool:
        """Whether levels wait for their turn, of many that are wanted, for so long that they are old."""
        seen = self._watch.seen.get(self._watch.daemon_of(book) or "")
        if seen is None or seen.round is None:
            return False
        return (seen.round.daemon.at - told.at).total_seconds() > OLD_AFTER_S

    def _is_old(self, book: BookId) -> bool:
        seen = self._watch.seen.get(self._watch.daemon_of(book) or "")
        return seen is not None and time.monotonic() - seen.told_at > OLD_AFTER_S

    async def _forget_wishes(self) -> None:
        """Want no more what nobody asked for lately."""
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            alive = {
                book: {wish: until for wish, until in wishes.items() if until > now}
                for book, wishes in self._wishes.items()
            }
            kept = {book: wishes for book, wishes in alive.items() if wishes}
            if kept != self._wishes:
                self._wishes = kept
                self._tell_wishes()
                self._held = {book: held for book, held in self._held.items() if book in kept}
                symbols = {book.symbol for book in kept}
                self.markets = {name: of for name, of in self.markets.items() if name in symbols}


def _rounded_up(number: int) -> int:
    """Return the power of two that is at least `number`, or 0."""
    return 1 << (number - 1).bit_length() if number > 0 else 0
