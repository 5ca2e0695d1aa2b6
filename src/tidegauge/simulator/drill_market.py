"""The market of a drill: one compact book a venue, generated fast enough to drill thirty minutes in
a second or two.

Where `simulator.market` makes each order, this one draws whole ladders: sizes are a usual density
times slow noise of the market, of the side and of the level. What a detector sees of it (the noise
of depth, spread and slippage, how much of it the sides share) is as in recordings of majors, where
the log noise of depth is 0.075 to 0.10 (signals.md section 3). The same seed gives the same market.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, exp, floor, log, sqrt
from random import Random
from typing import TypeAlias

from tidegauge.core.instrument import InstrumentKind, VenueName
from tidegauge.core.side import Side

from .path import generator
from .scenario import NORMAL, Conditions

Levels: TypeAlias = list[tuple[str, str]]

OPENS_AT = 640_000
"""Ticks of `TICK`; each book opens there, give or take its premium."""
TICK, STEP = "0.1", "0.001"
_LOTS_A_UNIT = 1_000
_TICKS_A_UNIT = 10

_CELL = 25
"""Ticks from one level to the next: 0.4 bps."""
_COARSE = 25
"""Far from the touch only every so manieth cell holds a level."""
_NEAR_BPS, _REACH_BPS = 12.0, 110.0
_FAR_SHARE = 0.33
"""The density far from the touch, as a share of that near it."""

_GRAIN = log(1.025)
"""Sizes are told in steps of 2.5 %: each spelling is parsed once."""
_SURE = 4
"""A level that is off by so many steps is told at once; of the others a third each time."""

_PRICE_BPS = 0.45
"""How far the price walks in a second."""
_LEVEL_NOISE = 0.35
_BASIS_BPS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBook:
    """One book in calm. `depth` is quote a side within 10 bps; `noise` the log noise of the depth of
    both sides; `spread_bps` the usual spread, `premium_bps` how far its price is from the others'.
    `updates` are told a second."""

    venue: VenueName
    kind: InstrumentKind
    quote: str
    depth: float
    spread_bps: float = 0.3
    noise: float = 0.08
    premium_bps: float = 0.0
    updates: int = 2


class _Ar:
    """Noise of variance one that forgets within `seconds`."""

    __slots__ = ("_random", "_seconds", "value")

    def __init__(self, random: Random, seconds: float) -> None:
        self._random = random
        self._seconds = seconds
        self.value = random.gauss(0.0, 1.0)

    def step(self, seconds: float) -> float:
        keep = exp(-seconds / self._seconds)
        self.value = self.value * keep + self._random.gauss(0.0, 1.0) * sqrt(1 - keep * keep)
        return self.value


class DrillPrice:
    """The price that all venues share, in bps from where it opened."""

    def __init__(self, seed: int) -> None:
        self._random = generator(seed, "price")
        self.bps = 0.0

    def step(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.bps += self._random.gauss(0.0, _PRICE_BPS) * sqrt(seconds) - self.bps * seconds / 3_600


class _Half:
    """One side: what rests there, and what of it was told. Sizes are in steps of `_GRAIN`."""

    def __init__(self, side: Side, book: DrillBook, random: Random) -> None:
        self.sign = -1 if side is Side.BID else 1
        self._random = random
        near = book.depth / 10 * _CELL * 1e4 / OPENS_AT  # quote a level
        lots = near / (OPENS_AT / _TICKS_A_UNIT) * _LOTS_A_UNIT
        self._near = log(lots) / _GRAIN
        self._far = self._near + log(_COARSE * _FAR_SHARE) / _GRAIN
        self._own, self._fast = _Ar(random, 20.0), _Ar(random, 0.8)
        self._noise = book.noise
        self._level_of: dict[int, float] = {}
        self.level = 0.0
        self.shown: dict[int, int] = {}
        self._beat = 0

    def step(self, seconds: float, shared: float, factor: float) -> None:
        """Let the size of the whole side move."""
        own, fast = self._own.step(seconds), self._fast.step(seconds)
        noise = self._noise * (0.75 * shared + 0.75 * own + 0.55 * fast)
        self.level = (noise + log(max(factor, 1e-6))) / _GRAIN

    def ladder(self, touch: int) -> dict[int, int]:
        """Return what rests, with its best price at `touch`: ticks to size."""
        sign = self.sign
        rests = {touch: self._size(touch, self._near)}
        first = touch // _CELL + (0 if sign < 0 and touch % _CELL else sign)
        last = first + sign * floor(touch * _NEAR_BPS / 1e4 / _CELL)
        for cell in range(first, last, sign):
            rests[cell * _CELL] = self._size(cell, self._near)
        begin = floor(last / _COARSE) if sign < 0 else ceil(last / _COARSE)
        end = begin + sign * floor(touch * (_REACH_BPS - _NEAR_BPS) / 1e4 / _CELL / _COARSE)
        for cell in range(begin * _COARSE, end * _COARSE, sign * _COARSE):
            rests[cell * _CELL] = self._size(cell, self._far)
        return rests

    def changes(self, rests: dict[int, int]) -> Iterator[tuple[int, int | None]]:
        """Yield what is to be told of what rests now, as (ticks, size); None: nothing there."""
        shown, turn = self.shown, self._beat % 3
        self._beat += 1
        for ticks in [*shown]:
            if ticks not in rests:
                del shown[ticks]
                yield ticks, None
        for ticks, size in rests.items():
            known = shown.get(ticks)
            if known is None or abs(known - size) >= _SURE or (known != size and ticks % 3 == turn):
                shown[ticks] = size
                yield ticks, size

    def _size(self, cell: int, usual: float) -> int:
        own = self._level_of.get(cell)
        if own is None:
            own = self._level_of[cell] = self._random.gauss(0.0, _LEVEL_NOISE) / _GRAIN
        return round(usual + own + self.level)


class DrillMarket:
    """One book, driven by hand: `step` it, then have it told whole or by its changes."""

    def __init__(self, book: DrillBook, seed: int) -> None:
        self.book = book
        random = generator(seed, book.venue)
        self._halves = {side: _Half(side, book, random) for side in Side}
        self._shared, self._wide = _Ar(random, 20.0), _Ar(random, 2.0)
        self._basis = _Ar(random, 20.0)
        self._touch = dict.fromkeys(Side, OPENS_AT)

    def step(self, seconds: float, price_bps: float, conditions: Conditions = NORMAL) -> None:
        """Let `seconds` pass, until the price of all is `price_bps` and `conditions` hold."""
        book = self.book
        shared = self._shared.step(seconds)
        self._halves[Side.BID].step(seconds, shared, conditions.bid_factor)
        self._halves[Side.ASK].step(seconds, shared, conditions.ask_factor)
        away = price_bps + book.premium_bps + conditions.slide_bps
        away += _BASIS_BPS * self._basis.step(seconds)
        middle = OPENS_AT * exp(away * 1e-4)
        usual = book.spread_bps * exp(book.noise * self._wide.step(seconds))
        gap = max(1, round(middle * max(usual, conditions.spread_bps) / 1e4))
        bid = round(middle - gap / 2)
        self._touch = {Side.BID: bid, Side.ASK: bid + gap}

    def whole(self) -> tuple[Levels, Levels]:
        """Return the whole book, as bids and asks."""
        for half in self._halves.values():
            half.shown.clear()
        return self.changed()

    def changed(self) -> tuple[Levels, Levels]:
        """Return what changed since it was last told, as bids and asks."""
        bids, asks = (
            [
                (_price(ticks), "0" if size is None else _lots(size))
                for ticks, size in half.changes(half.ladder(self._touch[side]))
            ]
            for side, half in self._halves.items()
        )
        return bids, asks


_PRICES: dict[int, str] = {}
_SIZES: dict[int, str] = {}


def _price(ticks: int) -> str:
    text = _PRICES.get(ticks)
    if text is None:
        text = _PRICES[ticks] = f"{ticks // _TICKS_A_UNIT}.{ticks % _TICKS_A_UNIT}"
    return text


def _lots(size: int) -> str:
    text = _SIZES.get(size)
    if text is None:
        lots = max(1, round(exp(size * _GRAIN)))
        text = _SIZES[size] = f"{lots // _LOTS_A_UNIT}.{lots % _LOTS_A_UNIT:03}"
    return text
