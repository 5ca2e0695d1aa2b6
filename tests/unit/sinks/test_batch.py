"""When to write, and what to give up."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.batch import SPARED, Backlog
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.slips import CODES, Slip

BATCH = 5


def a_backlog(capacity: int = 100) -> Backlog:
    return Backlog(BATCH, 1.0, capacity)


def numbered(kind: Kind, number: int) -> Slip:
    return Slip(CODES[kind], number, b"")


@given(st.lists(st.sampled_from(Kind) | st.none(), max_size=100))
def test_batches_laid_end_to_end_are_what_went_in(steps: list[Kind | None]) -> None:
    """Kind by kind, in order, nothing twice; None takes a batch, and every other one is put back."""
    backlog = a_backlog()
    sent: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    got: dict[Kind, list[int]] = {kind: [] for kind in Kind}

    def take(number: int) -> None:
        batch = backlog.take()
        assert len(batch) <= BATCH
        if number % 2:
            backlog.put_back(batch)
        else:
            for slip in batch:
                got[slip.kind].append(slip.at)

    for number, kind in enumerate(steps):
        if kind is None:
            take(number)
        else:
            sent[kind].append(number)
            assert backlog.add(numbered(kind, number), number) is None
    while backlog:
        take(0)
    assert got == sent


@given(st.lists(st.sampled_from(Kind), max_size=100), st.integers(min_value=1, max_value=20))
def test_what_gives_way_is_the_oldest_of_the_least_worth(kinds: list[Kind], room: int) -> None:
    """Readings before feed events before instruments; alerts and runs never, even without room."""
    backlog = a_backlog(room)
    held: list[tuple[Kind, int]] = []
    for number, kind in enumerate(kinds):
        held.append((kind, number))
        dropped = backlog.add(numbered(kind, number), number)
        if len(held) > room:
            spared = next((c for c in SPARED if any(CODES[each[0]] == c for each in held)), None)
            oldest = next((each for each in held if CODES[each[0]] == spared), None)
            assert (dropped and (dropped.kind, dropped.at)) == oldest
            if oldest is not None:
                held.remove(oldest)
        else:
            assert dropped is None
        assert len(backlog) == len(held)
    left = []
    while backlog:
        left += [(slip.kind, slip.at) for slip in backlog.take()]
    assert sorted(left) == sorted(held)


def test_nothing_waits_so_nothing_is_due() -> None:
    """There is no time to wake up at."""
    assert a_backlog().due_at() is None
    assert not a_backlog().due(10**20)


def test_a_lone_reading_is_written_when_it_is_old() -> None:
    """A quiet market still reaches the database."""
    backlog = a_backlog()
    backlog.add(numbered(Kind.READING, 1), 7)
    assert backlog.due_at() == 7 + SECOND
    assert not backlog.due(6 + SECOND)
    assert backlog.due(7 + SECOND)


def test_a_full_batch_is_written_at_once() -> None:
    """However young it is."""
    backlog = a_backlog()
    for number in range(BATCH):
        assert not backlog.due(0)
        backlog.add(numbered(Kind.READING, number), 0)
    assert backlog.due(0)


def test_an_alert_is_written_at_once_and_first() -> None:
    """It does not wait for a batch to fill, nor behind readings."""
    backlog = a_backlog()
    for number in range(3):
        backlog.add(numbered(Kind.READING, number), 0)
    backlog.add(numbered(Kind.ALERT, 1), 0)
    assert backlog.due(0)
    assert [slip.kind for slip in backlog.take()] == [Kind.ALERT] + [Kind.READING] * 3


def test_what_was_put_back_is_due_at_once() -> None:
    """It has waited long enough."""
    backlog = a_backlog()
    backlog.add(numbered(Kind.READING, 1), 0)
    backlog.put_back(backlog.take())
    assert backlog.due(0)
    backlog.take()
    assert backlog.due_at() is None
