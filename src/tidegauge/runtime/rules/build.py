"""From the tree of rules, in seconds and names for people, to what the pure floors want."""

from collections.abc import Mapping

from tidegauge import venues
from tidegauge.core.alert import Action, Severity
from tidegauge.core.desk import Matcher
from tidegauge.core.instrument import VenueName
from tidegauge.risk.ruleset import DeskRules, Inhibition, Maintenance, Route, RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.risk.signal_settings import DivergenceSettings, StressSettings
from tidegauge.runtime.settings import Settings

from .build_signals import (
    cap_settings,
    composite_settings,
    crunch_settings,
    divergence_settings,
    health_settings,
    stress_settings,
)
from .desk import MaintenanceRules, MatchRules
from .kinds import DAYS, day_hours, instant, nanos, time_of_day
from .tree import RuleTree

SEVERITIES = {str(severity): severity for severity in Severity}


def rule_set(tree: RuleTree, settings: Settings) -> RuleSet:
    """Return the rules; cadence, bands and execution sizes are those of the settings."""
    crunch_of: dict[str, CrunchSettings] = {}
    crunch_at: dict[str, dict[VenueName, CrunchSettings]] = {}
    divergence_of: dict[str, DivergenceSettings] = {}
    readings = settings.readings
    for symbol, own in tree.symbols.items():
        windows, crunch = own.windows or tree.windows, own.crunch or tree.crunch
        if own.windows or own.crunch:
            crunch_of[symbol] = crunch_settings(windows, crunch, readings)
        if own.windows or own.divergence:
            divergence = own.divergence or tree.divergence
            divergence_of[symbol] = divergence_settings(windows, divergence, readings)
        at = {
            venue: crunch_settings(windows, there.crunch, readings)
            for venue, there in own.venues.items()
            if there.crunch is not None
        }
        if at:
            crunch_at[symbol] = at
    return RuleSet(
        crunch=crunch_settings(tree.windows, tree.crunch, readings),
        crunch_of=crunch_of,
        crunch_at=crunch_at,
        divergence=divergence_settings(tree.windows, tree.divergence, readings),
        divergence_of=divergence_of,
        stress=stress_settings(tree.stress, None),
        stress_of=_stress_of(tree, settings),
        health=health_settings(tree.health),
        composite=composite_settings(tree.composite),
        caps=cap_settings(tree.exposure),
        desk=desk_rules(tree),
    )


def desk_rules(tree: RuleTree) -> DeskRules:
    """Return what becomes of alerts."""
    incidents, paging, heartbeat = tree.incidents, tree.paging, tree.heartbeat
    remind, at = paging.remind_after_s, heartbeat.at_utc
    return DeskRules(
        opens_from=SEVERITIES[incidents.opens_from],
        settle_for=nanos(incidents.settle_for_s),
        reopen_within=nanos(incidents.reopen_within_s),
        flapping_from=incidents.flapping_from,
        acknowledged_for=nanos(incidents.acknowledged_for_s),
        remind_after=None if remind is None else nanos(remind),
        inhibitions=tuple(
            Inhibition(source=matcher(each.source), target=matcher(each.target), equal=each.equal)
            for each in tree.inhibitions.values()
        ),
        maintenance=tuple(_maintenance(*each) for each in tree.maintenance.items()),
        routes=tuple(
            Route(matcher=matcher(each.match), channels=each.channels, goes_on=each.goes_on)
            for each in tree.routes.values()
        ),
        actions={
            signal: {severity: Action(action) for severity, action in of_signal.items()}
            for signal, of_signal in tree.actions.items()
        },
        burst=paging.burst,
        group_every=nanos(paging.group_every_s),
        told_of=paging.told_of,
        heartbeat_at=None if at is None else time_of_day(at),
        heartbeat_channels=heartbeat.channels,
    )


def matcher(match: MatchRules) -> Matcher:
    """Return what an alert must be; the name of a family means all of its venues."""
    return Matcher(
        signals=match.signals,
        symbols=match.symbols,
        venues=tuple(name for given in match.venues for name in of_family(given)),
        severities=tuple(SEVERITIES[each] for each in match.severities),
    )


def of_family(name: str) -> tuple[VenueName, ...]:
    """Return the venues of a family; a name that is no family's stays as it is."""
    specs = venues.load()
    family = tuple(each.name for each in specs.values() if each.family == name)
    return (name,) if name in specs or not family else family


def _stress_of(tree: RuleTree, settings: Settings) -> Mapping[str, StressSettings]:
    sizes = {name: each.execution_size for name, each in settings.symbols.items()}
    found = {}
    for symbol in {**sizes, **tree.symbols}:
        own = tree.symbols.get(symbol)
        stress = None if own is None else own.stress
        if stress is not None or sizes.get(symbol) is not None:
            found[symbol] = stress_settings(stress or tree.stress, sizes.get(symbol))
    return found


def _maintenance(name: str, rules: MaintenanceRules) -> Maintenance:
    begins, lasts = (None, None) if rules.hours_utc is None else day_hours(rules.hours_utc)
    return Maintenance(
        name=name,
        matcher=matcher(rules.match),
        starts_at=None if rules.from_utc is None else instant(rules.from_utc),
        ends_at=None if rules.until_utc is None else instant(rules.until_utc),
        weekdays=tuple(sorted(DAYS.index(day) for day in rules.days)),
        day_starts=begins,
        lasts=lasts,
    )
