"""The conversation with Deribit: books, and where the rest is read."""

from collections.abc import Iterable, Sequence

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind, Nanos
from tidegauge.wire.decode import encode, nanos
from tidegauge.wire.protocol import Output, Send
from tidegauge.wire.sequencer import ChainSequencer
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording
from tidegauge.wire.trades import TradeNumbers

from .beside import read_marks, read_trades
from .frames import (
    Envelope,
    Params,
    book_channel,
    levels,
    read_book,
    read_channels,
    read_envelope,
)

BOOKS_A_REQUEST = 200
"""One call may name 500 channels, and there are up to two of them beside each book."""

INTERVAL = "100ms"
HEARTBEAT_SECONDS = 10
QUIET: Nanos = 35 * SECOND
"""Three heartbeats were missed: the socket is dead, however quiet its books may be."""

UNNUMBERED = 0
"""The id of requests whose answers tell nothing."""

BAD_PARAMETERS = -32602
TRANSIENT = {10028, 10040, 10041, 10047, 10066, 13888}
"""Too many requests, retry, settlement, queue full, too many at once, timed out."""


class DeribitProtocol(SubscribedProtocol[ChainSequencer]):
    """The conversation over one socket, about any kinds of instruments."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        kinds = {instrument.name: instrument.kind for instrument in instruments}
        self._beside = {
            name: _channels_beside(name, kind)
            for name, kind in kinds.items()
            if kind is not InstrumentKind.OPTION
        }
        self.books = SubscribedBooks(
            [*kinds],
            Wording(
                subscribe=lambda names, number: _request("subscribe", _books(names), number),
                unsubscribe=lambda names, number: _request("unsubscribe", _books(names), number),
                beside=lambda names, number: _request("subscribe", self._all(names), number),
                batch=BOOKS_A_REQUEST,
            ),
            frame_within=QUIET,
        )
        self._intervals: dict[str, str] = {}
        self._trades = TradeNumbers()

    def opened(self, link: str, now: Nanos) -> list[Output]:
        beat = _call("set_heartbeat", {"interval": HEARTBEAT_SECONDS}, UNNUMBERED)
        return [Send(link=link, text=beat), *super().opened(link, now)]

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = read_envelope(frame)
        outputs: list[Output] = []
        if envelope.method == "subscription":
            outputs = self._told(envelope.params, now)
        elif envelope.method == "heartbeat":
            if envelope.params.type == "test_request":
                # Unanswered, it costs the connection ten seconds later.
                outputs = [Send(link=link, text=_call("test", {}, UNNUMBERED))]
        elif not envelope.method:
            outputs = self._answered(envelope)
        self.books.heard(now)
        return outputs

    def _answered(self, envelope: Envelope) -> list[Output]:
        number = envelope.id if isinstance(envelope.id, int) else UNNUMBERED
        if envelope.error is not None:
            code, said = envelope.error.code, envelope.error.message[:200]
            if code in TRANSIENT:
                return self.books.put_off(number, f"{code} {said}")
            return self.books.refused(number, f"{code} {said}", for_good=code == BAD_PARAMETERS)
        if number == UNNUMBERED or not bytes(envelope.result).startswith(b"["):
            return []
        granted = [book_channel(channel)[0] for channel in read_channels(envelope.result)]
        return self.books.granted(number, {name for name in granted if name})

    # -- channels --------------------------------------------------------------------------------

    def _told(self, params: Params, now: Nanos) -> list[Output]:
        kind, _, rest = params.channel.partition(".")
        if kind == "book":
            return self._book(params, now)
        name, _, _interval = rest.partition(".")
        if name not in self._beside or name not in self.books:
            return []
        if kind == "trades":
            return read_trades(name, params.data, self._trades)
        return read_marks(name, params.data) if kind == "ticker" else []

    def _book(self, params: Params, now: Nanos) -> list[Output]:
        name, interval = book_channel(params.channel)
        if not name:
            return []
        book = read_book(params.data)
        if book.instrument_name != name or book.type not in ("snapshot", "change"):
            about = book.instrument_name[:40]
            raise MalformedFrame(f"{book.type[:20]!r} of {about!r} under another's channel")
        bids, asks, time = levels(book.bids), levels(book.asks), nanos(book.timestamp)
        live = self.books.judge(name) is not None
        # Each interval has a chain of its own.
        if name not in self.books or (live and interval != self._intervals[name]):
            return []
        if book.type == "snapshot":
            self._intervals[name] = interval
            whole = BookSnapshot(
                instrument=name, bids=bids, asks=asks, sequence=book.change_id, venue_time=time
            )
            return [*self.books.synchronised(name, ChainSequencer(book.change_id), now), whole]
        if book.prev_change_id is None:
            raise MalformedFrame("a change does not say what it follows")
        delta = BookDelta(
            instrument=name, bids=bids, asks=asks, sequence=book.change_id, venue_time=time
        )
        return self.books.follow(delta, book.prev_change_id, book.change_id, now=now)

    def _all(self, names: Iterable[str]) -> list[str]:
        return [channel for name in names for channel in self._beside.get(name, ())]


def _channels_beside(name: str, kind: InstrumentKind) -> tuple[str, ...]:
    trades = f"trades.{name}.{INTERVAL}"
    return (trades,) if kind is InstrumentKind.SPOT else (trades, f"ticker.{name}.{INTERVAL}")


def _books(names: Iterable[str]) -> list[str]:
    return [f"book.{name}.{INTERVAL}" for name in names]


def _request(method: str, channels: Sequence[str], number: int) -> list[str]:
    return [_call(method, {"channels": channels}, number)] if channels else []


def _call(method: str, params: object, number: int) -> str:
    return encode({"jsonrpc": "2.0", "id": number, "method": f"public/{method}", "params": params})
