"""A venue of quiet books in simulated time, which answers truthfully, or falls silent in part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.trust import Trust
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Drop, Fetch, Purpose, Response, Send

from .plain_venue import AUDITED, frame, instrument

Gap = Callable[[Random], float]
PONG_EVERY = 20 * SECOND


@dataclass(slots=True)
class Truth:
    """One book as it is, whatever was told of it."""

    gap: Gap
    sizes: dict[str, str] = field(default_factory=lambda: {"99": "1", "98": "1", "97": "1"})
    number: int = 1
    dead: bool = False

    def body(self, name: str) -> bytes:
        bids = list(self.sizes.items())
        return frame("snapshot", bids, [("101", "1")], name=name, number=self.number).encode()


class QuietVenue:
    """Drives a feed through simulated time: updates, ticks, pongs, REST answers, reconnects."""

    def __init__(
        self, gaps: Mapping[str, Gap], seed: int, *, pongs: bool = True, answers: bool = True
    ) -> None:
        self.random = Random(seed)
        self.books = {name: Truth(gap) for name, gap in gaps.items()}
        listings = [Listing(symbol=name, instrument=instrument(name)) for name in gaps]
        self.feed = VenueFeed(AUDITED, listings)
        self.answers = answers
        self.pongs = pongs
        self.mute = False
        self.open = False
        self.now: Nanos = 0
        self.asked = 0
        self.events: list[FeedEvent] = []
        self.drops: list[tuple[Nanos, str]] = []
        self.missed: dict[str, Nanos] = {}
        self._queue: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._numbers = count()
        self._at(0, self._connect)
        self._at(SECOND, self._tick)
        self._at(PONG_EVERY, self._pong)
        for name in gaps:
            self._next_change(name)

    def run(self, until: Nanos) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, happen = heappop(self._queue)
            happen()

    def distrusted(self) -> list[FeedEvent]:
        """The moves of trust away from LIVE, once a book was believed."""
        bad = (Trust.STALE, Trust.UNTRUSTED)
        return [event for event in self.events if event.trust in bad]

    def _at(self, after: Nanos, happen: Callable[[], None]) -> None:
        heappush(self._queue, (self.now + after, next(self._numbers), happen))

    def _connect(self) -> None:
        self.open = True
        self._do(self.feed.opened(BOOK_LINK, self.now))

    def _tick(self) -> None:
        self._do(self.feed.tick(self.now))
        self._at(SECOND, self._tick)

    def _pong(self) -> None:
        if self.pongs:
            self._say(frame("pong"))
        self._at(PONG_EVERY, self._pong)

    def _say(self, text: str) -> None:
        if self.open:
            self._do(self.feed.received(BOOK_LINK, text, self.now))

    def _next_change(self, name: str) -> None:
        gap = self.books[name].gap(self.random)
        self._at(round(gap * SECOND), lambda: self._change(name))

    def _change(self, name: str) -> None:
        truth = self.books[name]
        price, size = self.random.choice(list(truth.sizes)), str(self.random.randint(1, 10**6))
        truth.sizes[price] = size
        truth.number += 1
        told = frame("delta", [(price, size)], name=name, number=truth.number)
        if truth.dead or self.mute:
            self.missed.setdefault(name, self.now)
        else:
            self._at(50 * MILLISECOND, lambda: self._say(told))
        self._next_change(name)

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case FeedEvent():
                    self.events.append(effect)
                case Send(text=text):
                    name = text.split()[-1]
                    if not self.mute:
                        self._at(50 * MILLISECOND, lambda name=name: self._tell(name))  # type: ignore[misc]
                case Fetch():
                    self._answer(effect)
                case Drop(reason=reason):
                    self.drops.append((self.now, reason))
                    self.open, self.mute = False, False
                    self._do(self.feed.closed(BOOK_LINK, self.now, reason))
                    self._at(SECOND, self._connect)

    def _tell(self, name: str) -> None:
        self._say(self.books[name].body(name).decode())

    def _answer(self, fetch: Fetch) -> None:
        name = fetch.instrument
        assert name is not None
        if fetch.purpose is Purpose.AUDIT:
            self.asked += 1
            if not self.answers:
                return
        body = self.books[name].body(name)
        delay = self.random.randint(20, 600) * MILLISECOND
        self._at(
            delay,
            lambda: self._do(self.feed.fetched(fetch, Response(status=200, body=body), self.now)),
        )
