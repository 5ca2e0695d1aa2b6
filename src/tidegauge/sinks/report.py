"""What was written, read back by SQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRows:
    """The readings of one book."""

    venue: str
    symbol: str
    readings: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRows:
    """What was told beside one book: sums over the run, and what was said last. Volumes in quote."""

    venue: str
    symbol: str
    rows: int
    trades: int
    bought: Decimal
    sold: Decimal
    liquidations: int | None
    last_price: Decimal | None
    premium_bps: float | None
    funding_8h: float | None
    open_interest: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimes:
    """One alert: when it opened, fired and ended, and what it said last."""

    id: str
    signal: str
    venue: str
    symbol: str
    severity: str
    worst_severity: str
    state: str
    started_at: datetime
    fired_at: datetime | None
    ended_at: datetime | None
    lasted: timedelta | None
    changes: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """What happened to one venue's feed, counted. `trust_losses`: times a book stopped being LIVE."""

    venue: str
    connects: int
    disconnects: int
    gaps: int
    resyncs: int
    malformed: int
    trust_changes: int
    trust_losses: int


async def rows_by_venue(connection: Any, run: str | None = None) -> list[VenueRows]:
    """Return how many readings each book left, of one run or of all."""
    rows = await connection.fetch(
        """
        SELECT venue, symbol, count(*) AS readings, min(at) AS first, max(at) AS last
          FROM tidegauge.readings JOIN tidegauge.series ON series.id = readings.series
         WHERE $1::text IS NULL OR run = $1
         GROUP BY venue, symbol ORDER BY venue, symbol
        """,
        run,
    )
    return [VenueRows(**row) for row in rows]


async def market_by_venue(connection: Any, run: str | None = None) -> list[MarketRows]:
    """Return what was told beside each book, of one run or of all."""
    rows = await connection.fetch(
        """
        SELECT venue, symbol, count(*) AS rows, sum(trades)::bigint AS trades,
               sum(buy_quote) AS bought, sum(sell_quote) AS sold,
               sum(liquidations)::bigint AS liquidations,
               (array_agg(last_price ORDER BY recv_ns DESC, number DESC))[1] AS last_price,
               (array_agg(premium_bps ORDER BY recv_ns DESC, number DESC))[1] AS premium_bps,
               (array_agg(funding_8h ORDER BY recv_ns DESC, number DESC))[1] AS funding_8h,
               (array_agg(open_interest ORDER BY recv_ns DESC, number DESC))[1] AS open_interest
          FROM tidegauge.v_market
         WHERE $1::text IS NULL OR run = $1
         GROUP BY venue, symbol ORDER BY venue, symbol
        """,
        run,
    )
    return [MarketRows(**row) for row in rows]


async def alert_times(connection: Any, run: str | None = None) -> list[AlertTimes]:
    """Return the alerts in the order they opened, of one run or of all."""
    rows = await connection.fetch(
        """
        SELECT id, signal, venue, symbol, severity, worst_severity, state, started_at, fired_at,
               ended_at, lasted, sentence,
               (SELECT count(*) FROM tidegauge.alert_changes AS c WHERE c.alert_id = a.id) AS changes
          FROM tidegauge.v_alerts AS a
         WHERE $1::text IS NULL OR run = $1
         ORDER BY started_at, id
        """,
        run,
    )
    return [AlertTimes(**row) for row in rows]


async def feed_records(connection: Any, run: str | None = None) -> list[FeedRecord]:
    """Return what happened to each venue's feed, of one run or of all."""
    rows = await connection.fetch(
        """
        SELECT venue,
               count(*) FILTER (WHERE kind = 'connected') AS connects,
               count(*) FILTER (WHERE kind = 'disconnected') AS disconnects,
               count(*) FILTER (WHERE kind = 'gap') AS gaps,
               count(*) FILTER (WHERE kind = 'resync') AS resyncs,
               count(*) FILTER (WHERE kind = 'malformed') AS malformed,
               count(*) FILTER (WHERE kind = 'trust') AS trust_changes,
               count(*) FILTER (WHERE kind = 'trust' AND trust <> 'live'
                                AND reason NOT IN ('starting', 'connected', 'stopped')) AS trust_losses
          FROM tidegauge.feed_events
         WHERE $1::text IS NULL OR run = $1
         GROUP BY venue ORDER BY venue
        """,
        run,
    )
    return [FeedRecord(**row) for row in rows]
