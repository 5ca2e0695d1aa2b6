"""What people order: each carried out once, or refused in plain words."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from ...core.desk import Matcher, Order, OrderKind, Outcome, Silence
from ...core.incident import IncidentChange, IncidentState
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from .case import Case, Refused
from .incidents import Incidents
from .matching import said
from .quieting import Quiet
from .times import utc
from .wording import still_firing

REMEMBERED = 5_000
"""Of so many orders the outcome is known, so that one that comes twice is carried out once."""
MOST_SILENCES = 1_000

PassOn = Callable[[Order, Nanos], Outcome]
"""What carries out the orders that concern the monitor, not the desk."""


class Orders:
    """Takes orders of people on incidents and silences, and passes on the others."""

    def __init__(
        self,
        rules: DeskRules,
        incidents: Incidents,
        quiet: Quiet,
        emit: Callable[[Silence], None],
        pass_on: PassOn | None,
    ) -> None:
        self.rules = rules
        self.outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._incidents = incidents
        self._quiet = quiet
        self._emit = emit
        self._pass_on = pass_on
        self._does: Mapping[OrderKind, Callable[[Order, Nanos], Outcome]] = {
            OrderKind.ACKNOWLEDGE: self._acknowledge,
            OrderKind.COMMENT: self._comment,
            OrderKind.RESOLVE: self._resolve,
            OrderKind.REBASE: self._rebase,
            OrderKind.SILENCE: self._silence,
            OrderKind.EXPIRE_SILENCE: self._expire_silence,
            OrderKind.EXPOSE: self._expose,
        }

    def take(self, order: Order, now: Nanos) -> Outcome:
        """Carry out an order, or say why not; one that was answered before gets the same answer."""
        known = self.outcomes.get(order.id)
        if known is not None:
            return known
        try:
            outcome = self._does[order.kind](order, now)
        except Refused as refused:
            outcome = Outcome(order_id=order.id, at=now, done=False, said=str(refused))
        self.remember([outcome])
        return outcome

    def remember(self, outcomes: Iterable[Outcome]) -> None:
        """Know what came of orders."""
        for outcome in outcomes:
            self.outcomes[outcome.order_id] = outcome
            if len(self.outcomes) > REMEMBERED:
                self.outcomes.popitem(last=False)

    # -- incidents -------------------------------------------------------------------------------

    def _acknowledge(self, order: Order, now: Nanos) -> Outcome:
        case = self._case(order, IncidentChange.ACKNOWLEDGED)
        until = order.until if order.until is not None else now + self.rules.acknowledged_for
        if until <= now:
            raise Refused(
                f"An acknowledgement until {utc(until)} is over already: it is {utc(now)}"
            )
        self._incidents.acknowledge(
            case, order.actor, until, now, comment=order.comment, order=order.id
        )
        return _done(order, now, f"{order.actor} has {case.incident.id} until {utc(until)}.", case)

    def _comment(self, order: Order, now: Nanos) -> Outcome:
        case = self._case(order, IncidentChange.COMMENTED)
        if not order.comment.strip():
            raise Refused("The comment is empty")
        self._incidents.comment(
            case, order.actor, now, comment=order.comment, detail={"order": order.id}
        )
        return _done(order, now, f"Noted on {case.incident.id}.", case)

    def _resolve(self, order: Order, now: Nanos) -> Outcome:
        case = self._case(order, IncidentChange.RESOLVED)
        firing = len(case.incident.firing)
        self._incidents.resolve(case, order.actor, now, comment=order.comment, order=order.id)
        still = f" {still_firing(firing)}" if firing else ""
        return _done(order, now, f"{case.incident.id} is resolved.{still}", case)

    def _rebase(self, order: Order, now: Nanos) -> Outcome:
        case = self._case(order, IncidentChange.COMMENTED)
        if case.incident.state is IncidentState.RESOLVED:
            raise Refused(f"{case.incident.id} is resolved: nothing of it is left to rebase")
        outcome = self._passed_on(order, now)
        if outcome.done:
            detail = {"order": order.id, "ordered": str(order.kind), "says": outcome.said}
            self._incidents.comment(case, order.actor, now, comment=order.comment, detail=detail)
            return _done(order, now, outcome.said, case)
        return outcome

    def _case(self, order: Order, change: IncidentChange) -> Case:
        """Return the incident of an order, as it was when it was decided on, and open to that."""
        if order.incident_id is None:
            raise Refused(f"To {order.kind}, name the incident: `tidegauge incidents list`")
        case = self._incidents.by_id.get(order.incident_id)
        if case is None:
            raise Refused(
                f"No incident {order.incident_id} is open at this desk, nor was lately:"
                " `tidegauge incidents list` shows those that are"
            )
        incident = case.incident
        if incident.state is IncidentState.RESOLVED and change is not IncidentChange.COMMENTED:
            at = utc(incident.resolved_at or incident.updated_at)
            raise Refused(f"{incident.id} was already resolved by {incident.resolved_by} at {at}")
        if order.version is not None and order.version != incident.version:
            raise Refused(_what_changed(case, order.version))
        if not case.leads(change):
            raise Refused(f"{incident.id} is {incident.state}: it cannot be {change}")
        return case

    # -- silences ----------------------------------------------------------------------------------

    def _silence(self, order: Order, now: Nanos) -> Outcome:
        silence = order.silence
        if silence is None:
            raise Refused("The order names no silence to make")
        if silence.matcher == Matcher():
            raise Refused("It would silence everything; if that is meant, say so: symbol *")
        if silence.ends_at <= max(now, silence.starts_at):
            raise Refused(
                f"A silence from {utc(silence.starts_at)} until {utc(silence.ends_at)} never is:"
                f" it is {utc(now)}"
            )
        if len(self._quiet.silences) >= MOST_SILENCES:
            raise Refused(
                f"There are {MOST_SILENCES} silences already: `tidegauge silence expire` some first"
            )
        made = Silence(
            id=order.id,
            matcher=silence.matcher,
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            author=silence.author,
            comment=silence.comment,
        )
        self._quiet.add(made)
        self._emit(made)
        return _done(
            order, now, f"Nobody is paged of {said(made.matcher)} until {utc(made.ends_at)}."
        )

    def _expire_silence(self, order: Order, now: Nanos) -> Outcome:
        if order.silence_id is None or order.silence_id not in self._quiet.silences:
            raise Refused(
                f"There is no silence {order.silence_id}: it is over, or never was;"
                " `tidegauge silence list` shows those that are"
            )
        ended = self._quiet.end(order.silence_id, now, order.actor)
        self._emit(ended)
        return _done(order, now, f"The silence of {said(ended.matcher)} is over.")

    # -- what concerns the monitor -----------------------------------------------------------------

    def _expose(self, order: Order, now: Nanos) -> Outcome:
        return self._passed_on(order, now)

    def _passed_on(self, order: Order, now: Nanos) -> Outcome:
        if self._pass_on is None:
            raise Refused(f"Nobody here can {order.kind}")
        return self._pass_on(order, now)


def _done(order: Order, now: Nanos, said: str, case: Case | None = None) -> Outcome:
    version = None if case is None else case.incident.version
    return Outcome(order_id=order.id, at=now, done=True, said=said, version=version)


def _what_changed(case: Case, version: int) -> str:
    """Say what happened to an incident since the version that an order was decided on."""
    incident = case.incident
    begins = f"{incident.id} is at version {incident.version}, not {version}"
    since = [event for event in case.history if event.number > version]
    told = "; ".join(
        f"{event.kind.replace('_', ' ')} by {event.actor} at {utc(event.at)}" for event in since
    )
    if version > incident.version or not told:
        return f"{begins}. Look again: `tidegauge incidents show {incident.id}`"
    more = incident.version - version - len(since)
    earlier = f"{more} earlier changes; " if more > 0 else ""
    return f"{begins}. Since then: {earlier}{told}. Look again: `tidegauge incidents show {incident.id}`"
