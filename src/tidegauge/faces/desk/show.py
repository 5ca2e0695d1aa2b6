"""One incident as a shift wants it at handover: what, since when, how bad, who has it, what to do."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from tidegauge.core.alert import ALL, Action
from tidegauge.core.incident import IncidentChange
from tidegauge.faces.cells import lasted
from tidegauge.faces.figures import UNKNOWN, price, printable

TO_DO = {
    Action.MONITOR: "watch it",
    Action.WIDEN_SPREAD: "quote wider",
    Action.PAUSE_ASSET: "quote and trade it no more until it is over",
    Action.HEDGE: "hedge what is held",
    Action.REDUCE: "hold less of it",
    Action.LIQUIDATE: "sell what is held",
}

Rows = Sequence[Any]

ALERTS = ("state", "severity", "signal", "where", "since (UTC)", "what")
EVENTS = ("at (UTC)", "what", "who", "said")
DELIVERIES = ("at (UTC)", "channel", "of", "arrived")


def head_of(incident: Any) -> str:
    """Say in one line which incident it is, and how it stands."""
    what = "every symbol" if incident["symbol"] == ALL else printable(incident["symbol"])
    return f"{incident['id']}: {incident['family']} of {what}, {incident['state'].upper()}"


def facts_of(incident: Any) -> list[tuple[str, str]]:
    """Return what a shift asks first, and the answers."""
    rows = [
        ("what", printable(incident["trigger"])),
        (
            "since",
            f"{moment(incident['opened_at'])} ({ago(incident['opened_at'], incident['now'])})",
        ),
        ("how bad", how_bad(incident)),
        ("it costs", cost(incident["impact_quote"])),
        ("who has it", who(incident)),
        ("what to do", to_do(incident["action"])),
    ]
    if incident["mitigated_at"] is not None and incident["state"] != "resolved":
        rows.append(("mitigated", f"nothing fires since {moment(incident['mitigated_at'])}"))
    if incident["resolved_at"] is not None and incident["state"] == "resolved":
        took = lasted(incident["resolved_at"] - incident["opened_at"])
        rows.append(
            (
                "over since",
                f"{moment(incident['resolved_at'])}, by {_name(incident['resolved_by'])}, after {took}",
            )
        )
    if incident["reopened"]:
        rows.append(
            ("came back", "once" if incident["reopened"] == 1 else f"{incident['reopened']} times")
        )
    rows.append(("version", str(incident["version"])))
    return rows


def how_bad(incident: Any) -> str:
    """Say how severe it is now, and at worst."""
    now, worst = incident["severity"], incident["worst_severity"]
    if incident["state"] == "resolved":
        return f"it was {worst} at worst"
    if not incident["firing"]:
        return f"nothing fires now; {worst} at worst"
    return f"{now}, the worst so far" if now == worst else f"{now} now, {worst} at worst"


def cost(impact: Decimal | None) -> str:
    """Say what the configured size costs more than usual."""
    if impact is None:
        return "unknown"
    exact = price(impact.quantize(Decimal("0.01")))
    return f"{exact} more than usual for the configured size, in quote"


def who(incident: Any) -> str:
    """Say who has it, and until when."""
    by, until, now = (incident[name] for name in ("acknowledged_by", "acknowledged_until", "now"))
    if incident["state"] == "resolved":
        return "nobody has to: it is over" + ("" if by is None else f" ({_name(by)} had it)")
    if by is None or incident["acknowledged_at"] is None:
        return "NOBODY"
    since = f"since {moment(incident['acknowledged_at'])}"
    if until is None:
        return f"{_name(by)}, {since}"
    if until <= now:
        return f"NOBODY: {_name(by)} had it until {moment(until)}"
    return f"{_name(by)}, {since}, until {moment(until)} (for {lasted(until - now)} more)"


def owner(incident: Any) -> str:
    """Say who has it, in a word."""
    by, until, now = (incident[name] for name in ("acknowledged_by", "acknowledged_until", "now"))
    if incident["state"] == "resolved":
        return UNKNOWN
    return "NOBODY" if by is None or (until is not None and until <= now) else _name(by)


def to_do(action: str) -> str:
    """Say what is recommended: the word of the rules, and what it means."""
    try:
        return f"{action}: {TO_DO[Action(action)]}"
    except ValueError:
        return printable(action)


def facts_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Return names and texts, the names in bold."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in rows:
        table.add_row(name, Text(said))
    return table


def alert_rows(alerts: Rows, now: datetime) -> list[tuple[str, ...]]:
    """Return the alerts of an incident: state, severity, what and where, since when, the sentence."""
    return [
        (
            *(each["state"], each["severity"], each["signal"], where(each)),
            f"{moment(each['started_at'])}{for_how_long(each, now)}",
            each["sentence"],
        )
        for each in alerts
    ]


def where(alert: Any) -> str:
    """Say what an alert is about."""
    venue = alert["venue"].replace("~", " against ")
    side = f" ({alert['side']})" if alert["side"] else ""
    return f"{alert['symbol']} {venue}{side}" if venue != ALL else f"{alert['symbol']}{side}"


def for_how_long(alert: Any, now: datetime) -> str:
    """Say how long an alert has lasted, or did."""
    end = alert["ended_at"]
    return f", for {lasted((end or now) - alert['started_at'])}"


def event_rows(events: Rows, *, whole: bool = True) -> list[tuple[str, ...]]:
    """Return the timeline: when, what, who, and what they said or what it was about.

    Not `whole`: without the changes of alerts that changed nothing for the incident.
    """
    return [
        (moment(each["at"]), each["kind"].replace("_", " "), each["actor"], said_of(each))
        for each in events
        if whole or each["kind"] != IncidentChange.UPDATED
    ]


def said_of(event: Any) -> str:
    """Say what a person said of an event, or which alert it was, by the first of its sentences."""
    told = detail_of(event)
    sentence = str(told.pop("says", ""))
    about = ""
    if sentence:
        first = sentence.partition(". ")[0].removesuffix(".")
        about = f"{told.get('severity', '')} {told.get('signal', '')}: {first}".strip()
    elif told:
        about = ", ".join(
            f"{name} {said}" for name, said in sorted(told.items()) if name != "order"
        )
    return "; ".join(filter(None, (event["comment"], about)))


def delivery_rows(deliveries: Rows) -> list[tuple[str, ...]]:
    """Return who was told: when, where, of what, and whether it arrived."""
    return [
        (
            moment(each["sent_at"] or each["updated_at"]),
            each["channel"],
            each["kind"].replace("_", " "),
            arrived(each),
        )
        for each in deliveries
    ]


def arrived(delivery: Any) -> str:
    """Say whether a notification arrived."""
    count = delivery["attempts"]
    tried = f"after {count} attempt{'' if count == 1 else 's'}"
    why = f": {delivery['said']}" if delivery["said"] else ""
    match delivery["arrival"]:
        case "sent":
            return "arrived" if count == 1 else f"arrived {tried}"
        case "retrying":
            return f"NOT YET, {tried}{why}"
        case _:
            return f"FAILED, {tried}{why}"


def moment(at: datetime | None) -> str:
    """Write an instant with its date, to the second, UTC."""
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """Write how long ago something was, by the database's clock."""
    return f"{lasted(max(now - at, timedelta()))} ago"


def detail_of(event: Any) -> dict[str, Any]:
    """Return what else belongs to an event."""
    found: dict[str, Any] = json.loads(event["detail"] or "{}")
    return found


def _name(by: str | None) -> str:
    return UNKNOWN if by is None else printable(by)
