"""The levels of a book in the very text they came in: what a venue's checksum is computed over."""

from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from sortedcontainers import SortedDict

from tidegauge.core.exact import parse
from tidegauge.core.side import Side, WireLevels

ReadLevels: TypeAlias = list[tuple[Decimal, tuple[str, str] | None]]
"""Each price, and its (price, size) as text; None where the size is zero and the level is gone."""


class Changes(NamedTuple):
    """What a frame says of both sides, read and found to be numbers."""

    bids: ReadLevels
    asks: ReadLevels


def read_changes(bids: WireLevels, asks: WireLevels) -> Changes:
    """Read the levels of a frame. Raises `MalformedFrame`."""
    return Changes(_read(bids), _read(asks))


class SpelledBook:
    """Both sides of one book, spelt as the venue spells them; the best `depth` levels of each.

    The book itself (`core.book`) keeps numbers, and one number has many spellings. `depth` is that
    of a subscription whose venue lets levels fall out of it without a word, None to keep them all.
    """

    __slots__ = ("_depth", "_sides")

    def __init__(self, whole: Changes, *, depth: int | None = None) -> None:
        self._depth = depth
        self._sides: dict[Side, Any] = {side: SortedDict() for side in Side}
        self.apply(whole)

    def apply(self, changes: Changes) -> None:
        """Set or remove levels; removing what is not there is normal."""
        for side, levels in ((Side.BID, changes.bids), (Side.ASK, changes.asks)):
            held = self._sides[side]
            for price, level in levels:
                if level is None:
                    held.pop(price, None)
                else:
                    held[price] = level
            while self._depth is not None and len(held) > self._depth:
                held.popitem(0 if side is Side.BID else -1)

    def top(self, side: Side, levels: int) -> list[tuple[str, str]]:
        """Return the best levels of one side as (price, size) text, best first."""
        held = self._sides[side]
        prices = reversed(held) if side is Side.BID else iter(held)
        return [held[price] for price in islice(prices, levels)]


def _read(levels: WireLevels) -> ReadLevels:
    return [(parse(price), (price, size) if parse(size) else None) for price, size in levels]
