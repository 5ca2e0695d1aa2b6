"""Records become rows. Pure: the same record gives the same row and the same id, always.

A row's id is a hash of what makes it itself, so that what is sent twice is stored once. Two daemons
that both are at epoch 1, frame 1 differ by their run and by the time of the frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Alert
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, Instrument, Nanos, Symbol
from tidegauge.core.reading import Reading

Row: TypeAlias = tuple[Any, ...]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_TEXT = 4000
"""Characters of a venue's words that are kept."""


class Kind(StrEnum):
    """What a record is, to the writer. The order is that of their worth when room is short."""

    RUN = "run"
    INSTRUMENT = "instrument"
    ALERT = "alert"
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


Rare: TypeAlias = Run | Listed | Alert | FeedEvent | MarketSummary
"""What is rare enough to be told apart as Python objects. Readings become bytes (`encode`)."""

Record: TypeAlias = Rare | Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where rows of one shape go. `key` is what makes a row itself.

    With `newest`, a row replaces the one with its key unless that one's is greater; without it, the
    row that came first stays. `numbered`: the column in which the database counts them as they come.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    newest: str | None = None
    numbered: str | None = None


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
    *("ended_at", "unobserved_since", "trace", "updated_ns"),
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

TABLES = (RUNS, INSTRUMENTS, ALERTS, ALERT_CHANGES, FEED_EVENTS, MARKET, SERIES, READINGS)


def kind_of(record: Record) -> Kind:
    """Return what `record` is. Raises `TypeError` for what cannot be stored."""
    kind = KINDS.get(type(record))
    if kind is None:
        raise TypeError(f"not a record: {type(record).__name__}")
    return kind


def rows_of(record: Rare, run: str) -> list[tuple[Table, Row]]:
    """Return every row that `record` leaves, and where."""
    return ROWS[kind_of(record)](record, run)


def deterministic_id(*parts: object) -> UUID:
    """Return the id of what `parts` name."""
    text = "|".join("" if part is None else str(part) for part in parts)
    return UUID(bytes=blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())


def instant(nanos: Nanos) -> datetime:
    """Return the time to the microsecond below, without going through a float."""
    return EPOCH + timedelta(microseconds=nanos // 1000)


def text(said: str) -> str:
    """Return a venue's words as PostgreSQL can hold them: no NUL, no half character, not endless."""
    kept = said[:LONGEST_TEXT]
    if kept.isascii() and "\0" not in kept:
        return kept
    return kept.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _instant_or_none(nanos: Nanos | None) -> datetime | None:
    return None if nanos is None else instant(nanos)


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
        *(instant(alert.started_at), instant(alert.updated_at), _instant_or_none(alert.ended_at)),
        *(_instant_or_none(alert.unobserved_since), alert.trace, alert.updated_at),
    )
    change = deterministic_id("alert_change", alert.id, *rest)
    return [(ALERTS, (alert.id, *rest)), (ALERT_CHANGES, (change, alert.id, *rest))]


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
        *(_instant_or_none(said.next_funding_at), said.open_interest),
        *(forced if told.tells_liquidations else (None, None, None)),
    )
    return [(MARKET, row)]


KINDS: dict[type, Kind] = {
    Reading: Kind.READING,
    MarketSummary: Kind.MARKET,
    FeedEvent: Kind.FEED_EVENT,
    Alert: Kind.ALERT,
    Listed: Kind.INSTRUMENT,
    Run: Kind.RUN,
}

ROWS: dict[Kind, Callable[[Any, str], list[tuple[Table, Row]]]] = {
    Kind.MARKET: _of_market,
    Kind.FEED_EVENT: _of_feed_event,
    Kind.ALERT: _of_alert,
    Kind.INSTRUMENT: _of_listed,
    Kind.RUN: _of_run,
}
