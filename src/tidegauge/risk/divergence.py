"""Whether the venues of one symbol agree: judged at every quote that moves, sampled at a cadence.

The definition is docs/signals.md §6. No clock is read: time comes with the quote.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import inf, nextafter

from ..core.alert import ALL, Action, Alert, AlertKey, Severity, Signal
from ..core.instrument import Nanos, Symbol, VenueName
from .departures import Departures, Gone
from .divergence_said import DivergenceTeller, ExecutableTeller
from .divergence_status import DivergencePhase, DivergenceState, DivergenceStatus, PairStatus
from .judged import Finding, JudgedAlert, JudgedSettings
from .kept import SharedTimes
from .pair import Pair, Quote
from .signal_settings import DivergenceSettings
from .touch import QuoteFacts, Touch, touch_of
from .watch import DepartureSettings

__all__ = ["Divergence", "QuoteFacts", "Touch", "touch_of"]

NOTHING: Sequence[Alert] = ()
LEAST_VENUES = 2


class Divergence:
    """Watches what the venues of one symbol quote.

    Whoever drives it decides what is fresh: it calls `quoted` at every update of a LIVE book that is
    not silent, and `lost` when one is that no more. `execution_size` is in quote, for the sentences.
    What is returned are the alerts as they changed, mostly none.
    """

    def __init__(
        self,
        symbol: Symbol,
        settings: DivergenceSettings,
        facts: Mapping[VenueName, QuoteFacts],
        execution_size: Decimal | None = None,
    ) -> None:
        self.symbol = symbol
        self.settings = settings
        self._teller = DivergenceTeller(symbol, execution_size)
        self._quotes: dict[VenueName, Quote] = {}
        self._pairs: dict[str, Pair] = {}
        self._apart = Departures(
            Signal.DIVERGENCE, symbol, _apart(settings), _deviation, self._teller
        )
        self._gain_teller = ExecutableTeller(symbol, execution_size)
        self._executable = Departures(
            Signal.EXECUTABLE, symbol, _executable(settings), Pair.gain, self._gain_teller
        )
        self._both = (self._apart, self._executable)
        blind = AlertKey(signal=Signal.BLIND, symbol=symbol, venue=ALL)
        self._blind = JudgedAlert(blind, _blind(settings))
        self._busy = False
        for venue, of in facts.items():
            self.join(venue, of)

    # -- who is compared -------------------------------------------------------------------------

    def join(self, venue: VenueName, facts: QuoteFacts) -> None:
        """Compare one more venue; a known one stays what it is."""
        if venue in self._quotes:
            return
        quote = Quote(venue, facts)
        for other in self._quotes.values():
            pair = Pair(quote, other, self.settings)
            self._pairs[pair.name] = pair
            quote.pairs.append(pair)
            other.pairs.append(pair)
        self._quotes[venue] = quote

    def leave(self, venue: VenueName, at: Nanos, trace: str) -> Sequence[Alert]:
        """Compare a venue no more: what speaks of it ends, saying so."""
        quote = self._quotes.pop(venue, None)
        if quote is None:
            return NOTHING
        gone = Gone(trace, self._teller.gone(venue))
        issued = [change for each in self._both for change in each.leave(quote, at, gone)]
        for pair in quote.pairs:
            pair.beside(quote).pairs.remove(pair)
            del self._pairs[pair.name]
        return issued + self._settle(at, trace)

    def adopt(self, settings: DivergenceSettings, execution_size: Decimal | None = None) -> None:
        """Take other settings; alerts, holds and what is usual stay."""
        self.settings = settings
        self._apart.adopt(_apart(settings))
        self._executable.adopt(_executable(settings))
        self._teller.size = self._gain_teller.size = execution_size
        self._blind.adopt(_blind(settings))
        for pair in self._pairs.values():
            pair.adopt(settings)
        self._link()

    # -- what is seen ----------------------------------------------------------------------------

    def quoted(self, venue: VenueName, touch: Touch, at: Nanos, trace: str) -> Sequence[Alert]:
        """Take the touch of a fresh book; where no price moved there is nothing to judge."""
        quote = self._quotes.get(venue)
        if quote is None:
            return NOTHING
        if not quote.fresh:
            return self._appear(quote, touch, at, trace)
        before = quote.touch
        if (
            before is not None
            and before[0] == touch[0]
            and before[1] == touch[1]
            and before[4] == touch[4]
        ):
            quote.touch = touch
            return NOTHING
        if self._busy:
            return self._move(quote, touch, at, trace)
        quote.take(touch)
        mid = quote.mid
        for other, low, high in quote.links:
            there = other.mid
            if not low < (mid - there) / (mid + there) < high:
                return self._look(self._pairs.values(), at, trace)
        return NOTHING

    def lost(self, venue: VenueName, at: Nanos, trace: str) -> Sequence[Alert]:
        """A book is not fresh any more: nothing is concluded from what it quoted last."""
        quote = self._quotes.get(venue)
        if quote is None or not quote.fresh:
            return NOTHING
        quote.fresh, quote.touch = False, None
        for departures in self._both:
            departures.lose(quote)
        return self._settle(at, trace)

    def sample(self, at: Nanos, trace: str) -> Sequence[Alert]:
        """Once a cadence: holds and clearing go on, what is usual is learned, blindness is told.

        Quotes that did not move are taken to stand.
        """
        issued = [*self._look(self._pairs.values(), at, trace), *self._judge_blindness(at, trace)]
        for pair in self._pairs.values():
            if pair.visible:
                pair.sample(at)
            else:
                pair.expire(at)
        self._link()
        return issued

    def rebase(self, venue: VenueName, at: Nanos, trace: str) -> Sequence[Alert]:
        """A person takes the premium of a venue, or of a pair, as it is now to be the usual one.

        Its alerts end; they did not recover. Nothing happens where no premium is learned, as of
        instruments that are alike: what is judged there is no matter of what is usual.
        """
        pairs = [pair for pair in self._pairs.values() if _of(pair, venue) and pair.normal]
        if not pairs:
            return NOTHING
        issued = []
        for departures in self._both:
            for alert in [each for each in departures.alerts if each.key.venue == venue]:
                gone = Gone(trace, self._teller.rebased(alert))
                issued += departures.end(venue, at, gone)
        if issued:
            for pair in pairs:
                pair.rebase(at)
                for departures in self._both:
                    departures.forget(pair)
        self._link()
        return [*issued, *self._look(self._pairs.values(), at, trace)]

    def _appear(self, quote: Quote, touch: Touch, at: Nanos, trace: str) -> Sequence[Alert]:
        quote.take(touch)
        quote.fresh = True
        for pair in quote.pairs:
            pair.expire(at)
        self._link()
        issued = self._look(self._pairs.values(), at, trace)
        return [*issued, *self._judge_blindness(at, trace)]

    def _move(self, quote: Quote, touch: Touch, at: Nanos, trace: str) -> Sequence[Alert]:
        """Take a quote while something is on its way: alerts are judged where it passes a limit."""
        issued: Sequence[Alert] = NOTHING
        # What stood there until now lasted until now.
        over = self._apart.stood(quote, at)
        if self._executable.stood(quote, at) or over:
            issued = self._judge(at, trace)
        quote.take(touch)
        if self._measure(quote.pairs, at):
            return [*issued, *self._judge(at, trace)]
        return issued

    def _look(self, pairs: Iterable[Pair], at: Nanos, trace: str) -> list[Alert]:
        self._measure(pairs, at)
        return self._judge(at, trace)

    def _measure(self, pairs: Iterable[Pair], at: Nanos) -> bool:
        """Return whether what is seen may change an alert."""
        moved = False
        for pair in pairs:
            if pair.visible:
                pair.measure()
                for departures in self._both:
                    moved = departures.look(pair, at) or moved
        return moved

    def _judge(self, at: Nanos, trace: str) -> list[Alert]:
        issued = [change for each in self._both for change in each.judge(at, trace)]
        self._busy = any(each.busy for each in self._both)
        if issued:
            for pair in self._pairs.values():
                pair.stand_still(any(each.speaks_of(pair) for each in self._both), at)
        return issued

    def _settle(self, at: Nanos, trace: str) -> list[Alert]:
        """Judge again what is left to be seen."""
        self._link()
        return [*self._judge(at, trace), *self._judge_blindness(at, trace)]

    def _judge_blindness(self, at: Nanos, trace: str) -> list[Alert]:
        fresh = [quote for quote in self._quotes.values() if quote.fresh]
        if len(self._quotes) < LEAST_VENUES:
            said = f"{self.symbol} is watched on one venue only: there is nothing to compare."
            change = self._blind.leave(at, trace, said)
            return [] if change is None else [change]
        blind = len(fresh) < LEAST_VENUES
        if not blind and self._blind.idle:
            return []
        others = [quote for quote in self._quotes.values() if not quote.fresh]
        finding = Finding(
            severity=Severity.WARNING if blind else None,
            clear=not blind,
            cause="fresh_venues",
            value=float(len(fresh)),
            threshold=float(LEAST_VENUES),
            baseline=float(len(self._quotes)),
            action=Action.MONITOR,
            said=lambda: self._teller.blind(fresh, others),
        )
        change = self._blind.observe(finding, at, trace, cleared=self._teller.seeing)
        return [] if change is None else [change]

    def _link(self) -> None:
        """Have each quote know the others that it is judged against."""
        monitor, executable = self.settings.monitor_bps, self.settings.executable_bps
        for quote in self._quotes.values():
            quote.links = []
        for pair in self._pairs.values():
            if pair.visible and (bounds := pair.bounds(monitor, executable)) is not None:
                low, high = bounds
                pair.one.links.append((pair.other, low, high))
                pair.other.links.append((pair.one, -high, -low))

    # -- what it shows, and what is kept ---------------------------------------------------------

    def status(self) -> DivergenceStatus:
        """Return what is compared, as of the quotes taken last."""
        pairs = tuple(self._pair_status(pair) for pair in self._pairs.values())
        fresh = tuple(sorted(quote.venue for quote in self._quotes.values() if quote.fresh))
        judged = [pair.judged_bps for pair in pairs if pair.judged_bps is not None]
        alerts = [*self._apart.alerts, *self._executable.alerts]
        phase = max(
            (pair.phase for pair in pairs), key=_PHASES.index, default=DivergencePhase.BLIND
        )
        if alerts:
            phase = DivergencePhase.FIRING
        elif len(fresh) < LEAST_VENUES:
            phase = DivergencePhase.BLIND
        return DivergenceStatus(
            symbol=self.symbol,
            phase=phase,
            venues=tuple(sorted(self._quotes)),
            fresh=fresh,
            judged_bps=max(judged, default=None),
            left=tuple(sorted({alert.key.venue for alert in alerts})),
            pairs=pairs,
            alerts=(*alerts, *([] if self._blind.alert is None else [self._blind.alert])),
        )

    @property
    def judged_bps(self) -> float | None:
        """How far apart the widest pair is that can be judged now, as it is judged."""
        apart = [_deviation(pair) for pair in self._pairs.values() if pair.visible]
        return max((each for each in apart if each is not None), default=None)

    def _pair_status(self, pair: Pair) -> PairStatus:
        normal, visible = pair.normal, pair.visible
        if visible:
            pair.measure()
        second = None if normal is None or normal.second is None else normal.second.quantiles()
        return PairStatus(
            one=pair.one.venue,
            other=pair.other.venue,
            phase=self._phase(pair),
            alike=pair.alike,
            raw_bps=pair.raw if visible else None,
            deviation_bps=pair.deviation if visible else None,
            premium_bps=None if pair.alike else pair.premium,
            second_premium_bps=None if second is None else second.median,
            samples=0 if normal is None else len(normal.slow),
            samples_needed=0 if normal is None else normal.min_samples,
            frozen=normal is not None and normal.frozen,
            executable=pair.executable(),
        )

    def _phase(self, pair: Pair) -> DivergencePhase:
        if any(each.speaks_of(pair) for each in self._both):
            return DivergencePhase.FIRING
        if not pair.visible:
            return DivergencePhase.UNSEEN
        if pair.premium is None:
            return DivergencePhase.WARMING
        pending = any(each.pending(pair) for each in self._both)
        return DivergencePhase.PENDING if pending else DivergencePhase.CALM

    def impact(self, alert: Alert) -> Decimal | None:
        """Return what the execution size costs more by what an alert found, in quote; None: unknown."""
        return None if alert.key.signal == Signal.BLIND else self._teller.impact(alert.value)

    def snapshot(self) -> DivergenceState:
        """Return all that is to outlive a restart."""
        times = SharedTimes()
        premiums = {
            name: state
            for name, pair in self._pairs.items()
            if (state := pair.snapshot(times)) is not None
        }
        return DivergenceState(
            times=times.all,
            premiums=premiums,
            divergence=self._apart.snapshot(),
            executable=self._executable.snapshot(),
            blind=self._blind.snapshot(),
        )

    def restore(self, state: DivergenceState, at: Nanos, trace: str) -> Sequence[Alert]:
        """Go on from before a restart: nothing is fresh yet, holds stood still, and what fires fires.

        Alerts of venues that are not compared any more end, and are returned. Raises `ValueError` for
        a state that does not belong together.
        """
        times = SharedTimes(state.times)
        for name, premium in state.premiums.items():
            if name in self._pairs:
                self._pairs[name].restore(premium, times)
        known: Mapping[str, Quote | Pair] = {**self._quotes, **self._pairs}
        gone = Gone(trace, f"Its venue is no longer compared with the others of {self.symbol}.")
        ended = [
            *self._apart.restore(state.divergence, known, at, gone),
            *self._executable.restore(state.executable, known, at, gone),
        ]
        self._blind.resume(state.blind, at)
        self._busy = any(each.busy for each in self._both)
        for pair in self._pairs.values():
            pair.stand_still(any(each.speaks_of(pair) for each in self._both), at)
        return ended


_PHASES = list(DivergencePhase)


def _deviation(pair: Pair) -> float | None:
    """What a pair is judged by."""
    return None if pair.deviation is None else abs(pair.deviation)


def _of(pair: Pair, venue: VenueName) -> bool:
    return venue in (pair.one.venue, pair.other.venue, pair.name)


def _apart(settings: DivergenceSettings) -> DepartureSettings:
    limits = (
        (Severity.INFO, settings.monitor_bps),
        (Severity.WARNING, settings.widen_bps),
        (Severity.HIGH, settings.pause_bps),
    )
    clear_below = settings.clear_share * settings.monitor_bps
    return DepartureSettings(limits, settings.hold, clear_below, settings.clear_for)


def _executable(settings: DivergenceSettings) -> DepartureSettings:
    # More than the limit must be left, not just as much: at 0 nothing is gained.
    least = settings.executable_bps
    limits = ((Severity.WARNING, nextafter(least, inf)),)
    clear_below = nextafter(least - (1 - settings.clear_share) * abs(least), inf)
    return DepartureSettings(limits, settings.executable_hold, clear_below, settings.clear_for)


def _blind(settings: DivergenceSettings) -> JudgedSettings:
    return JudgedSettings(settings.blind_hold, settings.clear_for)
