"""What the history needs done, and when: with the time as an argument."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.sinks.chores import (
    DAY,
    GRACE,
    HOUR,
    MINUTE,
    REST,
    CatchUp,
    Chore,
    Chores,
    MakeDays,
    Prune,
    RollUp,
    below,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at_work(now: datetime = NOON, *, keep_days: int | None = None) -> Chores:
    """Return chores that are all done."""
    chores = Chores(keep_days=keep_days, days_ahead=7)
    chores.begin(None, now)
    do_all(chores, now)
    return chores


def do_all(chores: Chores, now: datetime) -> list[Chore]:
    """Do whatever is due, until nothing is. Returns it."""
    done: list[Chore] = []
    while due := chores.due(now):
        for chore in due:
            chores.done(chore, now)
            done.append(chore)
    return done


def test_days_are_made_at_once_every_hour_and_when_a_day_begins() -> None:
    """Seven of them beyond today."""
    chores = at_work(NOON + 55 * MINUTE)
    assert MakeDays not in map(type, chores.due(NOON + 114 * MINUTE))
    due = chores.due(NOON + 115 * MINUTE)
    assert due[0] == MakeDays(NOON.date(), NOON.date() + timedelta(days=7))
    chores = at_work(NOON + 12 * HOUR - SECOND)
    tomorrow = NOON.date() + timedelta(days=1)
    assert MakeDays(tomorrow, tomorrow + timedelta(days=7)) in chores.due(NOON + 12 * HOUR)


def test_a_minute_is_rolled_up_when_it_ended_and_once_more_after_the_next() -> None:
    """With some grace for readings under way."""
    chores = at_work(NOON + GRACE)
    assert chores.due(NOON + MINUTE + GRACE - SECOND) == []
    now = NOON + MINUTE + GRACE
    assert do_all(chores, now)[0] == RollUp(NOON - MINUTE, NOON + MINUTE)
    assert do_all(chores, now + MINUTE) == [RollUp(NOON, NOON + 2 * MINUTE)]


def test_what_was_missed_is_rolled_up_an_hour_at_a_time() -> None:
    """From an hour before the newest hour there is; old days wait until it is done."""
    chores = Chores(keep_days=30, days_ahead=7)
    chores.begin(NOON - 30 * HOUR, NOON)
    done = do_all(chores, NOON + 20 * MINUTE)
    rolled = [each for each in done if isinstance(each, RollUp)]
    assert rolled[0] == RollUp(NOON - 31 * HOUR - MINUTE, NOON - 30 * HOUR)
    assert rolled[-1].until == NOON + 20 * MINUTE - MINUTE
    for each, after in pairwise(rolled):
        assert after.since == each.until - MINUTE
        assert after.until - after.since <= HOUR + MINUTE
    late = done.index(CatchUp(NOON - DAY, NOON))
    assert late > done.index(RollUp(NOON - 2 * HOUR - MINUTE, NOON - HOUR))
    assert done.index(Prune(30)) > late


def test_a_row_of_the_future_moves_nothing() -> None:
    """A clock was wrong once: what is rolled up is counted from now."""
    chores = Chores(keep_days=None, days_ahead=7)
    chores.begin(NOON + 400 * DAY, NOON)
    assert chores.rolled_until == NOON - HOUR


def test_late_readings_are_looked_for_once_an_hour() -> None:
    """Over the last day."""
    chores = at_work()
    found = [
        chore
        for minute in range(240)
        for chore in do_all(chores, NOON + minute * MINUTE + 6 * SECOND)
        if isinstance(chore, CatchUp)
    ]
    assert [each.until - NOON for each in found] == [0 * HOUR, HOUR, 2 * HOUR, 3 * HOUR]
    assert {each.until - each.since for each in found} == {DAY}


def test_old_days_are_dropped_once_a_day_if_at_all() -> None:
    """Without a number of days, never."""
    for keep_days, expected in ((None, 0), (30, 3)):
        chores = at_work(keep_days=keep_days)
        pruned = [
            chore
            for hour in range(1, 73)
            for chore in do_all(chores, NOON + hour * HOUR)
            if isinstance(chore, Prune)
        ]
        assert pruned == [Prune(30)] * expected


def test_a_chore_that_failed_rests_while_the_others_go_on() -> None:
    """A query that never ends keeps old days from being dropped, and nothing else from being done."""
    chores = Chores(keep_days=30, days_ahead=7)
    chores.begin(None, NOON)
    chores.failed(Prune(30), NOON)
    assert Prune(30) not in do_all(chores, NOON + REST - SECOND)
    assert Prune(30) in do_all(chores, NOON + REST)


@given(st.lists(st.integers(0, 20_000), max_size=60), st.booleans(), st.sets(st.integers(0, 60)))
def test_every_minute_is_rolled_up_after_its_grace(
    steps: list[int], behind: bool, fail: set[int]
) -> None:
    """However late we come, and whatever failed: no minute is left out, none before it ended."""
    chores = Chores(keep_days=3, days_ahead=7)
    chores.begin(NOON - 5 * HOUR if behind else None, NOON)
    reached = chores.rolled_until
    assert reached is not None
    now = NOON
    for number, step in enumerate(steps):
        now += step * SECOND
        if number in fail:
            for chore in chores.due(now):
                chores.failed(chore, now)
            continue
        for chore in do_all(chores, now):
            if isinstance(chore, RollUp):
                assert chore.since <= reached < chore.until <= now - GRACE
                reached = chore.until
        resting = number - 1 in fail and step < REST.total_seconds()
        assert resting or reached >= below(now - GRACE, MINUTE)
        assert timedelta() < chores.wait(now) <= MINUTE
