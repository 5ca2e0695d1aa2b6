"""What each kind of market looks like, as numbers (fitted to recordings of 2024 to 2026).

Depth is cumulative quote per side; levels are counted per basis point, so that one profile serves
venues with different ticks. The books are sparser far from the touch than the real ones: all of a
book stays under 1,000 levels a side, so that a snapshot of 1,000 tells the whole of it.
"""

from bisect import bisect_right
from dataclasses import dataclass, field, replace

from tidegauge.core.instrument import MILLISECOND, Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Orders that move the price: a self-exciting process shared by every venue of an asset."""

    rate: float
    """Orders a second that nothing provoked."""
    branching: float
    decay: float
    move_probability: float
    jump_bps: float
    jump_sigma: float
    largest_jump_bps: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One book's shape and the habits of those who quote in it."""

    depth: tuple[tuple[float, float], ...]
    """(distance in bps, cumulative quote a side)."""
    levels: tuple[tuple[float, float], ...]
    """(distance in bps up to which, levels a bp)."""
    occupancy: float
    """The share of price cells that hold a level near the touch; cells widen to make it so."""
    size_sigma: float
    touch_quote: float
    touch_sigma: float
    touch_tau: float
    operations: float
    """Maker operations a second in a quiet market."""
    operations_per_burst: float
    burst_tau: float
    mood_sigma: float
    mood_tau: float
    delete_share: float
    flash_share: float
    far_share: float
    distance_bps: float
    distance_sigma: float
    follow_bps: float
    """How far the price may stray before the touch follows it."""
    premium_bps: float = 0.0
    premium_sigma: float = 0.15
    premium_tau: float = 20.0
    round_numbers: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Size multipliers at prices that are multiples of 10, 100 and 1,000 ticks."""
    slot: Nanos = 50 * MILLISECOND
    flow: Flow = field(kw_only=True)

    @property
    def reach_bps(self) -> float:
        """How far from the touch the book goes."""
        return self.levels[-1][0]

    def scaled(self, *, depth: float = 1.0, operations: float = 1.0) -> "Profile":
        """Return this market with another depth or another pace."""
        return replace(
            self,
            depth=tuple((bps, quote * depth) for bps, quote in self.depth),
            touch_quote=self.touch_quote * depth,
            operations=self.operations * operations,
            operations_per_burst=self.operations_per_burst * operations,
        )


class Shape:
    """A profile's density and occupancy in one book's own ticks and lots, ready to be looked up."""

    __slots__ = ("_bounds", "_means", "_occupancies", "_steps", "cell", "lot_quote", "tick_bps")

    def __init__(self, profile: Profile, *, tick_bps: float, lot_quote: float) -> None:
        self.tick_bps = tick_bps
        self.lot_quote = lot_quote
        densest = max(count for _bps, count in profile.levels)
        self.cell = max(1, round(profile.occupancy / (densest * tick_bps)))
        cell_bps = self.cell * tick_bps
        self._bounds: list[float] = []
        self._occupancies: list[float] = []
        self._means: list[float] = []
        for bps in sorted({bps for bps, _ in (*profile.depth, *profile.levels)}):
            middle = (bps + (self._bounds[-1] if self._bounds else 0.0)) / 2
            count = next((n for limit, n in profile.levels if middle <= limit), 0.0)
            if not count:
                break
            self._bounds.append(bps)
            self._occupancies.append(min(0.97, count * cell_bps))
            quote = _density(profile.depth, middle) / self._occupancies[-1] * cell_bps
            self._means.append(quote / lot_quote)
        self._steps = list(
            zip(self._bounds[:-1], self._occupancies[:-1], self._occupancies[1:], strict=True)
        )

    def occupancy(self, bps: float) -> float:
        """Return the chance that a cell at this distance holds a level."""
        return self._occupancies[min(bisect_right(self._bounds, bps), len(self._bounds) - 1)]

    def mean_lots(self, bps: float) -> float:
        """Return the mean size of a level at this distance."""
        return self._means[min(bisect_right(self._bounds, bps), len(self._bounds) - 1)]

    def steps(self, *, inwards: bool) -> list[tuple[float, float, float]]:
        """Return each distance where occupancy changes, and what it is on either side of it.

        In the order in which a cell passes them when the touch moves inwards or outwards.
        """
        return self._steps if inwards else self._steps[::-1]

    def price(self, cell: int) -> int:
        """Return the one tick of `cell` where a level may stand: a round one where there is one."""
        width = self.cell
        if width == 1:
            return cell
        first = cell * width
        to_round = -first % 100
        if to_round < width:
            return first + to_round
        return first + (cell * 2_654_435_761 >> 7) % width


def _density(depth: tuple[tuple[float, float], ...], bps: float) -> float:
    below_bps, below_quote = 0.0, 0.0
    slope = 0.0
    for limit, quote in depth:
        slope = (quote - below_quote) / (limit - below_bps)
        if bps <= limit:
            break
        below_bps, below_quote = limit, quote
    return slope


_BTC_FLOW = Flow(
    rate=1.2, branching=0.84, decay=10.7, move_probability=0.10, jump_bps=0.09, jump_sigma=1.35
)
_ETH_FLOW = Flow(
    rate=1.3, branching=0.80, decay=14.0, move_probability=0.10, jump_bps=0.12, jump_sigma=1.25
)
_ALT_FLOW = Flow(
    rate=0.06, branching=0.5, decay=0.3, move_probability=0.2, jump_bps=6.0, jump_sigma=0.4
)

BTC_PERP = Profile(
    depth=(
        (1, 0.44e6), (2, 0.95e6), (5, 3.5e6), (10, 8.8e6), (25, 26e6), (50, 59e6), (100, 94e6),
        (150, 115e6),
    ),
    levels=((1, 18), (2, 27), (5, 32), (10, 30), (25, 12), (50, 4.8), (100, 2.7), (150, 1.2)),
    occupancy=0.5,
    size_sigma=0.9,
    touch_quote=165e3,
    touch_sigma=0.8,
    touch_tau=0.7,
    operations=420,
    operations_per_burst=26,
    burst_tau=0.12,
    mood_sigma=0.4,
    mood_tau=0.3,
    delete_share=0.22,
    flash_share=0.04,
    far_share=0.09,
    distance_bps=6.3,
    distance_sigma=1.28,
    follow_bps=0.25,
    round_numbers=(1.5, 2.0, 1.5),
    flow=_BTC_FLOW,
)  # fmt: skip
BTC_SPOT = replace(
    BTC_PERP,
    depth=(
        (1, 0.26e6), (2, 0.5e6), (5, 1.4e6), (10, 2.9e6), (25, 6.3e6), (50, 9.5e6), (100, 13e6),
        (150, 16e6),
    ),
    levels=((1, 17), (2, 24), (5, 28), (10, 27), (25, 12), (50, 4.8), (100, 2.7), (150, 1.2)),
    touch_quote=70e3,
    operations=300,
    operations_per_burst=18,
    burst_tau=0.2,
    mood_sigma=0.6,
    mood_tau=0.5,
    delete_share=0.5,
    flash_share=0.06,
    far_share=0.05,
    distance_bps=4.3,
    distance_sigma=1.55,
    premium_bps=3.7,
    round_numbers=(1.0, 1.3, 1.0),
)  # fmt: skip
ETH_PERP = replace(
    BTC_PERP,
    depth=(
        (1, 0.12e6), (2, 0.3e6), (5, 1.5e6), (10, 3.8e6), (25, 11.2e6), (50, 20.5e6), (100, 28e6),
        (150, 34e6),
    ),
    levels=((1, 12), (2, 20), (5, 23), (10, 22), (25, 10), (50, 4.8), (100, 2.7), (150, 1.2)),
    occupancy=0.75,
    touch_quote=36e3,
    operations=450,
    operations_per_burst=30,
    delete_share=0.16,
    far_share=0.10,
    distance_bps=6.6,
    distance_sigma=1.30,
    round_numbers=(1.3, 1.6, 1.0),
    flow=_ETH_FLOW,
)  # fmt: skip
ETH_SPOT = replace(
    ETH_PERP,
    depth=(
        (1, 76e3), (2, 0.18e6), (5, 0.7e6), (10, 1.55e6), (25, 4.8e6), (50, 7e6), (100, 9.5e6),
        (150, 11.5e6),
    ),
    levels=((1, 10), (2, 16), (5, 20), (10, 20), (25, 10), (50, 4.8), (100, 2.7), (150, 1.2)),
    touch_quote=17e3,
    operations=280,
    operations_per_burst=16,
    delete_share=0.35,
    distance_bps=7.0,
    distance_sigma=1.45,
    premium_bps=4.4,
)  # fmt: skip
THIN_ALT = Profile(
    depth=(
        (10, 240), (25, 2.75e3), (50, 8e3), (100, 18.5e3), (200, 37.7e3), (500, 80e3),
        (1000, 120e3),
    ),
    levels=((200, 0.12), (500, 0.1), (1000, 0.06)),
    occupancy=1.0,
    size_sigma=0.9,
    touch_quote=240,
    touch_sigma=0.9,
    touch_tau=600.0,
    operations=2.5,
    operations_per_burst=0.2,
    burst_tau=1.0,
    mood_sigma=1.2,
    mood_tau=1.2,
    delete_share=0.022,
    flash_share=0.002,
    far_share=0.04,
    distance_bps=27,
    distance_sigma=1.6,
    follow_bps=4.0,
    premium_sigma=0.0,
    slot=100 * MILLISECOND,
    flow=_ALT_FLOW,
)  # fmt: skip


def twenty_levels(profile: Profile) -> Profile:
    """Return `profile` with a level a bp, so that the best twenty reach beyond 10 bps."""
    levels_reach = 10
    return replace(
        profile,
        depth=tuple((bps, quote) for bps, quote in profile.depth if bps >= levels_reach),
        levels=((25, 1.0), (50, 0.7), (100, 0.4), (150, 0.2)),
        occupancy=1.0,
        size_sigma=0.25,
        operations=40,
        operations_per_burst=3,
        delete_share=0.08,
        round_numbers=(1.0, 1.0, 1.0),
        slot=100 * MILLISECOND,
    )
