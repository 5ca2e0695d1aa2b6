"""Exact arithmetic: scaled integers inside, `Decimal` at the edges, one rounding at most.

A price is an integer of 10^-price_scale quote units (`ticks`), a size an integer of 10^-size_scale
base units (`lots`). Python divides two integers with correct rounding, so a ratio of such sums is
the exact rational rounded once.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation

from .errors import MalformedFrame

EXACT = Context(prec=400, Emax=10_000, Emin=-10_000, traps=[InvalidOperation, Inexact])
"""A context that raises rather than round."""

LARGEST = Decimal(10) ** 18
MOST_DIGITS = 60
"""Digits, trailing zeros included, that a number on the wire may have."""


def parse(text: str) -> Decimal:
    """Read a price or size as the venue wrote it: plain or exponent form, never negative.

    Raises `MalformedFrame` for anything but a finite number from 0 to 1e18 with at most 18
    decimals: no market quotes such a thing, and a book must not hold it.
    """
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        raise MalformedFrame(f"not a number: {text[:40]!r}") from None
    if not value.is_finite() or value.is_signed() or "_" in text or not text.isascii():
        raise MalformedFrame(f"not a price or a size: {text[:40]!r}")
    _sign, digits, exponent = value.as_tuple()
    too_long = len(digits) > MOST_DIGITS or (isinstance(exponent, int) and exponent < -MOST_DIGITS)
    if too_long or value > LARGEST:
        raise MalformedFrame(f"not a number any market quotes: {text[:40]!r}")
    return value


def to_units(value: Decimal, scale: int) -> int | None:
    """Return `value` as an integer of 10^-scale, or None when that would lose digits."""
    scaled = EXACT.scaleb(value, scale)
    units = int(scaled)
    return units if units == scaled else None


def from_units(units: int, scale: int) -> Decimal:
    """Return `units` of 10^-scale as the exact `Decimal`."""
    return EXACT.scaleb(Decimal(units), -scale)
