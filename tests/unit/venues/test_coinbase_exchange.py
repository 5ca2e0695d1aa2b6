"""Coinbase Exchange: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import FeedError, MalformedFrame, Remedy, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot, Trade
from tidegauge.core.instrument import SECOND, InstrumentStatus, Nanos
from tidegauge.core.reading import Taker
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Send

SPEC = load()["coinbase-exchange"]
CHANNELS = ["level2_batch", "matches", "heartbeat"]


def opened(*names: str) -> Conversation:
    chosen = names or ("BTC-USD",)
    conversation = Conversation(SPEC, [instrument(SPEC, name) for name in chosen])
    conversation.open_all(0)
    return conversation


def hear(conversation: Conversation, told: dict[str, Any], now: Nanos = 0) -> list[Output]:
    return conversation.receive(BOOK_LINK, json.dumps(told), now)


def whole(name: str = "BTC-USD") -> dict[str, Any]:
    return {"type": "snapshot", "product_id": name, "bids": [["10.10", "1"]], "asks": [["11", "1"]]}


def changed(*changes: tuple[str, str, str], name: str = "BTC-USD") -> dict[str, Any]:
    at = "2026-08-14T20:42:27.265123Z"
    return {"type": "l2update", "product_id": name, "time": at, "changes": changes}


def match(number: int, side: str = "sell", *, kind: str = "match") -> dict[str, Any]:
    traded = {"trade_id": number, "price": "400.23", "size": "5.23512", "side": side}
    at = "2026-11-07T08:19:27.028459Z"
    return {"type": kind, "product_id": "BTC-USD", "time": at, "sequence": 50, **traded}


def beat(last: int) -> dict[str, Any]:
    return {"type": "heartbeat", "product_id": "BTC-USD", "last_trade_id": last, "sequence": 9}


def refusal(reason: str) -> dict[str, Any]:
    return {"type": "error", "message": "Failed to subscribe", "reason": reason}


def served(*names: str) -> dict[str, Any]:
    channels = [{"name": name, "product_ids": names} for name in CHANNELS]
    return {"type": "subscriptions", "channels": channels}


def live(*names: str) -> Conversation:
    conversation = opened(*names)
    for name in conversation.keepers:
        hear(conversation, whole(name))
        assert conversation.live(name)
    conversation.said.clear()
    return conversation


def requests(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


def notes(outputs: list[Output]) -> list[tuple[str, str]]:
    return [(output.kind, output.detail) for output in outputs if isinstance(output, Note)]


# -- subscriptions -------------------------------------------------------------------------------


def test_all_channels_are_asked_for_in_one_message() -> None:
    """A refusal then costs all of them, and nothing has to be put together again."""
    (asked,) = requests(opened("BTC-USD", "ETH-USD").said)
    assert asked == {
        "type": "subscribe",
        "product_ids": ["BTC-USD", "ETH-USD"],
        "channels": CHANNELS,
    }


def test_one_unknown_product_among_a_hundred_costs_one_round() -> None:
    """The answer names it: it is struck off, and its companions are asked for again."""
    names = [f"C{number}-USD" for number in range(100)]
    conversation = opened(*names)
    outputs = hear(conversation, refusal("C7-USD is not a valid product"))
    (rejected,) = [each for each in outputs if isinstance(each, SubscriptionRejected)]
    assert rejected.instrument == "C7-USD"
    (again,) = requests(outputs)
    assert again["product_ids"] == [name for name in names[:50] if name != "C7-USD"]
    for name in names:
        hear(conversation, whole(name))
    assert [name for name in names if not conversation.live(name)] == ["C7-USD"]


def test_a_refusal_of_the_moment_strikes_nobody() -> None:
    """A rate limit says nothing of the product it mentions."""
    conversation = opened("BTC-USD")
    outputs = hear(conversation, refusal("too many subscriptions to BTC-USD"))
    assert notes(outputs)[0][0] == "request_refused"
    assert requests(conversation.tick(10 * SECOND))[-1]["product_ids"] == ["BTC-USD"]


def test_a_refusal_that_names_nobody_halves_the_oldest_unanswered_request() -> None:
    """What was acknowledged was not refused."""
    names = [f"C{number}-USD" for number in range(52)]
    conversation = opened(*names)
    hear(conversation, served(*names[:50]))
    halves = requests(hear(conversation, refusal("something is wrong")))
    assert [request["product_ids"] for request in halves] == [[names[50]], [names[51]]]


def test_a_lost_book_is_subscribed_to_anew() -> None:
    """The book only: trades and heartbeats go on, and asking for them again does no harm."""
    conversation = live("BTC-USD", "ETH-USD")
    outputs = conversation.protocol.resync("BTC-USD", TrustReason.CROSSED, 0)
    assert requests(outputs) == [
        {"type": "unsubscribe", "product_ids": ["BTC-USD"], "channels": ["level2_batch"]},
        {"type": "subscribe", "product_ids": ["BTC-USD"], "channels": CHANNELS},
    ]
    assert hear(conversation, changed(("buy", "10.2", "1"))) == []
    assert conversation.live("ETH-USD")


# -- books ---------------------------------------------------------------------------------------


def test_changes_are_absolute_sizes_of_the_book_side_they_name() -> None:
    """However many zeros a price is spelt with, it is the same level."""
    conversation = live()
    (delta,) = hear(
        conversation,
        changed(("buy", "10.10000000", "0.162567"), ("sell", "11.00000000", "0.00000000")),
    )
    assert isinstance(delta, BookDelta)
    assert delta.venue_time == 1_786_740_147_265_123_000
    assert conversation.touch("BTC-USD") == ("10.1", None)
    book = conversation.keepers["BTC-USD"].book
    assert book.best_bid is not None
    assert book.size(book.best_bid) == Decimal("0.162567")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"l2update","product_id":"BTC-USD"}',
        '{"type":"l2update","product_id":"BTC-USD","time":"2026-08-14T20:42:27Z","changes":[["up","1","1"]]}',
        '{"type":"l2update","product_id":"BTC-USD","time":"today","changes":[]}',
    ],
)
def test_a_book_that_cannot_be_read_costs_the_connection(text: str) -> None:
    """It may have held an update, and no number would ever tell."""
    conversation = live()
    outputs = conversation.receive(BOOK_LINK, text, 0)
    assert [type(each) for each in outputs] == [MalformedFrame, BookLost, Drop]
    assert conversation.lost(TrustReason.MALFORMED) == 1


def test_noise_costs_the_connection_and_other_frames_cost_nothing() -> None:
    """Noise may have been an update; what is known to be none is only counted."""
    conversation = live()
    with pytest.raises(FeedError) as raised:
        conversation.receive(BOOK_LINK, "nonsense", 0)
    assert raised.value.remedy is Remedy.RECONNECT
    with pytest.raises(MalformedFrame):
        hear(conversation, {"type": "match", "product_id": "BTC-USD"})
    assert conversation.live("BTC-USD")


def test_frames_of_other_channels_are_passed_over() -> None:
    """A ticker is nothing of ours, and says nothing wrong."""
    assert hear(live(), {"type": "ticker", "product_id": "BTC-USD", "price": "1"}) == []


def test_four_silent_seconds_are_a_dead_socket() -> None:
    """Each product has a heartbeat a second; while the whole book is under way there is patience."""
    conversation = live()
    hear(conversation, beat(1), SECOND)
    assert conversation.tick(4 * SECOND) == []
    (drop,) = conversation.tick(5 * SECOND)
    assert isinstance(drop, Drop)
    waiting = opened()
    assert not any(isinstance(each, Drop) for each in waiting.tick(9 * SECOND))


def test_it_says_that_nothing_on_the_wire_proves_a_book() -> None:
    """Who reads the list of venues has to know."""
    assert SPEC.checks == "none on the wire: crossed, silence, REST comparison"
    assert SPEC.audit is not None


# -- trades --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "taker"), [("sell", Taker.BUY), ("buy", Taker.SELL)])
def test_the_side_of_a_match_is_the_makers(side: str, taker: Taker) -> None:
    """A resting sell order was taken by a buyer."""
    (trade,) = hear(live(), match(10, side))
    assert isinstance(trade, Trade)
    assert (trade.taker, trade.id, trade.price) == (taker, "10", "400.23")


def test_the_last_match_before_the_subscription_is_old() -> None:
    """It is told once, on a later connection, if it was missed."""
    conversation = live()
    assert hear(conversation, match(9, kind="last_match")) == []
    assert len(hear(conversation, match(10))) == 1
    assert hear(conversation, match(10, kind="last_match")) == []
    (late,) = hear(conversation, match(11, kind="last_match"))
    assert isinstance(late, Trade)


def test_dropped_matches_are_noted() -> None:
    """A heartbeat names the last trade; one that is merely late has come by the next."""
    conversation = live()
    hear(conversation, match(10))
    assert hear(conversation, beat(12)) == []
    assert len(hear(conversation, match(11))) == 1
    assert notes(hear(conversation, beat(12))) == [("trades_missed", "1")]
    assert notes(hear(conversation, beat(12))) == []
    assert notes(hear(conversation, match(14))) == [("trades_missed", "1")]


# -- REST and names ------------------------------------------------------------------------------


def test_the_catalogue_tells_what_trades() -> None:
    """`quote_increment` is the tick; what is not online is halted or gone."""

    def product(name: str, **more: Any) -> dict[str, Any]:
        base, quote = name.split("-")
        told = {"id": name, "base_currency": base, "quote_currency": quote, "status": "online"}
        return {**told, "quote_increment": "0.01", "base_increment": "0.00000001", **more}

    products = [
        product("BTC-USD"),
        product("ETH-USD", trading_disabled=True),
        product("SOL-USD", status="internal"),
        product("OLD-USD", status="delisted", trading_disabled=True),
        product("NIL-USD", base_increment="0"),
    ]
    listed = SPEC.parse_catalogue(json.dumps(products).encode())
    assert [(each.name, each.status) for each in listed] == [
        ("BTC-USD", InstrumentStatus.TRADING),
        ("ETH-USD", InstrumentStatus.HALTED),
        ("SOL-USD", InstrumentStatus.HALTED),
        ("OLD-USD", InstrumentStatus.DELISTED),
    ]
    assert (listed[0].tick, listed[0].step) == (Decimal("0.01"), Decimal("0.00000001"))


def test_a_book_can_be_had_by_rest_to_compare_with() -> None:
    """Whole; its number is of another count and is not taken over."""
    assert SPEC.audit is not None
    btc = instrument(SPEC, "BTC-USD")
    fetch = SPEC.audit.request(btc)
    assert (fetch.path, fetch.params) == ("/products/BTC-USD/book", (("level", "2"),))
    told = {"bids": [["10", "1", 3]], "asks": [], "sequence": 99, "time": "2026-04-07T14:30:00Z"}
    assert SPEC.audit.read(btc, json.dumps(told).encode()) == BookSnapshot(
        instrument="BTC-USD",
        bids=[("10", "1")],
        asks=[],
        sequence=0,
        venue_time=1_775_572_200_000_000_000,
    )


def test_our_symbols_are_written_with_a_dash() -> None:
    """Settings map what is called otherwise."""
    assert SPEC.default_name("BTCUSDT") == "BTC-USDT"


def test_a_closed_link_takes_every_book_with_it() -> None:
    """And each is told whole on the next one."""
    conversation = live("BTC-USD", "ETH-USD")
    conversation.close(BOOK_LINK, SECOND)
    assert conversation.count(BookLost) == 2
    conversation.open(BOOK_LINK, 2 * SECOND)
    hear(conversation, whole("ETH-USD"), 2 * SECOND)
    assert conversation.live("ETH-USD")
    assert not conversation.live("BTC-USD")
