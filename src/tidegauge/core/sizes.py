"""Size text to exact integers, each spelling parsed once."""

from decimal import Decimal

from .exact import EXACT, parse, to_units
from .side import FinerScale

KEEP_SIZES = 65_536
"""Size texts of one scale that are remembered; past this many they are forgotten together."""


class SizeTable(dict[str, int]):
    """Size text to lots of 10^-scale, the venue's size times `contract_value`.

    Raises `MalformedFrame` for text that is no size, `FinerScale` for one that does not fit.
    """

    __slots__ = ("contract_value", "scale")

    def __init__(self, scale: int, contract_value: Decimal) -> None:
        super().__init__()
        self.scale = scale
        self.contract_value = contract_value

    def __missing__(self, text: str) -> int:
        lots = to_units(EXACT.multiply(parse(text), self.contract_value), self.scale)
        if lots is None:
            raise FinerScale
        if len(self) >= KEEP_SIZES:
            self.clear()
        self[text] = lots
        return lots


_TABLES: dict[tuple[int, Decimal], SizeTable] = {}


def sizes_of(scale: int, contract_value: Decimal) -> SizeTable:
    """Return the table for a scale and contract value.

    All books of the process share it: what a text means follows from these two alone, and a
    thousand books that each remembered their own would be most of the memory.
    """
    key = (scale, contract_value)
    if key not in _TABLES:
        _TABLES[key] = SizeTable(scale, contract_value)
    return _TABLES[key]
