"""One side of a book: levels in the order of their prices, and sums that readings are made of.

The levels stand in a `SortedDict` keyed by `Decimal`. Beside it the side keeps, in *buckets* of a quarter
to half a basis point, how much rests in each: a band or a deep walk then adds up buckets,
and looks at single levels only in the bucket where it ends.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, islice
from typing import Any, TypeAlias

from sortedcontainers import SortedDict

from .errors import BookInvariantError, MalformedFrame
from .exact import from_units, parse, plain_units, to_units

WireLevels: TypeAlias = Sequence[tuple[str, str]]
"""Levels as the venue wrote them: (price text, absolute size text); size zero removes the level."""

KEEP_SPELLINGS, SPARE_SPELLINGS = 2, 1024
"""Interned prices are dropped when they outnumber the live levels twice, and so many more."""

BUCKETS = 1024
"""Buckets a side: at least 190 bps behind the touch, and 60 bps before it."""

FAR = BUCKETS
"""The last bucket, for all that lies beyond the others."""

NEAR_BUCKETS = 3
"""An edge that moves through more buckets than this has its band added up anew."""

FINEST = 20_000
"""A bucket is the largest power of two in ticks that is at most 1/FINEST of the price."""


class Side(StrEnum):
    BID = "bid"
    ASK = "ask"


class Level(Decimal):
    """A price that knows its own size.

    The book is keyed by `Decimal`, and a level *is* its `Decimal` key: a walk over the sorted keys
    then needs no look-up, and with it no hashing, for each level. `ticks` and `lots` are the price
    and the size as integers of the book's scales; a level with no lots is not in the book.
    `bucket` is where its side adds it up.
    """

    __slots__ = ("bucket", "lots", "ticks")
    bucket: int
    lots: int
    ticks: int


class FinerScale(Exception):
    """A number has more decimals than the book's scale holds."""


class Spellings(dict[str, Level]):
    """Price text to level. Text is parsed the first time it is seen: a venue repeats it for as long
    as the level lives. Two spellings of one price lead to the same `Level`.

    Raises `MalformedFrame` for text that is no price, `FinerScale` for one that does not fit.
    """

    __slots__ = ("scale", "side")

    def __init__(self, side: "BookSide", scale: int) -> None:
        super().__init__()
        self.side = side
        self.scale = scale

    def __missing__(self, text: str) -> Level:
        ticks = plain_units(text, self.scale)
        if ticks is None:
            ticks = to_units(parse(text), self.scale)
            if ticks is None:
                raise FinerScale
        if not ticks:
            raise MalformedFrame("a price of zero")
        level = self[text] = self.side.intern(text, ticks)
        return level


class BookSide:
    """The bids or the asks. `sign` is 1 where prices grow away from the touch (asks), else -1.

    `by_text` knows the spellings seen so far. `lots_in` and `value_in` hold, a bucket, the sum of
    lots and of ticks times lots; `members` the levels of a bucket by their ticks, those that are
    remembered without being in the book included. A bucket is `ticks >> shift`, counted from
    `base`. `band_lots` and `band_value` are the same sums from the touch to each of `edges`.
    """

    __slots__ = (
        "_reach",
        "band_lots",
        "band_value",
        "base",
        "by_text",
        "cut",
        "edges",
        "hints",
        "levels",
        "lots_in",
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
        self.levels: Any = SortedDict()
        self.by_text = Spellings(self, scale)
        self.touch: Level | None = None
        """The best level; whatever changes the side keeps it right."""
        self.base = self.shift = 0
        self.lots_in: list[int] = []
        self.value_in: list[int] = []
        self.members: dict[int, dict[int, Level]] = {}
        self.edges: list[int] = []
        self.band_lots: list[int] = []
        self.band_value: list[int] = []
        self._reach: list[int] = []
        self.hints: dict[int, int] = {}
        """Where a search of each name last ended, in buckets from the touch: a guess, no more."""
        self._blank()
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
        return self.touch

    def worst(self) -> Level | None:
        """Return the level furthest from the touch, None when the side is empty."""
        if not self.levels:
            return None
        level: Level = self.levels.keys()[0 if self.side is Side.BID else -1]
        return level

    def at(self, price: Decimal, scale: int) -> Level | None:
        """Return the level of this price that is remembered, None when there is none."""
        ticks = to_units(price, scale)
        if ticks is None:
            return None
        return self.members.get(self.bucket_of(ticks), {}).get(ticks)

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
            level.ticks, level.lots, level.bucket = ticks, 0, bucket
        return level

    def set_all(self, changes: Iterable[tuple[Level, int]]) -> None:
        """Give each level its size; zero takes it out. Taking out what is not there is normal.

        Every sum moves by what changed; nothing is added up anew.
        """
        levels, lots_in, value_in = self.levels, self.lots_in, self.value_in
        sign, reach = self.sign, self._reach
        rings = len(reach)
        ring_lots, ring_value = [0] * (rings + 1), [0] * (rings + 1)
        moved = False
        for level, lots in changes:
            before = level.lots
            if lots == before:
                continue
            level.lots = lots
            if not before:
                levels[level] = level
                moved = True
            elif not lots:
                del levels[level]
                moved = True
            change, ticks, bucket = lots - before, level.ticks, level.bucket
            value = change * ticks
            lots_in[bucket] += change
            value_in[bucket] += value
            ring = bisect_left(reach, ticks * sign)
            ring_lots[ring] += change
            ring_value[ring] += value
        if rings:
            # A band holds its own ring and all those nearer to the touch.
            for band, (more_lots, more_value) in enumerate(
                zip(accumulate(ring_lots[:-1]), accumulate(ring_value[:-1]), strict=True)
            ):
                self.band_lots[band] += more_lots
                self.band_value[band] += more_value
        if moved:
            self._find_touch()

    def replace(self, told: Sequence[tuple[Level, int]]) -> None:
        """Hold these levels and no others; sorted once, where one by one would take thrice as long.

        How the others are spelt is remembered: they will be told again.
        """
        for level in self.levels:
            level.lots = 0
        self.levels.clear()
        for level, lots in told:
            level.lots = lots
        self.levels.update({level: level for level, _ in told if level.lots})
        self.touch = next(iter(self), None)
        self._forget_bands()
        self.rebase()

    def clear(self) -> None:
        """Forget every level and every spelling."""
        self.told_best, self.touched, self.touch = None, False, None
        self.levels.clear()
        self.by_text.clear()
        self._forget_bands()
        self._blank()

    def drop_worst(self) -> Level:
        """Remove and return the level furthest from the touch."""
        level: Level = self.levels.peekitem(0 if self.side is Side.BID else -1)[0]
        self.set_all([(level, 0)])
        return level

    def forget_the_dead(self) -> None:
        """Drop the spellings of prices that left, once they outnumber the living."""
        if len(self.by_text) <= KEEP_SPELLINGS * len(self.levels) + SPARE_SPELLINGS:
            return
        for text in [text for text, level in self.by_text.items() if not level.lots]:
            del self.by_text[text]
        self.rebase()

    def refine(self, scale: int, by_price: int, by_size: int) -> None:
        """Restate every level in finer units, by these factors."""
        self.by_text.scale = scale
        for level in self._remembered():
            level.ticks *= by_price
            level.lots *= by_size
        self._forget_bands()
        self.rebase()

    # -- bands -----------------------------------------------------------------------------------

    def follow(self, edges: list[int]) -> None:
        """Keep the sums up to these prices (ticks, nearest first) from now on.

        As the mid moves the edges move a little with it: what lies between is added or taken away.
        """
        if edges == self.edges:
            return
        if len(edges) != len(self.edges):
            sums = [self._sum_to(edge) for edge in edges]
            self.band_lots, self.band_value = (
                [lots for lots, _ in sums],
                [value for _, value in sums],
            )
        else:
            for index, (old, new) in enumerate(zip(self.edges, edges, strict=True)):
                if old != new:
                    self._move_edge(index, old, new)
        self.edges = edges
        self._reach = edges if self.sign > 0 else [-edge for edge in edges]

    def _move_edge(self, index: int, old: int, new: int) -> None:
        low, high = (old, new) if old < new else (new, old)
        if self.sign > 0:  # the edge itself is inside
            low, high = low + 1, high + 1
        first, last = self.bucket_of(low), self.bucket_of(high - 1)
        if not 0 <= last - first <= NEAR_BUCKETS:
            self.band_lots[index], self.band_value[index] = self._sum_to(new)
            return
        lots = value = 0
        for bucket in range(first, last + 1):
            members = self.members.get(bucket)
            if members is not None:
                passed = [level for ticks, level in members.items() if low <= ticks < high]
                lots += sum([level.lots for level in passed])
                value += sum([level.ticks * level.lots for level in passed])
        if (old < new) is (self.sign > 0):
            self.band_lots[index] += lots
            self.band_value[index] += value
        else:
            self.band_lots[index] -= lots
            self.band_value[index] -= value

    def _sum_to(self, edge: int) -> tuple[int, int]:
        """Return lots and value from the touch to a price, itself included."""
        if self.touch is None or self.touch.ticks * self.sign > edge * self.sign:
            return 0, 0
        at, ends_in = self.touch.bucket, self.bucket_of(edge)
        if self.sign > 0:
            low, high = at, ends_in
        else:
            low, high = (0 if ends_in == FAR else ends_in + 1), at + 1
        inside = [
            level
            for ticks, level in self.members.get(ends_in, {}).items()
            if ticks * self.sign <= edge * self.sign
        ]
        return (
            sum(self.lots_in[low:high]) + sum([level.lots for level in inside]),
            sum(self.value_in[low:high]) + sum([level.ticks * level.lots for level in inside]),
        )

    def _forget_bands(self) -> None:
        """Have them added up anew when somebody asks."""
        self.edges, self.band_lots, self.band_value = [], [], []
        self._reach = []

    # -- buckets ---------------------------------------------------------------------------------

    def bucket_of(self, ticks: int) -> int:
        """Return the bucket of a price."""
        bucket = (ticks >> self.shift) - self.base
        return bucket if 0 <= bucket < BUCKETS else FAR

    def rebase(self) -> None:
        """Lay the buckets about the touch, and add everything up anew."""
        remembered = self._remembered()
        touch = self.touch
        if touch is not None:
            self.shift = max(0, (touch.ticks // FINEST).bit_length() - 1)
            # Most of the room lies behind the touch, where the bands are.
            ahead = BUCKETS * 3 // 4 if self.side is Side.BID else BUCKETS // 4
            self.base = (touch.ticks >> self.shift) - ahead
        self._blank()
        for level in remembered:
            ticks, lots = level.ticks, level.lots
            bucket = level.bucket = self.bucket_of(ticks)
            self.members.setdefault(bucket, {})[ticks] = level
            self.lots_in[bucket] += lots
            self.value_in[bucket] += ticks * lots

    def nearest(self, levels: int) -> list[Level]:
        """Return the best `levels`, best first; fewer when there are no more."""
        return list(islice(self, levels))

    def _find_touch(self) -> None:
        self.touch = touch = next(iter(self), None)
        if touch is None:
            return
        bucket = touch.bucket
        behind = bucket >= BUCKETS // 2 if self.side is Side.BID else bucket < BUCKETS // 2
        if not behind or bucket == FAR:
            self.rebase()

    def _remembered(self) -> list[Level]:
        """Return every level that a spelling leads to, once."""
        return list({id(level): level for level in self.by_text.values()}.values())

    def _blank(self) -> None:
        self.lots_in, self.value_in = [0] * (BUCKETS + 1), [0] * (BUCKETS + 1)
        self.members = {}

    def check(self, price_scale: int) -> None:
        """Audit the side. Raises `BookInvariantError` if it contradicts itself."""
        self._check_levels(price_scale)
        if sum(1 for level in self._remembered() if level.lots) != len(self):
            raise BookInvariantError(f"a {self.side} level with a size is not in the book")
        if self.touch is not next(iter(self), None):
            raise BookInvariantError(f"the best {self.side} is not {self.touch}")
        for edge, lots, value in zip(self.edges, self.band_lots, self.band_value, strict=True):
            if self._sum_to(edge) != (lots, value):
                raise BookInvariantError(
                    f"the {self.side} band up to {edge} ticks is not its levels"
                )
        if self.window is not None and len(self) > self.window:
            raise BookInvariantError(f"{self.side} side exceeds its window of {self.window}")

    def _check_levels(self, price_scale: int) -> None:
        lots_in, value_in = [0] * (BUCKETS + 1), [0] * (BUCKETS + 1)
        previous = 0
        for level in self.levels:
            ticks, lots, bucket = level.ticks, level.lots, level.bucket
            if lots <= 0:
                raise BookInvariantError(f"{self.side} level {level} has {lots} lots")
            if from_units(ticks, price_scale) != level:
                raise BookInvariantError(f"{self.side} level {level} has {ticks} ticks")
            known = self.members.get(self.bucket_of(ticks), {}).get(ticks)
            if self.levels[level] is not level or known is not level:
                raise BookInvariantError(f"{self.side} level {level} is two levels")
            if previous >= ticks:
                raise BookInvariantError(f"{self.side} levels out of order at {level}")
            previous = ticks
            lots_in[bucket] += lots
            value_in[bucket] += ticks * lots
        if (lots_in, value_in) != (self.lots_in, self.value_in):
            raise BookInvariantError(f"the {self.side} sums are not those of the levels")
