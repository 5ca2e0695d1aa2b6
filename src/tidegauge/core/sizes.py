"""Size text to exact integers, each spelling parsed once."""

from decimal import Decimal

from .exact import EXACT, parse, plain_units, to_units
from .instrument import decimals
from .level import FinerScale

KEEP_SIZES = 65_536
"""Size texts of one scale that are remembered; past this many they are forgotten together."""


class SizeTable(dict[str, int]):
    """Size text to lots of 10^-scale, the venue's size times `contract_value`.

    Raises `MalformedFrame` for text that is no size, `FinerScale` for one that does not fit.
    """

    __slots__ = ("_factor", "_places", "contract_value", "scale")

    def __init__(self, scale: int, contract_value: Decimal) -> None:
        super().__init__()
        self.scale = scale
        self.contract_value = contract_value
        places = decimals(contract_value)
        self._places, self._factor = scale - places, to_units(contract_value, places) or 0

    def __missing__(self, text: str) -> int:
        plain = plain_units(text, self._places) if self._places >= 0 else None
        lots = self._slowly(text) if plain is None else plain * self._factor
        if len(self) >= KEEP_SIZES:
            self.clear()
        self[text] = lots
        return lots

    def _slowly(self, text: str) -> int:
        lots = to_units(EXACT.multiply(parse(text), self.contract_value), self.scale)
        if lots is None:
            raise FinerScale
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
