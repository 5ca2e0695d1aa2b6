"""The spans a report shades: while an alert held, by its severity, and where a book is not known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tidegauge.core.alert import AlertState, Severity
from tidegauge.sinks.postmortem.records import AlertStory, Postmortem, Span, Unknown

from .charts import percent
from .wording import UNKNOWN, clock

PENDING = "pending"
SEVERITIES = {str(severity): severity for severity in Severity}
HARD_TO_SEE = 0.15
"""In percent of the width; what is narrower is drawn this wide."""

MOST_PIECES = 300
MOST_TITLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A part of a plot, in percent of its width, and what it stands for."""

    at: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A span in which an alert stood at one severity, or was `pending`."""

    span: Span
    kind: str
    alert: AlertStory


def held_spans(alert: AlertStory, within: Span) -> list[Held]:
    """Return how an alert stood, in order: pending since its first breach, then by its severity."""
    end = within.until if alert.ended_at is None else alert.ended_at
    steps: list[tuple[datetime, str]] = [(alert.started_at, PENDING)]
    steps += [
        (change.at, change.severity)
        for change in alert.changes
        if change.state == AlertState.FIRING
    ]
    ends = [*(at for at, _ in steps[1:]), end]
    found: list[Held] = []
    for (at, kind), until in zip(steps, ends, strict=True):
        span = Span(since=at, until=max(at, until))
        if not span.overlaps(within):
            continue
        if found and found[-1].kind == kind:
            span = Span(since=found.pop().span.since, until=span.until)
        found.append(Held(span=span.within(within), kind=kind, alert=alert))
    return found


def worst_at_each(alerts: Iterable[AlertStory], within: Span) -> list[tuple[Span, str]]:
    """Return the worst severity that fired at each instant, as spans; pending ones are no part of it."""
    held = [
        each for alert in alerts for each in held_spans(alert, within) if each.kind in SEVERITIES
    ]
    edges = sorted({edge for each in held for edge in (each.span.since, each.span.until)})
    found: list[tuple[Span, str]] = []
    for since, until in pairwise(edges):
        kinds = [
            SEVERITIES[each.kind]
            for each in held
            if each.span.since <= since and until <= each.span.until
        ]
        if not kinds:
            continue
        worst = str(max(kinds))
        if found and found[-1][1] == worst and found[-1][0].until == since:
            found[-1] = (Span(since=found[-1][0].since, until=until), worst)
        else:
            found.append((Span(since=since, until=until), worst))
    return found


def alert_shades(postmortem: Postmortem) -> list[Shade]:
    """Return what every plot is shaded with."""
    return [
        shade(span, postmortem.span, worst, f"{worst} alert, {told(span)}")
        for span, worst in worst_at_each(postmortem.alerts, postmortem.span)
    ]


def unknown_shades(postmortem: Postmortem, venue: str | None = None) -> list[Shade]:
    """Return where a book is not known: of one venue, or of any."""
    pieces = [
        (each.span, f"{each.venue}: {reason(each)}, {told(each.span)}")
        for each in postmortem.unknown
        if venue in (None, each.venue)
    ]
    return gathered(pieces, postmortem.span, "unknown")


def gathered(pieces: Sequence[tuple[Span, str]], within: Span, kind: str) -> list[Shade]:
    """Return pieces as shades, those that touch as one that names the first of them.

    Where there are very many, those too close to be told apart are one too: a page has an end.
    """
    slack = within.lasts * (HARD_TO_SEE / 100) if len(pieces) > MOST_PIECES else timedelta()
    groups: list[tuple[Span, list[str]]] = []
    for span, title in sorted(pieces, key=lambda piece: piece[0].since):
        if groups and span.since <= groups[-1][0].until + slack:
            whole, titles = groups.pop()
            joined = Span(since=whole.since, until=max(whole.until, span.until))
            groups.append((joined, [*titles, title][:MOST_TITLES]))
        else:
            groups.append((span, [title]))
    return [shade(span, within, kind, "; ".join(titles)) for span, titles in groups]


def reason(unknown: Unknown) -> str:
    """Say why a book is not known, in words."""
    return unknown.reason.replace("_", " ") or UNKNOWN


def shade(span: Span, within: Span, kind: str, title: str) -> Shade:
    at = percent(span.since, within)
    width = max(percent(span.until, within) - at, HARD_TO_SEE)
    return Shade(at=at, width=round(width, 3), kind=kind, title=title)


def told(span: Span) -> str:
    return f"{clock(span.since)} to {clock(span.until)}"
