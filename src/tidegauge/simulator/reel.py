"""One recorded book, played: its frames in order, and the book as it stood after each of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import VenueName, decimals
from tidegauge.core.side import Side

from .listing import Listing, split
from .profile import THIN_ALT

Rows: TypeAlias = list[tuple[str, str]]


_AFTER_A_LOSS = 3
"""Updates that still follow one that was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded book update: its text, and what it did to the book.

    `whole`: it replaced the book.
    """

    update: int
    text: str
    bids: Rows
    asks: Rows
    whole: bool = False


@dataclass(slots=True)
class Reel:
    """The updates of one instrument, and how far they have been played.

    `snapshot` is what the recorder fetched by REST (text, last update id, rows), after `fetched_at`
    updates had come. Updates named in `drop` are played to nobody, but happened; where `holds`, a
    few more follow and then none until a new snapshot was asked for, so that it is the client that
    is tested and not how far ahead of it the sockets can be.
    """

    name: str
    updates: list[Recorded] = field(default_factory=list)
    snapshot: tuple[str, Recorded] | None = None
    fetched_at: int = 0
    drop: frozenset[int] = frozenset()
    holds: bool = False
    position: int = 0
    released: bool = False
    """Whether the first snapshot was asked for, so that it may be played past the gate."""
    _held_at: int | None = None
    _book: OrderBook | None = None
    _applied: int = 0
    _last: int = 0

    @property
    def gate(self) -> int:
        """How many updates may be played as things stand."""
        end = len(self.updates)
        if self.snapshot is not None and not self.released:
            end = min(end, max(self.fetched_at, 1))
        return end if self._held_at is None else min(end, self._held_at)

    @property
    def finished(self) -> bool:
        return self.position >= len(self.updates)

    def play(self, most: int) -> list[Recorded]:
        """Return the next updates, at most so many, without those that are dropped."""
        played = []
        until = self.position + most
        while self.position < min(until, self.gate):
            update = self.updates[self.position]
            self.position += 1
            if update.update not in self.drop:
                played.append(update)
            elif self.holds and self._held_at is None and self._follows_snapshot(update):
                self._held_at = self.position + _AFTER_A_LOSS
        return played

    def resynced(self) -> None:
        """The client asked for a new snapshot: go on."""
        self.released = True
        self._held_at = None

    def _follows_snapshot(self, update: Recorded) -> bool:
        # A client does not miss what its snapshot holds already.
        return self.snapshot is None or update.update > self.snapshot[1].update

    def book(self) -> tuple[int, OrderBook]:
        """Return the book after all that was played so far, and its last update id."""
        book = self._book
        if book is None:
            book = self._book = OrderBook()
            if self.snapshot is not None:
                _text, snapshot = self.snapshot
                book.apply_snapshot(snapshot.bids, snapshot.asks)
                self._last = snapshot.update
        for update in self.updates[self._applied : self.position]:
            if update.whole:
                book.apply_snapshot(update.bids, update.asks)
            elif update.update > self._last:
                book.apply_delta(update.bids, update.asks)
            self._last = max(self._last, update.update)
        self._applied = self.position
        return self._last, book

    def listing(self, venue: VenueName) -> Listing:
        """Return what a catalogue would say: tick and step from the decimals that were seen."""
        seen = [*self.updates, *([self.snapshot[1]] if self.snapshot else [])]
        prices = {price for each in seen for price, _size in (*each.bids, *each.asks)}
        sizes = {size for each in seen for _price, size in (*each.bids, *each.asks)}
        base, quote = split(self.name)
        return Listing(
            venue=venue,
            symbol=self.name,
            name=self.name,
            base=base,
            quote=quote,
            tick=Decimal(1).scaleb(-max(map(_significant, prices), default=2)),
            step=Decimal(1).scaleb(-max(map(_significant, sizes), default=8)),
            price_places=max(map(_written, prices), default=2),
            size_places=max(map(_significant, sizes), default=8),
            opens_at=Decimal(1),
            profile=THIN_ALT,
        )


def rows(book: OrderBook, side: Side, most: int) -> Rows:
    """Return the best levels of a rebuilt book as wire text."""
    return [(f"{price:f}", f"{size:f}") for price, size in book.top(side, most)]


def reels(
    updates: Iterable[tuple[str, Recorded]],
    snapshots: Iterable[tuple[str, int, str, Recorded]],
    drop: frozenset[int],
    *,
    holds: bool = True,
) -> dict[str, Reel]:
    """Sort updates by instrument. A snapshot is (instrument, updates before it, text, content)."""
    found: dict[str, Reel] = {}
    for name, update in updates:
        found.setdefault(name, Reel(name, drop=drop, holds=holds)).updates.append(update)
    for name, fetched_at, text, content in snapshots:
        reel = found.setdefault(name, Reel(name, drop=drop, holds=holds))
        reel.snapshot, reel.fetched_at = (text, content), fetched_at
    return found


class Levels(msgspec.Struct):
    """A REST depth snapshot."""

    lastUpdateId: int  # noqa: N815 (the venue's word)
    bids: Sequence[tuple[str, str]]
    asks: Sequence[tuple[str, str]]


def _significant(text: str) -> int:
    return decimals(Decimal(text))


def _written(text: str) -> int:
    return len(text.partition(".")[2])
