"""Every book at the same cadence, and few of them at the same moment."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import MILLISECOND, SECOND, BookId, Nanos
from tidegauge.runtime.rounds import MOST, Rounds


def book(number: int) -> BookId:
    return BookId("plain", f"B{number}")


def rounds_of(count: int) -> Rounds:
    """Return the rounds of so many books, begun at 0."""
    rounds = Rounds(SECOND)
    for number in range(count):
        rounds.add(book(number))
    assert not list(rounds.due(0))
    return rounds


def test_few_books_are_sampled_together_at_whole_periods() -> None:
    """As a desk that watches one symbol expects it."""
    rounds = rounds_of(3)
    together = (book(0), book(1), book(2))
    assert not list(rounds.due(SECOND - 1))
    assert list(rounds.due(3 * SECOND)) == [(each * SECOND, together) for each in (1, 2, 3)]


@given(
    count=st.integers(1, 400),
    steps=st.lists(st.integers(1, 3_000), min_size=1, max_size=40),
)
def test_each_book_is_sampled_once_a_period_and_no_moment_is_crowded(
    count: int, steps: list[int]
) -> None:
    """However time is told, in small steps or in large ones."""
    rounds, now, last = rounds_of(count), 0, 0
    seen: dict[BookId, list[Nanos]] = {book(number): [] for number in range(count)}
    for step in steps:
        now += step * MILLISECOND
        for at, books in rounds.due(now):
            assert last <= at <= now
            assert len(books) <= MOST
            last = at
            for each in books:
                seen[each].append(at)
    for times in seen.values():
        assert all(later - at == SECOND for at, later in itertools.pairwise(times))
        assert now - (times[-1] if times else 0) < 2 * SECOND


def test_a_thousand_books_are_spread_over_the_period() -> None:
    """No tenth of it has more than its share and a half."""
    rounds, tenths = rounds_of(1_000), Counter[int]()
    for step in range(1, 300):
        for at, books in rounds.due(step * 10 * MILLISECOND):
            if SECOND < at <= 2 * SECOND:
                tenths[(at - 1) // (SECOND // 10)] += len(books)
    assert sum(tenths.values()) == 1_000
    assert max(tenths.values()) <= 160


def test_a_book_that_left_is_sampled_no_more_and_its_place_is_taken() -> None:
    """Books come and go for months."""
    rounds = rounds_of(2)
    rounds.remove(book(0))
    rounds.add(book(7))
    assert [books for _at, books in rounds.due(SECOND)] == [(book(1), book(7))]


def test_a_clock_that_was_set_back_and_a_process_that_slept_go_on_from_there() -> None:
    """No samples are made up, and none are waited for."""
    rounds = rounds_of(1)
    list(rounds.due(100 * SECOND))
    assert not list(rounds.due(30 * SECOND))
    assert [at for at, _ in rounds.due(31 * SECOND)] == [31 * SECOND]
    woken = [at for at, _ in rounds.due(90 * SECOND)]
    assert woken == [32 * SECOND, 90 * SECOND]


def test_a_venue_that_is_behind_does_not_have_the_same_seconds_sampled_again() -> None:
    """Its frames tell the past while another's tell the present: that is no clock set back."""
    rounds, found = rounds_of(1), []
    for step in range(1, 500):
        now = 10 * SECOND + step * 10 * MILLISECOND
        for told in (now - 30 * SECOND, now):
            found += [at for at, _ in rounds.due(told)]
    assert len(found) == len(set(found))
    assert found == sorted(found)


def test_rounds_stay_apart_after_a_sleep() -> None:
    """Else a thousand books would be sampled on end from then on."""
    rounds = rounds_of(3 * MOST)
    list(rounds.due(5 * SECOND))
    list(rounds.due(65 * SECOND))
    assert len({at for at, _ in rounds.due(66 * SECOND)}) == 3
