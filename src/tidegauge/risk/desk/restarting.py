"""What a desk keeps for a restart, and how it goes on: nobody is told twice, nothing resolves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...core.alert import ALL, AlertKey
from ...core.desk import Outcome, PageKind
from ...core.incident import Incident, IncidentChange, IncidentEvent, IncidentState
from ...core.instrument import Nanos
from .case import Case
from .channel import Channel
from .heartbeat import Counts, Heartbeat
from .incidents import Incidents
from .intake import Firing, Intake
from .mutes import Mutes
from .orders import Orders
from .paging import Pager
from .quieting import Quiet
from .state import DeskState, KeptAlert, KeptCase, KeptChannel

MOST_OUTCOMES = 1_000

_TOLD: Mapping[IncidentChange, PageKind] = {
    IncidentChange.OPENED: PageKind.OPENED,
    IncidentChange.ESCALATED: PageKind.ESCALATED,
    IncidentChange.ACKNOWLEDGED: PageKind.ACKNOWLEDGED,
    IncidentChange.ACKNOWLEDGEMENT_EXPIRED: PageKind.ACKNOWLEDGEMENT_EXPIRED,
    IncidentChange.RESOLVED: PageKind.RESOLVED,
    IncidentChange.REOPENED: PageKind.REOPENED,
}


class Parts(NamedTuple):
    """All that a desk consists of."""

    mutes: Mutes
    quiet: Quiet
    pager: Pager
    incidents: Incidents
    intake: Intake
    orders: Orders
    heartbeat: Heartbeat


def kept(parts: Parts, counts: Counts) -> DeskState:
    """Return what to keep."""
    incidents = parts.incidents
    return DeskState(
        alerts=tuple(
            KeptAlert(alert=firing.alert, impact=firing.impact)
            for firing in parts.intake.firing.values()
        ),
        dismissed=dict(incidents.dismissed),
        cases=tuple(_kept_case(case) for case in incidents.by_id.values()),
        silences=tuple(parts.quiet.silences.values()),
        outcomes=tuple(parts.orders.outcomes.values())[-MOST_OUTCOMES:],
        channels=tuple(_kept_channel(channel) for channel in parts.pager.channels.values()),
        mutes=tuple(parts.mutes.lately),
        heartbeat_next=parts.heartbeat.next,
        counts=counts,
        counts_told=parts.heartbeat.since,
    )


def restore(
    parts: Parts,
    state: DeskState | None,
    incidents: Iterable[Incident],
    now: Nanos,
    events: Iterable[IncidentEvent],
) -> None:
    """Put it back, onto a desk that is still empty. What the log says of an incident is the truth."""
    lost = state is None
    state = state or DeskState()
    parts.mutes.restore(state.mutes)
    parts.quiet.restore(state.silences)
    parts.heartbeat.next, parts.heartbeat.since = state.heartbeat_next, state.counts_told
    for told in state.channels:
        channel = parts.pager.channels[told.name] = Channel(told.name)
        channel.restore(began=told.began, sent=told.sent, due=told.due, crowded=told.crowded)
        channel.expect(told.waiting)
    happened: dict[str, list[IncidentEvent]] = {}
    for event in sorted(events, key=lambda each: each.number):
        happened.setdefault(event.incident_id, []).append(event)
    cases = _cases(parts, state, incidents, happened, now)
    parts.orders.remember(state.outcomes)
    for case in cases:
        parts.orders.remember(_outcomes(happened.get(case.incident.id, [])))
    _alerts(parts, state, [case.incident for case in cases], now)
    known = {each.incident_id: each for each in state.cases}
    for case in cases:
        # Of what is over for long everybody heard, as far as one can tell without any state.
        if not (lost and case.over and not parts.incidents.lately(case.incident, now)):
            _tell_again(parts, case, known.get(case.incident.id), happened, now)
    parts.pager.pay(now)


def _cases(
    parts: Parts,
    state: DeskState,
    incidents: Iterable[Incident],
    happened: Mapping[str, list[IncidentEvent]],
    now: Nanos,
) -> list[Case]:
    known = {each.incident_id: each for each in state.cases}
    alerts = {each.alert.id: each for each in state.alerts}
    cases = []
    parts.incidents.dismissed.update(state.dismissed)
    for incident in sorted(incidents, key=lambda each: each.resolved_at or each.updated_at):
        case = _case(incident, known.get(incident.id), happened.get(incident.id, []))
        if case.over:
            for alert_id in incident.firing:
                severity = state.dismissed.get(alert_id, incident.severity)
                parts.incidents.dismissed[alert_id] = severity
        else:
            _know_alerts(case, alerts, happened.get(incident.id, []))
            case.heard_by = now + parts.intake.rules.settle_for if case.unheard else None
        if case.told.owed is not None:
            parts.pager.owing[incident.id] = case
        parts.incidents.restore(case)
        cases.append(case)
    return cases


def _case(incident: Incident, before: KeptCase | None, events: list[IncidentEvent]) -> Case:
    """Know an incident again: what was in mind of it, and what the log says happened since."""
    opened_by = next((key for event in events if (key := _key(event, incident)) is not None), None)
    if before is not None:
        opened_by = before.opened_by
    nobody = AlertKey(signal="", symbol=incident.symbol, venue=ALL)
    case = Case(incident, opened_by or nobody)
    if before is not None:
        case.recurred, case.open_since = before.recurred, before.open_since
        case.history.extend(before.history)
        told = case.told
        told.channels, told.owed = dict(before.channels), before.owed
        told.reminded, told.flapping = before.reminded, before.flapping
    for event in _since(before, events):
        case.history.append(event)
        case.recurred += event.kind is IncidentChange.RECURRED
        if event.to_state is IncidentState.OPEN and event.from_state is not IncidentState.OPEN:
            case.open_since = event.at
    return case


def _know_alerts(case: Case, alerts: Mapping[str, KeptAlert], events: list[IncidentEvent]) -> None:
    """Nothing was heard yet of any alert; of some not even the key is known."""
    keys = {event.detail.get("alert"): _key(event, case.incident) for event in events}
    for alert_id in case.incident.firing:
        known = alerts.get(alert_id)
        if known is not None:
            case.firing[alert_id] = known.alert
        case.unheard[alert_id] = keys.get(alert_id) if known is None else known.alert.key


def _alerts(parts: Parts, state: DeskState, incidents: Sequence[Incident], now: Nanos) -> None:
    """Know what fired, without what ended, by the log, after the state was kept."""
    # One that was dismissed fires on, though its incident came back without it.
    fires = {alert_id for incident in incidents for alert_id in incident.firing}
    fires.update(state.dismissed)
    known = {each.incident_id: each.version for each in state.cases}
    ended = {
        alert_id
        for incident in incidents
        if incident.version != known.get(incident.id)
        for alert_id in incident.alerts
    } - fires
    for each in state.alerts:
        if each.alert.id not in ended:
            parts.intake.restore(Firing(each.alert, each.impact))
    parts.intake.place_restored(now)


def _tell_again(
    parts: Parts,
    case: Case,
    before: KeptCase | None,
    happened: Mapping[str, list[IncidentEvent]],
    now: Nanos,
) -> None:
    """Tell what may not have been told when the desk stopped, by the keys it had."""
    events = happened.get(case.incident.id, [])
    for event in _since(before, events):
        kind = _TOLD.get(event.kind)
        if kind is not None:
            parts.pager.tell(case, kind, now, event.number)
    if before is None and not events:
        if case.incident.state is IncidentState.OPEN:
            parts.pager.tell(case, PageKind.OPENED, now, 1)
        elif not case.over:
            # Somebody was told of it, or has it: they are to hear when it is over.
            case.told.channels = dict.fromkeys(parts.pager.route(*case.lead()), True)


def _since(before: KeptCase | None, events: list[IncidentEvent]) -> list[IncidentEvent]:
    return [event for event in events if before is None or event.number > before.version]


def _outcomes(events: list[IncidentEvent]) -> Iterable[Outcome]:
    """Orders that the log has were carried out, whether anybody heard of it or not."""
    for event in events:
        order = event.detail.get("order")
        if order is not None:
            done = f"{event.kind} by {event.actor}, before a restart"
            yield Outcome(order_id=order, at=event.at, done=True, said=done, version=event.number)


def _key(event: IncidentEvent, incident: Incident) -> AlertKey | None:
    detail = event.detail
    if "signal" not in detail or "venue" not in detail:
        return None
    return AlertKey(
        signal=detail["signal"],
        symbol=incident.symbol,
        venue=detail["venue"],
        side=detail.get("side", ""),
    )


def _kept_case(case: Case) -> KeptCase:
    return KeptCase(
        incident_id=case.incident.id,
        version=case.incident.version,
        opened_by=case.opened_by,
        recurred=case.recurred,
        open_since=case.open_since,
        channels=dict(case.told.channels),
        owed=case.told.owed,
        reminded=case.told.reminded,
        flapping=case.told.flapping,
        history=tuple(case.history),
    )


def _kept_channel(channel: Channel) -> KeptChannel:
    return KeptChannel(
        name=channel.name,
        began=channel.began,
        sent=channel.sent,
        due=channel.due,
        crowded=channel.crowded,
        waiting=tuple(channel.waiting.values()),
    )
