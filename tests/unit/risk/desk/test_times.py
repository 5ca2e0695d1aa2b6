"""Instants are UTC, spans short."""

import pytest

from tidegauge.core.instrument import SECOND
from tidegauge.risk.desk.times import lasting, utc


def test_an_instant_is_said_in_utc_to_the_second() -> None:
    """Nanoseconds are cut."""
    assert utc(1_764_000_000_999_999_999) == "2025-11-24 16:00:00 UTC"


def test_an_instant_that_no_calendar_has_is_said_all_the_same() -> None:
    """An order may name any number."""
    assert utc(10**30) == f"{10**30} ns"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (86_400 * 2 + 3_600, "2 d 1 h"),
    ],
)
def test_a_span_is_said_in_two_units(seconds: int, said: str) -> None:
    """The largest ones that say anything."""
    assert lasting(seconds * SECOND) == said
