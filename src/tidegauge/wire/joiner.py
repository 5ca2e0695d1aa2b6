"""Joins a stream of updates to a snapshot that must be asked for separately.

The common part of every venue whose socket carries updates only: buffer, ask, join, and begin again
when an update is missing.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import FeedError, SequenceGap, VenueRefused
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.trust import TrustReason

from .backoff import Backoff
from .protocol import Fetch, Note, Output, Response
from .sequencer import PreviousIdSequencer, RangeSequencer, Verdict

MINUTE = 60 * SECOND
REFRESHES_A_MINUTE = 10
"""When the whole market moves, what live books wish for must not use up what lost ones need."""

MOST_UNDER_WAY = 4
"""Requests at a time: enough to have many books back soon, too few to be taken for an attack."""

MOST_BUFFERED = 3_000
ANSWER_WITHIN = 10 * SECOND
SHORTEST_RETRY = 100 * MILLISECOND
LONGEST_RETRY = 30 * SECOND
REFUSED_FOR = 300 * SECOND
LIMITED_FOR = {429: 60.0, 418: 120.0}
"""Seconds to ask for nothing where the venue does not say how long: too many requests, banned."""


@dataclass(slots=True)
class _Book:
    """One book being joined. It is live while it has a sequencer.

    A live book that is `refreshing` keeps its updates in the buffer too, for a second snapshot.
    `asked` is the number of the request that is waited for, and `asked_at` when it was made.
    """

    name: str
    sequencer: RangeSequencer | PreviousIdSequencer | None = None
    refreshing: bool = False
    buffer: list[tuple[int, BookDelta]] = field(default_factory=list)
    asked: int | None = None
    asked_at: Nanos = 0
    ask_at: Nanos = 0
    retry: Backoff = field(default_factory=lambda: Backoff(SHORTEST_RETRY, LONGEST_RETRY))

    def restart(self) -> None:
        # What was asked for until now may be too old: it is not waited for, though still welcome.
        self.asked = None
        self.sequencer = None
        self.refreshing = False
        self.buffer = []

    def answers(self, fetch: Fetch) -> bool:
        """Return whether this is the answer that was waited for; it is no more."""
        if fetch.number != self.asked:
            return False
        self.asked = None
        return True

    def put_off(self, now: Nanos) -> None:
        """Ask again later; a live book that was only to see further goes on without."""
        if self.refreshing:
            self.refreshing, self.buffer = False, []
        elif self.sequencer is None:
            self.ask_at = now + self.retry.wait(now, chance=1.0)

    def put_off_unless_first(self, now: Nanos) -> None:
        """A book that was healthy is asked for at once; one that keeps failing is not."""
        wait = self.retry.wait(now, chance=1.0)
        self.ask_at = now if self.retry.attempts == 1 else now + wait


class SnapshotJoiner:
    """Keeps, for each book, the updates waiting for a snapshot, or the judge of the next one.

    Only a few are asked for at a time: they are the dearest requests a venue has.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        sequencer: type[RangeSequencer] | type[PreviousIdSequencer],
        request: Callable[[str], Fetch],
    ) -> None:
        self._sequencer = sequencer
        self._request = request
        self._books = {name: _Book(name) for name in names}
        self._number = 0
        self._not_before: Nanos = 0
        self._refreshed: deque[Nanos] = deque()

    def abandon(self, reason: TrustReason, *, only_live: bool = False) -> list[Output]:
        """Forget every book: the connection they came over ended, or a new one began."""
        lost: list[Output] = [
            BookLost(instrument=book.name, reason=reason)
            for book in self._books.values()
            if book.sequencer is not None or not only_live
        ]
        for book in self._books.values():
            book.restart()
        return lost

    def restart(self, name: str, now: Nanos) -> None:
        """Begin one book afresh; its snapshot is asked for once its next update came."""
        if book := self._books.get(name):
            self._begin_afresh(book, now)

    def refresh(self, name: str, now: Nanos) -> list[Output]:
        """Get a new snapshot of a live book; until it came, the book goes on as it is."""
        book = self._books.get(name)
        if book is not None and book.sequencer is not None and not book.refreshing:
            book.refreshing = True
            book.ask_at = now
        return []

    def reject(self, name: str) -> None:
        """Stop joining this book: the venue does not know it."""
        self._books.pop(name, None)

    def follow(self, joint: int, delta: BookDelta, now: Nanos) -> list[Output]:
        """The next update of a book; `joint` is the id that ties it to the one before."""
        book = self._books.get(delta.instrument)
        if book is None:
            return []
        if book.sequencer is None:
            return self._buffer(book, joint, delta, now)
        detail = "the snapshot does not reach up to the stream"
        try:
            verdict = book.sequencer.judge(joint, delta.sequence)
        except SequenceGap as gap:
            verdict, detail = Verdict.REFETCH, str(gap)
        if verdict is Verdict.APPLY:
            return [delta, *self._keep_for_refresh(book, joint, delta, now)]
        if verdict is Verdict.IGNORE:
            return []
        self._begin_afresh(book, now)
        lost = BookLost(instrument=book.name, reason=TrustReason.GAP, detail=detail)
        return [lost, *self._buffer(book, joint, delta, now)]

    def answered(self, fetch: Fetch, snapshot: BookSnapshot, now: Nanos) -> list[Output]:
        """The answer to a request, of now or of an earlier epoch: its ids decide."""
        book = self._books.get(snapshot.instrument)
        outputs: list[Output] = []
        if book is not None:
            awaited = book.answers(fetch)
            if book.buffer and (book.sequencer is None or book.refreshing):
                outputs, joined = self._join(book, snapshot, now)
                if awaited and not joined:
                    book.put_off(now)
        return outputs + self.ask(now)

    def failed(self, fetch: Fetch, now: Nanos) -> list[Output]:
        """No snapshot was had: ask again later."""
        book = self._books.get(fetch.instrument or "")
        if book is not None and book.answers(fetch):
            book.put_off(now)
        return self.ask(now)

    def refused(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        """Read an answer that holds no snapshot (RFC 9110 and 6585; 418 is Binance's ban)."""
        name, said = fetch.instrument, f"HTTP {response.status}: "
        said += response.body[:200].decode(errors="replace")
        if response.status in LIMITED_FOR:
            return [self._limited(fetch, response, said, now), *self.ask(now)]
        output: Output = Note(kind="snapshot_failed", instrument=name, detail=said)
        if response.status in (401, 403, 451):
            self._wait(now, REFUSED_FOR)
            if any(book.sequencer is not None for book in self._books.values()):
                # The stream is served to us: its books stay believed, and only see less far.
                output = Note(kind="snapshot_refused", instrument=name, detail=said)
            else:
                output = VenueRefused(said, instrument=name)
        return [output, *self.failed(fetch, now)]

    def _limited(self, fetch: Fetch, response: Response, said: str, now: Nanos) -> Note:
        """Ask for nothing for as long as was told, and then for this book as soon as for others."""
        told = response.retry_after
        span = int((LIMITED_FOR[response.status] if told is None else told) * SECOND)
        self._wait(now, max(span, SHORTEST_RETRY))
        book = self._books.get(fetch.instrument or "")
        if book is not None and book.answers(fetch) and book.refreshing:
            book.put_off(now)
        detail = f"for {span / SECOND:.1f} s: {said}"
        return Note(kind="rate_limited", instrument=fetch.instrument, detail=detail)

    def ask(self, now: Nanos) -> list[Output]:
        """Ask for the snapshots that have been due longest, a few at a time."""
        if now < self._not_before:
            return []
        free = MOST_UNDER_WAY
        for book in self._books.values():
            if book.asked is not None and now - book.asked_at >= ANSWER_WITHIN:
                book.asked = None
                book.put_off(now)
            free -= book.asked is not None
        # Ask only once an update has come: an older snapshot could not be joined to the stream.
        due = [
            book
            for book in self._books.values()
            if book.buffer and book.asked is None and book.ask_at <= now
        ]
        # A book that nobody can read goes before one that only sees less far.
        due.sort(key=lambda each: (each.refreshing, each.ask_at))
        return [
            self._fetch(book, now)
            for book in due[:free]
            if not book.refreshing or self._may_refresh(now)
        ]

    def _fetch(self, book: _Book, now: Nanos) -> Fetch:
        self._number += 1
        book.asked, book.asked_at = self._number, now
        return replace(self._request(book.name), number=self._number)

    def _may_refresh(self, now: Nanos) -> bool:
        """Whether one more refresh fits into this minute; if so it is counted."""
        while self._refreshed and now - self._refreshed[0] >= MINUTE:
            self._refreshed.popleft()
        if len(self._refreshed) >= REFRESHES_A_MINUTE:
            return False
        self._refreshed.append(now)
        return True

    def _wait(self, now: Nanos, span: Nanos) -> None:
        self._not_before = max(self._not_before, now + span)

    def _begin_afresh(self, book: _Book, now: Nanos) -> None:
        book.restart()
        book.put_off_unless_first(now)

    def _buffer(self, book: _Book, joint: int, delta: BookDelta, now: Nanos) -> list[Output]:
        outputs: list[Output] = []
        if len(book.buffer) >= MOST_BUFFERED:
            book.buffer = []
            outputs.append(Note(kind="buffer_started_over", instrument=book.name))
        book.buffer.append((joint, delta))
        return outputs + self.ask(now)

    def _keep_for_refresh(
        self, book: _Book, joint: int, delta: BookDelta, now: Nanos
    ) -> list[Output]:
        if not book.refreshing:
            return []
        if len(book.buffer) >= MOST_BUFFERED:
            book.refreshing, book.buffer = False, []
            return [Note(kind="refresh_given_up", instrument=book.name)]
        book.buffer.append((joint, delta))
        return self.ask(now)

    def _join(self, book: _Book, snapshot: BookSnapshot, now: Nanos) -> tuple[list[Output], bool]:
        """Follow the snapshot by what was buffered; return whether that could be done yet."""
        if book.refreshing and (flaw := _flaw(snapshot)):
            return [Note(kind="refresh_malformed", instrument=book.name, detail=flaw)], False
        sequencer = self._sequencer(snapshot.sequence)
        outputs: list[Output] = [snapshot]
        for index, (joint, delta) in enumerate(book.buffer):
            if delta.sequence < snapshot.sequence:
                continue  # it is in the snapshot, however many of them there are
            try:
                verdict = sequencer.judge(joint, delta.sequence)
            except SequenceGap as gap:
                # What came before the gap is lost; what came after it can still be joined.
                book.buffer = book.buffer[index:]
                return [Note(kind="gap_in_buffer", instrument=book.name, detail=str(gap))], False
            if verdict is Verdict.REFETCH:
                return [Note(kind="snapshot_too_old", instrument=book.name)], False
            if verdict is Verdict.APPLY:
                outputs.append(delta)
        if not book.refreshing:
            book.retry.opened(now)
        book.sequencer = sequencer
        book.refreshing = False
        book.buffer = []
        return outputs, True


def _flaw(snapshot: BookSnapshot) -> str:
    """Return why no book can be made of a snapshot; what a live book wished for must not cost it."""
    try:
        OrderBook().apply_snapshot(
            snapshot.bids, snapshot.asks, limit=snapshot.limit, window=snapshot.window
        )
    except FeedError as error:
        return str(error)
    return ""
