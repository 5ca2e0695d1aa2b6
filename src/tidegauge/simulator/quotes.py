"""One side of a generated book: who quotes where, how much, and how that changes.

Levels stand at one tick of each price cell (`Shape.price`), the touch wherever the price is. Each
level has a nominal size, drawn from the profile; what it shows is that times the side's factor,
which scenarios push down.
"""

from collections.abc import Iterator
from math import exp, sqrt
from random import Random

from tidegauge.core.side import Side

from .profile import Profile, Shape
from .scenario import Wall

_BIG = 4.0
"""Levels of more than this many times the mean are rare, and rarely touched: walls persist."""

_BIG_SHARE = 0.12
_LARGEST = 40.0
_RESCALE_TAU = 0.25
"""How fast the levels of a side follow its factor, in seconds."""


class Quotes:
    """The levels of one side. `lots` is what the book shows, `touched` what changed since cleared.

    `touch` is its best tick and always holds a level; `edge` the last tick it reaches to.
    """

    def __init__(
        self, side: Side, profile: Profile, random: Random, *, tick_bps: float, lot_quote: float
    ) -> None:
        self.side = side
        self.profile = profile
        self.random = random
        self.shape = Shape(profile, tick_bps=tick_bps, lot_quote=lot_quote)
        self.sign = -1 if side is Side.BID else 1
        """Outwards: down for bids, up for asks."""
        self.lots: dict[int, int] = {}
        self.nominal: dict[int, float] = {}
        self.touched: set[int] = set()
        self.touch = self.edge = 0
        self.reach = round(profile.reach_bps / tick_bps)
        self.factor = 1.0
        self.unsettled = 0.0
        self.appetite = 0.0
        """The touch size's distance from its median, in log standard deviations."""
        self.wall: int | None = None
        self.wall_known: Wall | None = None

    # -- the shape -------------------------------------------------------------------------------

    def open(self, touch: int) -> None:
        """Quote the whole side afresh around `touch`."""
        self.touch = touch
        self.edge = touch + self.sign * self.reach
        self.appetite = self.random.gauss(0.0, 1.0)
        self._fill(touch, self.edge)
        self._quote_touch()

    def move(self, touch: int) -> None:
        """Take the touch to another tick: forwards over new levels, or back over those taken."""
        if touch == self.touch:
            return
        old, self.touch = self.touch, touch
        inwards = (touch - old) * self.sign < 0
        self._leave(old)
        if inwards:
            self._fill(touch, old)
        else:
            self._clear(old, touch)
        self._quote_touch()
        self._regrade(old, touch, inwards=inwards)
        edge = touch + self.sign * self.reach
        if inwards:
            self._clear(edge + self.sign, self.edge + self.sign)
        else:
            self._fill(self.edge, edge)
        self.edge = edge

    def operate(self, bps: float) -> None:
        """One maker does one thing at `bps` from the touch: insert, resize, cancel or flash."""
        tick = self.shape.price(self._cell(self.touch + self.sign * int(bps / self.shape.tick_bps)))
        distance = (tick - self.touch) * self.sign
        if distance <= 0 or distance > self.reach:
            return
        random, profile = self.random, self.profile
        shown = self.nominal.get(tick)
        if shown is not None:
            if tick == self.wall or (
                shown > _BIG * self.shape.mean_lots(bps) and random.random() > _BIG_SHARE
            ):
                return
            if random.random() < profile.delete_share:
                self._set(tick, 0.0)
            else:
                self._set(tick, self._draw(tick))
            return
        occupancy = self.shape.occupancy(bps)
        if random.random() < profile.delete_share * occupancy / (1.0 - occupancy):
            self._set(tick, self._draw(tick))
        if random.random() < profile.flash_share and tick not in self.lots:
            self.touched.add(tick)

    # -- the touch -------------------------------------------------------------------------------

    def requote_touch(self, seconds: float) -> None:
        """Let the size at the touch wander."""
        keep = exp(-seconds / self.profile.touch_tau)
        if self.random.random() < sqrt(1.0 - keep * keep) * 2.0:
            self.appetite *= keep
            self.appetite += self.random.gauss(0.0, 1.0) * sqrt(1.0 - keep * keep)
            self._quote_touch()

    def _quote_touch(self) -> None:
        median = self.profile.touch_quote / self.shape.lot_quote
        nominal = median * exp(self.appetite * self.profile.touch_sigma)
        self._set(self.touch, max(nominal, 1.0 / self.factor))

    def _leave(self, tick: int) -> None:
        """Turn what was the touch into an ordinary level, or into none."""
        self.appetite = self.random.gauss(0.0, 1.0)
        if (
            self.shape.price(self._cell(tick)) == tick
            and (tick - self.touch) * self.sign > 0
            and self.random.random() < self.shape.occupancy(0.0)
        ):
            self._set(tick, self._draw(tick))
        else:
            self._set(tick, 0.0)

    # -- what scenarios do -----------------------------------------------------------------------

    def scale(self, factor: float, seconds: float) -> None:
        """Follow the side's size factor: each level in its own time, all of them soon."""
        if factor != self.factor:
            self.factor = factor
            self.unsettled = 6.0 * _RESCALE_TAU
        if self.unsettled <= 0.0:
            return
        self.unsettled -= seconds
        share = 1.0 if self.unsettled <= 0.0 else 1.0 - exp(-seconds / _RESCALE_TAU)
        uniform = self.random.random
        for tick, nominal in list(self.nominal.items()):
            if uniform() < share:
                self._set(tick, nominal)

    def build_wall(self, wall: Wall | None) -> None:
        """Put up the wall of this side, or take it down."""
        if wall is not None and wall.side is not self.side:
            wall = None
        if wall is self.wall_known:
            return
        self.wall_known = wall
        if self.wall is not None and self.wall in self.nominal and self.wall != self.touch:
            self._set(self.wall, self._draw(self.wall))
        self.wall = None
        if wall is not None:
            away = max(1, round(wall.distance_bps / self.shape.tick_bps))
            self.wall = self.touch + self.sign * away
            near = 10.0 / self.shape.tick_bps
            depth = sum(lots for tick, lots in self.lots.items() if abs(tick - self.touch) <= near)
            self._set(self.wall, depth * wall.multiple)

    # -- levels ----------------------------------------------------------------------------------

    def _regrade(self, old: int, new: int, *, inwards: bool) -> None:
        """Bring the cells that came nearer or went further to the usual density of where they are.

        Without it a price that runs would drag a dense touch behind it.
        """
        random, tick_bps = self.random.random, self.shape.tick_bps
        for limit, near, far in self.shape.steps(inwards=inwards):
            away = self.sign * round(limit / tick_bps)
            before, after = (near, far) if inwards else (far, near)
            keep = min(1.0, after / before)
            insert = max(0.0, (after - before) / (1.0 - before))
            for tick in self._prices(old + away, new + away):
                if (tick - self.touch) * self.sign <= 0 or tick == self.wall:
                    continue
                if random() < (keep if tick in self.nominal else insert):
                    self._set(tick, self._draw(tick))
                elif tick in self.nominal:
                    self._set(tick, 0.0)

    def _cell(self, tick: int) -> int:
        return tick // self.shape.cell

    def _draw(self, tick: int) -> float:
        """Draw a level's nominal size: lognormal about the mean at its distance."""
        distance = abs(tick - self.touch) * self.shape.tick_bps
        sigma, random = self.profile.size_sigma, self.random
        mean = self.shape.mean_lots(distance)
        for _ in range(8):
            relative = exp(random.gauss(-sigma * sigma / 2, sigma))
            if relative < _BIG or random.random() < _BIG_SHARE:
                break
        ten, hundred, thousand = self.profile.round_numbers
        if tick % 10 == 0:
            relative *= ten
            if tick % 100 == 0:
                relative *= hundred
                if tick % 1000 == 0:
                    relative *= thousand
        return max(1.0, mean * min(relative, _LARGEST))

    def _set(self, tick: int, nominal: float) -> None:
        """Give a level its nominal size, and show what the factor leaves of it; 0 takes it out."""
        shown = int(nominal * self.factor + 0.5)
        if nominal:
            self.nominal[tick] = nominal
        else:
            self.nominal.pop(tick, None)
        if self.lots.get(tick, 0) == shown:
            return
        if shown:
            self.lots[tick] = shown
        else:
            self.lots.pop(tick, None)
        self.touched.add(tick)

    def _fill(self, start: int, end: int) -> None:
        """Quote the cells strictly between two ticks at their usual occupancy, `end` included."""
        for tick in self._prices(start, end):
            if tick != start and tick not in self.nominal:
                distance = abs(tick - self.touch) * self.shape.tick_bps
                if self.random.random() < self.shape.occupancy(distance):
                    self._set(tick, self._draw(tick))

    def _clear(self, start: int, end: int) -> None:
        """Take out every level from `start` up to, and not at, `end`."""
        for tick in self._prices(start, end):
            if tick != end and tick in self.nominal:
                self._set(tick, 0.0)
        if self.wall is not None and min(start, end) <= self.wall <= max(start, end):
            self._set(self.wall, 0.0)
            self.wall = None

    def _prices(self, start: int, end: int) -> Iterator[int]:
        """Iterate over the ticks where a level may stand, from one tick to another, inclusive."""
        low, high = min(start, end), max(start, end)
        for cell in range(self._cell(low), self._cell(high) + 1):
            tick = self.shape.price(cell)
            if low <= tick <= high:
                yield tick
