"""One side of a linear book as one reading sees it: sums up to a size, a limit or a price.

The nearest levels are added up one by one; deeper, whole buckets of the side (`core.side`), and
levels only in the bucket where the sum ends. So a sum costs what is near the touch, and next to
nothing for the thousands of levels behind it.
"""

from bisect import bisect_left
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.reading import Taker
from ..core.side import FAR, Level, Side

BPS = 10_000

NEAREST = 16
"""Levels that are added up one by one: the sizes most asked for end among them."""

STRIDES = (64, 16, 4, 1)
"""Buckets that are tried at once; a stride that is too long is followed by shorter ones."""

_BY_TICKS = attrgetter("ticks")


class Eaten(NamedTuple):
    """Lots and value (ticks times lots) of the levels before `level`; None: there are no more."""

    lots: int
    value: int
    level: Level | None


class Reached(NamedTuple):
    """A bucket, and lots and value of all before it."""

    bucket: int
    lots: int
    value: int


def walked_side(taker: Taker) -> Side:
    """Return the side a taker eats: a buy the asks, a sell the bids."""
    return Side.ASK if taker is Taker.BUY else Side.BID


class Depth:
    """The side that a taker eats; it must hold a level. `mid2` is twice the mid in ticks.

    `levels` are the nearest, best first; `lots` and `values` their running sums. `known` is how far
    the venue told of the side, in ticks; None: all of it.
    """

    __slots__ = ("_so_far", "known", "levels", "lots", "mid2", "side", "sign", "taker", "values")

    def __init__(self, book: OrderBook, taker: Taker, mid2: int) -> None:
        side = walked_side(taker)
        self.taker = taker
        # A buy is the worse the higher its price is, a sell the lower.
        self.sign = 1 if taker is Taker.BUY else -1
        self.mid2 = mid2
        self.side = book.side(side)
        self.known = book.known_ticks(side)
        self.levels = levels = self.side.nearest(NEAREST)
        self.lots = list(accumulate([level.lots for level in levels]))
        self.values = list(accumulate([level.ticks * level.lots for level in levels]))
        self._so_far = Reached(levels[0].bucket, 0, 0)

    def beyond(self, ticks: int) -> bool:
        """Whether a price lies outside what the venue told us of in this epoch."""
        if self.known is None:
            return False
        return ticks > self.known if self.sign > 0 else ticks < self.known

    def lots_of(self, levels: int) -> int:
        """Return the lots of the best `levels`, or of all where there are fewer."""
        if levels > NEAREST:
            return sum([level.lots for level in self.side.nearest(levels)])
        return self.lots[min(levels, len(self.lots)) - 1]

    def until_value(self, value: int) -> Eaten:
        """Return what is eaten before the level in which `value` is reached.

        Asked for ascending values, each goes on in the bucket where the one before ended.
        """
        index = bisect_left(self.values, value)
        if index < len(self.levels):
            if not index:
                return Eaten(0, 0, self.levels[0])
            return Eaten(self.lots[index - 1], self.values[index - 1], self.levels[index])
        self._so_far = self._buckets(self._so_far, 0, 1, value)
        return self._levels(self._so_far, 0, 1, value)

    def while_below(self, of_lots: int, of_value: int, bound: int) -> Eaten:
        """Return what is eaten before the level that takes of_lots · lots + of_value · value to
        `bound`. Once it is there it must not fall below it again."""
        reached = self._buckets(Reached(self.levels[0].bucket, 0, 0), of_lots, of_value, bound)
        return self._levels(reached, of_lots, of_value, bound)

    def _buckets(self, start: Reached, of_lots: int, of_value: int, bound: int) -> Reached:
        """Take whole buckets, from `start` on, while they stay below the bound."""
        side, sign = self.side, self.sign
        lots_in, value_in = side.lots_in, side.value_in
        bucket, lots, value = start
        for stride in STRIDES:
            while 0 <= bucket < FAR:
                if sign > 0:
                    low, high = bucket, min(bucket + stride, FAR)
                else:
                    low, high = max(bucket + 1 - stride, 0), bucket + 1
                more_lots = lots + sum(lots_in[low:high])
                more_value = value + sum(value_in[low:high])
                if of_lots * more_lots + of_value * more_value >= bound:
                    break
                lots, value = more_lots, more_value
                bucket = high if sign > 0 else low - 1
        return Reached(bucket if 0 <= bucket < FAR else FAR, lots, value)

    def _levels(self, start: Reached, of_lots: int, of_value: int, bound: int) -> Eaten:
        """Take the levels of the bucket at `start` one by one while they stay below the bound."""
        bucket, lots, value = start
        members = self.side.members.get(bucket, {}).values()
        live = [level for level in members if level.lots]
        live.sort(key=_BY_TICKS, reverse=self.sign < 0)
        for level in live:
            more_lots, more_value = lots + level.lots, value + level.ticks * level.lots
            if of_lots * more_lots + of_value * more_value >= bound:
                return Eaten(lots, value, level)
            lots, value = more_lots, more_value
        return Eaten(lots, value, None)

    def bands(self, widths: tuple[int, ...]) -> list[tuple[int, int, bool]]:
        """Return (lots, value, complete) within each width (bps, ascending) of the mid."""
        side, sign, known = self.side, self.sign, self.known
        lots_in, value_in = side.lots_in, side.value_in
        at, lots, value = self.levels[0].bucket, 0, 0
        found = []
        for bps in widths:
            over = self.mid2 * (BPS + sign * bps)  # the edge in ticks, times 20,000
            edge = over // (2 * BPS) if sign > 0 else -(-over // (2 * BPS))
            ends_in = (edge >> side.shift) - side.base
            # Whole buckets from where the narrower band ended, then a part of the last one.
            low, high = (at, min(ends_in, FAR)) if sign > 0 else (max(ends_in, -1) + 1, at + 1)
            if low < high:
                lots += sum(lots_in[low:high])
                value += sum(value_in[low:high])
                at = high if sign > 0 else low - 1
            part_lots = part_value = 0
            rest = side.members.get(ends_in if 0 <= ends_in < FAR else FAR)
            if rest is not None:
                inside = [
                    level
                    for level in rest.values()
                    if level.lots and sign * level.ticks <= sign * edge
                ]
                part_lots = sum([level.lots for level in inside])
                part_value = sum([level.ticks * level.lots for level in inside])
            complete = known is None or sign * known * 2 * BPS >= sign * over
            found.append((lots + part_lots, value + part_value, complete))
        return found
