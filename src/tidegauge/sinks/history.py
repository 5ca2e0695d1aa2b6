"""How a book fared over time, in steps: from readings, or from their rollups where these are too many.

A step tells the last mid, the mean imbalance, and of all else the worst: the widest spread, the least
depth, the dearest slippage. So a spike of a second is seen in a day's chart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .ask import settle
from .postmortem.records import Grain
from .postmortem.statement import Statement, statement

MOST_POINTS = 2_000
FINE = timedelta(hours=2)
"""Up to here readings are looked at, and minutes up to `COARSE`, then hours."""

COARSE = timedelta(days=3)
GRAINS = {
    Grain.READINGS: timedelta(seconds=1),
    Grain.MINUTES: timedelta(minutes=1),
    Grain.HOURS: timedelta(hours=1),
}
USUAL = {
    Grain.READINGS: timedelta(hours=1),
    Grain.MINUTES: timedelta(hours=1),
    Grain.HOURS: timedelta(days=1),
}
"""So much before the span says what is usual."""

LEAST = 10
DEADLINE_S = 10.0
VIEWS = {Grain.READINGS: "", Grain.MINUTES: "_minutes", Grain.HOURS: "_hours"}
Z_BAND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One step, which begins at `at`. `bands`: bid and ask (quote) by width in bps, none while the book
    had one side only. `slippage`: bps by `side notional`, None where the book did not hold all of it. z: how unusual against the time
    before."""

    at: datetime
    mid: Decimal | None = None
    spread_bps: float | None = None
    spread_z: float | None = None
    imbalance: float | None = None
    depth_z: float | None = None
    bands: dict[str, tuple[Decimal, Decimal]]
    slippage: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAlert:
    """An alert that was open in the span."""

    id: str
    signal: str
    severity: str
    started_at: datetime
    ended_at: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustGap:
    """A stretch in which the book was not to be trusted."""

    since: datetime
    until: datetime
    trust: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One book from `since` to `until`. `source`: readings, minutes or hours."""

    venue: str
    symbol: str
    since: datetime
    until: datetime
    step_s: float
    source: str
    points: tuple[HistoryPoint, ...]
    alerts: tuple[HistoryAlert, ...]
    trust: tuple[TrustGap, ...]


def grain_of(span: timedelta, step: timedelta | None) -> tuple[Grain, timedelta]:
    """Return what to look at for a span, and the step: the finest of at most `MOST_POINTS` points, or
    a coarser one that was asked for."""
    grain = Grain.READINGS if span <= FINE else Grain.MINUTES if span <= COARSE else Grain.HOURS
    finest = max(GRAINS[grain], span / MOST_POINTS)
    wanted = finest if step is None else max(step, finest)
    whole = -(-wanted // GRAINS[grain])
    return grain, GRAINS[grain] * whole


async def read_history(
    connection: Any,
    venue: str,
    symbol: str,
    since: datetime,
    until: datetime,
    step: timedelta | None = None,
) -> History:
    """Return the history of a book. Raises what asyncpg raises."""
    grain, every = grain_of(until - since, step)
    reader = _Reader(connection, grain, every, venue, symbol, since, until)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await settle(connection, DEADLINE_S)
        return History(
            venue=venue,
            symbol=symbol,
            since=since,
            until=until,
            step_s=every.total_seconds(),
            source=str(grain),
            points=tuple(await reader.points()),
            alerts=tuple(await reader.alerts()),
            trust=tuple(await reader.trust()),
        )


class _Reader:
    """Puts the statements of one history."""

    def __init__(
        self,
        connection: Any,
        grain: Grain,
        step: timedelta,
        venue: str,
        symbol: str,
        since: datetime,
        until: datetime,
    ) -> None:
        self._connection = connection
        self._grain = grain
        self._step = step
        self._since = since
        self._given: dict[str, Any] = {
            "symbol": symbol,
            "venues": [venue],
            "since": since,
            "until": until,
            "usual_since": since - USUAL[grain],
            "usual_until": since,
            "least": LEAST,
            "band": Z_BAND,
            "venue": venue,
        }

    async def points(self) -> list[HistoryPoint]:
        """Return the steps in which anything was read."""
        points = {
            row["at"]: HistoryPoint(
                at=row["at"],
                mid=row["mid"],
                spread_bps=row["spread_bps"],
                spread_z=row["spread_z"],
                bands={},
                slippage={},
            )
            for row in await self._stepped("readings", MID)
        }
        for row in await self._stepped("depth", "max(depth_z) AS depth_z"):
            if (point := points.get(row["at"])) is not None:
                points[row["at"]] = replace(point, depth_z=row["depth_z"])
        for row in await self._own(IMBALANCE):
            if (point := points.get(row["at"])) is not None:
                points[row["at"]] = replace(point, imbalance=row["imbalance"])
        for row in await self._own(BANDS):
            if (point := points.get(row["at"])) is not None:
                point.bands[str(row["band_bps"])] = (row["bid"], row["ask"])
        for row in await self._own(SLIPPAGE):
            if (point := points.get(row["at"])) is not None:
                point.slippage[f"{row['taker']} {row['notional']:f}"] = row["slippage_bps"]
        return [points[at] for at in sorted(points)]

    async def alerts(self) -> list[HistoryAlert]:
        """Return the alerts of this book, of its pairs, and of the symbol as a whole."""
        rows = await self._put(statement("alerts"), venues=None)
        venue = self._given["venue"]
        return [
            HistoryAlert(
                id=row["id"],
                signal=row["signal"],
                severity=row["worst_severity"],
                started_at=row["started_at"],
                ended_at=row["ended_at"],
                sentence=row["sentence"],
            )
            for row in rows
            if row["venue"] == "*" or venue in row["venue"].split("~")
        ]

    async def trust(self) -> list[TrustGap]:
        """Return when the book was not to be trusted."""
        return [
            TrustGap(
                since=row["since"],
                until=row["until"],
                trust=row["trust"],
                reason=row["reason"] or "",
            )
            for row in await self._put(statement("trust"))
        ]

    async def _stepped(self, name: str, what: str) -> list[Mapping[str, Any]]:
        """Return the rows of a statement of the postmortem, a step each."""
        inner = statement(f"{name}{VIEWS[self._grain]}")
        spread = "" if self._grain is Grain.READINGS else "_most"
        step, since = len(inner.order) + 1, len(inner.order) + 2
        sql = (
            f"SELECT date_bin(${step}, at, ${since}) AS at, {what.replace('{most}', spread)}"  # noqa: S608
            f" FROM ({inner.numbered}) AS told GROUP BY 1 ORDER BY 1"
        )
        rows: list[Mapping[str, Any]] = await self._connection.fetch(
            sql, *inner.values(self._given), self._step, self._since
        )
        return rows

    async def _own(self, sql: str) -> list[Mapping[str, Any]]:
        """Return the rows of a statement of ours."""
        text = sql
        for name, value in COLUMNS[self._grain].items():
            text = text.replace(f"{{{name}}}", value)
        given = self._given
        rows: list[Mapping[str, Any]] = await self._connection.fetch(
            text, given["symbol"], given["venue"], given["since"], given["until"], self._step
        )
        return rows

    async def _put(self, asked: Statement, **more: Any) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = await self._connection.fetch(
            asked.numbered, *asked.values({**self._given, **more})
        )
        return rows


MID = (
    "(array_agg(mid ORDER BY at DESC))[1] AS mid, max(spread_bps{most}) AS spread_bps,"
    " max(spread_z{most}) AS spread_z"
)
"""The most of a minute is in a column of its own."""

WHERE = (
    "WHERE symbol = $1 AND venue = $2 AND at >= $3::timestamptz AND at < $4::timestamptz GROUP BY 1"
)
IMBALANCE = f"""
SELECT date_bin($5, at, $3) AS at, avg({{imbalance}}) AS imbalance
  FROM tidegauge.{{readings}} {WHERE}
"""  # noqa: S608
BANDS = f"""
SELECT date_bin($5, at, $3) AS at, band_bps, min({{bid}}) AS bid, min({{ask}}) AS ask
  FROM tidegauge.{{depth}} {WHERE}, 2 HAVING count({{bid}}) > 0
"""  # noqa: S608
SLIPPAGE = f"""
SELECT date_bin($5, at, $3) AS at, taker, notional,
       CASE WHEN bool_and({{filled}}) THEN max({{bps}}) END AS slippage_bps
  FROM tidegauge.{{slippage}} {WHERE}, 2, 3
"""  # noqa: S608

_ROLLED = {
    "imbalance": "imbalance_avg",
    "bid": "bid_quote_low",
    "ask": "ask_quote_low",
    "filled": "filled = readings",
    "bps": "slippage_bps_max",
}
COLUMNS: dict[Grain, dict[str, str]] = {
    Grain.READINGS: {
        "readings": "v_readings",
        "depth": "v_depth",
        "slippage": "v_slippage",
        "imbalance": "imbalance",
        "bid": "bid_quote",
        "ask": "ask_quote",
        "filled": "filled",
        "bps": "slippage_bps",
    },
    Grain.MINUTES: {
        "readings": "v_minutes",
        "depth": "v_depth_minutes",
        "slippage": "v_slippage_minutes",
        **_ROLLED,
    },
    Grain.HOURS: {
        "readings": "v_hours",
        "depth": "v_depth_hours",
        "slippage": "v_slippage_hours",
        **_ROLLED,
    },
}
