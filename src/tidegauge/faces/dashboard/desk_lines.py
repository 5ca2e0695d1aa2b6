"""The desk: incidents and alerts, one of which is chosen."""

from collections.abc import Sequence
from datetime import datetime

from tidegauge.faces.figures import money
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident

from .cells import Line, cell, line, padded, seconds
from .scene import Scene

SEVERITY = {"critical": "bad", "high": "bad", "warning": "warn", "info": ""}


def desk_lines(scene: Scene, chosen: str | None, width: int, height: int) -> list[Line]:
    """Return the incidents, what there is to know of the chosen one, and the alerts that fire."""
    shown = scene.incidents
    firing = [each for each in scene.alerts if each.state == "firing"]
    if not shown and not firing:
        return [line(), line(padded(" nothing is open, and nothing fires", width, "good"))]
    place = next((n for n, each in enumerate(shown) if each.id == chosen), 0)
    about = _about(shown[place], width) if shown else []
    alerts = [_alert(each, scene.at, width) for each in firing]
    room = max(1, height - len(about) - min(len(alerts) + 1, max(2, height // 3)))
    first = max(0, min(place - room // 2, len(shown) - room))
    rows = [
        _incident(each, scene.at, width, chosen=n == place)
        for n, each in enumerate(shown[first : first + room], first)
    ]
    where = f" incident {place + 1} of {len(shown)};" if len(shown) > room else ""
    head = line(padded(f"{where} {counted(len(firing), 'alert')} firing", width, "dim"))
    return [*rows, *about, head, *alerts][:height]


def _incident(each: ShownIncident, now: datetime, width: int, *, chosen: bool) -> Line:
    mark, ink = ("▶ ", "accent") if chosen else ("  ", "")
    over = each.state == "resolved"
    return line(
        cell(mark, ink),
        padded(each.severity.upper(), 9, "dim" if over else SEVERITY.get(each.severity, "bad")),
        padded(each.state, 13, "dim" if each.state != "open" else "strong"),
        padded(each.symbol, 10),
        padded(each.family, 11),
        padded(f"{each.opened_at:%H:%M:%S} {_ago(each.opened_at, now)}", 14, "dim"),
        padded(each.trigger, width - 59, "dim" if over else ""),
    )


def _about(each: ShownIncident, width: int) -> list[Line]:
    """Return what there is to know of one incident, in at most five lines."""
    words = [f"{each.id}: {each.action.replace('_', ' ')}"]
    if each.impact_quote is not None:
        words.append(f"costs {money(each.impact_quote)} more than usual")
    if each.acknowledged_by is not None:
        until = "" if each.acknowledged_until is None else f" until {each.acknowledged_until:%H:%M}"
        words.append(f"{each.acknowledged_by} has it{until}")
    elif each.state == "open":
        words.append("nobody has it")
    if each.resolved_by is not None:
        words.append(f"resolved by {each.resolved_by}")
    words.append(f"{len(each.firing)} of {counted(len(each.alerts), 'alert')} firing")
    return [
        *(line(cell("  │ ", "dim"), cell(text)) for text in wrapped(each.trigger, width - 5)[:3]),
        line(cell("  └ ", "dim"), padded(", ".join(words), width - 5, "dim")),
    ]


def _alert(each: ShownAlert, now: datetime, width: int) -> Line:
    unseen = "" if each.unobserved_since is None else "(unseen) "
    return line(
        cell("  "),
        padded(each.severity, 9, SEVERITY.get(each.severity, "bad")),
        padded(each.signal.replace("_", " "), 19),
        padded(f"{each.venue} {each.symbol}", 22),
        padded(_ago(each.started_at, now), 6, "dim", right=True),
        padded(f"  {unseen}{each.sentence}", width - 58),
    )


def counted(number: int, what: str) -> str:
    """Write how many there are of something."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _ago(then: datetime, now: datetime) -> str:
    return seconds(max(0.0, (now - then).total_seconds()))


def wrapped(text: str, width: int) -> list[str]:
    """Return text in lines of at most so many characters, cut between words."""
    lines: list[str] = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [each for each in lines if each]


def moved(incidents: Sequence[ShownIncident], chosen: str | None, steps: int) -> str | None:
    """Return the incident that is so many lines further down than the chosen one."""
    if not incidents:
        return None
    place = next((n for n, each in enumerate(incidents) if each.id == chosen), 0)
    return incidents[min(max(place + steps, 0), len(incidents) - 1)].id
