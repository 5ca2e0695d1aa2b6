"""One reading of one book, exact (docs/signals.md §1).

Prices are integers of ticks and sizes integers of lots until one correctly rounded division at the
end; what leaves as `Decimal` is exact. Bands are found by bisection and summed in one pass a side,
no deeper than the widest band; slippages are one walk a side, no deeper than the largest size.
Of an inverse book (`risk.inverse`) the quote is exact, and the base of a level is derived: a `Decimal`
of base is then rounded to 18 decimals.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from ..core.book import OrderBook
from ..core.exact import from_units, to_units
from ..core.reading import BandDepth, Fill, MaxSize, Origin, Quotability, Reading, Taker
from ..core.side import BookSide, Level, Side
from . import inverse
from .walk import BPS, max_size, target_of, walk_fills


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """What a reading holds beside the touch.

    `bands` and `max_size_bps` are in basis points, below 10,000; `notionals` in quote; all are kept
    sorted and without repeats. Raises `ValueError` for a number that asks nothing.
    """

    bands: tuple[int, ...] = (10, 50, 100)
    imbalance_levels: int = 10
    notionals: tuple[Decimal, ...] = (Decimal(100_000), Decimal(500_000), Decimal(1_000_000))
    max_size_bps: tuple[int, ...] = (10,)

    def __post_init__(self) -> None:
        if not all(0 < bps < BPS for bps in (*self.bands, *self.max_size_bps)):
            raise ValueError("bands and max_size_bps must lie between 0 and 10,000 bps")
        if not all(notional.is_finite() and notional > 0 for notional in self.notionals):
            raise ValueError("a notional must be positive")
        if self.imbalance_levels < 1:
            raise ValueError("imbalance_levels must be positive")
        for name in ("bands", "notionals", "max_size_bps"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))

    def adding(
        self, *, notionals: Iterable[Decimal] = (), bands: Iterable[int] = ()
    ) -> "MeasurePlan":
        """Return this plan with more to measure, such as a book's reference notional."""
        return replace(self, notionals=(*self.notionals, *notionals), bands=(*self.bands, *bands))


def measure(book: OrderBook, plan: MeasurePlan, origin: Origin) -> Reading | None:
    """Return the reading of a LIVE book, None when it is crossed or locked (not quotable).

    A book that lacks a side has neither mid, spread, depth, slippage nor imbalance.
    """
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return _one_sided(book, bid, ask, origin)
    if bid.ticks >= ask.ticks:
        return None
    mid2 = bid.ticks + ask.ticks
    spread = ask.ticks - bid.ticks
    fills, max_sizes = _walk_both(book, mid2, plan)
    return Reading(
        origin=origin,
        quotability=Quotability.QUOTED,
        best_bid=Decimal(bid),
        best_bid_size=_base_of(book, bid),
        best_ask=Decimal(ask),
        best_ask_size=_base_of(book, ask),
        mid=from_units(mid2 * 5, book.price_scale + 1),
        microprice=_microprice(book, bid, ask),
        spread=from_units(spread, book.price_scale),
        spread_bps=2 * BPS * spread / mid2,
        bid_levels=len(book.bids),
        ask_levels=len(book.asks),
        imbalance=_top_imbalance(book, plan.imbalance_levels),
        bands=_bands(book, mid2, plan.bands),
        fills=fills,
        max_sizes=max_sizes,
    )


def _one_sided(book: OrderBook, bid: Level | None, ask: Level | None, origin: Origin) -> Reading:
    return Reading(
        origin=origin,
        quotability=Quotability.ONE_SIDED,
        best_bid=None if bid is None else Decimal(bid),
        best_bid_size=None if bid is None else _base_of(book, bid),
        best_ask=None if ask is None else Decimal(ask),
        best_ask_size=None if ask is None else _base_of(book, ask),
        mid=None,
        microprice=None,
        spread=None,
        spread_bps=None,
        bid_levels=len(book.bids),
        ask_levels=len(book.asks),
        imbalance=None,
        bands=(),
        fills=(),
        max_sizes=(),
    )


def _base_of(book: OrderBook, level: Level) -> Decimal:
    return inverse.base_size(book, [level]) if book.inverse else book.size(level)


def _microprice(book: OrderBook, bid: Level, ask: Level) -> float:
    if book.inverse:
        return inverse.microprice(book, bid, ask)
    unit: int = 10**book.price_scale
    return (bid.ticks * ask.lots + ask.ticks * bid.lots) / ((bid.lots + ask.lots) * unit)


def _walk_both(
    book: OrderBook, mid2: int, plan: MeasurePlan
) -> tuple[tuple[Fill, ...], tuple[MaxSize, ...]]:
    takers = (Taker.SELL, Taker.BUY)
    largest = inverse.max_size if book.inverse else max_size
    if book.inverse:
        targets = [target_of(notional, book.size_scale) for notional in plan.notionals]
        fills = [inverse.walk_fills(book, taker, mid2, targets) for taker in takers]
    else:
        fills = [walk_fills(book, taker, mid2, plan.notionals) for taker in takers]
    return (
        tuple([fill for side in fills for fill in side]),
        tuple([largest(book, taker, mid2, bps) for taker in takers for bps in plan.max_size_bps]),
    )


def _top_imbalance(book: OrderBook, levels: int) -> float:
    if book.inverse:
        return inverse.top_imbalance(book, levels)
    bids = sum([level.lots for level in islice(book.bids, levels)])
    asks = sum([level.lots for level in islice(book.asks, levels)])
    return (bids - asks) / (bids + asks)


def _bands(book: OrderBook, mid2: int, bands: tuple[int, ...]) -> tuple[BandDepth, ...]:
    bids = _side_bands(book, book.bids, mid2, bands)
    asks = _side_bands(book, book.asks, mid2, bands)
    quote_scale = book.size_scale if book.inverse else book.price_scale + book.size_scale
    return tuple(
        BandDepth(
            bps=bps,
            bid_base=bid_base,
            bid_quote=from_units(bid_quote, quote_scale),
            ask_base=ask_base,
            ask_quote=from_units(ask_quote, quote_scale),
            bid_complete=bid_complete,
            ask_complete=ask_complete,
            imbalance=(bid_quote - ask_quote) / (bid_quote + ask_quote)
            if bid_quote or ask_quote
            else None,
        )
        for bps, (bid_base, bid_quote, bid_complete), (ask_base, ask_quote, ask_complete) in zip(
            bands, bids, asks, strict=True
        )
    )


def _side_bands(
    book: OrderBook, side: BookSide, mid2: int, bands: tuple[int, ...]
) -> list[tuple[Decimal, int, bool]]:
    """Return (base, quote units, complete) of each band, summing every level once."""
    limit = book.known_limit(side.side)
    known = None if limit is None else to_units(limit, book.price_scale)
    counts, complete = [], []
    for bps in bands:
        if side.side is Side.BID:
            edge = mid2 * (BPS - bps)  # in ticks, times 20,000
            inside = from_units(-(-edge // (2 * BPS)), book.price_scale)
            counts.append(len(side) - side.levels.bisect_left(inside))
            complete.append(known is None or known * 2 * BPS <= edge)
        else:
            edge = mid2 * (BPS + bps)
            inside = from_units(edge // (2 * BPS), book.price_scale)
            counts.append(side.levels.bisect_right(inside))
            complete.append(known is None or known * 2 * BPS >= edge)
    levels = list(islice(side, counts[-1])) if counts else []
    lots = quote = start = 0
    sums = []
    for count, known_so_far in zip(counts, complete, strict=True):
        part = levels[start:count]
        lots += sum([level.lots for level in part])
        start = count
        if book.inverse:
            sums.append((inverse.base_size(book, levels[:count]), lots, known_so_far))
            continue
        quote += sum([level.ticks * level.lots for level in part])
        sums.append((from_units(lots, book.size_scale), quote, known_so_far))
    return sums
