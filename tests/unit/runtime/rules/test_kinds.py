"""Times as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.rules.kinds import DAY, day_hours, instant, nanos, time_of_day

MINUTES = st.integers(0, 24 * 60 - 1)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_an_instant_is_exact_to_the_microsecond(at: datetime, minutes: int) -> None:
    """UTC without a zone, and the same moment with one."""
    expected = (at - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1_000  # noqa: DTZ001
    assert instant(at.isoformat()) == expected
    zoned = at.replace(tzinfo=UTC)
    assert instant(zoned.isoformat()) == expected
    away = (at + timedelta(minutes=minutes)).isoformat()
    sign = "-" if minutes < 0 else "+"
    assert instant(f"{away}{sign}{clock(abs(minutes))}") == expected


@pytest.mark.parametrize("text", ["", "2026-12-01", "20261201", "12:30", "tomorrow", "2026-13-01T00:00", "1700000000"])  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    """A day alone, too: its beginning would be a guess."""
    with pytest.raises(ValueError, match="a time in UTC such as"):
        instant(text)


@given(MINUTES, MINUTES)
def test_hours_last_until_their_end_on_the_next_day_if_need_be(begin: int, end: int) -> None:
    """Past midnight, they are one span."""
    starts, lasts = day_hours(f"{clock(begin)}-{clock(end)}")
    assert starts == time_of_day(clock(begin)) == begin * 60 * SECOND
    assert 0 <= lasts < DAY
    assert (starts + lasts) % DAY == end * 60 * SECOND


@pytest.mark.parametrize("text", ["24:00", "9:00", "09:60", "0900", "09:00:00", "\u0660\u0669:00"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    """Two digits, a colon, two digits."""
    with pytest.raises(ValueError, match="a time of the day"):
        time_of_day(text)


def test_a_span_is_the_nearest_nanosecond() -> None:
    """0.1 is no float."""
    assert nanos(0.1) == 100_000_000
    assert nanos(1e-9) == 1
