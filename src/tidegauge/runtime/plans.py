"""From settings, in seconds and names for people, to what the pure floors want."""

from typing import NamedTuple

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.settings import CrunchSettings, Threshold, UserFloors
from tidegauge.wire.feed import Care
from tidegauge.wire.lifetimes import DAY, Hours

from .monitor import MonitorPlan
from .settings import FeedSettings, Settings, SymbolSettings
from .settings_tree import ReadingSettings


class Pace(NamedTuple):
    """A venue whose updates wait longer than `after` is behind; its books are then read once in
    `every`, until nothing waits for half as long."""

    after: Nanos
    every: Nanos


def monitor_plan(settings: Settings) -> MonitorPlan:
    """Return what to measure, how often, and what a crunch is, for every symbol."""
    readings = settings.readings
    return MonitorPlan(
        measure=MeasurePlan(
            bands=readings.bands_bps,
            imbalance_levels=readings.imbalance_levels,
            notionals=readings.notionals,
            max_size_bps=readings.max_size_bps,
        ),
        crunch=crunch_settings(settings, SymbolSettings()),
        crunch_of={
            symbol: crunch_settings(settings, of_symbol)
            for symbol, of_symbol in settings.symbols.items()
        },
        sample_every=_nanos(readings.sample_every_s),
        write_every=_nanos(readings.write_every_s),
    )


def crunch_settings(settings: Settings, of_symbol: SymbolSettings) -> CrunchSettings:
    """Return the crunch signal's settings for one symbol."""
    crunch, step, bleed = settings.crunch, settings.crunch.step, settings.crunch.bleed
    windows = settings.windows
    return CrunchSettings(
        cadence=_nanos(settings.readings.sample_every_s),
        slow=windows.slow,
        fast=windows.fast,
        min_samples=windows.min_samples,
        max_freeze=_nanos(windows.max_freeze_s),
        least_noise=crunch.noise_floor,
        bands=settings.readings.bands_bps,
        band_spreads=crunch.band_spreads,
        reference_notional=crunch.reference_notional,
        reference_share=crunch.reference_share,
        depth_step=Threshold(step.depth_harm, step.depth_noise),
        side_step=Threshold(step.side_harm, step.side_noise),
        spread_step=Threshold(step.spread_harm, step.spread_noise),
        slippage_step=Threshold(step.slippage_harm, step.slippage_noise),
        supporting_harm=step.witness_harm,
        step_hold=_nanos(step.hold_s),
        side_hold=_nanos(step.side_hold_s),
        alone_hold=_nanos(step.alone_hold_s),
        bleed_short=bleed.short_samples,
        bleed_long=bleed.long_samples,
        depth_bleed_short=Threshold(bleed.short_depth_harm, bleed.short_depth_noise),
        depth_bleed_long=Threshold(bleed.long_depth_harm, bleed.long_depth_noise),
        side_bleed_short=Threshold(bleed.short_side_harm, bleed.short_side_noise),
        side_bleed_long=Threshold(bleed.long_side_harm, bleed.long_side_noise),
        side_bleed_supported=Threshold(bleed.supported_side_harm, bleed.supported_side_noise),
        bleed_hold=_nanos(bleed.hold_s),
        bleed_still=bleed.recent_share,
        fill_hold=_nanos(crunch.unfillable_hold_s),
        floors=UserFloors(
            min_depth=of_symbol.floor_depth_quote,
            max_spread_bps=of_symbol.ceiling_spread_bps,
            max_slippage_bps=of_symbol.ceiling_slippage_bps,
        ),
        floor_hold=_nanos(crunch.floor_hold_s),
        floor_margin=crunch.floor_clear_share,
        high_share=crunch.high_share,
        critical_share=crunch.critical_share,
        noise_limit=crunch.noise_limited,
        clear_samples=crunch.recent_samples,
        clear_share=crunch.clear_share,
        clear_for=_nanos(crunch.clear_for_s),
    )


def _nanos(seconds: float) -> Nanos:
    return round(seconds * SECOND)


def care_of(settings: FeedSettings) -> Care:
    """Return how books are looked after."""
    audit_every = settings.audit_every_s
    return Care(
        levels_kept=settings.book_levels_kept,
        range_kept_bps=settings.book_range_kept_bps,
        audit_every=None if audit_every is None else _nanos(audit_every),
    )


def pace_of(settings: ReadingSettings) -> Pace:
    """Return when a venue is behind, and how often its books are read then."""
    return Pace(_nanos(settings.conflate_after_s), _nanos(settings.conflate_every_s))


def roll_hours(settings: FeedSettings) -> Hours | None:
    """Return the hours in which connections are replaced; they may span midnight."""
    if settings.roll_hours_utc is None:
        return None
    begin, end = (
        (int(hour) * 3_600 + int(minute) * 60) * SECOND
        for hour, minute in (at.split(":") for at in settings.roll_hours_utc.split("-"))
    )
    return Hours(begin, (end - begin) % DAY)
