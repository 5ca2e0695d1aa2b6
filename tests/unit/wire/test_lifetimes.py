"""Connections are replaced before their venue ends them, at the hours that were chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.lifetimes import DAY, Hours, roll_due

HOUR = 3_600 * SECOND
NIGHT = Hours(3 * HOUR, HOUR)


@given(
    opened=st.integers(0, 10 * DAY),
    lifetime=st.integers(60 * SECOND, 3 * DAY),
    start=st.integers(0, DAY - 1),
    length=st.integers(60 * SECOND, DAY),
    chance=st.floats(0, 1),
    chosen=st.booleans(),
)
def test_it_is_due_after_it_opened_and_before_it_ends(
    opened: Nanos, lifetime: Nanos, start: Nanos, length: Nanos, chance: float, chosen: bool
) -> None:
    """Whatever the hours and the life: never at once, and never too late."""
    due = roll_due(opened, lifetime, Hours(start, length) if chosen else None, chance=chance)
    assert opened < due < opened + lifetime


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_day_after_day_it_stays_within_the_hours(chance: float) -> None:
    """A day's life cannot be used up without drifting: that must not end in the trading day."""
    at = 12 * HOUR
    for _roll in range(300):
        due = roll_due(at, DAY, NIGHT, chance=chance)
        assert NIGHT.start <= due % DAY <= NIGHT.start + NIGHT.length
        at = due


def test_rolls_are_scattered() -> None:
    """Connections opened together are not replaced together."""
    dues = [roll_due(0, DAY, chance=n / 10) for n in range(11)]
    assert dues == sorted(dues, reverse=True)
    assert dues[0] - dues[-1] >= HOUR - SECOND
