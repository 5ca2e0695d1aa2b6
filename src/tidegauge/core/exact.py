"""Exact arithmetic: scaled integers inside, `Decimal` at the edges, one rounding at most.

A price is an integer of 10^-price_scale quote units (`ticks`), a size an integer of 10^-size_scale
base units (`lots`). Python divides two integers with correct rounding, so a ratio of such sums is
the exact rational rounded once.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation

from .errors import MalformedFrame

EXACT = Context(prec=400, Emax=10_000, Emin=-10_000, traps=[InvalidOperation, Inexact])
"""A context that raises rather than round."""

LARGEST = Decimal(10) ** 18
MOST_DIGITS = 60
"""Digits, trailing zeros included, that a number on the wire may have."""

NUMBER = re.compile(r"\+?(?:[0-9]{1,60}\.?[0-9]{0,60}|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,4})?")
"""`Decimal` itself would read NaN, spaces, underscores and the digits of every script."""


def parse(text: str) -> Decimal:
    """Read a price or size as the venue wrote it: plain or exponent form, never negative.

    Raises `MalformedFrame` for anything but a finite number from 0 to 1e18 with at most 18
    decimals: no market quotes such a thing, and a book must not hold it.
    """
    if not isinstance(text, str) or NUMBER.fullmatch(text) is None:
        raise MalformedFrame(f"not a price or a size: {str(text)[:40]!r}")
    value = Decimal(text)
    # Short text without an exponent can be neither too long nor too small.
    plain = len(text) <= MOST_DIGITS and "e" not in text and "E" not in text
    if (not plain and _is_long(value)) or value > LARGEST:
        raise MalformedFrame(f"not a number any market quotes: {text[:40]!r}")
    return value


PLAIN_DIGITS = 18
"""Text of no more digits is below `LARGEST`, and has no more decimals than any market."""


def plain_units(text: str, scale: int) -> int | None:
    """Read plain text, such as `61000.10`, as an integer of 10^-scale.

    None for what is longer, finer or spelt otherwise: `parse` decides about that. Most text is
    plain, and `Decimal` would cost three times as much.
    """
    whole, _point, fraction = text.partition(".")
    digits = whole + fraction
    if not digits.isdigit() or not digits.isascii() or len(digits) > PLAIN_DIGITS:
        return None
    finer = scale - len(fraction)
    if finer >= 0:
        return int(digits) * int(10**finer)
    return int(digits[:finer]) if not digits[finer:].strip("0") and digits[:finer] else None


def _is_long(value: Decimal) -> bool:
    _sign, digits, exponent = value.as_tuple()
    return len(digits) > MOST_DIGITS or (isinstance(exponent, int) and exponent < -MOST_DIGITS)


def to_units(value: Decimal, scale: int) -> int | None:
    """Return `value` as an integer of 10^-scale, or None when that would lose digits."""
    scaled = EXACT.scaleb(value, scale)
    units = int(scaled)
    return units if units == scaled else None


def from_units(units: int, scale: int) -> Decimal:
    """Return `units` of 10^-scale as the exact `Decimal`."""
    return EXACT.scaleb(Decimal(units), -scale)


def is_amount(value: Decimal) -> bool:
    """Whether a number from a person can be calculated with exactly: at most 1e18, of either sign,
    written with at most 60 decimals."""
    exponent = value.as_tuple().exponent
    fine = isinstance(exponent, int) and exponent >= -MOST_DIGITS
    return fine and value.copy_abs() <= LARGEST


def plain(value: Decimal) -> Decimal:
    """Return the same number, of which the text has no exponent, and no zeros behind its point."""
    return Decimal(f"{value.normalize(EXACT):f}")
