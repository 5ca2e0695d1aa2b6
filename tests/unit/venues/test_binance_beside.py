"""Binance beside the book: trades, marks, liquidations, open interest, audits, and the catalogue."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot, Liquidation, Marks, Position, Trade
from tidegauge.core.instrument import HOUR, SECOND, InstrumentKind, InstrumentStatus
from tidegauge.core.reading import Taker
from tidegauge.venues import load
from tidegauge.wire.protocol import Fetch, Note, Output, Purpose, Response

SPOT, FUTURES, COIN_M = (load()[f"binance{market}"] for market in ("", "-futures", "-coinm"))


def opened(*names: str) -> Conversation:
    watched = [instrument(FUTURES, name) for name in names or ("BTCUSDT",)]
    conversation = Conversation(FUTURES, watched)
    conversation.open_all(0)
    return conversation


def heard(payload: dict[str, Any], stream: str | None = None) -> list[Output]:
    """What comes of a payload, bare or as one of a combined stream."""
    frame = payload if stream is None else {"stream": f"btcusdt@{stream}", "data": payload}
    return opened().receive("market", json.dumps(frame), 0)


DEAL = {"s": "BTCUSDT", "p": "60000.10", "q": "0.014", "T": 7, "E": 8, "m": True}
MARK = {"e": "markPriceUpdate", "E": 9, "s": "BTCUSDT", "p": "60001.5", "i": "60002", "r": "0.0001"}
ORDER = {"s": "BTCUSDT", "S": "SELL", "q": "0.5", "p": "59000", "ap": "59100", "T": 7}


@pytest.mark.parametrize(
    ("kind", "id_field"), [("aggTrade", {"a": 5}), ("trade", {"t": 5, "X": "MARKET"})]
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_trade_tells_who_took(kind: str, id_field: dict[str, Any], wrapped: bool) -> None:
    """The taker sold where the buyer was the maker, on live and on recorded streams."""
    told = heard({"e": kind, **DEAL, **id_field}, kind if wrapped else None)
    assert told == [
        Trade(
            instrument="BTCUSDT",
            taker=Taker.SELL,
            price="60000.10",
            size="0.014",
            id="5",
            venue_time=7_000_000,
        )
    ]


def test_trades_that_were_not_made_in_the_book_are_left_out() -> None:
    """Insurance fund and auto-deleveraging; a trade without an id is malformed."""
    assert heard({"e": "trade", **DEAL, "t": 5, "X": "INSURANCE_FUND"}) == []
    with pytest.raises(MalformedFrame):
        heard({"e": "trade", **DEAL})


def test_a_mark_price_comes_with_index_and_funding() -> None:
    """A delivery contract has neither rate nor time."""
    assert heard({**MARK, "T": 1_000}, "markPrice@1s") == [
        Marks(
            instrument="BTCUSDT",
            mark="60001.5",
            index="60002",
            funding_rate="0.0001",
            funding_interval=8 * HOUR,
            next_funding_at=SECOND,
            venue_time=9_000_000,
        )
    ]
    assert heard({**MARK, "T": 0, "r": ""}) == [
        Marks(instrument="BTCUSDT", mark="60001.5", index="60002", venue_time=9_000_000)
    ]


@pytest.mark.parametrize(("side", "position"), [("SELL", Position.LONG), ("BUY", Position.SHORT)])
def test_a_forced_order_tells_the_position_it_closes(side: str, position: Position) -> None:
    """Its own side is that of the order; its price is the bankruptcy price."""
    assert heard({"e": "forceOrder", "E": 8, "o": {**ORDER, "S": side}}, "forceOrder") == [
        Liquidation(
            instrument="BTCUSDT",
            position=position,
            price="59000",
            size="0.5",
            venue_time=7_000_000,
        )
    ]


# -- open interest -------------------------------------------------------------------------------


def interest(outputs: list[Output]) -> list[Fetch]:
    return [each for each in outputs if isinstance(each, Fetch) and each.purpose is Purpose.MARKS]


def test_open_interest_is_asked_for_in_turn() -> None:
    """Each instrument every 30 s, never all at once; spot has none."""
    conversation = opened("BTCUSDT", "ETHUSDT", "XRPUSDT")
    asked = [
        (second, fetch.instrument)
        for second in range(61)
        for fetch in interest(conversation.tick(second * SECOND))
    ]
    names = ["BTCUSDT", "ETHUSDT", "XRPUSDT"]
    assert asked == [(10 * (turn + 1), names[turn % 3]) for turn in range(6)]
    spot = Conversation(SPOT, [instrument(SPOT, "BTCUSDT")])
    spot.open_all(0)
    assert not any(interest(spot.tick(second * SECOND)) for second in range(61))


def test_open_interest_is_read() -> None:
    """In contracts or base, as sizes are; what cannot be read is reported and costs nothing."""
    conversation = opened()
    (fetch,) = interest(conversation.tick(31 * SECOND))
    assert (fetch.path, fetch.params) == ("/fapi/v1/openInterest", (("symbol", "BTCUSDT"),))
    body = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1000}'
    told = conversation.protocol.fetched(fetch, Response(status=200, body=body), 0)
    assert told == [Marks(instrument="BTCUSDT", open_interest="10659.509", venue_time=SECOND)]
    (error,) = conversation.protocol.fetched(fetch, Response(status=200, body=b"{}"), 0)
    assert isinstance(error, MalformedFrame)


@pytest.mark.parametrize(("told", "seconds"), [(7.0, 7), (None, 60)])
def test_open_interest_waits_when_there_are_too_many_requests(
    told: float | None, seconds: int
) -> None:
    """As long as was said; a minute where nothing was."""
    conversation = opened()
    (fetch,) = interest(conversation.tick(30 * SECOND))
    now = 50 * SECOND
    limited = Response(status=429, body=b"", retry_after=told)
    (note,) = conversation.protocol.fetched(fetch, limited, now)
    assert isinstance(note, Note)
    due = max(60 * SECOND, now + seconds * SECOND)
    assert interest(conversation.tick(due - 1)) == []
    assert len(interest(conversation.tick(due))) == 1


# -- the audit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "path", "weight"),
    [(SPOT, "/api/v3/depth", 25), (FUTURES, "/fapi/v1/depth", 10), (COIN_M, "/dapi/v1/depth", 10)],
)
def test_an_audit_is_a_small_snapshot(spec: Any, path: str, weight: int) -> None:
    """Its id is one of the stream's, so that the two can be compared."""
    watched = instrument(spec, "BTCUSDT")
    request = spec.audit.request(watched)
    assert (request.path, request.weight, request.purpose) == (path, weight, Purpose.AUDIT)
    assert dict(request.params) == {"symbol": "BTCUSDT", "limit": "500"}
    body = b'{"lastUpdateId":5,"bids":[["10","1"]],"asks":[["11","2"]]}'
    assert spec.audit.read(watched, body) == BookSnapshot(
        instrument="BTCUSDT", bids=[("10", "1")], asks=[("11", "2")], sequence=5, limit=500
    )
    with pytest.raises(MalformedFrame):
        spec.audit.read(watched, b'{"code":-1003,"msg":"Too many requests."}')


# -- the catalogue -------------------------------------------------------------------------------


def listing(**more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001000"},
        ],
        **more,
    }


def test_spot_listings_are_read() -> None:
    """Tick and step come from the filters; what is not trading is halted."""
    rows = [listing(), listing(symbol="OLDUSDT", status="BREAK"), listing(filters=[])]
    first, old = SPOT.parse_catalogue(json.dumps({"symbols": rows}).encode())
    assert (first.tick, first.step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (first.kind, first.status) == (InstrumentKind.SPOT, InstrumentStatus.TRADING)
    assert (first.price_scale, first.size_scale) == (2, 5)
    assert old.status is InstrumentStatus.HALTED


def test_coin_margined_contracts_stand_for_dollars() -> None:
    """A size is a number of contracts; our symbol's quote is left out of the name."""
    row = listing(
        symbol="BTCUSD_PERP", contractSize=100, contractStatus="TRADING", quoteAsset="USD"
    )
    row.pop("status")
    (found,) = COIN_M.parse_catalogue(json.dumps({"symbols": [row]}).encode())
    assert (found.contract_value, found.inverse) == (Decimal(100), True)
    assert (found.kind, found.status) == (InstrumentKind.PERP, InstrumentStatus.TRADING)
    assert COIN_M.default_name("BTCUSDT") == "BTCUSD_PERP"
    assert COIN_M.default_name("ETHUSD") == "ETHUSD_PERP"


def test_futures_listings_tell_perpetuals_from_deliveries() -> None:
    """By contract type; what was delivered is gone."""
    rows = [
        listing(contractType="PERPETUAL"),
        listing(contractType="CURRENT_QUARTER", symbol="BTCUSDT_261225", status="DELIVERED"),
    ]
    perpetual, quarter = FUTURES.parse_catalogue(json.dumps({"symbols": rows}).encode())
    assert (perpetual.venue, perpetual.kind) == ("binance-futures", InstrumentKind.PERP)
    assert (quarter.kind, quarter.status) == (InstrumentKind.FUTURE, InstrumentStatus.DELISTED)
