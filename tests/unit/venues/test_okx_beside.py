"""OKX beside the book: trades, marks, liquidations; its catalogue and its units; the audit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import Conversation, instrument
from tests.support.damage import damaged

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import Liquidation, Marks, Position, Trade
from tidegauge.core.instrument import HOUR, SECOND, Instrument, InstrumentKind, InstrumentStatus
from tidegauge.core.reading import Taker
from tidegauge.core.side import Side
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Purpose, Response, Send

OKX = load()["okx"]
SWAP, SPOT, FUTURE = "BTC-USDT-SWAP", "BTC-USDT", "BTC-USD-261225"

ROW = {"state": "live", "tickSz": "0.1", "lotSz": "0.01"}
LISTED = {
    SPOT: {**ROW, "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT", "ctVal": ""},
    SWAP: {
        **ROW,
        "instType": "SWAP",
        "uly": "BTC-USDT",
        "ctVal": "0.01",
        "ctMult": "1",
        "ctValCcy": "BTC",
    },
    "BTC-USD-SWAP": {
        **ROW,
        "instType": "SWAP",
        "uly": "BTC-USD",
        "ctVal": "100",
        "ctMult": "1",
        "ctValCcy": "USD",
    },
    FUTURE: {
        **ROW,
        "instType": "FUTURES",
        "uly": "BTC-USD",
        "ctVal": "100",
        "ctMult": "2",
        "ctValCcy": "USD",
        "state": "suspend",
    },
}


def listed(**rows: dict[str, Any]) -> dict[str, Instrument]:
    data = [{"instId": name, **row} for name, row in (rows or LISTED).items()]
    body = json.dumps({"code": "0", "msg": "", "data": data}).encode()
    return {each.name: each for each in OKX.parse_catalogue(body)}


def opened() -> Conversation:
    conversation = Conversation(OKX, [*listed().values()])
    conversation.open_all(0)
    return conversation


def told(channel: str, name: str, *rows: dict[str, Any]) -> str:
    data = [{"instId": name, "ts": "1785096000123", **row} for row in rows]
    return json.dumps({"arg": {"channel": channel, "instId": name}, "data": data})


AT = 1_785_096_000_123 * SECOND // 1000


# -- what is asked for ---------------------------------------------------------------------------


def test_each_kind_is_asked_for_what_it_has() -> None:
    """Funding and open interest of swaps, marks of futures too; liquidations once a type."""
    sent = [json.loads(each.text) for each in opened().said if isinstance(each, Send)]
    books, beside = (request["args"] for request in sent)
    assert {arg["channel"] for arg in books} == {"books"}
    by_name: dict[str, set[str]] = {}
    for arg in beside:
        by_name.setdefault(arg.get("instId", arg.get("instType")), set()).add(arg["channel"])
    swap = {"trades", "mark-price", "funding-rate", "open-interest"}
    assert by_name == {
        SPOT: {"trades"},
        SWAP: swap,
        "BTC-USD-SWAP": swap,
        FUTURE: {"trades", "mark-price"},
        "SWAP": {"liquidation-orders"},
        "FUTURES": {"liquidation-orders"},
    }


# -- what is told --------------------------------------------------------------------------------


def test_trades_tell_who_took() -> None:
    """`side` is the taker's; sizes of contracts stay contracts."""
    deal = {"tradeId": "130", "px": "42219.9", "sz": "12", "side": "sell", "count": "3"}
    assert opened().receive(BOOK_LINK, told("trades", SWAP, deal), 0) == [
        Trade(
            instrument=SWAP, taker=Taker.SELL, price="42219.9", size="12", id="130", venue_time=AT
        )
    ]


def test_marks_come_piece_by_piece() -> None:
    """Each channel tells its own, and leaves the rest unknown."""
    conversation = opened()
    text = told("mark-price", SWAP, {"instType": "SWAP", "markPx": "42310.6"})
    assert conversation.receive(BOOK_LINK, text, 0) == [
        Marks(instrument=SWAP, mark="42310.6", venue_time=AT)
    ]
    text = told("open-interest", SWAP, {"oi": "2216113.01", "oiCcy": "22161.13"})
    assert conversation.receive(BOOK_LINK, text, 0) == [
        Marks(instrument=SWAP, open_interest="2216113.01", venue_time=AT)
    ]


def test_the_interval_of_funding_is_that_between_two_settlements() -> None:
    """It is 1, 2, 4 or 8 hours, and differs from contract to contract."""
    funding = {
        "fundingRate": "-0.0001",
        "fundingTime": "1785110400000",
        "nextFundingTime": "1785139200000",
        "nextFundingRate": "",
    }
    (marks,) = opened().receive(BOOK_LINK, told("funding-rate", SWAP, funding), 0)
    assert marks == Marks(
        instrument=SWAP,
        funding_rate="-0.0001",
        funding_interval=8 * HOUR,
        next_funding_at=1_785_110_400 * SECOND,
        venue_time=AT,
    )
    text = told("funding-rate", SWAP, {**funding, "nextFundingTime": ""})
    (marks,) = opened().receive(BOOK_LINK, text, 0)
    assert isinstance(marks, Marks)
    assert marks.funding_interval is None


@pytest.mark.parametrize(("side", "position"), [("sell", Position.LONG), ("buy", Position.SHORT)])
def test_liquidations_tell_the_position_that_was_closed(side: str, position: Position) -> None:
    """They come for all contracts of a type; only those that are watched are told."""
    order = {"side": side, "posSide": "long", "bkPx": "0.0078", "sz": "13", "ts": "9", "ccy": ""}
    rows = [{"instId": name, "details": [order, order]} for name in (SWAP, "SOL-USDT-SWAP")]
    arg = {"channel": "liquidation-orders", "instType": "SWAP"}
    outputs = opened().receive(BOOK_LINK, json.dumps({"arg": arg, "data": rows}), 0)
    one = Liquidation(
        instrument=SWAP, position=position, price="0.0078", size="13", venue_time=9_000_000
    )
    assert outputs == [one, one]


@given(data=st.data())
def test_damaged_frames_beside_the_book_raise_only_feed_errors(data: st.DataObject) -> None:
    """And cost no book."""
    deal = {"tradeId": "1", "px": "1", "sz": "1", "side": "buy"}
    text = data.draw(
        st.sampled_from(
            [
                told("trades", SWAP, deal),
                told("mark-price", SWAP, {"markPx": "1"}),
                told("funding-rate", SWAP, {"fundingTime": "1", "nextFundingTime": "2"}),
                told("liquidation-orders", SWAP, {"details": [{**deal, "bkPx": "1", "ts": "1"}]}),
            ]
        )
    )
    conversation = opened()
    try:
        conversation.receive(BOOK_LINK, data.draw(damaged(text)), 0)
    except FeedError:
        return


# -- the catalogue and its units -----------------------------------------------------------------


def test_listings_are_read_with_their_units() -> None:
    """A contract is ctVal times ctMult: of base or, where it is inverse, of quote."""
    found = listed()
    spot, swap, inverse, future = (found[name] for name in LISTED)
    assert (spot.kind, spot.base, spot.quote) == (InstrumentKind.SPOT, "BTC", "USDT")
    assert (spot.contract_value, spot.inverse) == (Decimal(1), False)
    assert (spot.tick, spot.step) == (Decimal("0.1"), Decimal("0.01"))
    assert (swap.kind, swap.base, swap.quote) == (InstrumentKind.PERP, "BTC", "USDT")
    assert (swap.contract_value, swap.inverse) == (Decimal("0.01"), False)
    assert (inverse.contract_value, inverse.inverse) == (Decimal(100), True)
    assert (future.kind, future.contract_value) == (InstrumentKind.FUTURE, Decimal(200))
    assert (swap.status, future.status) == (InstrumentStatus.TRADING, InstrumentStatus.HALTED)


def test_a_swaps_book_is_kept_in_base() -> None:
    """Twelve contracts of 0.01 BTC are 0.12 BTC."""
    swap = listed()[SWAP]
    book = OrderBook(
        price_scale=swap.price_scale, size_scale=swap.size_scale, contract_value=swap.contract_value
    )
    book.apply_snapshot([("42000", "12")], [("42000.1", "0.5")])
    assert book.top(Side.BID, 1) == [(Decimal(42000), Decimal("0.12"))]
    assert book.top(Side.ASK, 1) == [(Decimal("42000.1"), Decimal("0.005"))]


def test_what_cannot_be_traded_is_left_out() -> None:
    """No tick, no step, or a type we do not know."""
    rows = {
        "A-USDT": {**LISTED[SPOT], "tickSz": ""},
        "B-USDT": {**LISTED[SPOT], "lotSz": "0"},
        "C-USD-OPT": {**LISTED[SPOT], "instType": "OPTION"},
        "D-USDT": {**LISTED[SPOT], "state": "expired"},
    }
    found = listed(**rows)
    assert {name: each.status for name, each in found.items()} == {
        "D-USDT": InstrumentStatus.DELISTED
    }


def test_an_answer_with_a_code_is_no_catalogue() -> None:
    """HTTP 200 proves nothing here."""
    with pytest.raises(MalformedFrame, match="50011"):
        OKX.parse_catalogue(b'{"code":"50011","msg":"Too Many Requests","data":[]}')


def test_the_catalogue_is_asked_for_type_by_type() -> None:
    """Spot, swaps and futures; each answer is read on its own."""
    asked = [dict(fetch.params)["instType"] for fetch in OKX.catalogue]
    assert asked == ["SPOT", "SWAP", "FUTURES"]
    assert {fetch.path for fetch in OKX.catalogue} == {"/api/v5/public/instruments"}


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("BTCUSDT", SPOT), ("ethusdc", "ETH-USDC"), (SWAP, SWAP), ("ETHBTC", "ETH-BTC"), ("X", "X")],
)
def test_our_symbols_are_the_spot_pairs(symbol: str, name: str) -> None:
    """Contracts are mapped by name."""
    assert OKX.default_name(symbol) == name


# -- the audit -----------------------------------------------------------------------------------


def test_a_book_can_be_had_by_rest_to_compare() -> None:
    """As many levels as the stream keeps, with the id they are of."""
    assert OKX.audit is not None
    spot = instrument(OKX, SPOT)
    fetch = OKX.audit.request(spot)
    assert (fetch.purpose, fetch.path) == (Purpose.AUDIT, "/api/v5/market/books")
    assert dict(fetch.params) == {"instId": SPOT, "sz": "400"}
    rows = {"asks": [["11", "1", "0", "1"]], "bids": [], "ts": "1785096000123", "seqId": 7}
    snapshot = OKX.audit.read(spot, json.dumps({"code": "0", "data": [rows]}).encode())
    assert (snapshot.instrument, snapshot.sequence, snapshot.venue_time) == (SPOT, 7, AT)
    assert (snapshot.bids, snapshot.asks) == ([], [("11", "1")])
    with pytest.raises(MalformedFrame, match="51001"):
        OKX.audit.read(spot, b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}')
    assert opened().protocol.fetched(fetch, Response(status=200, body=b"{}"), 0) == []
