"""From books to readings, signals and alerts: pure, the same for a live day and for a replay.

Time comes with each call; records leave through `emit`, in the order in which they came about.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from tidegauge.core.alert import Alert, AlertKey, AlertState
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, BookId, Nanos, Symbol
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin, Reading
from tidegauge.core.trust import Trust
from tidegauge.risk.crunch import CrunchDetector
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.risk.settings import CrunchSettings
from tidegauge.wire.effects import BookUpdated, Effect
from tidegauge.wire.feed import VenueFeed

from .view import BookView

Record: TypeAlias = Reading | Alert | FeedEvent
Emit: TypeAlias = Callable[[Record], None]
Crashed: TypeAlias = Callable[[BookId, Exception], None]

CRUNCH = "liquidity_crunch"
RECENT_ALERTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPlan:
    """What to measure, how often to sample and to write, and what a crunch is."""

    measure: MeasurePlan = field(default_factory=MeasurePlan)
    crunch: CrunchSettings = field(default_factory=CrunchSettings)
    crunch_of: Mapping[Symbol, CrunchSettings] = field(default_factory=dict)
    sample_every: Nanos = SECOND
    write_every: Nanos = SECOND


class WatchedBook:
    """One book and all that is judged of it."""

    def __init__(self, feed: VenueFeed, keeper: BookKeeper, plan: MonitorPlan) -> None:
        self.feed = feed
        self.keeper = keeper
        key = AlertKey(signal=CRUNCH, symbol=keeper.id.symbol, venue=keeper.id.venue)
        self.detector = CrunchDetector(key, plan.crunch_of.get(key.symbol, plan.crunch))
        self.last: Reading | None = None
        self.written_at: Nanos | None = None
        self._base = plan.measure
        self._plan = plan.measure
        self._wanted: tuple[tuple[Decimal, ...], tuple[int, ...]] = ((), ())

    def plan(self) -> MeasurePlan:
        """The measure plan, with the sizes and bands that the detector judges by."""
        wanted = (self.detector.plan_notionals(), self.detector.plan_bands())
        if wanted != self._wanted:
            self._wanted = wanted
            self._plan = self._base.adding(notionals=wanted[0], bands=wanted[1])
        return self._plan


class Monitor:
    """Watches the books of every feed given to it.

    `handle` takes what a feed returned, acts on books and events, and gives back what only a
    driver can do (send, fetch, drop a link, quarantine). `advance` keeps the cadences. `crashed` is
    told of a book that cannot be sampled; without it, that is raised.
    """

    def __init__(self, plan: MonitorPlan, emit: Emit, crashed: Crashed | None = None) -> None:
        self._plan = plan
        self._emit = emit
        self._crashed = crashed
        self._books: dict[BookId, WatchedBook] = {}
        self._next_sample: Nanos | None = None
        self.alerts: dict[str, Alert] = {}
        self.readings = 0

    def watch(self, feed: VenueFeed) -> None:
        """Take a feed's books under watch."""
        for keeper in feed.keepers.values():
            known = self._books.get(keeper.id)
            if known is None:
                self._books[keeper.id] = WatchedBook(feed, keeper, self._plan)
            else:
                # A feed that was started again: what was learned of the book stays.
                known.feed, known.keeper, known.last = feed, keeper, None

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        """Act on books and events; return the effects that need a driver."""
        left: list[Effect] = []
        for effect in effects:
            match effect:
                case BookUpdated(keeper=keeper, origin=origin):
                    book = self._books[keeper.id]
                    self._apart(book, partial(self._read, book, origin))
                case FeedEvent():
                    self._emit(effect)
                    self._trust_moved(effect, now)
                case _:
                    left.append(effect)
        return left

    def advance(self, now: Nanos) -> None:
        """Sample every LIVE book at the cadence, up to `now`; an unchanged one is sampled again."""
        every = self._plan.sample_every
        if self._next_sample is None or self._next_sample - now > 2 * every:
            # The first time, or the clock was set back: samples go on from here.
            self._next_sample = now + every
        while self._next_sample <= now:
            for book in self._books.values():
                self._apart(book, partial(self._sample, book, self._next_sample))
            self._next_sample += every
            if now - self._next_sample > 10 * every:
                # The process was asleep: samples of a past nobody saw are not made up.
                self._next_sample = now

    def _apart(self, book: WatchedBook, work: Callable[[], None]) -> None:
        """Judge one book; where somebody is told of crashes, the others do not notice one."""
        try:
            work()
        except Exception as crash:
            if self._crashed is None:
                raise
            self._crashed(book.keeper.id, crash)

    def _read(self, book: WatchedBook, origin: Origin) -> None:
        keeper = book.keeper
        reading = measure(keeper.book, book.plan(), origin) if keeper.quotable else None
        self._judge(book, reading)

    def _sample(self, book: WatchedBook, at: Nanos) -> None:
        keeper = book.keeper
        if keeper.quotable:
            origin = book.feed.origin(keeper, at)
            reading = measure(keeper.book, book.plan(), origin)
            self._judge(book, reading)
            if reading is not None:
                book.detector.sample(reading, at)
        if (change := book.detector.tick(at)) is not None:
            self._alert(change)

    def _judge(self, book: WatchedBook, reading: Reading | None) -> None:
        if reading is None:
            return
        self.readings += 1
        book.last = reading
        change = book.detector.observe(reading)
        at = reading.origin.received_at
        written_at, every = book.written_at, self._plan.write_every
        # A clock that was set back makes a reading due, too, or none would be stored for as long.
        due = written_at is None or not 0 <= at - written_at < every
        if due or change is not None:
            book.written_at = at
            self._emit(reading)
        if change is not None:
            self._alert(change)

    def _trust_moved(self, event: FeedEvent, now: Nanos) -> None:
        if event.kind is not FeedEventKind.TRUST or event.symbol is None:
            return
        book = self._books.get(BookId(event.venue, event.symbol))
        if book is None or event.trust is Trust.LIVE:
            return
        book.last = None
        if (change := book.detector.lost_trust(now, event.trace)) is not None:
            self._alert(change)

    def _alert(self, alert: Alert) -> None:
        self.alerts[alert.id] = alert
        over = (AlertState.RESOLVED, AlertState.INACTIVE)
        closed = [key for key, known in self.alerts.items() if known.state in over]
        for key in closed[: max(0, len(closed) - RECENT_ALERTS)]:
            del self.alerts[key]
        self._emit(alert)

    def books(self, now: Nanos) -> tuple[BookView, ...]:
        """Every book as it stands."""
        return tuple(_view(book, now) for book in self._books.values())


def _view(book: WatchedBook, now: Nanos) -> BookView:
    keeper = book.keeper
    bid, ask = keeper.book.best_bid, keeper.book.best_ask
    return BookView(
        id=keeper.id,
        instrument=keeper.instrument.name,
        trust=keeper.trust,
        reason=keeper.reason,
        since=keeper.since,
        age=None if keeper.updated_at is None else now - keeper.updated_at,
        updates=keeper.updates,
        best_bid=None if bid is None else Decimal(bid),
        best_ask=None if ask is None else Decimal(ask),
        reading=book.last,
        crunch=book.detector.status(),
    )
