"""A postmortem: everything a report tells, frozen. Times are UTC; None is unknown, never zero.

Prices and amounts of quote are exact decimals as stored. Ratios, bps and z are floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Number: TypeAlias = Decimal | float
Point: TypeAlias = tuple[datetime, Number]
Sample: TypeAlias = tuple[datetime, Number | None]
Segment: TypeAlias = tuple[Point, ...]
"""Points that may be joined by a line: nothing is missing between two of them."""


class Metric(StrEnum):
    """What is plotted, one line a venue."""

    MID = "mid"
    SPREAD = "spread"
    DEPTH = "depth"
    BIDS = "bids"
    ASKS = "asks"
    SELL = "sell"
    BUY = "buy"
    DEPTH_Z = "depth_z"
    SPREAD_Z = "spread_z"


HARM: Mapping[Metric, int] = {
    Metric.SPREAD: 1,
    Metric.DEPTH: -1,
    Metric.BIDS: -1,
    Metric.ASKS: -1,
    Metric.SELL: 1,
    Metric.BUY: 1,
    Metric.DEPTH_Z: 1,
    Metric.SPREAD_Z: 1,
}
"""Which way is worse: 1 upwards, -1 downwards. A mid has no worse way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` up to, and without, `until`."""

    since: datetime
    until: datetime

    @property
    def lasts(self) -> timedelta:
        return self.until - self.since

    def overlaps(self, other: "Span") -> bool:
        """Whether some instant lies in both."""
        return self.since < other.until and other.since < self.until

    def within(self, other: "Span") -> "Span":
        """Return the part of it that lies in `other`, which it overlaps."""
        return Span(since=max(self.since, other.since), until=min(self.until, other.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a postmortem is wanted of. `venues` empty: all. `size` None: the usual one."""

    symbol: str
    span: Span
    venues: tuple[str, ...] = ()
    size: Decimal | None = None
    band_bps: int = 10
    alert: str | None = None


class Grain(StrEnum):
    """From what the lines are drawn."""

    READINGS = "readings"
    MINUTES = "minutes"
    HOURS = "hours"

    @property
    def step(self) -> timedelta | None:
        """How far its rows lie apart; None where that is as it was monitored."""
        return {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question that was put to the database, as it can be put again in psql."""

    name: str
    answers: str
    sql: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A span in which nothing is known of a book. `reason` is a word of the record, or ours."""

    venue: str
    span: Span
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of one book. `worst`: the harmful extremes of each step, where `segments` are averages."""

    segments: tuple[Segment, ...] = ()
    worst: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One metric of one book in numbers, over every row of the span.

    `usual` is the median of the window before. `least` and `most` are the extremes, with their
    times; `last` is the newest.
    """

    usual: Number | None = None
    least: Point | None = None
    most: Point | None = None
    last: Point | None = None


NO_FIGURES = Figures()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What taking the size cost on one book: a seller walks the bids, a buyer the asks.

    `worst_cost` is in quote. `unfilled` counts the readings, of those `asked`, in which the book did
    not hold all of it; `least_filled` is the smallest fraction that it held, None where not kept.
    """

    taker: str
    asked: int
    unfilled: int
    worst_cost: Decimal | float | None = None
    least_filled: float | None = None
    unfilled_spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One venue's book over the span. `known` is the time in which it was trusted and read.

    `usual_of` counts the rows behind its usual figures. `floors` counts the rows whose depth lay
    beyond the known range of the book, and is a floor; None where that is not kept.
    """

    venue: str
    readings: int
    first: datetime
    last: datetime
    known: timedelta
    usual_of: int = 0
    floors: int | None = 0
    lines: Mapping[Metric, Line] = field(default_factory=dict)
    figures: Mapping[Metric, Figures] = field(default_factory=dict)
    costs: tuple[Cost, ...] = ()

    def figures_of(self, metric: Metric) -> Figures:
        """Return what is known of a metric; all of it unknown where nothing was stored."""
        return self.figures.get(metric, NO_FIGURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """An alert as it stood from `at` on."""

    at: datetime
    state: str
    severity: str
    sentence: str
    action: str
    causes: tuple[str, ...]
    unobserved_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStory:
    """One alert from its first breach to its end. `ended_at` None: it fires still."""

    id: str
    signal: str
    venue: str
    severity: str
    worst_severity: str
    state: str
    cause: str
    action: str
    sentence: str
    started_at: datetime
    fired_at: datetime | None
    ended_at: datetime | None
    changes: tuple[AlertChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHappening:
    """Something that happened to a feed."""

    at: datetime
    venue: str
    kind: str
    trust: str | None
    reason: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """One step in the life of an incident."""

    at: datetime
    kind: str
    actor: str
    comment: str
    from_state: str | None
    to_state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What people handled."""

    id: str
    family: str
    state: str
    worst_severity: str
    trigger: str
    action: str
    impact_quote: Decimal | None
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    events: tuple[IncidentEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The window whose medians are called usual, and why it is that one."""

    span: Span
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A start of the monitor that wrote into the span."""

    id: str
    version: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """All of it. `size` None: no cost of any size was stored."""

    asked: Asked
    made_at: datetime
    grain: Grain
    size: Decimal | None
    usual: Usual
    books: tuple[Book, ...]
    alerts: tuple[AlertStory, ...]
    happenings: tuple[FeedHappening, ...]
    happenings_in_all: int
    unknown: tuple[Unknown, ...]
    incidents: tuple[Incident, ...]
    runs: tuple[Run, ...]
    queries: tuple[Query, ...]

    @property
    def span(self) -> Span:
        return self.asked.span

    def query(self, name: str) -> Query:
        """Return the question of that name. Raises `KeyError` when it was not put."""
        for query in self.queries:
            if query.name == name:
                return query
        raise KeyError(name)
