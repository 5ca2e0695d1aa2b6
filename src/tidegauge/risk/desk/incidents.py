"""All incidents of a desk: which are open, which were lately, and how each goes on."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from ...core.alert import Action, Alert, Severity
from ...core.desk import Muted, PageKind
from ...core.incident import (
    DAEMON,
    FAMILY_OF,
    Family,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Transition,
    incident_id,
)
from ...core.instrument import Nanos, Symbol
from ..ruleset import DeskRules
from .case import Case, named, worse
from .mutes import Mutes
from .paging import Pager
from .wording import unheard

Subject: TypeAlias = tuple[Symbol, Family]
MOST_OVER = 1_000
"""So many that are over are still known: for comments, refusals, and coming back."""


def subject_of(alert: Alert) -> Subject:
    """Return what an alert is about: at most one incident of it is open at a time."""
    return alert.key.symbol, FAMILY_OF[alert.key.signal]


class Incidents:
    """Opens, joins, mitigates, resolves and reopens. Each change is emitted, then told of."""

    def __init__(
        self, rules: DeskRules, pager: Pager, mutes: Mutes, emit: Callable[[Transition], None]
    ) -> None:
        self.rules = rules
        self.open: dict[Subject, Case] = {}
        self.by_id: dict[str, Case] = {}
        self.over: OrderedDict[str, Case] = OrderedDict()
        self.dismissed: dict[str, Severity] = {}
        self.opened = 0
        self.resolved = 0
        self._last: dict[Subject, Case] = {}
        self._pager = pager
        self._mutes = mutes
        self._emit = emit

    # -- what alerts do --------------------------------------------------------------------------

    def begin(self, alert: Alert, impact: Decimal | None, now: Nanos) -> None:
        """An alert of its own weight fires, and nothing is open: it reopens what was over lately, or
        opens another."""
        about = subject_of(alert)
        last = self._last.get(about)
        if last is not None and self.lately(last.incident, now):
            self._reopen(last, alert, impact, now)
        else:
            self._open(about, alert, impact, now)

    def join(
        self,
        case: Case,
        alert: Alert,
        impact: Decimal | None,
        now: Nanos,
        *,
        instead_of: str | None = None,
    ) -> None:
        """One more alert fires in an open incident, or in one that was about to be over. It may come
        instead of another, of the same key, whose end nobody saw."""
        incident = case.incident
        case.firing[alert.id] = alert
        if instead_of is not None:
            case.firing.pop(instead_of, None)
            case.unheard.pop(instead_of, None)
        fields = self._with(case, alert, impact, without=instead_of)
        detail = said_of(alert)
        if incident.state is IncidentState.MITIGATED:
            case.recurred += 1
            fields |= {"mitigated_at": None, "mitigated_by": None}
            self._change(case, IncidentChange.RECURRED, now, detail=detail, **fields)
            if case.recurred >= self.rules.flapping_from and not case.told.flapping:
                case.told.flapping = True
                self._pager.tell(case, PageKind.FLAPPING, now)
        else:
            self._change(case, IncidentChange.JOINED, now, detail=detail, **fields)
        if not self._escalated(case, alert, now):
            why = f"{alert.key} joins {incident.id}: no page of its own"
            self._mutes.say(Muted.GROUPED, why, now, alert_id=alert.id)
        self._pager.pay_one(case, now)

    def follow(self, case: Case, alert: Alert, impact: Decimal | None, now: Nanos) -> None:
        """An alert of an open incident is told of again: it may be worse, unseen, seen again."""
        before = case.firing.get(alert.id)
        case.firing[alert.id] = alert
        case.unheard.pop(alert.id, None)
        if self._escalated(case, alert, now, impact):
            return
        fields = self._with(case, alert, impact)
        incident = case.incident
        same = all(getattr(incident, name) == value for name, value in fields.items())
        if before is None or not same or news(before) != news(alert):
            self._change(case, IncidentChange.UPDATED, now, detail=said_of(alert), **fields)
            self._pager.pay_one(case, now)

    def ended(self, case: Case, alert: Alert, now: Nanos) -> None:
        """An alert of an open incident is over; when it was the last, the incident is mitigated."""
        case.firing.pop(alert.id, None)
        case.unheard.pop(alert.id, None)
        firing = tuple(each for each in case.incident.firing if each != alert.id)
        detail = said_of(alert)
        if firing:
            fields = case.weighed(self.rules, firing)
            self._change(case, IncidentChange.UPDATED, now, detail=detail, **fields)
            self._pager.pay_one(case, now)
            return
        at = max(now, case.incident.updated_at)
        self._change(
            case,
            IncidentChange.MITIGATED,
            now,
            detail=detail,
            firing=(),
            action=Action.MONITOR,
            mitigated_at=at,
            mitigated_by=DAEMON,
        )

    def _open(self, about: Subject, alert: Alert, impact: Decimal | None, now: Nanos) -> None:
        symbol, family = about
        incident = Incident(
            id=incident_id(symbol, family, now, alert.trace),
            symbol=symbol,
            family=family,
            state=IncidentState.OPEN,
            severity=alert.severity,
            worst_severity=alert.severity,
            trigger=alert.sentence,
            impact_quote=impact,
            action=self.rules.action(alert.key.signal, alert.severity) or alert.action,
            opened_at=now,
            updated_at=now,
            version=1,
            alerts=(alert.id,),
            firing=(alert.id,),
        )
        case = Case(incident, alert.key)
        case.firing[alert.id] = alert
        event = IncidentEvent(
            incident_id=incident.id,
            number=1,
            at=now,
            kind=IncidentChange.OPENED,
            actor=DAEMON,
            to_state=IncidentState.OPEN,
            detail=said_of(alert),
        )
        case.history.append(event)
        self.open[about] = self.by_id[incident.id] = case
        self.opened += 1
        case.schedule(self.rules)
        self._emit(Transition(incident=incident, event=event))
        self._pager.tell(case, PageKind.OPENED, now)

    def _reopen(self, case: Case, alert: Alert, impact: Decimal | None, now: Nanos) -> None:
        incident = case.incident
        case.firing = {alert.id: alert}
        case.unheard, case.heard_by = {}, None
        case.told.reminded = False
        self._pager.settle(case)
        fields = self._with(case, alert, impact) | {
            "firing": (alert.id,),
            "severity": alert.severity,
            "worst_severity": max(incident.worst_severity, alert.severity),
            "reopened": incident.reopened + 1,
        }
        cleared = ("acknowledged_at", "acknowledged_by", "acknowledged_until")
        ended = ("mitigated_at", "mitigated_by", "resolved_at", "resolved_by")
        fields |= dict.fromkeys((*cleared, *ended))
        del self.over[incident.id]
        self.open[incident.symbol, incident.family] = case
        self._change(case, IncidentChange.REOPENED, now, detail=said_of(alert), **fields)
        self._pager.tell(case, PageKind.REOPENED, now)

    def lately(self, incident: Incident, now: Nanos) -> bool:
        """Whether it was over so lately that what comes back reopens it."""
        at = incident.resolved_at
        return at is not None and now - at <= self.rules.reopen_within

    def _with(
        self, case: Case, alert: Alert, impact: Decimal | None, *, without: str | None = None
    ) -> dict[str, Any]:
        """Return the fields of the record with this alert firing in it."""
        incident = case.incident
        kept = tuple(each for each in incident.firing if each != without)
        firing = kept if alert.id in kept else (*kept, alert.id)
        return {
            "alerts": named(incident.alerts, alert.id),
            "impact_quote": worse(incident.impact_quote, impact),
        } | case.weighed(self.rules, firing)

    def _escalated(
        self, case: Case, alert: Alert, now: Nanos, impact: Decimal | None = None
    ) -> bool:
        """Tell of an incident that became worse than it ever was; also of one that somebody has."""
        if alert.severity <= case.incident.worst_severity:
            return False
        fields = self._with(case, alert, impact) | {"worst_severity": alert.severity}
        self._change(case, IncidentChange.ESCALATED, now, detail=said_of(alert), **fields)
        self._pager.tell(case, PageKind.ESCALATED, now)
        return True

    # -- what people do, and the clock -------------------------------------------------------------

    def acknowledge(
        self, case: Case, actor: str, until: Nanos, now: Nanos, *, comment: str, order: str
    ) -> None:
        """Somebody has it now, until then. Raises `Refused` where it is over."""
        self._change(
            case,
            IncidentChange.ACKNOWLEDGED,
            now,
            actor=actor,
            comment=comment,
            detail={"order": order},
            acknowledged_at=max(now, case.incident.updated_at),
            acknowledged_by=actor,
            acknowledged_until=until,
        )
        self._pager.settle(case)
        self._pager.tell(case, PageKind.ACKNOWLEDGED, now)

    def comment(
        self, case: Case, actor: str, now: Nanos, *, comment: str, detail: Mapping[str, str]
    ) -> None:
        """Somebody says something."""
        self._change(
            case, IncidentChange.COMMENTED, now, actor=actor, comment=comment, detail=detail
        )

    def resolve(
        self, case: Case, actor: str, now: Nanos, *, comment: str = "", order: str = ""
    ) -> None:
        """It is over. What still fires is dismissed: it reopens nothing unless it gets worse.

        Raises `Refused` where it was over already.
        """
        incident = case.incident
        detail = {"order": order} if order else {}
        if incident.firing:
            detail["still_firing"] = " ".join(incident.firing)
        self._change(
            case,
            IncidentChange.RESOLVED,
            now,
            actor=actor,
            comment=comment,
            detail=detail,
            resolved_at=max(now, incident.updated_at),
            resolved_by=actor,
        )
        self._dismiss(case)
        self._put_away(case)
        self._pager.settle(case)
        self.resolved += 1
        self._pager.tell(case, PageKind.RESOLVED, now)
        case.firing, case.unheard, case.heard_by = {}, {}, None

    def _dismiss(self, case: Case) -> None:
        for alert_id in case.incident.firing:
            alert = case.firing.get(alert_id)
            severity = case.incident.severity if alert is None else alert.severity
            self.dismissed[alert_id] = severity

    def tick(self, now: Nanos) -> None:
        """Do what is due."""
        for case in [each for each in self.open.values() if each.due is not None]:
            if case.due is not None and case.due <= now:
                self._due(case, now)

    def _due(self, case: Case, now: Nanos) -> None:
        incident = case.incident
        if case.heard_by is not None and case.heard_by <= now:
            self._nothing_heard(case, now)
        elif incident.state is IncidentState.MITIGATED:
            self.resolve(case, DAEMON, now)
        elif incident.state is IncidentState.ACKNOWLEDGED:
            detail = {"by": incident.acknowledged_by or "", "expired": "acknowledgement"}
            fields = dict.fromkeys(("acknowledged_at", "acknowledged_by", "acknowledged_until"))
            case.told.reminded = False
            self._change(case, IncidentChange.ACKNOWLEDGEMENT_EXPIRED, now, detail=detail, **fields)
            self._pager.tell(case, PageKind.ACKNOWLEDGEMENT_EXPIRED, now)
        else:
            case.told.reminded = True
            self._pager.tell(case, PageKind.REMINDED, now)
        case.schedule(self.rules)

    def _nothing_heard(self, case: Case, now: Nanos) -> None:
        """Say of an incident that nobody knows whether its alerts still fire."""
        case.heard_by = None
        if case.unheard and case.leads(IncidentChange.UPDATED):
            detail = {"unheard": " ".join(case.unheard), "says": unheard(case)}
            self._change(case, IncidentChange.UPDATED, now, detail=detail)

    def adopt(self, rules: DeskRules) -> None:
        """Go on by other rules."""
        self.rules = rules
        for case in self.open.values():
            case.schedule(rules)

    def restore(self, case: Case) -> None:
        """Know an incident of before a restart; those that are over in the order they ended."""
        incident = case.incident
        self.by_id[incident.id] = case
        if case.over:
            self._put_away(case)
        else:
            self.open[incident.symbol, incident.family] = case
        case.schedule(self.rules)

    def _put_away(self, case: Case) -> None:
        incident = case.incident
        about = incident.symbol, incident.family
        if self.open.get(about) is case:
            del self.open[about]
        self._last[about] = self.over[incident.id] = case
        if len(self.over) > MOST_OVER:
            gone_id, gone = self.over.popitem(last=False)
            del self.by_id[gone_id]
            self._pager.settle(gone)
            for alert_id in gone.incident.firing:
                self.dismissed.pop(alert_id, None)
            about = gone.incident.symbol, gone.incident.family
            if self._last.get(about) is gone:
                del self._last[about]

    def _change(self, case: Case, change: IncidentChange, now: Nanos, **fields: Any) -> None:
        transition = case.change(change, now, **fields)
        case.schedule(self.rules)
        self._emit(transition)


def said_of(alert: Alert) -> dict[str, str]:
    """Return what an event says of the alert that caused it."""
    key = alert.key
    side = {"side": key.side} if key.side else {}
    unseen = {} if alert.unobserved_since is None else {"unobserved": "true"}
    return {
        "alert": alert.id,
        "signal": str(key.signal),
        "venue": key.venue,
        **side,
        "severity": str(alert.severity),
        "state": str(alert.state),
        **unseen,
        "says": alert.sentence,
    }


def news(alert: Alert) -> tuple[object, ...]:
    """Return what makes an alert another than it was: its time and frame alone do not."""
    return alert.id, alert.state, alert.severity, alert.causes, alert.unobserved_since is None
