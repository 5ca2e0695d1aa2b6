"""Once a day the desk tells that it is alive, and what the day was like."""

from dataclasses import dataclass

from ...core.alert import Severity
from ...core.desk import Page, PageKind
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from .incidents import Incidents
from .paging import Pager
from .quieting import DAY, Quiet
from .times import utc


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there was since the desk began."""

    alerts: int = 0
    opened: int = 0
    resolved: int = 0
    pages: int = 0


class Heartbeat:
    """Makes one page a day, at a time of the day in UTC."""

    def __init__(self, rules: DeskRules) -> None:
        self.rules = rules
        self.next: Nanos | None = None
        self.since = Counts()

    def tick(
        self, now: Nanos, counts: Counts, incidents: Incidents, quiet: Quiet, pager: Pager
    ) -> Page | None:
        """Return the page that is due, if one is. What came due while nobody ran comes late, once."""
        at = self.rules.heartbeat_at
        if at is None or not self.rules.heartbeat_channels:
            self.next = None
            return None
        if self.next is None or self.next % DAY != at % DAY:
            self.next = _following(now, at)
            return None
        if now < self.next:
            # A clock that was wrong for a while must not put it off.
            self.next = min(self.next, _following(now, at))
            return None
        day, before = utc(self.next - self.next % DAY)[:10], self.since
        self.next, self.since = _following(now, at), counts
        return Page(
            key=f"heartbeat/{day}",
            kind=PageKind.HEARTBEAT,
            at=now,
            severity=Severity.INFO,
            title=f"Tidegauge is watching: {_incidents(len(incidents.open))} open",
            text=_text(counts, before, incidents, quiet, pager, now),
            channels=self.rules.heartbeat_channels,
            labels={"alertname": "heartbeat"},
        )


def _following(now: Nanos, at: Nanos) -> Nanos:
    """Return when it is next this time of the day."""
    today = now - now % DAY + at % DAY
    return today if now < today else today + DAY


def _incidents(number: int) -> str:
    return f"{number} incident{'' if number == 1 else 's'}"


def _text(
    counts: Counts,
    before: Counts,
    incidents: Incidents,
    quiet: Quiet,
    pager: Pager,
    now: Nanos,
) -> str:
    severities = [case.incident.severity for case in incidents.open.values()]
    worst = ", ".join(
        f"{number} {severity}"
        for severity in reversed(Severity)
        if (number := severities.count(severity))
    )
    waiting = sum(len(channel.waiting) for channel in pager.channels.values())
    since = (
        f"Since the last heartbeat: {counts.alerts - before.alerts} alerts,"
        f" {_incidents(counts.opened - before.opened)} opened,"
        f" {counts.resolved - before.resolved} resolved, {counts.pages - before.pages} pages."
    )
    return "\n".join(
        (
            f"Open: {_incidents(len(severities))}{f' ({worst})' if worst else ''}.",
            since,
            f"Silences: {len(quiet.silences)}. Waiting for a digest: {waiting}.",
            f"{utc(now)}. tidegauge incidents list",
        )
    )
