"""What the plots of a report are made of: paths, shades and ticks, in shares of the plot. Pure.

A plot is drawn here, once, as SVG: it is there without a script, prints as lines, and follows the
reader's light or dark. The script of the page only moves the window through which it is seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor, log10

from tidegauge.sinks.postmortem.records import Metric, Number, Postmortem, Segment, Span

from .wording import number

WIDTH = 20_000
HEIGHT = 2_000
"""The grid a path is drawn on, whatever size it is seen at."""

TICKS = 6
MARGIN = 0.1
FLAT = 1e-4

STEPS_S = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the grid: where, in percent, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From `low` at the bottom to `high` at the top. `zero`: it begins at zero."""

    low: float
    high: float
    zero: bool

    def place(self, value: Number) -> int:
        """Return how far below the top of the grid a value lies."""
        return round((self.high - float(value)) / (self.high - self.low) * HEIGHT)

    def percent(self, value: float) -> float:
        return round((self.high - value) / (self.high - self.low) * 100, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One venue's line. `runs` are its points, for the script: columns and values, segment by segment."""

    venue: str
    colour: int
    last: str
    path: str
    worst: str
    runs: tuple[tuple[tuple[int, ...], tuple[Number, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One plot."""

    metric: Metric
    scale: Scale | None
    rows: tuple[Tick, ...]
    lines: tuple[Drawn, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.scale is None


def column(at: datetime, span: Span) -> int:
    """Return how far from the left edge of the grid an instant lies."""
    return round((at - span.since) / span.lasts * WIDTH)


def percent(at: datetime, span: Span) -> float:
    """Return the same in percent, kept within the plot."""
    return round(min(max((at - span.since) / span.lasts, 0.0), 1.0) * 100, 3)


def plot_of(postmortem: Postmortem, metric: Metric) -> Plot:
    """Return the plot of a metric, one line a venue, in the order of the books."""
    lines = [book.lines.get(metric) for book in postmortem.books]
    parts = [part for line in lines if line for part in (*line.segments, *line.worst)]
    values = [float(value) for part in parts for _, value in part]
    if not values:
        return Plot(metric=metric, scale=None, rows=(), lines=())
    scale = scale_of(values, zero=metric is not Metric.MID)
    drawn = tuple(
        Drawn(
            venue=book.venue,
            colour=place,
            last=number(metric, line.segments[-1][-1][1]),
            path=path_of(line.segments, postmortem.span, scale),
            worst=path_of(line.worst, postmortem.span, scale),
            runs=tuple(_run(segment, postmortem.span) for segment in line.segments),
        )
        for place, (book, line) in enumerate(zip(postmortem.books, lines, strict=True))
        if line is not None and line.segments
    )
    rows = tuple(
        Tick(at=scale.percent(value), label=number(metric, value))
        for value in nice_values(scale.low, scale.high)
    )
    return Plot(metric=metric, scale=scale, rows=rows, lines=drawn)


def _run(segment: Segment, span: Span) -> tuple[tuple[int, ...], tuple[Number, ...]]:
    return tuple(column(at, span) for at, _ in segment), tuple(value for _, value in segment)


def scale_of(values: Sequence[float], *, zero: bool) -> Scale:
    """Return a scale that holds the values with some room; never of no height."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * MARGIN or max(abs(high) * FLAT, FLAT)
    return Scale(
        low=low if zero and low == 0 else low - room,
        high=high if zero and high == 0 and low < 0 else high + room,
        zero=zero,
    )


def path_of(segments: Iterable[Segment], span: Span, scale: Scale) -> str:
    """Return the segments as an SVG path of whole numbers; a point alone is a dot.

    Nothing joins one segment to the next.
    """
    parts: list[str] = []
    for segment in segments:
        at, value = segment[0]
        x, y = column(at, span), scale.place(value)
        parts.append(f"M{x},{y}")
        if len(segment) == 1:
            parts.append("h0")
            continue
        steps: list[str] = []
        for later, its in segment[1:]:
            to_x, to_y = column(later, span), scale.place(its)
            steps.append(f"{to_x - x},{to_y - y}")
            x, y = to_x, to_y
        parts.append(f"l{' '.join(steps)}")
    return "".join(parts)


def nice_values(low: float, high: float, about: int = 4) -> list[float]:
    """Return round values from `low` to `high`, about so many."""
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough)
    first, last = int(-(-low // step)), int(high // step)
    return [round(place * step, 12) for place in range(first, last + 1)]


def time_ticks(span: Span, about: int = TICKS) -> list[Tick]:
    """Return round times within the span."""
    rough = span.lasts.total_seconds() / about
    days = -(-int(rough) // STEPS_S[-1]) * STEPS_S[-1]
    step = next((each for each in STEPS_S if each >= rough), days)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    number_of_first = -(-(span.since - epoch) // timedelta(seconds=step))
    ticks: list[Tick] = []
    at = epoch + number_of_first * timedelta(seconds=step)
    while at <= span.until:
        form = "%H:%M:%S" if step < 60 else "%H:%M" if step < STEPS_S[-1] else "%m-%d"  # noqa: PLR2004
        ticks.append(Tick(at=percent(at, span), label=at.strftime(form)))
        at += timedelta(seconds=step)
    return ticks
