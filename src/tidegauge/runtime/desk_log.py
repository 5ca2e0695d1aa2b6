"""One line of log for what a frame causes at the desk: alerts, incidents, pages and mutes.

Each carries as `trace` the frame behind it, the same as the lines of the feed that it came by. It is
looked up when there is something to log, so a frame that causes nothing costs nothing.
"""

from collections.abc import Iterable
from typing import Any

import structlog

from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.desk import Arrival, Delivery, Mute, Page
from tidegauge.core.incident import DAEMON, Transition

from .monitor import Monitor

log = structlog.get_logger(__name__)

LEVELS = {AlertState.FIRING: "warning", AlertState.RESOLVED: "info"}
"""Of what is only on its way, and of what came to nothing, only who debugs wants to know."""


MOST_PAGES = 1000


class DeskLog:
    """`told` takes whatever the monitor tells, and what becomes of pages."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._pages: dict[str, str | None] = {}
        """What caused pages that are on their way: until one arrives, its alert may have changed."""

    def told(self, record: object) -> None:
        """Write a line, if it is one for the log."""
        match record:
            case Alert():
                _alert(record)
            case Transition():
                self._transition(record)
            case Page() if record.channels:
                trace = self._caused(record)
                self._line("page_submitted", trace, page=record.key, channels=[*record.channels])
            case Delivery(page_key=key, arrival=Arrival.SENT):
                known = key in self._pages
                trace = self._pages[key] if known else self._of_incidents(record.incidents)
                self._line("page_sent", trace, page=key, channel=record.channel)
            case Mute():
                alert, incident = record.alert_id, record.incident_id
                trace = self._latest([alert]) if alert else self._of_incidents([incident or ""])
                told = {"alert": alert, "incident": incident, "reason": record.reason}
                self._line("muted", trace, stage=str(record.stage), **told)

    def _transition(self, told: Transition) -> None:
        incident, event = told.incident, told.event
        caused_by = event.detail.get("alert")
        by = None if event.actor == DAEMON else event.actor
        # What a person does is caused by no frame.
        trace = None if by else self._latest([caused_by] if caused_by else incident.alerts)
        self._line(
            f"incident_{event.kind}",
            trace,
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

    @staticmethod
    def _line(event: str, trace: str | None, **fields: Any) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        log.info(event, **known, **({} if trace is None else {"trace": trace}))


def _alert(alert: Alert) -> None:
    key = alert.key
    getattr(log, LEVELS.get(alert.state, "debug"))(
        f"alert_{alert.state}",
        alert=alert.id,
        signal=str(key.signal),
        symbol=key.symbol,
        venue=key.venue,
        severity=str(alert.severity),
        sentence=alert.sentence,
        trace=alert.trace,
    )
