"""Kraken v2 from the server's side: a depth that is kept by the client, checksums, its manners."""

import json
import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.simulated import Simulated, exact, levels

from tidegauge.core.book import OrderBook
from tidegauge.core.side import Side
from tidegauge.simulator.scenario import crunch

BTC, ETH = "BTC/USDT", "ETH/USDT"


def subscribe(venue: Simulated, *names: str, depth: int = 10, connection: int = 1) -> list[Any]:
    params = {"channel": "book", "symbol": list(names), "depth": depth, "snapshot": True}
    return venue.say({"method": "subscribe", "params": params, "req_id": 7}, connection)


def exactly(frames: list[str], channel: str = "book") -> list[dict[str, Any]]:
    """The data of frames, numbers with their digits."""
    read = [json.loads(text, parse_float=Decimal) for text in frames]
    return [
        {"type": frame["type"], **data}
        for frame in read
        if frame.get("channel") == channel and "data" in frame
        for data in frame["data"]
    ]


def rows(levels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(f"{level['price']:f}", f"{level['qty']:f}") for level in levels]


def crc(book: OrderBook, places: int) -> int:
    """The documented reckoning, over numbers printed to the instrument's precision."""
    text = ""
    for side in (Side.ASK, Side.BID):
        for price, size in book.top(side, 10):
            for number, digits in ((price, places), (size, 8)):
                text += f"{number:.{digits}f}".replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


def follow(frames: list[str], name: str, *, depth: int, places: int = 1) -> OrderBook:
    """Rebuild a book as the venue's procedure says, and verify every checksum."""
    book = OrderBook()
    for data in exactly(frames):
        if data["symbol"] != name:
            continue
        bids, asks = rows(data["bids"]), rows(data["asks"])
        if data["type"] == "snapshot":
            book.apply_snapshot(bids, asks, window=depth)
        else:
            book.apply_delta(bids, asks)
        assert crc(book, places) == data["checksum"]
        assert not book.crossed
    return book


@pytest.mark.parametrize("depth", [10, 25, 1000])
def test_snapshot_and_updates_rebuild_the_depth_with_every_checksum_right(depth: int) -> None:
    """Levels fall out of it without a word, through a crunch."""
    scenario = crunch(at=2 * 10**9, lasts=3 * 10**9)
    venue = Simulated("kraken", ["BTCUSDT", "ETHUSDT"], scenario=scenario)
    venue.open("/v2")
    subscribe(venue, BTC, ETH, depth=depth)
    venue.run(10.0)
    for name, places in ((BTC, 1), (ETH, 2)):
        market = exact(venue.market(name))
        book = follow(venue.heard, name, depth=depth, places=places)
        assert levels(book) == {side: market[side][:depth] for side in Side}


def test_no_delete_is_sent_for_what_only_fell_out() -> None:
    """A size of nought means that the level is gone from the market."""
    venue = Simulated("kraken")
    venue.open("/v2")
    subscribe(venue, BTC)
    pushed_out = 0
    for _ in range(100):
        before = len(venue.heard)
        venue.run(0.1)
        market = venue.market(BTC)
        for data in exactly(venue.heard[before:]):
            for side, lots in (("bids", market.bids), ("asks", market.asks)):
                for level in data[side]:
                    tick = int(level["price"] / Decimal("0.1"))
                    assert (level["qty"] > 0) == (tick in lots)
                pushed_out += sum(1 for level in data[side] if level["qty"] > 0)
    assert pushed_out


def test_numbers_are_out_of_quotes_with_all_their_zeros() -> None:
    """As the checksum is over them."""
    venue = Simulated("kraken")
    venue.open("/v2")
    subscribe(venue, BTC)
    data = exactly(venue.heard)[0]
    assert {-level["qty"].as_tuple().exponent for level in data["bids"]} == {8}
    assert {-level["price"].as_tuple().exponent for level in data["asks"]} == {1}


def test_each_symbol_is_answered_by_itself() -> None:
    """In order, each followed by its snapshot."""
    venue = Simulated("kraken", ["BTCUSDT", "ETHUSDT"])
    (status,) = venue.open("/v2")
    assert status["data"][0]["system"] == "online"
    assert '"connection_id":922337203685477580' in venue.heard[0]
    first, snapshot, refused, *_rest = subscribe(venue, BTC, "XXX/USD", ETH)
    assert first["result"] == {"channel": "book", "symbol": BTC, "snapshot": True, "depth": 10}
    assert (first["success"], first["req_id"]) == (True, 7)
    assert snapshot["type"] == "snapshot"
    assert (refused["success"], refused["symbol"]) == (False, "XXX/USD")
    assert refused["error"] == "Currency pair not supported XXX/USD"


def test_a_book_cannot_be_had_twice_or_at_any_depth() -> None:
    """Its frames do not tell their depth: two could not be told apart."""
    venue = Simulated("kraken")
    venue.open("/v2")
    (odd,) = subscribe(venue, BTC, depth=11)
    assert odd["error"] == "Subscription depth not supported"
    subscribe(venue, BTC)
    (again,) = subscribe(venue, BTC, depth=25)
    assert again["error"] == "Already subscribed"


def test_what_is_unsubscribed_falls_silent() -> None:
    """And a new subscription begins with a snapshot."""
    venue = Simulated("kraken")
    venue.open("/v2")
    subscribe(venue, BTC)
    params = {"channel": "book", "symbol": [BTC], "depth": 10}
    (answer,) = venue.say({"method": "unsubscribe", "params": params})
    assert answer["success"] is True
    (gone,) = venue.say({"method": "unsubscribe", "params": params})
    assert gone["error"] == "Subscription Not Found"
    assert venue.run(3.0) == []
    assert subscribe(venue, BTC)[1]["type"] == "snapshot"


def test_heartbeats_fill_the_silence() -> None:
    """About one a second, when nothing else is said; a ping is answered."""
    venue = Simulated("kraken")
    venue.open("/v2")
    params = {"channel": "ticker", "symbol": [BTC]}
    venue.say({"method": "subscribe", "params": params})
    assert venue.run(3.0) == [{"channel": "heartbeat"}] * 3
    (pong,) = venue.say({"method": "ping", "req_id": 101})
    assert (pong["method"], pong["req_id"]) == ("pong", 101)


def test_trades_are_numbered_one_by_one() -> None:
    """The side is the taker's."""
    venue = Simulated("kraken")
    venue.open("/v2")
    params = {"channel": "trade", "symbol": [BTC], "snapshot": False}
    venue.say({"method": "subscribe", "params": params})
    venue.run(20.0)
    trades = exactly(venue.heard, "trade")
    numbers = [trade["trade_id"] for trade in trades]
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    assert {trade["side"] for trade in trades} == {"buy", "sell"}


@pytest.mark.parametrize(
    "text",
    ["nonsense", "[]", '{"method":"fly"}', '{"method":"subscribe","params":{"channel":"x"}}'],
)
def test_nonsense_is_answered(text: str) -> None:
    """The socket stays open."""
    venue = Simulated("kraken")
    venue.open("/v2")
    (answer,) = venue.say(text)
    assert answer["success"] is False
    assert venue.closed == {}


def test_rest_speaks_of_xbt() -> None:
    """The catalogue has both names; an unknown pair is an error in the body."""
    venue = Simulated("kraken", ["BTCUSDT", "DOGEUSDT"])
    pairs = venue.json("/0/public/AssetPairs")["result"]
    assert {pair: row["wsname"] for pair, row in pairs.items()} == {
        "XBTUSDT": "XBT/USDT",
        "XDGUSDT": "XDG/USDT",
    }
    depth = venue.json("/0/public/Depth?pair=XBTUSDT&count=20")["result"]["XBTUSDT"]
    assert (len(depth["bids"]), len(depth["asks"])) == (20, 20)
    assert venue.json("/0/public/Depth?pair=NOPE")["error"] == ["EQuery:Unknown asset pair"]
    assert venue.rest("/nowhere").status == 404


@one_in(8)
@given(seed=st.integers(0, 10**6), depth=st.sampled_from([10, 25]))
def test_any_market_is_rebuilt(seed: int, depth: int) -> None:
    """Whatever it does, with every checksum right."""
    venue = Simulated("kraken", seed=seed)
    venue.open("/v2")
    subscribe(venue, BTC, depth=depth)
    venue.run(2.0)
    market = exact(venue.market(BTC))
    book = follow(venue.heard, BTC, depth=depth)
    assert levels(book) == {side: market[side][:depth] for side in Side}
