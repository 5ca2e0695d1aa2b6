"""How a report writes: short, with units, and a dash for what is unknown."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.postmortems import NOON, after

from tidegauge.faces.report.wording import (
    UNKNOWN,
    bps,
    clock,
    counted,
    instant,
    lasted,
    listed,
    moment,
    number,
    row_time,
    score,
    share,
)
from tidegauge.sinks.postmortem.records import Grain, Metric


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.44, "0.4 s"),
        (25, "25 s"),
        (190, "3 min 10 s"),
        (180, "3 min"),
        (7500, "2 h 5 min"),
        (7230, "2 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_is_written_in_its_own_units(seconds: float, written: str) -> None:
    """Two units at most, and no zero behind."""
    assert lasted(timedelta(seconds=seconds)) == written


def test_a_share_is_whole_only_when_it_is() -> None:
    """Known 99.99 % of the time is not 100 %."""
    assert [share(value) for value in (0, 1, 0.99999, 0.00001, 0.5, None)] == [
        "0 %",
        "100 %",
        "99.9 %",
        "0.1 %",
        "50 %",
        UNKNOWN,
    ]


def test_times_are_utc_and_rounded_down() -> None:
    """A date stands only where it is another."""
    assert clock(after(1.99)) == "12:00:01.9"
    assert instant(after(1.99)) == "2026-11-28 12:00:01"
    assert moment(after(1), NOON) == "12:00:01.0"
    assert moment(after(86_400), NOON) == "11-29 12:00:00.0"
    assert moment(None, NOON) == clock(None) == instant(None) == lasted(None) == UNKNOWN


def test_a_rollup_is_told_by_its_minute_or_hour() -> None:
    """The middle at which it is drawn is no instant at which anything was seen."""
    at = after(90)
    assert [row_time(at, grain, NOON) for grain in Grain] == ["12:01:30.0", "12:01", "12:00"]
    assert row_time(after(86_400), Grain.MINUTES, NOON) == "11-29 12:00"
    assert row_time(None, Grain.HOURS, NOON) == UNKNOWN


def test_each_metric_has_its_unit() -> None:
    """A price with every digit, bps with two, a z with its sign."""
    assert number(Metric.MID, Decimal("61000.150")) == "61,000.15"
    assert number(Metric.DEPTH, Decimal(1_250_000)) == "1.25M"
    assert number(Metric.SPREAD, 0.0016) == "0.002"
    assert number(Metric.SPREAD, 1234.5) == "1,234"
    assert number(Metric.DEPTH_Z, 3.21) == "+3.2"
    assert score(-0.01) == score(0.01) == "0.0"
    assert {number(metric, None) for metric in Metric} == {UNKNOWN}
    assert bps(2) == "2.00"


def test_words_are_joined_as_in_a_sentence() -> None:
    """One, two, three."""
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [counted(count, "alert") for count in (0, 1, 1200)] == [
        "no alert",
        "1 alert",
        "1,200 alerts",
    ]
