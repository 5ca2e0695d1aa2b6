"""The conversation with Coinbase Exchange: one socket, nothing on its books to check by."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot, Trade
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import FrameDecoder, Levels, UpdateId, encode, rfc3339
from tidegauge.wire.protocol import Output
from tidegauge.wire.refusal import blamed
from tidegauge.wire.sequencer import Unnumbered
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording
from tidegauge.wire.trades import TradeNumbers

BOOK = "level2_batch"
CHANNELS = [BOOK, "matches", "heartbeat"]
BOOK_FRAMES = ("snapshot", "l2update")
PRODUCTS_A_REQUEST = 50
DEAD_AFTER: Nanos = 4 * SECOND
"""Each product has a heartbeat a second: four are missing."""


class Frame(msgspec.Struct):
    type: str
    product_id: str = ""


class Snapshot(msgspec.Struct):
    product_id: str
    bids: Levels
    asks: Levels


class Changed(msgspec.Struct):
    """`changes`: side of the book, price, new size."""

    product_id: str
    time: str
    changes: list[tuple[Literal["buy", "sell"], str, str]]


class Match(msgspec.Struct):
    """A trade. `side` is the maker's: sell means that the taker bought."""

    product_id: str
    trade_id: UpdateId
    price: str
    size: str
    side: Literal["buy", "sell"]
    time: str


class Beat(msgspec.Struct):
    product_id: str
    last_trade_id: int


class Channel(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class Served(msgspec.Struct):
    channels: list[Channel]


class Refusal(msgspec.Struct):
    message: str = ""
    reason: str = ""


read_frame = FrameDecoder(Frame)
_READERS: dict[str, FrameDecoder[Any]] = {
    "snapshot": FrameDecoder(Snapshot),
    "l2update": FrameDecoder(Changed),
    "match": FrameDecoder(Match),
    "last_match": FrameDecoder(Match),
    "heartbeat": FrameDecoder(Beat),
    "subscriptions": FrameDecoder(Served),
    "error": FrameDecoder(Refusal),
}


class CoinbaseExchangeProtocol(SubscribedProtocol[Unnumbered]):
    """The conversation over one socket. One bad product has a whole request refused."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.books = SubscribedBooks(
            [instrument.name for instrument in instruments],
            Wording(
                subscribe=lambda names, _: [_request("subscribe", names, CHANNELS)],
                unsubscribe=lambda names, _: [_request("unsubscribe", names, [BOOK])],
                batch=PRODUCTS_A_REQUEST,
            ),
            frame_within=DEAD_AFTER,
        )
        self._trades = TradeNumbers()
        self._announced: dict[str, int] = {}

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        try:
            kind = read_frame(frame).type
        except MalformedFrame as error:
            # It may have been an update, and no later frame would show that it is missing.
            raise FeedError(f"noise, where nothing is numbered: {error}") from error
        try:
            reader = _READERS.get(kind)
            outputs = [] if reader is None else self._take(kind, reader(frame), now)
        except MalformedFrame as error:
            if kind not in BOOK_FRAMES:
                raise
            outputs = self.books.unreadable(error)
        self.books.heard(now)
        return outputs

    def _take(self, kind: str, said: Any, now: Nanos) -> list[Output]:
        match said:
            case Refusal():
                why = f"{said.message}: {said.reason}"[:200]
                return self.books.refused_unnumbered(why, blamed(said.reason or said.message))
            case Served():
                served = [each.product_ids for each in said.channels if each.name == BOOK]
                return self.books.confirmed({name for names in served for name in names})
            case Snapshot() if said.product_id in self.books:
                first = self.books.synchronised(said.product_id, Unnumbered(), now)
                return [*first, _snapshot(said)]
            case Changed() if said.product_id in self.books:
                return self.books.follow(_delta(said), now=now)
            case Match() if said.product_id in self.books:
                trade = _trade(said)
                if kind == "last_match":
                    # The trade before the subscription: old, unless it was missed.
                    self._trades.begin(said.product_id, said.trade_id)
                return self._trades.told([(said.trade_id, trade)])
            case Beat() if said.product_id in self.books:
                # A match that is only late has come by the next heartbeat.
                before = self._announced.get(said.product_id, 0)
                self._announced[said.product_id] = said.last_trade_id
                return self._trades.reached(said.product_id, before)
            case _:
                return []


def _request(verb: str, names: Sequence[str], channels: Sequence[str]) -> str:
    return encode({"type": verb, "product_ids": list(names), "channels": list(channels)})


def _snapshot(said: Snapshot) -> BookSnapshot:
    return BookSnapshot(instrument=said.product_id, bids=said.bids, asks=said.asks, sequence=0)


def _delta(said: Changed) -> BookDelta:
    return BookDelta(
        instrument=said.product_id,
        bids=[(price, size) for side, price, size in said.changes if side == "buy"],
        asks=[(price, size) for side, price, size in said.changes if side == "sell"],
        sequence=0,
        venue_time=rfc3339(said.time),
    )


def _trade(match: Match) -> Trade:
    return Trade(
        instrument=match.product_id,
        taker=Taker.BUY if match.side == "sell" else Taker.SELL,
        price=match.price,
        size=match.size,
        id=str(match.trade_id),
        venue_time=rfc3339(match.time),
    )
