"""What is judged across the books: whether venues agree and are well, whether a size is safe, how bad
it is for a symbol as a whole, and whether too much is held for that. Pure, as `runtime.monitor` is.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial

from tidegauge.core.alert import ALL, Alert, AlertKey, Signal
from tidegauge.core.desk import Order, Outcome
from tidegauge.core.instrument import SECOND, BookId, Nanos, Symbol, VenueName
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.risk.caps import Caps, weather_of
from tidegauge.risk.divergence import touch_of
from tidegauge.risk.health import HealthStatus, VenueHealth
from tidegauge.risk.ruleset import RuleSet

from .kept import Kept
from .rounds import Rounds
from .view import CrossView
from .watched_book import WatchedBook
from .watched_symbol import WatchedSymbol, facts_of

AT_ONCE = 4
"""Symbols judged at the same moment: the books of each are walked, which takes a while."""

Raise = Callable[[Alert, Decimal | None], None]
"""Takes an alert as it changed, and what the configured size costs more than usual, in quote."""


class Crossing:
    """Everything that is judged over more than one book. What fires or changes goes to `tell`.

    `held`: what the settings say is held, by asset, in quote; `every`: how often a symbol is judged.
    """

    def __init__(
        self,
        rules: RuleSet,
        held: Mapping[str, Decimal],
        every: Nanos,
        tell: Raise,
        kept: Kept | None = None,
        crashed: Callable[[BookId, Exception], None] | None = None,
    ) -> None:
        self.caps = Caps(rules.caps, held)
        self._rules = rules
        self._tell = tell
        self.symbols: dict[Symbol, WatchedSymbol] = {}
        self.venues: dict[VenueName, VenueHealth] = {}
        self._rounds = Rounds(every, at_once=AT_ONCE)
        self._kept = kept
        self._crashed = crashed
        self._to_look_at: list[WatchedBook] = []

    # -- who is judged ---------------------------------------------------------------------------

    def watch(self, book: WatchedBook) -> None:
        """Take a book under watch; one that is known stays what it is."""
        keeper = book.keeper
        venue, symbol = keeper.id.venue, keeper.id.symbol
        self.look_at(book)
        if book.detector is None:
            return
        watched = self.symbols.get(symbol)
        if watched is None:
            watched = self.symbols[symbol] = WatchedSymbol(symbol, self._rules)
            if self._kept is not None:
                watched.kept = self._kept.symbol(symbol)
            self._rounds.add(BookId(ALL, symbol))
        if venue in watched.books:
            return
        watched.books[venue] = book
        watched.divergence.join(venue, facts_of(book))
        watched.stress.know(venue, keeper.instrument.quote)

    def forget(self, book: WatchedBook, at: Nanos, trace: str) -> None:
        """Judge a book no more."""
        venue, symbol = book.keeper.id.venue, book.keeper.id.symbol
        self._to_look_at = [each for each in self._to_look_at if each is not book]
        if (health := self.venues.get(venue)) is not None:
            self._tell_all(health.left(symbol, at, trace))
        watched = self.symbols.get(symbol)
        if watched is None or venue not in watched.books:
            return
        self._tell_all(watched.go_on(at))
        del watched.books[venue]
        self._tell_all(watched.divergence.leave(venue, at, trace))
        watched.stress.forget(venue)
        self._tell_all(watched.health.left(venue, at, trace))
        if not watched.books:
            self._tell_all(watched.stress.leave(at, trace))
            del self.symbols[symbol]
            self._rounds.remove(BookId(ALL, symbol))

    def resume(self) -> None:
        """Go on with the exposures that were kept; the rest follows as books come under watch."""
        if self._kept is not None and (said := self._kept.caps()) is not None:
            self.caps.restore(said.state, said.at)
            fire = (each.alert for each in self.caps.status(said.at))
            self._tell_all(alert for alert in fire if alert is not None)

    # -- what happens ----------------------------------------------------------------------------

    def quoted(self, book: WatchedBook, at: Nanos, trace: str) -> None:
        """A book was read, or glanced at: its touch may have moved."""
        watched = self.symbols.get(book.keeper.id.symbol)
        if watched is None or book.detector is None:
            return
        watched.trace = trace
        if watched.kept is not None:
            return
        divergence, venue = watched.divergence, book.keeper.id.venue
        touch = touch_of(book.keeper.book)
        if touch is None:
            issued = divergence.lost(venue, at, trace)
        else:
            issued = divergence.quoted(venue, touch, at, trace)
        for alert in issued:
            self._tell(alert, watched.impact(alert))

    def trusted(self, book: WatchedBook, at: Nanos, trace: str, detail: str = "") -> None:
        """The trust of a book is what its keeper says now; `detail` is what the event said of it."""
        keeper = book.keeper
        venue, symbol = keeper.id.venue, keeper.id.symbol
        health = self._health(venue, at)
        live = keeper.trust is Trust.LIVE
        health.seen(symbol, live, keeper.reason, at, detail)
        # Only now: a venue without any book is not watched any more, and what fires of it ends.
        self._tell_all(health.left(ALL, at, trace))
        watched = self.symbols.get(symbol)
        if watched is None or venue not in watched.books:
            return
        watched.health.seen(venue, live, keeper.reason, at, detail)
        if not live:
            self._tell_all(watched.divergence.lost(venue, at, trace))

    def refused(self, venue: VenueName, reason: TrustReason, at: Nanos, detail: str) -> None:
        """A venue does not tell which books it has: it refuses us, or cannot be reached."""
        self._health(venue, at).seen(ALL, live=False, reason=reason, at=at, detail=detail)

    def _health(self, venue: VenueName, at: Nanos) -> VenueHealth:
        health = self.venues.get(venue)
        if health is None:
            health = self.venues[venue] = VenueHealth(venue, self._rules.health)
            if self._kept is not None and (state := self._kept.venue(venue)) is not None:
                health.restore(state, at)
                self._tell_all(health.status().alerts)
        return health

    def look_at(self, book: WatchedBook) -> None:
        """Have a book's trust looked at with the next tick: nobody has said yet when it became so."""
        self._to_look_at.append(book)

    def advance(self, now: Nanos) -> None:
        """Judge what is judged at the cadence, up to `now`."""
        for at, ids in self._rounds.due(now):
            for id_ in ids:
                self._apart(id_, partial(self._sample, self.symbols[id_.symbol], at))

    def tick(self, at: Nanos) -> None:
        """Once a second: venues, and what is held."""
        for book in self._to_look_at:
            self.trusted(book, at, f"{book.keeper.id.venue}/0/0")
        self._to_look_at.clear()
        for venue, health in self.venues.items():
            self._apart(BookId(venue, ALL), partial(self._look_at_venue, health, at))
        self._apart(BookId(ALL, ALL), partial(self._look_at_caps, at))

    def _apart(self, id_: BookId, work: Callable[[], None]) -> None:
        """Judge one symbol or venue; where somebody is told of crashes, the others do not notice one."""
        try:
            work()
        except Exception as crash:
            if self._crashed is None:
                raise
            self._crashed(id_, crash)

    def _look_at_venue(self, health: VenueHealth, at: Nanos) -> None:
        self._tell_all(health.tick(at, f"{health.venue}/0/0"))

    def _look_at_caps(self, at: Nanos) -> None:
        weathers = {name: each.composite.status().weather for name, each in self.symbols.items()}
        self._tell_all(self.caps.observe(weather_of(weathers), at, f"{ALL}/0/0"))

    def _sample(self, watched: WatchedSymbol, at: Nanos) -> None:
        for alert in watched.sample(at):
            self._tell(alert, watched.impact(alert))

    def _tell_all(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self._tell(alert, None)

    # -- what people want ------------------------------------------------------------------------

    def rebase(self, key: AlertKey, at: Nanos) -> bool:
        """Take the premium an alert speaks of for the usual one. Returns whether there is such."""
        watched = self.symbols.get(key.symbol)
        if watched is None or key.signal not in (Signal.DIVERGENCE, Signal.EXECUTABLE):
            return False
        issued = watched.divergence.rebase(key.venue, at, watched.trace)
        self._tell_all(issued)
        return bool(issued)

    def adopt(self, rules: RuleSet) -> None:
        """Judge by other rules; alerts, holds and what is usual stay."""
        self._rules = rules
        self.caps.adopt(rules.caps)
        for watched in self.symbols.values():
            watched.adopt(rules)
        for health in self.venues.values():
            health.adopt(rules.health)

    # -- what it shows, and what is kept ---------------------------------------------------------

    def view(self, now: Nanos) -> CrossView:
        return CrossView(
            symbols=tuple(each.view() for each in self.symbols.values()),
            venues=self.health(),
            exposures=self.caps.status(now),
        )

    def health(self) -> tuple[HealthStatus, ...]:
        """Return how each venue is of which books are watched."""
        statuses = (each.status() for each in self.venues.values())
        return tuple(each for each in statuses if each.total)


def expose(caps: Caps, order: Order, now: Nanos) -> Outcome:
    """Take a person's word for how much of an asset is held, or say why not."""
    asset = order.asset or ""
    try:
        amount = Decimal(order.amount or "")
        said = caps.expose(asset, amount, now, order.actor, order.until)
    except (ValueError, InvalidOperation) as error:
        why = f"{order.amount!r} of {asset!r} is no exposure: {error}"
        return Outcome(order_id=order.id, at=now, done=False, said=why)
    until = datetime.fromtimestamp(said.until // SECOND, UTC)
    told = f"{asset}: {amount:,f} is held, until {until:%Y-%m-%d %H:%M:%S} UTC."
    return Outcome(order_id=order.id, at=now, done=True, said=told)
