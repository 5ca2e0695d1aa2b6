"""Coinbase Advanced Trade from the server's side: one count a connection, whole books, its manners."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.simulator.scenario import crunch

FRAME = {
    "channel": "l2_data",
    "client_id": "",
    "timestamp": "2026-04-07T14:30:00.123456789Z",
    "sequence_num": 1,
    "events": [],
}
UPDATE = {
    "side": "bid",
    "event_time": "2026-04-07T14:30:01.450000Z",
    "price_level": "68900.00",
    "new_quantity": "2.00000000",
}
BTC, ETH = "BTC-USDT", "ETH-USDT"


def subscribe(venue: Simulated, channel: str, *names: str, connection: int = 1) -> list[Any]:
    message = {"type": "subscribe", "product_ids": list(names), "channel": channel}
    return venue.say(message, connection)


def follow(frames: list[Any], name: str = BTC) -> OrderBook:
    """Rebuild a book as the venue's procedure says, and check the count on the way."""
    book, last = OrderBook(), frames[0]["sequence_num"] - 1
    for frame in frames:
        assert frame["sequence_num"] == last + 1
        last += 1
        for event in frame["events"] if frame["channel"] == "l2_data" else ():
            if event["product_id"] != name:
                continue
            sides: dict[str, list[tuple[str, str]]] = {"bid": [], "offer": []}
            for each in event["updates"]:
                sides[each["side"]].append((each["price_level"], each["new_quantity"]))
            apply = book.apply_snapshot if event["type"] == "snapshot" else book.apply_delta
            apply(sides["bid"], sides["offer"])
            assert not book.crossed
    return book


def test_snapshot_and_updates_rebuild_the_whole_book() -> None:
    """Of each product, through a crunch; every frame of the connection is counted."""
    scenario = crunch(at=2 * 10**9, lasts=3 * 10**9)
    venue = Simulated("coinbase", ["BTCUSDT", "ETHUSDT"], scenario=scenario)
    venue.open("/")
    heard = subscribe(venue, "heartbeats")
    heard += subscribe(venue, "level2", BTC, ETH)
    heard += subscribe(venue, "market_trades", BTC, ETH)
    heard += venue.run(10.0)
    for name in (BTC, ETH):
        assert levels(follow(heard, name)) == exact(venue.market(name))
    kinds = {frame["channel"] for frame in heard}
    assert kinds == {"l2_data", "subscriptions", "heartbeats", "market_trades"}


def test_each_connection_has_a_count_of_its_own() -> None:
    """A late subscriber begins at nought, with a snapshot."""
    venue = Simulated("coinbase")
    venue.open("/")
    subscribe(venue, "level2", BTC)
    venue.run(2.0)
    venue.open("/", 2)
    heard = subscribe(venue, "level2", BTC, connection=2)
    assert [frame["sequence_num"] for frame in heard] == [0, 1]
    assert levels(follow(heard)) == exact(venue.market(BTC))


def test_frames_have_the_fields_of_the_venue() -> None:
    """All of them; a snapshot's times are of 1970, and it comes before its acknowledgement."""
    venue = Simulated("coinbase")
    venue.open("/")
    snapshot, ack = subscribe(venue, "level2", BTC)
    assert same_keys(snapshot, FRAME)
    assert snapshot["events"][0]["type"] == "snapshot"
    told = snapshot["events"][0]["updates"][0]
    assert same_keys(told, UPDATE)
    assert told["event_time"] == "1970-01-01T00:00:00Z"
    assert ack["channel"] == "subscriptions"
    assert ack["events"] == [{"subscriptions": {"level2": [BTC]}}]
    update = venue.run(1.0)[0]
    assert (update["channel"], update["events"][0]["type"]) == ("l2_data", "update")


def test_heartbeats_come_every_second_and_count() -> None:
    """Whatever the market does."""
    venue = Simulated("coinbase")
    venue.open("/")
    subscribe(venue, "heartbeats")
    beats = [frame["events"][0]["heartbeat_counter"] for frame in venue.run(5.0)]
    assert beats == [1, 2, 3, 4, 5]


def test_trades_begin_with_the_recent_ones() -> None:
    """Newest first, as every update has them; the side is the maker's."""
    venue = Simulated("coinbase")
    venue.open("/")
    subscribe(venue, "market_trades", BTC)
    before = [t for f in venue.run(20.0) for e in f["events"] for t in e["trades"]]
    (recent, _ack) = subscribe(venue, "market_trades", BTC)
    assert recent["events"][0]["type"] == "snapshot"
    numbers = [int(trade["trade_id"]) for trade in recent["events"][0]["trades"]]
    assert numbers == sorted(numbers, reverse=True)
    assert {str(number) for number in numbers} == {trade["trade_id"] for trade in before}
    assert {trade["side"] for trade in before} == {"BUY", "SELL"}


def test_an_unknown_product_has_the_whole_request_refused() -> None:
    """With its name, and without a number."""
    venue = Simulated("coinbase")
    venue.open("/")
    (error,) = subscribe(venue, "level2", BTC, "NOPE-USD")
    assert error == {"type": "error", "message": "NOPE-USD is not a valid product"}
    assert venue.run(1.0) == []


def test_nonsense_is_answered_and_silence_is_not() -> None:
    """Who has subscribed to nothing after five seconds is closed on."""
    venue = Simulated("coinbase")
    venue.open("/")
    for text in ("nonsense", "[]", '{"type":"fly"}', '{"type":"subscribe","channel":"x"}'):
        (error,) = venue.say(text)
        assert error["type"] == "error"
    venue.run(6.0)
    assert venue.closed == {1: False}


def test_what_is_unsubscribed_falls_silent() -> None:
    """And a new subscription begins with a snapshot."""
    venue = Simulated("coinbase")
    venue.open("/")
    subscribe(venue, "level2", BTC)
    (ack,) = venue.say({"type": "unsubscribe", "product_ids": [BTC], "channel": "level2"})
    assert ack["events"] == [{"subscriptions": {}}]
    assert venue.run(1.0) == []
    assert subscribe(venue, "level2", BTC)[0]["events"][0]["type"] == "snapshot"


def test_a_product_in_usdc_is_told_under_the_name_of_the_one_in_usd() -> None:
    """In books, acknowledgements and the catalogue."""
    venue = Simulated("coinbase", ["BTCUSDC"])
    venue.open("/")
    snapshot, ack = subscribe(venue, "level2", "BTC-USDC")
    assert snapshot["events"][0]["product_id"] == "BTC-USD"
    assert ack["events"] == [{"subscriptions": {"level2": ["BTC-USD"]}}]
    (product,) = venue.json("/api/v3/brokerage/market/products")["products"]
    assert (product["product_id"], product["alias"]) == ("BTC-USDC", "BTC-USD")


def test_rest_tells_products_and_books() -> None:
    """What is unknown is not found."""
    venue = Simulated("coinbase", ["BTCUSDT", "ETHUSDT"])
    products = venue.json("/api/v3/brokerage/market/products")
    assert products["num_products"] == 2
    assert products["products"][0]["price_increment"] == "0.01"
    address = "/api/v3/brokerage/market/product_book?product_id="
    book = venue.json(f"{address}{BTC}&limit=20")["pricebook"]
    assert (len(book["bids"]), len(book["asks"])) == (20, 20)
    assert venue.rest(f"{address}NOPE-USD").status == 404
    assert venue.rest("/nowhere").status == 404


@one_in(8)
@given(seed=st.integers(0, 10**6))
def test_any_market_is_rebuilt(seed: int) -> None:
    """Whatever it does."""
    venue = Simulated("coinbase", seed=seed)
    venue.open("/")
    heard = subscribe(venue, "level2", BTC)
    heard += venue.run(2.0)
    assert levels(follow(heard)) == exact(venue.market(BTC))
