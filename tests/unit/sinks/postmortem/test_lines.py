"""Lines: broken where nothing is known, thinned without losing an extreme."""

import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.support.postmortems import a_loss, after, points, span

from tidegauge.sinks.postmortem.lines import (
    broken,
    figures_of,
    holes,
    known_within,
    missing,
    patience_of,
    thinned,
    union,
)
from tidegauge.sinks.postmortem.records import Point, Sample, Span

SECONDS = st.integers(min_value=0, max_value=3600)
PATIENCE = timedelta(seconds=5)
HOUR = span(0, 3600)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span within the hour; some have no length."""
    since, until = sorted((draw(SECONDS), draw(SECONDS)))
    return span(since, until)


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """Samples at different instants, in order; some without a value."""
    at = sorted(draw(st.sets(SECONDS, min_size=1, max_size=200)))
    values = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-5, 5).map(float))
    return [(after(second), draw(values)) for second in at]


@given(samples(), st.lists(spans(), max_size=8))
def test_no_line_crosses_what_is_not_known(given: list[Sample], unknown: list[Span]) -> None:
    """Between two points of one segment nothing is missing, untrusted or too far away."""
    segments = broken(given, unknown, PATIENCE)
    found = [point for segment in segments for point in segment]
    assert found == [(at, value) for at, value in given if value is not None]
    without = [at for at, value in given if value is None]
    for segment in segments:
        for (earlier, _), (later, _) in itertools.pairwise(segment):
            assert later - earlier <= PATIENCE
            assert not any(earlier < at < later for at in without)
            assert not any(each.since < later and earlier < each.until for each in unknown)


@given(samples(), st.lists(spans(), max_size=4), st.integers(min_value=2, max_value=40))
def test_thinning_keeps_every_extreme_and_joins_nothing(
    given: list[Sample], unknown: list[Span], most: int
) -> None:
    """The least and the most of a line, and of each segment, are drawn; nothing is made up."""
    whole = broken(given, unknown, timedelta(hours=1))
    thin = thinned(whole, HOUR, most)
    assert len(thin) == len(whole)
    for before, after_it in zip(whole, thin, strict=True):
        values = [value for _, value in before]
        kept = [value for _, value in after_it]
        assert (min(kept), max(kept)) == (min(values), max(values))
        assert set(after_it) <= set(before)
        assert list(after_it) == sorted(after_it, key=lambda point: point[0])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.integers(10, 200))
def test_a_whole_line_is_bounded(values: list[float], most: int) -> None:
    """However many readings there are: two points a bucket, and one bucket that is not whole."""
    line: tuple[Point, ...] = tuple(points(values))
    (thin,) = thinned([line], HOUR, most)
    assert len(thin) <= most + 2
    if len(values) <= most:
        assert thin == line


@given(st.lists(spans(), max_size=10))
def test_a_union_covers_the_same_instants(given: list[Span]) -> None:
    """Spans apart from each other, in order, and as long as all of theirs together."""
    joined = union(given)
    assert all(a.until < b.since for a, b in itertools.pairwise(joined))
    seconds = {s for each in given for s in range(seconds_of(each.since), seconds_of(each.until))}
    assert sum((each.lasts for each in joined), timedelta()) == timedelta(seconds=len(seconds))
    assert known_within(HOUR, given) == timedelta(seconds=3600 - len(seconds))


def seconds_of(at: datetime) -> int:
    return int((at - after(0)).total_seconds())


def test_what_is_missing_is_longer_than_patience() -> None:
    """At the edges of the span too, where the monitor was not there yet, or no more."""
    times = [after(second) for second in (10, 11, 12, 30, 31)]
    assert patience_of(times) == PATIENCE
    assert holes(times, span(0, 33), PATIENCE) == [span(0, 10), span(12, 30)]
    assert holes([], span(0, 33), PATIENCE) == [span(0, 33)]


def test_patience_follows_how_often_a_book_is_read() -> None:
    """A monitor that writes once a minute has no gap a minute long; rollups have none by two steps."""
    assert patience_of([after(60 * minute) for minute in range(9)]) == timedelta(minutes=5)
    assert patience_of([after(0)]) == PATIENCE
    minute = timedelta(minutes=1)
    assert minute < patience_of([], minute) < 2 * minute


def test_a_hole_that_a_loss_of_trust_explains_is_told_once() -> None:
    """The readings around a loss lie a little outside of it."""
    lost = [a_loss(12.5, 29.5)]
    assert missing("binance", [span(12, 30)], lost, PATIENCE) == []
    (other,) = missing("okx", [span(12, 30)], lost, PATIENCE)
    assert (other.venue, other.reason) == ("okx", "no readings")
    assert len(missing("binance", [span(12, 300)], lost, PATIENCE)) == 1


def test_figures_tell_when_the_extremes_first_were() -> None:
    """Of equal values the first; what has no value is no extreme, and nothing is unknown."""
    given: list[Sample] = [(after(0), 2.0), (after(1), None), (after(2), 5.0), (after(3), 5.0)]
    found = figures_of(given, 1.5)
    assert (found.usual, found.least, found.most) == (1.5, (after(0), 2.0), (after(2), 5.0))
    assert found.last == (after(3), 5.0)
    nothing = figures_of([(after(0), None)], None)
    assert (nothing.usual, nothing.least, nothing.most, nothing.last) == (None,) * 4


def test_figures_of_rollups_take_the_extremes_that_are_kept() -> None:
    """An average is never the worst there was."""
    found = figures_of(points([2.0, 3.0]), None, least=points([1.0, 2.5]), most=points([9.0, 4.0]))
    assert found.least == (after(0), 1.0)
    assert found.most == (after(0), 9.0)
    assert found.last == (after(1), 3.0)
