"""The levels a taker would eat, of one book or of several, as sums that any size is looked up in.

A walk of its own, that marks nothing: the marks of a side belong to the monitor's plan
(`core.side.BookSide.marked_for`). It is made once a sample, not for every frame, and ends with the
bucket in which what is wanted is reached. Everything is an integer until a `Fraction` at the end; of
an inverse book a level's base is derived, to `DERIVED` decimals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.exact import EXACT
from ..core.instrument import decimals
from ..core.reading import Taker
from ..core.side import FAR, BookSide, Level

DERIVED = 40
"""Decimals of a base that no decimal holds."""

FINEST = 8
"""Decimals of a largest size, or as many as the quote of its book has, if these are fewer."""


class Rungs(NamedTuple):
    """Levels, best first, as columns: prices, quote and base that rest there, in units of which price
    times base is quote; and the place of the venue each is of, where there are several."""

    prices: Sequence[int]
    quotes: Sequence[int]
    bases: Sequence[int]
    sources: Sequence[int] = ()


class Bounds(NamedTuple):
    """Between which shares of the notional slippage lies, `high` None where what is shown does not
    fill. `floor`: the walk ends beyond the known range, so that more may rest than is shown."""

    low: Fraction
    high: Fraction | None
    floor: bool


class Largest(NamedTuple):
    """A size in quote. `at_least`: what is known, or was walked, ends there."""

    size: Decimal
    at_least: bool


class Ladder:
    """Rungs, and the sums up to each.

    `edge` is the price beyond which not every level is known, None where all are; `wanted` the
    quote (units) up to which it was walked although the book goes on, None where it took all.
    """

    __slots__ = (
        "_bases",
        "_inside",
        "_quotes",
        "base_scale",
        "edge",
        "price_scale",
        "rungs",
        "taker",
        "wanted",
    )

    def __init__(
        self,
        taker: Taker,
        rungs: Rungs,
        *,
        price_scale: int,
        base_scale: int,
        edge: int | None,
        wanted: int | None,
    ) -> None:
        self.taker, self.rungs = taker, rungs
        self.price_scale, self.base_scale = price_scale, base_scale
        self.edge, self.wanted = edge, wanted
        self._quotes = list(accumulate(rungs.quotes, initial=0))
        self._bases = list(accumulate(rungs.bases, initial=0))
        # How many rungs lie within what is known.
        self._inside = len(rungs.prices)
        if edge is not None and rungs.prices:
            sign = self.sign
            # Nothing is better than the touch, wherever the known range ends.
            reach = max(edge * sign, rungs.prices[0] * sign)
            self.edge = reach * sign
            self._inside = bisect_right(rungs.prices, reach, key=lambda price: price * sign)

    @property
    def sign(self) -> int:
        """1 where prices grow away from the touch, else -1."""
        return 1 if self.taker is Taker.BUY else -1

    @property
    def quote_scale(self) -> int:
        return self.price_scale + self.base_scale

    @property
    def total(self) -> int:
        """All the quote there is, in units."""
        return self._quotes[-1]

    def units(self, quote: Fraction) -> Fraction:
        """Return a quote in units of this ladder."""
        by: int = 10**self.quote_scale
        return quote * by

    def quote(self, units: int) -> Decimal:
        return EXACT.scaleb(Decimal(units), -self.quote_scale)

    def ends_at(self, quote: Fraction) -> int | None:
        """Return the index of the rung in which `quote` (units, positive) is reached, None beyond."""
        index = bisect_left(self._quotes, ceil(quote)) - 1
        return index if index < len(self.rungs.prices) else None

    def base(self, quote: Fraction) -> Fraction | None:
        """Return the base (units) that changes hands for `quote` (units), None where it does not
        fill. The last level is taken in part, exactly."""
        index = self.ends_at(quote)
        if index is None:
            return None
        return self._bases[index] + (quote - self._quotes[index]) / self.rungs.prices[index]

    def slippage(self, quote: Fraction, mid: Fraction) -> Bounds:
        """Return what taking `quote` (units) loses against `mid` (price units), as a share of it.

        What a wholly known side does not fill is lost. Raises `ValueError` beyond what was walked.
        """
        base = self.base(quote)
        if base is None and self.wanted is not None:
            raise ValueError("more is asked for than was walked")
        high = None if base is None else self._lost(quote, base, mid)
        inside, edge = self._quotes[self._inside], self.edge
        if edge is None:
            return Bounds(Fraction(1) if high is None else high, high, floor=False)
        if quote <= inside:
            assert high is not None, "what lies within the known range is filled by it"
            return Bounds(high, high, floor=False)
        # At the very best all the rest lies where the known range ends.
        best = self._bases[self._inside] + (quote - inside) / edge
        return Bounds(self._lost(quote, best, mid), high, floor=True)

    def largest(self, below: Fraction, kept: Fraction, mid: Fraction) -> Largest:
        """Return the largest size of which slippage is below a share, where `kept` of each level is
        left: rounded down to `FINEST` decimals, so that one unit of the last of them more is not."""
        finest = min(self.quote_scale, FINEST)
        step = Fraction(kept, 10 ** (self.quote_scale - finest))
        found = self._limited(mid * (1 + self.sign * below))
        if found is None:
            most = self.total if self.wanted is None else min(self.wanted, self.total)
            ends = self.wanted is not None or self.edge is not None
            return Largest(EXACT.scaleb(Decimal(int(most * step)), -finest), ends)
        index, quote = found
        size = max(0, ceil(quote * step) - 1)
        return Largest(EXACT.scaleb(Decimal(size), -finest), index >= self._inside)

    def _limited(self, limit: Fraction) -> tuple[int, Fraction] | None:
        """Return where the average comes to `limit`: the rung, and the quote. None: nowhere."""
        sign = self.sign
        # In integers: this many times the quote and the base are compared.
        of_quote, of_base = sign * limit.denominator, sign * limit.numerator
        quotes, bases = self._quotes, self._bases

        def reaches(index: int) -> bool:
            # Once the average has come to the limit, it stays there or beyond.
            return of_base * bases[index] <= of_quote * quotes[index]

        count = len(self.rungs.prices)
        index = bisect_left(range(1, count + 1), x=True, key=reaches)
        if index == count:
            return None
        slack = sign * (limit * bases[index] - quotes[index])
        quote = Fraction(quotes[index])
        if slack:
            price = self.rungs.prices[index]
            quote += slack * price / (sign * (price - limit))
        return None if self.wanted is not None and quote > self.wanted else (index, quote)

    def _lost(self, quote: Fraction, base: Fraction, mid: Fraction) -> Fraction:
        return self.sign * (quote / (base * mid) - 1)

    def times(self, factor: Decimal) -> "Ladder":
        """Return this ladder with every price, and with it the quote, times a positive factor."""
        finer = decimals(factor)
        by = int(EXACT.scaleb(factor, finer))
        return self._restated(by, 1, self.price_scale + finer, self.base_scale)

    def at_scales(self, price_scale: int, base_scale: int) -> "Ladder":
        """Return this ladder in units that are as fine, or finer."""
        by_price: int = 10 ** (price_scale - self.price_scale)
        by_base: int = 10 ** (base_scale - self.base_scale)
        return self._restated(by_price, by_base, price_scale, base_scale)

    def _restated(self, by_price: int, by_base: int, price_scale: int, base_scale: int) -> "Ladder":
        if (price_scale, base_scale) == (self.price_scale, self.base_scale) and by_price == 1:
            return self
        prices, quotes, bases, sources = self.rungs
        by_quote = by_price * by_base
        return Ladder(
            self.taker,
            Rungs(
                [price * by_price for price in prices],
                [quote * by_quote for quote in quotes],
                [base * by_base for base in bases],
                sources,
            ),
            price_scale=price_scale,
            base_scale=base_scale,
            edge=None if self.edge is None else self.edge * by_price,
            wanted=None if self.wanted is None else self.wanted * by_quote,
        )


class Scaled(NamedTuple):
    """How the lots of a book count: decimals of a base, and how many of the units in which price times
    base is quote one unit of what a bucket sums up is."""

    inverse: bool
    base_scale: int
    finer: int

    @classmethod
    def of(cls, inverse: bool, price_scale: int, size_scale: int) -> "Scaled":
        # Of an inverse book a lot is quote, and finer units of it are those of the derived base.
        if not inverse:
            return cls(inverse, size_scale, 1)
        return cls(inverse, DERIVED, 10 ** (price_scale + DERIVED - size_scale))


def rungs_of(prices: Sequence[int], lots: Sequence[int], scaled: Scaled) -> Rungs:
    """Return the rungs of levels, best first."""
    if scaled.inverse:
        quotes = [each * scaled.finer for each in lots]
        bases = [quote // price for quote, price in zip(quotes, prices, strict=True)]
        return Rungs(prices, quotes, bases)
    return Rungs(prices, [price * each for price, each in zip(prices, lots, strict=True)], lots)


def ladder_of(book: OrderBook, taker: Taker, wanted: Fraction | None) -> Ladder:
    """Return the side of a book that a taker eats, as far as `wanted` (quote) is reached in it.

    None: all of it. An empty side gives a ladder without rungs.
    """
    side = book.asks if taker is Taker.BUY else book.bids
    scaled = Scaled.of(book.inverse, book.price_scale, book.size_scale)
    units = None if wanted is None else ceil(wanted * 10 ** (book.price_scale + scaled.base_scale))
    levels, goes_on = walk(side, units, scaled.finer, inverse=book.inverse)
    return Ladder(
        taker,
        rungs_of([level.ticks for level in levels], [level.lots for level in levels], scaled),
        price_scale=book.price_scale,
        base_scale=scaled.base_scale,
        edge=book.known_ticks(side.side),
        wanted=units if goes_on else None,
    )


def walk(
    side: BookSide, wanted: int | None, finer: int, *, inverse: bool, least: int = 0
) -> tuple[list[Level], bool]:
    """Return the levels, best first, to the bucket in which `wanted` (units; `finer` of them to what
    a bucket counts) is reached and there are `least` of them, and whether there are more.

    Neither the sorted levels nor the nearest are asked for: that would cost the monitor.
    """
    quote_in = side.lots_in if inverse else side.value_in
    found: list[Level] = []
    reached = 0
    for bucket in _outwards(side):
        if wanted is not None and reached * finer >= wanted and len(found) >= least:
            return found, True
        inside = side.members[bucket]
        ordered = sorted(inside, reverse=side.sign < 0)
        found += [level for ticks in ordered if (level := inside[ticks]).lots]
        reached += quote_in[bucket]
    return found, False


def _outwards(side: BookSide) -> Iterator[int]:
    """Iterate over the buckets that hold something, from the touch on; the far one is last."""
    if side.touch is None:
        return
    for bucket in range(side.touch.bucket, FAR if side.sign > 0 else -1, side.sign):
        if side.lots_in[bucket]:
            yield bucket
    if side.lots_in[FAR]:
        yield FAR
