"""OKX v5: the letter of its documentation, and what was recorded of it."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import Conversation, instrument
from tests.support.damage import damaged

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import (
    BookAlive,
    BookDelta,
    BookLost,
    BookSnapshot,
)
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Fetch, Note, Output, Purpose, Retire, Send

OKX = load()["okx"]
BTC = "BTC-USDT"

LEVELS = {"bids": [["10", "1", "0", "2"]], "asks": [["11", "1", "0", "1"]]}


def opened(*names: str) -> Conversation:
    conversation = Conversation(OKX, [instrument(OKX, name) for name in names or (BTC,)])
    conversation.open_all(0)
    return conversation


def frame(action: str, previous: int | None, last: int | None, name: str = BTC, **more: Any) -> str:
    data = {**LEVELS, "ts": "5", "checksum": 0, "prevSeqId": previous, "seqId": last, **more}
    told = {key: value for key, value in data.items() if value is not None}
    arg = {"channel": "books", "instId": name}
    return json.dumps({"arg": arg, "action": action, "data": [told]})


def event(kind: str, name: str = BTC, channel: str = "books", **more: Any) -> str:
    return json.dumps({"event": kind, "arg": {"channel": channel, "instId": name}, **more})


def live(*names: str) -> Conversation:
    conversation = opened(*names)
    for name in conversation.keepers:
        conversation.receive(BOOK_LINK, frame("snapshot", -1, 15, name), 0)
    conversation.said.clear()
    return conversation


def told(conversation: Conversation, text: str, now: Nanos = 0) -> list[type]:
    return [type(output) for output in conversation.receive(BOOK_LINK, text, now)]


def requests(outputs: list[Output]) -> list[Any]:
    texts = [output.text for output in outputs if isinstance(output, Send)]
    return [text if text == "ping" else json.loads(text) for text in texts]


# -- the chain -----------------------------------------------------------------------------------


def test_the_documented_ids_are_all_valid() -> None:
    """(-1, 10) (10, 15) (15, 15) (15, 3) (3, 5): a keepalive, then a reset after maintenance."""
    conversation = opened()
    conversation.receive(BOOK_LINK, frame("snapshot", -1, 10), 0)
    assert told(conversation, frame("update", 10, 15)) == [BookDelta]
    still = frame("update", 15, 15, bids=[], asks=[])
    assert conversation.receive(BOOK_LINK, still, 0) == [BookAlive(instrument=BTC)]
    assert told(conversation, frame("update", 15, 3)) == [BookDelta]
    assert told(conversation, frame("update", 3, 5)) == [BookDelta]
    assert conversation.keepers[BTC].sequence == 5
    assert conversation.live(BTC)


def test_a_reset_without_levels_is_followed_too() -> None:
    """It changes the id, and is therefore no mere keepalive."""
    conversation = live()
    assert told(conversation, frame("update", 15, 3, bids=[], asks=[])) == [BookDelta]
    assert told(conversation, frame("update", 3, 4)) == [BookDelta]


def test_a_gap_costs_one_book_and_two_requests() -> None:
    """(14, 16) after 15: unsubscribe and subscribe, as a snapshot comes with a subscription only."""
    conversation = live(BTC, "ETH-USDT")
    lost, *asked = conversation.receive(BOOK_LINK, frame("update", 14, 16), 0)
    assert isinstance(lost, BookLost)
    assert lost.reason is TrustReason.GAP
    assert [(each["op"], each["args"]) for each in requests(asked)] == [
        ("unsubscribe", [{"channel": "books", "instId": BTC}]),
        ("subscribe", [{"channel": "books", "instId": BTC}]),
    ]
    assert conversation.live("ETH-USDT")
    assert told(conversation, frame("update", 16, 17)) == []
    assert told(conversation, frame("snapshot", -1, 18))[-1] is BookSnapshot


def test_a_connection_that_used_up_its_requests_is_opened_anew() -> None:
    """480 in an hour, 2 for each book that is lost: after that only a new connection helps."""
    names = [f"C{number}-USDT" for number in range(30)]
    conversation = live(*names)
    asked = 2
    for minute in range(1, 10):
        now = 61 * minute * SECOND
        outputs = [
            output
            for name in names
            for output in conversation.protocol.resync(name, TrustReason.CROSSED, now)
        ]
        asked += len(requests(outputs))
        if any(isinstance(output, Drop) for output in outputs):
            break
        for name in names:
            conversation.receive(BOOK_LINK, frame("snapshot", -1, 15, name), now)
    assert asked == 480
    conversation.open(BOOK_LINK, 600 * SECOND)
    conversation.receive(BOOK_LINK, frame("snapshot", -1, 15, names[0]), 600 * SECOND)
    lost = conversation.protocol.resync(names[0], TrustReason.CROSSED, 700 * SECOND)
    assert len(requests(lost)) == 2


@pytest.mark.parametrize(
    "text",
    [
        frame("patch", 15, 16),
        frame("update", 15, None),
        frame("update", None, 16),
        frame("update", 15, 16, ts="soon"),
        frame("update", 15, 16, name=""),
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[]}',
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update"}',
    ],
)
def test_frames_that_lost_a_part_are_malformed(text: str) -> None:
    """An id that disappears is a change of the protocol; the book itself is not touched."""
    conversation = live()
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, text, 0)
    assert told(conversation, frame("update", 15, 16)) == [BookDelta]


@given(
    ids=st.lists(st.integers(0, 500), min_size=2, max_size=30, unique=True),
    lost=st.sets(st.integers(0, 29), max_size=3),
)
def test_a_book_is_never_live_with_an_update_missing(ids: list[int], lost: set[int]) -> None:
    """Whatever ids the venue uses, going back and all: a live book holds every price told."""
    conversation = opened()
    conversation.receive(BOOK_LINK, frame("snapshot", -1, ids[0]), 0)
    for index, (previous, last) in enumerate(pairwise(ids)):
        if index in lost:
            continue
        bids = [[f"1.{index:03d}", "1", "0", "1"]]
        conversation.receive(BOOK_LINK, frame("update", previous, last, bids=bids), 0)
        whole = not any(each < index for each in lost)
        assert conversation.live(BTC) == whole
        if whole:
            assert len(conversation.keepers[BTC].book.bids) == index + 2


# -- a subscription that begins with an update ---------------------------------------------------

REST = {**LEVELS, "ts": "9", "seqId": 20}


def answer(last: int) -> str:
    return json.dumps({"code": "0", "msg": "", "data": [{**REST, "seqId": last}]})


def begun() -> Conversation:
    """Subscribed to, and told an update first."""
    conversation = opened()
    conversation.receive(BOOK_LINK, event("subscribe", id="1"), 0)
    assert told(conversation, frame("update", 18, 19)) == [Fetch]
    return conversation


def test_without_a_snapshot_the_book_is_had_by_rest() -> None:
    """What the snapshot holds already is dropped, what spans its id is the first to follow."""
    conversation = begun()
    (fetch,) = conversation.fetches
    assert (fetch.purpose, fetch.path) == (Purpose.SNAPSHOT, "/api/v5/market/books")
    assert dict(fetch.params) == {"instId": BTC, "sz": "400"}
    assert told(conversation, frame("update", 19, 21)) == []
    outputs = conversation.answer(answer(20), SECOND)
    assert [type(output) for output in outputs] == [Note, BookSnapshot, BookDelta]
    assert conversation.keepers[BTC].sequence == 21
    assert told(conversation, frame("update", 21, 22)) == [BookDelta]
    assert told(conversation, frame("update", 25, 26))[0] is BookLost


def test_a_snapshot_ahead_of_the_stream_waits_for_it() -> None:
    """Nothing is shown before an update has bridged the two."""
    conversation = begun()
    assert conversation.answer(answer(20), SECOND) == []
    assert told(conversation, frame("update", 19, 20)) == [Note, BookSnapshot, BookDelta]
    assert conversation.live(BTC)


def test_a_snapshot_behind_the_stream_is_asked_for_again() -> None:
    """Refetch while it is older than the first update."""
    conversation = begun()
    assert conversation.answer(answer(17), SECOND) == []
    assert conversation.tick(1) == []
    conversation.tick(2 * SECOND)
    assert len(conversation.fetches) == 1
    assert BookSnapshot in [type(output) for output in conversation.answer(answer(18), 2 * SECOND)]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (0, "no answer"),
        (429, "{}"),
        (200, '{"code":"51001","msg":"Instrument ID does not exist","data":[]}'),
        (200, "<html>"),
    ],
)
def test_an_answer_without_a_snapshot_is_asked_for_again(status: int, body: str) -> None:
    """Later each time; the stream goes on being kept."""
    conversation = begun()
    (note,) = conversation.answer(body, SECOND, status=status)
    assert isinstance(note, Note)
    assert note.kind == "snapshot_failed"
    conversation.tick(3 * SECOND)
    assert conversation.fetches
    conversation.answer(answer(18), 3 * SECOND)
    assert conversation.live(BTC)


def test_an_update_missing_while_the_snapshot_is_awaited_is_noticed() -> None:
    """Only what came after the gap can still follow a snapshot."""
    conversation = begun()
    conversation.receive(BOOK_LINK, frame("update", 30, 31), 0)
    assert conversation.answer(answer(19), SECOND) == []
    conversation.tick(3 * SECOND)
    conversation.answer(answer(31), 3 * SECOND)
    assert conversation.live(BTC)
    assert conversation.keepers[BTC].sequence == 31


def test_the_last_words_of_an_old_subscription_ask_for_nothing() -> None:
    """Between a gap and the new acknowledgement, updates of the old subscription still come."""
    conversation = live()
    conversation.receive(BOOK_LINK, frame("update", 99, 100), 0)
    assert told(conversation, frame("update", 100, 101)) == []
    conversation.receive(BOOK_LINK, event("subscribe"), 0)
    assert told(conversation, frame("snapshot", -1, 200))[-1] is BookSnapshot
    assert conversation.fetches == []


def test_a_book_that_cannot_be_joined_is_subscribed_to_again() -> None:
    """After a minute; and a new subscription begins with nothing held."""
    conversation = begun()
    for second in range(1, 62):
        conversation.receive(BOOK_LINK, "pong", second * SECOND)
        conversation.tick(second * SECOND)
    assert [each["op"] for each in requests(conversation.said) if each != "ping"][-2:] == [
        "unsubscribe",
        "subscribe",
    ]
    conversation.receive(BOOK_LINK, event("subscribe"), 62 * SECOND)
    assert told(conversation, frame("snapshot", -1, 7), 62 * SECOND)[-1] is BookSnapshot


@given(
    updates=st.integers(2, 12),
    asked=st.integers(0, 11),
    told_after=st.integers(0, 11),
)
def test_a_book_had_by_rest_is_the_same_book(updates: int, asked: int, told_after: int) -> None:
    """Whatever update the snapshot is of, and whenever it is told: no update lost, none undone."""
    conversation = opened()
    conversation.receive(BOOK_LINK, event("subscribe", id="1"), 0)
    asked %= updates
    ids, rows, now = [100], [["1", "1", "0", "1"]], 0
    for index in range(updates):
        now += SECOND
        previous, row = ids[-1], [f"1.{index:02d}", str(index + 2), "0", "1"]
        ids.append(previous + 10)
        rows.append(row)
        text = frame("update", previous, ids[-1], bids=[row], asks=[])
        conversation.receive(BOOK_LINK, text, now)
        conversation.tick(now)
        if index >= max(asked, told_after):
            while conversation.fetches:
                whole = {**REST, "bids": rows[: asked + 2], "seqId": ids[asked + 1]}
                conversation.answer(json.dumps({"code": "0", "data": [whole]}), now)
    assert conversation.live(BTC) == (max(asked, told_after) < updates)
    if conversation.live(BTC):
        book = conversation.keepers[BTC].book
        prices = {Decimal(row[0]): Decimal(row[1]) for row in rows}
        assert dict(book.walk(Side.BID)) == prices
        assert conversation.keepers[BTC].sequence == ids[-1]


@given(data=st.data())
def test_a_damaged_answer_costs_nothing_but_time(data: st.DataObject) -> None:
    """It is noted, or is a book as any other; the next answer can be used."""
    conversation = begun()
    body = data.draw(damaged(answer(20)))
    conversation.answer(body, SECOND)
    conversation.close(BOOK_LINK, 2 * SECOND)
    conversation.open(BOOK_LINK, 3 * SECOND)
    conversation.receive(BOOK_LINK, frame("snapshot", -1, 40), 4 * SECOND)
    assert conversation.live(BTC)


# -- answers and notices -------------------------------------------------------------------------


def test_an_unknown_instrument_is_struck_and_the_rest_goes_on() -> None:
    """The error names the channel and the instrument."""
    conversation = opened(BTC, "NOPE-USDT")
    said = "Wrong URL or channel:books,instId:NOPE-USDT doesn't exist. Please use the correct URL"
    text = json.dumps({"event": "error", "id": "1", "code": "60018", "msg": said})
    (rejected,) = conversation.receive(BOOK_LINK, text, 0)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "NOPE-USDT"
    conversation.receive(BOOK_LINK, frame("snapshot", -1, 15), 0)
    assert conversation.live(BTC)


def test_a_channel_beside_the_book_that_does_not_exist_costs_no_book() -> None:
    """Not every contract has an open interest."""
    conversation = live()
    said = f"channel:open-interest,instId:{BTC} doesn't exist"
    text = json.dumps({"event": "error", "id": "2", "code": "60018", "msg": said})
    (note,) = conversation.receive(BOOK_LINK, text, 0)
    assert isinstance(note, Note)
    assert conversation.live(BTC)


def test_a_request_that_is_refused_without_a_name_is_asked_in_halves() -> None:
    """Until the one to blame is alone."""
    conversation = opened(BTC, "NOPE-USDT")
    text = '{"event":"error","id":"1","code":"60018","msg":"does not exist"}'
    outputs = conversation.receive(BOOK_LINK, text, 0)
    alone = requests(outputs)
    assert [len(each["args"]) for each in alone] == [1, 1]
    text = json.dumps({"event": "error", "id": alone[1]["id"], "code": "60018", "msg": "no"})
    (rejected,) = conversation.receive(BOOK_LINK, text, 0)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "NOPE-USDT"


def test_a_notice_of_the_end_retires_the_link() -> None:
    """64008 comes a minute before the connection is closed."""
    conversation = live()
    said = "The connection will soon be closed for a service upgrade. Please reconnect."
    text = json.dumps({"event": "notice", "code": "64008", "msg": said, "connId": "a4d3ae55"})
    (retire,) = conversation.receive(BOOK_LINK, text, 0)
    assert retire == Retire(link=BOOK_LINK, reason=f"64008 {said}")
    assert conversation.live(BTC)


@pytest.mark.parametrize(
    "text",
    [
        event("unsubscribe"),
        '{"event":"channel-conn-count","channel":"books","connCount":"1","connId":"a"}',
        '{"event":"notice","code":"1","msg":"hello"}',
        '{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"last":"1"}]}',
        frame("update", 1, 2, name="SOL-USDT"),
    ],
)
def test_what_nobody_asked_for_is_passed_over(text: str) -> None:
    """It may be on a recorded tape."""
    assert live().receive(BOOK_LINK, text, 0) == []


def test_the_ping_is_a_word_and_so_is_the_pong() -> None:
    """Neither is JSON."""
    conversation = live()
    for second in range(1, 62):
        conversation.receive(BOOK_LINK, "pong", second * SECOND)
        conversation.tick(second * SECOND)
    assert requests(conversation.said) == ["ping"] * 3
    conversation.said.clear()
    for second in range(62, 95):
        conversation.tick(second * SECOND)
    assert conversation.count(Drop) == 1
