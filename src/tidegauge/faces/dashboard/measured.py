"""What is measured of one book, and how unusual it was lately."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegauge.faces.figures import money

from .cells import Cell, Line, bps, cell, decimals_of, line, padded, price, signed, spark, z_score
from .ladder import not_trusted, said
from .memory import Trends
from .scene import Band, Measures, Row, Scene
from .tables import shown_cost

SPAN = timedelta(minutes=10)
"""What a sparkline covers."""

SPREAD, IMBALANCE, Z = "spread bps", "imbalance", "z "
"""Names of trends; those of z-scores begin with the last."""

HIGHEST_Z = 6.0
NAME, NUMBER = 15, 8
LONGEST_SPARK = 60
LABEL, WIDEST = 10, 10


def measure_lines(scene: Scene, venue: str | None, trends: Trends, width: int) -> list[Line]:
    """Return what is measured of one book, with sparklines of how unusual it was lately."""
    row = None if venue is None else scene.row(venue)
    if row is None:
        return said("no such book", scene.unseen, width)
    measures = row.measures
    if not row.live or measures is None:
        return not_trusted(row, width)
    room = min(WIDEST, max(6, (width - LABEL) // 3))
    past = _Past(trends, row.venue, scene.at, width)
    return [
        _mid(row, measures),
        past.line("spread bps", bps(measures.spread_bps), "", SPREAD),
        past.line("imbalance", signed(measures.imbalance), "", IMBALANCE),
        *_costs(measures, room),
        *_bands(measures, room),
        line(
            padded(" z", NAME, "dim"),
            padded("now", NUMBER, "dim", right=True),
            cell(f"  last {SPAN.seconds // 60} min", "dim"),
        ),
        *(
            past.line(name.replace("_", " "), *z_score(value), Z + name)
            for name, value in measures.z.items()
        ),
    ]


def _mid(row: Row, measures: Measures) -> Line:
    mid = price(measures.mid, decimals_of([measures.mid]))
    return line(padded(" mid", LABEL, "dim"), padded(mid, 14, "strong"), cell(row.quote, "dim"))


def _costs(measures: Measures, room: int) -> Iterator[Line]:
    yield line(padded(" size", LABEL, "dim"), *_heads(("sell bps", "buy bps"), room))
    for size in sorted({each for _, each in measures.costs}):
        costs = [shown_cost(measures.costs.get((side, size))) for side in ("sell", "buy")]
        cells = (padded(text, room, ink, right=True) for text, ink in costs)
        yield line(padded(f" {money(size)}", LABEL), *cells)


def _bands(measures: Measures, room: int) -> Iterator[Line]:
    yield line(padded(" within", LABEL, "dim"), *_heads(("bids", "asks", "balance"), room))
    for width_bps, band in sorted(measures.bands.items()):
        cells = (padded(text, room, right=True) for text in _band(band))
        yield line(padded(f" {width_bps} bps", LABEL), *cells)


def _band(band: Band) -> tuple[str, str, str]:
    total = band.bid + band.ask
    return (
        f"{'' if band.bid_complete else '≥'}{money(band.bid)}",
        f"{'' if band.ask_complete else '≥'}{money(band.ask)}",
        signed(float((band.bid - band.ask) / total) if total else None),
    )


def _heads(names: Sequence[str], room: int) -> list[Cell]:
    return [padded(each, room, "dim", right=True) for each in names]


@dataclass(frozen=True, slots=True)
class _Past:
    """How the numbers of one venue were up to an instant."""

    trends: Trends
    venue: str
    until: datetime
    width: int

    def line(self, name: str, text: str, ink: str, trend: str) -> Line:
        """Return a number and its sparkline: a z from 0 to 6, anything else as it ranged."""
        room = min(LONGEST_SPARK, self.width - NAME - NUMBER - 3)
        shown = (padded(f" {name}", NAME), padded(text, NUMBER, ink, right=True))
        if room <= 0:
            return line(*shown)
        values = self.trends.of((self.venue, trend), self.until, SPAN, room)
        known = [each for each in values if each is not None]
        low, high = 0.0, HIGHEST_Z
        if not trend.startswith(Z):
            low, high = (min(known), max(known)) if known else (0.0, 0.0)
        return line(*shown, cell("  "), (spark(values, low, high), "accent"))
