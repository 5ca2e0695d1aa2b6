"""The tables of a report: every number that is plotted or said, as words in cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tidegauge.sinks.postmortem.records import Book, Figures, Metric, Point, Postmortem

from .story import named
from .summary import harmful
from .wording import UNKNOWN, lasted, moment, money, number, row_time, share


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """One venue: how well it is known, and its mid, spread and depth."""

    venue: str
    readings: str
    known: str
    unknown: str
    mid: tuple[str, ...]
    spread: tuple[str, ...]
    depth: tuple[str, ...]
    bids: tuple[str, ...]
    asks: tuple[str, ...]
    floors: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One venue and side: what the size cost."""

    venue: str
    taker: str
    usual: str
    worst: str
    worst_at: str
    cost: str
    last: str
    unfilled: str
    least_filled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert."""

    id: str
    venue: str
    signal: str
    severity: str
    state: str
    began: str
    fired: str
    ended: str
    lasted: str
    cause: str
    sentence: str
    action: str


def book_rows(postmortem: Postmortem) -> list[BookRow]:
    return [_book_row(book, postmortem) for book in postmortem.books]


def _book_row(book: Book, postmortem: Postmortem) -> BookRow:
    unknown = postmortem.span.lasts - book.known
    mid = book.figures_of(Metric.MID)
    return BookRow(
        venue=book.venue,
        readings=f"{book.readings:,}",
        known=share(book.known / postmortem.span.lasts),
        unknown=lasted(unknown) if unknown > timedelta() else "none",
        mid=(
            number(Metric.MID, mid.usual),
            _value(Metric.MID, mid.least),
            _value(Metric.MID, mid.most),
            _value(Metric.MID, mid.last),
        ),
        spread=(*_cells(Metric.SPREAD, book, postmortem), _most(Metric.SPREAD_Z, book)),
        depth=(*_cells(Metric.DEPTH, book, postmortem), _most(Metric.DEPTH_Z, book)),
        bids=_cells(Metric.BIDS, book, postmortem),
        asks=_cells(Metric.ASKS, book, postmortem),
        floors=UNKNOWN if book.floors is None else f"{book.floors:,}",
    )


def _cells(metric: Metric, book: Book, postmortem: Postmortem) -> tuple[str, ...]:
    """Return usual, worst, when, share of the usual, last."""
    figures = book.figures_of(metric)
    worst = harmful(metric, figures)
    return (
        number(metric, figures.usual),
        _value(metric, worst),
        row_time(None if worst is None else worst[0], postmortem.grain, postmortem.span.since),
        _times_usual(figures, worst),
        _value(metric, figures.last),
    )


def _most(metric: Metric, book: Book) -> str:
    return _value(metric, book.figures_of(metric).most)


def _times_usual(figures: Figures, worst: Point | None) -> str:
    if worst is None or not figures.usual:
        return UNKNOWN
    times = float(worst[1]) / float(figures.usual)
    return share(times) if times < 1 else f"{times:,.1f}×"  # noqa: RUF001 (a times sign is meant)


def _value(metric: Metric, point: Point | None) -> str:
    return UNKNOWN if point is None else number(metric, point[1])


def cost_rows(postmortem: Postmortem) -> list[CostRow]:
    rows = []
    for book in postmortem.books:
        for cost in book.costs:
            metric = Metric(cost.taker)
            usual, worst, at, _, last = _cells(metric, book, postmortem)
            rows.append(
                CostRow(
                    venue=book.venue,
                    taker=cost.taker,
                    usual=usual,
                    worst=worst,
                    worst_at=at,
                    cost=money(cost.worst_cost),
                    last=last,
                    unfilled=f"{cost.unfilled:,} of {cost.asked:,}" if cost.unfilled else "none",
                    least_filled=share(cost.least_filled),
                )
            )
    return rows


def alert_rows(postmortem: Postmortem) -> Sequence[AlertRow]:
    beside = postmortem.span.since
    return [
        AlertRow(
            id=alert.id,
            venue=alert.venue,
            signal=named(alert.signal),
            severity=alert.worst_severity,
            state=alert.state,
            began=moment(alert.started_at, beside),
            fired=moment(alert.fired_at, beside) if alert.fired_at else "never",
            ended=moment(alert.ended_at, beside) if alert.ended_at else "not yet",
            lasted=lasted((alert.ended_at or postmortem.span.until) - alert.started_at),
            cause=named(alert.cause),
            sentence=alert.sentence,
            action=named(alert.action),
        )
        for alert in postmortem.alerts
    ]
