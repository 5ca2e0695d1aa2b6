"""One side of a linear book as one reading sees it: sums up to a size, a limit or a price.

The nearest levels are added up one by one; deeper, whole buckets of the side (`core.side`), and
levels only in the bucket where the sum ends. So a sum costs what is near the touch, and next to
nothing for the thousands of levels behind it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.marks import move, sum_to
from ..core.reading import Taker
from ..core.side import EVERYWHERE, FAR, Level, Mark, Side
from .plan import BPS

NEAREST = 12
"""Levels that are added up one by one: small sizes end among them."""

RUN = 32
"""Buckets whose running sums are made at once: larger sizes end among them, if the book is liquid."""

STRIDES = (64, 16, 4, 1)
"""Buckets that are tried at once; a stride that is too long is followed by shorter ones."""

FROM_HINT = 6
"""Buckets that are tried one by one beyond where the last such sum ended."""


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

    `levels` are the nearest ones, best first: as many as are asked for, the touch at least. `known`
    is how far the venue told of the side, in ticks; None: all of it.

    The side marks where bands, sizes and limits of a plan ended last time. From one reading to the
    next most end where they did: that is seen from the sums of the mark, and only what has moved
    is searched for again.
    """

    __slots__ = ("_marked", "_moved", "known", "levels", "mid2", "side", "sign", "taker", "touch")

    def __init__(
        self, book: OrderBook, taker: Taker, mid2: int, plan: object, nearest: int = NEAREST
    ) -> None:
        self.taker = taker
        self.mid2 = mid2
        self.side = side = book.asks if taker is Taker.BUY else book.bids
        # A buy is the worse the higher its price is, a sell the lower.
        self.sign = side.sign
        self.known = book.known_ticks(side.side)
        touch = side.touch
        assert touch is not None, "a side that is walked holds a level"
        self.touch = touch
        self.levels = side.nearest(nearest) if nearest else [touch]
        if side.marked_for is not plan:
            side.begin_marks(plan)
        self._marked = iter(side.marks)
        self._moved = not side.marks

    def beyond(self, ticks: int) -> bool:
        """Whether a price lies outside what the venue told us of in this epoch."""
        return self.known is not None and (ticks - self.known) * self.sign > 0

    def done(self) -> None:
        """Call when all was asked that the plan asks: the side keeps the marks from here on."""
        if self._moved:
            self.side.keep_marks()

    def bands(self, widths: tuple[int, ...]) -> list[tuple[int, int, bool]]:
        """Return (lots, value, complete) within each width (bps, ascending) of the mid."""
        side, sign, known = self.side, self.sign, self.known
        whole = 2 * BPS
        found = []
        for bps in widths:
            # The edge in ticks, times 20,000; bids are inside from the next tick up, asks to it.
            over = self.mid2 * (BPS + sign * bps)
            edge = over // whole if sign > 0 else -(-over // whole)
            mark = next(self._marked, None)
            if mark is None:
                mark = Mark(edge, *sum_to(side, edge))
                side.marks.append(mark)
            elif mark.edge != edge:
                move(side, mark, edge)
                self._moved = True
            complete = known is None or (known * whole - over) * sign >= 0
            found.append((mark.lots, mark.value, complete))
        return found

    def until_values(self, values: Sequence[int]) -> list[Eaten]:
        """Return, for each value (ascending), what is eaten before the level in which it is reached."""
        ends: list[Eaten | None] = []
        missed: list[tuple[int, Mark | None]] = []
        for index, value in enumerate(values):
            mark, end = next(self._marked, None), None
            if mark is not None:
                level = mark.level
                if level is not None:
                    before = mark.value - level.ticks * level.lots
                    if before < value <= mark.value:  # it ends where it did
                        ends.append(Eaten(mark.lots - level.lots, before, level))
                        continue
                end = self._again(mark, 0, 1, value)
            if end is None:
                missed.append((index, mark))
            ends.append(end)
        if missed:
            searched = self._search_values([values[index] for index, _ in missed])
            for (index, mark), found in zip(missed, searched, strict=True):
                ends[index] = self._mark(mark, found)
        return [end for end in ends if end is not None]

    def band_at(self, place: int, bps: int) -> tuple[int, bool]:
        """Return (value, complete) of one band by its mark, which is the `place`th of the side."""
        over = self.mid2 * (BPS + self.sign * bps)
        edge = over // (2 * BPS) if self.sign > 0 else -(-over // (2 * BPS))
        mark = self.side.marks[place]
        if mark.edge != edge:
            move(self.side, mark, edge)
            self._moved = True
        return mark.value, self.known is None or (self.known * 2 * BPS - over) * self.sign >= 0

    def value_at(self, place: int, value: int) -> Eaten:
        """Return what is eaten before the level in which `value` is reached, by its mark."""
        mark = self.side.marks[place]
        end = self._again(mark, 0, 1, value)
        return end or self._mark(mark, self._search_values((value,))[0])

    def while_below(self, of_lots: int, of_value: int, bound: int) -> Eaten:
        """Return what is eaten before the level that takes of_lots · lots + of_value · value to
        `bound`. Once it is there it must not fall below it again. A search begins a bucket before
        where the last one ended."""
        mark, end, hint = next(self._marked, None), None, 0
        start = self.touch.bucket
        if mark is not None:
            end = self._again(mark, of_lots, of_value, bound)
            if mark.level is not None:
                hint = max(0, (mark.level.bucket - start) * self.sign - 1)
        if end is None:
            reached = self._from_hint(hint, of_lots, of_value, bound)
            if reached is None:
                reached = self._buckets(Reached(start, 0, 0), of_lots, of_value, bound)
            end = self._mark(mark, self._levels(reached, of_lots, of_value, bound))
        return end

    def _again(self, mark: Mark, of_lots: int, of_value: int, bound: int) -> Eaten | None:
        """Return what is eaten if that still ends at the mark, or in its bucket."""
        args = mark, of_lots, of_value, bound
        return self._still(*args) or self._beside(*args)

    def _still(self, mark: Mark, of_lots: int, of_value: int, bound: int) -> Eaten | None:
        """Return what is eaten if that still ends at the mark."""
        level, lots, value = mark.level, mark.lots, mark.value
        if level is None:  # it took the whole side
            return Eaten(lots, value, None) if of_lots * lots + of_value * value < bound else None
        before_lots, before_value = lots - level.lots, value - level.ticks * level.lots
        if (
            of_lots * before_lots + of_value * before_value
            < bound
            <= of_lots * lots + of_value * value
        ):
            return Eaten(before_lots, before_value, level)
        return None

    def _beside(self, mark: Mark, of_lots: int, of_value: int, bound: int) -> Eaten | None:
        """Search the bucket of a mark, outwards or inwards; None where it did not end there."""
        level, lots, value = mark.level, mark.lots, mark.value
        if level is None or level.bucket == FAR:
            return None
        inside = self.side.members[level.bucket]
        order = sorted(inside, reverse=self.sign < 0)
        place = order.index(level.ticks) + 1
        if of_lots * lots + of_value * value < bound:
            for ticks in order[place:]:
                level = inside[ticks]
                if level.lots:
                    more_lots, more_value = lots + level.lots, value + ticks * level.lots
                    if of_lots * more_lots + of_value * more_value >= bound:
                        return self._mark(mark, Eaten(lots, value, level))
                    lots, value = more_lots, more_value
            return None
        for ticks in reversed(order[:place]):
            level = inside[ticks]
            if level.lots:
                lots, value = lots - level.lots, value - ticks * level.lots
                if of_lots * lots + of_value * value < bound:
                    return self._mark(mark, Eaten(lots, value, level))
        return None

    def _mark(self, mark: Mark | None, end: Eaten) -> Eaten:
        """Set or move a mark to where a search ended."""
        level, lots, value = end.level, end.lots, end.value
        edge = EVERYWHERE * self.sign
        if level is not None:
            edge, lots, value = level.ticks, lots + level.lots, value + level.ticks * level.lots
        if mark is None:
            self.side.marks.append(Mark(edge, lots, value, level))
        else:
            mark.edge, mark.lots, mark.value, mark.level = edge, lots, value, level
        self._moved = True
        return end

    def _search_values(self, values: Sequence[int]) -> list[Eaten]:
        ends: list[Eaten] = []
        waiting = iter(values)
        wanted = next(waiting, None)
        lots = eaten = 0
        for level in self.levels:
            if wanted is None:
                return ends
            size = level.lots
            after = eaten + level.ticks * size
            while wanted is not None and wanted <= after:
                ends.append(Eaten(lots, eaten, level))
                wanted = next(waiting, None)
            lots += size
            eaten = after
        return ends + self._deep_values(values[len(ends) :])

    def _deep_values(self, values: Sequence[int]) -> list[Eaten]:
        """Find larger values among the running sums of whole buckets, or behind them."""
        side, sign, start = self.side, self.sign, self.touch.bucket
        low, high = (
            (start, min(start + RUN, FAR)) if sign > 0 else (max(start + 1 - RUN, 0), start + 1)
        )
        lots_in, value_in = side.lots_in[low:high], side.value_in[low:high]
        if sign < 0:
            lots_in.reverse()
            value_in.reverse()
        sums = list(accumulate(value_in, initial=0))
        ends = []
        for value in values:
            index = bisect_left(sums, value) - 1  # whole buckets that stay below it
            reached = Reached(start + sign * index, sum(lots_in[:index]), sums[index])
            if index == len(value_in):
                reached = self._buckets(reached, 0, 1, value)
            ends.append(self._levels(reached, 0, 1, value))
        return ends

    def _from_hint(self, hint: int, of_lots: int, of_value: int, bound: int) -> Reached | None:
        """Take `hint` buckets at once and then one by one; None where that is of no use."""
        side, sign, start = self.side, self.sign, self.touch.bucket
        bucket = start + sign * hint
        low, high = (start, bucket) if sign > 0 else (bucket + 1, start + 1)
        if not 0 <= bucket < FAR:
            return None
        lots, value = sum(side.lots_in[low:high]), sum(side.value_in[low:high])
        if hint and of_lots * lots + of_value * value >= bound:
            return None
        for each in range(bucket, bucket + sign * FROM_HINT, sign):
            if not 0 <= each < FAR:
                return None
            more_lots, more_value = lots + side.lots_in[each], value + side.value_in[each]
            if of_lots * more_lots + of_value * more_value >= bound:
                return Reached(each, lots, value)
            lots, value = more_lots, more_value
        return None

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
        members = self.side.members.get(bucket, {})
        for ticks in sorted(members, reverse=self.sign < 0):
            level = members[ticks]
            if level.lots:
                more_lots, more_value = lots + level.lots, value + ticks * level.lots
                if of_lots * more_lots + of_value * more_value >= bound:
                    return Eaten(lots, value, level)
                lots, value = more_lots, more_value
        return Eaten(lots, value, None)
