"""What the frames and the REST answers of OKX look like."""

from typing import Annotated

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot
from tidegauge.wire.decode import NOTHING, FrameDecoder, UpdateId, millis_text, nanos

DEPTH = 400
"""Levels a side of the `books` channel, and the most that REST tells."""

BOOKS = "books"


class Arg(msgspec.Struct, rename="camel"):
    """What a frame is about."""

    channel: str = ""
    inst_id: str = ""


class Envelope(msgspec.Struct):
    """What tells the data of a channel, an answer to a request and a notice apart."""

    arg: Arg = msgspec.field(default_factory=Arg)
    event: str = ""
    action: str = ""
    data: msgspec.Raw = NOTHING
    id: str = ""
    code: str = ""
    msg: str = ""


class Row(msgspec.Struct, array_like=True, gc=False):
    """A level; the number of its orders and what else follows is passed over."""

    price: str
    size: str


class Book(msgspec.Struct, rename="camel", gc=False):
    """A snapshot or an update. Recordings of before 2023 have no ids, those since 2026 no checksum.

    `prevSeqId` is -1 on a snapshot.
    """

    asks: list[Row]
    bids: list[Row]
    ts: str
    seq_id: UpdateId | None = None
    prev_seq_id: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] | None = None
    checksum: int | None = None


class Answer(msgspec.Struct):
    """Any REST answer. `code` is 0 unless something is wrong, whatever the HTTP status."""

    code: str
    msg: str = ""
    data: msgspec.Raw = NOTHING


read_envelope = FrameDecoder(Envelope)
read_answer = FrameDecoder(Answer)
_books = FrameDecoder(list[Book])


def read_book(data: msgspec.Raw) -> Book:
    """Read the one book of a frame or an answer. Raises `MalformedFrame`."""
    books = _books(data)
    if len(books) != 1:
        raise MalformedFrame(f"{len(books)} books where there is one")
    return books[0]


def read_rest_book(name: str, body: bytes) -> BookSnapshot:
    """Read the answer to `/api/v5/market/books`. Raises `MalformedFrame`."""
    answer = read_answer(body)
    if answer.code != "0":
        raise MalformedFrame(f"code {answer.code[:10]}: {answer.msg[:200]}")
    return snapshot_of(name, read_book(answer.data))


def levels(rows: list[Row]) -> list[tuple[str, str]]:
    """Return rows as (price, size)."""
    return [(row.price, row.size) for row in rows]


def snapshot_of(name: str, book: Book) -> BookSnapshot:
    """Return a whole book; its sequence is 0 where it is not numbered."""
    return BookSnapshot(
        instrument=name,
        bids=levels(book.bids),
        asks=levels(book.asks),
        sequence=book.seq_id or 0,
        venue_time=nanos(millis_text(book.ts)),
        window=DEPTH,
    )
