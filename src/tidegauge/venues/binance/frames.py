"""What comes over a Binance socket, and the book that comes by REST."""

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookSnapshot, BookTouch
from tidegauge.core.instrument import Instrument
from tidegauge.wire.decode import NOTHING, FrameDecoder, Levels, Millis, UpdateId, nanos

AUDIT_LIMIT = 500
"""Levels a side: enough to compare what matters, at a tenth of what the whole book costs."""


class SpotUpdate(msgspec.Struct, rename={"joint": "U", "last": "u", "time": "E"}, gc=False):
    """A spot diff: `joint`, its first update id, is what ties it to the update before it."""

    s: str
    joint: UpdateId
    last: UpdateId
    time: Millis
    b: Levels
    a: Levels


class FuturesUpdate(msgspec.Struct, rename={"joint": "pu", "last": "u", "time": "T"}, gc=False):
    """A futures diff: `joint` is the last update id of the update before it."""

    s: str
    joint: UpdateId
    last: UpdateId
    time: Millis
    b: Levels
    a: Levels


class Envelope(msgspec.Struct, rename={"kind": "e"}):
    """What tells a wrapped stream, a bare payload and an answer to a request apart."""

    stream: str | None = None
    data: msgspec.Raw = NOTHING
    kind: str | None = None
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    code: int | None = None
    msg: str = ""


class Ticker(msgspec.Struct, rename={"last": "u"}, gc=False):
    """A bookTicker: best bid and ask, and their sizes, as of update `last`."""

    s: str
    last: UpdateId
    b: str
    B: str
    a: str
    A: str


class Depth(msgspec.Struct, rename={"last": "lastUpdateId", "time": "T"}):
    """The REST snapshot; only futures tell its time."""

    last: UpdateId
    bids: Levels
    asks: Levels
    time: Millis | None = None


class Refusal(msgspec.Struct):
    code: int = 0


read_envelope = FrameDecoder(Envelope)
read_spot = FrameDecoder(SpotUpdate)
read_futures = FrameDecoder(FuturesUpdate)
read_refusal = FrameDecoder(Refusal)
_ticker = FrameDecoder(Ticker)
_depth = FrameDecoder(Depth)


def read_depth(name: str, body: bytes, *, limit: int) -> BookSnapshot:
    """Read a depth answer of `limit` levels a side. Raises `MalformedFrame`."""
    depth = _depth(body)
    return BookSnapshot(
        instrument=name,
        bids=depth.bids,
        asks=depth.asks,
        sequence=depth.last,
        venue_time=None if depth.time is None else nanos(depth.time),
        limit=limit,
    )


def read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    """Read the answer to an audit's request, whose limit is `AUDIT_LIMIT`."""
    return read_depth(instrument.name, body, limit=AUDIT_LIMIT)


def read_touch(frame: str) -> BookTouch | None:
    """Return what a recorded bookTicker tells, None of any other frame."""
    if "bookTicker" not in frame:
        return None
    try:
        envelope = read_envelope(frame)
        wrapped = envelope.stream is not None and envelope.stream.endswith("@bookTicker")
        ticker = _ticker(envelope.data if wrapped else frame)
    except MalformedFrame:
        return None
    return BookTouch(
        instrument=ticker.s,
        bid=(ticker.b, ticker.B),
        ask=(ticker.a, ticker.A),
        sequence=ticker.last,
    )
