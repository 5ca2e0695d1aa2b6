"""One side of a book: levels in the order of their prices, and the spellings they came in."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from sortedcontainers import SortedDict

WireLevels: TypeAlias = Sequence[tuple[str, str]]
"""Levels as the venue wrote them: (price text, absolute size text); size zero removes the level."""

KEEP_SPELLINGS = 4
"""Interned prices are dropped when they outnumber the live levels this many times."""


class Side(StrEnum):
    BID = "bid"
    ASK = "ask"


class Level(Decimal):
    """A price that knows its own size.

    The book is keyed by `Decimal`, and a level *is* its `Decimal` key: a walk over the sorted keys
    then needs no look-up, and with it no hashing, for each level. `ticks` and `lots` are the price
    and the size as integers of the book's scales; a level with no lots is not in the book.
    """

    __slots__ = ("lots", "ticks")
    lots: int
    ticks: int


class BookSide:
    """The bids or the asks: a `SortedDict` in ascending price, and the spellings seen so far.

    A venue repeats the same price text for as long as a level lives, so text is looked up before
    it is parsed; two spellings of one price lead to the same `Level`.
    """

    __slots__ = ("by_price", "by_text", "cut", "levels", "side", "told_best", "touched", "window")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: Any = SortedDict()
        self.by_text: dict[str, Level] = {}
        self.by_price: dict[Decimal, Level] = {}
        self.window: int | None = None
        self.cut = False
        """A touch took levels out of a full window: what lay beyond it is not known."""
        self.told_best: Decimal | None = None
        """The best price of the last snapshot."""
        self.touched = False
        """A touch came after it."""

    def __len__(self) -> int:
        return len(self.levels)

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels, best first."""
        return reversed(self.levels) if self.side is Side.BID else iter(self.levels)

    def best(self) -> Level | None:
        """Return the highest bid or the lowest ask, None when the side is empty."""
        if not self.levels:
            return None
        level: Level = self.levels.keys()[-1 if self.side is Side.BID else 0]
        return level

    def worst(self) -> Level | None:
        """Return the level furthest from the touch, None when the side is empty."""
        if not self.levels:
            return None
        level: Level = self.levels.keys()[0 if self.side is Side.BID else -1]
        return level

    def set_all(self, changes: Iterable[tuple[Level, int]]) -> None:
        """Give each level its size; zero takes it out. Taking out what is not there is normal."""
        levels = self.levels
        for level, lots in changes:
            if lots:
                if not level.lots:
                    levels[level] = level
            elif level.lots:
                del levels[level]
            level.lots = lots

    def fill(self, told: Sequence[tuple[Level, int]]) -> None:
        """Give an empty side its levels; sorted once, where one by one would take thrice as long."""
        for level, lots in told:
            level.lots = lots
        self.levels.update({level: level for level, _ in told if level.lots})

    def clear(self) -> None:
        """Forget every level and every spelling."""
        self.told_best, self.touched = None, False
        self.levels.clear()
        self.by_text.clear()
        self.by_price.clear()

    def drop_worst(self) -> Level:
        """Remove and return the level furthest from the touch."""
        level: Level = self.levels.popitem(0 if self.side is Side.BID else -1)[0]
        level.lots = 0
        return level

    def empty(self) -> None:
        """Take every level out, and remember how prices are spelt."""
        for level in self.levels:
            level.lots = 0
        self.levels.clear()

    def forget_the_dead(self) -> None:
        """Drop the spellings of prices that left, once they outnumber the living."""
        if len(self.by_text) > KEEP_SPELLINGS * len(self.levels) + 4096:
            self.by_text = {text: level for text, level in self.by_text.items() if level.lots}
            self.by_price = {price: price for price in self.levels}
