"""The machine of venues that tell their books on the socket itself, with a wording made up here."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost
from tidegauge.core.instrument import HOUR, SECOND, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Rate, Send
from tidegauge.wire.sequencer import ChainSequencer
from tidegauge.wire.subscribed import SubscribedBooks, Wording


def request(verb: str, names: Sequence[str], number: int) -> list[str]:
    return [f"{verb} {number} {' '.join(names)}"]


def wording(batch: int = 10, allowance: Rate | None = None, *, beside: bool = False) -> Wording:
    return Wording(
        subscribe=lambda names, number: request("sub", names, number),
        unsubscribe=lambda names, number: request("unsub", names, number),
        beside=(lambda names, number: request("beside", names, number)) if beside else None,
        batch=batch,
        ping=lambda number: f"ping {number}",
        allowance=allowance,
    )


def machine(*names: str, words: Wording | None = None) -> SubscribedBooks[ChainSequencer]:
    return SubscribedBooks(names or ("A", "B"), words or wording())


def live(*names: str, words: Wording | None = None) -> SubscribedBooks[ChainSequencer]:
    books = machine(*names, words=words)
    books.opened(0)
    for name in books.names:
        books.synchronised(name, ChainSequencer(1), 0)
    return books


def update(name: str, sequence: int) -> BookDelta:
    return BookDelta(instrument=name, bids=[], asks=[], sequence=sequence)


def texts(outputs: Sequence[Output]) -> list[str]:
    return [output.text for output in outputs if isinstance(output, Send)]


# -- subscribing ---------------------------------------------------------------------------------


def test_it_subscribes_in_batches_and_then_asks_for_the_rest() -> None:
    """Each request has a number of its own."""
    books = machine("A", "B", "C", words=wording(batch=2, beside=True))
    assert texts(books.opened(0)) == ["sub 1 A B", "sub 2 C", "beside 3 A B", "beside 4 C"]


def test_only_a_live_book_follows_its_updates() -> None:
    """An update before the snapshot is nothing that could be applied."""
    books = machine()
    books.opened(0)
    assert books.follow(update("A", 2), 1, 2, now=0) == []
    books.synchronised("A", ChainSequencer(1), 0)
    assert books.follow(update("A", 2), 1, 2, now=0) == [update("A", 2)]
    assert books.follow(update("A", 2), 1, 2, now=0) == []


def test_a_gap_costs_one_book_and_one_resubscription() -> None:
    """Unsubscribe, subscribe, and its next updates are passed over until the snapshot."""
    books = live()
    lost, *asked = books.follow(update("A", 9), 8, 9, now=SECOND)
    assert isinstance(lost, BookLost)
    assert (lost.instrument, lost.reason) == ("A", TrustReason.GAP)
    assert texts(asked) == ["unsub 2 A", "sub 3 A"]
    assert books.follow(update("A", 10), 9, 10, now=SECOND) == []
    assert books.follow(update("B", 2), 1, 2, now=SECOND) == [update("B", 2)]


def test_a_book_that_is_lost_again_and_again_is_asked_for_later_each_time() -> None:
    """The first time at once, then by the tick; a storm of gaps is no storm of requests."""
    books = live("A")
    assert texts(books.lose("A", TrustReason.GAP, 0)) != []
    books.synchronised("A", ChainSequencer(1), SECOND)
    assert texts(books.lose("A", TrustReason.GAP, SECOND)) == []
    assert texts(books.tick(2 * SECOND)) == []
    assert texts(books.tick(3 * SECOND)) == ["unsub 4 A", "sub 5 A"]


# -- answers -------------------------------------------------------------------------------------


def test_a_refused_batch_is_asked_for_one_by_one_and_a_bad_name_struck() -> None:
    """Nobody else is asked for less because of it."""
    books = machine()
    books.opened(0)
    note, *alone = books.refused(1, "no such thing", for_good=True)
    assert note == Note(kind="batch_refused", detail="no such thing")
    assert texts(alone) == ["sub 2 A", "sub 3 B"]
    (rejected,) = books.refused(3, "no such thing", for_good=True)
    assert isinstance(rejected, SubscriptionRejected)
    assert books.names == ["A"]


def test_a_refused_batch_is_halved_until_the_bad_name_is_alone() -> None:
    """One bad name among a hundred costs a few requests, and nobody else's book."""
    names = [f"C{number}" for number in range(100)]
    books = machine(*names, words=wording(batch=100))
    waiting, requests = books.opened(0), 0
    while waiting:
        requests += 1
        _verb, number, *asked = texts(waiting[:1])[0].split()
        del waiting[:1]
        if "C37" in asked:
            answer = books.refused(int(number), "no", for_good=True)
            waiting += [output for output in answer if isinstance(output, Send)]
        else:
            books.accepted(int(number))
    assert books.names == [name for name in names if name != "C37"]
    assert requests <= 15


def test_a_refusal_without_a_number_that_names_its_reason_costs_one_round() -> None:
    """What it names is struck, and the rest of that request asked for again."""
    books = machine("A", "B", "C", "D", words=wording(batch=2))
    books.opened(0)
    note, rejected, again = books.refused_unnumbered("D is not a valid product", ["D"])
    assert note == Note(kind="request_refused", detail="D is not a valid product")
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "D"
    assert texts([again]) == ["sub 3 C"]
    # Said again of another frame of the same request: nothing is left to do.
    assert books.refused_unnumbered("D is not a valid product", ["D"]) == [note]
    assert books.names == ["A", "B", "C"]


def test_a_refusal_without_number_or_name_is_of_the_oldest_unanswered_request() -> None:
    """Answers come in order, and what the venue lists was not refused."""
    books = machine("A", "B", "C", "D", words=wording(batch=2))
    books.opened(0)
    assert books.confirmed({"A", "B"}) == [Note(kind="acknowledged")]
    _note, *halves = books.refused_unnumbered("no", [])
    assert texts(halves) == ["sub 3 C", "sub 4 D"]
    assert books.confirmed({"A", "B", "C", "D"}) == [Note(kind="acknowledged")]
    assert books.refused_unnumbered("no", []) == [Note(kind="request_refused", detail="no")]
    assert books.names == ["A", "B", "C", "D"]


def test_what_was_answered_one_by_one_is_not_refused_with_the_rest() -> None:
    """Only the names of a batch that are still unanswered can be to blame."""
    books = machine("A", "B", "C")
    books.opened(0)
    assert books.accepted(1, "A") == [Note(kind="acknowledged", instrument="A")]
    _note, *alone = books.refused(1, "no", for_good=True)
    assert texts(alone) == ["sub 2 B", "sub 3 C"]
    assert books.accepted(2, "B") != []
    assert books.refused(2, "no", for_good=True) == [Note(kind="request_refused", detail="no")]


def test_what_is_not_granted_though_asked_for_alone_is_struck() -> None:
    """A venue that leaves unknown channels out of its answer has refused them. One answer may be
    wrong, and a book that is told of is known."""
    books = machine("A", "B", "C", "D")
    books.opened(0)
    books.synchronised("D", ChainSequencer(1), 0)
    note, *again = books.granted(1, {"C", "A"})
    assert note == Note(kind="acknowledged")
    assert texts(again) == ["sub 2 B"]
    note, rejected = books.granted(2, set())
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "B"
    assert books.names == ["A", "C", "D"]
    assert books.granted(99, {"A"}) == [Note(kind="acknowledged")]
    assert books.names == ["A", "C", "D"]


def test_a_request_at_a_bad_moment_is_made_again_by_the_roll_call() -> None:
    """Neither at once nor in parts: a venue that is busy is not helped by more requests."""
    books = machine()
    books.opened(0)
    assert books.put_off(1, "busy") == [Note(kind="request_refused", detail="busy")]
    assert texts(books.tick(9 * SECOND)) == []
    assert texts(books.tick(10 * SECOND)) == ["unsub 2 A B", "sub 3 A B"]


# -- time ----------------------------------------------------------------------------------------


def test_a_book_without_its_snapshot_is_called_again_unless_it_is_being_had_otherwise() -> None:
    """Ten seconds, or what was asked for."""
    books = machine("A")
    books.opened(0)
    books.heard(9 * SECOND)
    assert texts(books.tick(10 * SECOND)) == ["unsub 2 A", "sub 3 A"]
    books.await_snapshot("A", 11 * SECOND, within=25 * SECOND)
    books.heard(35 * SECOND)
    assert texts(books.tick(35 * SECOND)) == ["ping 4"]
    assert texts(books.tick(36 * SECOND)) == ["unsub 5 A", "sub 6 A"]


def test_a_dead_link_is_dropped() -> None:
    """No frame at all for thirty seconds."""
    books = live()
    (drop,) = books.tick(30 * SECOND)
    assert drop == Drop(link=BOOK_LINK, reason="no frame at all for 30 s")


def test_a_link_is_given_time_for_the_frame_that_holds_the_whole_book() -> None:
    """Nothing else can come while it is on its way; once it is there, the venue's limit holds."""
    books: SubscribedBooks[ChainSequencer] = SubscribedBooks(
        ["A"], wording(), frame_within=5 * SECOND
    )
    books.opened(0)
    assert not any(isinstance(output, Drop) for output in books.tick(9 * SECOND))
    assert books.awaiting
    books.heard(10 * SECOND)
    books.synchronised("A", ChainSequencer(1), 10 * SECOND)
    assert not books.awaiting
    (drop,) = books.tick(15 * SECOND)
    assert drop == Drop(link=BOOK_LINK, reason="no frame at all for 5 s")


def test_every_book_of_a_link_can_be_lost_at_once() -> None:
    """Where the numbers are the connection's, nobody knows whose update is missing."""
    books = live("A", "B")
    assert books.lose_all(TrustReason.GAP, "17 is missing") == [
        BookLost(instrument=name, reason=TrustReason.GAP, detail="17 is missing")
        for name in ("A", "B")
    ]
    assert books.lose_all(TrustReason.GAP, "17 is missing") == []


# -- the venue's allowance -----------------------------------------------------------------------

FOUR_AN_HOUR = Rate(4, HOUR)


def test_a_link_whose_allowance_is_used_up_is_opened_anew() -> None:
    """A new connection has a new allowance, and there is no other way to get the book."""
    books = live("A", words=wording(allowance=FOUR_AN_HOUR))
    assert texts(books.lose("A", TrustReason.GAP, 0)) == ["unsub 2 A", "sub 3 A"]
    # One frame is left, and half a resubscription is none.
    _lost, drop = books.lose("A", TrustReason.GAP, 0), books.tick(10 * SECOND)
    assert texts(drop) == ["unsub 4 A"]
    assert isinstance(drop[-1], Drop)
    assert drop[-1].link == BOOK_LINK
    books.closed()
    assert texts(books.opened(11 * SECOND)) == ["sub 6 A"]


def test_the_allowance_of_a_healthy_link_comes_back_with_time() -> None:
    """It is counted over the last hour only."""
    books = live("A", words=wording(allowance=FOUR_AN_HOUR))
    books.lose("A", TrustReason.GAP, 0)
    books.synchronised("A", ChainSequencer(1), 0)
    outputs = books.lose("A", TrustReason.GAP, HOUR)
    assert texts(outputs) == ["unsub 4 A", "sub 5 A"]
    assert not any(isinstance(output, Drop) for output in outputs)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["lose", "snapshot", "tick", "refuse"]), st.integers(0, 90)),
        max_size=60,
    ),
    most=st.integers(2, 12),
)
def test_no_connection_ever_carries_more_requests_than_it_may(
    steps: list[tuple[str, int]], most: int
) -> None:
    """Whatever happens, in any ten minutes; and a link is dropped rather than left unasked."""
    allowance = Rate(most, 600 * SECOND)
    books = machine("A", "B", words=wording(batch=1, allowance=allowance))
    now: Nanos = 0
    asked: list[Nanos] = []

    def count(outputs: Sequence[Output]) -> None:
        asked.extend(now for text in texts(outputs) if not text.startswith("ping"))
        recent = [at for at in asked if now - at < allowance.per]
        assert len(recent) <= most
        if any(isinstance(output, Drop) for output in outputs):
            books.closed()
            asked.clear()
            asked.extend(now for _ in texts(books.opened(now)))

    count(books.opened(now))
    for step, seconds in steps:
        now += seconds * SECOND
        if step == "lose":
            count(books.lose("A", TrustReason.GAP, now))
        elif step == "snapshot":
            books.synchronised("A", ChainSequencer(1), now)
        elif step == "refuse":
            count(books.refused(books._number, "no", for_good=False))
        else:
            books.heard(now)
            count(books.tick(now))


@pytest.mark.parametrize("name", ["A", "Z"])
def test_what_is_not_wanted_costs_nothing(name: str) -> None:
    """A name that was struck or never asked for is passed over."""
    books = live("A", "B")
    books.strike("A", "delisted")
    assert books.lose(name, TrustReason.GAP, 0) == []
    assert books.strike(name, "again") == []
    books.await_snapshot(name, 0, within=SECOND)
    assert name not in books


def test_what_cannot_be_read_costs_every_book_where_nothing_is_numbered() -> None:
    """No later frame would show what it held, nor of whom it spoke."""
    books = live("A", "B")
    error = MalformedFrame("nonsense")
    assert books.unreadable(error) == [
        error,
        *(
            BookLost(instrument=name, reason=TrustReason.MALFORMED, detail="nonsense")
            for name in ("A", "B")
        ),
        Drop(link=BOOK_LINK, reason="unreadable: nonsense"),
    ]


def test_a_venue_that_answers_no_request_is_not_waited_for_ever_more() -> None:
    """A book that never comes is asked for all day: only the last request for it is remembered."""
    books = machine("A", "B", words=wording(batch=2))
    books.opened(0)
    asked = []
    for second in range(1, 3_600):
        books.heard(second * SECOND)
        asked += [text for text in texts(books.tick(second * SECOND)) if text.startswith("sub ")]
    assert len(asked) > 50
    number = int(asked[-1].split()[1])
    assert books.refused(number - 2, "late", for_good=True) == [
        Note(kind="request_refused", detail="late")
    ]
    halves = texts(books.refused(number, "no", for_good=True))
    assert [text.split()[2:] for text in halves] == [["A"], ["B"]]
