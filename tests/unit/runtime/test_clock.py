"""The monitor's time, whatever is done to the machine's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.clock import FIRM, GENTLE, STEP, Slew, SlewedClock

START: Nanos = 1_723_075_200 * SECOND
HOUR = 3_600 * SECOND
DAY_OF_LOOKS = 86_400


def live_through(
    slew: Slew, wall: Nanos, steady: Nanos, looks: int, *, drift_ppm: int = 0
) -> tuple[Nanos, Nanos, list[Nanos]]:
    """Look once a second; return wall, monotonic, and the steps that were told."""
    told = []
    for _ in range(looks):
        wall += SECOND + SECOND * drift_ppm // 1_000_000
        steady += SECOND
        if (step := slew.look(wall, steady)) is not None:
            told.append(step)
    return wall, steady, told


@given(
    events=st.lists(
        st.tuples(st.integers(0, 5 * SECOND), st.integers(-2 * HOUR, 2 * HOUR), st.booleans()),
        max_size=60,
    )
)
def test_time_never_goes_back_and_never_runs_off(
    events: list[tuple[Nanos, Nanos, bool]],
) -> None:
    """Its rate is within 5 % of the monotonic clock's, whatever the wall clock does."""
    slew, wall, steady = Slew(START, 7), START, 7
    for passed, moved, looks in events:
        before = slew.now(steady)
        wall += passed + (moved if looks else 0)
        steady += passed
        assert abs(slew.now(steady) - before - passed) <= passed * FIRM // 10**9 + 1
        assert slew.now(steady) >= before
        if looks:
            at = slew.now(steady)
            slew.look(wall, steady)
            assert slew.now(steady) == at, "a look is no leap"


@pytest.mark.parametrize("moved", [HOUR, -HOUR, SECOND, -SECOND])
def test_a_step_is_told_once_with_its_size_and_worked_off(moved: Nanos) -> None:
    """At the next look; an hour takes a day at 5 %."""
    slew = Slew(START, 0)
    wall, steady, told = live_through(slew, START, 0, 60)
    assert told == []
    wall, steady, told = live_through(slew, wall + moved, steady, DAY_OF_LOOKS)
    assert told == [moved]
    assert abs(wall - slew.now(steady)) < SECOND // 1_000
    assert abs(slew.bend) <= GENTLE


@pytest.mark.parametrize("drift", [500, -500, 100, -100])
def test_a_clock_that_drifts_is_followed_in_silence(drift: int) -> None:
    """500 parts in a million, for a day: no step, and never more than a few milliseconds off."""
    slew = Slew(START, 0)
    wall, steady, told = live_through(slew, START, 0, DAY_OF_LOOKS, drift_ppm=drift)
    assert told == []
    assert abs(wall - slew.now(steady)) < SECOND // 50
    assert abs(slew.bend) <= GENTLE


def test_sleep_that_the_monotonic_clock_does_not_count_is_a_step() -> None:
    """Where no clock counts it, the wall clock seems to have been set ahead."""
    slew = Slew(START, 0)
    wall, steady, _told = live_through(slew, START, 0, 10)
    _wall, _steady, told = live_through(slew, wall + 8 * HOUR, steady, 10)
    assert told == [8 * HOUR]


def test_a_small_correction_is_no_event() -> None:
    """What a time daemon does every day."""
    slew = Slew(START, 0)
    wall, steady, told = live_through(slew, START + STEP, 0, 2_000)
    assert told == []
    assert abs(wall - slew.now(steady)) < SECOND // 1_000


def test_the_machines_own_readings_are_in_order() -> None:
    """Two readings one after the other; it starts at the wall clock's time."""
    clock = SlewedClock()
    assert clock.now() <= clock.now()
    assert clock.steady() <= clock.steady()
    assert clock.look() is None
    assert abs(clock.behind()) < SECOND
