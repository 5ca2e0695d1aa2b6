"""Whether a venue's feed is well, and whether a symbol can be seen at all (docs/signals.md §7).

Both are told of each book's trust as it changes, and look once a second. No clock is read.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from ..core.alert import ALL, Action, Alert, AlertKey, Severity, Signal
from ..core.instrument import Nanos, Symbol, VenueName
from ..core.trust import TrustReason
from . import health_said as said
from .judged import Finding, JudgedAlert, JudgedSettings, JudgedState
from .liveness import KnownBook, Liveness
from .signal_settings import HealthSettings


class Health(StrEnum):
    """STARTING: nothing was LIVE yet, which is no fault yet. REFUSED: the venue wants none of us."""

    STARTING = "starting"
    WELL = "well"
    DEGRADED = "degraded"
    DOWN = "down"
    REFUSED = "refused"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStatus:
    """A venue's books, or a symbol's. `since`: when the state began by what is seen now, None while
    all are LIVE. `reasons`: why books are not LIVE, and how many. `books`: those that are not, with
    their reason and since when."""

    name: str
    health: Health
    live: int
    total: int
    since: Nanos | None
    reasons: Mapping[TrustReason, int]
    books: tuple[tuple[str, TrustReason, Nanos], ...]
    alerts: tuple[Alert, ...]


class HealthState(Struct, frozen=True, kw_only=True, tag="health/1"):
    """What outlives a restart. `served`: the venue has served us before."""

    served: bool
    alerts: dict[str, JudgedState]


class _Watch:
    """Books under watch, and the alerts of them: what a venue and a symbol have in common."""

    def __init__(
        self,
        settings: HealthSettings,
        signals: tuple[Signal, ...],
        symbol: Symbol,
        venue: VenueName,
    ) -> None:
        self.settings = settings
        self._books = Liveness()
        self._alerts = {
            signal: JudgedAlert(
                AlertKey(signal=signal, symbol=symbol, venue=venue), _judged(settings)
            )
            for signal in signals
        }
        self._served = False

    def adopt(self, settings: HealthSettings) -> None:
        """Take other settings; alerts go on."""
        self.settings = settings
        for alert in self._alerts.values():
            alert.adopt(_judged(settings))

    def snapshot(self) -> HealthState:
        """Return what is to outlive a restart; books are seen anew after it."""
        alerts = {str(signal): alert.snapshot() for signal, alert in self._alerts.items()}
        return HealthState(served=self._served or self._books.was_live, alerts=alerts)

    def restore(self, state: HealthState, at: Nanos) -> None:
        """Go on from before a restart: what fires fires."""
        self._served = state.served
        for signal, alert in self._alerts.items():
            if (kept := state.alerts.get(str(signal))) is not None:
                alert.resume(kept, at)

    def _seen(self, name: str, live: bool, reason: TrustReason, at: Nanos, detail: str) -> None:
        self._books.seen(name, live, reason, at, detail)

    def _left(self, name: str, at: Nanos, trace: str, why: str) -> list[Alert]:
        self._books.left(name, at)
        return [] if len(self._books) else self._end(at, trace, why)

    def _end(self, at: Nanos, trace: str, why: str) -> list[Alert]:
        ends = [alert.leave(at, trace, why) for alert in self._alerts.values()]
        return [end for end in ends if end is not None]

    def _quiet(self, at: Nanos) -> bool:
        """Whether there is nothing to judge."""
        self._books.onwards(at)
        idle = all(alert.idle for alert in self._alerts.values())
        return idle and self._books.steady

    def _unseen(self, at: Nanos, trace: str) -> list[Alert]:
        lost = [alert.unseen(at, trace) for alert in self._alerts.values()]
        return [alert for alert in lost if alert is not None]

    def _none_for(self, span: Nanos, at: Nanos) -> bool:
        """Whether none has been LIVE for so long; where none ever was, for as long as a start takes."""
        since = self._books.dark_since
        needed = span if self._books.was_live else max(span, self.settings.start_within)
        return since is not None and at - since >= needed

    def _status(self, name: str, health: Health) -> HealthStatus:
        away = [book for book in self._books if not book.live]
        dark = self._books.dark_since
        return HealthStatus(
            name=name,
            health=health,
            live=len(self._books) - len(away),
            total=len(self._books),
            since=min((book.since for book in away), default=None) if dark is None else dark,
            reasons=Counter(book.reason for book in away),
            books=tuple((book.name, book.reason, book.since) for book in away),
            alerts=tuple(a.alert for a in self._alerts.values() if a.alert is not None),
        )


class VenueHealth(_Watch):
    """Watches the books of one venue; its alerts are of the venue as a whole."""

    def __init__(self, venue: VenueName, settings: HealthSettings) -> None:
        super().__init__(settings, (Signal.VENUE_DEGRADED, Signal.VENUE_DOWN), ALL, venue)
        self.venue = venue

    def seen(
        self, symbol: Symbol, live: bool, reason: TrustReason, at: Nanos, detail: str = ""
    ) -> None:
        """Say whether a book is LIVE, and why it is what it is.

        Before a venue's books are known, as while its catalogue is not to be had, `ALL` stands for
        them: `left(ALL)` once they are.
        """
        self._seen(symbol, live, reason, at, detail)

    def left(self, symbol: Symbol, at: Nanos, trace: str) -> list[Alert]:
        """A book is not watched any more; with the last one, what fires of the venue ends."""
        return self._left(symbol, at, trace, said.venue_left(self.venue))

    def tick(self, at: Nanos, trace: str) -> list[Alert]:
        """Judge, about once a second."""
        books = self._books
        if not len(books):
            return self._unseen(at, trace)
        if self._quiet(at):
            return []
        judged = [
            (Signal.VENUE_DEGRADED, self._degraded(at), said.venue_well),
            (Signal.VENUE_DOWN, self._down(at), said.venue_up),
        ]
        books.settled()
        changes = [
            self._alerts[signal].observe(finding, at, trace, cleared=cleared)
            for signal, finding, cleared in judged
        ]
        return [change for change in changes if change is not None]

    def _degraded(self, at: Nanos) -> Finding:
        """A book that is not LIVE for too long; of one that never was it takes a start's time."""
        books = self._books
        lasting = [book for book in books if not book.live and self._counts(book, at)]
        return Finding(
            severity=Severity.WARNING if lasting else None,
            clear=books.steady,
            cause="refused" if self._refused else "books_not_live",
            value=float(len(books) - books.live),
            threshold=1.0,
            baseline=0.0,
            action=Action.MONITOR,
            said=lambda: (
                said.venue_refuses(self.venue, [*books])
                if self._refused
                else said.venue_degraded(self.venue, [*books], lasting, at)
            ),
            since=min((book.since for book in lasting), default=None),
        )

    def _counts(self, book: KnownBook, at: Nanos) -> bool:
        started = book.was_live or book.reason is TrustReason.REFUSED
        needed = self.settings.degraded_after
        return at - book.since >= (needed if started else max(needed, self.settings.start_within))

    def _down(self, at: Nanos) -> Finding:
        """None is LIVE for too long. A venue that refused us from the start is not down: it is not
        ours, and that it stays so is no news."""
        books = self._books
        down = self._none_for(self.settings.down_after, at)
        if self._refused and not (books.was_live or self._served):
            down = False
        return Finding(
            severity=Severity.HIGH if down else None,
            clear=books.dark_since is None,
            cause="refused" if self._refused else "no_book_live",
            value=float(books.live),
            threshold=1.0,
            baseline=float(len(books)),
            action=Action.WIDEN_SPREAD,
            said=lambda: (
                said.venue_refuses(self.venue, [*books])
                if self._refused
                else said.venue_down(self.venue, [*books], at)
            ),
            since=books.dark_since,
        )

    @property
    def _refused(self) -> bool:
        return any(book.reason is TrustReason.REFUSED for book in self._books if not book.live)

    def status(self) -> HealthStatus:
        """Return what is seen, and what fires."""
        firing = {signal for signal, alert in self._alerts.items() if alert.alert is not None}
        health = Health.WELL
        if self._refused:
            health = Health.REFUSED
        elif Signal.VENUE_DOWN in firing:
            health = Health.DOWN
        elif Signal.VENUE_DEGRADED in firing:
            health = Health.DEGRADED
        elif not self._books.was_live:
            health = Health.STARTING
        return self._status(self.venue, health)


class SymbolHealth(_Watch):
    """Watches the books of one symbol on all venues: whether it can be seen at all."""

    def __init__(self, symbol: Symbol, settings: HealthSettings) -> None:
        super().__init__(settings, (Signal.SYMBOL_DARK,), symbol, ALL)
        self.symbol = symbol

    def seen(
        self, venue: VenueName, live: bool, reason: TrustReason, at: Nanos, detail: str = ""
    ) -> None:
        """Say whether the book on a venue is LIVE, and why it is what it is."""
        self._seen(venue, live, reason, at, detail)

    def left(self, venue: VenueName, at: Nanos, trace: str) -> list[Alert]:
        """The book on a venue is not watched any more; with the last one, what fires ends."""
        return self._left(venue, at, trace, said.symbol_left(self.symbol))

    def tick(self, at: Nanos, trace: str) -> list[Alert]:
        """Judge, about once a second."""
        books = self._books
        if not len(books):
            return self._unseen(at, trace)
        if self._quiet(at):
            return []
        finding = Finding(
            severity=Severity.CRITICAL if self._none_for(self.settings.dark_after, at) else None,
            clear=books.dark_since is None,
            cause="no_book_live",
            value=float(books.live),
            threshold=1.0,
            baseline=float(len(books)),
            action=Action.PAUSE_ASSET,
            said=lambda: said.symbol_dark(self.symbol, [*books], at),
            since=books.dark_since,
        )
        books.settled()
        alert = self._alerts[Signal.SYMBOL_DARK]
        change = alert.observe(finding, at, trace, cleared=said.symbol_seen)
        return [] if change is None else [change]

    def status(self) -> HealthStatus:
        """Return what is seen, and what fires."""
        health = Health.WELL
        if self._alerts[Signal.SYMBOL_DARK].alert is not None:
            health = Health.DARK
        elif not self._books.was_live:
            health = Health.STARTING
        elif self._books.live < len(self._books):
            health = Health.DEGRADED
        return self._status(self.symbol, health)


def _judged(settings: HealthSettings) -> JudgedSettings:
    """A book's own time is what is held: that each of many is away for a moment is no fault."""
    return JudgedSettings(0, settings.clear_for)
