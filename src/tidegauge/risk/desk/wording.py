"""What a page says: a title of one line, and a text that answers what a shift asks first."""

from collections.abc import Mapping, Sequence

from ...core.alert import ALL, Action, AlertKey, Severity
from ...core.desk import PageKind
from ...core.incident import Incident, IncidentState
from ...core.instrument import Nanos
from .case import Case
from .channel import Entry
from .times import lasting, utc

ADVICE: Mapping[Action, str] = {
    Action.MONITOR: "keep watching",
    Action.WIDEN_SPREAD: "widen quotes and trade smaller",
    Action.PAUSE_ASSET: "pause quoting and large orders until it is over",
    Action.HEDGE: "hedge what is held",
    Action.REDUCE: "reduce what is held",
    Action.LIQUIDATE: "close what is held",
}
_BEGINS: Mapping[PageKind, str] = {
    PageKind.ESCALATED: "Worse: ",
    PageKind.REOPENED: "Back: ",
    PageKind.REMINDED: "Nobody has it: ",
    PageKind.ACKNOWLEDGEMENT_EXPIRED: "Acknowledgement expired: ",
    PageKind.FLAPPING: "Comes and goes: ",
    PageKind.UNSILENCED: "Still open: ",
    PageKind.ACKNOWLEDGED: "Acknowledged: ",
    PageKind.RESOLVED: "Over: ",
}
NAMED = 3
LISTED = 20
"""So many incidents a digest names one by one; it speaks of all."""


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, for a title."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def subject(key: AlertKey, incident: Incident) -> str:
    """Say what an incident is about: the symbol, the kind of trouble, and where it began."""
    symbol = "all symbols" if incident.symbol == ALL else incident.symbol
    venues = " and ".join(key.venues)
    return one_line(f"{symbol} {incident.family}{f' on {venues}' if venues else ''}")


def title(case: Case, kind: PageKind) -> str:
    """Return the one line of a page."""
    incident = case.incident
    over = kind is PageKind.RESOLVED
    severity = incident.worst_severity if over else incident.severity
    return f"{_BEGINS.get(kind, '')}{str(severity).upper()} {subject(case.opened_by, incident)}"


def text(case: Case, kind: PageKind, now: Nanos) -> str:
    """Return the lines of a page: what, since when, how bad, what it costs, what to do, who."""
    incident = case.incident
    worst = max(case.firing.values(), key=lambda alert: alert.severity, default=None)
    lines = [incident.trigger if worst is None else worst.sentence]
    if kind is PageKind.FLAPPING:
        lines.append(
            f"It came back {case.recurred} times. You are told again when it gets worse or is over."
        )
    if kind is PageKind.RESOLVED:
        lines.append(_ended(incident))
        if incident.firing:
            lines.append(still_firing(len(incident.firing)))
    else:
        lines.append(
            f"Since {utc(incident.opened_at)} ({lasting(now - incident.opened_at)}), "
            f"worst severity {incident.worst_severity}."
        )
    if incident.impact_quote is not None:
        lines.append(
            f"Impact: the configured size costs {incident.impact_quote:,.2f} more than usual"
            " (in quote, at worst)."
        )
    else:
        lines.append("Impact: unknown.")
    if kind is not PageKind.RESOLVED:
        lines += [f"Do: {incident.action} - {ADVICE[incident.action]}.", owner(incident)]
    if case.unheard:
        lines.append(unheard(case))
    lines.append(f"tidegauge incidents show {incident.id}")
    return "\n".join(lines)


def owner(incident: Incident) -> str:
    """Say who has an incident."""
    if incident.acknowledged_by is None:
        return "Nobody has it."
    until = incident.acknowledged_until
    return f"{incident.acknowledged_by} has it" + (
        "." if until is None else f" until {utc(until)}."
    )


def unheard(case: Case) -> str:
    """Say that nobody knows whether something still fires."""
    names = [alert_id if key is None else str(key) for alert_id, key in case.unheard.items()]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"Nothing was heard of {', '.join(names[:NAMED])}{more} since a restart: it stays open until"
        " something is, or a person resolves it."
    )


def labels(case: Case) -> dict[str, str]:
    """Return the labels of a page. All but `severity` are the same in every page of an incident."""
    incident, key = case.incident, case.opened_by
    return {
        "alertname": str(key.signal or incident.family),
        "symbol": incident.symbol,
        "venue": key.venue,
        "severity": str(incident.worst_severity),
        "family": str(incident.family),
        "incident": incident.id,
    }


def digest_title(entries: Sequence[Entry]) -> str:
    """Return the one line of a digest."""
    counts = [
        f"{number} {severity}"
        for severity in reversed(Severity)
        if (number := sum(entry.severity is severity for entry in entries))
    ]
    over = sum(entry.kind is PageKind.RESOLVED for entry in entries)
    ended = f", {over} of them over" if over else ""
    several = "s" if len(entries) != 1 else ""
    return f"{len(entries)} incident{several} in one page: {', '.join(counts)}{ended}"


def digest_text(entries: Sequence[Entry]) -> str:
    """Return the lines of a digest: the worst ones, and how many more there are."""
    lines = [f"{utc(entry.at)} {entry.title} ({entry.incident_id})" for entry in entries[:LISTED]]
    more = len(entries) - len(lines)
    if more:
        lines.append(f"... and {more} more.")
    return "\n".join([*lines, "tidegauge incidents list"])


def still_firing(number: int) -> str:
    """Say what becomes of alerts that fire when a person resolves their incident."""
    verb = "fires" if number == 1 else "fire"
    return (
        f"{number} of its alerts still {verb}: it is reopened only by one that gets worse, or that"
        " ends and fires anew."
    )


def _ended(incident: Incident) -> str:
    ended = incident.resolved_at if incident.state is IncidentState.RESOLVED else None
    ended = incident.updated_at if ended is None else ended
    by = f" by {incident.resolved_by}" if incident.resolved_by else ""
    again = f", came back {incident.reopened} times" if incident.reopened else ""
    return (
        f"Resolved{by} at {utc(ended)}, {lasting(ended - incident.opened_at)} after it opened"
        f" ({utc(incident.opened_at)}); worst severity {incident.worst_severity}{again}."
    )
