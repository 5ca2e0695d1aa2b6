"""Reads a postmortem: one snapshot of the database, every figure with the SQL behind it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.ask import refusal, settle
from tidegauge.sinks.upkeep import catch_up

from .books import books_of
from .questioner import Questioner, Told, tell_nobody
from .records import (
    AlertChange,
    AlertStory,
    Asked,
    FeedHappening,
    Grain,
    Incident,
    IncidentEvent,
    Postmortem,
    Run,
    Span,
    Unknown,
    Usual,
)

HOUR = timedelta(hours=1)
USUAL_WINDOWS = {
    Grain.READINGS: (HOUR, "hour"),
    Grain.MINUTES: (HOUR, "hour"),
    Grain.HOURS: (24 * HOUR, "day"),
}
DEADLINE_S = 120.0
"""For one statement."""

FINE = 2 * HOUR
"""Up to here every reading is drawn."""

COARSE = timedelta(days=3)
"""From here hours are drawn, and minutes before."""

LEAST_ROWS = 10
"""Fewer rows than this say nothing about what is usual."""

USUAL_SIZE = Decimal(500_000)
CANNOT_ROLL_UP = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""A role that only reads, a standby, or somebody who is at it."""

MOST_HAPPENINGS = 2_000
KINDS = (
    "trust", "gap", "resync", "malformed", "connected", "disconnected", "rejected", "quarantined",
    "overflow", "clock_fault", "clock_step", "conflated", "limited", "audit", "added", "removed",
    "delisted",
)  # fmt: skip


async def read_postmortem(
    connection: Any, asked: Asked, made_at: datetime, told: Told = tell_nobody
) -> Postmortem:
    """Return what the database knows of a symbol in a span, as of one instant.

    Raises `OperatorError` for a symbol never seen, a span without readings, a size or band that was
    not stored.
    """
    try:
        grain = await _grain(connection, asked, told)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await settle(connection, DEADLINE_S)
            return await _read(connection, asked, made_at, grain, told)
    except (TimeoutError, asyncpg.PostgresError) as error:
        raise refusal("the report", error, DEADLINE_S) from None


async def _read(
    connection: Any, asked: Asked, made_at: datetime, grain: Grain, told: Told
) -> Postmortem:
    questioner = Questioner(
        connection=connection,
        told=told,
        grain=grain,
        given={
            "symbol": asked.symbol,
            "since": asked.span.since,
            "until": asked.span.until,
            "venues": list(asked.venues) or None,
            "band": asked.band_bps,
            "least": LEAST_ROWS,
        },
    )
    put = questioner.put_by_grain
    held = await put("books", "how many readings each book left")
    if not held:
        raise await nothing_there(connection, asked)
    questioner.given["size"] = size = await _size(questioner, asked)
    await _check_band(questioner, asked)
    alerts = await _alerts(questioner)
    usual = await _usual(questioner, alerts)
    questioner.given |= {"usual_since": usual.span.since, "usual_until": usual.span.until}
    lost = await _lost(questioner)
    books, unknown = await books_of(questioner, asked, held, lost)
    happenings, in_all = await _happenings(questioner, sorted({book.venue for book in books}))
    return Postmortem(
        asked=asked,
        made_at=made_at.astimezone(UTC),
        grain=grain,
        size=size,
        usual=usual,
        books=books,
        alerts=alerts,
        happenings=happenings,
        happenings_in_all=in_all,
        unknown=unknown,
        incidents=await _incidents(questioner),
        runs=await _runs(questioner, held),
        queries=tuple(questioner.queries),
    )


async def _grain(connection: Any, asked: Asked, told: Told) -> Grain:
    """Return what to draw: readings of a short span that are kept still, else rollups up to date."""
    span = asked.span
    there = await connection.fetchrow(
        """
        SELECT EXISTS (SELECT FROM tidegauge.v_readings
                        WHERE symbol = $1 AND at >= $2 AND at < $3) AS readings,
               EXISTS (SELECT FROM tidegauge.v_minutes
                        WHERE symbol = $1 AND at >= $2 AND at < $3) AS minutes
        """,
        asked.symbol,
        span.since,
        span.until,
    )
    if span.lasts <= FINE and (there["readings"] or not there["minutes"]):
        return Grain.READINGS
    if there["readings"] and not await _rolled_up(connection, span, told):
        return Grain.READINGS
    return Grain.MINUTES if span.lasts <= COARSE else Grain.HOURS


async def _rolled_up(connection: Any, span: Span, told: Told) -> bool:
    """Roll up what is not yet; False where this role may not, or it cannot be done now.

    Of a long span only the end: what is older was, when its day ended.
    """
    told("rolling up what is not yet")
    try:
        await catch_up(connection, max(span.since, span.until - COARSE), span.until)
    except CANNOT_ROLL_UP:
        return False
    return True


async def span_of_alert(
    connection: Any, alert: str, around: timedelta, now: datetime
) -> tuple[str, Span]:
    """Return an alert's symbol, and its span with `around` before and after it, no later than `now`.

    One that fires still ends with its last change. Raises `OperatorError` for one that is not stored.
    """
    row = await connection.fetchrow(
        "SELECT symbol, started_at, coalesce(ended_at, updated_at) AS until"
        "  FROM tidegauge.v_alerts WHERE id = $1",
        alert,
    )
    if row is None:
        raise OperatorError(
            f"There is no alert {alert!r}",
            fix="`tidegauge db psql -- -c 'SELECT started_at, id, symbol FROM v_alerts'` lists them",
        )
    span = Span(since=row["started_at"] - around, until=min(row["until"] + around, now))
    return row["symbol"], span


async def nothing_there(connection: Any, asked: Asked) -> OperatorError:
    """Return why there is nothing to tell: the symbol was never seen, or not then, or not there."""
    row = await connection.fetchrow(
        """
        SELECT min(edge.first) AS first, max(edge.last) AS last, array_agg(DISTINCT s.venue) AS venues
          FROM tidegauge.series AS s
         CROSS JOIN LATERAL (
               SELECT (SELECT min(at) FROM tidegauge.readings WHERE series = s.id) AS first,
                      (SELECT max(at) FROM tidegauge.readings WHERE series = s.id) AS last) AS edge
         WHERE s.symbol = $1 AND edge.first IS NOT NULL
        """,
        asked.symbol,
    )
    if row["first"] is None:
        rows = await connection.fetch(
            "SELECT DISTINCT symbol FROM tidegauge.series ORDER BY 1 LIMIT 9"
        )
        known = ", ".join(each["symbol"] for each in rows)
        return OperatorError(
            f"There is no reading of {asked.symbol}",
            fix=f"There are readings of {known}" if known else "Run `tidegauge monitor` first",
        )
    absent = sorted(set(asked.venues) - set(row["venues"]))
    if absent and len(absent) == len(asked.venues):
        return OperatorError(
            f"There is no reading of {asked.symbol} on {' or '.join(absent)}",
            fix=f"There are readings of it on {', '.join(sorted(row['venues']))}",
        )
    return OperatorError(
        f"There is no reading of {asked.symbol} from {_told(asked.span.since)} to"
        f" {_told(asked.span.until)}",
        fix=f"Its readings are from {_told(row['first'])} to {_told(row['last'])}",
    )


async def _size(questioner: Questioner, asked: Asked) -> Decimal | None:
    """Return the size to tell the cost of: the one asked for, else 500,000, else what most books have."""
    rows = await questioner.put_by_grain("sizes", "the sizes whose cost was stored")
    stored: dict[Decimal, int] = {row["notional"]: row["venues"] for row in rows}
    if asked.size is not None and asked.size not in stored:
        sizes = ", ".join(f"{size:f}" for size in stored) or "none"
        raise OperatorError(
            f"The cost of {asked.size:f} was not stored in this span",
            fix=f"What was: {sizes}",
        )
    if asked.size is not None:
        return asked.size
    if USUAL_SIZE in stored:
        return USUAL_SIZE
    return max(stored, key=lambda size: (stored[size], size), default=None)


async def _check_band(questioner: Questioner, asked: Asked) -> None:
    rows = await questioner.put_by_grain("bands", "the bands whose depth was stored")
    bands = [row["band_bps"] for row in rows]
    if asked.band_bps not in bands:
        raise OperatorError(
            f"Depth within {asked.band_bps} bps was not stored in this span",
            fix=f"What was: {', '.join(str(band) for band in bands) or 'none'}",
        )


async def _alerts(questioner: Questioner) -> tuple[AlertStory, ...]:
    rows = await questioner.put("alerts", "the alerts that were open")
    names = [row["id"] for row in rows]
    changes: dict[str, list[AlertChange]] = {name: [] for name in names}
    for row in await questioner.put("changes", "every change of these alerts", alerts=names):
        kept = {key: value for key, value in row.items() if key not in ("alert_id", "causes")}
        changes[row["alert_id"]].append(AlertChange(causes=tuple(row["causes"]), **kept))
    return tuple(AlertStory(**row, changes=tuple(changes[row["id"]])) for row in rows)


async def _incidents(questioner: Questioner) -> tuple[Incident, ...]:
    rows = await questioner.put("incidents", "what people handled")
    events: dict[str, list[IncidentEvent]] = {row["id"]: [] for row in rows}
    for row in await questioner.put(
        "incident_events", "what they did about it", incidents=list(events)
    ):
        event = {key: value for key, value in row.items() if key != "incident_id"}
        events[row["incident_id"]].append(IncidentEvent(**event))
    return tuple(Incident(**row, events=tuple(events[row["id"]])) for row in rows)


async def _usual(questioner: Questioner, alerts: Sequence[AlertStory]) -> Usual:
    """Return the window that says what is usual: the hour before it began, if anything was read in it."""
    focus = questioner.given["since"]
    why = "the span"
    fired = [alert.started_at for alert in alerts if alert.fired_at is not None]
    if fired:
        focus, why = min(fired), "the first alert began"
    length, name = USUAL_WINDOWS[questioner.grain]
    window = Span(since=focus - length, until=focus)
    why = f"the {name} before {why}"
    rows = await questioner.put_by_grain(
        "books", "whether anything was read before", since=window.since, until=window.until
    )
    questioner.queries.pop()
    if any(row["readings"] >= LEAST_ROWS for row in rows) or fired:
        return Usual(span=window, why=why)
    whole = Span(since=questioner.given["since"], until=questioner.given["until"])
    return Usual(span=whole, why=f"the span itself, as nothing was read in {why}")


async def _lost(questioner: Questioner) -> list[Unknown]:
    rows = await questioner.put("trust", "when a book was not trusted")
    return [
        Unknown(
            venue=row["venue"],
            span=Span(since=row["since"], until=row["until"]),
            reason=row["reason"] or row["trust"],
            detail=row["detail"] or "",
        )
        for row in rows
    ]


async def _happenings(
    questioner: Questioner, venues: Sequence[str]
) -> tuple[tuple[FeedHappening, ...], int]:
    rows = await questioner.put(
        "events",
        "what happened to the feeds",
        venues=list(venues),
        kinds=list(KINDS),
        most=MOST_HAPPENINGS,
    )
    found = tuple(
        FeedHappening(**{key: value for key, value in row.items() if key != "in_all"})
        for row in rows
    )
    return found, rows[0]["in_all"] if rows else 0


async def _runs(questioner: Questioner, held: Sequence[Mapping[str, Any]]) -> tuple[Run, ...]:
    names = sorted({run for row in held for run in row["runs"]})
    return tuple(Run(**row) for row in await questioner.put("runs", "which runs wrote", runs=names))


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
