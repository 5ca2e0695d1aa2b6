"""A reading recomputed the slow way: `Fraction` throughout, each float rounded once at the end.

Written from docs/signals.md §1 alone; it shares nothing with `tidegauge.risk.measure`.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.core.side import Side
from tidegauge.risk.measure import MeasurePlan

Levels = list[tuple[Fraction, Fraction]]


def naive_reading(book: OrderBook, plan: MeasurePlan) -> dict[str, Any]:
    """Return every measured field of a quotable two-sided book, by name."""
    bids, asks = levels(book, Side.BID), levels(book, Side.ASK)
    (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
    mid = (bid + ask) / 2
    k = plan.imbalance_levels
    fills = [
        naive_fill(book, taker, mid, Fraction(notional))
        for taker in (Taker.SELL, Taker.BUY)
        for notional in plan.notionals
    ]
    sizes = [
        naive_max_size(book, taker, mid, bps)
        for taker in (Taker.SELL, Taker.BUY)
        for bps in plan.max_size_bps
    ]
    return {
        "mid": mid,
        "best_bid_size": base(book, bid_size),
        "best_ask_size": base(book, ask_size),
        "spread": ask - bid,
        "spread_bps": float(10_000 * (ask - bid) / mid),
        "microprice": float((bid * ask_size + ask * bid_size) / (bid_size + ask_size)),
        "imbalance": balance(sum(s for _, s in bids[:k]), sum(s for _, s in asks[:k])),
        "bands": [naive_band(book, mid, bps) for bps in plan.bands],
        "fills": fills,
        "max_sizes": sizes,
    }


def levels(book: OrderBook, side: Side) -> Levels:
    """Return one side as fractions of quote and of base, best first."""
    return [
        (Fraction(price), Fraction(size) / (Fraction(price) if book.inverse else 1))
        for price, size in book.top(side, 10**6)
    ]


def base(book: OrderBook, size: Fraction) -> Fraction:
    """Return a base size as a reading tells it: derived ones have 12 decimals."""
    return Fraction(round(size * 10**12), 10**12) if book.inverse else size


def balance(bid: Any, ask: Any) -> float | None:
    """Return (B - A) / (B + A), None when both are 0."""
    return float(Fraction(bid - ask) / (bid + ask)) if bid or ask else None


def naive_band(book: OrderBook, mid: Fraction, bps: int) -> dict[str, Any]:
    """Return the depth within `bps` of the mid."""
    low, high = mid * (1 - Fraction(bps, 10_000)), mid * (1 + Fraction(bps, 10_000))
    bids = [(p, s) for p, s in levels(book, Side.BID) if p >= low]
    asks = [(p, s) for p, s in levels(book, Side.ASK) if p <= high]
    known_bid, known_ask = book.known_limit(Side.BID), book.known_limit(Side.ASK)
    bid_quote, ask_quote = sum(p * s for p, s in bids), sum(p * s for p, s in asks)
    return {
        "bps": bps,
        "bid_base": base(book, sum((s for _, s in bids), Fraction())),
        "bid_quote": bid_quote,
        "ask_base": base(book, sum((s for _, s in asks), Fraction())),
        "ask_quote": ask_quote,
        "bid_complete": known_bid is None or Fraction(known_bid) <= low,
        "ask_complete": known_ask is None or Fraction(known_ask) >= high,
        "imbalance": balance(bid_quote, ask_quote),
    }


def naive_fill(book: OrderBook, taker: Taker, mid: Fraction, notional: Fraction) -> dict[str, Any]:
    """Walk level by level until `notional` is done."""
    side = Side.ASK if taker is Taker.BUY else Side.BID
    quote = base = Fraction(0)
    worst = Fraction(0)
    for price, size in levels(book, side):
        if quote == notional:
            break
        taken = min(size, (notional - quote) / price)
        base, quote, worst = base + taken, quote + taken * price, price
    filled = quote == notional
    average = quote / base
    sign = 1 if taker is Taker.BUY else -1
    slippage = sign * 10_000 * (average - mid) / mid
    return {
        "taker": taker,
        "notional": notional,
        "filled": filled,
        "filled_fraction": float(quote / notional),
        "base": float(base),
        "average": float(average),
        "worst": worst,
        "slippage_bps": float(slippage) if filled else None,
        "partial_slippage_bps": None if filled else float(slippage),
        "slippage_cost": float(abs(average - mid) * base) if filled else None,
        "floor": ends_beyond(book, side, worst) if filled else book.known_limit(side) is not None,
    }


def ends_beyond(book: OrderBook, side: Side, price: Fraction) -> bool:
    """Whether `price` lies outside the side's known range."""
    known = book.known_limit(side)
    if known is None:
        return False
    return price < Fraction(known) if side is Side.BID else price > Fraction(known)


def naive_max_size(book: OrderBook, taker: Taker, mid: Fraction, bps: int) -> dict[str, Any]:
    """Return the largest notional whose average stays within `bps`, rounded down."""
    side = Side.ASK if taker is Taker.BUY else Side.BID
    sign = 1 if taker is Taker.BUY else -1
    limit = mid * (1 + sign * Fraction(bps, 10_000))
    quote = base = Fraction(0)
    floor = book.known_limit(side) is not None
    for price, size in levels(book, side):
        if sign * ((quote + price * size) / (base + size) - limit) > 0:
            part = (limit * base - quote) / (price - limit)
            quote += part * price
            floor = ends_beyond(book, side, price)
            break
        base, quote = base + size, quote + price * size
    unit = Fraction(1, 10 ** (book.price_scale + book.size_scale))
    return {
        "taker": taker,
        "bps": bps,
        "notional": quote // unit * unit,
        "floor": floor,
    }


def same(measured: Any, naive: dict[str, Any]) -> bool:
    """Whether every field of a measured record is bit-equal to the naive one."""
    for name, expected in naive.items():
        found = getattr(measured, name)
        if isinstance(found, Decimal):
            if Fraction(found) != expected:
                return False
        elif found != expected or type(found) is not type(expected):
            return False
    return True
