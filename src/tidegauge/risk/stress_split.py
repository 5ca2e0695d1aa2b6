"""The books of several venues as one, and what a size taken from that takes from each of them.

The levels of all stand in the order of their prices. A walk from the best of them is the cheapest
way there is to split a size: whatever takes a level and leaves a better one can be improved by
exchanging them. With fees the prices are those after the fee, and so is the quote, which keeps that
true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import repeat
from operator import itemgetter

from ..core.exact import EXACT
from ..core.instrument import VenueName
from ..core.reading import Taker
from .stress_ladder import Ladder, Rungs


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What one venue takes of a size: in quote (exact; of all together the size), as a share of what
    is filled, in base, and at which average price. With fees, quote and price include them."""

    venue: VenueName
    quote: Decimal
    share: float
    base: float
    average: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The cheapest split of a size over books, the largest portion first.

    `filled` is the quote that they come to: less than the size where what is known of the books does
    not fill it. `average`: the price of all together.
    """

    size: Decimal
    filled: Decimal
    average: float
    portions: tuple[Portion, ...]


def merged(ladders: Mapping[VenueName, Ladder], taker: Taker) -> Ladder:
    """Return one ladder of all; the source of a level is the place of its venue in the mapping.

    At one price the venue that comes first is taken first. Beyond the nearest `edge` of any of them
    not every level is known; what was walked ends with the least `wanted`.
    """
    price_scale = max([each.price_scale for each in ladders.values()], default=0)
    base_scale = max([each.base_scale for each in ladders.values()], default=0)
    all_of = [each.at_scales(price_scale, base_scale) for each in ladders.values()]
    sign = 1 if taker is Taker.BUY else -1
    rows = [
        row
        for place, each in enumerate(all_of)
        for row in zip(*each.rungs[:3], repeat(place), strict=False)
    ]
    # The rows of each rise already, so that sorting is merging; it keeps the order of equals.
    rows.sort(key=itemgetter(0), reverse=sign < 0)
    edges = [each.edge for each in all_of if each.edge is not None]
    return Ladder(
        taker,
        Rungs(*zip(*rows, strict=True)) if rows else Rungs((), (), ()),
        price_scale=price_scale,
        base_scale=base_scale,
        edge=min(edges, key=lambda edge: edge * sign, default=None),
        wanted=min([each.wanted for each in all_of if each.wanted is not None], default=None),
    )


def split_of(ladder: Ladder, venues: Sequence[VenueName], size: Decimal) -> Split | None:
    """Return what a size (quote) takes of each of the `venues` that a merged ladder was made of.

    None where there is nothing to take.
    """
    last = ladder.ends_at(ladder.units(Fraction(size)))
    prices, quotes, held, sources = ladder.rungs
    units, lots = [0] * len(venues), [0] * len(venues)
    for quote, base, source in zip(quotes[:last], held[:last], sources[:last], strict=True):
        units[source] += quote
        lots[source] += base
    taken = [ladder.quote(each) for each in units]
    bases = [Fraction(each, 10**ladder.base_scale) for each in lots]
    if last is not None:
        # The last level is taken in part: what the others leave of the size.
        rest, source = EXACT.subtract(size, ladder.quote(sum(units))), sources[last]
        taken[source] = EXACT.add(taken[source], rest)
        bases[source] += Fraction(rest) / Fraction(prices[last], 10**ladder.price_scale)
    elif not prices:
        return None
    filled = size if last is not None else ladder.quote(sum(units))
    portions = [
        Portion(
            venue=venue,
            quote=quote,
            share=float(Fraction(quote) / Fraction(filled)),
            base=float(base),
            average=float(Fraction(quote) / base),
        )
        for venue, quote, base in zip(venues, taken, bases, strict=True)
        if quote
    ]
    return Split(
        size=size,
        filled=filled,
        average=float(Fraction(filled) / sum(bases)),
        portions=tuple(sorted(portions, key=lambda each: -each.quote)),
    )
