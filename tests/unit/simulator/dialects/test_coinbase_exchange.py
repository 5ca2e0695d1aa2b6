"""Coinbase Exchange from the server's side: batches without a number, and its manners."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.simulator.scenario import crunch

BTC, ETH = "BTC-USDT", "ETH-USDT"
CHANNELS = ["level2_batch", "matches", "heartbeat"]
MATCH = {
    "type": "match",
    "trade_id": 10,
    "sequence": 50,
    "maker_order_id": "ac928c66-ca53-498f-9c13-a110027a60e8",
    "taker_order_id": "132fb6ae-456b-4654-b4e0-d681ac05cea1",
    "time": "2026-11-07T08:19:27.028459Z",
    "product_id": "BTC-USD",
    "size": "5.23512",
    "price": "400.23",
    "side": "sell",
}
BEAT = {
    "type": "heartbeat",
    "sequence": 90,
    "last_trade_id": 20,
    "product_id": "BTC-USD",
    "time": "2026-11-07T08:19:28.464459Z",
}


def subscribe(venue: Simulated, *names: str, channels: list[str] = CHANNELS) -> list[Any]:
    return venue.say({"type": "subscribe", "product_ids": list(names), "channels": channels})


def follow(frames: list[Any], name: str = BTC) -> OrderBook:
    """Rebuild a book as the venue's procedure says."""
    book = OrderBook()
    for frame in frames:
        if frame.get("product_id") != name:
            continue
        if frame["type"] == "snapshot":
            book.apply_snapshot(frame["bids"], frame["asks"])
        elif frame["type"] == "l2update":
            sides: dict[str, list[tuple[str, str]]] = {"buy": [], "sell": []}
            for side, price, size in frame["changes"]:
                sides[side].append((price, size))
            book.apply_delta(sides["buy"], sides["sell"])
        assert not book.crossed
    return book


def test_snapshot_and_batches_rebuild_the_whole_book() -> None:
    """Of each product, through a crunch."""
    scenario = crunch(at=2 * 10**9, lasts=3 * 10**9)
    venue = Simulated("coinbase-exchange", ["BTCUSDT", "ETHUSDT"], scenario=scenario)
    venue.open("/")
    heard = subscribe(venue, BTC, ETH)
    heard += venue.run(10.0)
    for name in (BTC, ETH):
        assert levels(follow(heard, name)) == exact(venue.market(name))


def test_frames_have_the_fields_of_the_venue() -> None:
    """Prices are spelt with more zeros in updates than in the snapshot."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    heard = subscribe(venue, BTC) + venue.run(10.0)
    first = {frame["type"]: frame for frame in reversed(heard)}
    assert first.keys() == {"subscriptions", "snapshot", "l2update", "match", "heartbeat"}
    assert same_keys(first["match"], MATCH)
    assert same_keys(first["heartbeat"], BEAT)
    assert len(first["snapshot"]["bids"][0][0].partition(".")[2]) == 2
    assert len(first["l2update"]["changes"][0][1].partition(".")[2]) == 8


def test_a_heartbeat_names_the_last_trade() -> None:
    """Of its product, every second; matches are numbered one by one."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    subscribe(venue, BTC)
    heard = [frame for frame in venue.run(20.0) if frame["type"] in ("match", "heartbeat")]
    assert sum(frame["type"] == "heartbeat" for frame in heard) == 20
    last = None
    for frame in heard:
        if frame["type"] == "heartbeat":
            assert last is None or frame["last_trade_id"] == last
            continue
        assert last is None or frame["trade_id"] == last + 1
        last = frame["trade_id"]


def test_the_last_match_is_told_at_once() -> None:
    """An old trade, where there was one."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    subscribe(venue, BTC)
    matches = [frame for frame in venue.run(10.0) if frame["type"] == "match"]
    again = subscribe(venue, BTC, channels=["matches"])
    assert again[1] == matches[-1] | {"type": "last_match"}


@pytest.mark.parametrize(
    ("names", "channels", "reason"),
    [
        ([BTC, "NOPE-USD"], CHANNELS, "NOPE-USD is not a valid product"),
        ([BTC], ["level2"], "level2 requires authentication"),
        ([BTC], ["dances"], "dances is not a valid channel"),
    ],
)
def test_one_bad_word_has_the_whole_request_refused(
    names: list[str], channels: list[str], reason: str
) -> None:
    """And nothing comes of it."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    (error,) = subscribe(venue, *names, channels=channels)
    assert error == {"type": "error", "message": "Failed to subscribe", "reason": reason}
    assert venue.run(1.0) == []


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"type":"fly"}'])
def test_nonsense_is_answered(text: str) -> None:
    """Silence is not: who has subscribed to nothing after five seconds is closed on."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    (error,) = venue.say(text)
    assert error["type"] == "error"
    venue.run(6.0)
    assert venue.closed == {1: False}


def test_what_is_unsubscribed_falls_silent() -> None:
    """The book only, where only the book was meant."""
    venue = Simulated("coinbase-exchange")
    venue.open("/")
    subscribe(venue, BTC)
    message = {"type": "unsubscribe", "product_ids": [BTC], "channels": ["level2_batch"]}
    (ack,) = venue.say(message)
    assert [channel["name"] for channel in ack["channels"]] == ["matches", "heartbeat"]
    assert not any(frame["type"] == "l2update" for frame in venue.run(2.0))


def test_rest_tells_products_and_books() -> None:
    """Level 1 is the touch, level 2 the whole; what is unknown is not found."""
    venue = Simulated("coinbase-exchange", ["BTCUSDT", "ETHUSDT"])
    assert [product["id"] for product in venue.json("/products")] == [BTC, ETH]
    assert len(venue.json(f"/products/{BTC}/book?level=1")["bids"]) == 1
    whole = venue.json(f"/products/{BTC}/book?level=2")
    assert len(whole["bids"]) == len(venue.market(BTC).bids)
    assert venue.rest("/products/NOPE-USD/book").status == 404
    assert venue.rest("/nowhere").status == 404


@one_in(8)
@given(seed=st.integers(0, 10**6))
def test_any_market_is_rebuilt(seed: int) -> None:
    """Whatever it does."""
    venue = Simulated("coinbase-exchange", seed=seed)
    venue.open("/")
    heard = subscribe(venue, BTC)
    heard += venue.run(2.0)
    assert levels(follow(heard)) == exact(venue.market(BTC))
