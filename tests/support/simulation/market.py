"""The reference: a venue's own book of one instrument, and what it was at every update id."""

import random
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from tidegauge.core.instrument import Nanos

Levels: TypeAlias = dict[int, int]
"""Ticks to lots."""

TICK, STEP = "0.01", "0.001"
FEWEST, MOST = 6, 16
"""Levels a side: few, so that a book costs little; every venue tells all of them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Both sides after one update."""

    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Change:
    """One update: the ids it covers, the id before it, and what to set (no lots: take out)."""

    before: int
    first: int
    last: int
    bids: Levels
    asks: Levels


class ReferenceBook:
    """Changes at random, is never crossed, and remembers the last `kept` states by update id.

    `step` is how many ids an update takes: `(1, 1)` numbers them one by one.
    """

    def __init__(
        self,
        name: str,
        chance: random.Random,
        *,
        step: tuple[int, int] = (1, 1),
        kept: int = 100_000,
    ) -> None:
        self.name = name
        self.chance = chance
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.last = chance.randrange(10**6, 10**7)
        self.history: dict[int, Picture] = {}
        self.moved_at: deque[tuple[Nanos, int]] = deque(maxlen=64)
        self.updates = 0
        self._step = step
        self._kept = kept
        middle = chance.randrange(5_000, 50_000)
        for place in range(1, 11):
            self.bids[middle - place] = chance.randrange(1, 9_000)
            self.asks[middle + place] = chance.randrange(1, 9_000)
        self._remember(0)

    @property
    def picture(self) -> Picture:
        """What it is now."""
        return self.history[self.last]

    def move(self, now: Nanos) -> Change:
        """Change a few levels, sometimes the price itself."""
        before = Picture(dict(self.bids), dict(self.asks))
        while (self.bids, self.asks) == (before.bids, before.asks):
            for _ in range(self.chance.randrange(1, 4)):
                self._change_one()
        first = self.last + self.chance.randint(*self._step)
        last = first + self.chance.randrange(self._step[1])
        change = Change(
            self.last,
            first,
            last,
            _difference(before.bids, self.bids),
            _difference(before.asks, self.asks),
        )
        self.last = last
        self.updates += 1
        self._remember(now)
        return change

    def renumber(self, last: int, now: Nanos) -> None:
        """Go on from another id: the venue's engine was started again."""
        self.last = last
        self._remember(now)

    def lagging(self, now: Nanos, lag: Nanos) -> int:
        """Return the id that a server `lag` behind would tell."""
        old = [last for at, last in self.moved_at if at <= now - lag]
        return old[-1] if old else self.moved_at[0][1]

    def _remember(self, now: Nanos) -> None:
        self.history[self.last] = Picture(dict(self.bids), dict(self.asks))
        self.moved_at.append((now, self.last))
        if len(self.history) > self._kept:
            del self.history[next(iter(self.history))]

    def _change_one(self) -> None:
        chance = self.chance
        buying = chance.random() < 0.5
        side, other = (self.bids, self.asks) if buying else (self.asks, self.bids)
        away = -1 if buying else 1
        best = max(side) if buying else min(side)
        lot = chance.randrange(1, 9_000)
        draw = chance.random()
        if draw < 0.1:
            # The price moves: orders step over the other side's best.
            best_other = min(other) if buying else max(other)
            if len(other) > FEWEST:
                del other[best_other]
                side[best_other] = lot
                worst = min(side) if buying else max(side)
                if len(side) > MOST:
                    del side[worst]
            return
        if draw < 0.3 and len(side) > FEWEST:
            del side[chance.choice(sorted(side))]
        elif draw < 0.6 and len(side) < MOST:
            side[best + away * chance.randrange(30)] = lot
        else:
            side[chance.choice(sorted(side))] = lot


def _difference(old: Levels, new: Levels) -> Levels:
    changed = dict(new.items() - old.items())
    changed.update(dict.fromkeys(old.keys() - new.keys(), 0))
    return dict(sorted(changed.items()))


def price(ticks: int) -> str:
    """Write a price with both its decimals."""
    return f"{ticks // 100}.{ticks % 100:02d}"


def size(lots: int) -> str:
    """Write a size with its three decimals."""
    return f"{lots // 1000}.{lots % 1000:03d}"


def rows(levels: Levels, *, falling: bool = False) -> list[list[str]]:
    """Write levels as [price, size] rows, best first."""
    return [[price(tick), size(levels[tick])] for tick in sorted(levels, reverse=falling)]
