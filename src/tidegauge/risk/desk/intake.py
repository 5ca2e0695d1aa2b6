"""The way of an alert into an incident: dismissed, inhibited, too mild, or in."""

from dataclasses import dataclass
from decimal import Decimal

from ...core.alert import Alert, AlertKey
from ...core.desk import Muted
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from .case import Case
from .incidents import Incidents, Subject, news, subject_of
from .inhibiting import Inhibitions
from .mutes import Mutes


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires, and what the configured size costs more than usual, in quote."""

    alert: Alert
    impact: Decimal | None


class Intake:
    """Knows every alert that fires, and where each has come to."""

    def __init__(self, rules: DeskRules, incidents: Incidents, mutes: Mutes) -> None:
        self.rules = rules
        self.firing: dict[AlertKey, Firing] = {}
        self.waiting: dict[Subject, dict[AlertKey, None]] = {}
        self.unheard: set[AlertKey] = set()
        self.heard_by: Nanos | None = None
        self.seen = 0
        self._inhibitions = Inhibitions(rules.inhibitions)
        self._incidents = incidents
        self._mutes = mutes

    def fires(self, alert: Alert, impact: Decimal | None, now: Nanos) -> None:
        """Take an alert that fires, or fires on: the same one again changes nothing."""
        key = alert.key
        before = self.firing.get(key)
        self.unheard.discard(key)
        if before is not None and news(before.alert) == news(alert):
            case = self._case_of(alert)
            if case is None or alert.id not in case.unheard:
                return
        if before is None or before.alert.id != alert.id:
            self.seen += 1
            if before is not None:
                self._incidents.dismissed.pop(before.alert.id, None)
        self.firing[key] = Firing(alert, impact)
        freed = self._inhibitions.fires(alert)
        self._admit(alert, None if before is None else before.alert, now)
        self._free(freed, now)

    def ends(self, alert: Alert, now: Nanos) -> None:
        """Take an alert that is over. What it held back goes on."""
        key = alert.key
        known = self.firing.get(key)
        current = known is not None and known.alert.id == alert.id
        freed: tuple[AlertKey, ...] = ()
        if current:
            del self.firing[key]
            self.unheard.discard(key)
            self._stop_waiting(alert)
            freed = self._inhibitions.ends(key)
        self._incidents.dismissed.pop(alert.id, None)
        self._mutes.forget(alert_id=alert.id)
        case = self._case_of(alert)
        if case is not None:
            self._incidents.ended(case, alert, now)
        self._free(freed, now)

    def adopt(self, rules: DeskRules, now: Nanos) -> None:
        """Go on by other rules: what they let through now goes on; what is in stays in."""
        self.rules = rules
        self._inhibitions = Inhibitions(rules.inhibitions)
        self.waiting = {}
        for firing in self.firing.values():
            self._inhibitions.fires(firing.alert)
        for firing in tuple(self.firing.values()):
            if self._case_of(firing.alert) is None:
                self._admit(firing.alert, firing.alert, now)

    def tick(self, now: Nanos) -> None:
        """What was not heard of since a restart, for too long, no longer holds others back."""
        if self.heard_by is None or now < self.heard_by:
            return
        self.heard_by = None
        for key in sorted(self.unheard, key=str):
            alert = self.firing[key].alert
            if self._case_of(alert) is None:
                del self.firing[key]
                self._stop_waiting(alert)
                self._incidents.dismissed.pop(alert.id, None)
            self._free(self._inhibitions.ends(key), now)
        self.unheard.clear()

    def restore(self, firing: Firing) -> None:
        """Know an alert of before a restart."""
        self.firing[firing.alert.key] = firing
        self.unheard.add(firing.alert.key)
        self._inhibitions.fires(firing.alert)

    def place_restored(self, now: Nanos) -> None:
        """After all are restored: let each that is in no incident find its place again."""
        self.heard_by = now + self.rules.settle_for if self.unheard else None
        for firing in tuple(self.firing.values()):
            if self._case_of(firing.alert) is None:
                self._admit(firing.alert, firing.alert, now)

    def _admit(self, alert: Alert, before: Alert | None, now: Nanos) -> None:
        impact = self.firing[alert.key].impact
        about = subject_of(alert)
        case = self._incidents.open.get(about)
        if case is not None and alert.id in case.incident.firing:
            self._incidents.follow(case, alert, impact, now)
            return
        if not self._comes_back(alert):
            return
        replaced = None if case is None else _replaced(case, alert, before)
        if replaced is None:
            source = self._inhibitions.inhibitor_of(alert)
            if source is not None:
                self._stop_waiting(alert)
                why = f"{alert.key} goes no further while {source} fires"
                self._mutes.say(Muted.INHIBITED, why, now, alert_id=alert.id)
                return
        if case is not None:
            self._stop_waiting(alert)
            self._mutes.forget(alert_id=alert.id)
            self._incidents.join(case, alert, impact, now, instead_of=replaced)
        elif alert.severity >= self.rules.opens_from:
            self._stop_waiting(alert)
            self._mutes.forget(alert_id=alert.id)
            self._incidents.begin(alert, impact, now)
            self._join_waiting(about, now)
        else:
            self.waiting.setdefault(about, {})[alert.key] = None
            why = (
                f"{alert.key} is {alert.severity}: it opens no incident, and there is none to join"
            )
            self._mutes.say(Muted.NOTHING_OPEN, why, now, alert_id=alert.id)

    def _comes_back(self, alert: Alert) -> bool:
        """Whether an alert counts; one that was firing when a person resolved it only if worse."""
        dismissed = self._incidents.dismissed.get(alert.id)
        if dismissed is None:
            return True
        if alert.severity <= dismissed:
            return False
        del self._incidents.dismissed[alert.id]
        return True

    def _join_waiting(self, about: Subject, now: Nanos) -> None:
        for key in self.waiting.pop(about, ()):
            alert = self.firing[key].alert
            self._admit(alert, alert, now)

    def _free(self, keys: tuple[AlertKey, ...], now: Nanos) -> None:
        for key in keys:
            firing = self.firing.get(key)
            if firing is not None:
                self._admit(firing.alert, firing.alert, now)

    def _stop_waiting(self, alert: Alert) -> None:
        about = subject_of(alert)
        waiting = self.waiting.get(about)
        if waiting is not None:
            waiting.pop(alert.key, None)
            if not waiting:
                del self.waiting[about]

    def _case_of(self, alert: Alert) -> Case | None:
        """Return the open incident that this alert fires in."""
        case = self._incidents.open.get(subject_of(alert))
        return case if case is not None and alert.id in case.incident.firing else None


def _replaced(case: Case, alert: Alert, before: Alert | None) -> str | None:
    """Return the alert of the same key that this one comes instead of: its end was not seen.

    After a restart it may be one of which only the id is known.
    """
    if before is not None and before.id != alert.id and before.id in case.incident.firing:
        return before.id
    for wanted in (alert.key, None):
        for alert_id, key in case.unheard.items():
            if key == wanted:
                return alert_id
    return None
