"""The liquidity crunch of one book: judged on every reading, sampled at a cadence.

The definition is docs/signals.md §3. No clock is read: time comes with the reading.
"""

from dataclasses import replace
from decimal import Decimal
from math import exp

from ..core.alert import Alert, AlertKey, AlertState, Severity, alert_id
from ..core.instrument import Nanos
from ..core.reading import Reading
from .crunch_inputs import CrunchInputs, Wanted
from .glance import Glance
from .kept import DetectorState, HoldState
from .lifecycle import AlertLife, Hold, Stimulus
from .rules import Evidence, Inputs, evidence, quiet
from .sentence import (
    ACTIONS,
    what_cleared,
    what_fires,
    what_is_unseen,
    what_was_left,
    what_was_rebased,
)
from .settings import CrunchSettings
from .status import CrunchPhase, CrunchStatus, input_status

SIGNAL = "liquidity_crunch"


class CrunchDetector:
    """Watches one book. `observe` judges, `sample` learns, in that order.

    What is returned is the alert as it changed, None when it did not; PENDING is shown by
    `status` and is no alert yet.
    """

    def __init__(self, key: AlertKey, settings: CrunchSettings) -> None:
        self.key = key
        self.settings = settings
        self.windows = CrunchInputs(settings)
        self.alert: Alert | None = None
        self._life = AlertLife()
        self._holds: dict[str, Hold] = {}
        self._holding = False
        self._clear = Hold(settings.clear_for)
        self._harmless: bool | None = None
        self._causes: list[str] = []
        self._inputs: Inputs | None = None
        self._last: Reading | None = None
        self._judged_at: Nanos = 0
        self._sampled_at: Nanos = 0
        self._unseen = False
        self._sentence = ""

    # -- what to measure -------------------------------------------------------------------------

    @property
    def reference_notional(self) -> Decimal | None:
        """The size that slippage is judged at, in quote; None until enough depth was seen."""
        return None if self.windows.size is None else self.windows.size.notional

    @property
    def inputs(self) -> Inputs | None:
        """What the last reading was judged by; None before the first."""
        return self._inputs

    def wanted(self) -> Wanted:
        """Return what to add to the `MeasurePlan` of this book."""
        return self.windows.wanted()

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way; else, or if it was not seen for a while, each reading counts."""
        return not (self._unseen or self._holding) and self._life.state is AlertState.INACTIVE

    @property
    def warming(self) -> bool:
        """Whether no reading of a book with two sides could breach yet."""
        return self.windows.warming

    def glanced_at(self) -> tuple[int, Decimal] | None:
        """Return the band and the notional by which a glance can tell that all is calm, if it can."""
        return self.windows.glanced_at()

    def calm(self, seen: Glance) -> bool:
        """Whether a reading of this book, by what a glance has shown, would change nothing here."""
        return self.windows.calm(seen)

    # -- what happens ----------------------------------------------------------------------------

    def observe(self, reading: Reading) -> Alert | None:
        """Judge a LIVE reading against the windows as they stood."""
        at = reading.origin.received_at
        seen_again = self._unseen
        if seen_again:
            self._unseen = False
            self.windows.expire(at)
        self._last = reading
        trace = reading.origin.trace
        changed = self._judge(reading, at)
        alert = self.alert
        if seen_again and changed is None and alert is not None:
            changed = self.alert = replace(
                alert,
                unobserved_since=None,
                updated_at=at,
                trace=trace,
                sentence=self._sentence,
            )
        return changed

    def sample(self, reading: Reading, now: Nanos) -> None:
        """Take a sample of a LIVE book at the cadence, after judging; unchanged books as well."""
        firing = self._life.state is AlertState.FIRING
        self.windows.sample(reading, now, firing=firing)
        self._last, self._sampled_at = reading, now
        if firing:
            self._harmless = self._all_recovered()
            # The run starts with the sample that shows it, and lasts between observations.
            self._clear.observe(self._harmless, now)

    def lost_trust(self, now: Nanos, trace: str) -> Alert | None:
        """Stop judging: holds and clear stand still, and what fires goes on firing."""
        self._unseen, self._last = True, None
        for hold in (*self._holds.values(), self._clear):
            hold.pause()
        self._life.feel(Stimulus.UNSEEN, now)
        alert = self.alert
        if alert is None or alert.unobserved_since is not None:
            return None
        self.alert = replace(
            alert,
            unobserved_since=now,
            updated_at=now,
            trace=trace,
            sentence=what_is_unseen(alert.sentence),
        )
        return self.alert

    def tick(self, now: Nanos) -> Alert | None:
        """Judge an unchanged book again, as of the last sample that vouched for it.

        Without such a sample nothing moves: neither hold nor clear runs on a clock alone.
        """
        if self._last is None or self._sampled_at <= self._judged_at:
            return None
        return self._judge(self._last, min(now, self._sampled_at))

    def rebase(self, now: Nanos, trace: str) -> Alert | None:
        """End the alert because a person declared the new level normal; it did not recover."""
        alert = self.alert
        if alert is None:
            return None
        self._life.feel(Stimulus.REBASED, now)
        self.windows.rebase(now)
        sentence = what_was_rebased(self.key, lasted=now - alert.started_at)
        return self._end(alert, sentence, now, trace)

    def leave(self, now: Nanos, trace: str) -> Alert | None:
        """End the alert because the book is not watched any more; it did not recover."""
        alert, self._life = self.alert, AlertLife()
        if alert is None:
            return None
        sentence = what_was_left(self.key, lasted=now - alert.started_at)
        return self._end(alert, sentence, now, trace)

    # -- kept over a restart, and other settings -------------------------------------------------

    def adopt(self, settings: CrunchSettings) -> None:
        """Judge by other settings from now on; windows, holds and an open alert stay.

        Windows keep the samples that they have room for. While an alert fires its band and reference
        notional stay, and frozen windows count as warm; it clears by the new thresholds.
        """
        if settings == self.settings:
            return
        self.settings = settings
        self._clear.span = settings.clear_for
        self.windows.adopt(settings)

    def snapshot(self) -> DetectorState:
        """Return what a restart must not lose, as of when the book was last seen."""
        return DetectorState(
            at=max(self._judged_at, self._sampled_at),
            windows=self.windows.snapshot(),
            holds={
                rule: state
                for rule, hold in self._holds.items()
                if (state := HoldState.of(hold)) is not None
            },
            clear=HoldState.of(self._clear),
            harmless=self._harmless,
            causes=tuple(self._causes),
            alert=self.alert,
            sentence=self._sentence,
        )

    @classmethod
    def restored(
        cls, key: AlertKey, settings: CrunchSettings, state: DetectorState, now: Nanos
    ) -> "CrunchDetector":
        """Return a detector that goes on from a snapshot; the time between counts as unseen.

        An alert that fired still does, under its id, marked as unobserved since the book was last
        seen: it is `alert`, and is not told of by itself. Samples that are still young enough by
        `now` are kept. Raises `ValueError` if the state does not belong together.
        """
        detector = cls(key, settings)
        detector.windows.restore(state.windows)
        detector.windows.expire(now)
        detector._judged_at = state.at
        for rule, kept in state.holds.items():
            detector._holds[rule] = kept.hold(settings.bleed_hold)
        if state.clear is not None:
            detector._clear = state.clear.hold(settings.clear_for)
        detector._harmless, detector._causes = state.harmless, [*state.causes]
        detector.alert, detector._sentence = state.alert, state.sentence
        detector._holding = bool(state.holds)
        if state.alert is not None:
            detector._life.state = AlertState.FIRING
        elif state.holds:
            detector._life.state = AlertState.PENDING
        detector.lost_trust(min(state.at, now), "" if state.alert is None else state.alert.trace)
        return detector

    # -- judging ---------------------------------------------------------------------------------

    def _judge(self, reading: Reading, at: Nanos) -> Alert | None:
        inputs = self._inputs = self.windows.read(reading)
        self._judged_at = at
        held: list[Evidence] = []
        pending = False
        if self._holding or not quiet(inputs, self.settings):
            held, pending = self._weigh(inputs, at)
            self._holding = pending
        if self._life.state is AlertState.FIRING:
            self._clear.observe(False if held else self._harmless, at)
        self._life.feel(self._stimulus(held, pending=pending), at)
        if self._life.state is AlertState.RESOLVED and self.alert is not None:
            self.windows.thaw(at)
            lasted, worst = at - self.alert.started_at, self.alert.worst_severity
            sentence = what_cleared(self.key, lasted=lasted, worst=worst)
            return self._end(self.alert, sentence, at, reading.origin.trace)
        if not held:
            return None
        return self._raise(held, inputs, at, reading.origin.trace)

    def _weigh(self, inputs: Inputs, at: Nanos) -> tuple[list[Evidence], bool]:
        """Return what has breached for its hold, and whether anything is on its way there."""
        held: list[Evidence] = []
        for found in evidence(inputs, self.settings):
            hold = self._holds.get(found.rule)
            if not found.breached and (hold is None or hold.since is None):
                continue
            if hold is None:
                hold = self._holds[found.rule] = Hold(found.hold)
            hold.span = found.hold
            if hold.observe(found.breached, at) and found.breached:
                held.append(found)
        return held, any(hold.since is not None for hold in self._holds.values())

    def _stimulus(self, held: list[Evidence], *, pending: bool) -> Stimulus:
        if held:
            return Stimulus.HELD
        if self._clear.held:
            return Stimulus.CLEARED
        return Stimulus.BREACH if pending else Stimulus.QUIET

    def _all_recovered(self) -> bool | None:
        """Whether every cause is harmless again; None when the rest is, but one cannot be seen."""
        answers = [self.windows.recovered(cause) for cause in self._causes]
        if False in answers:
            return False
        return None if None in answers else True

    # -- the alert record ------------------------------------------------------------------------

    def _raise(self, held: list[Evidence], inputs: Inputs, at: Nanos, trace: str) -> Alert | None:
        """Open the alert, or tell what is new about it; return it if it changed."""
        added = [found for found in held if found.cause not in self._causes]
        for found in added:
            if found.cause not in self._causes:
                self._causes.append(found.cause)
        if added:
            self._harmless = False
        severity = max(severity_of(found, self.settings) for found in held)
        alert = self.alert
        if alert is not None and severity <= alert.severity and not added:
            return None
        if alert is None:
            self.windows.freeze(at)
            first = held[0]
            started = min(self._holds[found.rule].since or at for found in held)
        else:
            severity = max(severity, alert.severity)
            first = next((found for found in held if found.cause == alert.cause), held[0])
            started = alert.started_at
        self._sentence = what_fires(
            self.key,
            first,
            inputs,
            severity=severity,
            band=self.windows.band,
            notional=self.reference_notional,
            settings=self.settings,
        )
        record = Alert(
            id=alert_id(self.key, started, trace) if alert is None else alert.id,
            key=self.key,
            severity=severity,
            worst_severity=severity,
            state=AlertState.FIRING,
            cause=first.cause,
            causes=tuple(self._causes),
            value=first.value_now,
            threshold=first.value_at_threshold,
            baseline=first.baseline,
            sentence=self._sentence,
            action=ACTIONS[severity],
            started_at=started,
            updated_at=at,
            ended_at=None,
            trace=trace,
        )
        if alert is not None and alert.cause != first.cause:
            # The first cause has eased; its numbers stay those it was last told with.
            record = replace(
                record,
                cause=alert.cause,
                value=alert.value,
                threshold=alert.threshold,
                baseline=alert.baseline,
            )
        self.alert = record
        return self.alert

    def _end(self, alert: Alert, sentence: str, at: Nanos, trace: str) -> Alert:
        """Close the alert, and be ready for the next."""
        self.alert = None
        self._causes.clear()
        self._harmless = None
        self._holding = False
        for hold in (*self._holds.values(), self._clear):
            hold.reset()
        return replace(
            alert,
            state=AlertState.RESOLVED,
            sentence=sentence,
            updated_at=at,
            ended_at=at,
            trace=trace,
            unobserved_since=None,
        )

    # -- what it shows ---------------------------------------------------------------------------

    def status(self) -> CrunchStatus:
        """Return what the detector shows of itself, as of the last judged reading."""
        inputs = self._inputs
        windows, settings = self.windows, self.settings
        depth = None if inputs is None else inputs.depth
        needed = [windows.spread]
        if windows.band is not None:
            needed.append(windows.bands[windows.band].total)
        samples = min(len(track.normal.slow) for track in needed)
        noise = None if depth is None else depth.noise
        return CrunchStatus(
            phase=self._phase(warm=samples >= settings.min_samples),
            samples=samples,
            samples_needed=settings.min_samples,
            noise_limited=noise is not None
            and settings.depth_step.noises * noise > settings.noise_limit,
            band=windows.band,
            reference_notional=self.reference_notional,
            reference_too_large=windows.too_large,
            inputs=() if inputs is None else tuple(map(input_status, inputs.all())),
            alert=self.alert,
        )

    def _phase(self, *, warm: bool) -> CrunchPhase:
        if self._life.state is AlertState.FIRING:
            return CrunchPhase.FIRING
        if self._life.state is AlertState.PENDING:
            return CrunchPhase.PENDING
        return CrunchPhase.CALM if warm else CrunchPhase.WARMING


def severity_of(found: Evidence, settings: CrunchSettings) -> Severity:
    """Return how bad it is by the share of the baseline gone, or the equal harm of another."""
    gone = 1 - exp(-found.harm)
    if gone >= settings.critical_share:
        return Severity.CRITICAL
    return max(found.least, Severity.HIGH) if gone >= settings.high_share else found.least
