"""Bybit beside the book: trades, tickers, liquidations, and the audit by REST."""

import json
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot, Liquidation, Marks, Position, Trade
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.core.reading import Taker
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Note, Purpose, Send

SPOT, LINEAR = load()["bybit-spot"], load()["bybit-linear"]


def opened() -> Conversation:
    conversation = Conversation(LINEAR, [instrument(LINEAR, "BTCUSDT")])
    conversation.open_all(0)
    return conversation


def deals(topic: str, **more: Any) -> str:
    deal = {"T": 9, "s": "BTCUSDT", "S": "Sell", "v": "0.01", "p": "60000.5", "i": "a-1", **more}
    told = {"topic": f"{topic}.BTCUSDT", "type": "snapshot", "ts": 9, "data": [deal]}
    return json.dumps(told)


# -- beside the book -----------------------------------------------------------------------------


def test_trades_tell_who_took() -> None:
    """`S` is the taker's side; block trades were agreed off the book and are left out."""
    conversation = opened()
    assert conversation.receive(BOOK_LINK, deals("publicTrade"), 0) == [
        Trade(
            instrument="BTCUSDT",
            taker=Taker.SELL,
            price="60000.5",
            size="0.01",
            id="a-1",
            venue_time=9_000_000,
        )
    ]
    assert conversation.receive(BOOK_LINK, deals("publicTrade", BT=True), 0) == []


def test_liquidations_tell_the_position_that_was_closed() -> None:
    """Here `S` is the position's own side, not that of the order which closes it."""
    (sold,) = opened().receive(BOOK_LINK, deals("allLiquidation"), 0)
    assert isinstance(sold, Liquidation)
    assert (sold.position, sold.price, sold.size) == (Position.SHORT, "60000.5", "0.01")
    (bought,) = opened().receive(BOOK_LINK, deals("allLiquidation", S="Buy"), 0)
    assert isinstance(bought, Liquidation)
    assert bought.position is Position.LONG


def test_a_ticker_tells_only_what_changed() -> None:
    """What a delta leaves out is None, not zero; spot's empty funding is no funding."""
    first = {"symbol": "BTCUSDT", "markPrice": "60004.9", "indexPrice": "60010.1"}
    funding = {"fundingRate": "-0.0002", "nextFundingTime": "1673280000000"}
    interest = {"fundingIntervalHour": "8", "openInterest": "68744.761"}
    text = {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": 4}
    (told_all,) = opened().receive(
        BOOK_LINK, json.dumps({**text, "data": {**first, **funding, **interest}}), 0
    )
    assert told_all == Marks(
        instrument="BTCUSDT",
        mark="60004.9",
        index="60010.1",
        funding_rate="-0.0002",
        funding_interval=8 * HOUR,
        next_funding_at=1_673_280_000 * SECOND,
        open_interest="68744.761",
        venue_time=4_000_000,
    )
    few = {"symbol": "BTCUSDT", "markPrice": "60005.0", "fundingRate": ""}
    (told_few,) = opened().receive(BOOK_LINK, json.dumps({**text, "data": few}), 0)
    assert told_few == Marks(instrument="BTCUSDT", mark="60005.0", venue_time=4_000_000)
    last = {"symbol": "BTCUSDT", "lastPrice": "60005.0"}
    assert opened().receive(BOOK_LINK, json.dumps({**text, "data": last}), 0) == []


def test_spot_is_asked_for_trades_only() -> None:
    """It has no mark, no funding and no liquidations."""
    conversation = Conversation(SPOT, [instrument(SPOT, "BTCUSDT")])
    conversation.open_all(0)
    asked = [
        topic
        for output in conversation.said
        if isinstance(output, Send)
        for topic in json.loads(output.text)["args"]
    ]
    assert asked == ["orderbook.1000.BTCUSDT", "publicTrade.BTCUSDT"]


@pytest.mark.parametrize("more", [{"S": "Both"}, {"T": "soon"}, {"v": 1}])
def test_a_trade_that_cannot_be_read_is_malformed(more: dict[str, Any]) -> None:
    """It costs that frame only."""
    with pytest.raises(MalformedFrame):
        opened().receive(BOOK_LINK, deals("publicTrade", **more), 0)


def test_a_refused_batch_is_asked_for_one_by_one() -> None:
    """One bad name must not cost the others their trades."""
    conversation = Conversation(SPOT, [instrument(SPOT, name) for name in ("BTCUSDT", "NOPEUSDT")])
    conversation.open_all(0)
    asked = [json.loads(each.text) for each in conversation.said if isinstance(each, Send)]
    (number,) = [each["req_id"] for each in asked if each["args"][0].startswith("publicTrade")]
    refusal = {"success": False, "ret_msg": "Invalid topic", "req_id": number, "op": "subscribe"}
    outputs = conversation.receive(BOOK_LINK, json.dumps(refusal), 0)
    again = [json.loads(each.text) for each in outputs if isinstance(each, Send)]
    assert [each["args"] for each in again] == [["publicTrade.BTCUSDT"], ["publicTrade.NOPEUSDT"]]
    refusal["req_id"] = again[1]["req_id"]
    (note,) = conversation.receive(BOOK_LINK, json.dumps(refusal), 0)
    assert isinstance(note, Note)


# -- the audit -----------------------------------------------------------------------------------


def test_an_audit_reads_the_book_that_the_stream_counts() -> None:
    """Its `u` is the one of the stream of 1,000 levels."""
    assert LINEAR.audit is not None
    watched = instrument(LINEAR, "BTCUSDT")
    request = LINEAR.audit.request(watched)
    assert request.purpose is Purpose.AUDIT
    assert dict(request.params) == {"category": "linear", "symbol": "BTCUSDT", "limit": "1000"}
    book = {"s": "BTCUSDT", "b": [["10", "1"]], "a": [["11", "2"]], "u": 77, "cts": 5, "ts": 6}
    body = json.dumps({"retCode": 0, "retMsg": "OK", "result": book}).encode()
    assert LINEAR.audit.read(watched, body) == BookSnapshot(
        instrument="BTCUSDT",
        bids=[("10", "1")],
        asks=[("11", "2")],
        sequence=77,
        venue_time=5_000_000,
        window=1000,
    )


@pytest.mark.parametrize(
    "body",
    [b'{"retCode":10001,"retMsg":"params error","result":{}}', b"<html>", b'{"result":null}'],
)
def test_an_audit_that_was_refused_is_malformed(body: bytes) -> None:
    """An error comes with status 200 here."""
    assert LINEAR.audit is not None
    with pytest.raises(MalformedFrame):
        LINEAR.audit.read(instrument(LINEAR, "BTCUSDT"), body)
