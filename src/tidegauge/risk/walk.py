"""What taking from one side of a linear book costs (docs/signals.md §1).

Everything is an integer of the book's scales until one division at the end, which Python rounds
correctly: each float is the exact rational rounded once.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from ..core.exact import EXACT
from ..core.instrument import decimals
from ..core.reading import Fill, MaxSize, Scales
from ..core.side import Level
from .depth import BPS, Depth, Eaten


class Target(NamedTuple):
    """A notional as `units / denominator` of the book's quote units, and that rounded up."""

    notional: Decimal
    units: int
    denominator: int
    ceiling: int


@lru_cache(maxsize=4096)
def target_of(notional: Decimal, scale: int) -> Target:
    """Return a notional in quote units of 10^-scale."""
    # A notional finer than the book's quote unit is kept exact as a fraction of it.
    finer = max(0, decimals(notional) - scale)
    units, denominator = int(EXACT.scaleb(notional, scale + finer)), 10**finer
    return Target(notional, units, denominator, -(-units // denominator))


def walk_fills(depth: Depth, notionals: Sequence[Decimal], scales: Scales) -> list[Fill]:
    """Return the fill of each notional (quote, positive, ascending)."""
    fills = []
    for notional in notionals:
        target = target_of(notional, scales.quote)
        eaten = depth.until_value(target.ceiling)
        if eaten.level is None:
            fills.append(_unfilled(depth, target, eaten, scales))
        else:
            fills.append(_filled(depth, target, eaten, eaten.level, scales))
    return fills


def _filled(depth: Depth, target: Target, eaten: Eaten, level: Level, scales: Scales) -> Fill:
    """Return the fill of a target that ends in `level`, of which only a part is eaten."""
    units, denominator, ticks = target.units, target.denominator, level.ticks
    # base = (what is gone + the rest / price), over one denominator
    base_over = ticks * denominator
    base = eaten.lots * base_over + units - eaten.value * denominator
    average = units * ticks  # over base
    slippage = depth.sign * (2 * average - base * depth.mid2)
    return Fill(
        taker=depth.taker,
        notional=target.notional,
        filled=True,
        filled_fraction=1.0,
        base=base / (base_over * 10**scales.base),
        average=average / (base * 10**scales.price),
        cost_bps=BPS * slippage / (base * depth.mid2),
        cost=slippage / (2 * base_over * 10**scales.quote),
        worst_ticks=ticks,
        price_scale=scales.price,
        floor=depth.beyond(ticks),
    )


def _unfilled(depth: Depth, target: Target, eaten: Eaten, scales: Scales) -> Fill:
    """Return what is left of a target that ate the whole side."""
    base, quote = eaten.lots, eaten.value
    slippage = depth.sign * (2 * quote - base * depth.mid2)
    worst = depth.side.worst()
    assert worst is not None, "a side that is walked holds a level"
    return Fill(
        taker=depth.taker,
        notional=target.notional,
        filled=False,
        filled_fraction=quote * target.denominator / target.units,
        base=base / 10**scales.base,
        average=quote / (base * 10**scales.price),
        cost_bps=BPS * slippage / (base * depth.mid2),
        cost=slippage / (2 * 10**scales.quote),
        worst_ticks=worst.ticks,
        price_scale=scales.price,
        floor=depth.known is not None,
    )


def max_size(depth: Depth, bps: int, scales: Scales) -> MaxSize:
    """Return the largest notional whose average stays within `bps` of the mid, rounded down.

    Of the level that, eaten whole, would exceed the limit L, x lots fit, where
    quote + price·x = L·(base + x). Zero when the touch itself is worse than L, which is when `bps`
    is below half the spread.
    """
    sign = depth.sign
    limit = depth.mid2 * (BPS + sign * bps)  # 20,000 L, in ticks
    # Slack is 20,000 (L·base - quote), signed: it grows up to L and falls behind it.
    eaten = depth.while_below(-sign * limit, sign * 2 * BPS, 1)
    units, floor = eaten.value, depth.known is not None
    if eaten.level is not None:
        ticks = eaten.level.ticks
        slack = sign * (limit * eaten.lots - 2 * BPS * eaten.value)
        units += ticks * slack // (sign * (2 * BPS * ticks - limit))
        floor = depth.beyond(ticks)
    return MaxSize(taker=depth.taker, bps=bps, units=units, scale=scales.quote, floor=floor)
