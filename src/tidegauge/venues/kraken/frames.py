"""What every frame of a Kraken v2 socket looks like. Numbers keep the digits they came with."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from tidegauge.core.events import Trade
from tidegauge.core.reading import Taker
from tidegauge.core.side import WireLevels
from tidegauge.wire.decode import NOTHING, FrameDecoder, UpdateId, number_text, rfc3339

Crc32 = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class Result(msgspec.Struct):
    channel: str = ""
    symbol: str = ""
    depth: int | None = None


class Envelope(msgspec.Struct):
    """A channel's frame, or an answer to a request (`method`)."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = NOTHING
    method: str = ""
    success: bool | None = None
    error: str = ""
    symbol: str | None = None
    result: Result | None = None
    req_id: UpdateId | None = None


class Level(msgspec.Struct, gc=False):
    price: msgspec.Raw
    qty: msgspec.Raw


class Book(msgspec.Struct):
    symbol: str
    bids: list[Level]
    asks: list[Level]
    checksum: Crc32
    timestamp: str | None = None


class Deal(msgspec.Struct):
    symbol: str
    side: Taker
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: UpdateId
    timestamp: str


class Status(msgspec.Struct):
    """`connection_id` is left alone: it does not fit 63 bits."""

    system: str


class Named(msgspec.Struct):
    symbol: str = ""


read_envelope = FrameDecoder(Envelope)
read_books = FrameDecoder(list[Book])
read_deals = FrameDecoder(list[Deal])
read_status = FrameDecoder(list[Status])
read_names = FrameDecoder(list[Named])


def levels(rows: Sequence[Level]) -> WireLevels:
    """Return levels as wire text. Raises `MalformedFrame`."""
    return [(number_text(row.price), number_text(row.qty)) for row in rows]


def trade(deal: Deal) -> Trade:
    """Return a trade; its side is the taker's. Raises `MalformedFrame`."""
    return Trade(
        instrument=deal.symbol,
        taker=deal.side,
        price=number_text(deal.price),
        size=number_text(deal.qty),
        id=str(deal.trade_id),
        venue_time=rfc3339(deal.timestamp),
    )
