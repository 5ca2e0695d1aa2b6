"""From settings, in seconds and names for people, to what the pure floors want."""

from typing import NamedTuple

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.wire.feed import Care
from tidegauge.wire.lifetimes import Hours

from .monitor import MonitorPlan
from .rules.kinds import day_hours
from .settings import FeedSettings, Settings
from .settings_tree import ReadingSettings


class Pace(NamedTuple):
    """A venue whose updates wait longer than `after` is behind; its books are then read once in
    `every`, until nothing waits for half as long."""

    after: Nanos
    every: Nanos


def monitor_plan(settings: Settings, rules: RuleSet) -> MonitorPlan:
    """Return what to measure, how often, and by which rules it is judged."""
    readings = settings.readings
    return MonitorPlan(
        measure=MeasurePlan(
            bands=readings.bands_bps,
            imbalance_levels=readings.imbalance_levels,
            notionals=readings.notionals,
            max_size_bps=readings.max_size_bps,
        ),
        sample_every=_nanos(readings.sample_every_s),
        write_every=_nanos(readings.write_every_s),
        rules=rules,
        held=dict(settings.exposures),
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
    return Hours(*day_hours(settings.roll_hours_utc))
