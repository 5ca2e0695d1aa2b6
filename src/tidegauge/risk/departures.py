"""Which venue left the others: one alert for each that did, however many pairs it strains.

How far apart two quotes are says nothing of which of them moved. So holds are kept by the pair, and
only once one has lasted it is asked who left: of three or more the one that is the furthest from
the median of the others. Its alert then speaks for all of its pairs. No clock is read.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple, Protocol

from msgspec import Struct

from ..core.alert import Alert, AlertKey, Severity, Signal
from ..core.instrument import Nanos, Symbol, VenueName
from .judged import Finding, JudgedAlert, JudgedSettings, JudgedState
from .kept import HoldState
from .pair import Pair, Quote
from .sentence import ACTIONS
from .watch import DepartureSettings, Watch


class Gone(NamedTuple):
    """Why alerts end whose venue is compared no more: the frame, and what is said."""

    trace: str
    said: str


class Departure(NamedTuple):
    """What an alert speaks of: the venue that left, None where only two could be compared; its worst
    pair, how far that is apart as it is judged, the limit, and of how many others it strains some."""

    left: Quote | None
    pair: Pair
    value: float
    limit: float
    severity: Severity
    strained: int
    others: int


class Teller(Protocol):
    """Says what an alert says."""

    def departed(self, departure: Departure) -> str: ...
    def came_back(self, alert: Alert, lasted: Nanos) -> str: ...


class DeparturesState(Struct, frozen=True, kw_only=True):
    """Departures as they are kept over a restart. `holds`: of each pair, those that run, by severity.
    `alerts`: by the venue or pair, what is judged and the venues that it left."""

    holds: dict[str, dict[Severity, HoldState]]
    alerts: dict[str, tuple[JudgedState, tuple[VenueName, ...]]]


class _Left(NamedTuple):
    """One alert, of a venue that left or of a pair. `against`: the venues it was seen apart from; of
    them one at least must be seen for it to be over."""

    judged: JudgedAlert
    subject: Quote | Pair
    against: set[VenueName]


class Departures:
    """The alerts of one signal of one symbol. `measure` says how far a pair is apart, None where that
    is not known."""

    def __init__(
        self,
        signal: Signal,
        symbol: Symbol,
        settings: DepartureSettings,
        measure: Callable[[Pair], float | None],
        teller: Teller,
    ) -> None:
        self.signal = signal
        self.symbol = symbol
        self.settings = settings
        self._measure = measure
        self._teller = teller
        self._watches: dict[Pair, Watch] = {}
        self._levels: dict[Pair, int] = {}
        self._left: dict[str, _Left] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._left or self._watches)

    @property
    def alerts(self) -> Sequence[Alert]:
        """Those that fire."""
        firing = [each.judged.alert for each in self._left.values()]
        return [alert for alert in firing if alert is not None]

    def pending(self, pair: Pair) -> bool:
        """Whether a pair is apart, not yet for long enough."""
        watch = self._watches.get(pair)
        return watch is not None and watch.running and watch.held is None

    def speaks_of(self, pair: Pair) -> bool:
        """Whether an alert fires that speaks of this pair."""
        return bool(self._left) and not self._left.keys().isdisjoint(
            (pair.one.venue, pair.other.venue, pair.name)
        )

    def adopt(self, settings: DepartureSettings) -> None:
        """Take other limits and spans; what has lasted so far counts on."""
        self.settings = settings
        for watch in self._watches.values():
            for _severity, hold in watch.holds:
                hold.span = settings.hold
        for left in self._left.values():
            left.judged.adopt(JudgedSettings(0, settings.clear_for))

    # -- what is seen ----------------------------------------------------------------------------

    def look(self, pair: Pair, at: Nanos) -> bool:
        """Take what a pair measures at `at`; both of it are fresh. Return whether that may change an
        alert: until then it stands at this side of each limit, and samples say for how long."""
        watch, value, limits = self._watches.get(pair), self._measure(pair), self.settings.limits
        level = self._level(value)
        moved, self._levels[pair] = self._levels.get(pair) != level, level
        if watch is None:
            if value is None or value < limits[0][1]:
                return moved
            watch = self._watches[pair] = Watch(pair, self.settings)
        elif not moved and not watch.waiting:
            watch.value = value
            return False
        watch.look(value, limits, at)
        if not watch.running:
            del self._watches[pair]
        return moved

    def stood(self, quote: Quote, at: Nanos) -> bool:
        """What a quote was until `at` lasted until then. Return whether a hold is over by that."""
        if not self._watches:
            return False
        limits, watches = self.settings.limits, self._watches
        over = False
        for pair in quote.pairs:
            watch = watches.get(pair)
            if watch is not None and watch.waiting and pair.visible:
                over = watch.look(watch.value, limits, at) or over
        return over

    def _level(self, value: float | None) -> int:
        """Return between which limits a value lies; all that is to be said of how far it is."""
        if value is None:
            return -1
        if value < self.settings.clear_below:
            return 0
        return 1 + sum(value >= limit for _severity, limit in self.settings.limits)

    def lose(self, quote: Quote) -> None:
        """A quote is not fresh any more."""
        for pair in quote.pairs:
            if (watch := self._watches.get(pair)) is not None:
                watch.value = watch.held = None
                watch.waiting = True
                watch.pause()

    def forget(self, pair: Pair) -> None:
        """What a pair was apart by counts no more: it is judged by something else from now on."""
        self._watches.pop(pair, None)
        self._levels.pop(pair, None)

    def judge(self, at: Nanos, trace: str) -> list[Alert]:
        """Return what changes by all that was looked at."""
        issued = [
            change for key in [*self._left] if (change := self._judge(key, at, trace)) is not None
        ]
        if self._watches:
            held = [watch for watch in self._watches.values() if watch.held is not None]
            # The widest first: it tells best who left, and its alert speaks for others.
            for watch in sorted(held, key=_widest):
                if not self.speaks_of(watch.pair):
                    issued += self._open(watch.pair, at, trace)
        return issued

    def leave(self, quote: Quote, at: Nanos, gone: Gone) -> list[Alert]:
        """A venue is compared no more: what speaks of it ends, and it is not over."""
        for pair in quote.pairs:
            self.forget(pair)
        names = {quote.venue, *(pair.name for pair in quote.pairs)}
        ended = [self._left.pop(key) for key in [*self._left] if key in names]
        for left in self._left.values():
            left.against.discard(quote.venue)
        lost = [key for key, left in self._left.items() if not left.against]
        ended += [self._left.pop(key) for key in lost]
        changes = [left.judged.leave(at, *gone) for left in ended]
        return [change for change in changes if change is not None]

    def end(self, key: str, at: Nanos, gone: Gone) -> list[Alert]:
        """End the alert of a venue or pair, saying why."""
        left = self._left.pop(key, None)
        change = None if left is None else left.judged.leave(at, *gone)
        return [] if change is None else [change]

    # -- who left --------------------------------------------------------------------------------

    def _open(self, pair: Pair, at: Nanos, trace: str) -> list[Alert]:
        subject = self._who_left(pair)
        key = subject.venue if isinstance(subject, Quote) else subject.name
        self._left[key] = _Left(
            self._alert(key), subject, {pair.one.venue, pair.other.venue} - {key}
        )
        change = self._judge(key, at, trace)
        return [] if change is None else [change]

    def _alert(self, key: str) -> JudgedAlert:
        name = AlertKey(signal=self.signal, symbol=self.symbol, venue=key)
        return JudgedAlert(name, JudgedSettings(0, self.settings.clear_for))

    def _who_left(self, pair: Pair) -> Quote | Pair:
        """Return which of two is further from the median of the rest; the pair if there is no rest."""
        one, other = self._away(pair.one, pair), self._away(pair.other, pair)
        if one is None and other is None:
            return pair
        # One that is compared with nothing else is suspected if the other agrees with the rest.
        unknown = (self._measure(pair) or 0.0) / 2
        one, other = (unknown if away is None else away for away in (one, other))
        return pair.one if one >= other else pair.other

    def _away(self, quote: Quote, pair: Pair) -> float | None:
        """Return how far a quote is from the median of those outside the pair that have not left."""
        seen = [
            deviation
            for each in quote.pairs
            if each is not pair
            and each.visible
            and each.beside(quote).venue not in self._left
            and (deviation := each.of(quote)) is not None
        ]
        return abs(median(seen)) if seen else None

    def _judge(self, key: str, at: Nanos, trace: str) -> Alert | None:
        left = self._left[key]
        seen = self._seen(left)
        if not seen:
            return left.judged.unseen(at, trace)
        finding = self._finding(key, left, seen)
        change = left.judged.observe(finding, at, trace, cleared=self._teller.came_back)
        if left.judged.alert is None:
            del self._left[key]
        return change

    def _seen(self, left: _Left) -> dict[Pair, float]:
        """Return what an alert is judged by: of a venue, its pairs with those that did not leave. None
        of them if all it left are out of sight: it may agree with others that left before."""
        quote = left.subject
        if isinstance(quote, Pair):
            pairs = [quote]
        else:
            pairs = [each for each in quote.pairs if each.beside(quote).venue not in self._left]
        seen = {each: self._measure(each) for each in pairs if each.visible}
        known = {each: value for each, value in seen.items() if value is not None}
        against = (left.against.intersection((e.one.venue, e.other.venue)) for e in known)
        return known if any(against) else {}

    def _finding(self, key: str, left: _Left, seen: Mapping[Pair, float]) -> Finding:
        limits = self.settings.limits
        held = self._held(seen)
        quote = left.subject if isinstance(left.subject, Quote) else None
        clear = all(value < self.settings.clear_below for value in seen.values())
        if quote is not None and held:
            left.against.update(watch.pair.beside(quote).venue for watch in held)
            # It is away from those that stayed: how far from those that left after it counts, too.
            seen = {**seen, **self._later(key, quote)}
            held = self._held(seen)
        severity = max((watch.held for watch in held if watch.held is not None), default=None)
        worst = max(seen, key=lambda pair: (seen[pair], pair.name))
        told = Severity.INFO if severity is None else severity
        limit = dict(limits).get(told, limits[0][1])
        departure = Departure(
            left=quote,
            pair=worst,
            value=seen[worst],
            limit=limit,
            severity=told,
            strained=sum(value >= limits[0][1] for value in seen.values()),
            others=len(seen),
        )
        begun = [hold.since for watch in held for _each, hold in watch.holds]
        return Finding(
            severity=severity,
            clear=clear,
            cause=key,
            value=seen[worst],
            threshold=limit,
            baseline=worst.premium,
            action=ACTIONS[told],
            said=lambda: self._teller.departed(departure),
            since=min((since for since in begun if since is not None), default=None),
        )

    def _held(self, seen: Mapping[Pair, float]) -> list[Watch]:
        """Return the watches of pairs that have been apart for long enough."""
        watches = [self._watches[pair] for pair in seen if pair in self._watches]
        return [watch for watch in watches if watch.held is not None]

    def _later(self, key: str, quote: Quote) -> dict[Pair, float]:
        """Return the pairs of a venue that left with those that left after it."""
        keys = list(self._left)
        later = set(keys[keys.index(key) + 1 :])
        pairs = [each for each in quote.pairs if each.visible and each.beside(quote).venue in later]
        seen = {each: self._measure(each) for each in pairs}
        return {each: value for each, value in seen.items() if value is not None}

    # -- over a restart --------------------------------------------------------------------------

    def snapshot(self) -> DeparturesState:
        """Return all of it, to be restored later."""
        holds = {
            pair.name: {
                severity: kept
                for severity, hold in watch.holds
                if (kept := HoldState.of(hold)) is not None
            }
            for pair, watch in self._watches.items()
        }
        alerts = {
            key: (left.judged.snapshot(), tuple(sorted(left.against)))
            for key, left in self._left.items()
        }
        return DeparturesState(holds=holds, alerts=alerts)

    def restore(
        self, state: DeparturesState, known: Mapping[str, Quote | Pair], at: Nanos, gone: Gone
    ) -> list[Alert]:
        """Go on from before a restart with what is `known`, by its name of venue or pair. The alerts
        of what is not known any more end, and are returned."""
        ended = []
        for name, holds in state.holds.items():
            if isinstance(pair := known.get(name), Pair):
                watch = self._watches[pair] = Watch(pair, self.settings)
                watch.resume(holds)
        for name, (judged, against) in state.alerts.items():
            alert, subject, left = self._alert(name), known.get(name), set(against) & known.keys()
            alert.resume(judged, at)
            if subject is not None and left:
                self._left[name] = _Left(alert, subject, left)
            elif (change := alert.leave(at, *gone)) is not None:
                ended.append(change)
        return ended


def _widest(watch: Watch) -> tuple[float, str]:
    return -(watch.value or 0.0), watch.pair.name
