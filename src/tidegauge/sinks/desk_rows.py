"""What the operations desk leaves in the database: transitions, silences, outcomes, notifications.

As `rows`: pure, and the same record gives the same row, always.
"""

import json
from uuid import UUID

from tidegauge.core.desk import Delivery, Outcome, Silence

from .chain import ChainedTransition
from .table import Row, Table, deterministic_id, instant, instant_or_none, text

INCIDENTS = Table(
    name="incidents",
    columns=(
        *("id", "run", "symbol", "family", "state", "severity", "worst_severity", "trigger"),
        *("impact_quote", "action", "opened_at", "acknowledged_at", "acknowledged_by"),
        *("acknowledged_until", "mitigated_at", "mitigated_by", "resolved_at", "resolved_by"),
        *("version", "alerts", "firing", "reopened", "postmortem", "updated_at", "updated_ns"),
    ),
    newest="version",
)

INCIDENT_EVENTS = Table(
    name="incident_events",
    columns=(
        *("id", "incident_id", "number", "at", "at_ns", "kind", "actor", "comment"),
        *("from_state", "to_state", "detail", "chain", "sequence", "previous_hash", "hash"),
    ),
)

INCIDENT_CHAINS = Table(
    name="incident_chains",
    columns=("id", "host", "path", "began_at", "run", "sequence", "hash", "at"),
    newest="sequence",
)

SILENCES = Table(
    name="silences",
    columns=(
        *("id", "run", "signals", "symbols", "venues", "severities", "starts_at", "ends_at"),
        *("author", "comment", "ended_by", "updated_ns"),
    ),
    newest="updated_ns",
)

ORDER_OUTCOMES = Table(
    name="order_outcomes",
    columns=("order_id", "run", "at", "done", "said", "version"),
    key=("order_id",),
)

DELIVERIES = Table(
    name="deliveries",
    columns=(
        *("page", "channel", "run", "kind", "severity", "title", "incidents", "attempts"),
        *("arrival", "said", "updated_at", "sent_at", "updated_ns"),
    ),
    key=("page", "channel"),
    newest="updated_ns",
)


def of_transition(chained: ChainedTransition, run: str) -> list[tuple[Table, Row]]:
    """Return the incident as it stands, what happened, and the head of the trail after it."""
    incident, event, chain = chained.transition.incident, chained.transition.event, chained.chain
    stands = (
        *(incident.id, run, incident.symbol, incident.family, incident.state),
        *(str(incident.severity), str(incident.worst_severity), text(incident.trigger)),
        *(incident.impact_quote, incident.action, instant(incident.opened_at)),
        *(instant_or_none(incident.acknowledged_at), _text(incident.acknowledged_by)),
        *(instant_or_none(incident.acknowledged_until), instant_or_none(incident.mitigated_at)),
        *(_text(incident.mitigated_by), instant_or_none(incident.resolved_at)),
        *(_text(incident.resolved_by), incident.version, list(incident.alerts)),
        *(list(incident.firing), incident.reopened, _text(incident.postmortem)),
        *(instant(incident.updated_at), incident.updated_at),
    )
    happened = (
        deterministic_id("incident_event", chain.id, chained.sequence, chained.hash),
        *(event.incident_id, event.number, instant(event.at), event.at, event.kind),
        *(text(event.actor), text(event.comment), event.from_state, event.to_state),
        json.dumps({text(name): text(said) for name, said in event.detail.items()}),
        *(UUID(chain.id), chained.sequence, chained.previous_hash, chained.hash),
    )
    head = (
        *(UUID(chain.id), text(chain.host), text(chain.path), instant(chain.began_at), run),
        *(chained.sequence, chained.hash, instant(chained.at)),
    )
    return [(INCIDENTS, stands), (INCIDENT_EVENTS, happened), (INCIDENT_CHAINS, head)]


def of_silence(silence: Silence, run: str) -> list[tuple[Table, Row]]:
    """Return the silence as it stands: ended early, it is newer than it was."""
    matcher = silence.matcher
    row = (
        *(silence.id, run, _texts(matcher.signals), _texts(matcher.symbols)),
        *(_texts(matcher.venues), [str(each) for each in matcher.severities]),
        *(instant(silence.starts_at), instant(silence.ends_at), text(silence.author)),
        *(text(silence.comment), _text(silence.ended_by)),
        silence.starts_at if silence.ended_by is None else silence.ends_at,
    )
    return [(SILENCES, row)]


def of_outcome(outcome: Outcome, run: str) -> list[tuple[Table, Row]]:
    """Return the outcome. Raises `ValueError` for one of an order that nobody placed in the database."""
    row = (UUID(outcome.order_id), run, instant(outcome.at), outcome.done, text(outcome.said))
    return [(ORDER_OUTCOMES, (*row, outcome.version))]


def of_notified(told: Delivery, run: str) -> list[tuple[Table, Row]]:
    """Return how a page fares on a channel."""
    row = (
        *(text(told.page_key), text(told.channel), run, told.kind, str(told.severity)),
        *(text(told.title), list(told.incidents), told.attempts, told.arrival, text(told.said)),
        *(instant(told.at), instant_or_none(told.sent_at), told.at),
    )
    return [(DELIVERIES, row)]


def _text(said: str | None) -> str | None:
    return None if said is None else text(said)


def _texts(said: tuple[str, ...]) -> list[str]:
    return [text(each) for each in said]
