"""Rules of the signals beside the crunch (docs/signals.md §4 to §7, §9)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, model_validator

from tidegauge.runtime.settings_types import FREEZE, Notional, Ratio, Seconds, SymbolKey, VenueKey
from tidegauge.runtime.settings_types import listed as listed_text

from .kinds import BpsLimit, Hold, InnerShare, Rising, RuleSection, Share, misfit

Fee = Annotated[float, Ge(-100), Le(1_000), Field(allow_inf_nan=False)]
Level = Annotated[float, Ge(0), Le(100), Field(allow_inf_nan=False)]
Measure = Annotated[float, Ge(-10_000), Le(10_000), Field(allow_inf_nan=False)]
Haircuts = Annotated[
    tuple[Annotated[float, Gt(0), Le(0.99), Field(allow_inf_nan=False)], ...],
    BeforeValidator(listed_text),
    Field(min_length=1),
]


class WindowRules(RuleSection):
    """How far back a signal looks, in samples."""

    slow: Annotated[int, Ge(10), Le(100_000)] = Field(
        default=3_600, description="samples of the baseline a book is judged against"
    )
    fast: Annotated[int, Ge(2), Le(100_000)] = Field(
        default=300, description="samples of the textbook z-score shown beside it"
    )
    min_samples: Annotated[int, Ge(10), Le(100_000)] = Field(
        default=300, description="samples before a signal judges at all"
    )
    max_freeze_s: Seconds = Field(
        default=3_600.0, description="an alert that fires this long gets a second baseline"
    )

    @model_validator(mode="after")
    def _fit(self) -> "WindowRules":
        for name in ("fast", "min_samples"):
            if getattr(self, name) > self.slow:
                said = f"{name} ({getattr(self, name)}) must not exceed slow ({self.slow})"
                raise misfit(said, "slow", name)
        return self


class DivergenceRules(RuleSection):
    """When venues disagree about one symbol."""

    rising: ClassVar[Rising] = (("monitor_bps", "widen_bps", "pause_bps"),)

    monitor_bps: BpsLimit = Field(default=10.0, description="info, from this far apart")
    widen_bps: BpsLimit = Field(default=30.0, description="warning, from this far apart")
    pause_bps: BpsLimit = Field(default=60.0, description="high, from this far apart")
    executable_bps: BpsLimit = Field(
        default=0.0,
        description="buying on one and selling on the other: must leave more, after fees",
    )
    taker_bps: Annotated[Mapping[VenueKey, Fee], *FREEZE] = Field(
        default_factory=dict,
        description="fee of a taker on each venue, such as {binance: 10}; not named: not known",
    )
    hold_s: Hold = Field(default=5.0, description="how long they must be apart")
    executable_hold_s: Hold = Field(
        default=5.0, description="how long it must be possible to trade on it"
    )
    blind_hold_s: Hold = Field(
        default=15.0, description="fewer than two fresh venues for this long: nothing is compared"
    )
    clear_share: InnerShare = Field(
        default=0.75, description="cleared under this share of the lowest limit"
    )
    clear_for_s: Hold = Field(default=30.0, description="and for this long")


class StressRules(RuleSection):
    """Whether executing is safe."""

    rising: ClassVar[Rising] = (("elevated_share", "unsafe_share"),)

    execution_size_quote: Notional = Field(
        default=Decimal(500_000),
        description="size to execute of a symbol whose execution_size the settings do not say",
    )
    haircuts: Haircuts = Field(
        default=(0.3, 0.5, 0.7), description="shares of every level that are taken away"
    )
    judged_haircut: Share = Field(default=0.5, description="the one of them that decides")
    elevated_share: Ratio = Field(
        default=0.02, description="warning, from this share of the notional lost to slippage"
    )
    unsafe_share: Ratio = Field(
        default=0.05, description="high, from this share of the notional lost to slippage"
    )
    rates: Annotated[Mapping[SymbolKey, Notional], *FREEZE] = Field(
        default_factory=dict,
        description="what one of another quote is worth in the symbol's own, such as {USDC: 0.9998}",
    )
    assumed_liquidity_quote: Annotated[Mapping[VenueKey, Notional], *FREEZE] = Field(
        default_factory=dict,
        description="liquidity assumed of a venue without a book, such as {kraken: 5000000}",
    )
    exponent: Annotated[float, Gt(0), Le(10), Field(allow_inf_nan=False)] = Field(
        default=1.3,
        description="of that model: slippage is 100 * (size / liquidity) ** this percent",
    )
    hold_s: Hold = Field(default=5.0, description="how long it must last")
    clear_share: InnerShare = Field(
        default=0.75, description="cleared under this share of the lowest limit"
    )
    clear_for_s: Hold = Field(default=30.0, description="and for this long")

    @model_validator(mode="after")
    def _fit(self) -> "StressRules":
        if self.judged_haircut not in self.haircuts:
            said = f"judged_haircut ({self.judged_haircut:g}) must be one of haircuts"
            raise misfit(said, "haircuts", "judged_haircut")
        if list(self.haircuts) != sorted(set(self.haircuts)):
            raise misfit("haircuts must rise, and name nothing twice", "haircuts")
        return self


class HealthRules(RuleSection):
    """When a venue is unwell."""

    rising: ClassVar[Rising] = (("degraded_after_s", "down_after_s"),)

    degraded_after_s: Hold = Field(
        default=5.0, description="warning, when any of its books is not live for this long"
    )
    down_after_s: Hold = Field(
        default=15.0, description="high, when none of its books is live for this long"
    )
    dark_after_s: Hold = Field(
        default=15.0, description="critical, when no venue of a symbol is live for this long"
    )
    start_within_s: Hold = Field(
        default=60.0, description="after a start books have this long to become live first"
    )
    clear_for_s: Hold = Field(default=30.0, description="cleared when all is well for this long")


class PartRules(RuleSection):
    """One part of the score."""

    at_0: Measure = Field(description="where it is 0")
    at_100: Measure = Field(description="where it is 100")
    weight: Share = Field(description="its weight in the sum; 0: left out")

    @model_validator(mode="after")
    def _fit(self) -> "PartRules":
        if not self.at_0 < self.at_100:
            raise misfit(
                f"at_0 ({self.at_0:g}) must be below at_100 ({self.at_100:g})", "at_0", "at_100"
            )
        return self


class PartsRules(RuleSection):
    """What the score is made of."""

    crunch: PartRules = Field(
        default=PartRules(at_0=0.2, at_100=1.2, weight=0.30),
        description="harm of the depth, a difference of logs",
    )
    spread: PartRules = Field(
        default=PartRules(at_0=1.0, at_100=10.0, weight=0.10),
        description="the spread, times its usual",
    )
    slippage: PartRules = Field(
        default=PartRules(at_0=1.0, at_100=5.0, weight=0.20),
        description="slippage at the reference notional, times its usual",
    )
    divergence: PartRules = Field(
        default=PartRules(at_0=5.0, at_100=60.0, weight=0.10),
        description="how far venues are apart, in bps",
    )
    stress: PartRules = Field(
        default=PartRules(at_0=0.005, at_100=0.05, weight=0.15),
        description="share of the notional that the judged haircut costs",
    )
    health: PartRules = Field(
        default=PartRules(at_0=0.0, at_100=1.0, weight=0.15),
        description="share of the venues that are not well",
    )

    @model_validator(mode="after")
    def _fit(self) -> "PartsRules":
        if not any(getattr(self, name).weight for name in type(self).model_fields):
            raise misfit("one weight at least must be above 0", *type(self).model_fields)
        return self


class CompositeRules(RuleSection):
    """The score of a symbol, from 0 to 100."""

    rising: ClassVar[Rising] = (("watch_from", "stressed_from", "critical_from"),)

    watch_from: Level = Field(default=30.0, description="calm below, watch from here")
    stressed_from: Level = Field(default=55.0, description="stressed from here")
    critical_from: Level = Field(default=75.0, description="critical from here")
    parts: PartsRules = Field(default_factory=PartsRules)


class ExposureRules(RuleSection):
    """How much of an asset may be held; less in bad weather."""

    rising: ClassVar[Rising] = (("critical_share", "stressed_share", "watch_share", "calm_share"),)

    limits_quote: Annotated[Mapping[SymbolKey, Notional], *FREEZE] = Field(
        default_factory=dict, description="most of an asset in calm weather, such as {BTC: 250000}"
    )
    calm_share: Share = Field(default=1.0, description="share of it that counts when calm")
    watch_share: Share = Field(default=0.75, description="when it is to be watched")
    stressed_share: Share = Field(default=0.5, description="when stressed")
    critical_share: Share = Field(default=0.25, description="when critical")
    hold_s: Hold = Field(default=5.0, description="how long it must be over")
    clear_for_s: Hold = Field(default=30.0, description="cleared when it is under for this long")
    expires_after_s: Annotated[float, Gt(0), Le(604_800), Field(allow_inf_nan=False)] = Field(
        default=3_600.0, description="what a person said of an exposure counts for this long"
    )
