"""Hyperliquid beside the book: trades told once, contexts, and the audit by REST."""

import json
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot, Marks, Trade
from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import Taker
from tidegauge.venues import load
from tidegauge.wire.protocol import Purpose

SPEC = load()["hyperliquid"]
TOUCH_LINK = "touch"


def opened() -> Conversation:
    conversation = Conversation(SPEC, [instrument(SPEC, "BTC")])
    conversation.open_all(0)
    return conversation


def deal(time: int, tid: int, **more: Any) -> dict[str, Any]:
    return {"coin": "BTC", "side": "B", "px": "10", "sz": "1", "time": time, "tid": tid, **more}


def trades(*deals: dict[str, Any]) -> str:
    return json.dumps({"channel": "trades", "data": deals})


def ids(conversation: Conversation, text: str) -> list[str]:
    told = conversation.receive(TOUCH_LINK, text, 0)
    return [each.id for each in told if isinstance(each, Trade)]


def test_a_trade_tells_who_took() -> None:
    """`A` is the ask that was hit from the other side: the taker sold."""
    sold, bought = opened().receive(TOUCH_LINK, trades(deal(7, 1, side="A"), deal(7, 2)), 0)
    assert sold == Trade(
        instrument="BTC", taker=Taker.SELL, price="10", size="1", id="7-1", venue_time=7_000_000
    )
    assert isinstance(bought, Trade)
    assert bought.taker is Taker.BUY


def test_what_a_new_subscription_repeats_is_told_once() -> None:
    """Its first frame holds some thirty older trades, and what was missed between the links."""
    conversation = opened()
    assert ids(conversation, trades(deal(1, 1), deal(1, 2), deal(2, 3))) == ["1-1", "1-2", "2-3"]
    conversation.close(TOUCH_LINK, 0)
    conversation.open(TOUCH_LINK, 0)
    again = trades(deal(1, 2), deal(2, 3), deal(2, 4), deal(3, 5))
    assert ids(conversation, again) == ["2-4", "3-5"]


def test_a_damaged_time_does_not_silence_what_follows() -> None:
    """Trades are known by their ids, not by being newer."""
    conversation = opened()
    assert ids(conversation, trades(deal(9_000_000_000_000, 1))) == ["9000000000000-1"]
    assert ids(conversation, trades(deal(2, 2))) == ["2-2"]


def test_trades_of_other_coins_are_passed_over() -> None:
    """They may be on a recorded tape."""
    assert opened().receive(TOUCH_LINK, trades(deal(1, 1, coin="ETH")), 0) == []


@pytest.mark.parametrize("more", [{"side": "C"}, {"px": 10}, {"sz": None}])
def test_a_trade_that_cannot_be_read_is_malformed(more: dict[str, Any]) -> None:
    """It costs that frame only."""
    with pytest.raises(MalformedFrame):
        opened().receive(TOUCH_LINK, trades(deal(1, 1, **more)), 0)


def test_a_context_tells_mark_oracle_funding_and_interest() -> None:
    """Funding is for an hour here; there is no time in it."""
    ctx = {"funding": "0.00001", "openInterest": "36585.3", "oraclePx": "84198.0", "midPx": None}
    data = {"coin": "BTC", "ctx": {**ctx, "markPx": "84148.0"}}
    text = json.dumps({"channel": "activeAssetCtx", "data": data})
    assert opened().receive(TOUCH_LINK, text, 0) == [
        Marks(
            instrument="BTC",
            mark="84148.0",
            index="84198.0",
            funding_rate="0.00001",
            funding_interval=HOUR,
            open_interest="36585.3",
        )
    ]


def test_an_audit_is_a_book_of_twenty_levels() -> None:
    """By POST; the answer must be about that coin."""
    assert SPEC.audit is not None
    watched = instrument(SPEC, "BTC")
    request = SPEC.audit.request(watched)
    assert (request.path, request.weight, request.purpose) == ("/info", 2, Purpose.AUDIT)
    assert json.loads(request.body or "") == {"type": "l2Book", "coin": "BTC"}
    levels = [[{"px": "10", "sz": "1", "n": 3}], [{"px": "11", "sz": "2", "n": 1}]]
    told = {"coin": "BTC", "time": 5, "levels": levels}
    assert SPEC.audit.read(watched, json.dumps(told).encode()) == BookSnapshot(
        instrument="BTC",
        bids=[("10", "1")],
        asks=[("11", "2")],
        sequence=5,
        venue_time=5_000_000,
        window=20,
    )
    for wrong in (b"null", json.dumps({**told, "coin": "ETH"}).encode()):
        with pytest.raises(MalformedFrame):
            SPEC.audit.read(watched, wrong)
