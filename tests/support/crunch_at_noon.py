"""A crunch made by hand, in records: whoever asks what happened must find just this.

Three venues are calm from ten, calmer from eleven. At two minutes past noon bybit-linear breaks, binance
three seconds and okx seven seconds after it; at five past noon all are well again. okx loses its book for
twelve seconds later on. Alerts fire, flap, and never fire; an incident is acknowledged.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.support.database import (
    NOON,
    TEMPLATE,
    Server,
    a_market_summary,
    a_reading,
    in_a_loop_of_its_own,
)

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.reading import Fill, Reading, RoundedFill, Taker
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.sinks.ask import ask
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.writer import PostgresWriter

SPAN = {
    "symbol": "BTCUSDT",
    "from": "2026-01-01 12:00:00Z",
    "to": "2026-01-01 12:10:00Z",
}
DAY = {"symbol": "BTCUSDT", "from": "2026-01-01 00:00:00Z", "to": "2026-01-02 00:00:00Z"}
RUN = "run-noon"
SIZE = Decimal(500_000)
VENUES = ("binance", "bybit-linear", "okx")
CALM_BPS = {"binance": 1.0, "bybit-linear": 2.0, "okx": 3.0}
BREAKS_AT = {"bybit-linear": 120, "binance": 123, "okx": 127}
WELL_AT = 300
UNFILLED = range(127, 137)
"""Seconds in which okx does not hold `SIZE`."""

LOST = range(400, 412)
"""Seconds in which okx has no book."""

DEPTH = {"binance": 8_000_000, "bybit-linear": 4_000_000, "okx": 2_000_000}
"""Of one side, within 10 bps, in quote."""

THINNED = 4
DEARER = 10.0
HOSTILE = "'; DROP TABLE tidegauge.alerts; -- \x1b[31m,\"%s\r\n\\. \U0001f480"


def at(second: float) -> Nanos:
    """An instant, in seconds after noon."""
    return NOON + round(second * SECOND)


def when(second: float) -> datetime:
    """The same, as the database tells it."""
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=second)


def broken(venue: str, second: int) -> bool:
    """Whether a venue is in the crunch."""
    return BREAKS_AT[venue] <= second < WELL_AT


def seconds() -> Iterator[int]:
    """When readings are taken: every ten seconds for two hours, every second for ten minutes."""
    yield from range(-7200, 0, 10)
    yield from range(600)


def bps_of(venue: str, second: int) -> float:
    """What selling `SIZE` costs."""
    calm = CALM_BPS[venue] * (1.5 if second < -3600 else 1.0)
    return calm * DEARER if broken(venue, second) else calm


def depth_of(venue: str, second: int) -> int:
    """Whole quote of one side within 10 bps."""
    return DEPTH[venue] // (THINNED if broken(venue, second) else 1)


def spread_of(venue: str, second: int) -> float:
    return 2.5 if broken(venue, second) else 0.5


def bid_of(venue: str, second: int) -> int:
    """The bid in cents: 100 lower, which is 16.4 bps, while it is broken."""
    return 61_000_00 - (100_00 if broken(venue, second) else 0)


def readings() -> Iterator[Reading]:
    """Every reading there is, in the order of time."""
    for frame, second in enumerate(seconds(), 1):
        for venue in VENUES:
            if not (venue == "okx" and second in LOST):
                yield reading(venue, second, frame)


def reading(venue: str, second: int, frame: int) -> Reading:
    first = a_reading(frame, venue=venue, received_at=at(second))
    bid, depth = bid_of(venue, second), depth_of(venue, second)
    unit = 10**first.scales.quote
    bands = tuple(
        replace(band, bid_quote_units=depth * unit * wide, ask_quote_units=depth * unit * wide)
        for wide, band in enumerate(first.bands, 1)
    )
    return replace(
        first,
        bid_ticks=bid,
        ask_ticks=bid + 20,
        spread_bps=spread_of(venue, second),
        bands=bands,
        fills=tuple(_fill(first, taker, venue, second) for taker in Taker),
    )


def _fill(first: Reading, taker: Taker, venue: str, second: int) -> Fill:
    filled = not (venue == "okx" and second in UNFILLED and taker is Taker.SELL)
    bps = bps_of(venue, second) * (1.0 if taker is Taker.SELL else 0.5)
    return RoundedFill(
        taker=taker,
        notional=SIZE,
        filled=filled,
        filled_fraction=1.0 if filled else 0.5,
        base=8.2,
        rounded_average=60_975.6,
        cost_bps=bps,
        rounded_cost=bps * 50.0,
        worst_ticks=60_900_00,
        scales=first.scales,
        floor=False,
    )


def events() -> Iterator[FeedEvent]:
    """All books come alive before ten; okx loses its own for as long as `LOST`."""
    for venue in VENUES:
        yield _event(venue, -7201, FeedEventKind.CONNECTED)
        yield _trust(venue, -7201, Trust.LIVE, TrustReason.SYNCHRONISED)
    yield _event("okx", LOST.start, FeedEventKind.GAP, "expected update 8, received 9")
    yield _trust("okx", LOST.start, Trust.UNTRUSTED, TrustReason.GAP)
    yield _event("okx", LOST.start + 1, FeedEventKind.RESYNC)
    yield _trust("okx", LOST.start + 2, Trust.SYNCING, TrustReason.GAP)
    yield _trust("okx", LOST.stop, Trust.LIVE, TrustReason.SYNCHRONISED)


def _event(venue: str, second: int, kind: FeedEventKind, detail: str = "") -> FeedEvent:
    return FeedEvent(
        kind=kind,
        venue=venue,
        at=at(second),
        trace=f"{venue}/1/{second + 10_000}",
        instrument="BTCUSDT",
        symbol="BTCUSDT",
        detail=detail,
    )


def _trust(venue: str, second: int, trust: Trust, reason: TrustReason) -> FeedEvent:
    event = _event(venue, second, FeedEventKind.TRUST, HOSTILE)
    return changed(event, trust=trust, reason=reason)


def alerts() -> Iterator[Alert]:
    """Two crunches; on okx a signal that flaps twice, and once is gone before it held."""
    yield from _life("crunch-bybit", "liquidity_crunch", "bybit-linear", 120, 122, 310)
    yield from _life("crunch-binance", "liquidity_crunch", "binance", 123, 125.5, 312)
    for number, second in enumerate((130, 150, 170)):
        yield from _life(f"flap-{number}", "spread_blowout", "okx", second, second + 1, second + 10)
    yield from _life("never", "spread_blowout", "okx", 200, None, 205)


def _life(
    name: str, signal: str, venue: str, begins: float, fires: float | None, ends: float
) -> Iterator[Alert]:
    worst = Severity.CRITICAL if venue == "bybit-linear" else Severity.WARNING
    pending = Alert(
        id=name,
        key=AlertKey(signal=signal, symbol="BTCUSDT", venue=venue),
        severity=Severity.WARNING,
        worst_severity=Severity.WARNING,
        state=AlertState.PENDING,
        cause="depth_total",
        causes=("depth_total",),
        value=1.5,
        threshold=1.0,
        baseline=None,
        sentence=HOSTILE,
        action=Action.HEDGE,
        started_at=at(begins),
        updated_at=at(begins),
        ended_at=None,
        trace=f"{venue}/1/1",
    )
    yield pending
    if fires is not None:
        yield changed(
            pending,
            state=AlertState.FIRING,
            updated_at=at(fires),
            severity=worst,
            worst_severity=worst,
        )
    yield changed(
        pending,
        state=AlertState.INACTIVE if fires is None else AlertState.RESOLVED,
        worst_severity=pending.severity if fires is None else worst,
        updated_at=at(ends),
        ended_at=at(ends),
    )


def market() -> Iterator[MarketSummary]:
    """What takers did in the minute in which it broke."""
    for number in range(120, 180):
        yield a_market_summary(number, venue="bybit-linear")


@pytest.fixture(scope="session")
def noon(postgres_server: Server) -> Iterator[Database]:
    """A database with all of it. Only to be read."""

    async def make() -> Database:
        made = await postgres_server.create("crunch_at_noon", TEMPLATE)
        await fill(made)
        return made

    yield in_a_loop_of_its_own(make)
    in_a_loop_of_its_own(lambda: postgres_server.drop("crunch_at_noon"))


@pytest_asyncio.fixture
async def noon_connection(noon: Database) -> AsyncIterator[Any]:
    """A connection to the database of the story."""
    async with noon.session() as connection:
        yield connection


async def told(connection: Any, name: str, **more: str) -> list[dict[str, Any]]:
    """Return what a question answers about the ten minutes, or what else is given."""
    return (await ask(connection, name, SPAN | more)).records()


async def fill(database: Database) -> None:
    """Store all of it, and roll it up."""
    writer = PostgresWriter(database, WriterLimits(capacity=100_000), RUN)
    for told in (readings(), events(), alerts(), market()):
        for record in told:
            writer.submit(record)
    assert await writer.drain(60.0)
    async with database.session() as connection:
        await connection.execute("SELECT tidegauge.roll_up($1, $2)", when(-7200), when(3600))
        await connection.execute(*an_incident())


def an_incident() -> tuple[Any, ...]:
    """Return the statement that stores an incident about the crunch on bybit-linear."""
    return (
        """
        INSERT INTO tidegauge.incidents (id, run, symbol, family, state, severity, worst_severity,
               trigger, action, opened_at, acknowledged_at, acknowledged_by, mitigated_at,
               resolved_at, version, alerts, postmortem, updated_at, updated_ns)
        VALUES ('incident-1', $1, 'BTCUSDT', 'liquidity', 'resolved', 'critical', 'critical',
                'depth_total', 'hedge', $2, $3, $4, $5, $6, 4, '{crunch-bybit}', NULL, $6, 1)
        """,
        *(RUN, when(122), when(152), HOSTILE, when(250), when(320)),
    )
