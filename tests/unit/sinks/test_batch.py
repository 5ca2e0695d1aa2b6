"""When to write, and what to give up."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import a_market_summary, a_reading

from tidegauge.core.activity import MarketSummary
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.batch import SPARED, Backlog, Entry, Measured, Told, WriterLimits
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.series import Series

LIMITS = WriterLimits(batch=5, age_s=1.0, capacity=100)
SUMMARY = a_market_summary()
SERIES = Series.of(a_reading(), "run-1")


def numbered(kind: Kind, number: int, at: int = 0) -> Entry:
    if kind is Kind.READING:
        return Measured(number.to_bytes(2, "big"), SERIES, at)
    return Told(kind, replace(SUMMARY, number=number), at)


def number_of(entry: Entry) -> int:
    if isinstance(entry, Measured):
        return int.from_bytes(entry.row, "big")
    assert isinstance(entry.record, MarketSummary)
    return entry.record.number


@given(st.lists(st.sampled_from(Kind) | st.none(), max_size=100))
def test_batches_laid_end_to_end_are_what_went_in(steps: list[Kind | None]) -> None:
    """Kind by kind, in order, nothing twice; None takes a batch, and every other one is put back."""
    backlog = Backlog(LIMITS)
    sent: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    got: dict[Kind, list[int]] = {kind: [] for kind in Kind}

    def take(number: int) -> None:
        batch = backlog.take()
        assert len(batch) <= LIMITS.batch
        if number % 2:
            backlog.put_back(batch)
        else:
            for entry in batch:
                got[entry.kind].append(number_of(entry))

    for number, kind in enumerate(steps):
        if kind is None:
            take(number)
        else:
            sent[kind].append(number)
            assert backlog.add(numbered(kind, number, number)) is None
    while backlog:
        take(0)
    assert got == sent


@given(st.lists(st.sampled_from(Kind), max_size=100), st.integers(min_value=1, max_value=20))
def test_what_gives_way_is_the_oldest_of_the_least_worth(kinds: list[Kind], room: int) -> None:
    """Readings before feed events before instruments; alerts and runs never, even without room."""
    backlog = Backlog(replace(LIMITS, capacity=room))
    held: list[tuple[Kind, int]] = []
    for number, kind in enumerate(kinds):
        held.append((kind, number))
        dropped = backlog.add(numbered(kind, number, number))
        if len(held) > room:
            spared = next((k for k in SPARED if any(each[0] is k for each in held)), None)
            assert dropped is spared
            if spared is not None:
                held.remove(next(each for each in held if each[0] is spared))
        else:
            assert dropped is None
        assert len(backlog) == len(held)
    left = []
    while backlog:
        left += [(entry.kind, number_of(entry)) for entry in backlog.take()]
    assert sorted(left) == sorted(held)


def test_nothing_waits_so_nothing_is_due() -> None:
    """There is no time to wake up at."""
    assert Backlog(LIMITS).due_at() is None
    assert not Backlog(LIMITS).due(10**20)


def test_a_lone_reading_is_written_when_it_is_old() -> None:
    """A quiet market still reaches the database."""
    backlog = Backlog(LIMITS)
    backlog.add(numbered(Kind.READING, 1, 7))
    assert backlog.due_at() == 7 + SECOND
    assert not backlog.due(6 + SECOND)
    assert backlog.due(7 + SECOND)


def test_a_full_batch_is_written_at_once() -> None:
    """However young it is."""
    backlog = Backlog(LIMITS)
    for number in range(LIMITS.batch):
        assert not backlog.due(0)
        backlog.add(numbered(Kind.READING, number))
    assert backlog.due(0)


def test_an_alert_is_written_at_once_and_first() -> None:
    """It does not wait for a batch to fill, nor behind readings."""
    backlog = Backlog(LIMITS)
    for number in range(3):
        backlog.add(numbered(Kind.READING, number))
    backlog.add(numbered(Kind.ALERT, 1))
    assert backlog.due(0)
    assert [entry.kind for entry in backlog.take()] == [Kind.ALERT] + [Kind.READING] * 3
