"""Each venue's book over the span, from its rows: lines, figures, costs, and what is not known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .lines import broken, figures_of, holes, known_within, missing, patience_of, thinned
from .questioner import Questioner
from .records import (
    Asked,
    Book,
    Cost,
    Figures,
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
NOT_WITHOUT_END = float("inf")


async def books_of(
    questioner: Questioner, asked: Asked, held: Sequence[Row], lost: Sequence[Unknown]
) -> tuple[tuple[Book, ...], tuple[Unknown, ...]]:
    """Return the books in the order of their names, and every span in which one is not known."""
    usual = {row["venue"]: row for row in await questioner.put("usual", "what is usual")}
    readings = _by_venue(await questioner.put("readings", "mid and spread"))
    depths = _by_venue(await questioner.put("depth", f"depth within {asked.band_bps} bps"))
    fills = _by_venue(await questioner.put("slippage", "what taking the size would have cost"))
    books: list[Book] = []
    unknown: list[Unknown] = list(lost)
    for row in held:
        venue = row["venue"]
        maker = _Maker(asked.span, venue, readings[venue], lost, usual.get(venue))
        unknown += missing(venue, maker.holes, lost, maker.patience)
        books.append(maker.book(row, depths[venue], fills[venue]))
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
        usual: Row | None,
    ) -> None:
        self.span = span
        self.venue = venue
        self.rows = rows
        self.usual = usual
        times = [row["at"] for row in rows]
        self.patience = patience_of(times)
        self.holes = holes(times, span, self.patience)
        self.untrusted = [each.span for each in lost if each.venue == venue]

    def book(self, held: Row, depths: Sequence[Row], fills: Sequence[Row]) -> Book:
        lines: dict[Metric, Line] = {}
        figures: dict[Metric, Figures] = {}
        sources = [(OF_READINGS, self.rows), (OF_DEPTH, depths)]
        for columns, rows in sources:
            for metric, column in columns.items():
                self._add(lines, figures, metric, [(row["at"], row[column]) for row in rows])
        costs = []
        for taker, metric in OF_TAKER.items():
            taken = [row for row in fills if row["taker"] == taker]
            self._add(lines, figures, metric, [(row["at"], row["slippage_bps"]) for row in taken])
            if taken:
                costs.append(self._cost(taker, taken))
        return Book(
            venue=self.venue,
            readings=held["readings"],
            first=held["first"],
            last=held["last"],
            known=known_within(self.span, [*self.untrusted, *self.holes]),
            usual_of=0 if self.usual is None else self.usual["rows"],
            floors=sum(not row["complete"] for row in depths),
            lines=lines,
            figures=figures,
            costs=tuple(costs),
        )

    def _add(
        self,
        lines: dict[Metric, Line],
        figures: dict[Metric, Figures],
        metric: Metric,
        samples: Sequence[Sample],
    ) -> None:
        lines[metric] = Line(segments=self._drawn(samples))
        figures[metric] = figures_of(samples, self._usual_of(metric))

    def _drawn(self, samples: Sequence[Sample]) -> tuple[Segment, ...]:
        whole = broken(samples, self.untrusted, self.patience)
        return tuple(thinned(whole, self.span))

    def _usual_of(self, metric: Metric) -> Number | None:
        """Return the median before; None where it is not known, or the size was usually not there."""
        if self.usual is None or metric.value not in self.usual:
            return None
        value: Number | None = self.usual[metric.value]
        return None if value == NOT_WITHOUT_END else value

    def _cost(self, taker: str, rows: Sequence[Row]) -> Cost:
        costs = [row["slippage_cost"] for row in rows if row["slippage_cost"] is not None]
        short = [row for row in rows if not row["filled"]]
        return Cost(
            taker=taker,
            asked=len(rows),
            unfilled=len(short),
            worst_cost=max(costs, default=None),
            least_filled=min((row["filled_fraction"] for row in short), default=None),
            unfilled_spans=spans_where(
                [(row["at"], not row["filled"]) for row in rows], self.patience
            ),
        )


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
