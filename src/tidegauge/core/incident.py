"""Incidents: what people handle (signals.md section 8).

An incident gathers the alerts of one (symbol, family). Each change of it is a new record with the
next version, beside an event that says what happened; neither is ever changed afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b

from .alert import Action, Severity, Signal
from .instrument import Nanos, Symbol


class Family(StrEnum):
    """What kind of trouble it is: one incident a symbol and family is open at a time."""

    LIQUIDITY = "liquidity"
    DIVERGENCE = "divergence"
    STRESS = "stress"
    FEED = "feed"
    EXPOSURE = "exposure"


FAMILY_OF: Mapping[str, Family] = {
    Signal.CRUNCH: Family.LIQUIDITY,
    Signal.DIVERGENCE: Family.DIVERGENCE,
    Signal.EXECUTABLE: Family.DIVERGENCE,
    Signal.BLIND: Family.FEED,
    Signal.STRESS: Family.STRESS,
    Signal.VENUE_DEGRADED: Family.FEED,
    Signal.VENUE_DOWN: Family.FEED,
    Signal.SYMBOL_DARK: Family.FEED,
    Signal.OVER_CAP: Family.EXPOSURE,
}


class IncidentState(StrEnum):
    """OPEN: nobody has it. ACKNOWLEDGED: somebody has. MITIGATED: nothing fires any more, and it is
    watched whether that lasts. RESOLVED: over."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class IncidentChange(StrEnum):
    """What happens to an incident."""

    OPENED = "opened"
    JOINED = "joined"
    """One more alert belongs to it."""
    ESCALATED = "escalated"
    """It became worse than it ever was."""
    UPDATED = "updated"
    """One of its alerts resolved while others fire, lost its book, or was seen again."""
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_EXPIRED = "acknowledgement_expired"
    COMMENTED = "commented"
    MITIGATED = "mitigated"
    RECURRED = "recurred"
    """It fires again before it was over."""
    RESOLVED = "resolved"
    REOPENED = "reopened"


DAEMON = "tidegauge"
"""The actor of what nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as it stands at `updated_at`.

    `trigger` is the sentence of the alert that opened it, `action` what is recommended now, and
    `impact_quote` what the configured size costs more than usual, in quote; None: unknown. `alerts`
    are the ids of all that joined, `firing` of those that still do. `severity` is the worst of what
    fires now. `reopened` counts how often it came back. `last_number` is that of its last event.
    """

    id: str
    symbol: Symbol
    family: Family
    state: IncidentState
    severity: Severity
    worst_severity: Severity
    trigger: str
    impact_quote: Decimal | None
    action: Action
    opened_at: Nanos
    updated_at: Nanos
    version: int
    alerts: tuple[str, ...]
    firing: tuple[str, ...] = ()
    acknowledged_at: Nanos | None = None
    acknowledged_by: str | None = None
    acknowledged_until: Nanos | None = None
    mitigated_at: Nanos | None = None
    mitigated_by: str | None = None
    resolved_at: Nanos | None = None
    resolved_by: str | None = None
    reopened: int = 0
    postmortem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """What happened to an incident, and who did it. `number` counts the events of it from 1, and is
    the version that the incident has after it. `detail` is what else belongs to it, as names and
    texts: the alert, its severity, the reason of a refusal."""

    incident_id: str
    number: int
    at: Nanos
    kind: IncidentChange
    actor: str
    comment: str = ""
    from_state: IncidentState | None = None
    to_state: IncidentState | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An event and the incident after it: one line of the audit trail."""

    incident: Incident
    event: IncidentEvent


def incident_id(symbol: Symbol, family: Family, opened_at: Nanos, trace: str) -> str:
    """Name an incident by its opening: the time, and a hash of its key and the frame behind it.

    Never random, so that a replay gives the same ids (design.md section 4).
    """
    said = f"{symbol}|{family}|{trace}|{opened_at}".encode()
    return f"INC-{opened_at // 1_000_000:x}-{blake2b(said, digest_size=5).hexdigest()}"
