"""Backoff: how long to wait before trying again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.wire.backoff import Backoff


def test_each_failure_doubles_the_ceiling_up_to_the_cap() -> None:
    """1, 2, 4, 8 seconds, and then no more than the cap."""
    backoff = Backoff(SECOND, 10 * SECOND)
    waits = [backoff.wait(0, chance=1.0) for _ in range(6)]
    assert waits == [seconds * SECOND for seconds in (1, 2, 4, 8, 10, 10)]


def test_a_connection_that_dies_young_is_not_forgiven() -> None:
    """Being accepted and dropped at once is no success."""
    backoff = Backoff(SECOND, 60 * SECOND)
    for attempt in range(4):
        backoff.opened(attempt * SECOND)
        assert backoff.wait(attempt * SECOND + 59 * SECOND, chance=1.0) == SECOND << attempt


def test_a_healthy_minute_is_forgiven() -> None:
    """After it, the next failure counts as the first."""
    backoff = Backoff(SECOND, 60 * SECOND)
    for _ in range(5):
        backoff.wait(0, chance=1.0)
    backoff.opened(100 * SECOND)
    assert backoff.wait(160 * SECOND, chance=1.0) == SECOND


def test_time_spent_waiting_is_not_health() -> None:
    """Only an open connection earns forgiveness."""
    backoff = Backoff(SECOND, 60 * SECOND)
    backoff.opened(0)
    backoff.wait(SECOND, chance=1.0)
    assert backoff.wait(500 * SECOND, chance=1.0) == 2 * SECOND


@given(st.floats(0, 1), st.integers(0, 200))
def test_the_wait_is_spread_over_the_whole_ceiling(chance: float, failures: int) -> None:
    """Full jitter: a crowd of clients does not come back at the same instant."""
    backoff = Backoff(SECOND, 30 * SECOND)
    for _ in range(failures):
        backoff.wait(0, chance=1.0)
    ceiling = min(30, 2**failures) * SECOND
    assert backoff.wait(0, chance) == int(ceiling * chance)


@pytest.mark.parametrize(("base", "cap"), [(0, 1), (-1, 1), (2, 1)])
def test_a_backoff_that_makes_no_sense_is_refused(base: int, cap: int) -> None:
    """It would retry without a pause, or never grow."""
    with pytest.raises(ValueError, match="backoff"):
        Backoff(base, cap)
