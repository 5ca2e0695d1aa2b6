"""Records become rows. Pure: the same record gives the same row and the same id, always.

A row's id is a hash of what makes it itself, so that what is sent twice is stored once. Two daemons
that both are at epoch 1, frame 1 differ by their run and by the time of the frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Alert
from tidegauge.core.desk import Delivery, Outcome, Silence
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, Instrument, Nanos, Symbol
from tidegauge.core.reading import Reading

from .chain import ChainedTransition
from .desk_rows import (
    DELIVERIES,
    INCIDENT_CHAINS,
    INCIDENT_EVENTS,
    INCIDENTS,
    ORDER_OUTCOMES,
    SILENCES,
    of_notified,
    of_outcome,
    of_silence,
    of_transition,
)
from .table import Row, Table, deterministic_id, instant, instant_or_none, text


class Kind(StrEnum):
    """What a record is, to the writer. The order is that of their worth when room is short."""

    RUN = "run"
    INSTRUMENT = "instrument"
    ALERT = "alert"
    TRANSITION = "transition"
    SILENCE = "silence"
    OUTCOME = "outcome"
    NOTIFICATION = "notification"
    FEED_EVENT = "feed_event"
    MARKET = "market"
    READING = "reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One start of a monitor, a demo or a replay."""

    id: str
    started_at: Nanos
    version: str
    command: str
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An instrument as a catalogue said at `updated_at`, and the symbol that settings map to it."""

    instrument: Instrument
    symbol: Symbol | None
    updated_at: Nanos


Desk: TypeAlias = ChainedTransition | Silence | Outcome | Delivery
"""What the operations desk leaves."""

Rare: TypeAlias = Run | Listed | Alert | Desk | FeedEvent | MarketSummary
"""What is rare enough to be told apart as Python objects. Readings become bytes (`encode`)."""

Record: TypeAlias = Rare | Reading


RUNS = Table(name="runs", columns=("id", "started_at", "version", "command", "symbols"))

INSTRUMENTS = Table(
    name="instruments",
    columns=(
        *("venue", "name", "symbol", "kind", "base", "quote", "tick", "step", "contract_value"),
        *("inverse", "status", "updated_at", "updated_ns"),
    ),
    key=("venue", "name"),
    newest="updated_ns",
)

SERIES = Table(
    name="series",
    columns=(
        *("id", "run", "venue", "symbol", "instrument", "price_scale", "base_scale", "quote_scale"),
        *("band_bps", "fill_taker", "fill_notional", "max_taker", "max_bps", "max_scale"),
    ),
)

READINGS = Table(
    name="readings",
    columns=(
        *("series", "recv_ns", "at", "epoch", "frame", "sequence", "feed_age_ns"),
        *("bid_levels", "ask_levels", "venue_time", "latency_ns"),
        *("bid_ticks", "bid_units", "ask_ticks", "ask_units"),
        *("microprice", "spread_bps", "imbalance"),
        *("band_units", "fill_cost_bps", "fill_base", "fill_worst", "max_units"),
        *("band_floor", "fill_partial", "fill_floor", "max_floor", "fill_fraction", "wide"),
    ),
    key=("series", "at", "recv_ns", "epoch", "frame"),
)

MARKET = Table(
    name="market",
    columns=(
        *(
            "id",
            "run",
            "venue",
            "symbol",
            "instrument",
            "number",
            "since",
            "at",
            "recv_ns",
            "trace",
        ),
        *("last_price", "trades", "buy_base", "buy_quote", "sell_base", "sell_quote"),
        *("mark", "index", "funding_rate", "funding_interval_s", "next_funding_at"),
        *("open_interest", "liquidations", "liquidated_long_quote", "liquidated_short_quote"),
    ),
    key=("id", "at"),
)

ALERT_COLUMNS = (
    *("run", "signal", "venue", "symbol", "severity", "worst_severity", "state", "cause", "causes"),
    *("value", "threshold", "baseline", "sentence", "action", "started_at", "updated_at"),
    *("ended_at", "unobserved_since", "trace", "side", "updated_ns"),
)
ALERTS = Table(name="alerts", columns=("id", *ALERT_COLUMNS), newest="updated_ns")
ALERT_CHANGES = Table(name="alert_changes", columns=("id", "alert_id", *ALERT_COLUMNS))

FEED_EVENTS = Table(
    name="feed_events",
    columns=(
        *("id", "run", "kind", "venue", "instrument", "symbol", "at", "at_ns", "trace"),
        *("trust", "reason", "detail"),
    ),
    numbered="number",
)

OF_THE_DESK = (INCIDENTS, INCIDENT_EVENTS, INCIDENT_CHAINS, SILENCES, ORDER_OUTCOMES, DELIVERIES)
OF_ALERTS = (ALERTS, ALERT_CHANGES)
TABLES = (RUNS, INSTRUMENTS, *OF_ALERTS, *OF_THE_DESK, FEED_EVENTS, MARKET, SERIES, READINGS)


def kind_of(record: Record) -> Kind:
    """Return what `record` is. Raises `TypeError` for what cannot be stored."""
    kind = KINDS.get(type(record))
    if kind is None:
        raise TypeError(f"not a record: {type(record).__name__}")
    return kind


def rows_of(record: Rare, run: str) -> list[tuple[Table, Row]]:
    """Return every row that `record` leaves, and where."""
    return ROWS[kind_of(record)](record, run)


def _of_run(run: Run, _run: str) -> list[tuple[Table, Row]]:
    row = (run.id, instant(run.started_at), run.version, run.command, list(run.symbols))
    return [(RUNS, row)]


def _of_listed(listed: Listed, _run: str) -> list[tuple[Table, Row]]:
    each = listed.instrument
    row = (
        *(each.venue, text(each.name), listed.symbol, each.kind, text(each.base)),
        *(text(each.quote), each.tick, each.step, each.contract_value, each.inverse),
        *(each.status, instant(listed.updated_at), listed.updated_at),
    )
    return [(INSTRUMENTS, row)]


def _of_alert(alert: Alert, run: str) -> list[tuple[Table, Row]]:
    rest = (
        *(run, alert.key.signal, alert.key.venue, alert.key.symbol, str(alert.severity)),
        *(str(alert.worst_severity), alert.state, alert.cause, list(alert.causes), alert.value),
        *(alert.threshold, alert.baseline, text(alert.sentence), alert.action),
        *(instant(alert.started_at), instant(alert.updated_at), instant_or_none(alert.ended_at)),
        *(instant_or_none(alert.unobserved_since), alert.trace, alert.updated_at),
    )
    # One that speaks of no side keeps the id it had before there were sides.
    change = deterministic_id("alert_change", alert.id, *rest, *filter(None, (alert.key.side,)))
    row = (*rest[:-1], text(alert.key.side), rest[-1])
    return [(ALERTS, (alert.id, *row)), (ALERT_CHANGES, (change, alert.id, *row))]


def _of_feed_event(event: FeedEvent, run: str) -> list[tuple[Table, Row]]:
    said = text(event.detail)
    rest = (
        *(run, event.kind, event.venue, event.instrument, event.symbol, instant(event.at)),
        *(event.at, event.trace, event.trust, event.reason, said),
    )
    return [(FEED_EVENTS, (deterministic_id("feed_event", *rest), *rest))]


def _of_market(told: MarketSummary, run: str) -> list[tuple[Table, Row]]:
    flow, said = told.flow, told.standing
    interval = said.funding_interval
    forced = (flow.liquidations, flow.liquidated_long_quote, flow.liquidated_short_quote)
    row = (
        deterministic_id("market", run, told.venue, told.symbol, told.number, told.at),
        *(run, told.venue, told.symbol, text(told.instrument), told.number, instant(told.since)),
        *(instant(told.at), told.at, told.trace, said.last_price, flow.trades),
        *(flow.buy_base, flow.buy_quote, flow.sell_base, flow.sell_quote, said.mark, said.index),
        *(said.funding_rate, None if interval is None else interval // SECOND),
        *(instant_or_none(said.next_funding_at), said.open_interest),
        *(forced if told.tells_liquidations else (None, None, None)),
    )
    return [(MARKET, row)]


KINDS: dict[type, Kind] = {
    Reading: Kind.READING,
    MarketSummary: Kind.MARKET,
    FeedEvent: Kind.FEED_EVENT,
    Alert: Kind.ALERT,
    ChainedTransition: Kind.TRANSITION,
    Silence: Kind.SILENCE,
    Outcome: Kind.OUTCOME,
    Delivery: Kind.NOTIFICATION,
    Listed: Kind.INSTRUMENT,
    Run: Kind.RUN,
}

ROWS: dict[Kind, Callable[[Any, str], list[tuple[Table, Row]]]] = {
    Kind.MARKET: _of_market,
    Kind.FEED_EVENT: _of_feed_event,
    Kind.ALERT: _of_alert,
    Kind.TRANSITION: of_transition,
    Kind.SILENCE: of_silence,
    Kind.OUTCOME: of_outcome,
    Kind.NOTIFICATION: of_notified,
    Kind.INSTRUMENT: _of_listed,
    Kind.RUN: _of_run,
}
