"""What comes over a Hyperliquid socket, and how it is asked for."""

import msgspec

from tidegauge.core.events import BookSnapshot
from tidegauge.wire.decode import NOTHING, FrameDecoder, Millis, encode, nanos
from tidegauge.wire.protocol import BOOK_LINK, Send

TOUCH_LINK = "touch"
STREAMS = {BOOK_LINK: ("l2Book",), TOUCH_LINK: ("bbo", "trades", "activeAssetCtx")}
"""What is asked of each coin on each link. The first is what the link is there for."""

LEVELS = 20


class Envelope(msgspec.Struct):
    channel: str
    data: msgspec.Raw = NOTHING


class Quote(msgspec.Struct, gc=False):
    px: str
    sz: str


class Book(msgspec.Struct, gc=False):
    coin: str
    time: Millis
    levels: tuple[list[Quote], list[Quote]]
    fast: bool | None = None


class Touch(msgspec.Struct, gc=False):
    coin: str
    time: Millis
    bbo: tuple[Quote | None, Quote | None]


class Subscription(msgspec.Struct):
    type: str = ""
    coin: str = ""


class Answer(msgspec.Struct):
    method: str
    subscription: Subscription


class Named(msgspec.Struct):
    coin: str


read_envelope = FrameDecoder(Envelope)
read_book = FrameDecoder(Book)
read_touch = FrameDecoder(Touch)
read_answer = FrameDecoder(Answer)
read_named = FrameDecoder(Named)


def snapshot_of(book: Book) -> BookSnapshot:
    """Return the whole of what the venue shows; its time is its only number."""
    bids, asks = book.levels
    return BookSnapshot(
        instrument=book.coin,
        bids=[(quote.px, quote.sz) for quote in bids],
        asks=[(quote.px, quote.sz) for quote in asks],
        sequence=book.time,
        venue_time=nanos(book.time),
        window=LEVELS,
    )


def request(method: str, link: str, kind: str, coin: str) -> Send:
    subscription = {"type": kind, "coin": coin}
    return Send(link=link, text=encode({"method": method, "subscription": subscription}))
