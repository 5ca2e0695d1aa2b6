"""Generated tapes: a seeded market told as Binance USD-M frames, of any depth and any busyness.

Prices drift by a few ticks; of a hundred changes about twenty insert a level, twenty delete one and
sixty change a size. Seven in ten lie near the touch, the others anywhere in the book, whatever its
size. Ids chain as the venue's do (`pu` of a frame is `u` of the one before, with holes between).
"""

import json
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Rows: TypeAlias = list[list[str]]

FIRST_ID = 5_123_107_900_000
FIRST_MS = 1_790_000_000_000
OPENS_AT = 618_002
"""The first mid, in ticks of 0.1."""

NEAR = 0.7
"""The share of changes that lie near the touch ..."""

NEAR_TICKS = 40
"""... which is so many ticks, on average."""

INSERTED = DELETED = 0.15
"""Prices that drift add their own: about four changes in ten insert or delete in the end."""

TRIES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a tape is like. `changes` draws how many levels the next message changes."""

    levels: int
    changes: Callable[[Random], int]
    most_drift: int = 3
    gap: int = 2


@dataclass(frozen=True, slots=True)
class Tape:
    """A REST snapshot, and the frames that follow it; the first of them joins the two."""

    snapshot: bytes
    frames: list[bytes]


class _Side:
    """One side: ticks in order, best first, and their lots. `sign` is 1 for asks, -1 for bids."""

    def __init__(self, sign: int, mid: int, shape: Shape, random: Random) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.span = shape.levels * (1 + shape.gap) // 2 + 1
        key = sign * mid
        for _ in range(shape.levels):
            key += random.randint(1, shape.gap)
            self.keys.append(key)
        self.lots = {each: _size(random) for each in self.keys}

    def anywhere(self, random: Random) -> int:
        """Return a distance from the touch, in ticks."""
        if random.random() < NEAR:
            return min(self.span, int(random.expovariate(1 / NEAR_TICKS)))
        return random.randrange(self.span)

    def place(self, key: int, lots: int) -> None:
        if key in self.lots:
            if not lots:
                del self.lots[key]
                del self.keys[bisect_left(self.keys, key)]
                return
        elif lots:
            insort(self.keys, key)
        if lots:
            self.lots[key] = lots


def _size(random: Random) -> int:
    """Return lots of 0.001: many are small, few are large."""
    return max(1, int(random.lognormvariate(5.0, 1.6)))


class Generator:
    """A market from a seed."""

    def __init__(self, shape: Shape, seed: int, symbol: str = "BTCUSDT") -> None:
        self._shape = shape
        self._symbol = symbol
        self._random = Random(seed)
        self._mid = OPENS_AT
        self._asks = _Side(1, self._mid, shape, self._random)
        self._bids = _Side(-1, self._mid + 1, shape, self._random)
        self._last = FIRST_ID
        self._number = 0
        slack = max(2, shape.levels // 50)
        self._fewest, self._most = shape.levels - slack, shape.levels + slack

    def snapshot(self) -> bytes:
        """Return the book as REST tells it now."""
        bids = [_row(-key, self._bids.lots[key]) for key in self._bids.keys]
        asks = [_row(key, self._asks.lots[key]) for key in self._asks.keys]
        return depth_answer(self._last, bids, asks)

    def frame(self) -> bytes:
        """Let 100 ms pass, and return what the venue tells of them."""
        quota = self._shape.changes(self._random)
        changed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._drift(changed, quota)
        tries = 0
        while len(changed[0]) + len(changed[1]) < quota and tries < TRIES * quota:
            tries += 1
            which = self._random.randrange(2)
            self._change((self._bids, self._asks)[which], changed[which])
        first, before = self._last + 7, self._last
        self._last = first + 11 * quota
        self._number += 1
        at = FIRST_MS + 100 * self._number
        bids = [_row(-key, lots) for key, lots in sorted(changed[0].items(), reverse=True)]
        asks = [_row(key, lots) for key, lots in sorted(changed[1].items())]
        return depth_update(self._symbol, at, (first, self._last, before), bids, asks)

    def _drift(self, changed: tuple[dict[int, int], dict[int, int]], quota: int) -> None:
        """Move the mid; what it passes is deleted, and a level follows it on the other side."""
        most = min(self._shape.most_drift, quota // 2)
        by = self._random.randint(-most, most)
        if by == 0:
            return
        eaten, following = (self._asks, self._bids) if by > 0 else (self._bids, self._asks)
        said, told = (changed[1], changed[0]) if by > 0 else (changed[0], changed[1])
        edge = eaten.sign * (self._mid + by)
        if len(eaten.keys) - bisect_left(eaten.keys, edge + 1) < self._fewest:
            return
        self._mid += by
        while eaten.keys[0] <= edge:
            said[eaten.keys[0]] = 0
            eaten.place(eaten.keys[0], 0)
        key = following.sign * self._mid + (1 if following.sign > 0 else 0)
        if key not in following.lots and len(following.keys) < self._most:
            told[key] = _size(self._random)
            following.place(key, told[key])

    def _change(self, side: _Side, changed: dict[int, int]) -> None:
        random, wish = self._random, self._random.random()
        count = len(side.keys)
        key = side.keys[0] + side.anywhere(random)
        moves = wish < INSERTED + DELETED
        if moves and count < self._most and (wish < INSERTED or count <= self._fewest):
            while key in side.lots or key in changed:
                key += 1
            changed[key] = _size(random)
            side.place(key, changed[key])
            return
        key = side.keys[min(bisect_left(side.keys, key), count - 1)]
        if key not in changed:
            changed[key] = 0 if moves else _size(random)
            side.place(key, changed[key])


def depth_answer(last: int, bids: Rows, asks: Rows) -> bytes:
    """Return the answer to a REST request for the book."""
    told = {"lastUpdateId": last, "E": FIRST_MS, "T": FIRST_MS, "bids": bids, "asks": asks}
    return json.dumps(told, separators=(",", ":")).encode()


def depth_update(
    symbol: str, at_ms: int, ids: tuple[int, int, int], bids: Rows, asks: Rows
) -> bytes:
    """Return a frame of the combined stream; `ids` are its first, its last and the one before."""
    first, last, before = ids
    data: dict[str, object] = {"e": "depthUpdate", "E": at_ms + 1, "T": at_ms, "s": symbol}
    data |= {"U": first, "u": last, "pu": before, "b": bids, "a": asks}
    stream = f"{symbol.lower()}@depth@100ms"
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def _row(ticks: int, lots: int) -> list[str]:
    return [f"{ticks // 10}.{ticks % 10}0", f"{lots // 1000}.{lots % 1000:03d}"]


def generate(shape: Shape, messages: int, *, seed: int = 1, symbol: str = "BTCUSDT") -> Tape:
    """Return a tape of so many messages after the one that joins it to its snapshot."""
    market = Generator(shape, seed, symbol)
    snapshot = market.snapshot()
    return Tape(snapshot, [market.frame() for _ in range(messages + 1)])


def published(messages: int, *, seed: int = 1) -> Tape:
    """Return the shape of the published benchmark: the best three levels a side, again and again.

    Its book opens with five levels a side, a unit apart, and each message sets three a side, half a
    unit apart, which makes it seven. The original repeats one message, so that a book that compares
    has nothing to do; here the sizes change each time.
    """
    random, opens, last = Random(seed), 500_000, FIRST_ID

    def rows(ticks: list[int]) -> Rows:
        return [_row(each, random.randint(1000, 3300)) for each in ticks]

    bids = [opens - 10 * n for n in range(5)]
    snapshot = depth_answer(last, rows(bids), rows([opens + 10 + 10 * n for n in range(5)]))
    frames = []
    for number in range(messages + 1):
        told = rows([opens + 5, opens, opens - 5]), rows([opens + 10, opens + 15, opens + 20])
        at, ids = FIRST_MS + 100 * (number + 1), (last + 7, last + 66, last)
        frames.append(depth_update("BTCUSDT", at, ids, *told))
        last += 66
    return Tape(snapshot, frames)


def always(changes: int) -> Callable[[Random], int]:
    """Every message changes as many levels."""
    return lambda _random: changes


def heavy_tailed(median: float, spread: float, most: int) -> Callable[[Random], int]:
    """Most messages change few levels, and some change many: as recorded ones do."""
    return lambda random: max(1, min(most, int(random.lognormvariate(0, spread) * median)))
