"""Paths, scales and ticks: what is drawn is what was measured, and nothing between."""

import re
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.support.postmortems import a_book, a_postmortem, after, points, span

from tidegauge.faces.report.charts import (
    HEIGHT,
    WIDTH,
    column,
    nice_values,
    path_of,
    plot_of,
    scale_of,
    time_ticks,
)
from tidegauge.sinks.postmortem.records import Metric, Span

VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50)


@given(VALUES, st.booleans())
def test_a_scale_holds_every_value(values: list[float], zero: bool) -> None:
    """Also of one value, or of many that are the same."""
    scale = scale_of(values, zero=zero)
    assert scale.low < scale.high
    assert all(0 <= scale.place(value) <= HEIGHT for value in values)
    if zero:
        assert scale.low <= 0 <= scale.high


@given(VALUES, st.booleans())
def test_ticks_are_few_and_within(values: list[float], zero: bool) -> None:
    """Round values, in order."""
    scale = scale_of(values, zero=zero)
    ticks = nice_values(scale.low, scale.high)
    assert 1 <= len(ticks) <= 6
    room = (scale.high - scale.low) * 1e-9
    assert all(scale.low - room <= tick <= scale.high + room for tick in ticks)


@given(st.floats(min_value=0.001, max_value=1e9))
def test_times_are_ticked_a_few_times(seconds: float) -> None:
    """From a millisecond to thirty years."""
    ticks = time_ticks(Span(since=after(0.3), until=after(0.3) + timedelta(seconds=seconds)))
    assert len(ticks) <= 13
    assert all(0 <= tick.at <= 100 for tick in ticks)
    assert ticks or seconds < 1


def drawn(path: str) -> list[list[tuple[int, int]]]:
    """Read a path back: the points of each of its strokes."""
    strokes = []
    for stroke in path.split("M")[1:]:
        numbers = [int(each) for each in re.findall(r"-?\d+", stroke.replace("h0", ""))]
        x, y = numbers[:2]
        found = [(x, y)]
        for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
            x, y = x + dx, y + dy
            found.append((x, y))
        strokes.append(found)
    return strokes


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=5))
def test_a_path_has_a_stroke_a_segment(parts: list[list[float]]) -> None:
    """Each begins anew, ends with its own last point, and does not drift away by rounding."""
    segments = [tuple(points(values, since=30 * place)) for place, values in enumerate(parts)]
    whole = span(0, 30 * len(parts))
    scale = scale_of([value for values in parts for value in values], zero=False)
    strokes = drawn(path_of(segments, whole, scale))
    assert strokes == [
        [(column(at, whole), scale.place(value)) for at, value in segment] for segment in segments
    ]


def test_a_plot_has_a_line_a_venue_and_a_colour_of_its_own() -> None:
    """A book without a figure has no line, and the others keep their colours."""
    books = (a_book("a"), a_book("b", values={}), a_book("c"))
    plot = plot_of(a_postmortem(books=books), Metric.DEPTH)
    assert [(line.venue, line.colour) for line in plot.lines] == [("a", 0), ("c", 2)]
    assert plot.lines[0].last == "1M"
    assert plot.scale is not None
    assert plot.scale.low == 0


def test_a_plot_without_values_is_empty() -> None:
    """Nothing is drawn for what is not known."""
    assert plot_of(a_postmortem(books=(a_book(values={}),)), Metric.MID).empty


def test_what_is_shown_under_the_cursor_is_not_rounded() -> None:
    """The points go with the path, as they were stored."""
    mids = {Metric.MID: [Decimal("61000.15"), Decimal("61000.25")]}
    plot = plot_of(a_postmortem(books=(a_book(values=mids),)), Metric.MID)
    ((columns, values),) = plot.lines[0].runs
    assert values == (Decimal("61000.15"), Decimal("61000.25"))
    assert columns == (0, round(WIDTH / 60))
