"""One reading of one book, exact (docs/signals.md §1).

Prices are integers of ticks and sizes integers of lots until one correctly rounded division at the
end. Bands, fills and largest sizes are sums over the buckets of a side (`risk.depth`), so that a
reading costs much the same whether a book holds a hundred levels or fifty thousand.
Of an inverse book (`risk.inverse`) the quote is exact, and the base of a level is derived: a `Decimal`
of base is then rounded to 12 decimals, which still fit a bigint.
"""

from ..core.book import OrderBook
from ..core.reading import BandDepth, Origin, Quotability, Reading, Taker
from ..core.side import Level
from . import inverse
from .depth import NEAREST, Depth
from .inverse import Measured, scales_of
from .plan import BPS, MeasurePlan
from .walk import max_size, walk_fills

__all__ = ["MeasurePlan", "measure"]


def measure(book: OrderBook, plan: MeasurePlan, origin: Origin) -> Reading | None:
    """Return the reading of a LIVE book, None when it is crossed or locked (not quotable).

    A book that lacks a side has neither mid, spread, depth, slippage nor imbalance.
    """
    bid, ask = book.bids.touch, book.asks.touch
    if bid is None or ask is None:
        return _one_sided(book, bid, ask, origin)
    mid2, spread = bid.ticks + ask.ticks, ask.ticks - bid.ticks
    if spread <= 0:
        return None
    measured = inverse.measured if book.inverse else _linear
    bands, fills, max_sizes, imbalance = measured(book, mid2, plan)
    return Reading(
        origin=origin,
        quotability=Quotability.QUOTED,
        scales=scales_of(book),
        bid_ticks=bid.ticks,
        bid_units=_base_of(book, bid),
        ask_ticks=ask.ticks,
        ask_units=_base_of(book, ask),
        microprice=_microprice(book, bid, ask),
        spread_bps=2 * BPS * spread / mid2,
        bid_levels=len(book.bids),
        ask_levels=len(book.asks),
        imbalance=imbalance,
        bands=bands,
        fills=fills,
        max_sizes=max_sizes,
    )


def _one_sided(book: OrderBook, bid: Level | None, ask: Level | None, origin: Origin) -> Reading:
    return Reading(
        origin=origin,
        quotability=Quotability.ONE_SIDED,
        scales=scales_of(book),
        bid_ticks=None if bid is None else bid.ticks,
        bid_units=None if bid is None else _base_of(book, bid),
        ask_ticks=None if ask is None else ask.ticks,
        ask_units=None if ask is None else _base_of(book, ask),
        microprice=None,
        spread_bps=None,
        bid_levels=len(book.bids),
        ask_levels=len(book.asks),
        imbalance=None,
        bands=(),
        fills=(),
        max_sizes=(),
    )


def _base_of(book: OrderBook, level: Level) -> int:
    return inverse.base_units(book, [level]) if book.inverse else level.lots


def _microprice(book: OrderBook, bid: Level, ask: Level) -> float:
    if book.inverse:
        return inverse.microprice(book, bid, ask)
    unit: int = 10**book.price_scale
    return (bid.ticks * ask.lots + ask.ticks * bid.lots) / ((bid.lots + ask.lots) * unit)


def _linear(book: OrderBook, mid2: int, plan: MeasurePlan) -> Measured:
    scales = scales_of(book)
    few = plan.imbalance_levels
    bids = Depth(book, Taker.SELL, mid2, plan, max(few, NEAREST))
    asks = Depth(book, Taker.BUY, mid2, plan, max(few, NEAREST))
    bands = [
        BandDepth(
            bps=bps,
            scales=scales,
            bid_base_units=bid_lots,
            bid_quote_units=bid_value,
            ask_base_units=ask_lots,
            ask_quote_units=ask_value,
            bid_complete=bid_complete,
            ask_complete=ask_complete,
        )
        for bps, (bid_lots, bid_value, bid_complete), (ask_lots, ask_value, ask_complete) in zip(
            plan.bands, bids.bands(plan.bands), asks.bands(plan.bands), strict=True
        )
    ]
    fills = [
        *walk_fills(bids, plan.notionals, scales),
        *walk_fills(asks, plan.notionals, scales),
    ]
    max_sizes = [max_size(side, bps, scales) for side in (bids, asks) for bps in plan.max_size_bps]
    bids.done()
    asks.done()
    bid = sum([level.lots for level in bids.levels[:few]])
    ask = sum([level.lots for level in asks.levels[:few]])
    return Measured(tuple(bands), tuple(fills), tuple(max_sizes), (bid - ask) / (bid + ask))
