"""From the rules of each signal to the settings it is judged by."""

from decimal import Decimal

from tidegauge.risk.settings import CrunchSettings, Threshold, UserFloors
from tidegauge.risk.signal_settings import (
    CapSettings,
    CompositeSettings,
    DivergenceSettings,
    HealthSettings,
    Part,
    StressSettings,
)
from tidegauge.runtime.settings_tree import ReadingSettings

from .crunch import CrunchRules
from .kinds import nanos
from .signals import (
    CompositeRules,
    DivergenceRules,
    ExposureRules,
    HealthRules,
    StressRules,
    WindowRules,
)


def crunch_settings(
    windows: WindowRules, crunch: CrunchRules, readings: ReadingSettings
) -> CrunchSettings:
    """Return what a crunch is."""
    step, bleed = crunch.step, crunch.bleed
    return CrunchSettings(
        cadence=nanos(readings.sample_every_s),
        slow=windows.slow,
        fast=windows.fast,
        min_samples=windows.min_samples,
        max_freeze=nanos(windows.max_freeze_s),
        least_noise=crunch.noise_floor,
        bands=readings.bands_bps,
        fallback_bands=crunch.fallback_bands_bps,
        band_spreads=crunch.band_spreads,
        band_stay=crunch.band_stay_share,
        reference_notional=crunch.reference_notional_quote,
        reference_share=crunch.reference_share,
        reference_samples=crunch.reference_samples,
        depth_step=Threshold(step.depth_harm, step.depth_noise),
        depth_step_supported=Threshold(step.with_spread_depth_harm, step.with_spread_depth_noise),
        side_step=Threshold(step.side_harm, step.side_noise),
        side_step_lasting=Threshold(step.lasting_side_harm, step.lasting_side_noise),
        spread_step=Threshold(step.spread_harm, step.spread_noise),
        slippage_step=Threshold(step.slippage_harm, step.slippage_noise),
        supporting_harm=step.witness_harm,
        spread_moved=Threshold(step.moved_spread_harm, step.moved_spread_noise),
        step_hold=nanos(step.hold_s),
        side_hold=nanos(step.side_hold_s),
        lasting_hold=nanos(step.lasting_hold_s),
        alone_hold=nanos(step.alone_hold_s),
        bleed_short=bleed.short_samples,
        bleed_long=bleed.long_samples,
        depth_bleed_short=Threshold(bleed.short_depth_harm, bleed.short_depth_noise),
        depth_bleed_long=Threshold(bleed.long_depth_harm, bleed.long_depth_noise),
        side_bleed_short=Threshold(bleed.short_side_harm, bleed.short_side_noise),
        side_bleed_long=Threshold(bleed.long_side_harm, bleed.long_side_noise),
        side_bleed_supported=Threshold(bleed.supported_side_harm, bleed.supported_side_noise),
        bleed_hold=nanos(bleed.hold_s),
        bleed_still=bleed.recent_share,
        fill_hold=nanos(crunch.unfillable_hold_s),
        floors=UserFloors(
            depth_band=crunch.floor_band_bps,
            min_depth=crunch.floor_depth_quote,
            max_spread_bps=crunch.ceiling_spread_bps,
            max_slippage_bps=crunch.ceiling_slippage_bps,
        ),
        floor_hold=nanos(crunch.floor_hold_s),
        floor_margin=crunch.floor_clear_share,
        imbalance_named=Threshold(crunch.imbalance_harm, crunch.imbalance_noise),
        high_share=crunch.high_share,
        critical_share=crunch.critical_share,
        noise_limit=crunch.noise_limited,
        clear_samples=crunch.recent_samples,
        clear_share=crunch.clear_share,
        clear_for=nanos(crunch.clear_for_s),
    )


def divergence_settings(
    windows: WindowRules, divergence: DivergenceRules, readings: ReadingSettings
) -> DivergenceSettings:
    """Return when venues disagree."""
    return DivergenceSettings(
        monitor_bps=divergence.monitor_bps,
        widen_bps=divergence.widen_bps,
        pause_bps=divergence.pause_bps,
        executable_bps=divergence.executable_bps,
        taker_bps=dict(divergence.taker_bps),
        hold=nanos(divergence.hold_s),
        executable_hold=nanos(divergence.executable_hold_s),
        blind_hold=nanos(divergence.blind_hold_s),
        clear_share=divergence.clear_share,
        clear_for=nanos(divergence.clear_for_s),
        slow=windows.slow,
        min_samples=windows.min_samples,
        max_freeze=nanos(windows.max_freeze_s),
        cadence=nanos(readings.sample_every_s),
    )


def stress_settings(stress: StressRules, execution_size: Decimal | None) -> StressSettings:
    """Return whether executing is safe; `execution_size` is that of the settings."""
    return StressSettings(
        execution_size=execution_size or stress.execution_size_quote,
        haircuts=stress.haircuts,
        judged=stress.judged_haircut,
        elevated=stress.elevated_share,
        unsafe=stress.unsafe_share,
        rates=dict(stress.rates),
        assumed_liquidity=dict(stress.assumed_liquidity_quote),
        exponent=stress.exponent,
        hold=nanos(stress.hold_s),
        clear_share=stress.clear_share,
        clear_for=nanos(stress.clear_for_s),
    )


def health_settings(health: HealthRules) -> HealthSettings:
    """Return when a venue is unwell."""
    return HealthSettings(
        degraded_after=nanos(health.degraded_after_s),
        down_after=nanos(health.down_after_s),
        dark_after=nanos(health.dark_after_s),
        start_within=nanos(health.start_within_s),
        clear_for=nanos(health.clear_for_s),
    )


def composite_settings(composite: CompositeRules) -> CompositeSettings:
    """Return what the score is made of."""
    parts = {name: getattr(composite.parts, name) for name in type(composite.parts).model_fields}
    return CompositeSettings(
        parts={
            name: Part(at_0=part.at_0, at_100=part.at_100, weight=part.weight)
            for name, part in parts.items()
        },
        levels=(composite.watch_from, composite.stressed_from, composite.critical_from),
    )


def cap_settings(exposure: ExposureRules) -> CapSettings:
    """Return how much may be held."""
    return CapSettings(
        limits=dict(exposure.limits_quote),
        shares=(
            exposure.calm_share,
            exposure.watch_share,
            exposure.stressed_share,
            exposure.critical_share,
        ),
        hold=nanos(exposure.hold_s),
        clear_for=nanos(exposure.clear_for_s),
        expires_after=nanos(exposure.expires_after_s),
    )
