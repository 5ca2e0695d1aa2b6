"""A desk, all that it emits, and a reader who checks each record against those before it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import msgspec

from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity, Signal, alert_id
from tidegauge.core.desk import Matcher, Mute, Muted, Order, Outcome, Page, PageKind, Silence
from tidegauge.core.incident import (
    DAEMON,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Transition,
)
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.desk.desk import Desk, DeskRecord
from tidegauge.risk.desk.incident_table import LEADS_TO
from tidegauge.risk.desk.orders import PassOn
from tidegauge.risk.desk.state import DeskState
from tidegauge.risk.ruleset import DeskRules, Route

START: Nanos = 1_764_000_000 * SECOND
TOLD = DeskRules(routes=(Route(matcher=Matcher(), channels=("slack",)),))
ABOUT = {
    PageKind.OPENED: IncidentChange.OPENED,
    PageKind.ESCALATED: IncidentChange.ESCALATED,
    PageKind.REOPENED: IncidentChange.REOPENED,
    PageKind.ACKNOWLEDGED: IncidentChange.ACKNOWLEDGED,
    PageKind.ACKNOWLEDGEMENT_EXPIRED: IncidentChange.ACKNOWLEDGEMENT_EXPIRED,
    PageKind.RESOLVED: IncidentChange.RESOLVED,
}


def key_of(
    signal: str = Signal.CRUNCH, symbol: str = "BTCUSDT", venue: str = "binance"
) -> AlertKey:
    return AlertKey(signal=signal, symbol=symbol, venue=venue)


def firing(
    key: AlertKey, at: Nanos, severity: Severity = Severity.HIGH, *, alert: str | None = None
) -> Alert:
    """Return an alert that began to fire at this time."""
    return Alert(
        id=alert or alert_id(key, at, "frame"),
        key=key,
        severity=severity,
        worst_severity=severity,
        state=AlertState.FIRING,
        cause="depth",
        causes=("depth",),
        value=1.0,
        threshold=2.0,
        baseline=3.0,
        sentence=f"Depth on {key.venue} {key.symbol} is gone.",
        action=Action.PAUSE_ASSET,
        started_at=at,
        updated_at=at,
        ended_at=None,
        trace="frame",
    )


def ended(alert: Alert, at: Nanos) -> Alert:
    """Return the alert as it is over."""
    return replace(
        alert, state=AlertState.RESOLVED, updated_at=at, ended_at=at, sentence="It is over."
    )


class Reader:
    """Reads what a desk emits, as an auditor does: every record follows from those before it."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.events: dict[str, list[IncidentEvent]] = {}
        self.pages: list[Page] = []
        self.mutes: list[Mute] = []
        self.outcomes: list[Outcome] = []
        self.silences: list[Silence] = []
        self.told: Counter[tuple[str, str]] = Counter()
        self.repeated: list[str] = []
        self.open: dict[tuple[str, str], str] = {}

    def __call__(self, record: DeskRecord) -> None:
        match record:
            case Transition():
                self.transition(record)
            case Page():
                self.page(record)
            case Mute():
                self.mutes.append(record)
            case Outcome():
                self.outcomes.append(record)
            case Silence():
                self.silences.append(record)

    def transition(self, record: Transition) -> None:
        incident, event = record.incident, record.event
        before = self.incidents.get(incident.id)
        state = None if before is None else before.state
        assert event.incident_id == incident.id
        assert event.number == incident.version == (0 if before is None else before.version) + 1
        assert (event.from_state, event.to_state) == (state, incident.state)
        assert incident.state in LEADS_TO[state, event.kind]
        assert event.at == incident.updated_at
        assert before is None or event.at >= before.updated_at
        about = incident.symbol, incident.family
        if before is None:
            assert event.kind is IncidentChange.OPENED
        if before is None or event.kind is IncidentChange.REOPENED:
            assert about not in self.open, "two open at a time"
            self.open[about] = incident.id
        assert (incident.state is IncidentState.MITIGATED) == (
            not incident.firing and incident.state is not IncidentState.RESOLVED
        )
        if event.kind is IncidentChange.RESOLVED:
            assert self.open.pop(about) == incident.id
            assert state is IncidentState.MITIGATED or event.actor != DAEMON
            assert not incident.firing or event.actor != DAEMON
        assert len(set(incident.alerts)) == len(incident.alerts)
        self.incidents[incident.id] = incident
        self.events.setdefault(incident.id, []).append(event)

    def page(self, page: Page) -> None:
        assert page.channels
        assert "\n" not in page.title
        assert page.title.isprintable()
        self.pages.append(page)
        self.repeated += [page.key for channel in page.channels if self.told[page.key, channel]]
        self.told.update((page.key, channel) for channel in page.channels)
        if page.kind in (PageKind.DIGEST, PageKind.HEARTBEAT):
            assert all(each in self.incidents for each in page.of)
            return
        (incident_id,) = page.of
        named, number, kind = page.key.split("/")
        assert (named, kind) == (incident_id, page.kind)
        event = self.events[incident_id][int(number) - 1]
        assert page.kind not in ABOUT or ABOUT[page.kind] is event.kind

    @property
    def kinds(self) -> list[PageKind]:
        return [page.kind for page in self.pages]

    @property
    def changes(self) -> list[IncidentChange]:
        return [event.kind for events in self.events.values() for event in events]

    @property
    def muted(self) -> list[Muted]:
        return [mute.stage for mute in self.mutes]


class Watched:
    """A desk, its reader, and a clock that one sets."""

    def __init__(self, rules: DeskRules = TOLD, pass_on: PassOn | None = None) -> None:
        self.rules = rules
        self.now = START
        self.reader = Reader()
        self.desk = Desk(rules, self.reader, pass_on)
        self.alerts: dict[AlertKey, Alert] = {}
        self.ordered = 0
        self._pass_on = pass_on

    def pass_time(self, span: Nanos, step: Nanos = SECOND) -> None:
        """Let time pass, with a tick each step."""
        until = self.now + span
        while self.now < until:
            self.now = min(self.now + step, until)
            self.desk.tick(self.now)

    def fire(
        self,
        key: AlertKey | None = None,
        severity: Severity = Severity.HIGH,
        impact: Decimal | None = None,
    ) -> Alert:
        """An alert of the key fires, or fires on with this severity."""
        key = key or key_of()
        alert = self.alerts.get(key) or firing(key, self.now, severity)
        alert = replace(alert, severity=severity, worst_severity=severity, updated_at=self.now)
        self.alerts[key] = alert
        self.desk.alert(alert, self.now, impact)
        return alert

    def unsee(self, key: AlertKey, *, seen: bool = False) -> None:
        """The book behind a firing alert is lost, or seen again."""
        since = None if seen else self.now
        self.alerts[key] = replace(self.alerts[key], unobserved_since=since, updated_at=self.now)
        self.desk.alert(self.alerts[key], self.now)

    def clear(self, key: AlertKey | None = None) -> None:
        """The alert of the key is over."""
        self.desk.alert(ended(self.alerts.pop(key or key_of()), self.now), self.now)

    def order(self, order: Order) -> Outcome:
        self.ordered += 1
        named = order if order.id else replace(order, id=f"order-{self.ordered}")
        return self.desk.order(replace(named, at=self.now), self.now)

    def restart(
        self,
        *,
        state: bytes | None = None,
        since: Iterable[IncidentEvent] = (),
        lost: bool = False,
    ) -> None:
        """Begin anew with what was kept: nothing but bytes, and the last records of the log."""
        kept = self.kept() if state is None else state
        self.desk = Desk(self.rules, self.reader, self._pass_on)
        self.desk.restore(
            None if lost else msgspec.json.decode(kept, type=DeskState),
            list(self.reader.incidents.values()),
            self.now,
            since,
        )

    def kept(self) -> bytes:
        return msgspec.json.encode(self.desk.snapshot())

    def all_events(self) -> list[IncidentEvent]:
        return [event for events in self.reader.events.values() for event in events]

    def incident(self) -> Incident:
        """The only incident there ever was."""
        (incident,) = self.reader.incidents.values()
        return incident
