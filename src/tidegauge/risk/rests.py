"""The levels of a book as they were at one instant, apart from the book: to be sent and walked
elsewhere. What a taker would eat of them is told by the same ladder as of the book itself.
"""

from decimal import Decimal
from fractions import Fraction
from math import ceil

from msgspec import Struct

from ..core.book import OrderBook
from ..core.exact import from_units
from ..core.reading import Taker
from ..core.side import BookSide
from .stress_ladder import Ladder, Scaled, rungs_of, walk


class RestingSide(Struct, frozen=True, kw_only=True):
    """One side, best first: prices in `ticks`, sizes in `lots`, both in units of the book's scales.

    `edge` is the price beyond which not every level is known, None where all are. `more`: the book
    goes on beyond the last level here.
    """

    ticks: list[int]
    lots: list[int]
    edge: int | None
    more: bool


class Resting(Struct, frozen=True, kw_only=True):
    """Both sides of a book. Of an inverse book a lot is quote, otherwise base."""

    inverse: bool
    price_scale: int
    size_scale: int
    bids: RestingSide
    asks: RestingSide

    @property
    def best_bid(self) -> Decimal | None:
        return self._best(self.bids)

    @property
    def best_ask(self) -> Decimal | None:
        return self._best(self.asks)

    def _best(self, side: RestingSide) -> Decimal | None:
        return from_units(side.ticks[0], self.price_scale) if side.ticks else None

    @property
    def crossed(self) -> bool:
        """Whether somebody bids at least what is asked."""
        bids, asks = self.bids.ticks, self.asks.ticks
        return bool(bids and asks) and bids[0] >= asks[0]

    @property
    def mid(self) -> Decimal | None:
        """The middle of the touch, None without one of both sides."""
        bids, asks = self.bids.ticks, self.asks.ticks
        return from_units((bids[0] + asks[0]) * 5, self.price_scale + 1) if bids and asks else None

    def levels(self, side: RestingSide, most: int) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return the best `most` levels of a side as prices and sizes."""
        price_scale, size_scale = self.price_scale, self.size_scale
        return tuple(
            (from_units(ticks, price_scale), from_units(lots, size_scale))
            for ticks, lots in zip(side.ticks[:most], side.lots[:most], strict=True)
        )

    def ladder(self, taker: Taker) -> Ladder:
        """Return what a taker would eat. What lies beyond the last level counts as not known."""
        side, nearer = (self.asks, min) if taker is Taker.BUY else (self.bids, max)
        ends = [] if side.edge is None else [side.edge]
        if side.more and side.ticks:
            ends.append(side.ticks[-1])
        scaled = Scaled.of(self.inverse, self.price_scale, self.size_scale)
        return Ladder(
            taker,
            rungs_of(side.ticks, side.lots, scaled),
            price_scale=self.price_scale,
            base_scale=scaled.base_scale,
            edge=nearer(ends, default=None),
            wanted=None,
        )


def resting(book: OrderBook, *, levels: int, quote: Fraction, most: int) -> Resting:
    """Return at least `levels` of each side, and on until `quote` rests in what is returned; never
    more than `most`. The book is not changed, and nothing of it is kept."""
    return Resting(
        inverse=book.inverse,
        price_scale=book.price_scale,
        size_scale=book.size_scale,
        bids=_resting_side(book, book.bids, levels, quote, most),
        asks=_resting_side(book, book.asks, levels, quote, most),
    )


def _resting_side(
    book: OrderBook, side: BookSide, levels: int, quote: Fraction, most: int
) -> RestingSide:
    scaled = Scaled.of(book.inverse, book.price_scale, book.size_scale)
    units = ceil(quote * 10 ** (book.price_scale + scaled.base_scale))
    found, more = walk(side, units, scaled.finer, inverse=book.inverse, least=levels)
    return RestingSide(
        ticks=[level.ticks for level in found[:most]],
        lots=[level.lots for level in found[:most]],
        edge=book.known_ticks(side.side),
        more=more or len(found) > most,
    )
