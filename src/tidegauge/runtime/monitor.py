"""From books to readings, signals and alerts: pure, the same for a live day and for a replay.

Time comes with each call; records leave through `emit`, in the order in which they came about.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import ALL, Alert, AlertKey, AlertState, Signal
from tidegauge.core.desk import Order, OrderKind, Outcome
from tidegauge.core.events import FeedEvent, FeedEventKind, Trade
from tidegauge.core.instrument import SECOND, BookId, Nanos, VenueName
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin, Reading
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.risk.desk.desk import Desk, DeskRecord
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.wire.effects import BookUpdated, Effect, MarketTold
from tidegauge.wire.feed import VenueFeed

from .crossing import Crossing, expose
from .kept import Kept
from .rounds import SET_BACK, Rounds
from .view import BookView
from .watched_book import WatchedBook, view_of

Record: TypeAlias = Reading | Alert | FeedEvent | MarketSummary | DeskRecord
Emit: TypeAlias = Callable[[Record], None]
Crashed: TypeAlias = Callable[[BookId, Exception], None]

UNAVAILABLE = "unavailable: "
"""How a catalogue that is not to be had is told."""

DESK = BookId(ALL, "desk")
"""Told in the place of a book when it is the desk that crashes."""

RECENT_ALERTS = 50
RECENT_EPOCHS = 1000
"""Connections whose opening is remembered."""

LOOKS = 20
"""How often in a period of writing it is looked which books' markets are due: not at every frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPlan:
    """What to measure, how often to sample and to write, and by which rules it is judged. `held`: exposures
    by asset, in quote."""

    measure: MeasurePlan = field(default_factory=MeasurePlan)
    rules: RuleSet = field(default_factory=RuleSet)
    held: Mapping[str, Decimal] = field(default_factory=dict)
    sample_every: Nanos = SECOND
    write_every: Nanos = SECOND


class Monitor:
    """Watches the books of every feed given to it.

    `handle` takes what a feed returned, acts on books and events, and gives back what only a
    driver can do (send, fetch, drop a link, quarantine). `advance` keeps the cadences. `crashed` is
    told of a book that cannot be sampled; without it, that is raised. `kept` is what was learned
    before a restart.
    """

    def __init__(
        self,
        plan: MonitorPlan,
        emit: Emit,
        crashed: Crashed | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._plan = plan
        self._kept = kept
        self._emit = emit
        self._crashed = crashed
        self._books: dict[BookId, WatchedBook] = {}
        self._opened: dict[str, Nanos] = {}
        self._stirred: dict[BookId, WatchedBook] = {}
        """Books of whose market something was told that is not summed up yet."""
        self._looked_at: Nanos = 0
        self._rounds = Rounds(plan.sample_every)
        self._ticked_at: Nanos = 0
        self.desk = Desk(plan.rules.desk, emit, self._carry_out)
        self.crossing = Crossing(
            plan.rules, plan.held, plan.sample_every, self._alert, kept, crashed
        )
        self._paces: dict[VenueName, Nanos] = {}
        self._owed: dict[BookId, WatchedBook] = {}
        """Books that changed since they were read, and are to be read at their venue's pace."""
        self.alerts: dict[str, Alert] = {}
        self._closed: deque[str] = deque()
        self.readings = 0
        """Updates and samples that were judged, by a reading or by a glance."""
        self.conflated = 0
        """Updates that were read together with a later one of the same book, or lost with its trust."""

    def watch(self, feed: VenueFeed) -> None:
        """Take a feed's books under watch, in the place of an older feed's.

        What was learned of a book stays, whether its feed was started again or another connection
        took over. A book that is LIVE in the new feed goes on as if nothing had happened.
        """
        for keeper in feed.keepers.values():
            known = self._books.get(keeper.id)
            if known is None:
                known = self._books[keeper.id] = self._watched(feed, keeper)
                self._rounds.add(keeper.id)
                self.crossing.watch(known)
                continue
            known.feed, known.keeper = feed, keeper
            if keeper.trust is not Trust.LIVE:
                known.last = None
            self.crossing.look_at(known)

    def forget(self, id_: BookId, now: Nanos) -> None:
        """Watch a book no more: its windows go, and an alert that fires ends, saying why."""
        book = self._books.pop(id_, None)
        self._owed.pop(id_, None)
        self._rounds.remove(id_)
        if book is None:
            return
        self._sum_up(book, now)
        trace = book.feed.origin(book.keeper, now).trace
        if book.detector is not None and (change := book.detector.leave(now, trace)) is not None:
            self._alert(change)
        self.crossing.forget(book, now, trace)
        if self._kept is not None:
            self._kept.left(id_)

    def order(self, order: Order, now: Nanos) -> Outcome:
        """Do what a person ordered, or say why not."""
        return self.desk.order(order, now)

    def adopt(self, rules: RuleSet, now: Nanos) -> None:
        """Go on by other rules: nothing that was learned is lost, nothing that fires ends by it."""
        self._plan = replace(self._plan, rules=rules)
        for id_, book in self._books.items():
            if book.detector is not None:
                book.detector.adopt(rules.crunch_for(id_))
        self.crossing.adopt(rules)
        self.desk.adopt(rules.desk, now)

    def heard(self, event: FeedEvent) -> None:
        """Take what a venue says of itself beside any feed: that it refuses us, or is away."""
        self._emit(event)
        kind, detail = event.kind, event.detail
        if kind is FeedEventKind.QUARANTINED:
            self.crossing.refused(event.venue, TrustReason.REFUSED, event.at, detail)
        elif kind is FeedEventKind.CATALOGUE and detail.startswith(UNAVAILABLE):
            self.crossing.refused(event.venue, TrustReason.STARTING, event.at, detail)

    def pace(self, venue: VenueName, every: Nanos, now: Nanos) -> None:
        """Read a venue's books at most once in `every` from now on; 0: at each of their updates.

        For a driver that does not keep up: what is read late is one reading of many updates, never
        a wrong one. Books themselves take every update, and samples keep their cadence.
        """
        if every:
            self._paces[venue] = every
            detail = f"updates come faster than they are read: readings every {every / SECOND:g} s"
        else:
            self._paces.pop(venue, None)
            detail = "every update is read again"
        kind, trace = FeedEventKind.CONFLATED, f"{venue}/0/0"
        self._emit(FeedEvent(kind=kind, venue=venue, at=now, trace=trace, detail=detail))

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        """Act on books and events; return the effects that need a driver."""
        left: list[Effect] = []
        for effect in effects:
            match effect:
                case BookUpdated(keeper=keeper, origin=origin):
                    if (book := self._book(keeper)) is not None:
                        if self._paces and self._waits(book, now):
                            self.conflated += keeper.id in self._owed
                            self._owed[keeper.id] = book
                        else:
                            self._read(book, origin)
                case MarketTold(keeper=keeper):
                    if (book := self._books.get(keeper.id)) is not None:
                        self._apart(book, partial(self._told, book, effect))
                case FeedEvent():
                    self._emit(effect)
                    self._happened(effect, now)
                case _:
                    left.append(effect)
        return left

    def advance(self, now: Nanos) -> None:
        """Sample every LIVE book at the cadence, up to `now`; an unchanged one is sampled again."""
        for at, ids in self._rounds.due(now):
            for book in [self._books[id_] for id_ in ids]:
                self._apart(book, partial(self._sample, book, at))
        for book in [*self._owed.values()]:
            if not self._waits(book, now):
                self._read(book, book.feed.origin(book.keeper, now))
        self.crossing.advance(now)
        if not 0 <= now - self._ticked_at < SECOND:
            self._ticked_at = now - now % SECOND
            self.crossing.tick(self._ticked_at)
            self._tick_desk(self._ticked_at)
        if self._stirred and not 0 <= now - self._looked_at < self._plan.write_every // LOOKS:
            self._looked_at = now
            for book in [*self._stirred.values()]:
                self._apart(book, partial(self._sum_up_if_due, book, now))

    def _tick_desk(self, at: Nanos) -> None:
        try:
            self.desk.tick(at)
        except Exception as crash:
            if self._crashed is None:
                raise
            self._crashed(DESK, crash)

    def _watched(self, feed: VenueFeed, keeper: BookKeeper) -> WatchedBook:
        crunch = self._plan.rules.crunch_for(keeper.id)
        state = None if self._kept is None else self._kept.detector(keeper.id)
        book = WatchedBook(feed, keeper, self._plan.measure, crunch, state)
        if book.detector is not None and (alert := book.detector.alert) is not None:
            self._alert(alert)
        return book

    def _book(self, keeper: BookKeeper) -> WatchedBook | None:
        """Return the book that this keeper keeps; None where another one does, or none."""
        book = self._books.get(keeper.id)
        return book if book is not None and book.keeper is keeper else None

    def _apart(self, book: WatchedBook, work: Callable[[], None]) -> None:
        """Judge one book; where somebody is told of crashes, the others do not notice one."""
        try:
            work()
        except Exception as crash:  # noqa: BLE001
            self._failed(book, crash)

    def _failed(self, book: WatchedBook, crash: Exception) -> None:
        """Our own error: whatever a reading left half done is begun anew by the next."""
        for side in (book.keeper.book.bids, book.keeper.book.asks):
            side.begin_marks(None)
        if self._crashed is None:
            raise crash
        self._crashed(book.keeper.id, crash)

    def _read(self, book: WatchedBook, origin: Origin) -> None:
        # `_apart`, written out: this is done for every frame.
        try:
            at = origin.received_at
            if not self._due(book.written_at, at) and book.calm():
                self.readings += 1
                book.read_at = at
                self._owed.pop(book.keeper.id, None)
                self.crossing.quoted(book, at, origin.trace)
            else:
                self._judge(book, book.measure(origin))
        except Exception as crash:  # noqa: BLE001
            self._failed(book, crash)

    def _waits(self, book: WatchedBook, now: Nanos) -> bool:
        """Whether a book was read so lately that, at the pace of its venue, it is not read now."""
        every = self._paces.get(book.keeper.id.venue, 0)
        return bool(every) and book.read_at is not None and -SET_BACK <= now - book.read_at < every

    def _sample(self, book: WatchedBook, at: Nanos) -> None:
        # What was still to be read is read with this.
        self.conflated += self._owed.pop(book.keeper.id, None) is not None
        reading = book.measure(book.feed.origin(book.keeper, at))
        self._judge(book, reading)
        if reading is not None and book.detector is not None:
            book.detector.sample(reading, at)
        if book.detector is not None and (change := book.detector.tick(at)) is not None:
            self._alert(change)

    def _judge(self, book: WatchedBook, reading: Reading | None) -> None:
        if self._owed:
            self._owed.pop(book.keeper.id, None)
        if reading is None:
            return
        self.readings += 1
        book.last = reading
        book.read_at = reading.origin.received_at
        change = None if book.detector is None else book.detector.observe(reading)
        at = reading.origin.received_at
        if self._due(book.written_at, at) or change is not None:
            book.written_at = at
            self._emit(reading)
        if change is not None:
            self._alert(change, book.impact(reading))
        self.crossing.quoted(book, at, reading.origin.trace)

    def _due(self, written_at: Nanos | None, now: Nanos) -> bool:
        """Whether to write again; a clock that was set back makes it due, too, or nothing would be
        stored for as long."""
        every = self._plan.write_every
        return not every or written_at is None or not -SET_BACK <= now - written_at < every

    def _told(self, book: WatchedBook, told: MarketTold) -> None:
        if told.keeper is not book.keeper and not isinstance(told.event, Trade):
            # While two connections overlap both tell everything; only trades are known again.
            return
        opened_at = self._opened.get(_connection(told.trace))
        book.activity.take(told.event, told.received_at, told.trace, opened_at)
        self._stirred[book.keeper.id] = book

    def _sum_up_if_due(self, book: WatchedBook, now: Nanos) -> None:
        if self._due(book.summed_at, now):
            self._sum_up(book, now)

    def _sum_up(self, book: WatchedBook, now: Nanos) -> None:
        self._stirred.pop(book.keeper.id, None)
        if book.activity.changed:
            book.summed_at = now
            self._emit(book.activity.summary(book.keeper.id.symbol, now))

    def _happened(self, event: FeedEvent, now: Nanos) -> None:
        if event.kind is FeedEventKind.CONNECTED:
            self._opened[_connection(event.trace)] = event.at
            if len(self._opened) > RECENT_EPOCHS:
                del self._opened[next(iter(self._opened))]
        if event.kind is not FeedEventKind.TRUST or event.symbol is None:
            return
        book = self._books.get(BookId(event.venue, event.symbol))
        if book is None:
            return
        self.crossing.trusted(book, now, event.trace, event.detail)
        if event.trust is Trust.LIVE:
            return
        book.last = None
        self.conflated += self._owed.pop(book.keeper.id, None) is not None
        self._sum_up(book, now)
        if book.detector is None:
            return
        if (change := book.detector.lost_trust(now, event.trace)) is not None:
            self._alert(change)

    def _alert(self, alert: Alert, impact: Decimal | None = None) -> None:
        action = self._plan.rules.desk.action(alert.key.signal, alert.severity)
        if action is not None:
            alert = replace(alert, action=action)
        self.alerts[alert.id] = alert
        if alert.state in (AlertState.RESOLVED, AlertState.INACTIVE):
            self._closed.append(alert.id)
            if len(self._closed) > RECENT_ALERTS:
                self.alerts.pop(self._closed.popleft(), None)
        self._emit(alert)
        self.desk.alert(alert, alert.updated_at, impact)

    def _carry_out(self, order: Order, now: Nanos) -> Outcome:
        """Do what concerns the books rather than the desk."""
        if order.kind is OrderKind.EXPOSE:
            return expose(self.crossing.caps, order, now)
        done = [key for key in self.desk.firing(order.incident_id or "") if self._rebase(key, now)]
        said = f"The present level is the new normal of {', '.join(map(str, done))}."
        if not done:
            said = "None of its alerts is measured against what is usual: nothing to rebase"
        return Outcome(order_id=order.id, at=now, done=bool(done), said=said)

    def _rebase(self, key: AlertKey, now: Nanos) -> bool:
        """Take the level that an alert fell to for its normal one, if it has one."""
        book = self._books.get(BookId(key.venue, key.symbol))
        if key.signal != Signal.CRUNCH:
            return self.crossing.rebase(key, now)
        if book is None or book.detector is None:
            return False
        change = book.detector.rebase(now, book.feed.origin(book.keeper, now).trace)
        if change is not None:
            self._alert(change)
        return change is not None

    @property
    def watched(self) -> int:
        """How many books are watched."""
        return len(self._books)

    @property
    def watched_books(self) -> Collection[WatchedBook]:
        """The books under watch, as they come and go."""
        return self._books.values()

    def watched_book(self, id_: BookId) -> WatchedBook | None:
        """Return one of them, None when it is not watched."""
        return self._books.get(id_)

    def books(self, now: Nanos) -> tuple[BookView, ...]:
        """Every book as it stands."""
        return tuple(view_of(book, now) for book in self._books.values())


def _connection(trace: str) -> str:
    """Return venue/epoch of a trace id."""
    return trace.rpartition("/")[0]
