"""What the frames of Deribit look like: JSON-RPC 2.0, with prices and amounts as JSON numbers."""

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot
from tidegauge.wire.decode import NOTHING, FrameDecoder, Millis, UpdateId, nanos, number_text


class Params(msgspec.Struct):
    """Of a subscription: its channel and data; of a heartbeat: its type."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = NOTHING


class Problem(msgspec.Struct):
    code: int = 0
    message: str = ""


class Envelope(msgspec.Struct):
    """What tells the data of a channel, a heartbeat and an answer to a request apart."""

    method: str = ""
    params: Params = msgspec.field(default_factory=Params)
    id: int | str | None = None
    result: msgspec.Raw = NOTHING
    error: Problem | None = None


class Row(msgspec.Struct, array_like=True, gc=False):
    """A level. Whether it is new, changed or deleted is told by its amount as well."""

    action: str
    price: msgspec.Raw
    amount: msgspec.Raw


class Book(msgspec.Struct, gc=False):
    type: str
    instrument_name: str
    change_id: UpdateId
    timestamp: Millis
    bids: list[Row]
    asks: list[Row]
    prev_change_id: UpdateId | None = None


class RestBook(msgspec.Struct):
    """The answer of `public/get_order_book`; its levels are bare pairs."""

    change_id: UpdateId
    timestamp: Millis
    bids: list[tuple[msgspec.Raw, msgspec.Raw]]
    asks: list[tuple[msgspec.Raw, msgspec.Raw]]


class RestAnswer(msgspec.Struct):
    result: RestBook


read_envelope = FrameDecoder(Envelope)
read_book = FrameDecoder(Book)
read_channels = FrameDecoder(list[str])
_rest_answer = FrameDecoder(RestAnswer)


def book_channel(channel: str) -> tuple[str, str]:
    """Read `book.BTC-PERPETUAL.100ms` as its instrument and interval.

    Both are empty for other channels, such as the grouped books `book.X.none.20.100ms`, which have
    no gap rule.
    """
    parts = channel.split(".")
    if len(parts) != 3 or parts[0] != "book" or parts[2] not in ("raw", "100ms", "agg2"):  # noqa: PLR2004
        return "", ""
    return parts[1], parts[2]


def levels(rows: list[Row]) -> list[tuple[str, str]]:
    """Return rows as (price, amount) text, digit for digit. Raises `MalformedFrame`."""
    return [(number_text(row.price), number_text(row.amount)) for row in rows]


def number_or_none(raw: msgspec.Raw) -> str | None:
    """Return a JSON number as it was written, None where there is none or null."""
    return None if bytes(raw) in (b"", b"null") else number_text(raw)


def read_rest_book(name: str, body: bytes, depth: int) -> BookSnapshot:
    """Read the answer of `public/get_order_book`, asked for `depth` levels. Raises `MalformedFrame`."""
    book = _rest_answer(body).result
    bids, asks = (
        [(number_text(price), number_text(amount)) for price, amount in side]
        for side in (book.bids, book.asks)
    )
    return BookSnapshot(
        instrument=name,
        bids=bids,
        asks=asks,
        sequence=book.change_id,
        venue_time=nanos(book.timestamp),
        limit=depth,
    )


def named_in(frame: str) -> list[str]:
    """Return the instrument a recorded book frame is about."""
    try:
        name, _interval = book_channel(read_envelope(frame).params.channel)
    except MalformedFrame:
        return []
    return [name] if name else []
