"""Deribit: the letter of its documentation, and what was recorded of it."""

import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import Conversation, instrument
from tests.support.recordings import tape_lines

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.side import Side
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Send
from tidegauge.wire.tape import TapeKind

DERIBIT = load()["deribit"]
BTC, ETH = "BTC-PERPETUAL", "ETH-PERPETUAL"


def opened(*names: str) -> Conversation:
    conversation = Conversation(DERIBIT, [instrument(DERIBIT, name) for name in names or (BTC,)])
    conversation.open_all(0)
    return conversation


def frame(
    kind: str,
    change: object,
    previous: object = None,
    name: str = BTC,
    *,
    interval: str = "100ms",
    bids: str = '[["new",10.0,5]]',
    asks: str = '[["new",11.0,5]]',
    about: str = "",
) -> str:
    """A book frame. Levels are text: how a number is written is what matters here."""
    before = "" if previous is None else f'"prev_change_id":{previous},'
    data = (
        f'{{"timestamp":7,"type":"{kind}","change_id":{change},{before}'
        f'"instrument_name":"{about or name}","bids":{bids},"asks":{asks}}}'
    )
    channel = f"book.{name}.{interval}"
    head = '{"jsonrpc":"2.0","method":"subscription","params":'
    return f'{head}{{"channel":"{channel}","data":{data}}}}}'


def live(*names: str) -> Conversation:
    conversation = opened(*names)
    for name in conversation.keepers:
        conversation.receive(BOOK_LINK, frame("snapshot", 500, name=name), 0)
        assert conversation.live(name)
    conversation.said.clear()
    return conversation


def told(conversation: Conversation, text: str, now: Nanos = 0) -> list[type]:
    return [type(output) for output in conversation.receive(BOOK_LINK, text, now)]


def calls(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


def result(number: int, *channels: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": channels, "usDiff": 93})


def problem(number: int, code: int, message: str = "no") -> str:
    error = {"code": code, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": error})


# -- the chain -----------------------------------------------------------------------------------


def test_changes_are_chained_and_their_ids_jump() -> None:
    """One counter is shared by many instruments: only the previous id tells what is missing."""
    conversation = live()
    assert told(conversation, frame("change", 9000, 500)) == [BookDelta]
    assert told(conversation, frame("change", 9001, 9000)) == [BookDelta]
    assert conversation.keepers[BTC].sequence == 9001


def test_a_gap_costs_one_book_and_a_new_subscription() -> None:
    """Subscribing without unsubscribing would bring no new snapshot."""
    conversation = live(BTC, ETH)
    lost, *asked = conversation.receive(BOOK_LINK, frame("change", 9000, 501), 0)
    assert isinstance(lost, BookLost)
    assert lost.reason is TrustReason.GAP
    assert [(each["method"], each["params"]) for each in calls(asked)] == [
        ("public/unsubscribe", {"channels": [f"book.{BTC}.100ms"]}),
        ("public/subscribe", {"channels": [f"book.{BTC}.100ms"]}),
    ]
    assert told(conversation, frame("change", 9001, 9000)) == []
    assert told(conversation, frame("change", 501, 500, ETH)) == [BookDelta]
    assert told(conversation, frame("snapshot", 9002))[-1] is BookSnapshot


def test_a_snapshot_at_any_time_replaces_the_book() -> None:
    """And the chain goes on from it."""
    conversation = live()
    text = frame("snapshot", 7, bids='[["new",1,1]]', asks="[]")
    assert told(conversation, text) == [BookSnapshot]
    assert conversation.touch(BTC) == ("1", None)
    assert told(conversation, frame("change", 8, 7)) == [BookDelta]


@given(
    ids=st.lists(st.integers(0, 2**40), min_size=2, max_size=30, unique=True),
    lost=st.sets(st.integers(0, 29), max_size=3),
)
def test_a_book_is_never_live_with_a_change_missing(ids: list[int], lost: set[int]) -> None:
    """A live book holds every price that was told."""
    conversation = opened()
    conversation.receive(BOOK_LINK, frame("snapshot", ids[0]), 0)
    for index, (previous, last) in enumerate(pairwise(ids)):
        if index in lost:
            continue
        bids = f'[["new",1.{index:03d},1.0]]'
        conversation.receive(BOOK_LINK, frame("change", last, previous, bids=bids, asks="[]"), 0)
        whole = not any(each < index for each in lost)
        assert conversation.live(BTC) == whole
        if whole:
            assert len(conversation.keepers[BTC].book.bids) == index + 2


# -- numbers and sides ---------------------------------------------------------------------------


def test_numbers_are_kept_as_they_were_written() -> None:
    """Integers, decimals and exponents; a zero of any kind removes the level, whatever the word."""
    conversation = opened()
    bids = '[["new",0.1,0.30000000000000004],["new",9.0e-2,2.2e3],["new",0.08,700]]'
    conversation.receive(BOOK_LINK, frame("snapshot", 1, bids=bids, asks='[["new",1E0,5]]'), 0)
    book = conversation.keepers[BTC].book
    assert book.top(Side.BID, 9) == [
        (Decimal("0.1"), Decimal("0.30000000000000004")),
        (Decimal("0.09"), Decimal(2200)),
        (Decimal("0.08"), Decimal(700)),
    ]
    bids = '[["delete",0.09,0.0],["change",0.08,0],["new",0.10,1e-1]]'
    conversation.receive(BOOK_LINK, frame("change", 2, 1, bids=bids, asks="[]"), 0)
    assert book.top(Side.BID, 9) == [(Decimal("0.1"), Decimal("0.1"))]


def test_a_side_may_be_empty_and_so_may_the_book() -> None:
    """Options far from the money; such a book is whole all the same."""
    conversation = opened()
    conversation.receive(BOOK_LINK, frame("snapshot", 0, bids="[]", asks="[]"), 0)
    assert conversation.live(BTC)
    assert conversation.touch(BTC) == (None, None)
    conversation.receive(BOOK_LINK, frame("change", 5, 0, bids="[]"), 0)
    assert conversation.touch(BTC) == (None, "11")


@pytest.mark.parametrize(
    "text",
    [
        frame("patch", 501, 500),
        frame("change", 501),
        frame("change", 501, 500, about=ETH),
        frame("change", '"501"', 500),
        frame("change", 501, 500, bids='[["new","10",5]]'),
        frame("change", 501, 500, bids='[["new",10,null]]'),
        frame("change", 501, 500, bids='[["new",10]]'),
        frame("change", 501, 500, bids="{}"),
    ],
)
def test_frames_that_contradict_themselves_are_malformed(text: str) -> None:
    """A number in quotes too; and the book is not touched."""
    conversation = live()
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, text, 0)
    assert told(conversation, frame("change", 501, 500)) == [BookDelta]


def test_another_interval_is_another_chain() -> None:
    """A tape may hold several; the one that a book began with is followed."""
    conversation = opened()
    conversation.receive(BOOK_LINK, frame("snapshot", 1, interval="raw"), 0)
    assert told(conversation, frame("snapshot", 1, interval="agg2")) == []
    assert told(conversation, frame("change", 9, 3, interval="100ms")) == []
    assert told(conversation, frame("change", 2, 1, interval="raw")) == [BookDelta]


@pytest.mark.parametrize(
    "channel", [f"book.{BTC}.none.20.100ms", f"quote.{BTC}", "platform_state", "book", ""]
)
def test_other_channels_are_passed_over(channel: str) -> None:
    """Grouped books have no gap rule, and name no instrument of a tape."""
    text = json.dumps({"method": "subscription", "params": {"channel": channel, "data": {}}})
    assert live().receive(BOOK_LINK, text, 0) == []
    assert DERIBIT.named_in(text) == []


# -- answers -------------------------------------------------------------------------------------


def test_a_channel_that_was_not_granted_is_struck() -> None:
    """Unknown channels are left out without a word, and the order is another. It is asked for once
    more, alone."""
    conversation = opened(BTC, "NOPE-PERPETUAL", ETH)
    text = result(1, f"book.{ETH}.100ms", f"book.{BTC}.100ms")
    _note, again = conversation.receive(BOOK_LINK, text, 0)
    assert isinstance(again, Send)
    assert "NOPE-PERPETUAL" in again.text
    _note, rejected = conversation.receive(BOOK_LINK, result(json.loads(again.text)["id"]), 0)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "NOPE-PERPETUAL"
    for name in (BTC, ETH):
        conversation.receive(BOOK_LINK, frame("snapshot", 500, name=name), 0)
        assert conversation.live(name)
    conversation.said.clear()
    conversation.tick(10 * SECOND)
    conversation.tick(20 * SECOND)
    assert calls(conversation.said) == []


def test_answers_about_other_things_strike_nothing() -> None:
    """To a heartbeat, to a test, to an unsubscription, or to nothing that was asked."""
    conversation = opened()
    for text in (
        '{"jsonrpc":"2.0","id":0,"result":"ok"}',
        '{"jsonrpc":"2.0","id":0,"result":{"version":"1.2.26"}}',
        '{"jsonrpc":"2.0","id":"x","result":[]}',
        result(2, f"trades.{BTC}.100ms"),
        result(77),
    ):
        conversation.receive(BOOK_LINK, text, 0)
    assert not any(isinstance(output, SubscriptionRejected) for output in conversation.said)
    assert told(conversation, frame("snapshot", 500))[-1] is BookSnapshot


def test_too_many_requests_are_made_again_later() -> None:
    """Not at once, and not in halves: that would be more of them."""
    conversation = opened(BTC, ETH)
    (note,) = conversation.receive(BOOK_LINK, problem(1, 10028, "too_many_requests"), 0)
    assert note == Note(kind="request_refused", detail="10028 too_many_requests")
    assert calls(conversation.tick(9 * SECOND)) == []
    again = calls(conversation.tick(10 * SECOND))
    assert [each["method"] for each in again] == ["public/unsubscribe", "public/subscribe"]


def test_bad_parameters_are_found_out_by_halves() -> None:
    """Until the name to blame is alone."""
    conversation = opened(BTC, "B AD")
    outputs = conversation.receive(BOOK_LINK, problem(1, -32602, "Invalid params"), 0)
    alone = calls(outputs)
    assert [each["params"]["channels"] for each in alone] == [
        [f"book.{BTC}.100ms"],
        ["book.B AD.100ms"],
    ]
    (rejected,) = conversation.receive(BOOK_LINK, problem(alone[1]["id"], -32602), 0)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "B AD"


# -- heartbeats ----------------------------------------------------------------------------------


def test_heartbeats_are_asked_for_first_of_all() -> None:
    """Each ten seconds, on every connection."""
    conversation = opened()
    first = calls(conversation.said)[0]
    assert (first["method"], first["params"]) == ("public/set_heartbeat", {"interval": 10})
    conversation.said.clear()
    conversation.open(BOOK_LINK, SECOND)
    assert calls(conversation.said)[0]["method"] == "public/set_heartbeat"


def test_a_test_request_is_answered() -> None:
    """Unanswered, it costs the connection."""
    conversation = live()
    text = '{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}'
    (call,) = calls(conversation.receive(BOOK_LINK, text, 0))
    assert (call["jsonrpc"], call["method"], call["params"]) == ("2.0", "public/test", {})
    assert told(conversation, text.replace("test_request", "heartbeat")) == []


def test_heartbeats_keep_a_still_link_and_their_absence_drops_it() -> None:
    """A book may be still for long; three heartbeats missed are a dead socket."""
    conversation = live()
    text = '{"params":{"type":"heartbeat"},"method":"heartbeat","jsonrpc":"2.0"}'
    for second in range(0, 120, 10):
        conversation.receive(BOOK_LINK, text, second * SECOND)
        conversation.tick(second * SECOND)
    assert conversation.count(Drop) == 0
    assert conversation.live(BTC)
    for second in range(120, 150):
        conversation.tick(second * SECOND)
    assert conversation.count(Drop) == 1


# -- recorded ------------------------------------------------------------------------------------


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("file", "frames", "changes"),
    [("deribit_options_raw_2021-07-22", 46, 149), ("deribit_options_raw_2021-04-17", 56, 122)],
)
def test_recorded_options_reach_their_last_frame(
    recorded: Path, file: str, frames: int, changes: int
) -> None:
    """Ten books each, several of them one-sided or empty; the counts are the manifest's."""
    lines = [line for line in tape_lines(recorded, file) if line.kind is TapeKind.RECV]
    named = Counter(name for line in lines for name in DERIBIT.named_in(line.text))
    crossed: list[str] = []

    def look(keeper: BookKeeper) -> None:
        if keeper.book.crossed:
            crossed.append(keeper.instrument.name)

    conversation = Conversation(DERIBIT, [instrument(DERIBIT, each) for each in named], look)
    conversation.open_all(lines[0].at)
    last: dict[str, int] = {}
    for line in lines:
        conversation.receive(BOOK_LINK, line.text, line.at)
        params = json.loads(line.text).get("params", {})
        if params.get("channel", "").startswith("book."):
            last[params["data"]["instrument_name"]] = params["data"]["change_id"]
    manifest = json.loads((recorded / "manifest.json").read_text())
    books = next(each for each in manifest if each["file"].startswith(file))["books"]
    assert len(books) == len(named) == 10
    for book in books:
        keeper = conversation.keepers[book["symbol"]]
        assert conversation.live(book["symbol"])
        assert (keeper.updates, keeper.changes) == (book["msgs"], book["levels"])
        assert keeper.sequence == last[book["symbol"]]
        assert keeper.updates == named[book["symbol"]]
        keeper.book.check()
    keepers = conversation.keepers.values()
    assert sum(keeper.updates for keeper in keepers) == frames
    assert sum(keeper.changes for keeper in keepers) == changes
    assert any(not keeper.book.bids.levels for keeper in keepers)
    assert crossed == []
    assert conversation.count(BookLost) == 0
