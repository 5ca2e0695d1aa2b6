"""Trades, marks and liquidations of Binance ("Aggregate Trade Streams" and so on)."""

from collections.abc import Callable

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import Liquidation, MarketEvent, Marks, Position, Trade
from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import FrameDecoder, Millis, UpdateId, nanos

FUNDING_INTERVAL = 8 * HOUR
"""Of most contracts; no stream tells which have another."""


class Deal(msgspec.Struct, gc=False):
    """A trade (`t`) or the fills of one order at one price (`a`). `m`: the buyer was the maker.

    `X` is told by futures' `@trade`: what is not of the market (insurance fund, ADL) is left out.
    """

    s: str
    p: str
    q: str
    T: Millis
    m: bool
    a: UpdateId | None = None
    t: UpdateId | None = None
    X: str = "MARKET"


class MarkPrice(msgspec.Struct, gc=False):
    """`p` mark, `i` index, `r` funding rate, `T` when it is paid next; a delivery has no funding."""

    s: str
    E: Millis
    p: str
    i: str = ""
    r: str = ""
    T: Millis = 0


class ForcedOrder(msgspec.Struct, gc=False):
    """`S` is the side of the order that closes the position, `p` the bankruptcy price."""

    s: str
    S: str
    q: str
    p: str
    T: Millis


class Forced(msgspec.Struct, gc=False):
    o: ForcedOrder


_deal = FrameDecoder(Deal)
_mark = FrameDecoder(MarkPrice)
_forced = FrameDecoder(Forced)


def _trade(data: msgspec.Raw | str | bytes) -> list[MarketEvent]:
    deal = _deal(data)
    number = deal.t if deal.a is None else deal.a
    if number is None:
        raise MalformedFrame("a trade without an id")
    if deal.X != "MARKET":
        return []
    return [
        Trade(
            instrument=deal.s,
            taker=Taker.SELL if deal.m else Taker.BUY,
            price=deal.p,
            size=deal.q,
            id=str(number),
            venue_time=nanos(deal.T),
        )
    ]


def _marks(data: msgspec.Raw | str | bytes) -> list[MarketEvent]:
    mark = _mark(data)
    return [
        Marks(
            instrument=mark.s,
            mark=mark.p,
            index=mark.i or None,
            funding_rate=mark.r or None,
            funding_interval=FUNDING_INTERVAL if mark.r else None,
            next_funding_at=nanos(mark.T) if mark.T else None,
            venue_time=nanos(mark.E),
        )
    ]


def _liquidation(data: msgspec.Raw | str | bytes) -> list[MarketEvent]:
    order = _forced(data).o
    return [
        Liquidation(
            instrument=order.s,
            position=Position.LONG if order.S == "SELL" else Position.SHORT,
            price=order.p,
            size=order.q,
            venue_time=nanos(order.T),
        )
    ]


Reader = Callable[[msgspec.Raw | str | bytes], list[MarketEvent]]

BESIDE: dict[str, Reader] = {
    "trade": _trade,
    "aggTrade": _trade,
    "markPrice": _marks,
    "markPriceUpdate": _marks,
    "forceOrder": _liquidation,
}
"""Readers by the stream's kind, where the payload is wrapped, and by the event's, where it is bare."""
