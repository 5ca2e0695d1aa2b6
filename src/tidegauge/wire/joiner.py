"""Joins a stream of updates to a snapshot that must be asked for separately.

The common part of every venue whose socket carries updates only: buffer, ask, join, and begin again
when an update is missing.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tidegauge.core.errors import SequenceGap, VenueRefused
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.trust import TrustReason

from .backoff import Backoff
from .protocol import Fetch, Note, Output, Response
from .sequencer import PreviousIdSequencer, RangeSequencer, Verdict

MINUTE = 60 * SECOND
SNAPSHOTS_A_MINUTE = 20
"""Binance spot gives 6,000 weight a minute, and a snapshot of 5,000 levels costs 250."""

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
    """

    name: str
    sequencer: RangeSequencer | PreviousIdSequencer | None = None
    refreshing: bool = False
    buffer: list[tuple[int, BookDelta]] = field(default_factory=list)
    ask_at: Nanos = 0
    retry: Backoff = field(default_factory=lambda: Backoff(SHORTEST_RETRY, LONGEST_RETRY))

    def restart(self) -> None:
        self.sequencer = None
        self.refreshing = False
        self.buffer = []

    def put_off(self, now: Nanos) -> None:
        """Ask again later; a live book that was only to see further goes on without."""
        if self.refreshing:
            self.refreshing, self.buffer = False, []
        else:
            self.ask_at = now + self.retry.wait(now, chance=1.0)

    def put_off_unless_first(self, now: Nanos) -> None:
        """A book that was healthy is asked for at once; one that keeps failing is not."""
        wait = self.retry.wait(now, chance=1.0)
        self.ask_at = now if self.retry.attempts == 1 else now + wait


class SnapshotJoiner:
    """Keeps, for each book, the updates waiting for a snapshot, or the judge of the next one.

    Snapshots are asked for one at a time: they are the dearest requests a venue has.
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
        self._under_way: _Book | None = None
        self._asked_at: Nanos = 0
        self._not_before: Nanos = 0
        self._asked: deque[Nanos] = deque()

    def abandon(self, reason: TrustReason, *, only_live: bool = False) -> list[Output]:
        """Forget every book: the connection they came over ended, or a new one began."""
        lost: list[Output] = [
            BookLost(instrument=book.name, reason=reason)
            for book in self._books.values()
            if book.sequencer is not None or not only_live
        ]
        for book in self._books.values():
            book.restart()
        # An answer to an earlier epoch's request is still welcome, but not waited for.
        self._under_way = None
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
        book = self._books.pop(name, None)
        if book is not None:
            self._answer_came(book)

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

    def answered(self, snapshot: BookSnapshot, now: Nanos) -> list[Output]:
        """The snapshot that was asked for, now or in an earlier epoch: its ids decide."""
        book = self._books.get(snapshot.instrument)
        outputs: list[Output] = []
        if book is not None:
            self._answer_came(book)
            if book.buffer and (book.sequencer is None or book.refreshing):
                outputs = self._join(book, snapshot, now)
        return outputs + self.ask(now)

    def failed(self, name: str, now: Nanos) -> list[Output]:
        """No snapshot was had: ask again later."""
        book = self._books.get(name)
        if book is not None:
            self._answer_came(book)
            if book.sequencer is None or book.refreshing:
                book.put_off(now)
        return self.ask(now)

    def refused(self, name: str, response: Response, now: Nanos) -> list[Output]:
        """Read an answer that holds no snapshot (RFC 9110 and 6585; 418 is Binance's ban)."""
        said = f"HTTP {response.status}: {response.body[:200].decode(errors='replace')}"
        output: Output = Note(kind="snapshot_failed", instrument=name, detail=said)
        if response.status in (401, 403, 451):
            self._wait(now, REFUSED_FOR)
            if any(book.sequencer is not None for book in self._books.values()):
                # The stream is served to us: its books stay believed, and only see less far.
                output = Note(kind="snapshot_refused", instrument=name, detail=said)
            else:
                output = VenueRefused(said, instrument=name)
        elif response.status in LIMITED_FOR:
            seconds = response.retry_after or LIMITED_FOR[response.status]
            self._wait(now, int(seconds * SECOND))
            output = Note(kind="rate_limited", instrument=name, detail=f"for {seconds:.0f} s")
        return [output, *self.failed(name, now)]

    def ask(self, now: Nanos) -> list[Output]:
        """Ask for the snapshot that has been due longest, unless one is under way."""
        if now < self._not_before:
            return []
        if self._under_way is not None:
            if now - self._asked_at < ANSWER_WITHIN:
                return []
            self._under_way.put_off(now)
            self._under_way = None
        # Ask only once an update has come: an older snapshot could not be joined to the stream.
        due = [book for book in self._books.values() if book.buffer and book.ask_at <= now]
        if not due:
            return []
        # A book that nobody can read goes before one that only sees less far.
        book = min(due, key=lambda each: (each.refreshing, each.ask_at))
        if not self._affords(now, refreshing=book.refreshing):
            return []
        self._asked.append(now)
        self._under_way, self._asked_at = book, now
        return [self._request(book.name)]

    def _affords(self, now: Nanos, *, refreshing: bool) -> bool:
        """Whether one more request fits into this minute; refreshes may use half of it."""
        while self._asked and now - self._asked[0] >= MINUTE:
            self._asked.popleft()
        most = SNAPSHOTS_A_MINUTE // 2 if refreshing else SNAPSHOTS_A_MINUTE
        return len(self._asked) < most

    def _wait(self, now: Nanos, span: Nanos) -> None:
        self._not_before = max(self._not_before, now + span)

    def _begin_afresh(self, book: _Book, now: Nanos) -> None:
        # What was asked for while it lived may be too old for it now.
        self._answer_came(book)
        book.restart()
        book.put_off_unless_first(now)

    def _answer_came(self, book: _Book) -> None:
        if self._under_way is book:
            self._under_way = None

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

    def _join(self, book: _Book, snapshot: BookSnapshot, now: Nanos) -> list[Output]:
        """Follow the snapshot by what was buffered, or find that this cannot be done yet."""
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
                book.put_off(now)
                return [Note(kind="gap_in_buffer", instrument=book.name, detail=str(gap))]
            if verdict is Verdict.REFETCH:
                book.put_off(now)
                return [Note(kind="snapshot_too_old", instrument=book.name)]
            if verdict is Verdict.APPLY:
                outputs.append(delta)
        if not book.refreshing:
            book.retry.opened(now)
        book.sequencer = sequencer
        book.refreshing = False
        book.buffer = []
        return outputs
