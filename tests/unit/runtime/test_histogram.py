"""Spans fall into the bucket they belong to, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.histogram import BOUNDS, BOUNDS_S, Histogram


def test_a_span_belongs_to_the_first_bucket_that_it_does_not_exceed() -> None:
    """A bound is inside its own bucket, as Prometheus's `le` has it; beyond the last it is only counted."""
    histogram = Histogram()
    for span in (0, BOUNDS[3], BOUNDS[3] + 1, BOUNDS[-1] + 1):
        histogram.observe(span)
    shown = histogram.snapshot()
    assert shown.bounds == BOUNDS_S
    assert shown.counts[:3] == (1, 1, 1)
    assert shown.counts[3] == 2
    assert set(shown.counts[4:]) == {3}
    assert shown.count == 4


@given(st.lists(st.integers(0, 100 * SECOND), max_size=50))
def test_counts_add_up(spans: list[int]) -> None:
    """Each bucket holds what a plain count finds, and the sum is theirs."""
    histogram = Histogram()
    for span in spans:
        histogram.observe(span)
    shown = histogram.snapshot()
    assert shown.counts == tuple(sum(span <= bound for span in spans) for bound in BOUNDS)
    assert shown.count == len(spans)
    assert shown.sum == sum(spans) / SECOND


def test_what_was_shown_stays_as_it_was() -> None:
    """A snapshot is of then."""
    histogram = Histogram()
    before = histogram.snapshot()
    histogram.observe(1)
    assert (before.count, histogram.snapshot().count) == (0, 1)
