"""The conversation with one Bybit market: books, and where the rest is read."""

from collections.abc import Sequence
from functools import partial

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import (
    Instrument,
    InstrumentKind,
    Nanos,
)
from tidegauge.wire.decode import (
    FrameDecoder,
    Levels,
    Millis,
    UpdateId,
    encode,
    millis_text,
    nanos,
    request_number,
)
from tidegauge.wire.protocol import Note, Output
from tidegauge.wire.sequencer import StepSequencer
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording

from .beside import BESIDE
from .frames import Envelope, read_envelope

DEPTH = 1000
TOPICS_A_REQUEST = 10


class Book(msgspec.Struct, gc=False):
    s: str
    b: Levels
    a: Levels
    u: UpdateId
    cts: Millis | None = None


read_book = FrameDecoder(Book)


class BybitProtocol(SubscribedProtocol[StepSequencer]):
    """The conversation with one Bybit market, over one link."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        beside = ["publicTrade"]
        if any(each.kind is not InstrumentKind.SPOT for each in instruments):
            beside += ["tickers", "allLiquidation"]
        book = [f"orderbook.{DEPTH}"]
        self.books = SubscribedBooks(
            [instrument.name for instrument in instruments],
            Wording(
                subscribe=partial(_request, "subscribe", book),
                unsubscribe=partial(_request, "unsubscribe", book),
                beside=partial(_request, "subscribe", beside),
                batch=TOPICS_A_REQUEST,
                ping=lambda number: encode({"req_id": str(number), "op": "ping"}),
            ),
        )
        self._depths: dict[str, int] = {}

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = read_envelope(frame)
        kind, _, rest = envelope.topic.partition(".")
        outputs: list[Output] = []
        if kind == "orderbook":
            outputs = self._book(rest, envelope, now)
        elif kind in BESIDE:
            outputs = [event for event in BESIDE[kind](envelope) if event.instrument in self.books]
        elif envelope.op == "subscribe" and not envelope.topic:
            outputs = self._answered(envelope)
        elif envelope.success is False:
            outputs = [Note(kind="request_refused", detail=envelope.ret_msg[:200])]
        self.books.heard(now)
        return outputs

    def _book(self, rest: str, envelope: Envelope, now: Nanos) -> list[Output]:
        depth, name = depth_and_name(rest)
        if not depth:
            return []
        data = read_book(envelope.data)
        if data.s != name or envelope.type not in ("snapshot", "delta"):
            raise MalformedFrame(f"{envelope.type[:20]!r} of {data.s[:20]!r} under another's topic")
        time = _time(envelope, data)
        # A book of another depth is not this book.
        if name not in self.books or (
            self.books.judge(name) is not None and depth != self._depths[name]
        ):
            return []
        if envelope.type == "snapshot":
            self._depths[name] = depth
            first = self.books.synchronised(name, StepSequencer(data.u), now)
            return [*first, snapshot_of(data, time, depth)]
        delta = BookDelta(
            instrument=name, bids=data.b, asks=data.a, sequence=data.u, venue_time=time
        )
        return self.books.follow(delta, data.u, now=now)

    def _answered(self, envelope: Envelope) -> list[Output]:
        """Read the answer to a subscription; which of its topics is to blame may not be said."""
        number = request_number(envelope.req_id)
        said = envelope.ret_msg[:200]
        if envelope.success is None:
            raise MalformedFrame("an answer that tells neither success nor failure")
        if envelope.success or "already subscribed" in said:
            return self.books.accepted(number)
        blame = any(word in said.lower() for word in ("invalid", "not found", "not exist"))
        return self.books.refused(number, said, for_good=blame)


def _request(op: str, kinds: Sequence[str], names: Sequence[str], number: int) -> list[str]:
    topics = [f"{kind}.{name}" for kind in kinds for name in names]
    return [encode({"req_id": str(number), "op": op, "args": topics})]


def depth_and_name(rest: str) -> tuple[int, str]:
    """Read `1000.BTCUSDT`; depth 0 for the `rpi` and `full` books, which speak another language."""
    depth, _, name = rest.partition(".")
    known = depth.isascii() and depth.isdigit() and len(depth) <= len(str(DEPTH))
    return (int(depth), name) if known else (0, "")


def snapshot_of(data: Book, time: Nanos | None, depth: int) -> BookSnapshot:
    return BookSnapshot(
        instrument=data.s,
        bids=data.b,
        asks=data.a,
        sequence=data.u,
        venue_time=time,
        window=depth,
    )


def _time(envelope: Envelope, data: Book) -> Nanos | None:
    """Return the matching engine's time if it is told, else the system's."""
    millis = envelope.cts if envelope.cts is not None else data.cts
    if millis is not None:
        return nanos(millis)
    if isinstance(envelope.ts, str):
        return nanos(millis_text(envelope.ts))
    return None if envelope.ts is None else nanos(envelope.ts)
