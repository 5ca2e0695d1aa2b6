"""Walking one side of a book as a taker would (docs/signals.md §1).

Everything is an integer of the book's scales until one division at the end, which Python rounds
correctly: each float is the exact rational rounded once.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.exact import EXACT, from_units
from ..core.instrument import decimals
from ..core.reading import Fill, MaxSize, Taker
from ..core.side import Level, Side

BPS = 10_000


class Target(NamedTuple):
    """A notional as `units / denominator` of the book's quote units, and that rounded up."""

    notional: Decimal
    units: int
    denominator: int
    ceiling: int


class _Walk:
    """One side being eaten: what is gone so far, in whole levels."""

    __slots__ = ("base", "known", "mid2", "price_scale", "quote", "sign", "size_scale", "taker")

    def __init__(self, book: OrderBook, taker: Taker, mid2: int) -> None:
        self.taker = taker
        # A buy is the worse the higher its price is, a sell the lower.
        self.sign = 1 if taker is Taker.BUY else -1
        self.mid2 = mid2
        self.price_scale = book.price_scale
        self.size_scale = book.size_scale
        self.known = book.known_limit(walked_side(taker))
        self.base = 0
        self.quote = 0

    def beyond(self, level: Level) -> bool:
        """Whether `level` lies outside what the venue told us of in this epoch."""
        if self.known is None:
            return False
        return level > self.known if self.sign > 0 else level < self.known

    def filled(self, target: Target, level: Level) -> Fill:
        """Return the fill of a target that ends in `level`, which is not eaten yet."""
        units, denominator = target.units, target.denominator
        ticks = level.ticks
        # base = (what is gone + the rest / price), over one denominator
        base_over = ticks * denominator
        base = self.base * base_over + units - self.quote * denominator
        average = units * ticks  # over base
        slippage = self.sign * (2 * average - base * self.mid2)
        quote_unit = 10 ** (self.price_scale + self.size_scale)
        return Fill(
            taker=self.taker,
            notional=target.notional,
            filled=True,
            filled_fraction=1.0,
            base=base / (base_over * 10**self.size_scale),
            average=average / (base * 10**self.price_scale),
            worst=Decimal(level),
            slippage_bps=BPS * slippage / (base * self.mid2),
            partial_slippage_bps=None,
            slippage_cost=slippage / (2 * base_over * quote_unit),
            floor=self.beyond(level),
        )

    def unfilled(self, target: Target, worst: Level) -> Fill:
        """Return what is left of a target that ate the whole side."""
        base, quote = self.base, self.quote
        slippage = self.sign * (2 * quote - base * self.mid2)
        return Fill(
            taker=self.taker,
            notional=target.notional,
            filled=False,
            filled_fraction=quote * target.denominator / target.units,
            base=base / 10**self.size_scale,
            average=quote / (base * 10**self.price_scale),
            worst=Decimal(worst),
            slippage_bps=None,
            partial_slippage_bps=BPS * slippage / (base * self.mid2),
            slippage_cost=None,
            floor=self.known is not None,
        )


def walked_side(taker: Taker) -> Side:
    """Return the side a taker eats: a buy the asks, a sell the bids."""
    return Side.ASK if taker is Taker.BUY else Side.BID


def walk_fills(
    book: OrderBook, taker: Taker, mid2: int, notionals: Sequence[Decimal]
) -> list[Fill]:
    """Return the fill of each notional (quote, positive, ascending): one walk, as deep as needed.

    `mid2` is twice the mid in ticks. The side `taker` eats must hold a level.
    """
    state = _Walk(book, taker, mid2)
    scale = book.price_scale + book.size_scale
    targets = iter([target_of(notional, scale) for notional in notionals])
    target = next(targets, None)
    fills: list[Fill] = []
    level: Level | None = None
    base = quote = 0
    for level in book.side(walked_side(taker)):
        if target is None:
            return fills
        lots = level.lots
        after = quote + level.ticks * lots
        if target.ceiling <= after:
            state.base, state.quote = base, quote
            while target is not None and target.ceiling <= after:
                fills.append(state.filled(target, level))
                target = next(targets, None)
        base += lots
        quote = after
    state.base, state.quote = base, quote
    while target is not None:
        assert level is not None
        fills.append(state.unfilled(target, level))
        target = next(targets, None)
    return fills


def max_size(book: OrderBook, taker: Taker, mid2: int, bps: int) -> MaxSize:
    """Return the largest notional whose average stays within `bps` of the mid, rounded down.

    Of the level that, eaten whole, would exceed the limit L, x lots fit, where
    quote + price·x = L·(base + x). Zero when the touch itself is worse than L, which is when `bps`
    is below half the spread.
    """
    sign = 1 if taker is Taker.BUY else -1
    limit = mid2 * (BPS + sign * bps)  # 20,000 L, in ticks
    slack = base = 0  # slack: 20,000 (L·base - quote) signed, never negative
    beyond: Level | None = None
    for level in book.side(walked_side(taker)):
        lots = level.lots
        after = slack + sign * (limit - 2 * BPS * level.ticks) * lots
        if after < 0:
            beyond = level
            break
        slack = after
        base += lots
    quote = (limit * base - sign * slack) // (2 * BPS)  # divides: slack was made from it
    known = book.known_limit(walked_side(taker))
    if beyond is None:
        floor = known is not None
    else:
        over = sign * (2 * BPS * beyond.ticks - limit)
        quote += beyond.ticks * slack // over
        floor = known is not None and (beyond > known if sign > 0 else beyond < known)
    notional = from_units(quote, book.price_scale + book.size_scale)
    return MaxSize(taker=taker, bps=bps, notional=notional, floor=floor)


def target_of(notional: Decimal, scale: int) -> Target:
    """Return a notional in quote units of 10^-scale."""
    # A notional finer than the book's quote unit is kept exact as a fraction of it.
    finer = max(0, decimals(notional) - scale)
    units, denominator = int(EXACT.scaleb(notional, scale + finer)), 10**finer
    return Target(notional, units, denominator, -(-units // denominator))
