"""Hyperliquid: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookLost, BookSnapshot, BookTouch
from tidegauge.core.instrument import HOUR, SECOND, InstrumentStatus, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.venues.hyperliquid.link import Link
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Send

SPEC = load()["hyperliquid"]
TOUCH_LINK = "touch"

Level = tuple[str, str]


def opened(*names: str) -> Conversation:
    conversation = Conversation(SPEC, [instrument(SPEC, name) for name in names or ("BTC",)])
    conversation.open_all(0)
    return conversation


def quote(level: Level | None) -> dict[str, Any] | None:
    return None if level is None else {"px": level[0], "sz": level[1], "n": 3}


def book(
    time: int, bids: list[Level] | None = None, asks: list[Level] | None = None, **more: Any
) -> str:
    sides = (bids or [("10", "1"), ("9", "1")], asks or [("11", "1"), ("12", "1")])
    levels = [[quote(level) for level in side] for side in sides]
    data = {"coin": "BTC", "time": time, "levels": levels, **more}
    return json.dumps({"channel": "l2Book", "data": data})


def bbo(time: int, bid: Level | None = ("10.5", "2"), ask: Level | None = ("11", "3")) -> str:
    data = {"coin": "BTC", "time": time, "bbo": [quote(bid), quote(ask)]}
    return json.dumps({"channel": "bbo", "data": data})


def told(conversation: Conversation, text: str, now: Nanos = 0) -> list[type]:
    link = TOUCH_LINK if '"bbo"' in text else BOOK_LINK
    outputs = conversation.receive(link, text, now)
    return [type(output) for output in outputs if not isinstance(output, Note)]


def sent(outputs: list[Output]) -> list[tuple[str, str, str]]:
    """Link, method and coin of each request."""
    frames = [
        (output.link, json.loads(output.text)) for output in outputs if isinstance(output, Send)
    ]
    return [
        (link, frame["method"], frame["subscription"]["coin"])
        for link, frame in frames
        if frame["method"] != "ping"
    ]


def acknowledged(kind: str, coin: str) -> str:
    data = {"method": "subscribe", "subscription": {"type": kind, "coin": coin}}
    return json.dumps({"channel": "subscriptionResponse", "data": data})


# -- books ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "outputs"), [(999, []), (1000, [BookSnapshot]), (1540, [BookSnapshot])]
)
def test_every_book_replaces_the_last_unless_it_is_older(time: int, outputs: list[type]) -> None:
    """time=1000, then 999, 1000 or 1540."""
    conversation = opened()
    assert told(conversation, book(1000)) == [BookSnapshot]
    assert told(conversation, book(time)) == outputs


def test_a_book_is_a_window_of_twenty_levels() -> None:
    """Its time is its sequence, as there is no other."""
    conversation = opened()
    note, snapshot = conversation.receive(BOOK_LINK, book(1000), 0)
    assert note == Note(kind="subscribed", instrument="BTC")
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.window, snapshot.sequence, snapshot.venue_time) == (20, 1000, 1_000_000_000)
    assert snapshot.bids == [("10", "1"), ("9", "1")]


def test_a_fast_book_is_passed_over() -> None:
    """Five levels must not pass for a window of twenty."""
    assert told(opened(), book(1000, fast=True)) == []


@pytest.mark.parametrize(
    "frame",
    [
        "Websocket connection established.",
        '{"channel":"pong"}',
        '{"channel":"candle","data":{"coin":"BTC"}}',
        '{"channel":"l2Book","data":{"coin":"MATIC","time":1,"levels":[[],[]]}}',
    ],
)
def test_other_frames_are_passed_over(frame: str) -> None:
    """The greeting is not even JSON."""
    assert opened().receive(BOOK_LINK, frame, 0) == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[]]}}',
        '{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[{"px":1,"sz":"1"}],[]]}}',
        '{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[null]}}',
        '{"channel":"bbo"}',
        '{"data":{}}',
    ],
)
def test_half_a_book_is_malformed(frame: str) -> None:
    """A frame is whole or it is nothing."""
    with pytest.raises(MalformedFrame):
        opened().receive(BOOK_LINK, frame, 0)


# -- the touch -----------------------------------------------------------------------------------


def test_a_newer_touch_moves_the_book() -> None:
    """Levels better than it are gone."""
    conversation = opened()
    told(conversation, book(1000))
    assert told(conversation, bbo(1600, ("9", "4"), ("12", "5"))) == [BookTouch]
    assert conversation.touch("BTC") == ("9", "12")


@pytest.mark.parametrize("time", [999, 1000])
def test_a_touch_that_is_not_newer_than_the_book_says_nothing_new(time: int) -> None:
    """The book holds it already."""
    conversation = opened()
    told(conversation, book(1000))
    assert told(conversation, bbo(time)) == []


def test_a_book_older_than_the_touch_gets_the_touch_laid_over_it() -> None:
    """It is newer than the last book, but the touch is newer still."""
    conversation = opened()
    told(conversation, book(1000))
    told(conversation, bbo(1600))
    assert told(conversation, book(1500)) == [BookSnapshot, BookTouch]
    assert conversation.touch("BTC") == ("10.5", "11")
    assert told(conversation, book(1600)) == [BookSnapshot]
    assert conversation.touch("BTC") == ("10", "11")


def test_a_touch_that_came_before_the_book_waits_for_it() -> None:
    """The touch link may open first."""
    conversation = opened()
    assert told(conversation, bbo(1600)) == []
    assert told(conversation, book(1500)) == [BookSnapshot, BookTouch]


def test_a_touch_without_a_side_empties_that_side() -> None:
    """Nobody bids: better to show nothing than a bid that left."""
    conversation = opened()
    told(conversation, book(1000))
    told(conversation, bbo(1600, None, ("11", "1")))
    assert conversation.touch("BTC") == (None, "11")


def test_an_older_touch_is_passed_over() -> None:
    """A touch of the past must not come back."""
    conversation = opened()
    told(conversation, book(1000))
    told(conversation, bbo(1600))
    assert told(conversation, bbo(1500)) == []


def test_a_touch_does_not_outlive_its_link() -> None:
    """Laid over a newer book it would bring back a market that is gone."""
    conversation = opened()
    told(conversation, book(1000))
    told(conversation, bbo(9000))
    assert conversation.close(TOUCH_LINK, 0) == []
    assert told(conversation, book(1500)) == [BookSnapshot]
    assert conversation.live("BTC")


def test_losing_the_book_link_loses_the_books() -> None:
    """The touch alone is no book."""
    conversation = opened()
    told(conversation, book(1000))
    (lost,) = conversation.close(BOOK_LINK, SECOND * 60)
    assert lost == BookLost(instrument="BTC", reason=TrustReason.DISCONNECTED)
    assert told(conversation, bbo(1600)) == []


def test_a_resync_subscribes_again() -> None:
    """A new subscription is answered with a whole book at once, whatever its time."""
    conversation = opened()
    told(conversation, book(1000))
    outputs = conversation.protocol.resync("BTC", TrustReason.CROSSED, SECOND)
    assert sent(outputs) == [(BOOK_LINK, "unsubscribe", "BTC"), (BOOK_LINK, "subscribe", "BTC")]
    assert told(conversation, book(900)) == [BookSnapshot]


# -- the links -----------------------------------------------------------------------------------


def test_each_coin_is_subscribed_to_on_both_links() -> None:
    """One subscription a frame; the default book, not the fast one; the rest beside the touch."""
    conversation = opened("BTC", "kPEPE")
    assert SPEC.links([]) == {"book": "/ws", "touch": "/ws"}
    frames = [json.loads(output.text) for output in conversation.said if isinstance(output, Send)]
    assert [frame["subscription"] for frame in frames] == [
        {"type": "l2Book", "coin": "BTC"},
        {"type": "l2Book", "coin": "kPEPE"},
        {"type": "bbo", "coin": "BTC"},
        {"type": "bbo", "coin": "kPEPE"},
        {"type": "trades", "coin": "BTC"},
        {"type": "trades", "coin": "kPEPE"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "kPEPE"},
    ]


def test_each_link_is_pinged_every_thirty_seconds() -> None:
    """The venue cuts a link over which it has said nothing for a minute."""
    conversation = opened()
    conversation.said.clear()
    for second in range(1, 91):
        for link in conversation.links:
            conversation.receive(link, '{"channel":"pong"}', second * SECOND)
        conversation.tick(second * SECOND)
    pings = [
        output.link
        for output in conversation.said
        if isinstance(output, Send) and json.loads(output.text) == {"method": "ping"}
    ]
    assert pings == [BOOK_LINK, TOUCH_LINK] * 3


def test_a_link_without_any_frame_for_a_minute_is_dropped() -> None:
    """Each on its own."""
    conversation = opened()
    conversation.receive(TOUCH_LINK, '{"channel":"pong"}', 30 * SECOND)
    drops = [
        (second, output.link)
        for second in range(70)
        for output in conversation.tick(second * SECOND)
        if isinstance(output, Drop)
    ]
    assert drops == [(60, BOOK_LINK)]


def test_a_coin_that_falls_silent_is_subscribed_to_again() -> None:
    """Books come every five seconds; one that stays away for twenty has been forgotten."""
    conversation = opened("BTC", "ETH")
    again = []
    for second in range(1, 31):
        conversation.receive(BOOK_LINK, book(second * 1000), second * SECOND)
        conversation.receive(TOUCH_LINK, '{"channel":"pong"}', second * SECOND)
        again += [(second, *each) for each in sent(conversation.tick(second * SECOND))]
    assert again == [(20, "book", "unsubscribe", "ETH"), (20, "book", "subscribe", "ETH")]


def test_errors_are_counted() -> None:
    """Being subscribed already is harmless after a reconnect."""
    (note,) = opened().receive(BOOK_LINK, '{"channel":"error","data":"Already subscribed: {}"}', 0)
    assert isinstance(note, Note)
    assert note.kind == "request_refused"


def test_the_coin_that_closes_the_socket_is_found_and_left_out() -> None:
    """The venue closes without a word; the coins are then asked for one at a time."""
    conversation = opened("BTC", "NOPE", "ETH")
    rejected: list[str | None] = []
    for attempt in range(10):
        now = attempt * 10 * SECOND
        outputs = conversation.open(BOOK_LINK, now) if attempt else conversation.said
        asked = [coin for link, _, coin in sent(outputs) if link == BOOK_LINK]
        while asked and "NOPE" not in asked:
            reply = acknowledged("l2Book", asked.pop(0))
            asked += [coin for *_, coin in sent(conversation.receive(BOOK_LINK, reply, now))]
        if not asked:
            break
        outputs = conversation.close(BOOK_LINK, now + SECOND // 10)
        rejected += [
            output.instrument for output in outputs if isinstance(output, SubscriptionRejected)
        ]
    assert rejected == ["NOPE"]
    assert attempt == 3
    conversation.close(BOOK_LINK, 1000 * SECOND)
    names = {coin for *_, coin in sent(conversation.open(BOOK_LINK, 1001 * SECOND))}
    assert names == {"BTC", "ETH"}


def test_a_venue_in_trouble_is_no_reason_to_leave_coins_out() -> None:
    """It closes on every coin, before any was taken."""
    conversation = opened("BTC", "ETH")
    for attempt in range(20):
        now = attempt * 10 * SECOND
        conversation.close(BOOK_LINK, now + SECOND // 10)
        conversation.open(BOOK_LINK, now + SECOND)
    assert conversation.count(SubscriptionRejected) == 0


def test_sockets_cut_by_chance_do_not_add_up_against_a_coin_that_was_taken() -> None:
    """Days lie between two cuts that both hit the moment in which ETH was asked for."""
    link = Link(["BTC", "ETH"], patience=SECOND)
    for day in (1, 2):
        now = day * 24 * HOUR
        link.asked(link.opened(now), now)
        assert link.closed(now) is None
        link.asked(link.opened(now), now)
        link.asked(link.proved("BTC"), now)
        assert link.closed(now) is None
        link.asked(link.opened(now), now)
        link.asked(link.proved("BTC"), now)
        assert link.proved("ETH") == []
        link.closed(now + HOUR)


# -- names and catalogue -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "coin"),
    [
        ("BTCUSDT", "BTC"),
        ("ETHUSDC", "ETH"),
        ("SOLUSD", "SOL"),
        ("HYPE", "HYPE"),
        ("1000PEPEUSDT", "kPEPE"),
    ],
)
def test_our_symbol_becomes_a_coin(symbol: str, coin: str) -> None:
    """Everything here is quoted in USDC."""
    assert SPEC.default_name(symbol) == coin


def test_ticks_follow_from_the_size_decimals() -> None:
    """A price and a size have six decimals together; the delisted are marked."""
    universe = [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40},
        {"name": "DOGE", "szDecimals": 0},
        {"name": "MATIC", "szDecimals": 1, "isDelisted": True},
    ]
    btc, doge, matic = SPEC.parse_catalogue(json.dumps({"universe": universe}).encode())
    assert (btc.tick, btc.step) == (Decimal("0.1"), Decimal("0.00001"))
    assert (doge.tick, doge.step) == (Decimal("0.000001"), Decimal(1))
    assert (doge.price_scale, doge.size_scale) == (6, 0)
    assert matic.status is InstrumentStatus.DELISTED


def test_size_decimals_out_of_range_are_malformed() -> None:
    """They would make a tick no price could have."""
    body = b'{"universe":[{"name":"BTC","szDecimals":99}]}'
    with pytest.raises(MalformedFrame):
        SPEC.parse_catalogue(body)
