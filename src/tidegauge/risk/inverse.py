"""Readings of inverse books, whose sizes are quote notionals: base is derived, level by level.

A level of `lots` at `ticks` holds lots/ticks of base, which no decimal holds. A sum of such quotients
is kept as an interval of integers, far narrower than any float; what both its ends round to is the
exact rational rounded once, and where they differ (next to never) it is computed in fractions.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import TypeVar

from ..core.book import OrderBook
from ..core.exact import from_units
from ..core.reading import Fill, MaxSize, Taker
from ..core.side import Level, Side
from .walk import BPS, Target, walked_side

BASE_SCALE = 18
"""Decimals that a derived base size is rounded to, once."""

GUARD = 256
"""Bits after the point of the intervals."""

Rounded = TypeVar("Rounded", float, int)
Part = tuple[int, int]
"""A numerator and a positive denominator."""


class Quotients:
    """A sum of quotients: between `low` and `high` of 2^-GUARD, and exactly when asked."""

    __slots__ = ("high", "low", "parts")

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self.parts = list(parts)
        self.low = sum([(over << GUARD) // under for over, under in self.parts])
        self.high = self.low + len(self.parts)

    def add(self, over: int, under: int) -> None:
        low, rest = divmod(over << GUARD, under)
        self.low += low
        self.high += low + 1 if rest else low
        self.parts.append((over, under))

    def plus(self, over: int, under: int) -> "Quotients":
        """Return this sum and one quotient more."""
        more = Quotients()
        more.low, more.high, more.parts = self.low, self.high, [*self.parts]
        more.add(over, under)
        return more

    def exact(self) -> Fraction:
        return sum((Fraction(over, under) for over, under in self.parts), Fraction())

    def negative(self) -> bool:
        if (self.low < 0) is (self.high < 0):
            return self.low < 0
        return self.exact() < 0

    def rounded(self, result: Callable[[int, int], Rounded]) -> Rounded:
        """Return `result` of the sum as a fraction; it must grow, or shrink, with the sum."""
        one, other = result(self.low, 1 << GUARD), result(self.high, 1 << GUARD)
        if one == other:
            return one
        exact = self.exact()
        return result(exact.numerator, exact.denominator)


def base_of(levels: Sequence[Level]) -> Quotients:
    """Return the base that levels hold, in units of 10^(price scale - size scale)."""
    return Quotients([(level.lots, level.ticks) for level in levels])


def base_size(book: OrderBook, levels: Sequence[Level]) -> Decimal:
    """Return the base that levels hold, rounded once, half to even, to `BASE_SCALE` decimals."""
    over, under = 10 ** (BASE_SCALE + book.price_scale), 10**book.size_scale
    units = base_of(levels).rounded(lambda n, d: round(Fraction(n * over, d * under)))
    return from_units(units, BASE_SCALE)


def microprice(book: OrderBook, bid: Level, ask: Level) -> float:
    """Return the mid weighted by the base on the other side."""
    # Both sizes times both prices: the quotients are gone.
    bid_base, ask_base = bid.lots * ask.ticks, ask.lots * bid.ticks
    unit: int = 10**book.price_scale
    return (bid.ticks * ask_base + ask.ticks * bid_base) / ((bid_base + ask_base) * unit)


def top_imbalance(book: OrderBook, levels: int) -> float:
    """Return (B - A) / (B + A) of the base of the best levels."""
    bids, asks = (base_of(list(islice(book.side(side), levels))) for side in Side)
    one = (bids.low - asks.high) / (bids.low + asks.high)
    other = (bids.high - asks.low) / (bids.high + asks.low)
    if one == other:
        return one
    bid, ask = bids.exact(), asks.exact()
    return float((bid - ask) / (bid + ask))


def walk_fills(book: OrderBook, taker: Taker, mid2: int, targets: Sequence[Target]) -> list[Fill]:
    """Return the fill of each target (ascending), as `walk.walk_fills` does of a linear book."""
    known = book.known_limit(walked_side(taker))
    sign = 1 if taker is Taker.BUY else -1
    waiting = iter(targets)
    target = next(waiting, None)
    fills: list[Fill] = []
    quote, base = 0, Quotients()
    level: Level | None = None
    for level in book.side(walked_side(taker)):
        while target is not None and target.ceiling <= quote + level.lots:
            left = target.units - quote * target.denominator
            eaten = base.plus(left, target.denominator * level.ticks)
            floor = known is not None and (level > known if sign > 0 else level < known)
            fills.append(_fill(book, taker, mid2, target, eaten, level, floor=floor))
            target = next(waiting, None)
        if target is None:
            return fills
        base.add(level.lots, level.ticks)
        quote += level.lots
    while target is not None:
        assert level is not None
        floor = known is not None
        fills.append(_fill(book, taker, mid2, target, base, level, floor=floor, quote=quote))
        target = next(waiting, None)
    return fills


def _fill(
    book: OrderBook,
    taker: Taker,
    mid2: int,
    target: Target,
    base: Quotients,
    worst: Level,
    *,
    floor: bool,
    quote: int | None = None,
) -> Fill:
    """Return what `base` for the target costs, or for the `quote` that there was of it."""
    units, denominator = (target.units, target.denominator) if quote is None else (quote, 1)
    price_unit, size_unit = 10**book.price_scale, 10**book.size_scale
    sign = 1 if taker is Taker.BUY else -1

    def over_mid(n: int, d: int) -> int:
        return sign * (2 * units * d - mid2 * denominator * n)

    slippage = base.rounded(lambda n, d: BPS * over_mid(n, d) / (denominator * n * mid2))
    cost = base.rounded(lambda n, d: over_mid(n, d) / (2 * denominator * d * size_unit))
    return Fill(
        taker=taker,
        notional=target.notional,
        filled=quote is None,
        filled_fraction=1.0 if quote is None else quote * target.denominator / target.units,
        base=base.rounded(lambda n, d: n * price_unit / (d * size_unit)),
        average=base.rounded(lambda n, d: units * d / (denominator * n * price_unit)),
        worst=Decimal(worst),
        slippage_bps=slippage if quote is None else None,
        partial_slippage_bps=None if quote is None else slippage,
        slippage_cost=cost if quote is None else None,
        floor=floor,
    )


def max_size(book: OrderBook, taker: Taker, mid2: int, bps: int) -> MaxSize:
    """Return the largest notional whose average stays within `bps` of the mid, rounded down.

    As `walk.max_size`; the slack is Σ (L/price - 1)·size, signed, and of the level that would make
    it negative as much fits as uses it up.
    """
    finer: int = 10**book.price_scale  # a linear book's quote unit
    sign = 1 if taker is Taker.BUY else -1
    limit = mid2 * (BPS + sign * bps)  # 20,000 L, in ticks
    slack, quote = Quotients(), 0
    known = book.known_limit(walked_side(taker))
    floor = known is not None
    for level in book.side(walked_side(taker)):
        over = sign * (2 * BPS * level.ticks - limit)
        after = slack.plus(-over * level.lots, level.ticks) if over > 0 else slack
        if over <= 0:
            slack.add(-over * level.lots, level.ticks)
        elif after.negative():
            part = finer * level.ticks
            quote += slack.rounded(lambda n, d, p=part, o=over: n * p // (d * o))  # type: ignore[misc]
            floor = known is not None and (level > known if sign > 0 else level < known)
            break
        else:
            slack = after
        quote += level.lots * finer
    notional = from_units(quote, book.price_scale + book.size_scale)
    return MaxSize(taker=taker, bps=bps, notional=notional, floor=floor)
