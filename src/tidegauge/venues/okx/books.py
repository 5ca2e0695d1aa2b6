"""The conversation with OKX: books, and where the rest is read."""

import re
from collections.abc import Sequence

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import BookAlive, BookDelta
from tidegauge.core.instrument import HOUR, Instrument, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import encode, millis_text, nanos, request_number
from tidegauge.wire.protocol import (
    Fetch,
    Note,
    Output,
    Purpose,
    Rate,
    Response,
    Retire,
)
from tidegauge.wire.spelled import SpelledBook, read_changes
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording

from .beside import BESIDE, arguments
from .fallback import PATIENCE, SnapshotFallback
from .frames import (
    BOOKS,
    DEPTH,
    Book,
    Envelope,
    levels,
    read_book,
    read_envelope,
    read_rest_book,
    snapshot_of,
)
from .judge import OkxJudge, checksum

BOOKS_A_REQUEST = 100
REQUESTS = Rate(480, HOUR)
"""Subscribing, unsubscribing and login frames that one connection may carry."""

OK = 200
UNKNOWN, CLOSING = "60018", "64008"
"""Codes: no such channel or instrument; this connection is closed within a minute."""

BLAMED = re.compile(r"channel:\s*([\w-]+),\s*instId:\s*([\w-]+)")


class OkxProtocol(SubscribedProtocol[OkxJudge]):
    """The conversation over one public socket, about any kinds of instruments."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        kinds = {instrument.name: instrument.kind for instrument in instruments}
        self.books = SubscribedBooks(
            [*kinds],
            Wording(
                subscribe=lambda names, number: _request("subscribe", _books(names), number),
                unsubscribe=lambda names, number: _request("unsubscribe", _books(names), number),
                beside=lambda names, number: _request("subscribe", arguments(kinds, names), number),
                batch=BOOKS_A_REQUEST,
                ping=lambda _number: "ping",
                allowance=REQUESTS,
            ),
        )
        self._fallback = SnapshotFallback(request_book)
        self._begun: set[str] = set()

    # -- the link --------------------------------------------------------------------------------

    def closed(self, link: str, now: Nanos) -> list[Output]:
        self._forget_everything()
        return super().closed(link, now)

    def opened(self, link: str, now: Nanos) -> list[Output]:
        self._forget_everything()
        return super().opened(link, now)

    def tick(self, now: Nanos) -> list[Output]:
        return [*super().tick(now), *self._fallback.ask(now)]

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        self._fallback.forget(instrument)
        return super().resync(instrument, reason, now)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        outputs: list[Output] = []
        if frame not in ("pong", b"pong"):
            envelope = read_envelope(frame)
            channel = envelope.arg.channel
            if envelope.event:
                outputs = self._answered(link, envelope)
            elif channel == BOOKS:
                outputs = self._book(envelope, now)
            elif channel in BESIDE:
                told = BESIDE[channel](envelope.data)
                outputs = [event for event in told if event.instrument in self.books]
        self.books.heard(now)
        return outputs

    def _answered(self, link: str, envelope: Envelope) -> list[Output]:
        """Read the answer to a request, or a notice."""
        number = request_number(envelope.id)
        arg, said = envelope.arg, f"{envelope.code} {envelope.msg[:200]}"
        if envelope.event == "subscribe" and arg.channel == BOOKS and arg.inst_id in self.books:
            # What comes from here on is of this subscription, and should begin with a snapshot.
            self._fallback.forget(arg.inst_id)
            self._begun.add(arg.inst_id)
            return self.books.accepted(number, arg.inst_id)
        if envelope.event == "notice" and envelope.code == CLOSING:
            return [Retire(link=link, reason=said)]
        if envelope.event != "error":
            return []
        blamed = BLAMED.search(envelope.msg) if envelope.code == UNKNOWN else None
        if blamed is None:
            return self.books.refused(number, said, for_good=envelope.code == UNKNOWN)
        if blamed[1] == BOOKS:
            return self.books.strike(blamed[2], said)
        return [Note(kind="request_refused", instrument=blamed[2], detail=said)]

    # -- books -----------------------------------------------------------------------------------

    def _book(self, envelope: Envelope, now: Nanos) -> list[Output]:
        name, book = envelope.arg.inst_id, read_book(envelope.data)
        if envelope.action not in ("snapshot", "update") or not name:
            raise MalformedFrame(f"neither a snapshot nor an update: {envelope.action[:20]!r}")
        if name not in self.books:
            return []
        if envelope.action == "snapshot":
            return self._snapshot(name, book, now)
        delta = BookDelta(
            instrument=name,
            bids=levels(book.bids),
            asks=levels(book.asks),
            sequence=book.seq_id or 0,
            venue_time=nanos(millis_text(book.ts)),
        )
        judge = self.books.judge(name)
        if judge is None:
            return self._held(book, delta, now)
        return self._update(judge, book, delta, now)

    def _snapshot(self, name: str, book: Book, now: Nanos) -> list[Output]:
        whole = snapshot_of(name, book)
        if book.seq_id is None and not book.checksum:
            raise MalformedFrame("nothing tells by what to know that this book stays whole")
        spelled, notes = None, list[Output]()
        if book.checksum:
            spelled = SpelledBook(read_changes(whole.bids, whole.asks), depth=DEPTH)
            found = checksum(spelled)
            agrees = found == book.checksum
            notes = [_verified(name, book.checksum, found)]
            if not agrees and book.seq_id is None:
                detail = "the checksum of the snapshot itself"
                return [*notes, *self.books.lose(name, TrustReason.CHECKSUM, now, detail)]
            if not agrees:
                # Not even a fresh book agrees: OKX reckons it otherwise now. The ids remain.
                spelled = None
        self._begun.discard(name)
        self._fallback.forget(name)
        first = self.books.synchronised(name, OkxJudge(book.seq_id, spelled), now)
        return [*first, whole, *notes]

    def _update(self, judge: OkxJudge, book: Book, delta: BookDelta, now: Nanos) -> list[Output]:
        name, changes = delta.instrument, judge.read(delta, book.checksum)
        outputs = self.books.follow(delta, book.prev_seq_id, book.seq_id, now=now)
        if outputs != [delta]:
            return outputs
        found = judge.reckon(changes)
        if found is not None and book.checksum:
            note = _verified(name, book.checksum, found)
            if found != book.checksum:
                detail = f"{book.checksum} was told"
                return [note, *self.books.lose(name, TrustReason.CHECKSUM, now, detail)]
            outputs.append(note)
        elif book.prev_seq_id == book.seq_id and not (delta.bids or delta.asks):
            return [BookAlive(instrument=name)]
        return outputs

    # -- a subscription that began without a snapshot --------------------------------------------

    def _held(self, book: Book, delta: BookDelta, now: Nanos) -> list[Output]:
        name = delta.instrument
        if book.seq_id is None or book.prev_seq_id is None:
            return []
        if name not in self._fallback:
            if name not in self._begun:
                # The last word of a subscription that is being given up.
                return []
            self.books.await_snapshot(name, now, within=PATIENCE)
        self._fallback.hold(book.prev_seq_id, delta, now)
        return [*self._fallback.ask(now), *self._join(name, now)]

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        name = fetch.instrument
        if fetch.purpose is not Purpose.SNAPSHOT or name is None:
            return []
        try:
            if response.status != OK:
                raise MalformedFrame(f"HTTP {response.status}: {response.body[:200]!r}")
            snapshot = read_rest_book(name, response.body)
        except FeedError as error:
            self._fallback.failed(name, now, response.retry_after)
            return [Note(kind="snapshot_failed", instrument=name, detail=str(error))]
        self._fallback.told(snapshot)
        return self._join(name, now)

    def _join(self, name: str, now: Nanos) -> list[Output]:
        joined = self._fallback.joined(name, now)
        if joined is None or name not in self.books:
            return []
        snapshot, updates = joined
        last = updates[-1].sequence
        self._begun.discard(name)
        return [*self.books.synchronised(name, OkxJudge(last), now), snapshot, *updates]

    def _forget_everything(self) -> None:
        self._fallback.clear()
        self._begun.clear()


def request_book(name: str, purpose: Purpose = Purpose.SNAPSHOT) -> Fetch:
    """Return the request for the whole book, as far as OKX tells it."""
    query = (("instId", name), ("sz", str(DEPTH)))
    return Fetch(purpose=purpose, path="/api/v5/market/books", params=query, instrument=name)


def _verified(name: str, told: int, found: int) -> Note:
    if found == told:
        return Note(kind="checksum_ok", instrument=name)
    return Note(kind="checksum_bad", instrument=name, detail=f"{told} was told, {found} found")


def _books(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"channel": BOOKS, "instId": name} for name in names]


def _request(op: str, args: Sequence[dict[str, str]], number: int) -> list[str]:
    return [encode({"id": str(number), "op": op, "args": args})] if args else []
