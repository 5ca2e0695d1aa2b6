"""Every number of the signals beside the crunch that can be set (signals.md sections 4 to 7, 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..core.instrument import SECOND, Nanos, VenueName


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceSettings:
    """When venues disagree about one symbol (section 4). Limits are in bps, of the raw difference
    where two instruments are of one kind and of quotes alike, else of the deviation from their usual
    premium. `executable_bps`: what must be left after both fees. `taker_bps`: the fee of a taker on
    each venue; of one that is not named it is unknown. Cleared below `clear_share` of the lowest
    limit. A premium is known after `min_samples` of `slow` samples, one each `cadence`."""

    monitor_bps: float = 10.0
    widen_bps: float = 30.0
    pause_bps: float = 60.0
    executable_bps: float = 0.0
    taker_bps: Mapping[VenueName, float] = field(default_factory=dict)
    hold: Nanos = 5 * SECOND
    executable_hold: Nanos = 5 * SECOND
    blind_hold: Nanos = 15 * SECOND
    clear_share: float = 0.75
    clear_for: Nanos = 30 * SECOND
    slow: int = 3_600
    min_samples: int = 300
    max_freeze: Nanos = 3_600 * SECOND
    cadence: Nanos = SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class StressSettings:
    """Whether executing is safe (section 5). `execution_size`: what is to be executed at once, in
    quote. `haircuts`: shares of every level that are taken away; `judged` decides. Shares of the
    notional that slippage costs: from `elevated` on elevated, from `unsafe` on unsafe. `rates`: what
    one unit of another quote is worth in that of the symbol; a venue whose quote has none is
    compared with no other. The model of a venue without a book: 100 * (size / `liquidity`) **
    `exponent` percent."""

    execution_size: Decimal = Decimal(500_000)
    haircuts: tuple[float, ...] = (0.3, 0.5, 0.7)
    judged: float = 0.5
    elevated: float = 0.02
    unsafe: float = 0.05
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    assumed_liquidity: Mapping[VenueName, Decimal] = field(default_factory=dict)
    exponent: float = 1.3
    hold: Nanos = 5 * SECOND
    clear_share: float = 0.75
    clear_for: Nanos = 30 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """When a venue is unwell (section 6): any of its books not LIVE for so long, none for so long. A
    symbol is dark when none of its books on any venue is. Of what was not LIVE since the start it
    takes `start_within`: books synchronise one after another."""

    degraded_after: Nanos = 5 * SECOND
    down_after: Nanos = 15 * SECOND
    dark_after: Nanos = 15 * SECOND
    start_within: Nanos = 60 * SECOND
    clear_for: Nanos = 30 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component of the score: 0 at `at_0`, 100 at `at_100`, and its weight in the sum."""

    at_0: float
    at_100: float
    weight: float


def _parts() -> dict[str, Part]:
    return {
        "crunch": Part(at_0=0.2, at_100=1.2, weight=0.30),
        "spread": Part(at_0=1.0, at_100=10.0, weight=0.10),
        "slippage": Part(at_0=1.0, at_100=5.0, weight=0.20),
        "divergence": Part(at_0=5.0, at_100=60.0, weight=0.10),
        "stress": Part(at_0=0.005, at_100=0.05, weight=0.15),
        "health": Part(at_0=0.0, at_100=1.0, weight=0.15),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeSettings:
    """The score from 0 to 100 (section 7). What a part measures: crunch, the harm of depth (a log);
    spread and slippage, times their usual; divergence, the judged bps; stress, the share of the
    notional that the judged haircut costs; health, the share of venues that are not well. `levels`:
    from where it is watch, stressed, critical; below, calm."""

    parts: Mapping[str, Part] = field(default_factory=_parts)
    levels: tuple[float, float, float] = (30.0, 55.0, 75.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapSettings:
    """How much of an asset may be held (section 9). `limits`: in calm weather, in quote, by asset;
    `shares`: of it, in calm, watch, stressed, critical weather. What a person said of an exposure
    counts for `expires_after`."""

    limits: Mapping[str, Decimal] = field(default_factory=dict)
    shares: tuple[float, float, float, float] = (1.0, 0.75, 0.5, 0.25)
    hold: Nanos = 5 * SECOND
    clear_for: Nanos = 30 * SECOND
    expires_after: Nanos = 3_600 * SECOND
