"""Latency with the clocks' offset taken out."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import HOUR, MILLISECOND, MINUTE, SECOND, Nanos
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


class Clocks:
    """Ten frames a second of a venue whose clock is `ahead` of ours, 20 ms away at best."""

    def __init__(self, ahead: Nanos = 0) -> None:
        self.latency = LatencyFilter()
        self.ahead = ahead
        self.now: Nanos = HOUR
        self.faults: list[str] = []
        self.excesses: list[Nanos] = []

    def run(self, span: Nanos, *, delay: Nanos = 0) -> None:
        until = self.now + span
        while self.now < until:
            self.now += SECOND // 10
            late = (20 + self.now // (SECOND // 10) % 7 * 5) * MILLISECOND + delay
            sent = self.now - late + self.ahead
            self.excesses.append(self.latency.excess(sent, self.now))
            if fault := self.latency.fault():
                self.faults.append(fault)


def test_a_venue_whose_clock_is_ahead_is_told_of_once_with_its_size() -> None:
    """As in the recordings of 2024-08-08: the fastest frames seem to arrive 1.27 s too soon."""
    clocks = Clocks(ahead=1_290 * MILLISECOND)
    clocks.run(30 * MINUTE)
    assert clocks.latency.offset == -1_270 * MILLISECOND
    assert len(clocks.faults) == 1
    assert clocks.faults[0].startswith("the venue's clock is 1.2")
    assert clocks.faults[0].endswith(" s ahead of ours")
    assert 0 <= min(clocks.excesses) <= max(clocks.excesses) == 30 * MILLISECOND


def test_a_clock_that_agrees_is_no_news() -> None:
    """Twenty milliseconds are the path."""
    clocks = Clocks()
    clocks.run(10 * MINUTE)
    assert clocks.faults == []


@given(step=st.sampled_from([-HOUR, -10 * SECOND, -SECOND, SECOND, 10 * SECOND, HOUR]))
def test_a_step_of_the_venues_clock_is_survived_within_a_minute(step: Nanos) -> None:
    """Forward at once, back within a minute; no latency is ever negative, and it is told."""
    clocks = Clocks(ahead=2 * SECOND)
    clocks.run(5 * MINUTE)
    told = len(clocks.faults)
    clocks.ahead += step
    clocks.run(MINUTE)
    settled = len(clocks.excesses)
    clocks.run(5 * MINUTE)
    assert min(clocks.excesses) >= 0
    assert max(clocks.excesses[settled:]) <= 30 * MILLISECOND
    assert len(clocks.faults) == told + 1


def test_the_end_of_a_fault_is_news_as_well() -> None:
    """The venue set its clock right."""
    clocks = Clocks(ahead=3 * SECOND)
    clocks.run(MINUTE)
    clocks.ahead = 0
    clocks.run(MINUTE)
    assert clocks.faults[-1] == "the venue's clock agrees with ours again"


def test_a_clock_that_is_far_behind_is_a_fault_once_enough_frames_say_so() -> None:
    """One frame may tell of a change that is an hour old; twenty in a row do not."""
    clocks = Clocks(ahead=-HOUR)
    clocks.run(SECOND)
    assert clocks.faults == []
    clocks.run(2 * SECOND)
    (fault,) = clocks.faults
    assert fault == "the venue's clock is 3600.02 s behind ours, or every frame is that late"


def test_a_burst_of_late_frames_is_latency_and_no_fault() -> None:
    """Ten seconds of frames that are two seconds late: that is what latency is for."""
    clocks = Clocks()
    clocks.run(MINUTE)
    clocks.run(10 * SECOND, delay=2 * SECOND)
    assert clocks.excesses[-1] >= 2 * SECOND
    clocks.run(MINUTE)
    assert clocks.faults == []
    assert clocks.excesses[-1] <= 30 * MILLISECOND


def test_our_own_clock_going_back_gives_no_negative_latency() -> None:
    """A late item is as of the one before; a filter survives it all the same."""
    latency = LatencyFilter()
    for received in (10 * SECOND, 9 * SECOND, 8 * SECOND, 20 * SECOND):
        assert latency.excess(0, received) >= 0


def test_a_small_fault_is_told_in_milliseconds() -> None:
    """Four milliseconds ahead are a fault of the clocks, and no reason to alarm anybody."""
    latency = LatencyFilter()
    latency.excess(SECOND, SECOND - 4 * MILLISECOND)
    assert latency.fault() == "the venue's clock is 4.00 ms ahead of ours"
    assert latency.fault() is None
