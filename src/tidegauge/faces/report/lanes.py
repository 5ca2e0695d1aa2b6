"""The overview of a report: a lane a venue, with its alerts, its gaps and what happened to its feed."""

from dataclasses import dataclass

from tidegauge.sinks.postmortem.records import Postmortem, Span

from .charts import percent
from .shades import PENDING, Shade, held_spans, shade, told, unknown_shades
from .story import named
from .wording import clock

MARKED = {"gap", "resync", "malformed", "disconnected", "overflow", "clock_fault", "conflated"}
MOST_MARKS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at an instant: where, in percent, and what."""

    at: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One venue."""

    venue: str
    alerts: tuple[Shade, ...]
    unknown: tuple[Shade, ...]
    marks: tuple[Mark, ...]


def lanes_of(postmortem: Postmortem) -> list[Lane]:
    """Return a lane for each venue that was read, or that an alert or a loss names."""
    venues = {book.venue for book in postmortem.books}
    venues |= {alert.venue for alert in postmortem.alerts}
    venues |= {unknown.venue for unknown in postmortem.unknown}
    return [_lane(postmortem, venue) for venue in sorted(venues)]


def _lane(postmortem: Postmortem, venue: str) -> Lane:
    span = postmortem.span
    held = [
        each
        for alert in postmortem.alerts
        if alert.venue == venue
        for each in held_spans(alert, span)
    ]
    held.sort(key=lambda each: each.kind != PENDING)  # what fired lies over what was pending
    return Lane(
        venue=venue,
        alerts=tuple(
            shade(
                each.span,
                span,
                each.kind,
                f"{named(each.alert.signal)} {each.kind}, {told(each.span)}",
            )
            for each in held
        ),
        unknown=tuple(unknown_shades(postmortem, venue)),
        marks=_marks(postmortem, venue, span),
    )


def _marks(postmortem: Postmortem, venue: str, span: Span) -> tuple[Mark, ...]:
    found = [
        Mark(at=percent(each.at, span), title=f"{named(each.kind)} at {clock(each.at)}")
        for each in postmortem.happenings
        if each.venue == venue and each.kind in MARKED
    ]
    return tuple(found[:MOST_MARKS])
