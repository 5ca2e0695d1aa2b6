"""Kraken v2: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.kraken import (
    AT,
    BTC,
    SPEC,
    Server,
    ack,
    btc,
    hear,
    live,
    notes,
    opened,
    requests,
)

from tidegauge.core.errors import FeedError, MalformedFrame, Remedy, SubscriptionRejected
from tidegauge.core.events import BookLost, Trade
from tidegauge.core.instrument import SECOND, InstrumentStatus
from tidegauge.core.reading import Taker
from tidegauge.core.trust import TrustReason
from tidegauge.wire.protocol import BOOK_LINK, Drop


def refusal(why: str, name: str | None) -> dict[str, Any]:
    return {"method": "subscribe", "error": why, "symbol": name, "success": False, "req_id": 1}


def status(system: str) -> str:
    about = f'"api_version":"v2","connection_id":13834774380200032777,"system":"{system}"'
    return f'{{"channel":"status","type":"update","data":[{{{about}}}]}}'


# -- subscriptions -------------------------------------------------------------------------------


def test_books_and_trades_are_asked_for_in_batches() -> None:
    """A thousand levels; of trades only the new ones."""
    both = [BTC, "ETH/USD"]
    books, trades = requests(opened(*both).said)
    asked = {"channel": "book", "symbol": both, "depth": 1000, "snapshot": True}
    assert books == {"method": "subscribe", "params": asked, "req_id": 1}
    assert trades["params"] == {"channel": "trade", "symbol": both, "snapshot": False}
    many = opened(*(f"C{number}/USD" for number in range(120)))
    assert [len(each["params"]["symbol"]) for each in requests(many.said)] == [50, 50, 20] * 2


def test_a_symbol_that_is_not_supported_costs_only_itself() -> None:
    """Each symbol of a request is answered by itself."""
    conversation = opened(BTC, "XXX/USD")
    why = "Currency pair not supported XXX/USD"
    (rejected,) = hear(conversation, refusal(why, "XXX/USD"))
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "XXX/USD"
    # Its trades are refused as well.
    assert hear(conversation, refusal(why, "XXX/USD")) == []
    assert notes(hear(conversation, ack())) == ["acknowledged"]
    hear(conversation, Server().whole())
    assert conversation.live(BTC)


@pytest.mark.parametrize("name", [BTC, None])
def test_a_refusal_of_the_moment_strikes_nobody(name: str | None) -> None:
    """A symbol that is asked for too fast is asked for again."""
    conversation = opened()
    assert notes(hear(conversation, refusal("Exceeded msg rate", name))) == ["request_refused"]
    again = requests(conversation.tick(10 * SECOND))
    assert [request["method"] for request in again] == ["unsubscribe", "subscribe"]


def test_an_acknowledgement_alone_proves_nothing() -> None:
    """A book that was promised and not told is asked for again."""
    conversation = opened()
    hear(conversation, ack())
    assert len(requests(conversation.tick(10 * SECOND))) == 2


# -- what else is said ---------------------------------------------------------------------------


def test_in_maintenance_no_book_is_believed() -> None:
    """Nor what is told meanwhile; when it is over the link is opened anew."""
    conversation, server = live(BTC, "ETH/USD")
    outputs = hear(conversation, status("maintenance"))
    assert conversation.lost(TrustReason.MAINTENANCE) == 2
    assert "status" in notes(outputs)
    assert hear(conversation, server.whole()) == []
    assert not conversation.live(BTC)
    drop = hear(conversation, status("online"), SECOND)[-1]
    assert isinstance(drop, Drop)
    conversation.close(BOOK_LINK, SECOND)
    conversation.open(BOOK_LINK, 2 * SECOND)
    hear(conversation, status("online"), 2 * SECOND)
    hear(conversation, server.whole(), 2 * SECOND)
    assert conversation.live(BTC)


@pytest.mark.parametrize("system", ["online", "post_only", "cancel_only"])
def test_a_book_that_may_only_shrink_is_still_a_book(system: str) -> None:
    """The orders in it stand."""
    conversation, _server = live()
    assert notes(hear(conversation, status(system))) == ["status"]
    assert conversation.live(BTC)


def test_four_silent_seconds_are_a_dead_socket() -> None:
    """Heartbeats come every second; they keep the socket, not the book."""
    conversation, _server = live()
    updated = conversation.keepers[BTC].updated_at
    hear(conversation, '{"channel":"heartbeat"}', 3 * SECOND)
    assert conversation.keepers[BTC].updated_at == updated
    assert conversation.tick(6 * SECOND) == []
    (drop,) = conversation.tick(7 * SECOND)
    assert isinstance(drop, Drop)


@pytest.mark.parametrize(
    "text",
    [
        '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[]}]}',
        Server().frame("update", [("1e999", "1")], []),
        Server().frame("update", [('"10.5"', "1")], []),
        Server().frame("update", [("-1", "1")], []),
        Server().frame("partial", [], []),
    ],
)
def test_a_book_that_cannot_be_read_costs_the_connection(text: str) -> None:
    """Below the levels that the checksum covers nothing would show what it held."""
    conversation, _server = live()
    outputs = conversation.receive(BOOK_LINK, text, 0)
    assert [type(each) for each in outputs] == [MalformedFrame, BookLost, Drop]
    assert conversation.lost(TrustReason.MALFORMED) == 1


def test_noise_costs_the_connection_and_other_frames_cost_nothing() -> None:
    """Noise may have been an update; what is known to be none is only counted."""
    conversation, _server = live()
    with pytest.raises(FeedError) as raised:
        conversation.receive(BOOK_LINK, "nonsense", 0)
    assert raised.value.remedy is Remedy.RECONNECT
    for text in ("{}", '{"method":"subscribe","req_id":1}', '{"channel":"trade","data":7}'):
        with pytest.raises(MalformedFrame):
            conversation.receive(BOOK_LINK, text, 0)
    assert conversation.live(BTC)


def deals(*numbers: int) -> str:
    told = ",".join(
        f'{{"symbol":"{BTC}","side":"sell","price":105944.20,"qty":0.00027625,'
        f'"ord_type":"limit","trade_id":{number},"timestamp":"{AT}"}}'
        for number in numbers
    )
    return f'{{"channel":"trade","type":"update","data":[{told}]}}'


def test_a_trade_has_its_takers_side_and_its_digits() -> None:
    """Several may be told in one frame."""
    conversation, _server = live()
    first, second = hear(conversation, deals(7, 8))
    assert first == Trade(
        instrument=BTC,
        taker=Taker.SELL,
        price="105944.20",
        size="0.00027625",
        id="7",
        venue_time=1_791_308_155_440_295_000,
    )
    assert isinstance(second, Trade)


def test_missing_trades_are_noted() -> None:
    """Their numbers follow one another."""
    conversation, _server = live()
    hear(conversation, deals(7))
    assert notes(hear(conversation, deals(10))) == ["trades_missed"]


# -- REST and names ------------------------------------------------------------------------------


def test_the_catalogue_speaks_the_sockets_names() -> None:
    """XBT is BTC and XDG is DOGE; dark pools are left out."""

    def pair(wsname: str | None, places: int, status: str = "online") -> dict[str, Any]:
        told = {"pair_decimals": places, "lot_decimals": 8, "status": status}
        return told if wsname is None else {**told, "wsname": wsname}

    result = {
        "XXBTZUSD": pair("XBT/USD", 1),
        "XDGXBT": pair("XDG/XBT", 10),
        "ETHUSDT": pair("ETH/USDT", 2, "cancel_only"),
        "XXBTZUSD.d": pair(None, 1),
    }
    listed = SPEC.parse_catalogue(json.dumps({"error": [], "result": result}).encode())
    assert [(each.name, each.status) for each in listed] == [
        ("BTC/USD", InstrumentStatus.TRADING),
        ("DOGE/BTC", InstrumentStatus.TRADING),
        ("ETH/USDT", InstrumentStatus.HALTED),
    ]
    assert (listed[0].tick, listed[0].step) == (Decimal("0.1"), Decimal("1E-8"))
    with pytest.raises(MalformedFrame):
        SPEC.parse_catalogue(b'{"error":["EService:Unavailable"]}')


@pytest.mark.parametrize(("name", "pair"), [("BTC/USDT", "XBTUSDT"), ("DOGE/BTC", "XDGXBT")])
def test_a_book_can_be_had_by_rest_to_compare_with(name: str, pair: str) -> None:
    """Under REST's own name of the pair, and whatever name it answers with."""
    assert SPEC.audit is not None
    fetch = SPEC.audit.request(btc(name))
    assert (fetch.path, dict(fetch.params)) == (
        "/0/public/Depth",
        {"pair": pair, "count": "500"},
    )
    depth = {"bids": [["10.0", "1.000", 1_760_000_000]], "asks": []}
    body = json.dumps({"error": [], "result": {"XXBTZUSD": depth}}).encode()
    book = SPEC.audit.read(btc(name), body)
    assert (book.instrument, book.bids, book.limit) == (name, [("10.0", "1.000")], 500)
    with pytest.raises(MalformedFrame):
        SPEC.audit.read(btc(name), b'{"error":[],"result":{}}')


def test_our_symbols_are_written_with_a_slash() -> None:
    """Settings map what is called otherwise."""
    assert SPEC.default_name("BTCUSDT") == "BTC/USDT"
