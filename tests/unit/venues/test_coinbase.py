"""Coinbase Advanced Trade: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookLost, Trade
from tidegauge.core.instrument import SECOND, InstrumentKind, InstrumentStatus, Nanos
from tidegauge.core.reading import Taker
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output, Purpose, Send

SPEC = load()["coinbase"]


class Server:
    """Numbers the frames of one connection, as the venue does."""

    def __init__(self) -> None:
        self.number = -1

    def frame(self, channel: str, *events: dict[str, Any]) -> str:
        self.number += 1
        told = {"channel": channel, "timestamp": "2026-04-07T14:30:00.123456789Z"}
        return json.dumps({**told, "sequence_num": self.number, "events": events})

    def book(self, kind: str, name: str, *updates: tuple[str, str, str], at: str = "") -> str:
        rows = [
            {
                "side": side,
                "event_time": at or "1970-01-01T00:00:00Z",
                "price_level": price,
                "new_quantity": size,
            }
            for side, price, size in updates
        ]
        return self.frame("l2_data", {"type": kind, "product_id": name, "updates": rows})

    def whole(self, name: str) -> str:
        return self.book("snapshot", name, ("bid", "10", "1"), ("offer", "11", "1"))

    def beat(self, counter: int | str) -> str:
        return self.frame("heartbeats", {"current_time": "", "heartbeat_counter": counter})

    def trades(self, kind: str, *numbers: int, name: str = "BTC-USD") -> str:
        deals = [
            {
                "trade_id": str(number),
                "product_id": name,
                "price": "10.50",
                "size": "0.0015",
                "side": "BUY",
                "time": "2026-04-07T14:29:59.789012Z",
            }
            for number in numbers
        ]
        return self.frame("market_trades", {"type": kind, "trades": deals})

    def served(self, *names: str) -> str:
        return self.frame("subscriptions", {"subscriptions": {"level2": names}})


def opened(*names: str) -> Conversation:
    chosen = names or ("BTC-USD",)
    conversation = Conversation(SPEC, [instrument(SPEC, name) for name in chosen])
    conversation.open_all(0)
    return conversation


def live(*names: str) -> tuple[Conversation, Server]:
    conversation, server = opened(*names), Server()
    for name in conversation.keepers:
        conversation.receive(BOOK_LINK, server.whole(name), 0)
    conversation.said.clear()
    return conversation, server


def hear(conversation: Conversation, text: str, now: Nanos = 0) -> list[Output]:
    return conversation.receive(BOOK_LINK, text, now)


def requests(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


# -- subscriptions -------------------------------------------------------------------------------


def test_each_channel_is_subscribed_to_in_a_message_of_its_own() -> None:
    """Heartbeats first: they keep the socket, and name no product."""
    asked = requests(opened("BTC-USD", "ETH-USD").said)
    both = ["BTC-USD", "ETH-USD"]
    assert asked == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "product_ids": both, "channel": "level2"},
        {"type": "subscribe", "product_ids": both, "channel": "market_trades"},
    ]


def test_an_unknown_product_that_is_named_costs_only_itself() -> None:
    """It is struck off, and the others are asked for again at once."""
    conversation = opened("BTC-USD", "NOPE-USD", "ETH-USD")
    error = '{"type":"error","message":"NOPE-USD is not a valid product"}'
    outputs = hear(conversation, error)
    (rejected,) = [each for each in outputs if isinstance(each, SubscriptionRejected)]
    assert rejected.instrument == "NOPE-USD"
    assert [request["product_ids"] for request in requests(outputs)] == [["BTC-USD", "ETH-USD"]] * 2
    # The other message of that request is refused as well: nothing more to do.
    assert [type(each) for each in hear(conversation, error)] == [Note]


def test_a_refusal_that_names_nobody_halves_the_request_and_strikes_nobody() -> None:
    """What such errors say was never seen: a product is not given up for an unknown text."""
    conversation = opened("BTC-USD", "NOPE-USD")
    error = '{"type":"error","message":"failure to subscribe"}'
    halves = requests(hear(conversation, error))
    assert [request["product_ids"] for request in halves] == [
        ["BTC-USD"],
        ["BTC-USD"],
        ["NOPE-USD"],
        ["NOPE-USD"],
    ]
    server = Server()
    hear(conversation, server.whole("BTC-USD"))
    hear(conversation, server.served("BTC-USD"))
    assert [type(each) for each in hear(conversation, error)] == [Note]
    assert conversation.live("BTC-USD")
    assert conversation.count(SubscriptionRejected) == 0


def test_what_is_told_under_the_other_name_is_the_book_that_was_asked_for() -> None:
    """Most products in USDC come back as the one in USD."""
    conversation, server = opened("BTC-USDC"), Server()
    hear(conversation, server.whole("BTC-USD"))
    hear(
        conversation,
        server.book("update", "BTC-USD", ("bid", "10.5", "2"), at="2026-04-07T14:30:00Z"),
    )
    (trade,) = hear(conversation, server.trades("update", 7))
    assert isinstance(trade, Trade)
    assert trade.instrument == "BTC-USDC"
    assert conversation.touch("BTC-USDC") == ("10.5", "11")


def test_two_names_of_one_book_are_two_books_of_ours() -> None:
    """Both are watched; each frame is of both."""
    conversation = opened("BTC-USD", "BTC-USDC")
    hear(conversation, Server().whole("BTC-USD"))
    assert conversation.live("BTC-USD")
    assert conversation.live("BTC-USDC")


def test_a_product_in_usdc_with_a_book_of_its_own_is_no_other_name() -> None:
    """Known by name, or found by what the venue tells."""
    conversation, server = opened("USDT-USD", "USDT-USDC", "FOO-USDC", "FOO-USD"), Server()
    hear(conversation, server.whole("USDT-USD"))
    assert not conversation.live("USDT-USDC")
    hear(conversation, server.whole("FOO-USDC"))
    hear(conversation, server.book("snapshot", "FOO-USD", ("bid", "5", "1"), ("offer", "6", "1")))
    assert conversation.touch("FOO-USDC") == ("10", "11")
    assert conversation.touch("FOO-USD") == ("5", "6")


# -- the count of the connection -----------------------------------------------------------------


@pytest.mark.parametrize("channel", ["heartbeats", "l2_data", "subscriptions", "status"])
def test_a_missing_frame_of_any_channel_costs_every_book(channel: str) -> None:
    """In the very frame that shows it; nothing of that connection is believed again."""
    conversation, server = live("BTC-USD", "ETH-USD")
    server.number += 1
    said: dict[str, list[dict[str, Any]]] = {
        "heartbeats": [{"heartbeat_counter": 1}],
        "l2_data": [{"type": "update", "product_id": "BTC-USD", "updates": []}],
        "subscriptions": [{"subscriptions": {"level2": []}}],
        "status": [],
    }
    outputs = hear(conversation, server.frame(channel, *said[channel]))
    assert [type(each) for each in outputs] == [BookLost, BookLost, Drop]
    assert conversation.lost(TrustReason.GAP) == 2
    assert hear(conversation, server.whole("BTC-USD")) == []
    assert not conversation.live("BTC-USD")


def test_a_frame_that_comes_twice_is_a_gap_too() -> None:
    """One ordered connection repeats nothing: its numbers are not to be trusted then."""
    conversation, server = live()
    frame = server.served("BTC-USD")
    hear(conversation, frame)
    assert isinstance(hear(conversation, frame)[-1], Drop)


def test_a_new_connection_counts_anew() -> None:
    """The counts of two connections have nothing to do with each other."""
    conversation, server = live()
    for _ in range(5):
        hear(conversation, server.served("BTC-USD"))
    conversation.close(BOOK_LINK, SECOND)
    conversation.open(BOOK_LINK, 2 * SECOND)
    fresh = Server()
    hear(conversation, fresh.whole("BTC-USD"), 3 * SECOND)
    hear(conversation, fresh.served("BTC-USD"), 3 * SECOND)
    assert conversation.live("BTC-USD")
    assert conversation.count(Drop) == 0


def test_a_frame_without_its_number_is_malformed() -> None:
    """The only check there is must not vanish unnoticed."""
    conversation, _server = live()
    with pytest.raises(MalformedFrame):
        hear(conversation, '{"channel":"l2_data","timestamp":"2026-04-07T14:30:00Z","events":[]}')


# -- heartbeats ----------------------------------------------------------------------------------


def test_a_missing_heartbeat_is_a_dead_socket() -> None:
    """After more than three seconds, whatever else comes."""
    conversation, server = live()
    hear(conversation, server.beat(1), SECOND)
    hear(conversation, server.beat("2"), 2 * SECOND)
    hear(conversation, server.served("BTC-USD"), 5 * SECOND)
    assert conversation.tick(5 * SECOND) == []
    lost, drop = conversation.tick(5 * SECOND + 1)
    assert isinstance(lost, BookLost)
    assert drop == Drop(link=BOOK_LINK, reason="no heartbeat for 3 s")
    assert conversation.tick(6 * SECOND) == []


def test_a_heartbeat_that_counts_wrong_is_a_loss() -> None:
    """Its counter goes up by one."""
    conversation, server = live()
    hear(conversation, server.beat(1))
    assert isinstance(hear(conversation, server.beat(3))[-1], Drop)


def test_heartbeats_are_not_missed_behind_a_snapshot() -> None:
    """Megabytes take their time, and nothing overtakes them."""
    conversation, server = opened("BTC-USD"), Server()
    hear(conversation, server.beat(1))
    assert conversation.tick(9 * SECOND) == []
    hear(conversation, server.whole("BTC-USD"), 9 * SECOND)
    assert conversation.tick(12 * SECOND) == []
    assert isinstance(conversation.tick(12 * SECOND + 1)[-1], Drop)


# -- trades and times ----------------------------------------------------------------------------


def test_the_side_of_a_trade_is_the_makers() -> None:
    """BUY: a resting bid was hit, so the taker sold."""
    conversation, server = live()
    (trade,) = hear(conversation, server.trades("update", 995098700))
    assert trade == Trade(
        instrument="BTC-USD",
        taker=Taker.SELL,
        price="10.50",
        size="0.0015",
        id="995098700",
        venue_time=1_775_572_199_789_012_000,
    )


def test_the_trades_before_the_subscription_are_told_only_if_they_were_missed() -> None:
    """The first snapshot is old news; after a reconnection it fills the hole."""
    conversation, server = live()
    assert hear(conversation, server.trades("snapshot", 9, 8, 7)) == []
    assert len(hear(conversation, server.trades("update", 11, 10))) == 2
    conversation.open(BOOK_LINK, SECOND)
    again = hear(conversation, Server().trades("snapshot", 13, 12, 11, 10))
    assert [each.id for each in again if isinstance(each, Trade)] == ["12", "13"]


def test_an_update_has_the_engines_time_and_a_snapshot_the_frames() -> None:
    """The times inside a snapshot are those of 1970."""
    conversation, server = live()
    assert conversation.keepers["BTC-USD"].venue_time == 1_775_572_200_123_456_789
    at = "2026-04-07T14:30:00.45Z"
    hear(conversation, server.book("update", "BTC-USD", ("bid", "10.0", "0"), at=at))
    assert conversation.keepers["BTC-USD"].venue_time == 1_775_572_200_450_000_000


# -- REST and names ------------------------------------------------------------------------------


def test_the_catalogue_tells_what_trades() -> None:
    """Disabled products are halted; what is no spot product is left out."""

    def product(name: str, **more: Any) -> dict[str, Any]:
        base, quote = name.split("-")[:2]
        known = {"product_id": name, "base_currency_id": base, "quote_currency_id": quote}
        steps = {"base_increment": "0.00000001", "quote_increment": "0.01", "status": "online"}
        return {**known, **steps, **more}

    listed = SPEC.parse_catalogue(
        json.dumps(
            {
                "products": [
                    product("BTC-USD", price_increment="0.05"),
                    product("ETH-USD", trading_disabled=True),
                    product("OLD-USD", status="delisted"),
                    product("BTC-PERP-INTX", product_type="FUTURE"),
                    product("NIL-USD", base_increment=""),
                ]
            }
        ).encode()
    )
    assert [(each.name, each.status) for each in listed] == [
        ("BTC-USD", InstrumentStatus.TRADING),
        ("ETH-USD", InstrumentStatus.HALTED),
        ("OLD-USD", InstrumentStatus.DELISTED),
    ]
    assert listed[0].kind is InstrumentKind.SPOT
    assert (listed[0].tick, listed[1].tick) == (Decimal("0.05"), Decimal("0.01"))


def test_a_book_can_be_had_by_rest_to_compare_with() -> None:
    """Of so many levels a side; without a number."""
    assert SPEC.audit is not None
    btc = instrument(SPEC, "BTC-USD")
    fetch = SPEC.audit.request(btc)
    assert fetch.purpose is Purpose.AUDIT
    assert (fetch.path, dict(fetch.params)) == (
        "/api/v3/brokerage/market/product_book",
        {"product_id": "BTC-USD", "limit": "500"},
    )
    told = {"bids": [{"price": "10", "size": "1"}], "asks": [], "time": "2026-04-07T14:30:00Z"}
    book = SPEC.audit.read(
        btc, json.dumps({"pricebook": {"product_id": "BTC-USD", **told}}).encode()
    )
    assert (book.bids, book.asks, book.sequence, book.limit) == ([("10", "1")], [], 0, 500)


@pytest.mark.parametrize(
    ("symbol", "name"), [("BTCUSDT", "BTC-USDT"), ("ethusd", "ETH-USD"), ("BTC", "BTC")]
)
def test_our_symbols_are_written_with_a_dash(symbol: str, name: str) -> None:
    """Settings map what is called otherwise."""
    assert SPEC.default_name(symbol) == name
