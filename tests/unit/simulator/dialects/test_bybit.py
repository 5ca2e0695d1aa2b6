"""Bybit from the server's side: a window that is kept by deletes, and its own manners."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.core.side import Side
from tidegauge.simulator.scenario import crunch

LINEAR = "/v5/public/linear"
SPOT = "/v5/public/spot"

FRAME = {
    "topic": "orderbook.50.BTCUSDT",
    "type": "snapshot",
    "ts": 1672304484978,
    "data": {
        "s": "BTCUSDT",
        "b": [["16493.50", "0.006"]],
        "a": [["16611.00", "0.029"]],
        "u": 18521288,
        "seq": 7961638724,
    },
    "cts": 1672304484976,
}


def subscribe(venue: Simulated, *topics: str, connection: int = 1) -> list[Any]:
    return venue.say({"req_id": "s1", "op": "subscribe", "args": list(topics)}, connection)


def follow(frames: list[Any], *, window: int) -> OrderBook:
    """Rebuild a book as the venue's procedure says, and check the chain on the way."""
    book, last = OrderBook(), -1
    for frame in frames:
        data = frame["data"]
        if frame["type"] == "snapshot":
            book.apply_snapshot(data["b"], data["a"])
        else:
            assert data["u"] == last + 1
            book.apply_delta(data["b"], data["a"])
        last = data["u"]
        # The server's own deletes keep the window: nothing is trimmed here.
        assert max(len(book.bids), len(book.asks)) <= window
        assert not book.crossed
    return book


@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_snapshot_and_deltas_rebuild_the_window(depth: int) -> None:
    """The best levels of the market, exactly, after a crunch has come and gone."""
    venue = Simulated("bybit-linear", scenario=crunch(at=2 * 10**9, lasts=3 * 10**9))
    venue.open(LINEAR)
    subscribe(venue, f"orderbook.{depth}.BTCUSDT")
    frames = venue.run(10.0)
    assert [frame["type"] for frame in frames].count("snapshot") == 1
    market = exact(venue.market())
    book = follow(frames, window=depth)
    # The slowest topic tells every 200 ms, and 10 s is a multiple of that.
    assert levels(book) == {side: market[side][:depth] for side in Side}


def test_a_late_subscriber_joins_the_same_chain() -> None:
    """It is given a snapshot, then the deltas that everyone gets."""
    venue = Simulated("bybit-spot")
    venue.open(SPOT)
    venue.open(SPOT, 2)
    subscribe(venue, "orderbook.200.BTCUSDT")
    first = venue.run(3.0)
    subscribe(venue, "orderbook.200.BTCUSDT", connection=2)
    both = venue.run(3.0)
    snapshot = next(frame for frame in both if frame["type"] == "snapshot")
    assert snapshot["data"]["u"] >= first[-1]["data"]["u"]
    deltas = {frame["data"]["u"]: frame for frame in both if frame["type"] == "delta"}
    later = [frame for update, frame in sorted(deltas.items()) if update > snapshot["data"]["u"]]
    market = exact(venue.market())
    assert levels(follow([snapshot, *later], window=200)) == {
        side: market[side][:200] for side in Side
    }


def test_subscribing_again_brings_a_new_snapshot() -> None:
    """The way to resync one book."""
    venue = Simulated("bybit-linear")
    venue.open(LINEAR)
    subscribe(venue, "orderbook.50.BTCUSDT")
    venue.run(1.0)
    venue.say({"op": "unsubscribe", "args": ["orderbook.50.BTCUSDT"]})
    assert venue.run(1.0) == []
    subscribe(venue, "orderbook.50.BTCUSDT")
    assert venue.run(1.0)[0]["type"] == "snapshot"


def test_the_touch_topic_is_snapshots_only_and_repeats() -> None:
    """`orderbook.1` says it again, with the same number, after 3 s unchanged."""
    venue = Simulated("bybit-spot", ["NEXOUSDT"], seed=2)
    venue.open(SPOT)
    subscribe(venue, "orderbook.1.NEXOUSDT")
    frames = venue.run(60.0)
    assert {frame["type"] for frame in frames} == {"snapshot"}
    numbers = [frame["data"]["u"] for frame in frames]
    assert any(one == other for one, other in itertools.pairwise(numbers))
    assert len(frames) >= 20


@pytest.mark.parametrize(("name", "path"), [("bybit-linear", LINEAR), ("bybit-spot", SPOT)])
def test_frames_have_the_fields_of_the_venue(name: str, path: str) -> None:
    """All of them, and on spot `ts` before `type`."""
    venue = Simulated(name)
    venue.open(path)
    subscribe(venue, "orderbook.50.BTCUSDT")
    frame = venue.run(1.0)[0]
    assert same_keys(frame, FRAME)
    assert same_keys(frame["data"], FRAME["data"])  # type: ignore[arg-type]
    keys = list(frame)
    assert (keys.index("ts") < keys.index("type")) is (path == SPOT)


@pytest.mark.parametrize(
    ("name", "path", "praise"),
    [("bybit-linear", LINEAR, ""), ("bybit-spot", SPOT, "subscribe")],
)
def test_acknowledgements_and_pongs_are_those_of_the_venue(
    name: str, path: str, praise: str
) -> None:
    """Field by field."""
    venue = Simulated(name)
    venue.open(path)
    (ack,) = subscribe(venue, "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT")
    conn_id = ack.pop("conn_id")
    assert ack == {"success": True, "ret_msg": praise, "req_id": "s1", "op": "subscribe"}
    (pong,) = venue.say({"req_id": "100001", "op": "ping"})
    assert pong == {"success": True, "ret_msg": "pong", "conn_id": conn_id, "op": "ping"}


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("orderbook.3.BTCUSDT", "Invalid topic: orderbook.3.BTCUSDT"),
        ("orderbook.50.NOSUCH", "Invalid topic: orderbook.50.NOSUCH"),
        ("nonsense", "Invalid topic: nonsense"),
        ("orderbook", "Invalid topic: orderbook"),
    ],
)
def test_a_bad_topic_is_refused_by_name(topic: str, message: str) -> None:
    """And nothing comes of it."""
    venue = Simulated("bybit-linear")
    venue.open(LINEAR)
    (answer,) = subscribe(venue, topic)
    assert (answer["success"], answer["ret_msg"]) == (False, message)
    assert venue.run(1.0) == []


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"op":"fly"}', '{"op":"subscribe"}'])
def test_nonsense_is_answered(text: str) -> None:
    """The socket stays open."""
    venue = Simulated("bybit-linear")
    venue.open(LINEAR)
    (answer,) = venue.say(text)
    assert answer["success"] is False
    assert venue.closed == {}


def test_spot_takes_ten_topics_a_request() -> None:
    """More are refused together."""
    venue = Simulated("bybit-spot")
    venue.open(SPOT)
    (answer,) = subscribe(venue, *[f"tickers.BTCUSDT.{each}" for each in range(11)])
    assert (answer["success"], answer["ret_msg"]) == (False, "args size >10")


def test_the_catalogue_is_of_its_category() -> None:
    """Each market lists its own; a symbol that is not there is an error in the body."""
    linear = Simulated("bybit-linear", ["BTCUSDT", "ETHUSDT"])
    found = linear.json("/v5/market/instruments-info?category=linear")
    assert (found["retCode"], found["retMsg"]) == (0, "OK")
    row = found["result"]["list"][0]
    assert (row["symbol"], row["status"], row["contractType"]) == (
        "BTCUSDT",
        "Trading",
        "LinearPerpetual",
    )
    assert row["priceFilter"]["tickSize"] == "0.10"
    assert row["lotSizeFilter"]["qtyStep"] == "0.001"
    spot = Simulated("bybit-spot").json("/v5/market/instruments-info?category=spot")
    assert spot["result"]["list"][0]["lotSizeFilter"]["basePrecision"] == "0.000001"
    missing = linear.json("/v5/market/instruments-info?category=linear&symbol=NOSUCH")
    assert missing["retCode"] == 10001
    assert linear.json("/v5/market/instruments-info")["retCode"] == 10001
    assert linear.rest("/v5/nosuch").status == 404


def test_the_rest_book_agrees_with_the_market() -> None:
    """With the number of the thousand-level topic."""
    venue = Simulated("bybit-linear")
    venue.open(LINEAR)
    subscribe(venue, "orderbook.1000.BTCUSDT")
    frames = venue.run(2.0)
    book = venue.json("/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=50")["result"]
    assert book["u"] == frames[-1]["data"]["u"]
    assert len(book["b"]) == 50


@one_in(8)
@given(seed=st.integers(0, 10**6), depth=st.sampled_from([50, 200]))
def test_any_market_is_rebuilt(seed: int, depth: int) -> None:
    """Whatever it does, levels that leave the window are taken out and those that enter told."""
    venue = Simulated("bybit-linear", seed=seed)
    venue.open(LINEAR)
    subscribe(venue, f"orderbook.{depth}.BTCUSDT")
    book = follow(venue.run(2.0), window=depth)
    market = exact(venue.market())
    assert levels(book) == {side: market[side][:depth] for side in Side}
