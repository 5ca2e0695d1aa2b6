"""One side of a linear book as one reading sees it: sums up to a size, a limit or a price.

The nearest levels are added up one by one; deeper, whole buckets of the side (`core.side`), and
levels only in the bucket where the sum ends. So a sum costs what is near the touch, and next to
nothing for the thousands of levels behind it.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from ..core.book import OrderBook
from ..core.reading import Taker
from ..core.side import FAR, Level, Side

BPS = 10_000

NEAREST = 24
"""Levels that are added up one by one."""

STRIDE = 16
"""Buckets that are tried at once; a stride that is too long is then tried bucket by bucket."""

Fits: TypeAlias = Callable[[int, int], bool]
"""Told (lots, value) so far, whether to go on; once it has said no it says no to more."""

_BY_TICKS = attrgetter("ticks")


class Eaten(NamedTuple):
    """Lots and value (ticks times lots) of the levels before `level`; None: there are no more."""

    lots: int
    value: int
    level: Level | None


def walked_side(taker: Taker) -> Side:
    """Return the side a taker eats: a buy the asks, a sell the bids."""
    return Side.ASK if taker is Taker.BUY else Side.BID


class Depth:
    """The side that a taker eats; it must hold a level. `mid2` is twice the mid in ticks.

    `levels` are the nearest, best first; `lots` and `values` their running sums. `known` is how far
    the venue told of the side, in ticks; None: all of it.
    """

    __slots__ = ("known", "levels", "lots", "mid2", "side", "sign", "taker", "values")

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
        """Return what is eaten before the level in which `value` is reached."""
        index = bisect_left(self.values, value)
        if index < len(self.levels):
            return self._before(index)
        return self._deeper(lambda _lots, eaten: eaten < value)

    def while_fits(self, fits: Fits) -> Eaten:
        """Return what is eaten before the first level that does not fit."""
        if fits(self.lots[-1], self.values[-1]):
            return self._deeper(fits)
        return self._before(
            next(i for i in range(len(self.levels)) if not fits(self.lots[i], self.values[i]))
        )

    def _before(self, index: int) -> Eaten:
        if not index:
            return Eaten(0, 0, self.levels[0])
        return Eaten(self.lots[index - 1], self.values[index - 1], self.levels[index])

    def _deeper(self, fits: Fits) -> Eaten:
        """Go on behind the nearest levels, all of which fit."""
        last = self.levels[-1]
        eaten = Eaten(self.lots[-1], self.values[-1], None)
        if len(self.levels) < NEAREST:
            return eaten
        eaten = self._through(last.bucket, last.ticks, eaten, fits)
        if eaten.level is not None or last.bucket == FAR:
            return eaten
        side, sign = self.side, self.sign
        lots, value, bucket = eaten.lots, eaten.value, last.bucket + sign
        for stride in (STRIDE, 1):
            while 0 <= bucket < FAR:
                low, high = bucket, min(bucket + stride, FAR)
                if sign < 0:
                    low, high = max(bucket + 1 - stride, 0), bucket + 1
                more_lots = lots + sum(side.lots_in[low:high])
                more_value = value + sum(side.value_in[low:high])
                if not fits(more_lots, more_value):
                    break
                lots, value = more_lots, more_value
                bucket += sign * (high - low)
        ends_in = bucket if 0 <= bucket < FAR else FAR
        return self._through(ends_in, last.ticks, Eaten(lots, value, None), fits)

    def _through(self, bucket: int, behind: int, eaten: Eaten, fits: Fits) -> Eaten:
        """Take the levels of one bucket one by one, those that lie behind a price."""
        lots, value, sign = eaten.lots, eaten.value, self.sign
        members = self.side.members.get(bucket, {}).values()
        live = [each for each in members if each.lots and sign * (each.ticks - behind) > 0]
        for level in sorted(live, key=_BY_TICKS, reverse=sign < 0):
            more_lots, more_value = lots + level.lots, value + level.ticks * level.lots
            if not fits(more_lots, more_value):
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
            rest = side.members.get(ends_in if 0 <= ends_in < FAR else FAR)
            inside = () if rest is None else [
                level for level in rest.values() if sign * level.ticks <= sign * edge
            ]  # fmt: skip
            found.append((
                lots + sum([level.lots for level in inside]),
                value + sum([level.ticks * level.lots for level in inside]),
                known is None or sign * known * 2 * BPS >= sign * over,
            ))  # fmt: skip
        return found
