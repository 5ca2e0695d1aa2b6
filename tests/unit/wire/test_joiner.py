"""Joining a stream to its snapshot: when to ask, when to wait, and when to begin again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import VenueRefused
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.joiner import (
    ANSWER_WITHIN,
    MOST_BUFFERED,
    SnapshotJoiner,
)
from tidegauge.wire.protocol import Fetch, Note, Output, Purpose, Response
from tidegauge.wire.sequencer import RangeSequencer


def request(name: str) -> Fetch:
    return Fetch(purpose=Purpose.SNAPSHOT, path="/depth", instrument=name)


def joiner(*names: str) -> SnapshotJoiner:
    return SnapshotJoiner(names or ("A",), sequencer=RangeSequencer, request=request)


def delta(last: int, name: str = "A") -> BookDelta:
    return BookDelta(instrument=name, bids=[], asks=[], sequence=last)


def snapshot(last: int, name: str = "A") -> BookSnapshot:
    return BookSnapshot(instrument=name, bids=[], asks=[], sequence=last)


def live(last: int = 100) -> SnapshotJoiner:
    """A joiner whose book A is live at `last`."""
    it = joiner()
    it.follow(last, delta(last), 0)
    assert it.answered(snapshot(last - 1), 0) == [snapshot(last - 1), delta(last)]
    return it


def test_the_snapshot_is_asked_for_once_the_first_update_came() -> None:
    """An older snapshot could not be joined to the stream."""
    it = joiner()
    assert it.ask(0) == []
    assert it.follow(101, delta(101), 0) == [request("A")]
    assert it.follow(102, delta(102), 0) == []


def test_buffered_updates_follow_the_snapshot_and_old_ones_are_dropped() -> None:
    """L=101: the update 101 is in the snapshot, 102 and 103 are not."""
    it = joiner()
    for update in (101, 102, 103):
        it.follow(update, delta(update), 0)
    assert it.answered(snapshot(101), 0) == [snapshot(101), delta(102), delta(103)]


def test_a_snapshot_newer_than_the_buffer_is_live_at_once() -> None:
    """The next update may then straddle it."""
    it = joiner()
    it.follow(101, delta(101), 0)
    assert it.answered(snapshot(150), 0) == [snapshot(150)]
    assert it.follow(102, delta(150), 0) == []
    assert it.follow(148, delta(155), 0) == [delta(155)]


def test_a_snapshot_older_than_the_stream_is_asked_for_again_a_little_later() -> None:
    """Not sooner than 100 ms, and with growing pauses."""
    it = joiner()
    now: Nanos = 0
    it.follow(105, delta(105), now)
    pauses = []
    for _ in range(4):
        answer = it.answered(snapshot(100), now)
        assert [output.kind for output in answer if isinstance(output, Note)] == [
            "snapshot_too_old"
        ]
        asked_from = now
        while not it.ask(now):
            now += 10 * MILLISECOND
        pauses.append((now - asked_from) // MILLISECOND)
    assert pauses == [100, 200, 400, 800]
    assert it.answered(snapshot(104), now) == [snapshot(104), delta(105)]


def test_a_gap_loses_the_book_and_keeps_the_update_that_showed_it() -> None:
    """The snapshot is asked for at once, and joined to that very update."""
    it = live(100)
    lost, asked = it.follow(103, delta(104), 2 * 60 * SECOND)
    assert isinstance(lost, BookLost)
    assert lost.reason is TrustReason.GAP
    assert asked == request("A")
    assert it.answered(snapshot(102), 0) == [snapshot(102), delta(104)]


def test_a_gap_soon_after_another_waits_longer_and_longer() -> None:
    """A stream that cannot be followed must not eat the request allowance."""
    it = live(100)
    now = SECOND
    pauses = []
    for update in range(200, 1000, 200):
        asked_from = now
        outputs = it.follow(update, delta(update), now)
        while not any(isinstance(output, Fetch) for output in outputs):
            now += 10 * MILLISECOND
            outputs = it.ask(now)
        pauses.append((now - asked_from) // MILLISECOND)
        it.answered(snapshot(update - 1), now)
    assert pauses == [0, 200, 400, 800]


def test_a_gap_within_the_buffer_keeps_what_came_after_it() -> None:
    """A new snapshot can still be joined to that."""
    it = joiner()
    it.follow(101, delta(101), 0)
    it.follow(105, delta(105), 0)
    outputs = it.answered(snapshot(100), 0)
    assert [output.kind for output in outputs if isinstance(output, Note)] == ["gap_in_buffer"]
    assert it.ask(SECOND) == [request("A")]
    assert it.answered(snapshot(104), SECOND) == [snapshot(104), delta(105)]


def test_snapshots_are_asked_for_one_at_a_time() -> None:
    """In the order in which the books came to need them."""
    it = joiner("A", "B", "C")
    assert it.follow(1, delta(1, "B"), 0) == [request("B")]
    assert it.follow(1, delta(1, "A"), 1) == []
    assert it.follow(1, delta(1, "C"), 2) == []
    answered = it.answered(snapshot(1, "B"), 3)
    assert answered == [snapshot(1, "B"), request("A")]


def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    """After ten seconds the next book has its turn, and then this one again."""
    it = joiner("A", "B")
    it.follow(1, delta(1, "A"), 0)
    it.follow(1, delta(1, "B"), 0)
    assert it.ask(ANSWER_WITHIN - 1) == []
    assert it.ask(ANSWER_WITHIN) == [request("B")]
    answered = it.answered(snapshot(1, "B"), ANSWER_WITHIN + SECOND)
    assert answered == [snapshot(1, "B"), request("A")]


def test_a_late_answer_is_judged_by_its_ids_like_any_other() -> None:
    """Even one that was asked for in an earlier epoch."""
    it = joiner()
    it.follow(101, delta(101), 0)
    it.abandon(TrustReason.DISCONNECTED)
    assert it.answered(snapshot(100), 0) == []
    it.follow(102, delta(102), 0)
    assert it.answered(snapshot(101), 0) == [snapshot(101), delta(102)]
    assert it.answered(snapshot(101), 0) == []


def test_a_full_buffer_starts_over() -> None:
    """Memory is bounded; the update that was one too many is the first of the new buffer."""
    it = joiner()
    for update in range(MOST_BUFFERED):
        it.follow(update, delta(update), 0)
    outputs = it.follow(MOST_BUFFERED, delta(MOST_BUFFERED), 0)
    assert outputs == [Note(kind="buffer_started_over", instrument="A")]
    assert it.answered(snapshot(MOST_BUFFERED - 1), 0) == [
        snapshot(MOST_BUFFERED - 1),
        delta(MOST_BUFFERED),
    ]


@pytest.mark.parametrize(("status", "usual"), [(429, 60), (418, 120)])
def test_too_many_requests_stop_all_of_them_for_as_long_as_the_venue_says(
    status: int, usual: int
) -> None:
    """Where it does not say, for a minute, or two if it is a ban."""
    for told, seconds in ((7.0, 7), (None, usual)):
        it = joiner("A", "B")
        it.follow(1, delta(1, "A"), 0)
        it.follow(1, delta(1, "B"), 0)
        response = Response(status=status, body=b"", retry_after=told)
        outputs = it.refused("A", response, 0)
        assert [type(output) for output in outputs] == [Note]
        assert it.ask(seconds * SECOND - 1) == []
        assert it.ask(seconds * SECOND) == [request("B")]


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refusal_of_this_client_is_told_and_not_argued_with(status: int) -> None:
    """Five minutes of silence."""
    it = joiner()
    it.follow(1, delta(1), 0)
    (refusal,) = it.refused("A", Response(status=status, body=b"restricted"), 0)
    assert isinstance(refusal, VenueRefused)
    assert it.ask(299 * SECOND) == []


@pytest.mark.parametrize("status", [0, 500, 503, 400, 302])
def test_any_other_failure_is_tried_again(status: int) -> None:
    """Timeouts and server errors pass."""
    it = joiner()
    it.follow(1, delta(1), 0)
    (note,) = it.refused("A", Response(status=status, body=b"\xff"), 0)
    assert isinstance(note, Note)
    assert it.ask(100 * MILLISECOND) == [request("A")]


def test_a_new_connection_forgets_every_book() -> None:
    """And tells of those that were believed."""
    it = live()
    assert it.abandon(TrustReason.CONNECTED, only_live=True) == [
        BookLost(instrument="A", reason=TrustReason.CONNECTED)
    ]
    assert it.abandon(TrustReason.CONNECTED, only_live=True) == []


def test_a_rejected_book_is_asked_for_no_more() -> None:
    """The venue does not know it."""
    it = joiner("A", "B")
    it.follow(1, delta(1, "A"), 0)
    it.reject("A")
    assert it.follow(2, delta(2, "A"), 0) == []
    assert it.follow(1, delta(1, "B"), 0) == [request("B")]


@given(
    st.lists(st.sampled_from(["deliver", "drop", "twice", "answer", "wait"]), max_size=120),
    st.integers(0, 5),
)
def test_what_comes_out_never_skips_an_update(happenings: list[str], lag: int) -> None:
    """Between two losses: a snapshot, then updates without a hole, whatever the wire does."""
    it = joiner()
    now, truth, outputs, pending = 0, 0, list[Output](), 0
    for happening in happenings:
        now += SECOND
        told: list[Output] = []
        match happening:
            case "deliver" | "twice":
                truth += 1
                told = it.follow(truth, delta(truth), now)
                if happening == "twice":
                    told += it.follow(truth, delta(truth), now)
            case "drop":
                truth += 1
            case "answer" if pending:
                pending -= 1
                told = it.answered(snapshot(max(0, truth - lag)), now)
            case _:
                told = it.ask(now)
        pending += sum(isinstance(output, Fetch) for output in told)
        outputs += told
    at: int | None = None
    for output in outputs:
        match output:
            case BookSnapshot():
                assert at is None
                at = output.sequence
            case BookDelta():
                assert at is not None
                assert output.sequence == at + 1
                at = output.sequence
            case BookLost():
                at = None


def refreshing() -> SnapshotJoiner:
    """A live book A at 100 that wants a new snapshot, and has asked for it with update 101."""
    it = live()
    assert it.refresh("A", 0) == []
    assert it.follow(101, delta(101), 0) == [delta(101), request("A")]
    return it


def test_a_live_book_is_told_anew_beside_itself() -> None:
    """It goes on meanwhile; then snapshot and what followed it come in one answer."""
    it = refreshing()
    assert it.follow(102, delta(102), 0) == [delta(102)]
    assert it.answered(snapshot(101), 0) == [snapshot(101), delta(102)]
    assert it.follow(103, delta(103), 0) == [delta(103)]
    assert it.ask(60 * SECOND) == [], "the book is as it was before: nothing more is wanted"


def test_a_second_snapshot_ahead_of_the_stream_swallows_what_it_holds() -> None:
    """Updates up to it are in it; the one that straddles it is applied."""
    it = refreshing()
    assert it.answered(snapshot(105), 0) == [snapshot(105)]
    assert it.follow(102, delta(104), 0) == []
    assert it.follow(105, delta(107), 0) == [delta(107)]


def test_a_second_snapshot_that_cannot_be_joined_costs_the_book_nothing() -> None:
    """Too old, or never had: the book goes on, and may wish for another."""
    it = refreshing()
    (note,) = it.answered(snapshot(50), 0)
    assert isinstance(note, Note)
    assert it.follow(102, delta(102), 0) == [delta(102)]
    it.refresh("A", SECOND)
    assert it.follow(103, delta(103), SECOND) == [delta(103), request("A")]
    assert it.failed("A", SECOND) == []
    assert it.follow(104, delta(104), 2 * SECOND) == [delta(104)]


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
    assert it.answered(snapshot(104), 0) == [snapshot(104), delta(105)]


def test_a_lost_book_is_asked_for_before_one_that_only_sees_less_far() -> None:
    """Nobody can read the one; the other is as good as it was."""
    it = joiner("A", "B")
    it.follow(101, delta(101), 0)
    it.answered(snapshot(100), 0)
    it.follow(201, delta(201, "B"), 0)
    it.refresh("A", 0)
    it.follow(102, delta(102), 0)
    it.refused("B", Response(status=429, body=b"", retry_after=5), 0)
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


@pytest.mark.parametrize("old", [201, MOST_BUFFERED - 1])
def test_a_snapshot_is_joined_however_many_older_updates_wait_for_it(old: int) -> None:
    """After a long outage of REST the first answer is enough."""
    it = joiner()
    for update in range(1, old + 2):
        it.follow(update, delta(update), 0)
    assert it.answered(snapshot(old), 0) == [snapshot(old), delta(old + 1)]


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refresh_that_is_refused_leaves_live_books_alone(status: int) -> None:
    """The stream is served to us; only a venue that serves nothing has refused us."""
    it = refreshing()
    (note,) = it.refused("A", Response(status=status, body=b"no"), 0)
    assert isinstance(note, Note)
    assert it.follow(102, delta(102), 0) == [delta(102)]


def test_a_refresh_leaves_the_health_of_a_book_as_it_was() -> None:
    """A gap after it is made good at once."""
    it = refreshing()
    it.answered(snapshot(101), 120 * SECOND)
    lost, asked = it.follow(105, delta(105), 125 * SECOND)
    assert isinstance(lost, BookLost)
    assert asked == request("A")
