"""Trades, tickers and liquidations of Bybit ("Trade", "Ticker", "All Liquidation")."""

from enum import StrEnum

import msgspec

from tidegauge.core.events import Liquidation, MarketEvent, Marks, Position, Trade
from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import FrameDecoder, Millis, millis_text, nanos

from .frames import Envelope


class Side(StrEnum):
    BUY = "Buy"
    SELL = "Sell"


class Deal(msgspec.Struct, gc=False):
    """A trade or, without an id, a liquidation. `BT`: agreed off the book."""

    s: str
    S: Side
    v: str
    p: str
    T: Millis
    i: str = ""
    BT: bool = False


class Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: str | None = None
    index_price: str | None = None
    funding_rate: str | None = None
    funding_interval_hour: str | None = None
    next_funding_time: str | None = None
    open_interest: str | None = None


_deals = FrameDecoder(list[Deal])
_ticker = FrameDecoder(Ticker)

_TAKERS = {Side.BUY: Taker.BUY, Side.SELL: Taker.SELL}


def _trades(envelope: Envelope) -> list[MarketEvent]:
    """Block trades are left out: they tell nothing of the book."""
    return [
        Trade(
            instrument=deal.s,
            taker=_TAKERS[deal.S],
            price=deal.p,
            size=deal.v,
            id=deal.i,
            venue_time=nanos(deal.T),
        )
        for deal in _deals(envelope.data)
        if not deal.BT
    ]


def _liquidations(envelope: Envelope) -> list[MarketEvent]:
    """`S` is the side of the position here, not of the order: Buy is a long that was closed."""
    return [
        Liquidation(
            instrument=deal.s,
            position=Position.LONG if deal.S is Side.BUY else Position.SHORT,
            price=deal.p,
            size=deal.v,
            venue_time=nanos(deal.T),
        )
        for deal in _deals(envelope.data)
    ]


def _marks(envelope: Envelope) -> list[MarketEvent]:
    """A ticker's delta leaves out what has not changed; often it tells the last price only."""
    ticker = _ticker(envelope.data)
    hours, following = ticker.funding_interval_hour, ticker.next_funding_time
    told = (ticker.mark_price, ticker.index_price, ticker.funding_rate, ticker.open_interest)
    if not any((*told, hours, following)):
        return []
    return [
        Marks(
            instrument=ticker.symbol,
            mark=ticker.mark_price,
            index=ticker.index_price,
            funding_rate=ticker.funding_rate or None,
            funding_interval=millis_text(hours) * HOUR if hours else None,
            next_funding_at=nanos(millis_text(following)) if following else None,
            open_interest=ticker.open_interest,
            venue_time=nanos(envelope.ts) if isinstance(envelope.ts, int) else None,
        )
    ]


BESIDE = {"publicTrade": _trades, "tickers": _marks, "allLiquidation": _liquidations}
