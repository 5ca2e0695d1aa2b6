"""Every number of the liquidity crunch that can be set (docs/signals.md §3)."""

from dataclasses import dataclass, field
from decimal import Decimal
from math import log

from ..core.instrument import SECOND, Nanos


@dataclass(frozen=True, slots=True)
class Threshold:
    """A harm that breaches: the larger of `harm` and `noises` times the noise of the input."""

    harm: float
    noises: float

    def at(self, noise: float) -> float:
        """Return the threshold for this much noise."""
        return max(self.harm, self.noises * noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFloors:
    """Absolute limits that a user set; None is off.

    `min_depth` is quote of both sides within `depth_band` bps; the others are in bps, the slippage
    being that of either taker at the reference notional.
    """

    depth_band: int = 10
    min_depth: Decimal | None = None
    max_spread_bps: float | None = None
    max_slippage_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrunchSettings:
    """When a book's liquidity counts as crunched.

    Spans are nanoseconds. Harms are differences of logs: 0.65 is 48 % of the depth gone. Windows,
    `bleed_short`, `bleed_long`, `clear_samples` and `reference_samples` count samples at `cadence`.
    """

    cadence: Nanos = 1 * SECOND
    slow: int = 3_600
    fast: int = 300
    min_samples: int = 300
    max_freeze: Nanos = 3_600 * SECOND
    least_noise: float = 0.05

    bands: tuple[int, ...] = (10, 50, 100)
    fallback_bands: tuple[int, ...] = (5, 2, 1)
    band_spreads: float = 3.0
    band_stay: float = 0.8

    reference_notional: Decimal = Decimal(500_000)
    reference_share: float = 0.20
    reference_samples: int = 30

    depth_step: Threshold = field(default=Threshold(0.65, 4.25))
    depth_step_supported: Threshold = field(default=Threshold(0.50, 4.0))
    side_step: Threshold = field(default=Threshold(0.85, 4.75))
    side_step_lasting: Threshold = field(default=Threshold(0.65, 4.5))
    spread_step: Threshold = field(default=Threshold(log(3), 5.0))
    slippage_step: Threshold = field(default=Threshold(log(3), 5.0))
    supporting_harm: float = 0.3
    spread_moved: Threshold = field(default=Threshold(0.10, 1.5))
    step_hold: Nanos = 2 * SECOND
    side_hold: Nanos = 3 * SECOND
    lasting_hold: Nanos = 9 * SECOND
    alone_hold: Nanos = 5 * SECOND

    bleed_short: int = 30
    bleed_long: int = 90
    depth_bleed_short: Threshold = field(default=Threshold(0.43, 3.25))
    depth_bleed_long: Threshold = field(default=Threshold(0.43, 2.5))
    side_bleed_short: Threshold = field(default=Threshold(0.80, 4.0))
    side_bleed_long: Threshold = field(default=Threshold(0.80, 3.25))
    side_bleed_supported: Threshold = field(default=Threshold(0.43, 2.75))
    bleed_hold: Nanos = 2 * SECOND
    bleed_still: float = 0.75

    fill_hold: Nanos = 2 * SECOND
    floors: UserFloors = field(default_factory=UserFloors)
    floor_hold: Nanos = 2 * SECOND
    floor_margin: float = 0.10

    imbalance_named: Threshold = field(default=Threshold(0.3, 3.0))

    high_share: float = 0.50
    critical_share: float = 0.70
    noise_limit: float = 0.92

    clear_samples: int = 5
    clear_share: float = 0.75
    clear_for: Nanos = 30 * SECOND

    def __post_init__(self) -> None:
        if not 1 < self.min_samples <= self.slow or self.fast <= 1:
            raise ValueError("min_samples must be from 2 to slow, and fast at least 2")
        if self.cadence <= 0 or not self.bands:
            raise ValueError("cadence and bands must not be empty")
        if not self.bleed_long >= self.bleed_short >= self.clear_samples >= 1:
            raise ValueError("bleed_long, bleed_short and clear_samples must not grow")
        if not self.reference_notional > 0:
            raise ValueError("reference_notional must be positive")
