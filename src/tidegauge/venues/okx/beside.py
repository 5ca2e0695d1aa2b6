"""What OKX tells beside the book ("Trades", "Mark price", "Funding rate" and so on channels)."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from tidegauge.core.events import Liquidation, MarketEvent, Marks, Position, Trade
from tidegauge.core.instrument import MILLISECOND, InstrumentKind
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import FrameDecoder, millis_text, nanos

INSTRUMENT_TYPES: Mapping[InstrumentKind, str] = {
    InstrumentKind.SPOT: "SPOT",
    InstrumentKind.PERP: "SWAP",
    InstrumentKind.FUTURE: "FUTURES",
}

_LIQUIDATIONS = "liquidation-orders"
_CHANNELS: Mapping[InstrumentKind, Sequence[str]] = {
    InstrumentKind.SPOT: ("trades",),
    InstrumentKind.FUTURE: ("trades", "mark-price"),
    InstrumentKind.PERP: ("trades", "mark-price", "funding-rate", "open-interest"),
}


class Deal(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: Taker
    ts: str


class Told(msgspec.Struct, rename="camel"):
    """A frame of the channels that speak of a contract; each has its own fields."""

    inst_id: str
    ts: str
    mark_px: str = ""
    funding_rate: str = ""
    funding_time: str = ""
    next_funding_time: str = ""
    oi: str = ""


class Order(msgspec.Struct, rename="camel"):
    side: Taker
    bk_px: str
    sz: str
    ts: str


class Liquidated(msgspec.Struct, rename="camel"):
    inst_id: str
    details: list[Order]


_deals = FrameDecoder(list[Deal])
_told = FrameDecoder(list[Told])
_liquidated = FrameDecoder(list[Liquidated])


def arguments(kinds: Mapping[str, InstrumentKind], names: Sequence[str]) -> list[dict[str, str]]:
    """Return what to subscribe to beside the books of `names`."""
    args = [
        {"channel": channel, "instId": name}
        for name in names
        for channel in _CHANNELS.get(kinds[name], ())
    ]
    types = {INSTRUMENT_TYPES[kinds[name]] for name in names if kinds[name] in _CHANNELS}
    # Liquidations come for all contracts of a type at once.
    return args + [
        {"channel": _LIQUIDATIONS, "instType": each} for each in sorted(types - {"SPOT"})
    ]


def _trades(data: msgspec.Raw) -> list[MarketEvent]:
    return [
        Trade(
            instrument=deal.inst_id,
            taker=deal.side,
            price=deal.px,
            size=deal.sz,
            id=deal.trade_id,
            venue_time=nanos(millis_text(deal.ts)),
        )
        for deal in _deals(data)
    ]


def _marks(data: msgspec.Raw) -> list[MarketEvent]:
    """Intervals of funding vary from contract to contract: only two settlements tell them."""
    return [
        Marks(
            instrument=told.inst_id,
            mark=told.mark_px or None,
            funding_rate=told.funding_rate or None,
            funding_interval=_interval(told),
            next_funding_at=nanos(millis_text(told.funding_time)) if told.funding_time else None,
            open_interest=told.oi or None,
            venue_time=nanos(millis_text(told.ts)),
        )
        for told in _told(data)
    ]


def _interval(told: Told) -> int | None:
    if not (told.funding_time and told.next_funding_time):
        return None
    span = millis_text(told.next_funding_time) - millis_text(told.funding_time)
    return span * MILLISECOND if span > 0 else None


def _liquidations(data: msgspec.Raw) -> list[MarketEvent]:
    """A long is closed by selling."""
    return [
        Liquidation(
            instrument=each.inst_id,
            position=Position.LONG if order.side is Taker.SELL else Position.SHORT,
            price=order.bk_px,
            size=order.sz,
            venue_time=nanos(millis_text(order.ts)),
        )
        for each in _liquidated(data)
        for order in each.details
    ]


BESIDE: Mapping[str, Callable[[msgspec.Raw], list[MarketEvent]]] = {
    "trades": _trades,
    "mark-price": _marks,
    "funding-rate": _marks,
    "open-interest": _marks,
    _LIQUIDATIONS: _liquidations,
}
