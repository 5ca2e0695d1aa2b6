"""An alert raised from findings of one's own: hold, fire, rise, clear, in one place for every signal
but the crunch, whose evidence is richer (docs/signals.md §4 to §6, §9).

No clock is read: time comes with each observation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from msgspec import Struct

from ..core.alert import Action, Alert, AlertKey, AlertState, Severity, alert_id
from ..core.instrument import Nanos
from .kept import HoldState
from .lifecycle import AlertLife, Hold, Stimulus

UNSEEN = " It cannot be seen now: nothing says that it is over."


class Finding(NamedTuple):
    """What one observation shows of a signal.

    `severity`: how bad it is, None where nothing breaches. `clear`: whether it is far enough inside
    its limits to clear by (hysteresis); between breach and clear it is neither. `action` and `said`
    are of the signal as it is now, which may be worse than what has lasted for the hold; `said` is
    only asked when an alert is issued. `since`: when the breach began, where the signal keeps holds
    of its own; None: by those of the alert.
    """

    severity: Severity | None
    clear: bool
    cause: str
    value: float | None
    threshold: float | None
    baseline: float | None
    action: Action
    said: Callable[[], str]
    since: Nanos | None = None


class JudgedState(Struct, frozen=True, kw_only=True):
    """A judged alert as it is kept over a restart. `holds` are those that run, by their severity."""

    alert: Alert | None
    holds: dict[Severity, HoldState]
    clear: HoldState | None


@dataclass(frozen=True, slots=True)
class JudgedSettings:
    """How long a breach must last to fire, and calm to clear."""

    hold: Nanos
    clear_for: Nanos


class JudgedAlert:
    """At most one alert of one key. `observe` returns it as it changed, None when it did not.

    A severity counts once it, or a worse one, has lasted for the hold. While an alert fires its
    severity only rises; it falls by clearing. A record is made when it opens, when its severity
    rises, when a cause joins, when it is lost from sight and seen again, and when it resolves.
    """

    def __init__(self, key: AlertKey, settings: JudgedSettings) -> None:
        self.key = key
        self.settings = settings
        self.alert: Alert | None = None
        self._life = AlertLife()
        self._holds = {severity: Hold(settings.hold) for severity in Severity}
        self._clear = Hold(settings.clear_for)
        self._sentence = ""

    @property
    def state(self) -> AlertState:
        return self._life.state

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._life.state in (AlertState.INACTIVE, AlertState.RESOLVED)

    def adopt(self, settings: JudgedSettings) -> None:
        """Take other settings; what has lasted so far counts on."""
        self.settings = settings
        self._clear.span = settings.clear_for
        for hold in self._holds.values():
            hold.span = settings.hold

    def observe(
        self, finding: Finding, at: Nanos, trace: str, *, cleared: Callable[[Alert, Nanos], str]
    ) -> Alert | None:
        """Take one observation; `cleared` says, of an alert and how long it lasted, that it is over."""
        held = self._held(finding.severity, at)
        firing = self._life.state is AlertState.FIRING
        if firing:
            self._clear.observe(finding.severity is None and finding.clear, at)
        if held is not None:
            stimulus = Stimulus.HELD
        elif firing and self._clear.held:
            stimulus = Stimulus.CLEARED
        else:
            stimulus = Stimulus.QUIET if finding.severity is None else Stimulus.BREACH
        self._life.feel(stimulus, at)
        if self._life.state is AlertState.RESOLVED and self.alert is not None:
            return self._end(cleared(self.alert, at - self.alert.started_at), at, trace)
        if held is not None:
            return self._raise(held, finding, at, trace)
        return self._seen_again(at, trace)

    def unseen(self, at: Nanos, trace: str) -> Alert | None:
        """What it is judged by cannot be seen: holds and clearing stand still, and it fires on."""
        for hold in (*self._holds.values(), self._clear):
            hold.pause()
        self._life.feel(Stimulus.UNSEEN, at)
        alert = self.alert
        if alert is None or alert.unobserved_since is not None:
            return None
        said = self._sentence + UNSEEN
        self.alert = replace(alert, unobserved_since=at, updated_at=at, trace=trace, sentence=said)
        return self.alert

    def leave(self, at: Nanos, trace: str, said: str) -> Alert | None:
        """End the alert because nobody watches any more; it is not over."""
        alert, self._life = self.alert, AlertLife()
        self._reset()
        return None if alert is None else self._end(said, at, trace)

    def snapshot(self) -> JudgedState:
        """Return all of it, to be restored later."""
        running = {severity: HoldState.of(hold) for severity, hold in self._holds.items()}
        holds = {severity: hold for severity, hold in running.items() if hold is not None}
        return JudgedState(alert=self.alert, holds=holds, clear=HoldState.of(self._clear))

    def resume(self, state: JudgedState, at: Nanos) -> None:
        """Go on from before a restart: holds go on where they were, and stood still meanwhile."""
        span = self.settings.hold
        self._holds |= {severity: hold.hold(span) for severity, hold in state.holds.items()}
        if state.clear is not None:
            self._clear = state.clear.hold(self.settings.clear_for)
        if state.alert is not None:
            self.restore(state.alert, at)
        elif state.holds:
            self._life.feel(Stimulus.BREACH, at)

    def restore(self, alert: Alert, at: Nanos) -> None:
        """Go on with an alert of before a restart: it fires, and was not seen since it was told."""
        self._life.state, self._life.since = AlertState.FIRING, alert.started_at
        self._sentence = alert.sentence.removesuffix(UNSEEN)
        since = at if alert.unobserved_since is None else alert.unobserved_since
        self.alert = replace(alert, unobserved_since=since, sentence=self._sentence + UNSEEN)

    def _held(self, severity: Severity | None, at: Nanos) -> Severity | None:
        """Return the worst severity that has lasted for the hold."""
        worst = None
        for each, hold in self._holds.items():
            if hold.observe(severity is not None and severity >= each, at):
                worst = each
        return worst

    def _raise(self, severity: Severity, finding: Finding, at: Nanos, trace: str) -> Alert | None:
        alert, cause = self.alert, finding.cause
        if alert is not None and severity <= alert.severity and cause in alert.causes:
            return self._seen_again(at, trace)
        self._sentence = finding.said()
        if alert is None:
            self.alert = self._open(severity, finding, at, trace)
            return self.alert
        worst = max(severity, alert.severity)
        told = replace(
            alert,
            severity=worst,
            worst_severity=worst,
            causes=alert.causes if cause in alert.causes else (*alert.causes, cause),
            sentence=self._sentence,
            # A milder cause that joins does not call off what is done about the worse one.
            action=finding.action if severity >= alert.severity else alert.action,
            updated_at=at,
            trace=trace,
            unobserved_since=None,
        )
        if cause == alert.cause:
            # Those of another cause stay what they were last told as.
            value, threshold, baseline = finding.value, finding.threshold, finding.baseline
            told = replace(told, value=value, threshold=threshold, baseline=baseline)
        self.alert = told
        return told

    def _open(self, severity: Severity, finding: Finding, at: Nanos, trace: str) -> Alert:
        # Each severity counts for the milder ones: the hold of the mildest has run the longest.
        since = self._holds[min(Severity)].since if finding.since is None else finding.since
        started = at if since is None else since
        return Alert(
            id=alert_id(self.key, started, trace),
            key=self.key,
            severity=severity,
            worst_severity=severity,
            state=AlertState.FIRING,
            cause=finding.cause,
            causes=(finding.cause,),
            value=finding.value,
            threshold=finding.threshold,
            baseline=finding.baseline,
            sentence=self._sentence,
            action=finding.action,
            started_at=started,
            updated_at=at,
            ended_at=None,
            trace=trace,
        )

    def _seen_again(self, at: Nanos, trace: str) -> Alert | None:
        alert = self.alert
        if alert is None or alert.unobserved_since is None:
            return None
        self.alert = replace(
            alert, unobserved_since=None, updated_at=at, trace=trace, sentence=self._sentence
        )
        return self.alert

    def _end(self, said: str, at: Nanos, trace: str) -> Alert | None:
        alert, self.alert = self.alert, None
        self._reset()
        if alert is None:
            return None
        return replace(
            alert,
            state=AlertState.RESOLVED,
            sentence=said,
            updated_at=at,
            ended_at=at,
            trace=trace,
            unobserved_since=None,
        )

    def _reset(self) -> None:
        for hold in (*self._holds.values(), self._clear):
            hold.reset()
