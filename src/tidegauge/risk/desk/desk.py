"""The desk: alerts and orders come in, incidents and pages go out.

    alert --inhibition--> incident --silence--> routing --rate--> page, or digest

Pure: time is an argument, and all that happens is handed to `emit`, in order.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeAlias

from ...core.alert import Alert, AlertKey, AlertState
from ...core.desk import Mute, Order, Outcome, Page, Silence
from ...core.incident import Incident, IncidentEvent, Transition
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from .heartbeat import Counts, Heartbeat
from .incidents import Incidents
from .intake import Intake
from .mutes import Mutes
from .orders import Orders, PassOn
from .paging import Pager
from .quieting import Quiet
from .restarting import Parts, kept, restore
from .state import DeskState
from .view import DeskView

DeskRecord: TypeAlias = Transition | Page | Mute | Outcome | Silence


class Desk:
    """One desk: at most one open incident for each symbol and family.

    `emit` gets every record, a transition before the page about it. `pass_on` carries out the orders
    that concern the monitor (rebase, expose); without it they are refused. Call `tick` at least once
    a second. Nothing else here knows what time it is.
    """

    def __init__(
        self,
        rules: DeskRules,
        emit: Callable[[DeskRecord], None],
        pass_on: PassOn | None = None,
    ) -> None:
        self.rules = rules
        self._emit = emit
        self.mutes = Mutes(emit)
        self.quiet = Quiet(rules.maintenance)
        self.pager = Pager(rules, self.quiet, self.mutes, emit)
        self.incidents = Incidents(rules, self.pager, self.mutes, emit)
        self.intake = Intake(rules, self.incidents, self.mutes)
        self.orders = Orders(rules, self.incidents, self.quiet, emit, pass_on)
        self.heartbeat = Heartbeat(rules)
        self._counted = Counts()

    def alert(self, alert: Alert, now: Nanos, impact: Decimal | None = None) -> None:
        """Take an alert as it changed. `impact`: what the configured size costs more than usual, in
        quote. The same record again changes nothing."""
        if alert.state is AlertState.FIRING:
            self.intake.fires(alert, impact, now)
        elif alert.state is AlertState.RESOLVED:
            self.intake.ends(alert, now)

    def order(self, order: Order, now: Nanos) -> Outcome:
        """Carry out an order, or say why not. The answer is emitted as well, each time."""
        outcome = self.orders.take(order, now)
        self._emit(outcome)
        if self.quiet.changed(now):
            self.pager.pay(now)
        return outcome

    def tick(self, now: Nanos) -> None:
        """Do what is due: timers, ends of silences, digests, the heartbeat."""
        if self.quiet.changed(now):
            self.pager.pay(now)
        self.intake.tick(now)
        self.incidents.tick(now)
        self.pager.digests(now)
        page = self.heartbeat.tick(now, self.counts, self.incidents, self.quiet, self.pager)
        if page is not None:
            self._emit(page)

    def adopt(self, rules: DeskRules, now: Nanos) -> None:
        """Go on by other rules. Open incidents, silences and acknowledgements stay."""
        self.rules = self.pager.rules = self.orders.rules = self.heartbeat.rules = rules
        self.quiet.maintenance = rules.maintenance
        self.incidents.adopt(rules)
        self.intake.adopt(rules, now)
        self.pager.pay(now)

    def firing(self, incident_id: str) -> tuple[AlertKey, ...]:
        """Return what fires in an incident: what a rebase of it concerns."""
        case = self.incidents.by_id.get(incident_id)
        return () if case is None else tuple(alert.key for alert in case.firing.values())

    @property
    def counts(self) -> Counts:
        """How much there was since the desk began, restarts included."""
        before = self._counted
        return Counts(
            alerts=before.alerts + self.intake.seen,
            opened=before.opened + self.incidents.opened,
            resolved=before.resolved + self.incidents.resolved,
            pages=before.pages + self.pager.told,
        )

    def view(self, now: Nanos) -> DeskView:
        """Return what the desk shows of itself."""
        cases = self.incidents.open.values()
        return DeskView(
            at=now,
            incidents=tuple(case.incident for case in cases),
            over=tuple(case.incident for case in self.incidents.over.values()),
            alerts=tuple(firing.alert for firing in self.intake.firing.values()),
            silences=tuple(self.quiet.silences.values()),
            mutes=tuple(self.mutes.lately),
            waiting={
                name: len(channel.waiting)
                for name, channel in self.pager.channels.items()
                if channel.waiting
            },
            unheard={case.incident.id: tuple(case.unheard) for case in cases if case.unheard},
        )

    def snapshot(self) -> DeskState:
        """Return what to keep for a restart, beside the incidents, which are in their log."""
        return kept(self._parts, self.counts)

    def restore(
        self,
        state: DeskState | None,
        incidents: Iterable[Incident],
        now: Nanos,
        events: Iterable[IncidentEvent] = (),
    ) -> None:
        """Go on after a restart, on a desk that is still empty.

        `state` is what was kept last, None where nothing was or it was damaged; `incidents` the last
        records of those that are open or were lately, from their log, which is the truth; `events`
        those of them that the log has, of which only what is newer than `state` counts. What was
        about to be told when the desk stopped is told again, by the same keys.
        """
        if state is not None:
            self._counted = state.counts
        restore(self._parts, state, incidents, now, events)

    @property
    def _parts(self) -> Parts:
        return Parts(
            self.mutes,
            self.quiet,
            self.pager,
            self.incidents,
            self.intake,
            self.orders,
            self.heartbeat,
        )
