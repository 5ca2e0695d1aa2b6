"""What was seen is found again, for an hour, in so many bytes."""

import random
from datetime import UTC, datetime, timedelta

from tidegauge.faces.dashboard.memory import Memory, Trends

START = datetime(2026, 11, 28, 22, tzinfo=UTC)
S = timedelta(seconds=1)
NAME = ("binance", "spread")


def test_the_last_document_that_was_seen_by_then_is_found() -> None:
    """One every two seconds is kept; between two it is the earlier one."""
    memory = Memory()
    kept = [memory.keep(START + n * S, {"n": n}) for n in range(5)]
    assert kept == [True, False, True, False, True]
    assert memory.seen_at(START - S) is None
    assert memory.seen_at(START) == {"n": 0}
    assert memory.seen_at(START + 3 * S) == {"n": 2}
    assert memory.seen_at(START + 999 * S) == {"n": 4}


def test_what_is_older_than_an_hour_is_let_go() -> None:
    """The first that is kept is an hour before the last."""
    memory = Memory()
    for n in range(0, 3700, 10):
        memory.keep(START + n * S, {"n": n})
    assert memory.instants[0] == START + 90 * S
    assert memory.seen_at(START + 80 * S) is None


def test_it_never_holds_more_than_it_may() -> None:
    """Documents that do not compress push the oldest out."""
    memory, chance = Memory(most=20_000), random.Random(1)
    for n in range(0, 400, 2):
        memory.keep(START + n * S, {"noise": chance.randbytes(500).hex()})
    assert 15_000 < memory.size <= 20_000
    assert memory.instants[-1] == START + 398 * S
    assert 0 < len(memory) < 200


def test_a_trend_is_the_last_number_of_each_stretch() -> None:
    """Ten seconds a column; where nothing was known there is nothing."""
    trends = Trends()
    for n in range(0, 40, 2):
        trends.add(START + n * S, [(NAME, float(n)), (("kraken", "spread"), None)])
    found = trends.of(NAME, START + 40 * S, timedelta(seconds=60), 6)
    assert found == [None, None, 8.0, 18.0, 28.0, 38.0]
    assert trends.of(("kraken", "spread"), START + 40 * S, timedelta(seconds=60), 2) == [None, None]


def test_numbers_between_two_steps_are_let_go() -> None:
    """A trend has a number every two seconds."""
    trends = Trends()
    trends.add(START, [(NAME, 1.0)])
    trends.add(START + S, [(NAME, 2.0)])
    assert trends.of(NAME, START + S, timedelta(seconds=10), 1) == [1.0]


def test_what_was_before_goes_in_front_and_replaces_nothing() -> None:
    """What the database has ends where what was seen begins."""
    trends = Trends()
    trends.add(START, [(NAME, 1.0)])
    trends.put_before(NAME, [(START - 5 * S, 5.0), (START - 15 * S, 15.0), (START, 9.0)])
    assert trends.of(NAME, START, timedelta(seconds=20), 4) == [None, 15.0, None, 1.0]
