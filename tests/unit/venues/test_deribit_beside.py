"""Deribit beside the book: trades, tickers; its catalogue and its units; the audit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import Conversation
from tests.support.damage import damaged

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import Liquidation, Marks, Position, Trade
from tidegauge.core.instrument import HOUR, MILLISECOND, Instrument, InstrumentKind
from tidegauge.core.reading import Taker
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Note, Output, Purpose, Send

DERIBIT = load()["deribit"]
PERP, LINEAR, SPOT, OPTION = "BTC-PERPETUAL", "BTC_USDC-PERPETUAL", "BTC_USDT", "BTC-26SEP26-9-C"

LISTED = b"""{"jsonrpc": "2.0", "result": [
{"instrument_name": "BTC-PERPETUAL", "kind": "future", "settlement_period": "perpetual",
 "base_currency": "BTC", "quote_currency": "USD", "instrument_type": "reversed",
 "tick_size": 0.5, "min_trade_amount": 10, "contract_size": 10, "is_active": true},
{"instrument_name": "BTC_USDC-PERPETUAL", "kind": "future", "settlement_period": "perpetual",
 "base_currency": "BTC", "quote_currency": "USDC", "instrument_type": "linear",
 "tick_size": 0.1, "min_trade_amount": 1.0e-4, "contract_size": 1.0e-4, "is_active": true},
{"instrument_name": "BTC_USDT", "kind": "spot", "base_currency": "BTC", "quote_currency": "USDT",
 "instrument_type": "linear", "tick_size": 1, "min_trade_amount": 0.0001, "is_active": false},
{"instrument_name": "BTC-26SEP26-9-C", "kind": "option", "settlement_period": "month",
 "base_currency": "BTC", "quote_currency": "BTC", "instrument_type": "reversed",
 "tick_size": 1e-4, "min_trade_amount": 0.1, "contract_size": 1, "is_active": true},
{"instrument_name": "BTC-25DEC26", "kind": "future", "settlement_period": "month",
 "base_currency": "BTC", "quote_currency": "USD", "instrument_type": "reversed",
 "tick_size": 2.5, "min_trade_amount": 10, "is_active": true},
{"instrument_name": "BTC-FS-25DEC26_PERP", "kind": "future_combo", "base_currency": "BTC",
 "quote_currency": "USD", "tick_size": 0.5, "min_trade_amount": 10}]}"""


def listed() -> dict[str, Instrument]:
    return {each.name: each for each in DERIBIT.parse_catalogue(LISTED)}


def opened() -> Conversation:
    conversation = Conversation(DERIBIT, [*listed().values()])
    conversation.open_all(0)
    return conversation


def deal(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": 9,
        "price": 92294.5,
        "amount": 10.0,
        "direction": "sell",
        "instrument_name": PERP,
        "trade_seq": number,
        "trade_id": f"t{number}",
        **more,
    }


def told(channel: str, data: object) -> str:
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def trades(conversation: Conversation, *deals: dict[str, Any]) -> list[Output]:
    return conversation.receive(BOOK_LINK, told(f"trades.{PERP}.100ms", deals), 0)


# -- what is asked for ---------------------------------------------------------------------------


def test_each_kind_is_asked_for_what_it_has() -> None:
    """Spot has no marks, and of options only the book is kept."""
    sent = [json.loads(each.text) for each in opened().said if isinstance(each, Send)]
    beside = sent[-1]["params"]["channels"]
    assert sorted(beside) == sorted(
        [
            *(f"trades.{name}.100ms" for name in (PERP, LINEAR, SPOT, "BTC-25DEC26")),
            *(f"ticker.{name}.100ms" for name in (PERP, LINEAR, "BTC-25DEC26")),
        ]
    )
    assert f"book.{OPTION}.100ms" in sent[1]["params"]["channels"]


# -- what is told --------------------------------------------------------------------------------


def test_trades_tell_who_took_and_how_much_as_it_is_written() -> None:
    """`direction` is the taker's."""
    text = told(f"trades.{PERP}.100ms", [deal()]).replace("92294.5", "9.22945e4")
    assert opened().receive(BOOK_LINK, text, 0) == [
        Trade(
            instrument=PERP,
            taker=Taker.SELL,
            price="9.22945e4",
            size="10.0",
            id="t1",
            venue_time=9 * MILLISECOND,
        )
    ]


def test_trades_are_numbered_and_missing_ones_noted() -> None:
    """One that is told twice is told once; the numbers outlive the connection."""
    conversation = opened()
    assert len(trades(conversation, deal(1), deal(2))) == 2
    conversation.open(BOOK_LINK, 0)
    note, trade = trades(conversation, deal(2), deal(5))
    assert note == Note(kind="trades_missed", instrument=PERP, detail="2")
    assert isinstance(trade, Trade)
    assert trade.id == "t5"


def test_what_was_agreed_off_the_book_is_left_out() -> None:
    """Block trades and legs of combos moved no book, but they count as numbers."""
    conversation = opened()
    assert trades(conversation, deal(1), deal(2, block_trade_id="B-1")) != []
    assert trades(conversation, deal(3, combo_trade_id=17)) == []
    (trade,) = trades(conversation, deal(4, block_trade_id=None))
    assert isinstance(trade, Trade)


@pytest.mark.parametrize(
    ("flag", "takers", "makers"),
    [("T", True, []), ("M", False, [Position.SHORT]), ("MT", True, [Position.SHORT]), ("", 0, [])],
)
def test_a_liquidation_tells_whose_position_was_closed(
    flag: str, takers: bool, makers: list[Position]
) -> None:
    """The taker sold: closing a long of the taker's, or a short of the maker's."""
    trade, *liquidations = trades(opened(), deal(liquidation=flag))
    assert isinstance(trade, Trade)
    assert trade.liquidation == takers
    assert [each.position for each in liquidations if isinstance(each, Liquidation)] == makers


TICKER = (
    '{"timestamp":1790133840887,"instrument_name":"BTC_USDC-PERPETUAL","index_price":86744.11,'
    '"mark_price":8.677814e4,"open_interest":459.3409,"current_funding":1.423e-4,'
    '"funding_8h":-5.149e-5,"best_bid_price":null}'
)


def ticker(text: str, name: str = LINEAR) -> str:
    head = '{"jsonrpc":"2.0","method":"subscription","params":'
    return f'{head}{{"channel":"ticker.{name}.100ms","data":{text}}}}}'


def test_a_ticker_tells_mark_index_funding_and_open_interest() -> None:
    """The funding of the last eight hours."""
    assert opened().receive(BOOK_LINK, ticker(TICKER), 0) == [
        Marks(
            instrument=LINEAR,
            mark="8.677814e4",
            index="86744.11",
            funding_rate="-5.149e-5",
            funding_interval=8 * HOUR,
            open_interest="459.3409",
            venue_time=1_790_133_840_887 * MILLISECOND,
        )
    ]


def test_what_a_ticker_does_not_tell_is_unknown() -> None:
    """A dated future has no funding, and a null is not zero."""
    few = '{"timestamp":9,"instrument_name":"BTC-25DEC26","mark_price":null,"index_price":1}'
    assert opened().receive(BOOK_LINK, ticker(few, "BTC-25DEC26"), 0) == [
        Marks(instrument="BTC-25DEC26", index="1", venue_time=9 * MILLISECOND)
    ]


@pytest.mark.parametrize(
    "text",
    [
        ticker(TICKER, PERP),
        told(f"trades.{LINEAR}.100ms", [deal()]),
        ticker(TICKER.replace("86744.11", '"86744.11"')),
    ],
)
def test_what_is_about_another_instrument_is_malformed(text: str) -> None:
    """Nothing is known of an instrument by another's channel, nor a number by its quotes."""
    with pytest.raises(MalformedFrame):
        opened().receive(BOOK_LINK, text, 0)


def test_options_and_strangers_are_passed_over() -> None:
    """They may be on a recorded tape."""
    conversation = opened()
    for name in (OPTION, "SOL-PERPETUAL"):
        for kind in ("trades", "ticker"):
            assert conversation.receive(BOOK_LINK, told(f"{kind}.{name}.raw", "?"), 0) == []


@given(data=st.data())
def test_damaged_frames_beside_the_book_raise_only_feed_errors(data: st.DataObject) -> None:
    """And nothing else leaves the protocol."""
    text = data.draw(
        st.sampled_from([ticker(TICKER), told(f"trades.{PERP}.100ms", [deal(), deal(2)])])
    )
    try:
        opened().receive(BOOK_LINK, data.draw(damaged(text)), 0)
    except FeedError:
        return


# -- the catalogue and its units -----------------------------------------------------------------


def test_listings_are_read_with_their_units() -> None:
    """Amounts are base; of inverse futures they are quote. Contract sizes multiply nothing."""
    found = listed()
    assert {name: each.kind for name, each in found.items()} == {
        PERP: InstrumentKind.PERP,
        LINEAR: InstrumentKind.PERP,
        SPOT: InstrumentKind.SPOT,
        OPTION: InstrumentKind.OPTION,
        "BTC-25DEC26": InstrumentKind.FUTURE,
    }
    assert {each.contract_value for each in found.values()} == {Decimal(1)}
    assert [name for name, each in found.items() if each.inverse] == [PERP, "BTC-25DEC26"]
    assert (found[LINEAR].tick, found[LINEAR].step) == (Decimal("0.1"), Decimal("0.0001"))
    assert (found[PERP].base, found[PERP].quote) == ("BTC", "USD")
    assert found[SPOT].status == "halted"


def test_the_catalogue_is_asked_for_kind_by_kind() -> None:
    """All currencies at once."""
    asked = [dict(fetch.params) for fetch in DERIBIT.catalogue]
    assert asked == [{"currency": "any", "kind": kind} for kind in ("future", "spot", "option")]


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("BTCUSDT", LINEAR), ("ethusdc", "ETH_USDC-PERPETUAL"), ("BTCUSD", PERP), (OPTION, OPTION)],
)
def test_our_symbols_are_perpetuals(symbol: str, name: str) -> None:
    """The linear one in USDC, as USDT and USDC count as one another; USD is the inverse one."""
    assert DERIBIT.default_name(symbol) == name


# -- the audit -----------------------------------------------------------------------------------


def test_a_book_can_be_had_by_rest_to_compare() -> None:
    """Bare pairs, with the id of the change they are of."""
    assert DERIBIT.audit is not None
    perp = listed()[PERP]
    fetch = DERIBIT.audit.request(perp)
    assert (fetch.purpose, fetch.path) == (Purpose.AUDIT, "/api/v2/public/get_order_book")
    assert dict(fetch.params) == {"instrument_name": PERP, "depth": "1000"}
    body = b'{"result":{"timestamp":9,"change_id":7,"bids":[[10.50,1.0e4]],"asks":[],"state":"o"}}'
    snapshot = DERIBIT.audit.read(perp, body)
    assert (snapshot.sequence, snapshot.venue_time) == (7, 9 * MILLISECOND)
    assert (snapshot.bids, snapshot.asks) == ([("10.50", "1.0e4")], [])
    for bad in (b'{"error":{"code":13020}}', body.replace(b"10.50", b'"10.50"')):
        with pytest.raises(MalformedFrame):
            DERIBIT.audit.read(perp, bad)
