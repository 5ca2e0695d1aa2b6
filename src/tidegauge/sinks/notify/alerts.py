"""Pages as alerts of an Alertmanager (its API v2).

An alert there is its labels; it lasts until `endsAt`, so one that goes on is told again and again. The
severity is a label, as routes ask for it: when it changes, the alert with the old one is ended.
"""

import re
from typing import Any

from tidegauge.core.desk import Page
from tidegauge.core.instrument import Nanos

from ..outbox.parcel import incident_of
from .spelling import Spelled
from .wording import LASTS, Post, iso

PATH = "/api/v2/alerts"
NAME = "TidegaugeIncident"


def to_alertmanager(to: Spelled, page: Page, before: Page | None, now: Nanos) -> Post:
    """Tell of one page, and end what `before` told if that is another alert."""
    alerts = [alert_of(page, now)]
    if before is not None and labels_of(before) != labels_of(page):
        alerts.append(alert_of(before, now, ended=page.at))
    return posted(to, alerts)


def posted(to: Spelled, alerts: list[dict[str, Any]]) -> Post:
    """Return the request that tells of alerts."""
    origin = to.url.rstrip("/")
    return Post(origin if origin.endswith(PATH) else origin + PATH, alerts)


def alert_of(page: Page, now: Nanos, *, ended: Nanos | None = None) -> dict[str, Any]:
    """Return a page as an alert. One of no incident, such as a digest, lasts for a few minutes."""
    starts = page.at if page.starts_at is None else page.starts_at
    if page.over:
        ended = page.at if page.ends_at is None else page.ends_at
    elif incident_of(page) is None:
        ended = page.at + LASTS
    return {
        "labels": labels_of(page),
        "annotations": {"summary": page.title, "description": page.text, "kind": page.kind},
        "startsAt": iso(starts),
        "endsAt": iso(max(now + LASTS if ended is None else ended, starts + 1_000)),
    }


def labels_of(page: Page) -> dict[str, str]:
    """Return what makes it the same alert. An Alertmanager refuses names with other signs."""
    incident = incident_of(page)
    told = {re.sub(r"[^a-zA-Z0-9_]", "_", name): text for name, text in page.labels.items()}
    said = {
        "alertname": NAME if incident is not None else f"Tidegauge{page.kind.capitalize()}",
        "incident": incident or page.key,
        "symbol": page.symbol,
        "severity": str(page.severity),
        **{f"_{name}" if name[:1].isdigit() else name: text for name, text in told.items()},
    }
    return {name: text for name, text in said.items() if name and text}
