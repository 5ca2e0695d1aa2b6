"""A live book's wish for a second snapshot: what comes of it, whatever the answer."""

import pytest
from tests.unit.wire.test_joiner import Joiner, delta, joiner, live, request, snapshot

from tidegauge.core.events import BookLost, BookSnapshot
from tidegauge.core.instrument import SECOND
from tidegauge.wire.joiner import ANSWER_WITHIN, MOST_BUFFERED
from tidegauge.wire.protocol import Note, Output, Response


def refreshing() -> Joiner:
    """A live book A at 100 that wants a new snapshot, and has asked for it with update 101."""
    it = live()
    assert it.refresh("A", 0) == []
    assert it.follow(101, delta(101), 0) == [delta(101), request("A")]
    return it


def test_a_live_book_is_told_anew_beside_itself() -> None:
    """It goes on meanwhile; then snapshot and what followed it come in one answer."""
    it = refreshing()
    assert it.follow(102, delta(102), 0) == [delta(102)]
    assert it.told(snapshot(101), 0) == [snapshot(101), delta(102)]
    assert it.follow(103, delta(103), 0) == [delta(103)]
    assert it.ask(60 * SECOND) == [], "the book is as it was before: nothing more is wanted"


def test_a_second_snapshot_ahead_of_the_stream_swallows_what_it_holds() -> None:
    """Updates up to it are in it; the one that straddles it is applied."""
    it = refreshing()
    assert it.told(snapshot(105), 0) == [snapshot(105)]
    assert it.follow(102, delta(104), 0) == []
    assert it.follow(105, delta(107), 0) == [delta(107)]


def test_a_second_snapshot_that_cannot_be_joined_costs_the_book_nothing() -> None:
    """Too old, or never had: the book goes on, and may wish for another."""
    it = refreshing()
    (note,) = it.told(snapshot(50), 0)
    assert isinstance(note, Note)
    assert it.follow(102, delta(102), 0) == [delta(102)]
    it.refresh("A", SECOND)
    assert it.follow(103, delta(103), SECOND) == [delta(103), request("A")]
    assert it.failed(it.newest["A"], SECOND) == []
    assert it.follow(104, delta(104), 2 * SECOND) == [delta(104)]


def test_a_second_snapshot_that_makes_no_book_costs_the_book_nothing() -> None:
    """It is looked at before it replaces anything."""
    it = refreshing()
    broken = BookSnapshot(instrument="A", bids=[("1e999", "1")], asks=[], sequence=101)
    (note,) = it.told(broken, 0)
    assert isinstance(note, Note)
    assert note.kind == "refresh_malformed"
    assert it.follow(102, delta(102), 0) == [delta(102)]


def test_a_refresh_that_failed_does_not_slow_the_next_recovery() -> None:
    """A book that was healthy is asked for at once when it is lost."""
    it = refreshing()
    unanswered = ANSWER_WITHIN + SECOND
    assert it.follow(102, delta(102), unanswered) == [delta(102)]
    assert it.follow(105, delta(105), unanswered)[1:] == [request("A")]


def test_a_gap_while_a_book_is_told_anew_is_a_gap_like_any_other() -> None:
    """It is asked for again at once; the answer under way serves it too, if it is new enough."""
    it = refreshing()
    lost, asked = it.follow(105, delta(105), 0)
    assert isinstance(lost, BookLost)
    assert asked == request("A")
    assert it.told(snapshot(104), 0) == [snapshot(104), delta(105)]


def test_a_lost_book_is_asked_for_before_one_that_only_sees_less_far() -> None:
    """Nobody can read the one; the other is as good as it was."""
    it = joiner("A", "B")
    it.follow(101, delta(101), 0)
    it.told(snapshot(100), 0)
    it.follow(201, delta(201, "B"), 0)
    it.refresh("A", 0)
    it.follow(102, delta(102), 0)
    it.refused(it.newest["B"], Response(status=429, body=b"", retry_after=5), 0)
    assert it.ask(SECOND) == []
    assert it.ask(6 * SECOND) == [request("B")]


def test_a_refresh_that_is_never_answered_is_given_up() -> None:
    """What waits for it is bounded; the book goes on."""
    it = refreshing()
    last = 101
    outputs: list[Output] = []
    for update in range(102, 102 + MOST_BUFFERED):
        outputs = it.follow(update, delta(update), 0)
        last = update
    assert outputs[0] == delta(last)
    assert isinstance(outputs[1], Note)
    assert it.refresh("B", 0) == [], "an unknown book wants nothing"


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refresh_that_is_refused_leaves_live_books_alone(status: int) -> None:
    """The stream is served to us; only a venue that serves nothing has refused us."""
    it = refreshing()
    (note,) = it.refused(it.newest["A"], Response(status=status, body=b"no"), 0)
    assert isinstance(note, Note)
    assert it.follow(102, delta(102), 0) == [delta(102)]


def test_a_refresh_leaves_the_health_of_a_book_as_it_was() -> None:
    """A gap after it is made good at once."""
    it = refreshing()
    it.told(snapshot(101), 120 * SECOND)
    lost, asked = it.follow(105, delta(105), 125 * SECOND)
    assert isinstance(lost, BookLost)
    assert asked == request("A")
