"""One incident, and what the desk keeps in mind of it beside the record."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ...core.alert import Alert, AlertKey, Severity
from ...core.desk import PageKind
from ...core.incident import (
    DAEMON,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Transition,
)
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from .incident_table import state_after

MOST_ALERTS = 50
"""So many alerts an incident names: the first, and the latest. One that flaps has thousands."""
REMEMBERED = 5
"""So many events of an incident are kept, for who asks what changed."""
MOST_DOUBLINGS = 20


class Refused(Exception):
    """What a person asked for does not happen, and why."""


@dataclass(slots=True)
class Told:
    """Who was told of an incident. `channels`: whether each was told by a page of its own, or only
    in a digest. `owed`: the page that is due when nothing keeps quiet any more, and the number of
    the event it is about. `reminded`, `flapping`: whether these were told."""

    channels: dict[str, bool]
    owed: tuple[PageKind, int] | None = None
    reminded: bool = False
    flapping: bool = False


class Case:
    """An incident and its alerts. `change` is the only way to another record of it.

    `firing` are the alerts that fire by what was last heard; the record may name more, of before a
    restart. `unheard`: those of which nothing was heard since then, with their keys, if known.
    """

    __slots__ = (
        "due",
        "firing",
        "heard_by",
        "history",
        "incident",
        "open_since",
        "opened_by",
        "recurred",
        "told",
        "unheard",
    )

    def __init__(self, incident: Incident, opened_by: AlertKey) -> None:
        self.incident = incident
        self.opened_by = opened_by
        self.firing: dict[str, Alert] = {}
        self.history: deque[IncidentEvent] = deque(maxlen=REMEMBERED)
        self.recurred = 0
        self.open_since = incident.opened_at
        self.told = Told({})
        self.due: Nanos | None = None
        self.unheard: dict[str, AlertKey | None] = {}
        self.heard_by: Nanos | None = None

    @property
    def over(self) -> bool:
        return self.incident.state is IncidentState.RESOLVED

    def leads(self, change: IncidentChange) -> bool:
        """Whether this can happen to it now."""
        owned = self.incident.acknowledged_at is not None
        return state_after(self.incident.state, change, owned=owned) is not None

    def change(
        self,
        change: IncidentChange,
        now: Nanos,
        *,
        actor: str = DAEMON,
        comment: str = "",
        detail: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Transition:
        """Make the next record of the incident, and the event that leads to it.

        Times of one incident do not go back, whatever the clock does. Raises `Refused` where the
        table leads nowhere.
        """
        incident = self.incident
        owned = fields.get("acknowledged_at", incident.acknowledged_at) is not None
        after = state_after(incident.state, change, owned=owned)
        if after is None:
            raise Refused(f"{incident.id} is {incident.state}: it cannot be {change}")
        at = max(now, incident.updated_at)
        self.incident = replace(
            incident, state=after, updated_at=at, version=incident.version + 1, **fields
        )
        if after is IncidentState.OPEN and incident.state is not IncidentState.OPEN:
            self.open_since = at
        event = IncidentEvent(
            incident_id=incident.id,
            number=incident.version + 1,
            at=at,
            kind=change,
            actor=actor,
            comment=comment,
            from_state=incident.state,
            to_state=after,
            detail=detail or {},
        )
        self.history.append(event)
        return Transition(incident=self.incident, event=event)

    def lead(self) -> tuple[AlertKey, Severity]:
        """Return what to match the incident by: the worst alert that fires, of these the latest."""
        if not self.firing:
            return self.opened_by, self.incident.worst_severity
        worst = max(self.firing.values(), key=lambda alert: (alert.severity, alert.started_at))
        return worst.key, worst.severity

    def weighed(self, rules: DeskRules, firing: tuple[str, ...]) -> dict[str, Any]:
        """Return the fields of the record that follow from what fires now."""
        known = self.firing.values()
        if not known:
            return {"firing": firing}
        worst = max(known, key=lambda alert: (alert.severity, alert.started_at))
        # Of one that was lost in a restart nobody knows how bad it is: no better than it was.
        lost = any(alert_id not in self.firing for alert_id in firing)
        least = self.incident.severity if lost else worst.severity
        return {
            "firing": firing,
            "severity": max(worst.severity, least),
            "action": rules.action(worst.key.signal, worst.severity) or worst.action,
        }

    def settles_after(self, rules: DeskRules) -> Nanos:
        """Return how long nothing must fire until it is over."""
        doublings = min(self.recurred + self.incident.reopened, MOST_DOUBLINGS)
        return max(rules.settle_for, min(rules.settle_for << doublings, rules.reopen_within))

    def schedule(self, rules: DeskRules) -> None:
        """Set when the clock is next to be asked about it."""
        incident = self.incident
        dues: list[Nanos] = [] if self.heard_by is None else [self.heard_by]
        if incident.state is IncidentState.MITIGATED and incident.mitigated_at is not None:
            dues.append(incident.mitigated_at + self.settles_after(rules))
        elif incident.state is IncidentState.ACKNOWLEDGED:
            dues.append(incident.acknowledged_until or incident.updated_at)
        elif (
            incident.state is IncidentState.OPEN
            and rules.remind_after is not None
            and not self.told.reminded
        ):
            dues.append(self.open_since + rules.remind_after)
        self.due = min(dues, default=None)


def named(alerts: tuple[str, ...], added: str) -> tuple[str, ...]:
    """Add an alert to those an incident names: the first stays, of the others the latest."""
    if added in alerts:
        return alerts
    if len(alerts) < MOST_ALERTS:
        return (*alerts, added)
    return (alerts[0], *alerts[2:], added)


def worse(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the larger of two amounts of which either may be unknown."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
