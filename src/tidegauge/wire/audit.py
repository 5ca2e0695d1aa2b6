"""A book kept from the stream, compared with the one that the venue tells by REST.

The two are never of the same instant. So a level differs only when the size that REST tells is none
of those it had in our book from just before the request until just after the answer, within the
range of prices that both know.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.exact import parse
from tidegauge.core.side import BookSide, Level, Side, WireLevels

Place: TypeAlias = tuple[Side, Decimal]
NONE = Decimal(0)

MOST_COMPARED = 1_000
"""Levels a side, the best ones. Some venues tell all of tens of thousands, best first: to read them
takes a second, in which no book is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`levels` were compared; `different` has our size now and the venue's, where they differ."""

    levels: int
    different: Mapping[Place, tuple[Decimal, Decimal]]

    def lasting(self, later: "Comparison") -> int:
        """Count the levels that differ again `later`, and of which we were told nothing meanwhile.

        A level that the stream goes on telling of heals by itself, or the answer was an old one.
        """
        return sum(
            1
            for place, (ours, _theirs) in self.different.items()
            if place in later.different and later.different[place][0] == ours
        )


class BookAudit:
    """Remembers every size that our levels had since it was made, for one comparison."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._sizes: dict[Place, set[Decimal]] = {}
        self._known: dict[Side, Decimal | None] = dict.fromkeys(Side)
        self._narrow()

    def before(self, delta: BookDelta) -> None:
        """Call before each delta is applied: what it replaces may be what REST tells."""
        self._note(self._book.bids, delta.bids)
        self._note(self._book.asks, delta.asks)
        self._narrow()

    def _note(self, side: BookSide, levels: WireLevels) -> None:
        for text, _size in levels:
            level = side.by_text.get(text)
            if level is None:
                try:
                    price = parse(text)
                except MalformedFrame:
                    return  # the book will refuse all of it
                level = side.at(price, self._book.price_scale)
            else:
                price = level
            self._sizes.setdefault((side.side, price), set()).add(self._size(level))

    def _size(self, level: Level | None) -> Decimal:
        return NONE if level is None or not level.lots else self._book.size(level)

    def _narrow(self) -> None:
        """Keep to what was known all the time."""
        for side in Side:
            self._known[side] = _nearer(side, self._known[side], self._book.known_limit(side))

    def compare(self, told: BookSnapshot) -> Comparison:
        """Compare with what REST tells. Raises `MalformedFrame` for numbers no market has."""
        book = self._book
        self._narrow()
        theirs = book.blank()
        bids, asks, limit = told.bids[:MOST_COMPARED], told.asks[:MOST_COMPARED], told.limit
        if max(len(told.bids), len(told.asks)) > MOST_COMPARED:
            limit = MOST_COMPARED
        theirs.apply_snapshot(bids, asks, limit=limit, window=told.window)
        compared = 0
        different: dict[Place, tuple[Decimal, Decimal]] = {}
        for side in Side:
            edge = _nearer(side, self._known[side], theirs.known_limit(side))
            sizes = {Decimal(level): theirs.size(level) for level in theirs.side(side)}
            prices = {*_within(edge, side, sizes), *_within(edge, side, book.side(side))}
            compared += len(prices)
            for price in prices:
                size = sizes.get(price, NONE)
                ours = self._size(book.side(side).at(price, book.price_scale))
                if size != ours and size not in self._sizes.get((side, price), ()):
                    different[side, price] = (ours, size)
        return Comparison(levels=compared, different=different)


def _within(edge: Decimal | None, side: Side, prices: Iterable[Decimal]) -> Iterator[Decimal]:
    """Iterate over the prices, best first, up to `edge`."""
    for price in prices:
        if edge is not None and _nearer(side, price, edge) != price:
            return
        yield Decimal(price)


def _nearer(side: Side, one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the limit that is nearer to the touch; None reaches furthest."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other) if side is Side.BID else min(one, other)
