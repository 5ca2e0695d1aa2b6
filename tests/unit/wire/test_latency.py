"""Latency with the clocks' offset taken out."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.wire.latency import LatencyFilter


@given(
    offset=st.integers(-3600 * SECOND, 3600 * SECOND),
    delays=st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=50),
)
def test_the_offset_of_the_clocks_cancels_out(offset: int, delays: list[int]) -> None:
    """Whatever the offset, latency is the excess over the fastest frame so far."""
    latency = LatencyFilter()
    for number, delay in enumerate(delays):
        sent = number * SECOND
        excess = latency.excess(sent + offset, sent + delay)
        assert excess == delay - min(delays[: number + 1])


def test_a_faster_path_of_long_ago_is_forgotten() -> None:
    """The smallest difference is that of one to two half windows."""
    latency = LatencyFilter(window=10 * SECOND)
    latency.excess(0, 0)
    for second in range(1, 20):
        latest = latency.excess(second * SECOND, second * SECOND + 7)
    assert latest == 0


def test_a_negative_difference_is_a_clock_fault() -> None:
    """No frame arrives before it was sent."""
    latency = LatencyFilter()
    latency.excess(10, 5)
    assert latency.clock_fault
    latency.excess(10, 15)
    assert not latency.clock_fault
