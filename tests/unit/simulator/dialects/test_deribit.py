"""Deribit from the server's side: JSON-RPC, whole books, chained changes and heartbeats."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.core.exact import parse
from tidegauge.core.instrument import SECOND
from tidegauge.simulator.dialects.deribit import number
from tidegauge.simulator.scenario import crunch

PATH = "/ws/api/v2"
BTC = "BTC_USDC-PERPETUAL"
CHANNEL = f"book.{BTC}.100ms"

CHANGE = {
    "timestamp": 1790133842703,
    "type": "change",
    "change_id": 193809634213,
    "instrument_name": "ALGO_USDC-PERPETUAL",
    "bids": [["delete", 0.11344, 0.0]],
    "asks": [["change", 0.11396, 2.2e3]],
    "prev_change_id": 193809631160,
}

exactly = msgspec.json.Decoder(float_hook=Decimal).decode
"""Reads numbers as they are written."""


def opened(*channels: str, **more: Any) -> Simulated:
    server = Simulated("deribit", **more)
    server.open(PATH)
    call(server, "subscribe", channels=[*(channels or (CHANNEL,))])
    return server


def call(server: Simulated, method: str, connection: int = 1, **params: Any) -> Any:
    message = {"jsonrpc": "2.0", "id": 7, "method": f"public/{method}", "params": params}
    (answer,) = server.say(message, connection)
    return answer


def told(heard: list[Any], channel: str = CHANNEL) -> list[Any]:
    notices = [each["params"] for each in heard if each.get("method") == "subscription"]
    return [each["data"] for each in notices if each["channel"] == channel]


def follow(frames: list[Any]) -> OrderBook:
    """Rebuild a book as the venue's procedure says, and check the chain on the way."""
    book, last = OrderBook(), -1
    for data in frames:
        bids, asks = (
            [(str(price), str(amount)) for _word, price, amount in data[side]]
            for side in ("bids", "asks")
        )
        if data["type"] == "snapshot":
            book.apply_snapshot(bids, asks)
        else:
            assert data["prev_change_id"] == last
            book.apply_delta(bids, asks)
        last = data["change_id"]
        assert not book.crossed
    return book


# -- books ---------------------------------------------------------------------------------------


def test_snapshot_and_changes_rebuild_the_whole_book() -> None:
    """Level by level the market's own, after a crunch has come and gone."""
    server = opened(scenario=crunch(at=2 * SECOND, lasts=3 * SECOND))
    server.heard.clear()
    server.run(10.0)
    frames = told([exactly(text) for text in server.heard])
    assert [each["type"] for each in frames].count("snapshot") == 1
    assert levels(follow(frames)) == exact(server.market(BTC))


def test_changes_look_as_they_are_documented() -> None:
    """The same fields with values of the same kinds; each level says what became of it."""
    _snapshot, *changes = told(opened().run(3.0))
    assert all(same_keys(CHANGE, each) for each in changes)
    words = {row[0] for each in changes for side in ("bids", "asks") for row in each[side]}
    assert words == {"change", "delete"}
    gaps = [each["change_id"] - each["prev_change_id"] for each in changes]
    assert max(gaps) > 1


def test_a_second_subscription_brings_no_snapshot() -> None:
    """Only one after an unsubscription does."""
    server = opened()
    server.run(1.0)
    call(server, "subscribe", channels=[CHANNEL])
    assert {each["type"] for each in told(server.run(1.0))} == {"change"}
    assert call(server, "unsubscribe", channels=[CHANNEL])["result"] == [CHANNEL]
    assert told(server.run(1.0)) == []
    call(server, "subscribe", channels=[CHANNEL])
    assert told(server.run(1.0))[0]["type"] == "snapshot"


def test_a_late_subscriber_joins_the_same_chain() -> None:
    """It is given a snapshot, then the changes that everyone gets."""
    server = opened()
    server.run(2.0)
    server.open(PATH, 2)
    call(server, "subscribe", 2, channels=[CHANNEL])
    server.heard.clear()
    server.run(2.0)
    both = told([exactly(text) for text in server.heard])
    snapshot = next(each for each in both if each["type"] == "snapshot")
    changes = {each["change_id"]: each for each in both if each["type"] == "change"}
    later = [each for last, each in sorted(changes.items()) if last > snapshot["change_id"]]
    assert levels(follow([snapshot, *later])) == exact(server.market(BTC))


@given(units=st.integers(1, 10**12), scale=st.integers(0, 8))
def test_numbers_are_json_numbers_that_lose_no_digit(units: int, scale: int) -> None:
    """With a point or an exponent, as it comes."""
    value = Decimal(units).scaleb(-scale)
    text = bytes(number(value)).decode()
    assert parse(text) == value
    assert "." in text or "e" in text


# -- manners -------------------------------------------------------------------------------------


def test_unknown_channels_are_left_out_of_the_answer() -> None:
    """Without an error, and the rest comes in another order."""
    server = Simulated("deribit", ("BTCUSDT", "ETHUSDT"))
    server.open(PATH)
    channels = [CHANNEL, "book.NOPE.100ms", "nonsense", "book.ETH_USDC-PERPETUAL.agg2"]
    answer = call(server, "subscribe", channels=channels)
    assert answer["result"] == ["book.ETH_USDC-PERPETUAL.agg2", CHANNEL]
    assert answer["id"] == 7
    assert answer.keys() >= {"jsonrpc", "usIn", "usOut", "usDiff", "testnet"}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("subscribe", {"channels": [f"book.{BTC}.raw"]}, 13778),
        ("subscribe", {"channels": "all"}, -32602),
        ("subscribe", {"channels": [1]}, -32602),
        ("subscribe", {"channels": ["x"] * 501}, -32602),
        ("set_heartbeat", {"interval": 9}, -32602),
        ("nonsense", {}, -32601),
    ],
)
def test_what_cannot_be_done_is_refused(method: str, params: dict[str, Any], code: int) -> None:
    """By the venue's own codes; raw books are for those who logged in."""
    server = Simulated("deribit")
    server.open(PATH)
    assert call(server, method, **params)["error"]["code"] == code


def test_what_is_no_json_is_refused() -> None:
    """11050, and the connection stays."""
    server = Simulated("deribit")
    server.open(PATH)
    (answer,) = server.say("nonsense")
    assert answer["error"]["code"] == 11050
    assert call(server, "test")["result"]["version"]


def beats(heard: list[Any]) -> list[str]:
    return [each["params"]["type"] for each in heard if each.get("method") == "heartbeat"]


def test_a_heartbeat_that_is_answered_goes_on() -> None:
    """A test request each ten seconds."""
    server = opened()
    assert call(server, "set_heartbeat", interval=10)["result"] == "ok"
    for _ in range(4):
        assert beats(server.run(10.0)) == ["test_request"]
        call(server, "test")
    assert server.closed == {}


def test_a_test_request_without_an_answer_costs_the_connection() -> None:
    """Ten seconds later."""
    server = opened()
    call(server, "set_heartbeat", interval=10)
    assert beats(server.run(19.5)) == ["test_request"]
    assert server.closed == {}
    server.run(1.0)
    assert server.closed == {1: False}


def test_a_connection_without_a_subscription_is_closed() -> None:
    """After a minute; one with a subscription is not."""
    server = opened()
    server.open(PATH, 2)
    server.run(61.0)
    assert server.closed == {2: False}


def test_there_is_one_path() -> None:
    """Version two."""
    server = Simulated("deribit")
    refused = server.dialect.admit("/ws/api/v1", server.now)
    assert refused is not None
    assert refused.status == 404


# -- beside the book, and REST -------------------------------------------------------------------


def test_tickers_and_trades_are_told() -> None:
    """A ticker at once and each second, trades that are numbered one by one."""
    server = opened(f"ticker.{BTC}.100ms", f"trades.{BTC}.100ms")
    heard = server.run(20.0)
    tickers = told(heard, f"ticker.{BTC}.100ms")
    assert len(tickers) == 21
    assert tickers[0].keys() >= {"mark_price", "index_price", "open_interest", "funding_8h"}
    trades = [row for each in told(heard, f"trades.{BTC}.100ms") for row in each]
    numbers = [row["trade_seq"] for row in trades]
    assert len(numbers) > 5
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]


def test_the_catalogue_and_the_book_are_had_by_rest() -> None:
    """The book with the id of the change it is of."""
    server = opened()
    (last,) = told(server.run(1.0))[-1:]
    rows = server.json("/api/v2/public/get_instruments?currency=any&kind=future")["result"]
    assert [row["instrument_name"] for row in rows] == [BTC]
    assert server.json("/api/v2/public/get_instruments?currency=any&kind=spot")["result"] == []
    book = server.json(f"/api/v2/public/get_order_book?instrument_name={BTC}&depth=10")["result"]
    assert book["change_id"] == last["change_id"]
    assert len(book["bids"]) == len(book["asks"]) == 10
    address = "/api/v2/public/get_order_book?instrument_name="
    assert server.rest(f"{address}NOPE&depth=10").status == 400
    assert server.rest(f"{address}{BTC}&depth=7").status == 400
    assert server.rest("/nothing").status == 404
    assert server.json("/api/v2/public/get_time")["result"] > 0
