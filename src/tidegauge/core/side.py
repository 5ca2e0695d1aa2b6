"""One side of a book: levels in the order of their prices, and sums that readings are made of.

The levels stand in a `SortedDict` keyed by `Decimal`. Beside it the side keeps, in *buckets* of a
quarter to half a basis point, how much rests in each: a band or a deep walk then adds up buckets,
and looks at single levels only in the bucket where it ends. What is asked for again and again is
marked: the sums up to a mark are kept right by every change.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Any

from sortedcontainers import SortedDict

from .exact import to_units
from .level import FinerScale, Level, Mark, Side, Spellings, WireLevels

__all__ = ["EVERYWHERE", "FAR", "BookSide", "FinerScale", "Level", "Mark", "Side", "WireLevels"]

SPARE_SPELLINGS = 512
"""Spellings of prices that left are forgotten when they are more than this and half of the living."""

BUCKETS = 1024
"""Buckets a side: at least 190 bps behind the touch, and 60 bps before it."""

FAR = BUCKETS
"""The last bucket, for all that lies beyond the others."""

FINEST = 20_000
"""A bucket is the largest power of two in ticks that is at most 1/FINEST of the price."""

_EDGE = attrgetter("edge")

EVERYWHERE, NOWHERE = 10**60, -(10**60)
"""Further away, and nearer, than any price."""


class BookSide:
    """The bids or the asks. `sign` is 1 where prices grow away from the touch (asks), else -1.

    `touch` is the best level. `by_text` knows the spellings seen so far. `lots_in` and `value_in`
    hold, a bucket, the sum of lots and of ticks times lots; `members` the levels of a bucket by
    their ticks, those that are remembered without being in the book included. A bucket is
    `ticks >> shift`, counted from `base`. `marks` belong to whoever set `marked_for`; they are
    dropped together when the side is told anew.

    A sorted place is what costs most in a book, and hardly anything needs one: readings ask buckets
    and marks. So a level that leaves stays where it is in `levels`, without lots, until there are too
    many such, and one that comes waits to be sorted in until somebody looks.
    """

    __slots__ = (
        "_count",
        "_near",
        "_near_asked",
        "_near_edge",
        "_order",
        "_reach",
        "_sorted",
        "_unsorted",
        "base",
        "by_text",
        "cut",
        "lots_in",
        "marked_for",
        "marks",
        "members",
        "shift",
        "side",
        "sign",
        "told_best",
        "touch",
        "touched",
        "value_in",
        "window",
    )

    def __init__(self, side: Side, scale: int) -> None:
        self.side = side
        self.sign = 1 if side is Side.ASK else -1
        self._sorted: Any = SortedDict()
        self._unsorted: list[Level] = []
        self.by_text = Spellings(self.intern, scale)
        self.touch: Level | None = None
        self.base = self.shift = 0
        self.lots_in: list[int] = []
        self.value_in: list[int] = []
        self.members: dict[int, dict[int, Level]] = {}
        self.marks: list[Mark] = []
        self.marked_for: object = None
        self.window: int | None = None
        self.cut = False
        """A touch took levels out of a full window: what lay beyond it is not known."""
        self.told_best: Decimal | None = None
        """The best price of the last snapshot."""
        self.touched = False
        """A touch came after it."""
        self._count = 0
        self._order: list[Mark] = []
        self._reach: list[int] = []
        self._near: list[Level] = []
        self._near_asked = 0
        self._near_edge: int | None = None
        self._blank()

    @property
    def levels(self) -> Any:
        """The `SortedDict` of the levels, in ascending price."""
        if self._unsorted:
            living = [level for level in self._unsorted if level.lots]
            for level in self._unsorted:
                level.listed = level.lots > 0
            self._sorted.update(zip(living, living, strict=True))
            self._unsorted.clear()
        return self._sorted

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels, best first."""
        touch = self.touch
        if touch is None:
            return
        if self.sign > 0:
            listed = self.levels.irange(minimum=touch)
        else:
            listed = self.levels.irange(maximum=touch, reverse=True)
        for level in listed:
            if level.lots:
                yield level

    def best(self) -> Level | None:
        """Return the highest bid or the lowest ask, None when the side is empty."""
        return self.touch

    def worst(self) -> Level | None:
        """Return the level furthest from the touch, None when the side is empty."""
        if not self._count:
            return None
        levels, end = self.levels, 0 if self.sign < 0 else -1
        level: Level = levels.peekitem(end)[0]
        while not level.lots:
            # It left long ago; were it to stay, the next look would pass it again.
            level.listed = False
            levels.popitem(end)
            level = levels.peekitem(end)[0]
        return level

    def at(self, price: Decimal, scale: int) -> Level | None:
        """Return the level of this price that is remembered, None when there is none."""
        ticks = to_units(price, scale)
        if ticks is None:
            return None
        return self.members.get(self.bucket_of(ticks), {}).get(ticks)

    def nearest(self, levels: int) -> list[Level]:
        """Return the best `levels`, best first; fewer when there are no more.

        They are remembered until a level comes or goes among them: sizes change far more often.
        """
        if self._near_edge is None or self._near_asked < levels:
            self._near, self._near_asked = near, _ = self._find_nearest(levels), levels
            # With fewer than were asked for, any new level is among them.
            whole = near and len(near) >= levels
            self._near_edge = near[-1].ticks * self.sign if whole else EVERYWHERE
        return self._near[:levels]

    def _find_nearest(self, levels: int) -> list[Level]:
        touch, sign = self.touch, self.sign
        found: list[Level] = []
        if touch is None:
            return found
        for bucket in range(touch.bucket, FAR if sign > 0 else -1, sign):
            if self.lots_in[bucket]:
                inside = self.members[bucket]
                ordered = sorted(inside, reverse=sign < 0)
                found += [level for ticks in ordered if (level := inside[ticks]).lots]
                if len(found) >= levels:
                    return found[:levels]
        return found if len(found) == self._count else list(islice(self, levels))

    # -- changing it -----------------------------------------------------------------------------

    def intern(self, text: str, ticks: int) -> Level:
        """Return the level of a price, spelt `text`; it is not in the book until it has lots."""
        bucket = self.bucket_of(ticks)
        members = self.members.get(bucket)
        if members is None:
            members = self.members[bucket] = {}
        level = members.get(ticks)
        if level is None:
            level = members[ticks] = Level(text)
            level.ticks, level.lots, level.bucket, level.listed = ticks, 0, bucket, False
        return level

    def set_all(self, changes: Iterable[tuple[Level, int]]) -> None:  # noqa: C901
        """Give each level its size; zero takes it out. Taking out what is not there is normal.

        Every sum moves by what changed; nothing is added up anew. One loop without a call in it: it
        runs for every level of every frame, and is a quarter of what a frame costs.
        """
        lots_in, value_in, sign, reach = self.lots_in, self.value_in, self.sign, self._reach
        ring_lots, ring_value = [0] * len(reach), [0] * len(reach)
        outermost = reach[-1] if reach else NOWHERE
        touch = self.touch
        nearest_moved = EVERYWHERE + 1
        for level, lots in changes:
            before = level.lots
            if lots == before:
                continue
            level.lots = lots
            change, ticks, bucket = lots - before, level.ticks, level.bucket
            value = change * ticks
            lots_in[bucket] += change
            value_in[bucket] += value
            away = ticks * sign
            # Marks cut the side into rings; each holds its own ring and all nearer ones.
            if away <= outermost:
                ring = bisect_left(reach, away)
                ring_lots[ring] += change
                ring_value[ring] += value
            if before and lots:
                continue
            nearest_moved = min(nearest_moved, away)
            if before:
                self._count -= 1
                continue
            self._count += 1
            if not level.listed:
                self._unsorted.append(level)
                level.listed = True
            if touch is None or away < touch.ticks * sign:
                touch = level
        if reach:
            self._move_marks(ring_lots, ring_value)
        if self._near_edge is not None and nearest_moved <= self._near_edge:
            self._near_edge = None
        if touch is not self.touch or (touch is not None and not touch.lots):
            self.touch = touch
            self._settle_touch()

    def _move_marks(self, ring_lots: list[int], ring_value: list[int]) -> None:
        lots = value = 0
        for mark, in_lots, in_value in zip(self._order, ring_lots, ring_value, strict=True):
            lots += in_lots
            value += in_value
            mark.lots += lots
            mark.value += value

    def replace(self, told: Sequence[tuple[Level, int]]) -> None:
        """Hold these levels and no others; sorted once, where one by one would take thrice as long.

        How the others are spelt is remembered: they will be told again.
        """
        for level in self.by_text.values():
            level.lots = 0
        for level, lots in told:
            level.lots = lots
        self._list_the_living()

    def clear(self) -> None:
        """Forget every level and every spelling."""
        self.told_best, self.touched = None, False
        self.by_text.clear()
        self._list_the_living()

    def drop_worst(self) -> None:
        """Remove the level furthest from the touch."""
        level = self.worst()
        if level is not None:
            self.set_all([(level, 0)])

    def forget_the_dead(self) -> None:
        """Drop the spellings of prices that left, once they outnumber the living."""
        if 2 * (len(self.by_text) - self._count - SPARE_SPELLINGS) <= self._count:
            return
        for text in [text for text, level in self.by_text.items() if not level.lots]:
            del self.by_text[text]
        self._unsort([level for level in self.by_text.levels() if level.lots])
        for bucket, inside in self.members.items():
            self.members[bucket] = {ticks: level for ticks, level in inside.items() if level.lots}
        self._drop_marks()

    def refine(self, scale: int, by_price: int, by_size: int) -> None:
        """Restate every level in finer units, by these factors."""
        self.by_text.scale = scale
        for level in self.by_text.levels():
            level.ticks *= by_price
            level.lots *= by_size
        self._list_the_living()

    def _list_the_living(self) -> None:
        """Keep what has lots, and nothing else, and add everything up anew."""
        self._drop_marks()
        remembered = self.by_text.levels()
        for level in remembered:
            level.listed = False
        living = [level for level in remembered if level.lots]
        self._unsort(living)
        self._count = len(living)
        best = min if self.sign > 0 else max
        self.touch = best(living, key=attrgetter("ticks"), default=None)
        self._rebase(remembered)

    def _unsort(self, living: list[Level]) -> None:
        """Begin the sorted levels anew: these are sorted, all at once, when somebody looks."""
        for level in living:
            level.listed = True
        self._sorted, self._unsorted = SortedDict(), living

    def _drop_marks(self) -> None:
        """What they lead to may be forgotten: have it searched for anew."""
        self.begin_marks(None)
        self._near, self._near_edge = [], None

    # -- the touch and the buckets ---------------------------------------------------------------

    def bucket_of(self, ticks: int) -> int:
        """Return the bucket of a price."""
        bucket = (ticks >> self.shift) - self.base
        return bucket if 0 <= bucket < BUCKETS else FAR

    def _settle_touch(self) -> None:
        """Find the best level, which is `touch` or lies behind it; keep the buckets about it."""
        if self.touch is not None and not self.touch.lots:
            self.touch = self._behind(self.touch)
        if self.touch is None:
            return
        bucket = self.touch.bucket
        amid = bucket >= BUCKETS // 2 if self.sign < 0 else bucket < BUCKETS // 2
        if not amid or bucket == FAR:
            self._rebase(self.by_text.levels())

    def _behind(self, gone: Level) -> Level | None:
        """Return the best level behind one that has left."""
        if not self._count:
            return None
        sign = self.sign
        if gone.bucket != FAR:
            for bucket in range(gone.bucket, FAR if sign > 0 else -1, sign):
                if self.lots_in[bucket]:
                    live = [ticks for ticks, each in self.members[bucket].items() if each.lots]
                    return self.members[bucket][min(live) if sign > 0 else max(live)]
        live = [level.ticks for level in self.levels if level.lots]
        best = min(live) if sign > 0 else max(live)
        return self.members[self.bucket_of(best)][best]

    def _rebase(self, remembered: Sequence[Level]) -> None:
        """Lay the buckets about the touch, and add everything up anew."""
        touch = self.touch
        if touch is not None:
            self.shift = max(0, (touch.ticks // FINEST).bit_length() - 1)
            # Most of the room lies behind the touch, where the bands are.
            ahead = BUCKETS * 3 // 4 if self.sign < 0 else BUCKETS // 4
            self.base = (touch.ticks >> self.shift) - ahead
        self._blank()
        for level in remembered:
            ticks, lots = level.ticks, level.lots
            bucket = level.bucket = self.bucket_of(ticks)
            self.members.setdefault(bucket, {})[ticks] = level
            self.lots_in[bucket] += lots
            self.value_in[bucket] += ticks * lots

    def _blank(self) -> None:
        self.lots_in, self.value_in = [0] * (BUCKETS + 1), [0] * (BUCKETS + 1)
        self.members = {}

    # -- marks -----------------------------------------------------------------------------------

    def begin_marks(self, owner: object) -> None:
        """Drop every mark; those that are set from now on belong to `owner`."""
        self.marks, self._order, self._reach, self.marked_for = [], [], [], owner

    def keep_marks(self) -> None:
        """Call when marks were set or moved: from now on every change reaches them."""
        sign = self.sign
        self._reach = [mark.edge * sign for mark in self._order]
        if len(self._order) != len(self.marks) or self._reach != sorted(self._reach):
            self._order = sorted(self.marks, key=_EDGE, reverse=sign < 0)
            self._reach = [mark.edge * sign for mark in self._order]
