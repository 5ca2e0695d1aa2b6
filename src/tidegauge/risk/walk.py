"""What taking from one side of a linear book costs (docs/signals.md §1).

Everything is an integer of the book's scales until one division at the end, which Python rounds
correctly: each float is the exact rational rounded once.
"""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from ..core.exact import EXACT
from ..core.instrument import decimals
from ..core.reading import ExactFill, Fill, MaxSize, Scales
from ..core.side import Level
from .depth import Depth
from .plan import BPS


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


@lru_cache(maxsize=256)
def targets_of(notionals: tuple[Decimal, ...], scale: int) -> tuple[Target, ...]:
    """Return the targets of a plan, which are the same for every reading by it."""
    return tuple(target_of(notional, scale) for notional in notionals)


def walk_fills(depth: Depth, notionals: tuple[Decimal, ...], scales: Scales) -> list[Fill]:
    """Return the fill of each notional (quote, positive, ascending): one walk for all of them."""
    targets = targets_of(notionals, scales.quote)
    ends = depth.until_values([target.ceiling for target in targets])
    unit: int = 10**scales.base
    return [
        fill_of(depth, target, scales, unit, *end)
        for target, end in zip(targets, ends, strict=True)
    ]


def fill_of(
    depth: Depth,
    target: Target,
    scales: Scales,
    unit: int,
    lots: int,
    value: int,
    level: Level | None,
) -> Fill:
    """Return the fill of a target for which `lots` and `value` are eaten whole, and part of `level`.

    None: the side held no more. `unit` is 10^scales.base.
    """
    notional, units, denominator, _ceiling = target
    known, sign, mid2 = depth.known, depth.sign, depth.mid2
    if level is not None:
        # The last level is eaten in part: base = what is gone + the rest / price.
        quote, quote_over, fraction = units, denominator, 1.0
        ticks = level.ticks
        base_over = ticks * denominator
        base = lots * base_over + units - value * denominator
        floor = known is not None and (ticks - known) * sign > 0
    else:
        # The whole side is eaten, and the target not reached.
        quote, quote_over, fraction = value, 1, value * denominator / units
        base, base_over, floor = lots, 1, known is not None
        worst = depth.side.worst()
        assert worst is not None, "a side that is walked holds a level"
        ticks = worst.ticks
    at_mid = mid2 * base * quote_over  # what the mid would cost, as 2 · quote · base_over counts
    return ExactFill(
        taker=depth.taker,
        notional=notional,
        filled=level is not None,
        filled_fraction=fraction,
        base=base / (base_over * unit),
        cost_bps=BPS * sign * (2 * quote * base_over - at_mid) / at_mid,
        worst_ticks=ticks,
        scales=scales,
        floor=floor,
        quote=quote,
        quote_over=quote_over,
        base_units=base,
        base_over=base_over,
        mid2=mid2,
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
