"""One line of log for what a frame causes at the desk: alerts, incidents, pages and mutes.

Each carries as `trace` the frame behind it, the same as the lines of the feed that it came by. It is
looked up when there is something to log, so a frame that causes nothing costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import structlog

from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.desk import Arrival, Delivery, Mute, Page
from tidegauge.core.incident import DAEMON, Transition
from tidegauge.core.instrument import Nanos

from .monitor import Monitor

Heard: TypeAlias = Callable[[str, str | None, Nanos, Mapping[str, Any]], None]
"""Told the same as the log: what happened, the frame behind it, since when it was under way, and more."""

LEVELS = {AlertState.FIRING: "warning", AlertState.RESOLVED: "info"}
"""Of what is only on its way, and of what came to nothing, only who debugs wants to know."""

MOST_PAGES = 1000

log = structlog.get_logger(__name__)


class DeskLog:
    """`told` takes whatever the monitor tells, and what becomes of pages."""

    def __init__(self, monitor: Monitor, heard: Heard = lambda *_: None) -> None:
        self._monitor = monitor
        self._heard = heard
        self._pages: dict[str, str | None] = {}
        """What caused pages that are on their way: until one arrives, its alert may have changed."""

    def told(self, record: object) -> None:
        """Write a line, if it is one for the log."""
        match record:
            case Alert():
                self._alert(record)
            case Transition():
                self._transition(record)
            case Page(at=at) if record.channels:
                trace, channels = self._caused(record), [*record.channels]
                self._line("page_submitted", trace, at, page=record.key, channels=channels)
            case Delivery(page_key=key, arrival=Arrival.SENT):
                known = key in self._pages
                trace = self._pages[key] if known else self._of_incidents(record.incidents)
                began = record.at if record.first_at is None else record.first_at
                self._line("page_sent", trace, began, page=key, channel=record.channel)
            case Mute(alert_id=alert, incident_id=incident):
                trace = self._latest([alert]) if alert else self._of_incidents([incident or ""])
                said = {"stage": str(record.stage), "reason": record.reason}
                self._line("muted", trace, record.at, alert=alert, incident=incident, **said)

    def _alert(self, alert: Alert) -> None:
        key = alert.key
        self._line(
            f"alert_{alert.state}",
            alert.trace,
            alert.updated_at,
            level=LEVELS.get(alert.state, "debug"),
            alert=alert.id,
            signal=str(key.signal),
            symbol=key.symbol,
            venue=key.venue,
            severity=str(alert.severity),
            sentence=alert.sentence,
        )

    def _transition(self, told: Transition) -> None:
        incident, event = told.incident, told.event
        caused_by = event.detail.get("alert")
        by = None if event.actor == DAEMON else event.actor
        # What a person does is caused by no frame.
        trace = None if by else self._latest([caused_by] if caused_by else incident.alerts)
        self._line(
            f"incident_{event.kind}",
            trace,
            event.at,
            incident=incident.id,
            symbol=incident.symbol,
            family=str(incident.family),
            severity=str(incident.severity),
            alert=caused_by,
            by=by,
        )

    def _caused(self, page: Page) -> str | None:
        if len(self._pages) >= MOST_PAGES:
            del self._pages[next(iter(self._pages))]
        trace = self._pages[page.key] = self._of_incidents(page.of)
        return trace

    def _of_incidents(self, ids: Iterable[str]) -> str | None:
        cases = self._monitor.desk.incidents.by_id
        known = [cases[id_].incident for id_ in ids if id_ in cases]
        return self._latest(alert for incident in known for alert in incident.alerts)

    def _latest(self, ids: Iterable[str]) -> str | None:
        """Return the frame behind the latest change of these alerts, None where none is known."""
        known = (self._monitor.alerts.get(id_) for id_ in ids)
        found = max(filter(None, known), key=lambda alert: alert.updated_at, default=None)
        return None if found is None else found.trace

    def _line(
        self, event: str, trace: str | None, began: Nanos, *, level: str = "info", **fields: Any
    ) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        self._heard(event, trace, began, known)
        getattr(log, level)(event, **known, **({} if trace is None else {"trace": trace}))
