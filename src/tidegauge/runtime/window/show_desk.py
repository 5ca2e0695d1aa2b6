"""Shows the desk: from its own records to those of `desk`."""

from collections.abc import Iterable, Iterator, Mapping

from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.desk import Mute, Silence
from tidegauge.core.incident import Incident
from tidegauge.risk.caps import Exposure
from tidegauge.risk.desk.view import DeskView

from .desk import (
    ShownAlert,
    ShownDesk,
    ShownExposure,
    ShownIncident,
    ShownMute,
    ShownSilence,
)
from .instants import instant

SHOWN = (AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED)
"""What is shown of alerts: one that came to nothing is not."""

MOST_MUTES = 20
MOST_OVER = 50
"""Of the incidents that were resolved: the desk remembers a thousand, which would be told each round."""


def show_desk(desk: DeskView) -> ShownDesk:
    """Return the desk without its alerts."""
    return ShownDesk(
        incidents=tuple(show_incident(each) for each in desk.incidents),
        over=tuple(show_incident(each) for each in desk.over[-MOST_OVER:]),
        alerts=(),
        silences=tuple(_silence(each) for each in desk.silences),
        mutes=tuple(_mute(each) for each in desk.mutes[-MOST_MUTES:]),
    )


def show_alerts(desk: DeskView, alerts: Iterable[Alert]) -> Iterator[ShownAlert]:
    """Yield those of `alerts` that are shown; each is made when its turn comes."""
    joined = {
        alert: incident.id
        for incident in (*desk.over, *desk.incidents)
        for alert in incident.alerts
    }
    return (show_alert(each, joined) for each in alerts if each.state in SHOWN)


def show_alert(alert: Alert, joined: Mapping[str, str]) -> ShownAlert:
    """Return an alert; `joined` names the incident of each that has one."""
    key = alert.key
    return ShownAlert(
        id=alert.id,
        signal=str(key.signal),
        symbol=key.symbol,
        venue=key.venue,
        side=str(key.side),
        severity=str(alert.severity),
        worst_severity=str(alert.worst_severity),
        state=str(alert.state),
        cause=alert.cause,
        causes=alert.causes,
        value=alert.value,
        threshold=alert.threshold,
        baseline=alert.baseline,
        sentence=alert.sentence,
        action=str(alert.action),
        started_at=instant(alert.started_at),
        updated_at=instant(alert.updated_at),
        ended_at=instant(alert.ended_at),
        trace=alert.trace,
        unobserved_since=instant(alert.unobserved_since),
        incident=joined.get(alert.id),
    )


def show_incident(incident: Incident) -> ShownIncident:
    """Return an incident as it stands."""
    return ShownIncident(
        id=incident.id,
        symbol=incident.symbol,
        family=str(incident.family),
        state=str(incident.state),
        severity=str(incident.severity),
        worst_severity=str(incident.worst_severity),
        trigger=incident.trigger,
        impact_quote=incident.impact_quote,
        action=str(incident.action),
        opened_at=instant(incident.opened_at),
        updated_at=instant(incident.updated_at),
        version=incident.version,
        alerts=incident.alerts,
        firing=incident.firing,
        acknowledged_at=instant(incident.acknowledged_at),
        acknowledged_by=incident.acknowledged_by,
        acknowledged_until=instant(incident.acknowledged_until),
        mitigated_at=instant(incident.mitigated_at),
        resolved_at=instant(incident.resolved_at),
        resolved_by=incident.resolved_by,
        reopened=incident.reopened,
    )


def show_exposure(exposure: Exposure) -> ShownExposure:
    """Return how much of an asset is held, and may be."""
    return ShownExposure(
        asset=exposure.asset,
        amount=exposure.amount,
        actor=exposure.actor,
        until=instant(exposure.until),
        limit=exposure.limit,
        weather=None if exposure.weather is None else str(exposure.weather),
        cap=exposure.cap,
        to_cut=exposure.to_cut,
    )


def _silence(silence: Silence) -> ShownSilence:
    matcher = silence.matcher
    return ShownSilence(
        id=silence.id,
        signals=matcher.signals,
        symbols=matcher.symbols,
        venues=matcher.venues,
        severities=tuple(str(each) for each in matcher.severities),
        starts_at=instant(silence.starts_at),
        ends_at=instant(silence.ends_at),
        author=silence.author,
        comment=silence.comment,
    )


def _mute(mute: Mute) -> ShownMute:
    return ShownMute(
        at=instant(mute.at),
        stage=str(mute.stage),
        reason=mute.reason,
        alert=mute.alert_id,
        incident=mute.incident_id,
    )
