"""Each venue's book over the span, from its rows: lines, figures, costs, and what is not known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .lines import broken, figures_of, holes, known_within, missing, patience_of, thinned
from .questioner import Questioner
from .records import (
    HARM,
    Asked,
    Book,
    Cost,
    Figures,
    Grain,
    Line,
    Metric,
    Number,
    Sample,
    Segment,
    Span,
    Unknown,
)

Row = Mapping[str, Any]

OF_READINGS = {Metric.MID: "mid", Metric.SPREAD: "spread_bps", Metric.SPREAD_Z: "spread_z"}
OF_DEPTH = {
    Metric.DEPTH: "total_quote",
    Metric.BIDS: "bid_quote",
    Metric.ASKS: "ask_quote",
    Metric.DEPTH_Z: "depth_z",
}
OF_TAKER = {"sell": Metric.SELL, "buy": Metric.BUY}
SCORES = {Metric.DEPTH_Z, Metric.SPREAD_Z}
NOT_FILLED = float("inf")


async def books_of(
    questioner: Questioner, asked: Asked, held: Sequence[Row], lost: Sequence[Unknown]
) -> tuple[tuple[Book, ...], tuple[Unknown, ...]]:
    """Return the books in the order of their names, and every span in which one is not known."""
    put = questioner.put_by_grain
    usual = {row["venue"]: row for row in await put("usual", "what is usual")}
    readings = _by_venue(await put("readings", "mid and spread"))
    depths = _by_venue(await put("depth", f"depth within {asked.band_bps} bps"))
    fills = _by_venue(await put("slippage", "what taking the size would have cost"))
    books: list[Book] = []
    unknown: list[Unknown] = list(lost)
    for row in held:
        venue = row["venue"]
        maker = _Maker(asked.span, venue, readings[venue], lost, questioner.grain)
        unknown += missing(venue, maker.holes, lost, maker.patience)
        books.append(maker.book(row, usual.get(venue), depths[venue], fills[venue]))
    unknown.sort(key=lambda each: (each.span.since, each.venue))
    return tuple(books), tuple(unknown)


class _Maker:
    """Makes one book."""

    def __init__(
        self,
        span: Span,
        venue: str,
        rows: Sequence[Row],
        lost: Iterable[Unknown],
        grain: Grain,
    ) -> None:
        self.span = span
        self.rows = rows
        times = [row["at"] for row in rows]
        self.patience = patience_of(times, grain.step)
        self.holes = holes(times, span, self.patience)
        self.untrusted = [each.span for each in lost if each.venue == venue]
        self.lines: dict[Metric, Line] = {}
        self.figures: dict[Metric, Figures] = {}

    def book(
        self, held: Row, usual: Row | None, depths: Sequence[Row], fills: Sequence[Row]
    ) -> Book:
        for columns, rows in ((OF_READINGS, self.rows), (OF_DEPTH, depths)):
            for metric, column in columns.items():
                self._add(metric, column, rows, usual)
        taken = {taker: [row for row in fills if row["taker"] == taker] for taker in OF_TAKER}
        for taker, metric in OF_TAKER.items():
            self._add(metric, "slippage_bps", taken[taker], usual)
        floors = [row["complete"] for row in depths]
        return Book(
            venue=held["venue"],
            readings=held["readings"],
            first=held["first"],
            last=held["last"],
            known=known_within(self.span, [*self.untrusted, *self.holes]),
            usual_of=0 if usual is None else usual["rows"],
            floors=None if None in floors else floors.count(False),
            lines=self.lines,
            figures=self.figures,
            costs=tuple(self._cost(taker, rows) for taker, rows in taken.items() if rows),
        )

    def _add(self, metric: Metric, column: str, rows: Sequence[Row], usual: Row | None) -> None:
        """Add the line and the figures of a metric; of rollups with their extremes."""
        samples = _samples(rows, column)
        least, most = _samples(rows, f"{column}_least"), _samples(rows, f"{column}_most")
        worst = {1: (most,), -1: (least,)}.get(HARM.get(metric, 0), (least, most))
        self.lines[metric] = Line(
            segments=self._drawn(samples),
            worst=tuple(segment for each in worst for segment in self._drawn(each)),
        )
        self.figures[metric] = figures_of(
            samples, _usual_of(metric, usual), least or None, most or None
        )

    def _drawn(self, samples: Sequence[Sample]) -> tuple[Segment, ...]:
        return tuple(thinned(broken(samples, self.untrusted, self.patience), self.span))

    def _cost(self, taker: str, rows: Sequence[Row]) -> Cost:
        costs = [row["slippage_cost"] for row in rows if row["slippage_cost"] is not None]
        held = [
            row["filled_fraction"]
            for row in rows
            if row["short"] and row["filled_fraction"] is not None
        ]
        return Cost(
            taker=taker,
            asked=sum(row["asked"] for row in rows),
            unfilled=sum(row["short"] for row in rows),
            worst_cost=max(costs, default=None),
            least_filled=min(held, default=None),
            unfilled_spans=spans_where(
                [(row["at"], row["short"] > 0) for row in rows], self.patience
            ),
        )


def _samples(rows: Sequence[Row], column: str) -> list[Sample]:
    """Return a column of the rows; nothing where they have no such column."""
    if not rows or column not in rows[0].keys():  # noqa: SIM118 (a record holds values, not keys)
        return []
    return [(row["at"], row[column]) for row in rows]


def _usual_of(metric: Metric, usual: Row | None) -> Number | None:
    """Return the median before; None where it is not known, or the size was usually not there."""
    if usual is None or metric in SCORES:
        return None
    value: Number | None = usual[metric.value]
    return None if value == NOT_FILLED else value


def spans_where(judged: Sequence[tuple[datetime, bool]], patience: timedelta) -> tuple[Span, ...]:
    """Return from which sample to which it was so, without a break; the end is the last such one."""
    found: list[Span] = []
    before: datetime | None = None
    for at, so in judged:
        if not so:
            before = None
            continue
        if before is not None and at - before <= patience:
            found.append(Span(since=found.pop().since, until=at))
        else:
            found.append(Span(since=at, until=at))
        before = at
    return tuple(found)


def _by_venue(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["venue"]].append(row)
    return found
