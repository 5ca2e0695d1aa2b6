"""Windows against plain sorting and `statistics`, and how they stand still."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.risk.window import (
    HIGH_QUANTILE,
    LOW_QUANTILE,
    MomentWindow,
    Normal,
    SortedWindow,
)

values = st.floats(-30, 30, allow_nan=False)
samples = st.lists(st.tuples(values, st.integers(0, 5)), min_size=1, max_size=60)


def kept(steps: list[tuple[float, int]], size: int, span: int) -> list[float]:
    """Return what a window must hold after these (value, seconds later) samples."""
    at, history = 0, []
    for value, later in steps:
        at += later
        history.append((at, value))
    return [value for time, value in history[-size:] if time >= at - span]


def quantile(ordered: list[float], share: float) -> float:
    """Return a quantile by linear interpolation between the two samples around it."""
    position = share * (len(ordered) - 1)
    below = ordered[int(position)]
    above = ordered[min(int(position) + 1, len(ordered) - 1)]
    return below + (position - int(position)) * (above - below)


@given(steps=samples, size=st.integers(1, 20), span=st.integers(1, 60))
def test_quantiles_are_those_of_the_sorted_samples(
    steps: list[tuple[float, int]], size: int, span: int
) -> None:
    """At every moment: by count, by age, and interpolated."""
    window = SortedWindow(size, span)
    at = 0
    for index, (value, later) in enumerate(steps):
        at += later
        window.add(value, at)
        expected = sorted(kept(steps[: index + 1], size, span))
        found = window.quantiles()
        assert len(window) == len(expected)
        assert found is not None
        assert found.low == pytest.approx(quantile(expected, LOW_QUANTILE), abs=1e-12)
        assert found.median == pytest.approx(statistics.median(expected), abs=1e-12)
        assert found.high == pytest.approx(quantile(expected, HIGH_QUANTILE), abs=1e-12)


@given(steps=samples, size=st.integers(1, 20), span=st.integers(1, 60), value=values)
def test_the_textbook_z_is_that_of_statistics(
    steps: list[tuple[float, int]], size: int, span: int, value: float
) -> None:
    """Mean and population deviation, without drift however many samples have passed."""
    window = MomentWindow(size, span)
    at = 0
    for sample, later in steps:
        at += later
        window.add(sample, at)
    expected = kept(steps, size, span)
    deviation = statistics.pstdev(expected)
    assert len(window) == len(expected)
    found = window.z(value)
    if deviation > 1e-4:
        assert found is not None
        assert found == pytest.approx((value - statistics.mean(expected)) / deviation, rel=1e-4)
    elif len(set(expected)) == 1:
        assert found is None


def test_sums_do_not_drift() -> None:
    """A window that once held large numbers is exact again when they have left."""
    window = MomentWindow(2, 100)
    for at, value in enumerate([1e6, -1e6, 1e6, 0.25, 0.75]):
        window.add(value, at)
    assert window.z(0.5) == 0.0
    assert window.z(0.75) == 1.0


def test_an_empty_window_knows_nothing() -> None:
    """None, not zero."""
    assert SortedWindow(3, 3).quantiles() is None
    assert MomentWindow(3, 3).z(1.0) is None


def normal(*, slow: int = 10, min_samples: int = 3, max_freeze: int = 100) -> Normal:
    """Return windows that sample once a second."""
    return Normal(
        slow=slow,
        fast=5,
        cadence=SECOND,
        min_samples=min_samples,
        max_freeze=max_freeze * SECOND,
    )


def median(windows: Normal) -> float:
    """Return the slow median."""
    quantiles = windows.slow.quantiles()
    assert quantiles is not None
    return quantiles.median


def test_it_is_not_ready_below_its_least_samples() -> None:
    """A window of two says nothing yet."""
    windows = normal()
    ready = []
    for second in range(3):
        windows.sample(1.0, second * SECOND)
        ready.append(windows.ready)
    assert ready == [False, False, True]


def test_frozen_it_neither_learns_nor_forgets() -> None:
    """A crunch of any length leaves the baseline as it was, and does not age it."""
    windows = normal()
    for second in range(10):
        windows.sample(1.0, second * SECOND)
    windows.freeze(10 * SECOND)
    windows.freeze(11 * SECOND)
    for second in range(10, 90):
        windows.sample(9.0, second * SECOND)
        windows.expire(second * SECOND)
    assert windows.frozen
    assert (len(windows.slow), median(windows)) == (10, 1.0)
    windows.thaw(90 * SECOND)
    windows.sample(2.0, 90 * SECOND)
    assert not windows.frozen
    assert (len(windows.slow), median(windows)) == (10, 1.0)


def test_across_a_gap_samples_keep_their_times() -> None:
    """What grew too old while the book was not seen is dropped."""
    windows = normal()
    for second in range(10):
        windows.sample(1.0, second * SECOND)
    windows.expire(14 * SECOND)
    assert len(windows.slow) == 6
    windows.expire(60 * SECOND)
    assert (len(windows.slow), windows.ready) == (0, False)


def test_a_long_freeze_builds_a_second_baseline_beside_the_first() -> None:
    """It is shown, and goes when the alert clears."""
    windows = normal(max_freeze=5)
    for second in range(10):
        windows.sample(1.0, second * SECOND)
    windows.freeze(10 * SECOND)
    for second in range(10, 15):
        windows.sample(7.0, second * SECOND)
    assert windows.second is None
    windows.sample(7.0, 15 * SECOND)
    assert windows.second is not None
    assert len(windows.second) == 1
    assert median(windows) == 1.0
    windows.thaw(16 * SECOND)
    assert windows.second is None


def test_rebasing_takes_the_second_baseline_for_the_first() -> None:
    """And warms up anew when there is none."""
    windows = normal(max_freeze=1)
    for second in range(10):
        windows.sample(1.0, second * SECOND)
    windows.freeze(10 * SECOND)
    for second in range(10, 20):
        windows.sample(7.0, second * SECOND)
    windows.rebase(20 * SECOND)
    assert (windows.frozen, windows.ready, median(windows)) == (False, True, 7.0)
    windows.rebase(21 * SECOND)
    assert (windows.ready, len(windows.slow)) == (False, 0)


def test_thawing_what_is_not_frozen_changes_nothing() -> None:
    """Windows that were still warming up were never frozen."""
    windows = normal()
    windows.sample(1.0, 0)
    windows.thaw(5 * SECOND)
    windows.expire(10 * SECOND)
    assert len(windows.slow) == 1
