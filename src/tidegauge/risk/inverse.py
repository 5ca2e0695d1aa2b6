"""Readings of inverse books, whose sizes are quote notionals: base is derived, level by level.

A level of `lots` at `ticks` holds lots/ticks of base, which no decimal holds. A sum of such quotients
is kept as an interval of integers, far narrower than any float; what both its ends round to is the
exact rational rounded once, and where they differ (next to never) it is computed in fractions.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import islice, takewhile
from typing import NamedTuple, Protocol, TypeVar

from ..core.book import OrderBook
from ..core.reading import BandDepth, Fill, MaxSize, RoundedFill, Scales, Taker
from ..core.side import Level, Side
from .depth import walked_side
from .plan import BPS
from .walk import Target, target_of

BASE_SCALE = 12
"""Decimals that a derived base size is rounded to, once."""

GUARD = 256
"""Bits after the point of the intervals."""

Rounded = TypeVar("Rounded", float, int)
Part = tuple[int, int]
"""A numerator and a positive denominator."""


class Measured(NamedTuple):
    """What of a reading is summed over levels."""

    bands: tuple[BandDepth, ...]
    fills: tuple[Fill, ...]
    max_sizes: tuple[MaxSize, ...]
    imbalance: float


class Asked(Protocol):
    """What is to be measured (`measure.MeasurePlan`)."""

    @property
    def bands(self) -> tuple[int, ...]: ...
    @property
    def imbalance_levels(self) -> int: ...
    @property
    def notionals(self) -> tuple[Decimal, ...]: ...
    @property
    def max_size_bps(self) -> tuple[int, ...]: ...


def scales_of(book: OrderBook) -> Scales:
    """Return what the integers of a reading of this book are units of."""
    if book.inverse:
        return Scales(book.price_scale, BASE_SCALE, book.size_scale)
    return Scales(book.price_scale, book.size_scale, book.price_scale + book.size_scale)


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


def base_units(book: OrderBook, levels: Sequence[Level]) -> int:
    """Return the base that levels hold, rounded once, half to even, to `BASE_SCALE` decimals."""
    over, under = 10 ** (BASE_SCALE + book.price_scale), 10**book.size_scale
    return base_of(levels).rounded(lambda n, d: round(Fraction(n * over, d * under)))


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


def walk_fills(
    book: OrderBook, taker: Taker, mid2: int, targets: Sequence[Target]
) -> list[RoundedFill]:
    """Return the fill of each target (ascending), as `walk.walk_fills` does of a linear book."""
    known = book.known_limit(walked_side(taker))
    sign = 1 if taker is Taker.BUY else -1
    waiting = iter(targets)
    target = next(waiting, None)
    fills: list[RoundedFill] = []
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
) -> RoundedFill:
    """Return what `base` for the target costs, or for the `quote` that there was of it."""
    units, denominator = (target.units, target.denominator) if quote is None else (quote, 1)
    price_unit, size_unit = 10**book.price_scale, 10**book.size_scale
    sign = 1 if taker is Taker.BUY else -1

    def over_mid(n: int, d: int) -> int:
        return sign * (2 * units * d - mid2 * denominator * n)

    slippage = base.rounded(lambda n, d: BPS * over_mid(n, d) / (denominator * n * mid2))
    cost = base.rounded(lambda n, d: over_mid(n, d) / (2 * denominator * d * size_unit))
    return RoundedFill(
        taker=taker,
        notional=target.notional,
        filled=quote is None,
        filled_fraction=1.0 if quote is None else quote * target.denominator / target.units,
        base=base.rounded(lambda n, d: n * price_unit / (d * size_unit)),
        rounded_average=base.rounded(lambda n, d: units * d / (denominator * n * price_unit)),
        cost_bps=slippage,
        rounded_cost=cost,
        worst_ticks=worst.ticks,
        scales=scales_of(book),
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
    scale = book.price_scale + book.size_scale
    return MaxSize(taker=taker, bps=bps, units=quote, scale=scale, floor=floor)


def measured(book: OrderBook, mid2: int, plan: Asked) -> Measured:
    """Measure a quotable book; `mid2` is twice the mid in ticks."""
    takers = (Taker.SELL, Taker.BUY)
    targets = [target_of(notional, book.size_scale) for notional in plan.notionals]
    return Measured(
        tuple([_band(book, mid2, bps) for bps in plan.bands]),
        tuple([fill for taker in takers for fill in walk_fills(book, taker, mid2, targets)]),
        tuple([max_size(book, each, mid2, bps) for each in takers for bps in plan.max_size_bps]),
        top_imbalance(book, plan.imbalance_levels),
    )


def _band(book: OrderBook, mid2: int, bps: int) -> BandDepth:
    (bids, bid_complete), (asks, ask_complete) = (_inside(book, each, mid2, bps) for each in Side)
    return BandDepth(
        bps=bps,
        scales=scales_of(book),
        bid_base_units=base_units(book, bids),
        bid_quote_units=sum([level.lots for level in bids]),
        ask_base_units=base_units(book, asks),
        ask_quote_units=sum([level.lots for level in asks]),
        bid_complete=bid_complete,
        ask_complete=ask_complete,
    )


def _inside(book: OrderBook, side: Side, mid2: int, bps: int) -> tuple[list[Level], bool]:
    """Return the levels of a side within `bps` of the mid, and whether all of them are known."""
    sign = -1 if side is Side.BID else 1
    edge = sign * mid2 * (BPS + sign * bps)  # in ticks, times 20,000
    known = book.known_ticks(side)
    inside = takewhile(lambda level: sign * level.ticks * 2 * BPS <= edge, book.side(side))
    return list(inside), known is None or sign * known * 2 * BPS >= edge
