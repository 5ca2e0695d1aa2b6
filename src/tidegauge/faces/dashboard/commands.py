"""What can be ordered of the desk: the dialog of each order, and what it sends."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tidegauge.faces.desk.ordering import MOST_COMMENT, MOST_NAME
from tidegauge.runtime.window.desk import ShownIncident

from .cells import MINUTE
from .dialogs import Field, OrderDialog
from .orders import Told
from .scene import Scene

Give = Callable[[str, Mapping[str, Any]], Awaitable[Told]]
"""Sends a body to a path of the API, and returns what came of it."""

LONGEST_MIN = 30 * 24 * 60
SILENCE_MIN = "60"


def acknowledging(incident: ShownIncident, give: Give) -> OrderDialog:
    """Ask how to take an incident on."""

    async def act(values: Mapping[str, str]) -> Told:
        body = _said(values)
        minutes = values["minutes"].strip()
        if minutes:
            span = _seconds(minutes)
            if span is None:
                return _refused(f"{minutes!r} is no number of minutes from 1 to {LONGEST_MIN:,}")
            body["until_s"] = span
        return await give(f"/incidents/{incident.id}/acknowledge", body)

    fields = (
        Field("minutes", "for how many minutes (as the rules say, if you leave it empty)"),
        Field("comment", "comment (may be empty)"),
    )
    return OrderDialog(f"Acknowledge {incident.id}", incident.trigger, fields, act)


def commenting(incident: ShownIncident, give: Give) -> OrderDialog:
    """Ask what is to be known of an incident."""

    async def act(values: Mapping[str, str]) -> Told:
        if not values["comment"].strip():
            return _refused("the comment is empty; write what is to be known")
        return await give(f"/incidents/{incident.id}/comment", _said(values))

    fields = (Field("comment", "what everybody who looks at it will see"),)
    return OrderDialog(f"Comment on {incident.id}", incident.trigger, fields, act)


def resolving(incident: ShownIncident, give: Give) -> OrderDialog:
    """Ask why an incident is over."""

    async def act(values: Mapping[str, str]) -> Told:
        if not values["comment"].strip():
            return _refused("nobody says why; write what ended it")
        return await give(f"/incidents/{incident.id}/resolve", _said(values))

    firing = len(incident.firing)
    about = (
        f"{firing} of its alerts still fire and will be dismissed" if firing else incident.trigger
    )
    return OrderDialog(f"Resolve {incident.id}", about, (Field("comment", "why it is over"),), act)


def silencing(scene: Scene, incident: ShownIncident | None, give: Give) -> OrderDialog:
    """Ask of what nobody is to be paged. An incident says what is proposed."""
    members = () if incident is None else incident.alerts
    signals = {each.signal for each in scene.alerts if each.id in members}

    async def act(values: Mapping[str, str]) -> Told:
        span = _seconds(values["minutes"].strip())
        if span is None:
            return _refused(f"say for how many minutes, from 1 to {LONGEST_MIN:,}")
        if not values["comment"].strip():
            return _refused("nobody says why; write why nobody is to be paged")
        body = {
            "for_s": span,
            **{name: _names(values[name]) for name in ("signals", "symbols", "venues")},
            **_said(values),
        }
        if not any(body[name] for name in ("signals", "symbols", "venues")):
            return _refused("it would silence everything; name a signal, a symbol or a venue")
        return await give("/silences", body)

    fields = (
        Field(
            "symbols",
            "symbols, with commas (empty: all)",
            incident.symbol if incident else scene.symbol,
        ),
        Field("signals", "signals, with commas (empty: all)", ", ".join(sorted(signals))),
        Field("venues", "venues, with commas (empty: all)"),
        Field("minutes", "for how many minutes", SILENCE_MIN),
        Field("comment", "why"),
    )
    about = "Nobody is paged of what fits all of this; incidents open all the same"
    return OrderDialog("Silence", about, fields, act)


def actor(environment: Mapping[str, str]) -> str:
    """Return who orders: the user of this shell; empty where nobody knows."""
    return environment.get("USER", "").strip()[:MOST_NAME]


def _said(values: Mapping[str, str]) -> dict[str, Any]:
    return {"comment": values["comment"].strip()[:MOST_COMMENT]}


def _names(text: str) -> list[str]:
    return [name for each in text.split(",") if (name := each.strip())]


def _seconds(minutes: str) -> float | None:
    try:
        value = float(minutes)
    except ValueError:
        return None
    return value * MINUTE if 0 < value <= LONGEST_MIN else None


def _refused(why: str) -> Told:
    return Told("refused", why)
