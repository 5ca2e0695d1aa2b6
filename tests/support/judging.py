"""One judged alert, looked at once a second, over restarts too."""

import msgspec

from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.judged import Finding, JudgedAlert, JudgedSettings, JudgedState

KEY = AlertKey(signal="test", symbol="BTCUSDT", venue="binance")
SETTINGS = JudgedSettings(hold=5 * SECOND, clear_for=30 * SECOND)
START = 1_700_000_000 * SECOND


def finding(
    severity: Severity | None = None,
    *,
    clear: bool | None = None,
    cause: str = "spread",
    value: float = 1.0,
    since: Nanos | None = None,
) -> Finding:
    """What one look shows; where nothing breaches it is well inside its limits unless told."""
    return Finding(
        severity=severity,
        clear=severity is None if clear is None else clear,
        cause=cause,
        value=value,
        threshold=2.0,
        baseline=None,
        action=Action.MONITOR if severity is None or severity < Severity.HIGH else Action.REDUCE,
        said=lambda: f"{cause} is {value:g}.",
        since=since,
    )


def over(alert: Alert, lasted: Nanos) -> str:
    """Say that an alert is over."""
    return f"{alert.cause} was bad for {lasted // SECOND} s"


class Watched:
    """One alert, looked at once a second."""

    def __init__(self, settings: JudgedSettings = SETTINGS) -> None:
        self.alert = JudgedAlert(KEY, settings)
        self.second = 0

    @property
    def now(self) -> Nanos:
        return START + self.second * SECOND

    def see(self, seconds: int, found: Finding) -> list[Alert]:
        """Look at the same thing for so many seconds; return what was issued."""
        issued = []
        for _ in range(seconds):
            trace = f"binance/1/{self.second}"
            issued.append(self.alert.observe(found, self.now, trace, cleared=over))
            self.second += 1
        return [alert for alert in issued if alert is not None]

    def lose(self, seconds: int = 1) -> Alert | None:
        """See nothing for so many seconds."""
        issued = self.alert.unseen(self.now, f"binance/1/{self.second}")
        self.second += seconds
        return issued


def firing(severity: Severity = Severity.WARNING) -> Watched:
    """Return an alert that fires."""
    watched = Watched()
    watched.see(6, finding(severity))
    assert watched.alert.state is AlertState.FIRING
    return watched


def again(watched: Watched, away: int = 0) -> Watched:
    """Write it down, read it again, and go on, as a restart does."""
    kept = msgspec.msgpack.encode(watched.alert.snapshot())
    other = Watched(watched.alert.settings)
    other.second = watched.second + away
    other.alert.resume(msgspec.msgpack.decode(kept, type=JudgedState), other.now)
    return other
