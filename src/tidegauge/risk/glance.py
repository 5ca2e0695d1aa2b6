"""A look at what the crunch is judged by, and at nothing else.

Most updates of most books change nothing that matters, and no row is due for them. For these a
reading would be made only to be dropped: a glance asks the marks of the last one instead. Where it
cannot tell, or sees anything, a proper reading is taken.
"""

from decimal import Decimal
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.reading import Taker
from .depth import Depth
from .inverse import scales_of
from .plan import BPS, MeasurePlan
from .walk import fill_of, target_of


class Glance(NamedTuple):
    """Depth of each side within the judged band in quote, the spread, and the slippage of taking the
    reference notional, in bps; None: unknown, as in a reading."""

    bid: float | None
    ask: float | None
    spread_bps: float
    sell: float | None
    buy: float | None


def glance(book: OrderBook, plan: MeasurePlan, band: int, notional: Decimal) -> Glance | None:
    """Look at a book that was read by `plan`; both band and notional belong to it.

    Each value is that of a reading, to the last bit. None: it takes a reading to tell.
    """
    bid, ask = book.bids.touch, book.asks.touch
    if book.inverse or bid is None or ask is None or ask.ticks <= bid.ticks:
        return None
    if not (book.bids.marked_for is plan is book.asks.marked_for):
        return None
    mid2 = bid.ticks + ask.ticks
    scales = scales_of(book)
    base_unit: int = 10**scales.base
    quote_unit: int = 10**scales.quote
    target = target_of(notional, scales.quote)
    place, end = plan.bands.index(band), len(plan.bands) + plan.notionals.index(notional)
    seen: list[float | None] = []
    for taker in (Taker.SELL, Taker.BUY):
        depth = Depth(book, taker, mid2, plan, nearest=0)
        within, complete = depth.band_at(place, band)
        eaten = depth.value_at(end, target.ceiling)
        depth.done()
        if eaten.level is None:
            return None
        fill = fill_of(depth, target, scales, base_unit, *eaten)
        seen.append(within / quote_unit if complete else None)
        seen.append(None if fill.floor else fill.cost_bps)
    spread = 2 * BPS * (ask.ticks - bid.ticks) / mid2
    return Glance(seen[0], seen[2], spread, seen[1], seen[3])
