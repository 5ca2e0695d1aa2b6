"""Rules that contradict each other are found, and those that do not are left alone."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime.rules.checks import Flaw, watched_by
from tidegauge.runtime.rules.conflicts import flaws_of_the_whole
from tidegauge.runtime.rules.desk import MaintenanceRules
from tidegauge.runtime.rules.example import SAMPLE
from tidegauge.runtime.rules.kinds import DAYS
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings import Settings, SymbolSettings

WATCHED = watched_by(Settings(data_dir=Path("unused")))


def flaws(given_rules: Any, lines: Iterable[str] = ()) -> list[Flaw]:
    tree = RuleTree.model_validate(given_rules)
    return list(flaws_of_the_whole(tree, WATCHED, dict(zip(lines, count(1), strict=False))))


def inhibitions(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return {
        "inhibitions": {
            f"i{number}": {"source": source, "target": target}
            for number, (source, target) in enumerate(pairs)
        }
    }


def test_the_defaults_and_the_examples_contradict_nothing() -> None:
    """Nor each other."""
    assert flaws({}) == []
    assert flaws(SAMPLE.model_dump()) == []


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({}, {}),
        ({"signals": ["divergence"]}, {}),
        ({"signals": ["venue_*"]}, {"signals": ["venue_down"]}),
        ({"symbols": ["BTCUSDT"]}, {"symbols": ["BTC*"]}),
        ({"venues": ["bybit"]}, {"venues": ["bybit-spot"]}),
        ({"signals": ["divergence"], "severities": ["high"]}, {"severities": ["high", "info"]}),
    ],
)
def test_an_inhibition_that_may_inhibit_itself_is_refused(
    source: dict[str, Any], target: dict[str, Any]
) -> None:
    """Two alerts of one kind would silence each other."""
    (flaw,) = flaws(inhibitions((source, target)))
    assert flaw.what.startswith("inhibitions.i0 may inhibit itself")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"severities": ["critical"]}, {"severities": ["warning", "info"]}),
        ({"venues": ["binance"]}, {"venues": ["bybit"]}),
        ({"symbols": ["BTC*"]}, {"symbols": ["ETHUSDT"]}),
        ({"signals": ["venue_down"]}, {"signals": ["venue_degraded", "liquidity_*"]}),
    ],
)
def test_what_differs_in_anything_inhibits_not_itself(
    source: dict[str, Any], target: dict[str, Any]
) -> None:
    """The worse over the milder, the leading venue over the others, one symbol over another."""
    assert flaws(inhibitions((source, target))) == []


def test_a_circle_is_told_once_and_in_its_order() -> None:
    """However many lead into it."""
    found = flaws(
        inhibitions(
            ({"signals": ["divergence_blind"]}, {"signals": ["divergence"]}),
            ({"signals": ["divergence"]}, {"signals": ["liquidity_stress"]}),
            ({"signals": ["liquidity_stress"]}, {"signals": ["divergence"]}),
        )
    )
    assert [flaw.what for flaw in found] == ["inhibitions go in a circle: i1, then i2, then i1"]
    assert found[0].others == ("inhibitions.i1", "inhibitions.i2")


SIGNALS = ["divergence", "liquidity_crunch", "liquidity_stress", "venue_down", "symbol_dark"]


@given(
    st.lists(st.tuples(st.sampled_from(SIGNALS), st.sampled_from(SIGNALS)), max_size=7, unique=True)
)
def test_circles_are_found_exactly_where_there_are_some(edges: list[tuple[str, str]]) -> None:
    """As a sorter of the standard library finds them."""
    after: dict[str, set[str]] = {}
    for source, target in edges:
        after.setdefault(target, set()).add(source)
    try:
        TopologicalSorter(after).prepare()
        circle = False
    except CycleError:
        circle = True
    found = flaws(inhibitions(*(({"signals": [a]}, {"signals": [b]}) for a, b in edges)))
    assert bool(found) is circle


MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
QUARTERS = st.integers(0, 95)
"""Quarters of an hour: small enough to try each."""


def clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        begin = draw(st.integers(0, 14 * 96))
        lasts = draw(st.one_of(st.integers(1, 200), st.integers(600, 800)))
        ends = (begin, begin + lasts)
        times = [(MONDAY + timedelta(minutes=15 * each)).isoformat() for each in ends]
        return {"match": {}, "from_utc": times[0], "until_utc": times[1]}
    begin, end = draw(st.tuples(QUARTERS, QUARTERS).filter(lambda pair: pair[0] != pair[1]))
    days = draw(st.lists(st.sampled_from(DAYS), unique=True, max_size=3))
    return {"match": {}, "hours_utc": f"{clock(begin)}-{clock(end)}", "days": days}


def quarters(window: MaintenanceRules) -> set[int]:
    """Return every quarter of an hour, from a week before Monday to six after, that is inside."""
    if window.from_utc is not None:
        assert window.until_utc is not None
        begin, end = (
            (datetime.fromisoformat(text) - MONDAY) // timedelta(minutes=15)
            for text in (window.from_utc, window.until_utc)
        )
        return set(range(begin, end))
    assert window.hours_utc is not None
    begin, end = (int(t[:2]) * 4 + int(t[3:]) // 15 for t in window.hours_utc.split("-"))
    lasts = (end - begin) % 96
    return {
        day * 96 + begin + quarter
        for day in range(-7, 42)
        if not window.days or DAYS[day % 7] in window.days
        for quarter in range(lasts)
    }


@given(windows(), windows())
def test_windows_overlap_exactly_where_some_quarter_of_an_hour_is_in_both(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    """Once or weekly, past midnight and past the end of a week."""
    found = flaws({"maintenance": {"a": one, "b": two}})
    both = [quarters(MaintenanceRules.model_validate(each)) for each in (one, two)]
    assert bool(found) is bool(both[0] & both[1])


@pytest.mark.parametrize(
    ("one", "two", "overlap"),
    [
        ({"hours_utc": "01:00-02:00"}, {"hours_utc": "02:00-03:00"}, False),
        ({"hours_utc": "01:00-02:01"}, {"hours_utc": "02:00-03:00"}, True),
        ({"hours_utc": "23:00-01:00", "days": ["sun"]}, {"hours_utc": "00:30-02:00", "days": ["mon"]}, True),
        ({"hours_utc": "00:30-02:00", "days": ["mon"]}, {"hours_utc": "23:00-01:00", "days": ["sun"]}, True),
        ({"hours_utc": "23:00-01:00", "days": ["sun"]}, {"hours_utc": "01:00-02:00", "days": ["mon"]}, False),
        ({"from_utc": "2026-11-30T00:00", "until_utc": "2026-11-30T00:30"}, {"hours_utc": "23:00-01:00", "days": ["sun"]}, True),
        ({"from_utc": "2026-11-30T01:00", "until_utc": "2026-11-30T01:30"}, {"hours_utc": "23:00-01:00", "days": ["sun"]}, False),
        ({"from_utc": "2026-11-29T12:00", "until_utc": "2026-11-30T12:00"}, {"hours_utc": "11:00-12:00", "days": ["mon"]}, True),
        ({"from_utc": "2026-11-24T12:00", "until_utc": "2026-12-24T12:00"}, {"hours_utc": "11:00-12:00", "days": ["tue"]}, True),
        ({"from_utc": "2026-11-30T01:00", "until_utc": "2026-11-30T02:00"}, {"from_utc": "2026-11-30T02:00", "until_utc": "2026-11-30T03:00"}, False),
    ],
)  # fmt: skip
def test_windows_that_only_touch_do_not_overlap_and_a_week_has_no_end(
    one: dict[str, Any], two: dict[str, Any], *, overlap: bool
) -> None:
    """Sunday night is before Monday morning."""
    found = flaws({"maintenance": {"a": {"match": {}, **one}, "b": {"match": {}, **two}}})
    assert bool(found) is overlap


def test_windows_of_different_alerts_may_overlap() -> None:
    """The order of names is no difference."""
    hours = "01:00-02:00"
    one = {"match": {"venues": ["okx", "kraken"]}, "hours_utc": hours}
    same = {"match": {"venues": ["kraken", "okx"]}, "hours_utc": hours}
    other = {"match": {"venues": ["kraken"]}, "hours_utc": hours}
    assert flaws({"maintenance": {"a": one, "b": other}}) == []
    (flaw,) = flaws({"maintenance": {"a": one, "b": same}})
    assert flaw.key == "maintenance.b"
    assert flaw.what == "maintenance.b overlaps maintenance.a, of the same alerts"


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ({}, {"match": {"signals": ["divergence"]}}, False),
        ({"goes_on": True}, {"match": {"signals": ["divergence"]}}, True),
        ({"match": {"signals": ["divergence"]}}, {"match": {"signals": ["divergence"]}}, False),
        ({"match": {"signals": ["divergence"]}}, {}, True),
    ],
)
def test_a_route_that_is_never_reached_is_refused(
    first: dict[str, Any], second: dict[str, Any], *, reached: bool
) -> None:
    """Whoever wrote it believes that somebody is told."""
    routes = {"a": {"channels": ["x"], **first}, "b": {"channels": ["y"], **second}}
    assert [flaw.key for flaw in flaws({"routes": routes})] == ([] if reached else ["routes.b"])


def test_one_size_said_in_two_files_is_refused() -> None:
    """Which of them counts must not be a guess."""
    sized = Settings(symbols={"BTCUSDT": SymbolSettings(execution_size=Decimal(7))})
    tree = RuleTree.model_validate({"symbols": {"BTCUSDT": {"stress": {}}, "X": {"stress": {}}}})
    key = "symbols.BTCUSDT.stress.execution_size_quote"
    (flaw,) = flaws_of_the_whole(tree, watched_by(sized), {key: 3})
    assert flaw.what == f"{key} is said by the settings, as symbols.BTCUSDT.execution_size"
    assert list(flaws_of_the_whole(tree, watched_by(sized), {})) == []
    assert list(flaws_of_the_whole(tree, WATCHED, {key: 3})) == []
