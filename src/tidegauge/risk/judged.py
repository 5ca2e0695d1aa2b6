"""An alert raised from findings of one's own: hold, fire, rise, clear, in one place for every signal
but the crunch, whose evidence is richer (docs/signals.md §4 to §6, §9).

No clock is read: time comes with each observation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..core.alert import Action, Alert, AlertKey, AlertState, Severity, alert_id
from ..core.instrument import Nanos
from .lifecycle import AlertLife, Hold, Stimulus


class Finding(NamedTuple):
    """What one observation shows of a signal.

    `severity`: how bad it is, None where nothing breaches. `clear`: whether it is far enough inside
    its limits to clear by (hysteresis); between breach and clear it is neither. `said` returns the
    sentence of the alert, and is only asked when one is issued.
    """

    severity: Severity | None
    clear: bool
    cause: str
    value: float | None
    threshold: float | None
    baseline: float | None
    action: Action
    said: Callable[[], str]


@dataclass(frozen=True, slots=True)
class JudgedSettings:
    """How long a breach must last to fire, and calm to clear."""

    hold: Nanos
    clear_for: Nanos


class JudgedAlert:
    """At most one alert of one key. `observe` returns it as it changed, None when it did not.

    A severity counts once it, or a worse one, has lasted for the hold. While an alert fires its
    severity only rises; it falls by clearing.
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
        return self._life.state is AlertState.INACTIVE

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
        said = f"{alert.sentence} It cannot be seen now: nothing says that it is over."
        self.alert = replace(alert, unobserved_since=at, updated_at=at, trace=trace, sentence=said)
        return self.alert

    def leave(self, at: Nanos, trace: str, said: str) -> Alert | None:
        """End the alert because nobody watches any more; it is not over."""
        alert, self._life = self.alert, AlertLife()
        self._reset()
        return None if alert is None else self._end(said, at, trace)

    def restore(self, alert: Alert, at: Nanos) -> None:
        """Go on with an alert of before a restart: it fires, and was not seen since it was told."""
        self._life.state, self._life.since = AlertState.FIRING, alert.started_at
        self._sentence = alert.sentence
        self.alert = replace(alert, unobserved_since=alert.unobserved_since or at)

    def _held(self, severity: Severity | None, at: Nanos) -> Severity | None:
        """Return the worst severity that has lasted for the hold."""
        worst = None
        for each, hold in self._holds.items():
            if hold.observe(severity is not None and severity >= each, at):
                worst = each
        return worst

    def _raise(self, severity: Severity, finding: Finding, at: Nanos, trace: str) -> Alert | None:
        alert = self.alert
        if alert is not None and severity <= alert.severity:
            return self._seen_again(at, trace)
        started = self._holds[severity].since or at if alert is None else alert.started_at
        self._sentence = finding.said()
        self.alert = Alert(
            id=alert_id(self.key, started, trace) if alert is None else alert.id,
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
        return self.alert

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
