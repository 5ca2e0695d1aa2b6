"""Takes down what a monitor and a desk emit while nobody is to be told: in a drill, on a tape."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.desk import Matcher, Mute, Page
from tidegauge.core.events import FeedEvent
from tidegauge.core.incident import Transition
from tidegauge.core.instrument import Nanos
from tidegauge.risk.ruleset import Route, RuleSet

from .drill_outcome import AlertSeen, Cost, IncidentSeen, MuteSeen, PageSeen
from .monitor import Record

EVERYBODY = "everybody"
"""The channel that has all the pages of rules that route none."""


def unheard(rules: RuleSet) -> RuleSet:
    """Return the rules as they are rehearsed: a channel has every page, and there are no heartbeats."""
    routes = rules.desk.routes or (Route(matcher=Matcher(), channels=(EVERYBODY,)),)
    return replace(rules, desk=replace(rules.desk, routes=routes, heartbeat_at=None))


class DrillNotes:
    """What was emitted since `starts_at`; `cost` says what an alert that fires means in money."""

    def __init__(self, starts_at: Nanos, cost: Callable[[Alert], Cost | None]) -> None:
        self._starts_at = starts_at
        self._cost = cost
        self.alerts: dict[str, AlertSeen] = {}
        self.incidents: dict[str, IncidentSeen] = {}
        self.pages: list[PageSeen] = []
        self.mutes: dict[tuple[str, str], MuteSeen] = {}
        self.events: Counter[str] = Counter()

    def take(self, record: Record) -> None:
        """Take one record down."""
        match record:
            case Alert():
                self._alert(record)
            case Transition():
                self._transition(record)
            case Page():
                self._paged(record)
            case Mute():
                self._muted(record)
            case FeedEvent():
                self.events[record.kind.value] += 1

    def _alert(self, alert: Alert) -> None:
        known, at = self.alerts.get(alert.id), self._since(alert.updated_at)
        if known is None and alert.state is AlertState.FIRING:
            known = AlertSeen(
                id=alert.id,
                signal=alert.key.signal,
                symbol=alert.key.symbol,
                venue=alert.key.venue,
                fired_at=at,
                ended_at=None,
                rises=((at, alert.severity),),
                sentence=alert.sentence,
                cost=self._cost(alert),
            )
        elif known is not None and alert.state is AlertState.RESOLVED:
            known = replace(known, ended_at=at)
        elif known is not None and alert.severity > known.worst:
            rises = (*known.rises, (at, alert.severity))
            known = replace(known, rises=rises, sentence=alert.sentence)
        if known is not None:
            self.alerts[alert.id] = known

    def _transition(self, transition: Transition) -> None:
        incident = transition.incident
        resolved, impact = incident.resolved_at, incident.impact_quote
        self.incidents[incident.id] = IncidentSeen(
            id=incident.id,
            symbol=incident.symbol,
            family=incident.family,
            worst=incident.worst_severity,
            opened_at=self._since(incident.opened_at),
            resolved_at=None if resolved is None else self._since(resolved),
            reopened=incident.reopened,
            alerts=len(incident.alerts),
            impact_quote=None if impact is None else f"{impact:f}",
        )

    def _paged(self, page: Page) -> None:
        at, kind = self._since(page.at), page.kind.value
        self.pages.append(PageSeen(at=at, kind=kind, title=page.title, channels=page.channels))

    def _muted(self, mute: Mute) -> None:
        key = mute.stage.value, mute.reason
        known = self.mutes.get(key)
        if known is None:
            at = self._since(mute.at)
            self.mutes[key] = MuteSeen(at=at, stage=mute.stage.value, reason=mute.reason)
        else:
            self.mutes[key] = replace(known, times=known.times + 1)

    def _since(self, at: Nanos) -> Nanos:
        return at - self._starts_at
