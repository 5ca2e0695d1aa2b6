"""Reads amounts as people write them: 250000, 250k, 1.5M."""

from decimal import Decimal, DecimalException

SCALES = {"k": Decimal(1_000), "m": Decimal(1_000_000)}


def scaled(text: str) -> Decimal | None:
    """Return the number that a text says, with k for thousands and m for millions; None where it says
    none, or one that nothing can be done with. Whether it is an amount is the caller's to judge."""
    scale = SCALES.get(text[-1:].lower())
    try:
        return Decimal(text) if scale is None else Decimal(text[:-1]) * scale
    except DecimalException:
        return None
