"""What every frame of a Coinbase Advanced Trade socket looks like, and what is read of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot, Trade
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import NOTHING, FrameDecoder, UpdateId, rfc3339

LONGEST_NUMBER = 18
"""Digits of a counter or a trade's id that a venue wrote in quotes."""


class Envelope(msgspec.Struct):
    """`sequence_num` counts the frames of the connection; an error may have none."""

    channel: str = ""
    timestamp: str = ""
    sequence_num: UpdateId | None = None
    events: msgspec.Raw = NOTHING
    type: str = ""
    message: str = ""


class Update(msgspec.Struct, gc=False):
    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str
    event_time: str = ""


class Level2(msgspec.Struct):
    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[Update]


class Deal(msgspec.Struct):
    """A trade. `side` is the maker's: BUY means that the taker sold."""

    product_id: str
    trade_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    time: str


class Deals(msgspec.Struct):
    type: str
    trades: list[Deal]


class Beat(msgspec.Struct):
    heartbeat_counter: int | str


class Subscriptions(msgspec.Struct):
    subscriptions: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Traded:
    """Numbered trades; `old` are those before the subscription."""

    old: bool
    trades: Sequence[tuple[int, Trade]]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    counter: int


@dataclass(frozen=True, slots=True)
class Served:
    """The products whose books are subscribed to."""

    products: Sequence[str]


Said: TypeAlias = BookSnapshot | BookDelta | Traded | Heartbeat | Served

read_envelope = FrameDecoder(Envelope)
_level2 = FrameDecoder(list[Level2])
_deals = FrameDecoder(list[Deals])
_beats = FrameDecoder(list[Beat])
_subscriptions = FrameDecoder(list[Subscriptions])


def read(envelope: Envelope) -> list[Said]:
    """Read all that a frame says, in order; nothing where its channel is none of ours.

    Raises `MalformedFrame`.
    """
    reader = _READERS.get(envelope.channel)
    return [] if reader is None else reader(envelope)


def _books(envelope: Envelope) -> list[Said]:
    """Of an update the engine's time is told; of a snapshot, whose times mean nothing, the frame's."""
    number = envelope.sequence_num or 0
    sent = rfc3339(envelope.timestamp)
    said: list[Said] = []
    for event in _level2(envelope.events):
        name, updates = event.product_id, event.updates
        bids = [(each.price_level, each.new_quantity) for each in updates if _bid(each)]
        asks = [(each.price_level, each.new_quantity) for each in updates if not _bid(each)]
        if event.type == "snapshot":
            book = BookSnapshot(
                instrument=name, bids=bids, asks=asks, sequence=number, venue_time=sent
            )
            said.append(book)
            continue
        at = rfc3339(updates[-1].event_time) if updates else sent
        said.append(
            BookDelta(instrument=name, bids=bids, asks=asks, sequence=number, venue_time=at)
        )
    return said


def _bid(update: Update) -> bool:
    return update.side == "bid"


def _trades(envelope: Envelope) -> list[Said]:
    return [
        Traded(
            event.type == "snapshot",
            [(_number(deal.trade_id), _trade(deal)) for deal in event.trades],
        )
        for event in _deals(envelope.events)
    ]


def _trade(deal: Deal) -> Trade:
    return Trade(
        instrument=deal.product_id,
        taker=Taker.SELL if deal.side == "BUY" else Taker.BUY,
        price=deal.price,
        size=deal.size,
        id=deal.trade_id,
        venue_time=rfc3339(deal.time),
    )


def _heartbeats(envelope: Envelope) -> list[Said]:
    """Older servers wrote the counter in quotes."""
    return [Heartbeat(_number(str(beat.heartbeat_counter))) for beat in _beats(envelope.events)]


def _served(envelope: Envelope) -> list[Said]:
    return [
        Served(each.subscriptions.get("level2", ())) for each in _subscriptions(envelope.events)
    ]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise MalformedFrame(f"not a number to count by: {text[:40]!r}")
    return int(text)


_READERS: dict[str, Callable[[Envelope], list[Said]]] = {
    "l2_data": _books,
    "market_trades": _trades,
    "heartbeats": _heartbeats,
    "subscriptions": _served,
}
