"""Bybit: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import SECOND, InstrumentKind, InstrumentStatus, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Send

SPOT, LINEAR = load()["bybit-spot"], load()["bybit-linear"]


def opened(*names: str) -> Conversation:
    chosen = names or ("BTCUSDT",)
    conversation = Conversation(LINEAR, [instrument(LINEAR, name) for name in chosen])
    conversation.open_all(0)
    return conversation


def frame(kind: str, update: int, name: str = "BTCUSDT", depth: str = "1000", **more: Any) -> str:
    data = {"s": name, "b": [["10", "1"]], "a": [["11", "1"]], "u": update, "seq": update}
    told = {"topic": f"orderbook.{depth}.{name}", "type": kind, "ts": 7, "data": data, "cts": 5}
    return json.dumps({**told, **more})


def live(*names: str, update: int = 7) -> Conversation:
    conversation = opened(*names)
    for name in conversation.keepers:
        conversation.receive(BOOK_LINK, frame("snapshot", update, name), 0)
        assert conversation.live(name)
    conversation.said.clear()
    return conversation


def requests(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


def about_books(outputs: list[Output]) -> list[dict[str, Any]]:
    """The requests that concern order books."""
    return [each for each in requests(outputs) if each["args"][0].startswith("orderbook.")]


def told(conversation: Conversation, text: str, now: Nanos = 0) -> list[type]:
    return [type(output) for output in conversation.receive(BOOK_LINK, text, now)]


def refusal(req_id: str, said: str) -> str:
    return json.dumps({"success": False, "ret_msg": said, "req_id": req_id, "op": "subscribe"})


# -- subscriptions -------------------------------------------------------------------------------


def test_topics_are_subscribed_to_ten_at_a_time() -> None:
    """Spot takes no more in one request."""
    conversation = opened(*(f"C{number}USDT" for number in range(23)))
    asked = about_books(conversation.said)
    assert [len(request["args"]) for request in asked] == [10, 10, 3]
    assert asked[0]["args"][0] == "orderbook.1000.C0USDT"
    assert len({request["req_id"] for request in requests(conversation.said)}) == 6


def test_each_market_has_its_own_path() -> None:
    """The socket decides the market: symbols are the same on both."""
    assert SPOT.links([]) == {"book": "/v5/public/spot"}
    assert LINEAR.links([]) == {"book": "/v5/public/linear"}


def test_a_batch_that_is_refused_is_asked_for_one_by_one() -> None:
    """Which topic was to blame is not always said."""
    conversation = opened("BTCUSDT", "NOPEUSDT")
    (batch,) = about_books(conversation.said)
    outputs = conversation.receive(BOOK_LINK, refusal(batch["req_id"], "Invalid topic"), 0)
    alone = requests(outputs)
    assert [request["args"] for request in alone] == [
        ["orderbook.1000.BTCUSDT"],
        ["orderbook.1000.NOPEUSDT"],
    ]
    said = "Invalid topic: orderbook.1000.NOPEUSDT"
    (rejected,) = conversation.receive(BOOK_LINK, refusal(alone[1]["req_id"], said), 0)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "NOPEUSDT"


def test_a_rejected_topic_is_not_asked_for_again() -> None:
    """Not by the roll call, not on the next connection."""
    conversation = opened("NOPEUSDT")
    (request,) = about_books(conversation.said)
    conversation.receive(BOOK_LINK, refusal(request["req_id"], "Invalid topic: x"), 0)
    conversation.said.clear()
    for second in range(25):
        conversation.tick(second * SECOND)
    conversation.close(BOOK_LINK, 30 * SECOND)
    conversation.open(BOOK_LINK, 31 * SECOND)
    assert {request["op"] for request in requests(conversation.said)} == {"ping"}
    assert conversation.count(BookLost) == 0


def test_a_refusal_that_may_pass_is_tried_again_later() -> None:
    """A rate limit is no verdict on the topic."""
    conversation = opened()
    (request,) = about_books(conversation.said)
    (note,) = conversation.receive(BOOK_LINK, refusal(request["req_id"], "too many visits"), 0)
    assert isinstance(note, Note)
    again = requests(conversation.tick(10 * SECOND))
    assert [request["op"] for request in again] == ["unsubscribe", "subscribe"]


def test_being_subscribed_already_is_as_good_as_an_acknowledgement() -> None:
    """It happens when the rest of a refused batch was taken after all."""
    conversation = opened()
    (request,) = about_books(conversation.said)
    said = "error:already subscribed,topic:orderbook.1000.BTCUSDT"
    (note,) = conversation.receive(BOOK_LINK, refusal(request["req_id"], said), 0)
    assert note == Note(kind="acknowledged")


@pytest.mark.parametrize("said", ["subscribe", ""])
def test_both_spellings_of_an_acknowledgement_are_taken(said: str) -> None:
    """Spot says one thing, linear nothing."""
    conversation = opened()
    text = {"success": True, "ret_msg": said, "conn_id": "c", "req_id": "1", "op": "subscribe"}
    assert conversation.receive(BOOK_LINK, json.dumps(text), 0) == [Note(kind="acknowledged")]


# -- frames --------------------------------------------------------------------------------------


def test_a_snapshot_is_a_window_of_its_depth() -> None:
    """Any depth can be played from a tape."""
    conversation = opened()
    note, snapshot = conversation.receive(BOOK_LINK, frame("snapshot", 7, depth="200"), 0)
    assert note == Note(kind="subscribed", instrument="BTCUSDT")
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.window, snapshot.limit, snapshot.sequence) == (200, None, 7)
    assert told(conversation, frame("delta", 8, depth="200")) == [BookDelta]


def test_a_stray_topic_of_another_depth_does_not_touch_the_book() -> None:
    """Each depth counts its own updates."""
    conversation = live()
    assert told(conversation, frame("delta", 8, depth="50")) == []
    assert told(conversation, frame("snapshot", 90, depth="50")) == []
    assert told(conversation, frame("delta", 8)) == [BookDelta]


def test_the_next_update_is_applied_and_a_seen_one_passed_over() -> None:
    """last=7: 8, then 8 again, then 9."""
    conversation = live(update=7)
    assert told(conversation, frame("delta", 8)) == [BookDelta]
    assert told(conversation, frame("delta", 8)) == []
    assert told(conversation, frame("delta", 9)) == [BookDelta]


def test_a_gap_subscribes_to_that_topic_again() -> None:
    """Deltas are passed over until its snapshot came."""
    conversation = live("BTCUSDT", "ETHUSDT")
    outputs = conversation.receive(BOOK_LINK, frame("delta", 10), 61 * SECOND)
    assert isinstance(outputs[0], BookLost)
    assert outputs[0].reason is TrustReason.GAP
    asked = requests(outputs)
    assert [request["op"] for request in asked] == ["unsubscribe", "subscribe"]
    assert all(request["args"] == ["orderbook.1000.BTCUSDT"] for request in asked)
    assert told(conversation, frame("delta", 11), 61 * SECOND) == []
    assert conversation.live("ETHUSDT")
    assert told(conversation, frame("snapshot", 20), 62 * SECOND) == [Note, BookSnapshot]
    assert told(conversation, frame("delta", 21), 62 * SECOND) == [BookDelta]


def test_gaps_in_quick_succession_are_answered_later_each_time() -> None:
    """A stream that cannot be followed must not end in a storm of requests."""
    conversation = live()
    now, pauses = SECOND, []
    for update in (100, 200, 300):
        lost_at = now
        outputs = conversation.receive(BOOK_LINK, frame("delta", update), now)
        while not requests(outputs):
            now += SECOND
            outputs = conversation.tick(now)
        pauses.append((now - lost_at) // SECOND)
        conversation.receive(BOOK_LINK, frame("snapshot", update + 1), now)
    assert pauses == [0, 2, 4]


def test_a_snapshot_replaces_the_book_at_any_time() -> None:
    """After a restart of the service it begins at 1, and the count goes on from there."""
    conversation = live()
    assert told(conversation, frame("snapshot", 1)) == [BookSnapshot]
    assert told(conversation, frame("delta", 2)) == [BookDelta]


def test_update_one_that_is_no_snapshot_asks_for_one() -> None:
    """The old book is void, and what a lone delta holds is not known to be all of the new one."""
    conversation = live()
    outputs = conversation.receive(BOOK_LINK, frame("delta", 1), SECOND)
    assert [type(output) for output in outputs] == [BookLost, Send, Send]
    assert not conversation.live("BTCUSDT")


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({}, 5),
        ({"cts": None}, 7),
        ({"cts": None, "ts": "9"}, 9),
        ({"cts": None, "ts": None}, None),
    ],
)
def test_the_matching_engines_time_goes_before_the_systems(
    more: dict[str, Any], at: int | None
) -> None:
    """The latter may be in quotes."""
    (delta,) = live().receive(BOOK_LINK, frame("delta", 8, **more), 0)
    assert isinstance(delta, BookDelta)
    assert delta.venue_time == (None if at is None else at * 1_000_000)


def test_a_matching_time_inside_the_data_is_found_too() -> None:
    """Some mirrors put it there."""
    data = {"s": "BTCUSDT", "b": [], "a": [], "u": 8, "cts": 6}
    (delta,) = live().receive(BOOK_LINK, frame("delta", 8, cts=None, data=data), 0)
    assert isinstance(delta, BookDelta)
    assert delta.venue_time == 6_000_000


@pytest.mark.parametrize(
    "text",
    [
        '{"topic":"tickers.XRPUSDT","type":"delta","data":{"symbol":"XRPUSDT"},"cs":1,"ts":2}',
        '{"topic":"kline.5.BTCUSDT","type":"snapshot","ts":2,"data":[{"start":1}]}',
        frame("delta", 8, depth="rpi"),
        frame("delta", 8, depth="full"),
        frame("snapshot", 8, name="XRPUSDT"),
    ],
)
def test_topics_we_do_not_use_are_passed_over(text: str) -> None:
    """They may be on a recorded tape."""
    assert live().receive(BOOK_LINK, text, 0) == []


@pytest.mark.parametrize(
    "text",
    [
        frame("patch", 8),
        frame("delta", 8, data={"s": "ETHUSDT", "b": [], "a": [], "u": 8}),
        frame("delta", 8, ts="soon", cts=None),
        '{"op":"subscribe","req_id":"1"}',
    ],
)
def test_frames_that_contradict_themselves_are_malformed(text: str) -> None:
    """And change nothing."""
    conversation = live()
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, text, 0)
    assert told(conversation, frame("delta", 8)) == [BookDelta]


# -- the link ------------------------------------------------------------------------------------


def test_it_pings_every_twenty_seconds() -> None:
    """The venue cuts a link that says nothing."""
    conversation = live()
    for second in range(1, 61):
        conversation.receive(BOOK_LINK, '{"success":true,"ret_msg":"pong","op":"ping"}', 0)
        conversation.receive(BOOK_LINK, frame("delta", 7 + second), second * SECOND)
        conversation.tick(second * SECOND)
    assert [request["op"] for request in requests(conversation.said)] == ["ping"] * 3


def test_a_link_without_any_frame_is_dropped() -> None:
    """Not even a pong for thirty seconds; and asked for once, not each second."""
    conversation = live()
    drops = [
        second
        for second in range(45)
        if any(isinstance(output, Drop) for output in conversation.tick(second * SECOND))
    ]
    assert drops == [30]


# -- the catalogue -------------------------------------------------------------------------------


def test_listings_are_read() -> None:
    """Spot names its step otherwise than linear."""
    row = {
        "symbol": "BTCUSDT",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "priceFilter": {"tickSize": "0.10"},
    }
    linear = {**row, "contractType": "LinearPerpetual", "lotSizeFilter": {"qtyStep": "0.001"}}
    future = {**linear, "contractType": "LinearFutures", "status": "PreLaunch"}
    spot = {**row, "lotSizeFilter": {"basePrecision": "0.000001"}}
    body = json.dumps({"result": {"list": [linear, future]}}).encode()
    perpetual, delivery = LINEAR.parse_catalogue(body)
    assert (perpetual.tick, perpetual.step) == (Decimal("0.1"), Decimal("0.001"))
    assert (perpetual.kind, perpetual.status) == (InstrumentKind.PERP, InstrumentStatus.TRADING)
    assert (delivery.kind, delivery.status) == (InstrumentKind.FUTURE, InstrumentStatus.HALTED)
    (listed,) = SPOT.parse_catalogue(json.dumps({"result": {"list": [spot]}}).encode())
    assert (listed.venue, listed.kind) == ("bybit-spot", InstrumentKind.SPOT)
    assert listed.step == Decimal("0.000001")


def test_a_catalogue_of_several_pages_is_followed_to_its_last() -> None:
    """The cursor of one page is the parameter of the next; no cursor is the end."""
    spec = load()["bybit-linear"]
    (first,) = spec.catalogue
    second = spec.next_page(first, b'{"result":{"list":[],"nextPageCursor":"a%3D1"}}')
    assert second is not None
    assert dict(second.params) == {**dict(first.params), "cursor": "a%3D1"}
    third = spec.next_page(second, b'{"result":{"list":[],"nextPageCursor":"b"}}')
    assert third is not None
    assert dict(third.params)["cursor"] == "b"
    assert spec.next_page(third, b'{"result":{"list":[],"nextPageCursor":""}}') is None
