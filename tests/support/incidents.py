"""Incidents and what happens to them, for their audit trail, their rows and their commands."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.database import NOON

from tidegauge.core.alert import Action, Severity
from tidegauge.core.desk import Arrival, Delivery, Matcher, Outcome, PageKind, Silence
from tidegauge.core.incident import (
    DAEMON,
    Family,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Transition,
)
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.chain import Chain, ChainedTransition
from tidegauge.sinks.incident_log import IncidentLog
from tidegauge.sinks.rows import Kind, Rare

HOSTILE = "\x1b[31m[bold red]x[/] '; DROP TABLE incidents; -- \x00 \ud800 \u202e\r\n<b>"


def an_incident(name: str = "INC-19b8-aa", **changes: Any) -> Incident:
    """Return an incident as it was opened."""
    opened = Incident(
        id=name,
        symbol="BTCUSDT",
        family=Family.LIQUIDITY,
        state=IncidentState.OPEN,
        severity=Severity.HIGH,
        worst_severity=Severity.HIGH,
        trigger="Depth within 10 bps is 75 % below normal",
        impact_quote=Decimal("1250.500000000000000001"),
        action=Action.PAUSE_ASSET,
        opened_at=NOON,
        updated_at=NOON,
        version=1,
        alerts=("19b8-aa",),
        firing=("19b8-aa",),
    )
    return replace(opened, **changes)


def happens(
    before: Incident | None,
    kind: IncidentChange,
    *,
    actor: str = DAEMON,
    comment: str = "",
    after_s: float = 0,
    detail: dict[str, str] | None = None,
    **changes: Any,
) -> Transition:
    """Return what happens to an incident next."""
    at = NOON + round(after_s * SECOND)
    incident = an_incident(**changes) if before is None else before
    if before is not None:
        number = before.version + 1
        incident = replace(before, version=number, updated_at=at, **changes)
    return Transition(
        incident=incident,
        event=IncidentEvent(
            incident_id=incident.id,
            number=incident.version,
            at=at,
            kind=kind,
            actor=actor,
            comment=comment,
            from_state=None if before is None else before.state,
            to_state=incident.state,
            detail=detail or {},
        ),
    )


def a_story(name: str = "INC-19b8-aa", **changes: Any) -> list[Transition]:
    """Return the life of an incident: opened, worse, acknowledged, talked about, mitigated, over."""
    steps = [happens(None, IncidentChange.OPENED, name=name, **changes)]

    def then(kind: IncidentChange, **what: Any) -> None:
        steps.append(happens(steps[-1].incident, kind, **what))

    then(
        IncidentChange.ESCALATED,
        after_s=5,
        severity=Severity.CRITICAL,
        worst_severity=Severity.CRITICAL,
        detail={"alert": "19b8-aa", "severity": "critical"},
    )
    then(
        IncidentChange.ACKNOWLEDGED,
        after_s=60,
        actor="mira",
        comment="looking",
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=NOON + 60 * SECOND,
        acknowledged_by="mira",
        acknowledged_until=NOON + HOUR,
    )
    then(IncidentChange.COMMENTED, after_s=90, actor="tom", comment=HOSTILE)
    then(
        IncidentChange.MITIGATED,
        after_s=300,
        state=IncidentState.MITIGATED,
        mitigated_at=NOON + 300 * SECOND,
        mitigated_by=DAEMON,
        firing=(),
    )
    then(
        IncidentChange.RESOLVED,
        after_s=360,
        state=IncidentState.RESOLVED,
        resolved_at=NOON + 360 * SECOND,
        resolved_by=DAEMON,
    )
    return steps


def write_log(folder: Path, transitions: Sequence[Transition]) -> list[ChainedTransition]:
    """Write an audit trail below a folder, and let go of it."""
    log = IncidentLog(folder, NOON)
    try:
        return [log.append(each) for each in transitions]
    finally:
        log.close()


def a_silence(name: str = "s-1", **changes: Any) -> Silence:
    """Return a silence of two hours."""
    made = Silence(
        id=name,
        matcher=Matcher(
            signals=("liquidity_*",),
            symbols=("BTCUSDT",),
            venues=(),
            severities=(Severity.HIGH, Severity.CRITICAL),
        ),
        starts_at=NOON,
        ends_at=NOON + 2 * HOUR,
        author="mira",
        comment="planned",
    )
    return replace(made, **changes)


OF_THE_DESK: dict[Kind, Rare] = {
    Kind.TRANSITION: ChainedTransition(
        chain=Chain(id=str(UUID(int=1)), host="h", path="p", began_at=NOON),
        sequence=1,
        at=NOON,
        previous_hash="a",
        hash="b",
        transition=a_story()[0],
    ),
    Kind.SILENCE: a_silence(),
    Kind.OUTCOME: Outcome(order_id=str(UUID(int=2)), at=NOON, done=True, said="acknowledged"),
    Kind.NOTIFICATION: Delivery(
        page_key="INC-1/1",
        channel="slack",
        kind=PageKind.OPENED,
        severity=Severity.HIGH,
        title="BTCUSDT: depth is gone",
        incidents=("INC-1",),
        attempts=2,
        first_at=NOON,
        sent_at=None,
        arrival=Arrival.RETRYING,
        at=NOON,
    ),
}
"""A record of every kind that the operations desk leaves."""
