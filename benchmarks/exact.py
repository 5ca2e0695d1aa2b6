"""The oracle of floats: recomputed from the textbook's book in fractions, and rounded once at the end."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import islice

from .textbook import SIZES, Textbook

BPS = 10_000
TOP = 10


def exact_floats(textbook: Textbook) -> dict[str, float | None]:
    """Return spread, imbalance and slippages of the book as it stands, each the nearest float."""
    bid, ask = map(Fraction, textbook.touch())
    mid = (bid + ask) / 2
    bids = sum(Fraction(size) for _, size in islice(reversed(textbook.bids.items()), TOP))
    asks = sum(Fraction(size) for _, size in islice(textbook.asks.items(), TOP))
    found: dict[str, float | None] = {
        "spread_bps": float(BPS * (ask - bid) / mid),
        "imbalance": float(Fraction(bids - asks, bids + asks)),
    }
    for size in SIZES:
        found[f"sell_{size}"] = _slippage(reversed(textbook.bids.items()), size, mid, -1)
        found[f"buy_{size}"] = _slippage(textbook.asks.items(), size, mid, 1)
    return found


def _slippage(
    levels: Iterable[tuple[Decimal, Decimal]], size: Decimal, mid: Fraction, sign: int
) -> float | None:
    left, base = Fraction(size), Fraction(0)
    for price, quantity in levels:
        value = Fraction(price) * Fraction(quantity)
        if value >= left:
            base += left / Fraction(price)
            return float(BPS * sign * (Fraction(size) / base - mid) / mid)
        base += Fraction(quantity)
        left -= value
    return None
