"""Rules of the liquidity crunch (docs/signals.md §3)."""

import math
from decimal import Decimal
from typing import Annotated, ClassVar

from annotated_types import Gt, Le
from pydantic import BeforeValidator, Field, model_validator

from tidegauge.runtime.settings_types import Bps, Harm, Notional, Ratio, listed

from .kinds import BpsLimit, Hold, InnerShare, Noises, Rising, RuleSection, Samples, misfit

Ceiling = Annotated[BpsLimit, Gt(0)]


class StepRules(RuleSection):
    """A sudden loss: harm h at or above the larger of a floor and a multiple of the noise s."""

    depth_harm: Harm = Field(default=0.65, description="total depth: harm h at least")
    depth_noise: Noises = Field(default=4.25, description="total depth: times the noise s at least")
    hold_s: Hold = Field(
        default=2.0, description="total depth, and a spread that depth went with: held this long"
    )
    alone_hold_s: Hold = Field(
        default=5.0, description="a spread or slippage by itself: held this long"
    )
    with_spread_depth_harm: Harm = Field(
        default=0.50, description="total depth while the spread moved too: harm h at least"
    )
    with_spread_depth_noise: Noises = Field(
        default=4.0,
        description="total depth while the spread moved too: times the noise s at least",
    )
    side_harm: Harm = Field(default=0.85, description="depth of one side: harm h at least")
    side_noise: Noises = Field(
        default=4.75, description="depth of one side: times the noise s at least"
    )
    side_hold_s: Hold = Field(
        default=3.0,
        description="depth of one side, and a lasting loss with which the spread moved: held this long",
    )
    lasting_side_harm: Harm = Field(
        default=0.65, description="depth of one side, a loss that lasts: harm h at least"
    )
    lasting_side_noise: Noises = Field(
        default=4.5, description="depth of one side, a loss that lasts: times the noise s at least"
    )
    lasting_hold_s: Hold = Field(
        default=9.0, description="depth of one side, a loss that lasts: held this long"
    )
    moved_spread_harm: Harm = Field(
        default=0.10, description="the spread has moved too: harm h at least"
    )
    moved_spread_noise: Noises = Field(
        default=1.5, description="the spread has moved too: times the noise s at least"
    )
    spread_harm: Harm = Field(default=math.log(3), description="spread: harm h at least (ln 3)")
    spread_noise: Noises = Field(default=5.0, description="spread: times the noise s at least")
    slippage_harm: Harm = Field(default=math.log(3), description="slippage: harm h at least (ln 3)")
    slippage_noise: Noises = Field(default=5.0, description="slippage: times the noise s at least")
    witness_harm: Harm = Field(
        default=0.3,
        description="a side's depth or slippage counts when the other's harm is at least",
    )


class BleedRules(RuleSection):
    """A slow loss: the median h of a short and of a long stretch of samples."""

    short_samples: Samples = Field(default=30, description="samples of the short stretch")
    short_depth_harm: Harm = Field(default=0.43, description="short, total depth: harm h at least")
    short_depth_noise: Noises = Field(
        default=3.25, description="short, total depth: times the noise s"
    )
    short_side_harm: Harm = Field(default=0.80, description="short, one side: harm h at least")
    short_side_noise: Noises = Field(default=4.0, description="short, one side: times the noise s")
    long_samples: Samples = Field(default=90, description="samples of the long stretch")
    long_depth_harm: Harm = Field(default=0.43, description="long, total depth: harm h at least")
    long_depth_noise: Noises = Field(
        default=2.5, description="long, total depth: times the noise s"
    )
    long_side_harm: Harm = Field(default=0.80, description="long, one side: harm h at least")
    long_side_noise: Noises = Field(default=3.25, description="long, one side: times the noise s")
    supported_side_harm: Harm = Field(
        default=0.43, description="long, one side whose slippage rose too: harm h at least"
    )
    supported_side_noise: Noises = Field(
        default=2.75, description="long, one side whose slippage rose too: times the noise s"
    )
    hold_s: Hold = Field(default=2.0, description="a slow loss: held this long")
    recent_share: Ratio = Field(
        default=0.75, description="the latest samples must still be at this share of the threshold"
    )


class CrunchRules(RuleSection):
    """When a book has lost its liquidity, and when it has it back."""

    rising: ClassVar[Rising] = (("high_share", "critical_share"),)

    reference_notional_quote: Notional = Field(
        default=Decimal(500_000), description="size whose slippage is judged"
    )
    reference_share: Ratio = Field(
        default=0.2,
        description="the size judged is at most this share of the usual depth within 100 bps",
    )
    reference_samples: Samples = Field(
        default=30, description="samples whose median depth decides that size"
    )
    band_spreads: Annotated[float, Gt(0), Le(1_000)] = Field(
        default=3.0, description="the band judged is at least this many times the median spread"
    )
    band_stay_share: Ratio = Field(
        default=0.8, description="the band in use is kept while it is at least this share of that"
    )
    fallback_bands_bps: Annotated[tuple[Bps, ...], BeforeValidator(listed)] = Field(
        default=(5, 2, 1), description="bands of a book that is not known far enough, widest first"
    )
    noise_floor: Annotated[float, Gt(0), Le(10)] = Field(
        default=0.05, description="the noise s is never taken as less"
    )
    step: StepRules = Field(default_factory=StepRules)
    bleed: BleedRules = Field(default_factory=BleedRules)
    imbalance_harm: Harm = Field(
        default=0.3, description="the imbalance is named in an alert when its harm is at least"
    )
    imbalance_noise: Noises = Field(
        default=3.0, description="the imbalance is named: times the noise s at least"
    )
    unfillable_hold_s: Hold = Field(
        default=2.0, description="a reference notional that can't be filled: held this long"
    )
    floor_depth_quote: Notional | None = Field(
        default=None, description="alert when the depth of both sides is below, in quote"
    )
    floor_band_bps: Bps = Field(default=10, description="that depth is within this band")
    ceiling_slippage_bps: Ceiling | None = Field(
        default=None, description="alert when slippage at the reference notional is above"
    )
    ceiling_spread_bps: Ceiling | None = Field(
        default=None, description="alert when the spread is above"
    )
    floor_hold_s: Hold = Field(
        default=2.0, description="a floor or ceiling of your own that is broken: held this long"
    )
    floor_clear_share: InnerShare = Field(
        default=0.1, description="a floor or ceiling of your own is cleared by this share of it"
    )
    recent_samples: Samples = Field(
        default=5, description="latest samples whose median decides whether an input is cleared"
    )
    clear_share: InnerShare = Field(
        default=0.75,
        description="an input is cleared under this share of the lowest threshold it broke",
    )
    clear_for_s: Hold = Field(
        default=30.0, description="an alert clears when all has been cleared this long"
    )
    high_share: Ratio = Field(
        default=0.5, description="severity is high from this share of the usual depth gone"
    )
    critical_share: Ratio = Field(
        default=0.7, description="severity is critical from this share of the usual depth gone"
    )
    noise_limited: Harm = Field(
        default=0.92,
        description="an instrument whose step threshold is above is shown as noise limited",
    )

    @model_validator(mode="after")
    def _fit(self) -> "CrunchRules":
        bleed = self.bleed
        for lower, low, upper, high in (
            ("recent_samples", self.recent_samples, "bleed.short_samples", bleed.short_samples),
            ("bleed.short_samples", bleed.short_samples, "bleed.long_samples", bleed.long_samples),
        ):
            if low > high:
                raise misfit(f"{lower} ({low}) must not exceed {upper} ({high})", lower, upper)
        bands = self.fallback_bands_bps
        if list(bands) != sorted(set(bands), reverse=True):
            raise misfit(
                "fallback_bands_bps must fall, and name nothing twice", "fallback_bands_bps"
            )
        return self
