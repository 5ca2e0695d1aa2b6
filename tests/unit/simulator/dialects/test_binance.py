"""Binance from the server's side: its frames rebuild its book, and its answers are its own."""

import itertools
from typing import Any

import pytest
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.simulator.scenario import crunch

SPOT_STREAM = "/stream?streams=btcusdt@depth@100ms"
USD_M_STREAM = "/public/stream?streams=btcusdt@depth@100ms"

SPOT_UPDATE = {
    "e": "depthUpdate",
    "E": 1672515782136,
    "s": "BTCUSDT",
    "U": 157,
    "u": 160,
    "b": [["0.0024", "10"]],
    "a": [["0.0026", "0.00000000"]],
}
USD_M_UPDATE = {
    "e": "depthUpdate",
    "E": 123456789,
    "T": 123456788,
    "s": "BTCUSDT",
    "ps": "BTCUSDT",
    "U": 157,
    "u": 160,
    "pu": 149,
    "b": [["0.0024", "10"]],
    "a": [["0.0026", "0"]],
    "st": 1,
}
SPOT_SNAPSHOT: dict[str, Any] = {"lastUpdateId": 160, "bids": [], "asks": []}
USD_M_SNAPSHOT: dict[str, Any] = {"lastUpdateId": 1027024, "E": 1, "T": 1, "bids": [], "asks": []}


def updates(frames: list[Any]) -> list[Any]:
    return [frame["data"] for frame in frames if "data" in frame]


def rebuild(snapshot: Any, diffs: list[Any]) -> OrderBook:
    book = OrderBook()
    book.apply_snapshot(snapshot["bids"], snapshot["asks"], limit=1000)
    for diff in diffs:
        if diff["u"] > snapshot["lastUpdateId"]:
            book.apply_delta(diff["b"], diff["a"])
    return book


@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_spot_snapshot_and_diffs_rebuild_the_book(offset: float) -> None:
    """Level by level, to the letter of the venue's own procedure, wherever the snapshot falls."""
    venue = Simulated("binance", scenario=crunch(at=3 * 10**9, lasts=4 * 10**9))
    venue.open(SPOT_STREAM)
    early = updates(venue.run(1.0 + offset))
    snapshot = venue.json("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    late = updates(venue.run(15.0 - offset))
    assert all(one["u"] + 1 == other["U"] for one, other in itertools.pairwise(late))
    first = next(each for each in (*early, *late) if each["u"] > snapshot["lastUpdateId"])
    assert first["U"] <= snapshot["lastUpdateId"] + 1 <= first["u"]
    book = rebuild(snapshot, early + late)
    book.check()
    assert levels(book) == exact(venue.market())


@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_usd_m_snapshot_and_diffs_rebuild_the_book(offset: float) -> None:
    """The same, with a chain of previous ids instead of contiguous ones."""
    venue = Simulated("binance-futures")
    venue.open(USD_M_STREAM)
    early = updates(venue.run(1.0 + offset))
    snapshot = venue.json("/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
    late = updates(venue.run(15.0 - offset))
    diffs = early + late
    assert all(one["u"] == other["pu"] for one, other in itertools.pairwise(diffs))
    assert any(one["u"] + 1 < other["U"] for one, other in itertools.pairwise(diffs))
    first = next(each for each in diffs if each["u"] >= snapshot["lastUpdateId"])
    assert first["pu"] <= snapshot["lastUpdateId"] <= first["u"]
    assert levels(rebuild(snapshot, diffs)) == exact(venue.market())


def test_streams_of_other_cadence_have_chains_of_their_own() -> None:
    """A slower stream says the same with fewer, larger events."""
    venue = Simulated("binance-futures")
    venue.open("/public/stream?streams=btcusdt@depth@500ms/btcusdt@depth@100ms")
    frames = venue.run(10.0)
    for stream, least in (("btcusdt@depth@500ms", 18), ("btcusdt@depth@100ms", 80)):
        diffs = [frame["data"] for frame in frames if frame["stream"] == stream]
        assert len(diffs) >= least
        assert all(one["u"] == other["pu"] for one, other in itertools.pairwise(diffs))


@pytest.mark.parametrize(
    ("name", "stream", "update"),
    [("binance", SPOT_STREAM, SPOT_UPDATE), ("binance-futures", USD_M_STREAM, USD_M_UPDATE)],
)
def test_updates_have_the_fields_of_the_venue(
    name: str, stream: str, update: dict[str, Any]
) -> None:
    """Every field, in the venue's own kinds of value, and no other."""
    venue = Simulated(name)
    venue.open(stream)
    frame = venue.run(1.0)[0]
    assert frame.keys() == {"stream", "data"}
    assert frame["stream"] == "btcusdt@depth@100ms"
    assert same_keys(frame["data"], update)


def test_a_raw_stream_is_not_wrapped() -> None:
    """`/ws/<stream>` carries bare payloads; `/ws` alone waits to be told what to carry."""
    venue = Simulated("binance")
    venue.open("/ws/btcusdt@depth@100ms")
    assert same_keys(venue.run(1.0)[0], SPOT_UPDATE)
    venue = Simulated("binance")
    venue.open("/ws")
    assert venue.run(1.0) == []
    answer = venue.say({"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 1})
    assert answer == [{"result": None, "id": 1}]
    assert same_keys(venue.run(1.0)[0], SPOT_UPDATE)


def test_the_conversation_is_that_of_the_venue() -> None:
    """Subscribing, listing, properties, and what is said to nonsense."""
    venue = Simulated("binance")
    venue.open("/stream")
    stream = "btcusdt@depth@100ms"
    assert venue.say({"method": "SUBSCRIBE", "params": [stream, "btcusdt@trade"], "id": 1}) == [
        {"result": None, "id": 1}
    ]
    assert venue.say({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 312}) == [
        {"result": None, "id": 312}
    ]
    assert venue.say({"method": "LIST_SUBSCRIPTIONS", "id": 3}) == [{"result": [stream], "id": 3}]
    assert venue.say("nonsense") == [
        {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
    ]
    assert venue.say({"method": "SET_PROPERTY", "params": [True], "id": 5}) == [
        {"code": 2, "msg": "Invalid request: property name must be a string"}
    ]
    assert venue.say({"method": "SET_PROPERTY", "params": ["combined", False], "id": 5}) == [
        {"result": None, "id": 5}
    ]
    assert same_keys(venue.run(1.0)[0], SPOT_UPDATE)


@pytest.mark.parametrize(
    "stream", ["nosuch@depth@100ms", "BTCUSDT@depth@100ms", "btcusdt@kline_1m"]
)
def test_what_it_has_nothing_on_is_acknowledged_and_silent(stream: str) -> None:
    """An unknown symbol, one in capitals, a stream without data."""
    venue = Simulated("binance")
    venue.open("/stream")
    assert venue.say({"method": "SUBSCRIBE", "params": [stream], "id": 1}) == [
        {"result": None, "id": 1}
    ]
    assert venue.run(2.0) == []


def test_usd_m_books_are_silent_on_the_market_route() -> None:
    """The routing trap: books live on /public (and on the old, un-routed paths)."""
    venue = Simulated("binance-futures")
    venue.open("/market/stream?streams=btcusdt@depth@100ms")
    assert venue.run(2.0) == []
    venue.open("/stream?streams=btcusdt@depth@100ms", 2)
    assert venue.run(2.0)


def test_best_bid_and_ask_agree_with_the_book() -> None:
    """`bookTicker` is the touch after the slot it names."""
    venue = Simulated("binance")
    venue.open("/stream?streams=btcusdt@bookTicker")
    frame = venue.run(1.0)[-1]["data"]
    assert frame.keys() == {"u", "s", "b", "B", "a", "A"}
    book = exact(venue.market())
    (bid, _size), (ask, _other) = next(iter(book.values()))[0], list(book.values())[1][0]
    assert f"{bid:.8f}" == frame["b"]
    assert f"{ask:.8f}" == frame["a"]


def test_snapshots_have_the_fields_and_limits_of_the_venue() -> None:
    """Spot gives 100 levels unless asked, USD-M 500; both say what they were told to."""
    spot, usd_m = Simulated("binance"), Simulated("binance-futures")
    assert same_keys(spot.json("/api/v3/depth?symbol=BTCUSDT"), SPOT_SNAPSHOT)
    assert same_keys(usd_m.json("/fapi/v1/depth?symbol=BTCUSDT"), USD_M_SNAPSHOT)
    assert len(spot.json("/api/v3/depth?symbol=BTCUSDT")["bids"]) == 100
    assert len(usd_m.json("/fapi/v1/depth?symbol=BTCUSDT")["asks"]) == 500
    assert len(usd_m.json("/fapi/v1/depth?symbol=BTCUSDT&limit=5")["asks"]) == 5
    answer = spot.rest("/api/v3/depth?symbol=BTCUSDT&limit=1000")
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) >= 50


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/v3/depth", 400, b"-1102"),
        ("/api/v3/depth?symbol=NOSUCH", 400, b"-1121"),
        ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, b"-1100"),
        ("/api/v3/exchangeInfo?symbol=NOSUCH", 400, b"-1121"),
        ("/api/v3/nosuch", 404, b"404"),
    ],
)
def test_bad_requests_are_refused_in_the_form_of_the_venue(
    address: str, status: int, code: bytes
) -> None:
    """A status, and a body with the venue's code."""
    answer = Simulated("binance").rest(address)
    assert answer.status == status
    assert code in answer.body


def test_usd_m_refuses_other_limits() -> None:
    """Only certain numbers of levels can be asked for."""
    answer = Simulated("binance-futures").rest("/fapi/v1/depth?symbol=BTCUSDT&limit=999")
    assert (answer.status, b"-4021" in answer.body) == (400, True)


def test_the_catalogue_holds_tick_step_and_status() -> None:
    """What a client needs to read prices and sizes."""
    spot = Simulated("binance", ["BTCUSDT", "ETHUSDT"]).json("/api/v3/exchangeInfo")
    usd_m = Simulated("binance-futures").json("/fapi/v1/exchangeInfo")
    assert [row["symbol"] for row in spot["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    filters = {row["filterType"]: row for row in spot["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert usd_m["symbols"][0]["contractType"] == "PERPETUAL"
    assert {row["status"] for row in (*spot["symbols"], *usd_m["symbols"])} == {"TRADING"}


def test_paths_that_are_no_streams_are_refused() -> None:
    """The handshake fails as for any page that is not there."""
    refusal = Simulated("binance").dialect.admit("/v5/public/spot", 0)
    assert refusal is not None
    assert refusal.status == 404


def test_the_same_seed_tells_the_same_frames() -> None:
    """Byte for byte, ids and times included."""
    heard = []
    for _ in range(2):
        venue = Simulated("binance", seed=5)
        venue.open(SPOT_STREAM)
        venue.run(5.0)
        heard.append(venue.heard)
    assert heard[0] == heard[1]
    assert len(heard[0]) > 40


def test_times_on_the_wire_are_wall_times_at_any_speed() -> None:
    """A market at ten times the pace still stamps its frames with the client's clock."""
    venue = Simulated("binance", speed=10.0)
    venue.open(SPOT_STREAM)
    frames = updates(venue.run(2.0))
    assert len(frames) >= 35
    assert all(0 <= venue.now // 10**6 - frame["E"] <= 2000 for frame in frames)
    assert all(one["u"] + 1 == other["U"] for one, other in itertools.pairwise(frames))
