"""A price level that knows its size, the spellings that lead to it, and a mark at its price."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from .errors import MalformedFrame
from .exact import parse, plain_units, to_units

WireLevels: TypeAlias = Sequence[tuple[str, str]]
"""Levels as the venue wrote them: (price text, absolute size text); size zero removes the level."""


class Side(StrEnum):
    BID = "bid"
    ASK = "ask"


class Level(Decimal):
    """A price that knows its own size.

    The book is keyed by `Decimal`, and a level *is* its `Decimal` key: a walk over the sorted keys
    then needs no look-up, and with it no hashing, for each level. `ticks` and `lots` are the price
    and the size as integers of the book's scales; a level with no lots is remembered, and not in
    the book. `bucket` is where its side adds it up, `listed` whether it stands among the side's
    sorted levels.
    """

    __slots__ = ("bucket", "listed", "lots", "ticks")
    bucket: int
    listed: bool
    lots: int
    ticks: int


class Mark:
    """A price, and lots and value of all levels from the touch to it, itself included.

    `level` is the one that stands there, where it was marked for its level's sake.
    """

    __slots__ = ("edge", "level", "lots", "value")

    def __init__(self, edge: int, lots: int, value: int, level: Level | None = None) -> None:
        self.edge = edge
        self.lots = lots
        self.value = value
        self.level = level


class FinerScale(Exception):
    """A number has more decimals than the book's scale holds."""


class Spellings(dict[str, Level]):
    """Price text to level, by `intern` where it is new.

    Text is parsed the first time it is seen: a venue repeats it for as long as the level lives.
    Two spellings of one price lead to the same `Level`. Raises `MalformedFrame` for text that is no
    price, `FinerScale` for one that does not fit.
    """

    __slots__ = ("_intern", "scale")

    def __init__(self, intern: Callable[[str, int], Level], scale: int) -> None:
        super().__init__()
        self._intern = intern
        self.scale = scale

    def __missing__(self, text: str) -> Level:
        ticks = plain_units(text, self.scale)
        if ticks is None:
            ticks = to_units(parse(text), self.scale)
            if ticks is None:
                raise FinerScale
        if not ticks:
            raise MalformedFrame("a price of zero")
        level = self[text] = self._intern(text, ticks)
        return level

    def levels(self) -> list[Level]:
        """Return every level that a spelling leads to, once."""
        return list({id(level): level for level in self.values()}.values())
