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


class Joiner(SnapshotJoiner):
    """Remembers its newest request for each book, so that a test can answer it."""

    def __init__(self, *names: str) -> None:
        super().__init__(names or ("A",), sequencer=RangeSequencer, request=request)
        self.newest = {name: request(name) for name in names or ("A",)}

    def ask(self, now: Nanos) -> list[Output]:
        outputs = super().ask(now)
        self.newest |= {
            each.instrument: each
            for each in outputs
            if isinstance(each, Fetch) and each.instrument is not None
        }
        return outputs

    def told(self, snapshot: BookSnapshot, now: Nanos) -> list[Output]:
        return self.answered(self.newest[snapshot.instrument], snapshot, now)


def joiner(*names: str) -> Joiner:
    return Joiner(*names)


def delta(last: int, name: str = "A") -> BookDelta:
    return BookDelta(instrument=name, bids=[], asks=[], sequence=last)


def snapshot(last: int, name: str = "A") -> BookSnapshot:
    return BookSnapshot(instrument=name, bids=[], asks=[], sequence=last)


def live(last: int = 100) -> Joiner:
    """A joiner whose book A is live at `last`."""
    it = joiner()
    it.follow(last, delta(last), 0)
    assert it.told(snapshot(last - 1), 0) == [snapshot(last - 1), delta(last)]
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
    assert it.told(snapshot(101), 0) == [snapshot(101), delta(102), delta(103)]


def test_a_snapshot_newer_than_the_buffer_is_live_at_once() -> None:
    """The next update may then straddle it."""
    it = joiner()
    it.follow(101, delta(101), 0)
    assert it.told(snapshot(150), 0) == [snapshot(150)]
    assert it.follow(102, delta(150), 0) == []
    assert it.follow(148, delta(155), 0) == [delta(155)]


def test_a_snapshot_older_than_the_stream_is_asked_for_again_a_little_later() -> None:
    """Not sooner than 100 ms, and with growing pauses."""
    it = joiner()
    now: Nanos = 0
    it.follow(105, delta(105), now)
    pauses = []
    for _ in range(4):
        answer = it.told(snapshot(100), now)
        assert [output.kind for output in answer if isinstance(output, Note)] == [
            "snapshot_too_old"
        ]
        asked_from = now
        while not it.ask(now):
            now += 10 * MILLISECOND
        pauses.append((now - asked_from) // MILLISECOND)
    assert pauses == [100, 200, 400, 800]
    assert it.told(snapshot(104), now) == [snapshot(104), delta(105)]


def test_a_gap_loses_the_book_and_keeps_the_update_that_showed_it() -> None:
    """The snapshot is asked for at once, and joined to that very update."""
    it = live(100)
    lost, asked = it.follow(103, delta(104), 2 * 60 * SECOND)
    assert isinstance(lost, BookLost)
    assert lost.reason is TrustReason.GAP
    assert asked == request("A")
    assert it.told(snapshot(102), 0) == [snapshot(102), delta(104)]


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
        it.told(snapshot(update - 1), now)
    assert pauses == [0, 200, 400, 800]


def test_a_gap_within_the_buffer_keeps_what_came_after_it() -> None:
    """A new snapshot can still be joined to that."""
    it = joiner()
    it.follow(101, delta(101), 0)
    it.follow(105, delta(105), 0)
    outputs = it.told(snapshot(100), 0)
    assert [output.kind for output in outputs if isinstance(output, Note)] == ["gap_in_buffer"]
    assert it.ask(SECOND) == [request("A")]
    assert it.told(snapshot(104), SECOND) == [snapshot(104), delta(105)]


def test_only_a_few_snapshots_are_under_way_at_a_time() -> None:
    """In the order in which the books came to need them; an answer makes room for the next."""
    it = joiner("A", "B", "C", "D", "E", "F")
    assert it.follow(1, delta(1, "B"), 0) == [request("B")]
    for second, name in enumerate("ACDEF", 1):
        assert it.follow(1, delta(1, name), second) == ([request(name)] if second < 4 else [])
    assert it.told(snapshot(1, "B"), 6) == [snapshot(1, "B"), request("E")]
    assert it.told(snapshot(1, "A"), 7) == [snapshot(1, "A"), request("F")]


def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    """After ten seconds the next books have their turn, and then these again."""
    it = joiner(*"ABCDEFGH")
    for name in "ABCDEFGH":
        it.follow(1, delta(1, name), 0)
    assert it.ask(ANSWER_WITHIN - 1) == []
    assert it.ask(ANSWER_WITHIN) == [request(name) for name in "EFGH"]
    answered = it.told(snapshot(1, "F"), ANSWER_WITHIN + SECOND)
    assert answered == [snapshot(1, "F"), request("A")]


def test_a_late_answer_does_not_take_the_place_of_the_one_that_is_waited_for() -> None:
    """It may still be joined; if it cannot be, nothing is put off and nothing asked twice."""
    it = joiner("A")
    it.follow(101, delta(101), 0)
    late = it.newest["A"]
    it.abandon(TrustReason.DISCONNECTED)
    assert it.follow(201, delta(201), SECOND) == [request("A")]
    (note,) = it.answered(late, snapshot(100), 2 * SECOND)
    assert isinstance(note, Note)
    assert it.failed(late, 2 * SECOND) == []
    assert it.ask(3 * SECOND) == []
    assert it.told(snapshot(200), 3 * SECOND) == [snapshot(200), delta(201)]


def test_a_late_answer_is_judged_by_its_ids_like_any_other() -> None:
    """Even one that was asked for in an earlier epoch."""
    it = joiner()
    it.follow(101, delta(101), 0)
    it.abandon(TrustReason.DISCONNECTED)
    assert it.told(snapshot(100), 0) == []
    it.follow(102, delta(102), 0)
    assert it.told(snapshot(101), 0) == [snapshot(101), delta(102)]
    assert it.told(snapshot(101), 0) == []


def test_a_full_buffer_starts_over() -> None:
    """Memory is bounded; the update that was one too many is the first of the new buffer."""
    it = joiner()
    for update in range(MOST_BUFFERED):
        it.follow(update, delta(update), 0)
    outputs = it.follow(MOST_BUFFERED, delta(MOST_BUFFERED), 0)
    assert outputs == [Note(kind="buffer_started_over", instrument="A")]
    assert it.told(snapshot(MOST_BUFFERED - 1), 0) == [
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
        outputs = it.refused(it.newest["A"], response, 0)
        assert [type(output) for output in outputs] == [Note]
        it.failed(it.newest["B"], 0)
        assert it.ask(seconds * SECOND - 1) == []
        assert it.ask(seconds * SECOND) == [request("A"), request("B")]


def test_being_limited_again_and_again_is_waited_for_as_told_and_no_longer() -> None:
    """A budget that is used up is no failure of the book: its pauses do not grow."""
    it = joiner()
    it.follow(1, delta(1), 0)
    now = 0
    for _ in range(10):
        it.refused(it.newest["A"], Response(status=429, body=b"", retry_after=0.5), now)
        assert it.ask(now + SECOND // 2 - 1) == []
        now += SECOND // 2
        assert it.ask(now) == [request("A")]


def test_being_told_to_come_back_at_once_is_not_taken_at_its_word() -> None:
    """A tenth of a second is the least."""
    it = joiner()
    it.follow(1, delta(1), 0)
    response = Response(status=429, body=b"", retry_after=0.0)
    assert [type(each) for each in it.refused(it.newest["A"], response, 0)] == [Note]
    assert it.ask(100 * MILLISECOND) == [request("A")]


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refusal_of_this_client_is_told_and_not_argued_with(status: int) -> None:
    """Five minutes of silence."""
    it = joiner()
    it.follow(1, delta(1), 0)
    (refusal,) = it.refused(it.newest["A"], Response(status=status, body=b"restricted"), 0)
    assert isinstance(refusal, VenueRefused)
    assert it.ask(299 * SECOND) == []


@pytest.mark.parametrize("status", [0, 500, 503, 400, 302])
def test_any_other_failure_is_tried_again(status: int) -> None:
    """Timeouts and server errors pass."""
    it = joiner()
    it.follow(1, delta(1), 0)
    (note,) = it.refused(it.newest["A"], Response(status=status, body=b"\xff"), 0)
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
                told = it.told(snapshot(max(0, truth - lag)), now)
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


def test_twenty_books_are_back_within_thirty_seconds_of_a_cut() -> None:
    """With answers that take two seconds each."""
    names = [f"S{number}" for number in range(20)]
    it = joiner(*names)
    pending: list[tuple[Nanos, str]] = []
    live: dict[str, Nanos] = {}
    for now in range(0, 60 * SECOND, SECOND // 10):
        outputs = it.ask(now)
        for name in names:
            outputs += it.follow(now + 1, delta(now + 1, name), now) if name not in live else []
        for name in [name for due, name in pending if due == now]:
            outputs += it.told(snapshot(now + 1, name), now)
            live[name] = now
        pending += [
            (now + 2 * SECOND, each.instrument or "") for each in outputs if isinstance(each, Fetch)
        ]
    assert live.keys() == set(names)
    assert max(live.values()) <= 12 * SECOND


@pytest.mark.parametrize("old", [201, MOST_BUFFERED - 1])
def test_a_snapshot_is_joined_however_many_older_updates_wait_for_it(old: int) -> None:
    """After a long outage of REST the first answer is enough."""
    it = joiner()
    for update in range(1, old + 2):
        it.follow(update, delta(update), 0)
    assert it.told(snapshot(old), 0) == [snapshot(old), delta(old + 1)]
