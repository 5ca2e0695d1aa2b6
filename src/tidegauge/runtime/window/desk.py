"""What is shown of the desk: alerts, incidents, silences, exposures, and what went no further."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAlert:
    """One alert as it stands. `severity`: info, warning, high or critical; `state`: pending, firing or
    resolved. `venue` is one, a pair (`a~b`), or `*`. `trace` is the frame that caused the last change;
    the lines that the log has of it carry the same. `incident` is the one it belongs to."""

    id: str
    signal: str
    symbol: str
    venue: str
    side: str
    severity: str
    worst_severity: str
    state: str
    cause: str
    causes: tuple[str, ...]
    value: float | None
    threshold: float | None
    baseline: float | None
    sentence: str
    action: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    trace: str
    unobserved_since: datetime | None
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownIncident:
    """One incident as it stands. `state`: open, acknowledged, mitigated or resolved. `trigger` is the
    sentence that opened it, `impact_quote` what the configured size costs more than usual."""

    id: str
    symbol: str
    family: str
    state: str
    severity: str
    worst_severity: str
    trigger: str
    impact_quote: Decimal | None
    action: str
    opened_at: datetime
    updated_at: datetime
    version: int
    alerts: tuple[str, ...]
    firing: tuple[str, ...]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_until: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    reopened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSilence:
    """Nobody is paged of what matches, from `starts_at` until `ends_at`. An empty field asks nothing."""

    id: str
    signals: tuple[str, ...]
    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    severities: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMute:
    """An alert or page that went no further, at which stage, and why."""

    at: datetime
    stage: str
    reason: str
    alert: str | None
    incident: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExposure:
    """How much of an asset is held (quote; short is negative) against how much may be in this weather."""

    asset: str
    amount: Decimal | None
    actor: str | None
    until: datetime | None
    limit: Decimal | None
    weather: str | None
    cap: Decimal | None
    to_cut: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDesk:
    """The desk of one daemon. `over` were resolved lately."""

    incidents: tuple[ShownIncident, ...]
    over: tuple[ShownIncident, ...]
    alerts: tuple[ShownAlert, ...]
    silences: tuple[ShownSilence, ...]
    mutes: tuple[ShownMute, ...]
