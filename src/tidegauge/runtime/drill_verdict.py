"""Whether a rule set did in a drill what was expected of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tidegauge.core.alert import Signal
from tidegauge.core.incident import FAMILY_OF, Family
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.simulator.drill_plan import Drill, Expected

from .drill_outcome import AlertSeen, Check, DrillOutcome, pages_by_channel

SLACK: Nanos = 5 * SECOND
"""How much later than `clear_for` after the trouble an alert may end (signals.md section 3)."""


def judged(outcome: DrillOutcome, drill: Drill, rules: RuleSet) -> DrillOutcome:
    """Return the outcome with what is right and wrong about it."""
    alerts = tuple(_placed(alert, drill) for alert in outcome.alerts)
    outcome = replace(outcome, alerts=alerts)
    return replace(outcome, checks=tuple(_checks(outcome, drill, rules)))


def _placed(alert: AlertSeen, drill: Drill) -> AlertSeen:
    """Say of an alert how late it was, or that it was false."""
    meant = next((each for each in drill.expected if _speaks_of(alert, each)), None)
    timely = drill.begins_at <= alert.fired_at <= drill.ends_at + SLACK
    if not timely or (meant is None and alert.signal not in drill.may_fire):
        return replace(alert, false=True)
    if meant is None:
        return replace(alert, after=alert.fired_at - drill.begins_at)
    reached = alert.reached(meant.least)
    after = None if reached is None else max(0, reached - meant.since)
    return replace(alert, after=after, meant=True)


def _speaks_of(alert: AlertSeen, expected: Expected) -> bool:
    if alert.signal != expected.signal:
        return False
    return expected.venue is None or expected.venue in alert.venues


def _checks(outcome: DrillOutcome, drill: Drill, rules: RuleSet) -> Iterator[Check]:
    for expected in drill.expected:
        yield from _fires(outcome, expected, drill, rules)
    false = [alert for alert in outcome.alerts if alert.false]
    yield Check(
        expected="stays quiet" if drill.quiet else "nothing else fires",
        came=", ".join(_named(alert) for alert in false) or "so it was",
        met=not false,
    )
    yield from _incidents(outcome, drill)
    pages = pages_by_channel(outcome.pages)
    most = max(pages.values(), default=0)
    yield Check(
        expected=f"at most {drill.most_pages} pages a channel" if drill.most_pages else "no page",
        came=f"{most} at most",
        met=most <= drill.most_pages,
    )


def _fires(
    outcome: DrillOutcome, expected: Expected, drill: Drill, rules: RuleSet
) -> Iterator[Check]:
    where = "" if expected.venue is None else f" on {expected.venue}"
    what = f"{expected.signal}{where}"
    timely = [a for a in outcome.alerts if a.meant and _speaks_of(a, expected)]
    found = min((a for a in timely if a.after is not None), key=_delay, default=None)
    after = None if found is None else found.after
    yield Check(
        expected=f"{what} fires, {expected.least} or worse, within {seconds(expected.within)}",
        came="it did not" if after is None else f"after {seconds(after)}",
        met=after is not None and after <= expected.within,
    )
    if found is None:
        return
    ended = found.ended_at
    yield Check(
        expected="it fires on for as long as it lasts",
        came="so it was"
        if ended is None or ended >= expected.until
        else f"it ended {seconds(expected.until - ended)} too early",
        met=ended is None or ended >= expected.until,
    )
    within = clear_for(rules, expected.signal) + SLACK
    late = max((drill.lasts if a.ended_at is None else a.ended_at) for a in timely) - drill.ends_at
    open_still = any(a.ended_at is None for a in timely)
    yield Check(
        expected=f"it is over within {seconds(within)} of the trouble",
        came="it fires still" if open_still else f"after {seconds(max(0, late))}",
        met=not open_still and late <= within,
    )


def _incidents(outcome: DrillOutcome, drill: Drill) -> Iterator[Check]:
    opened = Counter(incident.family for incident in outcome.incidents)
    may = {FAMILY_OF[signal] for signal in drill.may_fire}
    told = ", ".join(f"{count} of {family}" for family, count in sorted(opened.items())) or "none"
    wrong = [
        family
        for family in Family
        if (
            opened[family] != 1
            and (family in drill.incidents or opened[family] > (1 if family in may else 0))
        )
        or (opened[family] == 1 and family not in drill.incidents and family not in may)
    ]
    wanted = " and ".join(f"one incident of {family}" for family in drill.incidents)
    yield Check(expected=wanted or "no incident", came=told, met=not wrong)
    if outcome.incidents:
        unfinished = sum(incident.resolved_at is None for incident in outcome.incidents)
        yield Check(
            expected="it resolves before the drill ends",
            came=f"{unfinished} open still" if unfinished else "so it was",
            met=not unfinished,
        )


def _delay(alert: AlertSeen) -> Nanos:
    assert alert.after is not None
    return alert.after


def _named(alert: AlertSeen) -> str:
    return f"{alert.signal} on {alert.venue} at {seconds(alert.fired_at)}"


def clear_for(rules: RuleSet, signal: str) -> Nanos:
    """Return how long calm must last to end an alert of this signal."""
    match signal:
        case Signal.CRUNCH:
            return rules.crunch.clear_for
        case Signal.DIVERGENCE | Signal.EXECUTABLE | Signal.BLIND:
            return rules.divergence.clear_for
        case Signal.STRESS:
            return rules.stress.clear_for
        case Signal.OVER_CAP:
            return rules.caps.clear_for
    return rules.health.clear_for


def seconds(span: Nanos) -> str:
    """Write a span in seconds, with a tenth."""
    return f"{span / SECOND:,.1f} s"
