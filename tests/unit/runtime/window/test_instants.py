"""Nanoseconds are shown to the microsecond, and unknown stays unknown."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime.window.instants import EPOCH, instant, seconds


@given(st.integers(0, 4 * 10**18))
def test_an_instant_is_exact_to_the_microsecond(at: int) -> None:
    """No float comes between."""
    shown = instant(at)
    assert (shown - EPOCH) // (datetime.resolution) == at // 1000
    assert shown.tzinfo is UTC


def test_what_is_unknown_stays_unknown() -> None:
    """None, never 1970."""
    assert instant(None) is None
    assert seconds(None) is None
    assert seconds(1_500_000_000) == 1.5
