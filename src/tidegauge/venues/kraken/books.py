"""The conversation with Kraken v2: one socket, and a checksum on every message of a book."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import encode, rfc3339
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output
from tidegauge.wire.sequencer import Verdict
from tidegauge.wire.spelled import Changes, SpelledBook, read_changes
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording
from tidegauge.wire.trades import TradeNumbers

from .frames import (
    Book,
    Envelope,
    levels,
    read_books,
    read_deals,
    read_envelope,
    read_status,
    trade,
)
from .judge import KrakenJudge, places_of

DEPTH = 1000
DEPTHS = (10, 25, 100, 500, 1000)
SYMBOLS_A_REQUEST = 50
DEAD_AFTER: Nanos = 4 * SECOND
"""A heartbeat comes every second when nothing else does: four are missing."""

BELIEVED = ("online", "post_only", "cancel_only")
"""States of the venue in which its books are books; in maintenance they are not."""

UNKNOWN = ("not supported", "invalid", "unknown")

MOST_MISMATCHES = 3
"""So many books in a row whose checksum went wrong at once, and it is not the books that are."""

SOON = 100
"""Messages after a snapshot: a checksum that goes wrong later is a loss like any other."""


class Told(NamedTuple):
    """One book of a frame, its levels read and found to be numbers, and the checksum told of it."""

    event: BookSnapshot | BookDelta
    changes: Changes
    crc: int


class KrakenProtocol(SubscribedProtocol[KrakenJudge]):
    """A book whose checksum is wrong is subscribed to again; one that always is, is not checked."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = {instrument.name: instrument for instrument in instruments}
        book, trades = {"depth": DEPTH}, {"snapshot": False}
        self.books = SubscribedBooks(
            [*self._instruments],
            Wording(
                subscribe=partial(_request, "subscribe", "book", {**book, "snapshot": True}),
                unsubscribe=partial(_request, "unsubscribe", "book", book),
                beside=partial(_request, "subscribe", "trade", trades),
                batch=SYMBOLS_A_REQUEST,
            ),
            frame_within=DEAD_AFTER,
        )
        self._trades = TradeNumbers()
        self._begin()

    def _begin(self) -> None:
        self._depths: dict[str, int] = {}
        self._mismatches: dict[str, int] = {}
        self._unchecked: set[str] = set()
        self._down = False

    def opened(self, link: str, now: Nanos) -> list[Output]:
        self._begin()
        return super().opened(link, now)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        try:
            envelope = read_envelope(frame)
        except MalformedFrame as error:
            # It may have been an update, and no later frame would show that it is missing.
            raise FeedError(f"noise, where nothing is numbered: {error}") from error
        try:
            outputs = self._take(envelope, now)
        except MalformedFrame as error:
            if envelope.channel != "book":
                raise
            outputs = self.books.unreadable(error)
        self.books.heard(now)
        return outputs

    def _take(self, envelope: Envelope, now: Nanos) -> list[Output]:
        match envelope.channel:
            case "book":
                told = [self._read(envelope.type, book) for book in read_books(envelope.data)]
                return [] if self._down else [out for each in told for out in self._book(each, now)]
            case "trade":
                trades = [(deal.trade_id, trade(deal)) for deal in read_deals(envelope.data)]
                return self._trades.told(
                    each for each in trades if each[1].instrument in self.books
                )
            case "status":
                states = read_status(envelope.data)
                return [output for each in states for output in self._status(each.system)]
            case "" if not envelope.method:
                raise MalformedFrame("neither a channel's frame nor an answer")
            case "" if envelope.method == "subscribe":
                return self._answered(envelope)
        return []

    # -- books -----------------------------------------------------------------------------------

    def _read(self, kind: str, book: Book) -> Told:
        """Read one book of a frame. Its depth is not told: it is that of the subscription.

        A tape may lack the acknowledgement; the least depth that the book fits in is then taken.
        """
        name, bids, asks = book.symbol, levels(book.bids), levels(book.asks)
        at = None if book.timestamp is None else rfc3339(book.timestamp)
        changes = read_changes(bids, asks)
        if kind == "update":
            delta = BookDelta(instrument=name, bids=bids, asks=asks, sequence=0, venue_time=at)
            return Told(delta, changes, book.checksum)
        if kind != "snapshot":
            raise MalformedFrame(f"neither a snapshot nor an update: {kind[:20]!r}")
        wide = max(len(bids), len(asks))
        fitting = next((depth for depth in DEPTHS if depth >= wide), wide)
        snapshot = BookSnapshot(
            instrument=name,
            bids=bids,
            asks=asks,
            sequence=0,
            venue_time=at,
            window=self._depths.get(name, fitting),
        )
        return Told(snapshot, changes, book.checksum)

    def _book(self, told: Told, now: Nanos) -> list[Output]:
        event, changes, crc = told
        name, first = event.instrument, list[Output]()
        if name not in self.books:
            return []
        if isinstance(event, BookDelta):
            judge = self.books.judge(name)
            if judge is None:
                return []
            verdict = judge.judge(changes, crc)
        else:
            places = places_of(self._instruments[name], (event.bids, event.asks))
            whole = SpelledBook(changes, depth=event.window)
            judge = KrakenJudge(whole, places, checked=name not in self._unchecked)
            verdict = judge.verify(crc)
            if verdict is Verdict.APPLY:
                first = self.books.synchronised(name, judge, now)
        if verdict is not Verdict.APPLY:
            return self._mismatch(name, judge, crc, now)
        if not judge.checked:
            return [*first, event]
        if judge.verified == SOON:
            self._mismatches.pop(name, None)
        return [*first, event, Note(kind="checksum_ok", instrument=name)]

    def _mismatch(self, name: str, judge: KrakenJudge, crc: int, now: Nanos) -> list[Output]:
        """Subscribe anew; where that helps nothing again and again, stop checking this book.

        The venue's own checksum is wrong for some pairs; the comparison by REST is left for those.
        """
        wrong = f"{crc} was told, {judge.found()} found"
        outputs: list[Output] = [Note(kind="checksum_bad", instrument=name, detail=wrong)]
        before = self._mismatches.get(name, 0) if judge.verified < SOON else 0
        self._mismatches[name] = before + 1
        if self._mismatches[name] >= MOST_MISMATCHES:
            self._unchecked.add(name)
            why = f"{MOST_MISMATCHES} fresh books in a row had another checksum than was told"
            outputs.append(Note(kind="unchecked", instrument=name, detail=why))
        detail = f"the checksum is not the {crc} that was told"
        return outputs + self.books.lose(name, TrustReason.CHECKSUM, now, detail)

    # -- what else is said -----------------------------------------------------------------------

    def _status(self, system: str) -> list[Output]:
        outputs: list[Output] = [Note(kind="status", detail=system[:40])]
        down, self._down = self._down, system not in BELIEVED
        if self._down and not down:
            outputs += self.books.lose_all(TrustReason.MAINTENANCE, f"the venue is {system[:40]}")
        elif down and not self._down:
            outputs.append(Drop(link=BOOK_LINK, reason=f"the venue is {system} again"))
        return outputs

    def _answered(self, envelope: Envelope) -> list[Output]:
        """Each symbol of a request is answered by itself."""
        number, result, why = envelope.req_id or 0, envelope.result, envelope.error[:200]
        if envelope.success is None:
            raise MalformedFrame("an answer that tells neither success nor failure")
        if envelope.success:
            if result is None or result.channel != "book":
                return [Note(kind="acknowledged")]
            if result.depth in DEPTHS and result.symbol in self.books:
                self._depths[result.symbol] = result.depth
            return self.books.accepted(number, result.symbol)
        if envelope.symbol and any(word in why.lower() for word in UNKNOWN):
            return self.books.strike(envelope.symbol, why)
        return [Note(kind="request_refused", instrument=envelope.symbol, detail=why)]


def _request(
    verb: str, channel: str, params: Mapping[str, Any], names: Sequence[str], number: int
) -> list[str]:
    asked = {"channel": channel, "symbol": list(names), **params}
    return [encode({"method": verb, "params": asked, "req_id": number})]
