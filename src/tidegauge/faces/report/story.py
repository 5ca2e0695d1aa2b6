"""The timeline of a report: alerts, incidents, trust and feeds in one order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidegauge.core.alert import AlertState
from tidegauge.sinks.postmortem.records import (
    AlertChange,
    AlertStory,
    FeedHappening,
    Incident,
    IncidentEvent,
    Postmortem,
)

from .shades import PENDING, SEVERITIES
from .wording import lasted

MOST_STEPS = 600
"""Steps beyond are counted, feeds first."""

TOGETHER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the timeline. `weight`: what is kept when there are too many, 0 is kept longest."""

    at: datetime
    kind: str
    badge: str
    venues: tuple[str, ...]
    text: str
    weight: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The steps in order, and how many were left out."""

    steps: tuple[Step, ...]
    left_out: int


def timeline_of(postmortem: Postmortem, most: int = MOST_STEPS) -> Timeline:
    """Return what happened, in order; the least telling is left out where it is too much."""
    steps = [step for alert in postmortem.alerts for step in _of_alert(alert)]
    steps += [step for incident in postmortem.incidents for step in _of_incident(incident)]
    steps += [_of_feed(happening) for happening in postmortem.happenings]
    steps = _together(sorted(steps, key=lambda step: step.at))
    kept = sorted(steps, key=lambda step: (step.weight, step.at))[:most]
    kept.sort(key=lambda step: step.at)
    unread = postmortem.happenings_in_all - len(postmortem.happenings)
    return Timeline(steps=tuple(kept), left_out=len(steps) - len(kept) + unread)


def _together(steps: Iterable[Step]) -> list[Step]:
    """Return the steps, those that say the same of several venues within a second as one."""
    found: list[Step] = []
    places: dict[tuple[str, str], int] = {}
    for step in steps:
        same = (step.badge, step.text)
        place = places.get(same)
        if place is None or not step.venues or step.at - found[place].at > TOGETHER:
            places[same] = len(found)
            found.append(step)
            continue
        before = found[place]
        if step.venues[0] not in before.venues:
            found[place] = replace(before, venues=(*before.venues, *step.venues))
        else:  # the same again: it is told once, and counted
            found[place] = replace(before, times=before.times + 1)
    return found


def _of_alert(alert: AlertStory) -> Iterator[Step]:
    took = "it did not fire"
    if alert.fired_at is not None:
        took = f"it fired {lasted(alert.fired_at - alert.started_at)} later"
    yield Step(
        at=alert.started_at,
        kind=PENDING,
        badge=PENDING,
        venues=(alert.venue,),
        text=f"{named(alert.signal)}: {named(alert.cause)} began to breach; {took}.",
    )
    before: AlertChange | None = None
    for change in alert.changes:
        if change.state == AlertState.PENDING:  # told already, by its beginning
            continue
        yield Step(
            at=change.at,
            kind=_kind(change),
            badge=_badge(change),
            venues=(alert.venue,),
            text=_text(alert, change, before),
        )
        before = change


def _kind(change: AlertChange) -> str:
    if change.state != AlertState.FIRING:
        return "resolved"
    return change.severity if change.severity in SEVERITIES else "other"


def _badge(change: AlertChange) -> str:
    return change.state if change.state != AlertState.FIRING else f"{change.severity}"


def _text(alert: AlertStory, change: AlertChange, before: AlertChange | None) -> str:
    """Say what is new in a change."""
    if change.state == AlertState.RESOLVED:
        took = lasted(change.at - alert.started_at)
        return f"{named(alert.signal)} resolved after {took}. {change.sentence}"
    if change.state == AlertState.INACTIVE:
        return f"{named(alert.signal)} was gone before it had held. {change.sentence}"
    if before is None:
        return f"Fires: {change.sentence}"
    if change.unobserved_since is not None and before.unobserved_since is None:
        return f"Unobserved: its book is not trusted. {change.sentence}"
    if change.unobserved_since is None and before.unobserved_since is not None:
        return f"Observed again: {change.sentence}"
    if change.severity != before.severity:
        return f"Rose from {before.severity}: {change.sentence}"
    joined = [named(cause) for cause in change.causes if cause not in before.causes]
    if joined:
        return f"Joined by {', '.join(joined)}: {change.sentence}"
    return change.sentence


def _of_incident(incident: Incident) -> Iterator[Step]:
    """Tell every event of an incident; of one without a trail, its four times."""
    told = [
        (event.at, f"{named(event.kind)}{_by(event.actor)}{_said(_words(incident, event))}")
        for event in incident.events
    ]
    if not told:
        opened = f"opened{_said(incident.trigger)}"
        times = (
            (incident.opened_at, opened),
            (incident.acknowledged_at, f"acknowledged{_by(incident.acknowledged_by)}"),
            (incident.mitigated_at, "mitigated"),
            (incident.resolved_at, "resolved"),
        )
        told = [(at, text) for at, text in times if at is not None]
    for at, text in told:
        yield Step(
            at=at, kind="incident", badge="incident", venues=(), text=f"{incident.id} {text}"
        )


def _words(incident: Incident, event: IncidentEvent) -> str:
    """Return what was said of an event; of the opening, why."""
    return event.comment or (incident.trigger if event.kind == "opened" else "")


def _by(actor: str | None) -> str:
    return f" by {actor}" if actor else ""


def _said(words: str) -> str:
    return f": {words}" if words else ""


def _of_feed(happening: FeedHappening) -> Step:
    lost = happening.kind == "trust" and happening.trust != "live"
    if happening.kind == "trust":
        why = named(happening.reason or "")
        badge = "trusted" if not lost else happening.trust or "trust"
        head = f"Book {happening.trust}" + (f": {why}" if why else "")
    else:
        badge, head = named(happening.kind), named(happening.kind).capitalize()
    detail = f" ({happening.detail})" if happening.detail else ""
    return Step(
        at=happening.at,
        kind="lost" if lost else "feed",
        badge=badge,
        venues=(happening.venue,),
        text=f"{head}{detail}.",
        weight=1 if lost else 2,
    )


def named(word: str) -> str:
    """Write a word of the record as people do: liquidity_crunch, liquidity crunch."""
    return word.replace("_", " ")
