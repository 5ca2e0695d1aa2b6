"""The common part of every venue that tells its books on the socket itself.

Subscribe, be told the whole book, then what changes: whoever loses a book subscribes again. What
differs from venue to venue is the wording (`Wording`) and the judge of what follows what.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

from tidegauge.core.errors import FeedError, SequenceGap, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.trust import TrustReason

from .backoff import Backoff
from .protocol import BOOK_LINK, Drop, Fetch, Note, Output, Rate, Response, Send
from .rollcall import RollCall
from .sequencer import Verdict


class Sequencer(Protocol):
    """Judges whether an update follows, by the ids this venue numbers its updates with."""

    @property
    def judge(self) -> Callable[..., Verdict]: ...


Judge = TypeVar("Judge", bound=Sequencer)

RESUBSCRIBE_BASE, RESUBSCRIBE_CAP = SECOND, 60 * SECOND

WHOLE_BOOK_WITHIN: Nanos = 30 * SECOND
"""While a snapshot is awaited a link may say nothing for so long: one frame can be megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a venue wants to be asked. `number` is new for each request, to tell its answer by.

    `batch` is how many instruments one request may name; `subscribe` and `unsubscribe` return the
    frames of one request. `beside` asks for what is told beside the book, when the link opens; it
    is not watched. `ping` (with `ping_every`) keeps a quiet socket open. `allowance` is how many
    such frames, pings aside, the venue takes of one connection: a link that has none left is opened
    anew, for that is the only way to ask again.
    """

    subscribe: Callable[[Sequence[str], int], Sequence[str]]
    unsubscribe: Callable[[Sequence[str], int], Sequence[str]]
    batch: int
    beside: Callable[[Sequence[str], int], Sequence[str]] | None = None
    ping: Callable[[int], str] | None = None
    ping_every: Nanos = 20 * SECOND
    allowance: Rate | None = None


@dataclass(slots=True)
class _Book(Generic[Judge]):
    """One book. It is live while it has a judge of its next update."""

    judge: Judge | None = None
    retry: Backoff = field(default_factory=lambda: Backoff(RESUBSCRIBE_BASE, RESUBSCRIBE_CAP))


class SubscribedBooks(Generic[Judge]):
    """Which books of one link are wanted, which are live, and what to say to get the others.

    A book that was lost is subscribed to again at once, and later each time if it keeps being lost.
    One that was acknowledged but told nothing is called again for ever. A batch that is refused is
    asked for again in halves, so that one bad name costs only itself, and few requests.
    """

    def __init__(
        self,
        names: Iterable[str],
        wording: Wording,
        *,
        snapshot_within: Nanos = 10 * SECOND,
        frame_within: Nanos = 30 * SECOND,
        link: str = BOOK_LINK,
    ) -> None:
        self._books: dict[str, _Book[Judge]] = {name: _Book() for name in names}
        self._calls = RollCall(self._books, patience=snapshot_within)
        self._wording = wording
        self._frame_within = frame_within
        self._link = link
        self._pending: dict[int, list[str]] = {}
        self._beside: dict[int, list[str]] = {}
        self._asked: deque[Nanos] = deque()
        self._number = 0
        self._heard_at: Nanos = 0
        self._pinged_at: Nanos = 0
        self.open = False

    def __contains__(self, name: str) -> bool:
        return name in self._calls

    @property
    def names(self) -> list[str]:
        """The instruments still wanted: those the venue refused are struck off."""
        return self._calls.names

    @property
    def awaiting(self) -> bool:
        """Whether a book that was asked for lately has not come."""
        return self._calls.awaiting

    def judge(self, name: str) -> Judge | None:
        """Return the judge of a live book's next update; None: not live, or not wanted."""
        return self._books[name].judge if name in self._calls else None

    # -- the link --------------------------------------------------------------------------------

    def opened(self, now: Nanos) -> list[Output]:
        """The link is open: subscribe to everything."""
        lost = self._abandon(TrustReason.CONNECTED, only_live=True)
        self.open = True
        self._heard_at = self._pinged_at = now
        self._asked.clear()
        self._calls.expect_all(now)
        names, wording = self._calls.names, self._wording
        lost += self._request(wording.subscribe, names, now)
        return lost if wording.beside is None else lost + self._request(wording.beside, names, now)

    def closed(self) -> list[Output]:
        """The link is gone, and every book with it."""
        self.open = False
        return self._abandon(TrustReason.DISCONNECTED, only_live=False)

    def heard(self, now: Nanos) -> None:
        """A frame came, whatever it said."""
        self._heard_at = now

    def tick(self, now: Nanos) -> list[Output]:
        """Ping, notice a dead link, and subscribe again to what has no snapshot."""
        if not self.open:
            return []
        within = self._frame_within
        if self.awaiting:
            within = max(within, WHOLE_BOOK_WITHIN)
        if now - self._heard_at >= within:
            silent, self._heard_at = now - self._heard_at, now
            return [Drop(link=self._link, reason=f"no frame at all for {silent // SECOND} s")]
        outputs: list[Output] = []
        if self._wording.ping is not None and now - self._pinged_at >= self._wording.ping_every:
            self._pinged_at = now
            outputs.append(Send(link=self._link, text=self._wording.ping(self._next())))
        late = self._calls.overdue(now)
        outputs += [
            Note(kind="never_heard_of", instrument=name)
            for name in late
            if self._calls.given_up(name)
        ]
        return outputs + self._resubscribe(late, now)

    # -- one book --------------------------------------------------------------------------------

    def synchronised(self, name: str, judge: Judge, now: Nanos) -> list[Output]:
        """The whole book was told; `judge` knows what follows. Call before the snapshot itself."""
        book = self._books[name]
        if book.judge is None:
            book.retry.opened(now)
        book.judge = judge
        return [Note(kind="subscribed", instrument=name)] if self._calls.heard(name) else []

    def follow(self, delta: BookDelta, *ids: Any, now: Nanos) -> list[Output]:
        """Return the update if it follows the last one of a live book, else what helps."""
        judge = self.judge(delta.instrument)
        if judge is None:
            return []
        try:
            verdict = judge.judge(*ids)
        except SequenceGap as gap:
            return self.lose(delta.instrument, TrustReason.GAP, now, str(gap))
        if verdict is Verdict.REFETCH:
            # Not shown in the meantime: no one promises that this update holds the whole book.
            return self.lose(delta.instrument, TrustReason.GAP, now, "the venue started afresh")
        return [delta] if verdict is Verdict.APPLY else []

    def lose(self, name: str, reason: TrustReason, now: Nanos, detail: str = "") -> list[Output]:
        """Give a book up, and get it again the only way there is: subscribe anew."""
        if name not in self._calls:
            return []
        book = self._books[name]
        book.judge = None
        wait = book.retry.wait(now, chance=1.0)
        lost: list[Output] = [BookLost(instrument=name, reason=reason, detail=detail)]
        if book.retry.attempts > 1:
            # It was lost a moment ago as well: let the tick do it, later each time.
            self._calls.expect(name, now, within=wait)
            return lost
        self._calls.expect(name, now)
        return lost + self._resubscribe([name], now)

    def await_snapshot(self, name: str, now: Nanos, *, within: Nanos) -> None:
        """The whole book is being had in another way: call for it no sooner than that."""
        if name in self._calls:
            self._calls.expect(name, now, within=within)

    def lose_all(self, reason: TrustReason, detail: str) -> list[Output]:
        """Nothing that came over this link holds any more. It has to be opened anew."""
        return self._abandon(reason, only_live=True, detail=detail)

    def unreadable(self, error: FeedError) -> list[Output]:
        """A frame could not be read, and no later one would show what it held.

        For venues that do not number their updates: whichever book it was about is wrong now.
        """
        lost = self.lose_all(TrustReason.MALFORMED, str(error))
        return [error, *lost, Drop(link=self._link, reason=f"unreadable: {error}")]

    def strike(self, name: str, why: str) -> list[Output]:
        """The venue does not know this instrument: want it no more."""
        if name not in self._calls:
            return []
        self._calls.strike(name)
        self._books[name].judge = None
        return [SubscriptionRejected(why, instrument=name)]

    # -- answers to requests ---------------------------------------------------------------------

    def accepted(self, number: int, name: str | None = None) -> list[Output]:
        """Request `number` was answered well; as to `name` only, if the venue answers each."""
        self._beside.pop(number, None)
        batch = self._pending.get(number, [])
        if name in batch:
            batch.remove(name)
        if name is None or not batch:
            self._pending.pop(number, None)
        return [Note(kind="acknowledged", instrument=name)]

    def granted(self, number: int, names: Collection[str]) -> list[Output]:
        """Request `number` was answered by what was granted. Of the rest each is asked for alone;
        what then is not granted either, the venue does not know."""
        batch = self._pending.pop(number, [])
        outputs: list[Output] = [Note(kind="acknowledged")]
        for name in batch:
            if name in names or name not in self._calls or self._books[name].judge is not None:
                continue  # what is told of is known, whatever the answer
            if len(batch) > 1:
                outputs += self._request(self._wording.subscribe, [name], self._heard_at)
            else:
                outputs += self.strike(name, "not among what the venue granted")
        return outputs

    def confirmed(self, names: Collection[str]) -> list[Output]:
        """The venue lists, without a number, all that it serves us."""
        for number, batch in [*self._pending.items()]:
            if all(name in names or name not in self._calls for name in batch):
                del self._pending[number]
        return [Note(kind="acknowledged")]

    def refused_unnumbered(self, why: str, blamed: Collection[str]) -> list[Output]:
        """A request was refused, and the answer does not say which.

        `blamed` is whatever the answer names as no good: that is struck off, and the rest of the
        request asked for again. Where it names nothing, the oldest request without an answer is
        taken to be the one, as answers come in order.
        """
        if not blamed:
            return self.refused(min(self._pending, default=0), why, for_good=False)
        rest: list[str] = []
        for number, batch in [*self._pending.items()]:
            if any(name in blamed for name in batch):
                rest += self._pending.pop(number)
        struck = [output for name in blamed for output in self.strike(name, why)]
        still = [name for name in dict.fromkeys(rest) if name in self._calls]
        again = self._request(self._wording.subscribe, still, self._heard_at)
        return [Note(kind="request_refused", detail=why), *struck, *again]

    def refused(self, number: int, why: str, *, for_good: bool) -> list[Output]:
        """Request `number` was refused. `for_good`: what it names is to blame, not the moment."""
        beside = self._beside.pop(number, [])
        if self._wording.beside is not None and len(beside) > 1:
            # One name of it is no good: the others need not go without.
            alone = [self._request(self._wording.beside, [name], self._heard_at) for name in beside]
            return [Note(kind="batch_refused", detail=why), *chain.from_iterable(alone)]
        batch = [name for name in self._pending.pop(number, []) if name in self._calls]
        if len(batch) > 1:
            now, half = self._heard_at, len(batch) // 2
            again = self._request(self._wording.subscribe, batch[:half], now)
            again += self._request(self._wording.subscribe, batch[half:], now)
            return [Note(kind="batch_refused", detail=why), *again]
        if batch and for_good:
            return self.strike(batch[0], why)
        # Anything else may pass: the roll call subscribes again.
        return [Note(kind="request_refused", detail=why)]

    def put_off(self, number: int, why: str) -> list[Output]:
        """Request `number` came at a bad moment: the roll call asks again, and not at once."""
        self._pending.pop(number, None)
        return [Note(kind="request_refused", detail=why)]

    # -- inside ----------------------------------------------------------------------------------

    def _abandon(self, reason: TrustReason, *, only_live: bool, detail: str = "") -> list[Output]:
        lost: list[Output] = []
        for name in self._calls.names:
            book = self._books[name]
            if book.judge is not None or not only_live:
                lost.append(BookLost(instrument=name, reason=reason, detail=detail))
            book.judge = None
        self._pending.clear()
        self._beside.clear()
        return lost

    def _resubscribe(self, names: Sequence[str], now: Nanos) -> list[Output]:
        unsubscribed = self._request(self._wording.unsubscribe, names, now)
        if any(isinstance(output, Drop) for output in unsubscribed):
            return unsubscribed
        return unsubscribed + self._request(self._wording.subscribe, names, now)

    def _request(
        self,
        wording: Callable[[Sequence[str], int], Sequence[str]],
        names: Sequence[str],
        now: Nanos,
    ) -> list[Output]:
        if not self.open:
            return []
        sends: list[Output] = []
        for start in range(0, len(names), self._wording.batch):
            batch = [*names[start : start + self._wording.batch]]
            number = self._next()
            texts = wording(batch, number)
            if not self._allowed(len(texts), now):
                why = "the venue takes no more requests on this connection"
                return [*sends, Drop(link=self._link, reason=why)]
            if wording is self._wording.subscribe:
                self._supersede(batch)
                self._pending[number] = batch
            elif wording is self._wording.beside:
                self._beside[number] = batch
            sends += [Send(link=self._link, text=text) for text in texts]
        return sends

    def _supersede(self, names: Sequence[str]) -> None:
        """What is asked for again is not waited for twice: no venue answers everything."""
        for number, batch in [*self._pending.items()]:
            self._pending[number] = [name for name in batch if name not in names]
            if not self._pending[number]:
                del self._pending[number]

    def _allowed(self, frames: int, now: Nanos) -> bool:
        """Whether so many frames may still be sent; if they may, they are counted."""
        most = self._wording.allowance
        if most is None:
            return True
        while self._asked and now - self._asked[0] >= most.per:
            self._asked.popleft()
        if len(self._asked) + frames > most.count:
            return False
        self._asked.extend([now] * frames)
        return True

    def _next(self) -> int:
        self._number += 1
        return self._number


class SubscribedProtocol(Generic[Judge]):
    """What a venue's protocol does by its `books` alone; `received` is the venue's own."""

    books: SubscribedBooks[Judge]

    def opened(self, link: str, now: Nanos) -> list[Output]:
        return self.books.opened(now)

    def closed(self, link: str, now: Nanos) -> list[Output]:
        return self.books.closed()

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return []

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        return self.books.lose(instrument, reason, now)

    def tick(self, now: Nanos) -> list[Output]:
        return self.books.tick(now)
