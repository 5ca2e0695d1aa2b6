"""Instants as people write them."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import OperatorError
from tidegauge.faces.times import interval, lasting, moment, written

NOW = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
DAY = NOW.date()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T14:02:00", datetime(2026, 11, 21, 14, 2, tzinfo=UTC)),
        ("2026-11-21 14:02Z", datetime(2026, 11, 21, 14, 2, tzinfo=UTC)),
        ("2026-11-21T14:02:00.123456+02:00", datetime(2026, 11, 21, 12, 2, 0, 123456, UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("14:02", datetime(2026, 11, 28, 14, 2, tzinfo=UTC)),
        ("14:02:03.5", datetime(2026, 11, 28, 14, 2, 3, 500000, UTC)),
        ("14:02+02:00", datetime(2026, 11, 28, 12, 2, tzinfo=UTC)),
        ("now", NOW),
        ("-15m", NOW - timedelta(minutes=15)),
        ("-1h30m", NOW - timedelta(minutes=90)),
        ("-2d", NOW - timedelta(days=2)),
        ("-10s", NOW - timedelta(seconds=10)),
    ],
)
def test_an_instant_is_read(text: str, expected: datetime) -> None:
    """A date and a time, a time of the day, or how long ago; UTC without a zone."""
    assert moment("--from", text, day=DAY, now=NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "-", "-15", "15m", "-15y", "25:00", "2026-13-01", "-999999d", "٣", "'; --"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what was written, and how to write it."""
    with pytest.raises(OperatorError, match=r"--to .* is no time.*14:02:00, or -15m"):
        moment("--to", text, day=DAY, now=NOW)


def test_how_long_ago_means_nothing_where_there_is_no_now() -> None:
    """As on a tape."""
    for text in ("now", "-15m"):
        with pytest.raises(OperatorError, match=r"14:02:00$"):
            moment("--from", text, day=date(2025, 10, 9))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else comes of it."""
    with suppress(OperatorError):
        assert moment("--from", text, day=DAY, now=NOW).tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_again(at: datetime) -> None:
    """To the microsecond."""
    assert moment("--from", written(at), day=DAY) == at


def test_a_span_is_an_hour_where_an_end_is_missing() -> None:
    """The last one, without both; from an instant on, it is up to now."""
    hour = timedelta(hours=1)
    assert interval(None, None, now=NOW) == (NOW - hour, NOW)
    assert interval(None, "14:00", now=NOW) == (NOW - 2.5 * hour, NOW - 1.5 * hour)
    assert interval("-1d", None, now=NOW) == (NOW - 24 * hour, NOW)


def test_a_span_that_holds_nothing_is_refused() -> None:
    """Reversed, or empty."""
    with pytest.raises(OperatorError, match=r"--to \(.*14:00:00Z\) is before --from \(.*15:00"):
        interval("15:00", "14:00", now=NOW)
    with pytest.raises(OperatorError, match="both are 2026-11-28 15:00:00Z"):
        interval("15:00", "15:00", now=NOW)


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("2h", 120), ("1h30m", 90), ("1d", 1440), ("90s", 1.5)]
)
def test_how_long_something_is_to_last(text: str, minutes: float) -> None:
    """In seconds, minutes, hours and days, together if need be."""
    assert lasting("--for", text, most=timedelta(days=7)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "0m", "soon", "-30m", "30", "8d", "1h 30m", "9" * 30 + "d", "9s"]
)
def test_what_cannot_last_so_long_is_refused(text: str) -> None:
    """Nothing, less than nothing, longer than is allowed, and what is over before anybody hears of it."""
    with pytest.raises(OperatorError, match="is no time that it can last"):
        lasting("--for", text, most=timedelta(days=7))
