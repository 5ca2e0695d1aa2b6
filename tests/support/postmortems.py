"""Postmortems made by hand, for what is drawn and said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegauge.sinks.postmortem.lines import broken, figures_of
from tidegauge.sinks.postmortem.records import (
    AlertChange,
    AlertStory,
    Asked,
    Book,
    Cost,
    FeedHappening,
    Figures,
    Grain,
    Line,
    Metric,
    Number,
    Point,
    Postmortem,
    Query,
    Span,
    Unknown,
    Usual,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
QUERIES = (
    "books", "sizes", "bands", "alerts", "changes", "incidents", "incident_events", "trust", "usual",
    "readings", "depth", "slippage", "events", "runs",
)  # fmt: skip


def after(second: float) -> datetime:
    """An instant, in seconds after noon."""
    return NOON + timedelta(seconds=second)


def span(since: float, until: float) -> Span:
    return Span(since=after(since), until=after(until))


def points(values: Sequence[Number], since: float = 0) -> list[Point]:
    """One value a second."""
    return [(after(since + second), value) for second, value in enumerate(values)]


def a_book(
    venue: str = "binance",
    values: Mapping[Metric, Sequence[Number]] | None = None,
    usual: Mapping[Metric, Number] | None = None,
    unknown: Sequence[Span] = (),
    **changes: Any,
) -> Book:
    """A book with the values of each metric, one a second from noon on."""
    given = values if values is not None else CRUNCH
    medians = USUAL if usual is None else usual
    lines: dict[Metric, Line] = {}
    figures: dict[Metric, Figures] = {}
    for metric, of in given.items():
        samples = [
            (at, value)
            for at, value in points(of)
            if not any(each.since <= at < each.until for each in unknown)
        ]
        parts = broken(samples, unknown, timedelta(seconds=5))
        lines[metric] = Line(segments=tuple(parts))
        figures[metric] = figures_of(samples, medians.get(metric))
    book = Book(
        venue=venue,
        readings=60,
        first=after(0),
        last=after(59),
        known=timedelta(seconds=60),
        usual_of=3600,
        lines=lines,
        figures=figures,
        costs=(Cost(taker="sell", asked=60, unfilled=0, worst_cost=Decimal(450)),),
    )
    return replace(book, **changes)


def _dip(usual: float, least: float) -> list[float]:
    return [usual] * 20 + [least] * 20 + [usual] * 20


USUAL: Mapping[Metric, Number] = {
    Metric.MID: Decimal("61000.15"),
    Metric.SPREAD: 0.5,
    Metric.DEPTH: 1_000_000,
    Metric.SELL: 2.0,
}
CRUNCH: Mapping[Metric, Sequence[Number]] = {
    Metric.MID: [Decimal("61000.15")] * 60,
    Metric.SPREAD: _dip(0.5, 9.0),
    Metric.DEPTH: _dip(1_000_000, 100_000),
    Metric.BIDS: _dip(500_000, 40_000),
    Metric.ASKS: _dip(500_000, 60_000),
    Metric.SELL: _dip(2.0, 31.0),
    Metric.BUY: _dip(1.0, 7.0),
    Metric.DEPTH_Z: _dip(0.0, 23.0),
    Metric.SPREAD_Z: _dip(0.0, 28.0),
}


def an_alert_story(
    venue: str = "binance",
    began: float = 20,
    fired: float | None = 22,
    ended: float | None = 45,
    severity: str = "critical",
    **changes: Any,
) -> AlertStory:
    """An alert that fired, and rose from warning to its severity a second later."""
    steps = []
    if fired is not None:
        steps = [_change(fired, "warning"), _change(fired + 1, severity)]
    if ended is not None:
        steps.append(replace(_change(ended, severity), state="resolved"))
    story = AlertStory(
        id=f"alert-{venue}",
        signal="liquidity_crunch",
        venue=venue,
        severity=severity,
        worst_severity=severity,
        state="firing" if ended is None else "resolved",
        cause="depth_total",
        action="pause_asset",
        sentence="Depth is gone.",
        started_at=after(began),
        fired_at=None if fired is None else after(fired),
        ended_at=None if ended is None else after(ended),
        changes=tuple(steps),
    )
    return replace(story, **changes)


def _change(at: float, severity: str) -> AlertChange:
    return AlertChange(
        at=after(at),
        state="firing",
        severity=severity,
        sentence="Depth is gone.",
        action="pause_asset",
        causes=("depth_total",),
        unobserved_since=None,
    )


def a_happening(
    at: float, kind: str = "gap", venue: str = "binance", **changes: Any
) -> FeedHappening:
    found = FeedHappening(
        at=after(at),
        venue=venue,
        kind=kind,
        trust=None,
        reason=None,
        detail="expected 8, received 9",
    )
    return replace(found, **changes)


def a_loss(since: float, until: float, venue: str = "binance") -> Unknown:
    return Unknown(venue=venue, span=span(since, until), reason="gap")


def a_postmortem(**changes: Any) -> Postmortem:
    """A minute from noon on: binance breaks at twenty seconds, for twenty seconds."""
    happenings = changes.get("happenings", ())
    found = Postmortem(
        asked=Asked(symbol="BTCUSDT", span=span(0, 60)),
        made_at=after(3600),
        grain=Grain.READINGS,
        size=Decimal(500_000),
        usual=Usual(span=span(-3580, 20), why="the hour before the first alert began"),
        books=(a_book(),),
        alerts=(an_alert_story(),),
        happenings=(),
        happenings_in_all=len(happenings),
        unknown=(),
        incidents=(),
        runs=(),
        queries=tuple(
            Query(name=name, answers=f"of {name}", sql=f"SELECT '{name}';", rows=1)
            for name in QUERIES
        ),
    )
    return replace(found, **changes)
