"""Label values: short, printable, and no two alike that were different."""

from decimal import Decimal
from hashlib import blake2b

LONGEST = 64
"""Characters. A name that is longer is no name that a desk would look for."""

MARK = 9
"""`~` and eight digits: what tells apart names that look alike once they are cut."""


def clean(text: str) -> str:
    """Return `text`, or, where it is too long or cannot be shown, as much of it and a digest."""
    if len(text) <= LONGEST and text.isprintable():
        return text
    shown = "".join(each if each.isprintable() else "?" for each in text[: LONGEST - MARK])
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{shown}~{digest}"


def size(amount: Decimal) -> str:
    """Write a size without exponent or needless zeros: it is looked for by its text."""
    return f"{amount.normalize():f}"
