"""What the database knows of incidents, alerts, silences and exposures, for people to look at.

Rows are what asyncpg returns: numeric is `Decimal`, times are in UTC, unknown is None. Every function
raises what asyncpg raises.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from tidegauge.core.errors import OperatorError

MOST_NAMED = 5
PREFIX, LEAST_NAMED, LONGEST_ID = "INC-", 4, 100
"""How every id begins, how much more of one must be said to mean it, and what is too long for one."""


async def incidents(
    connection: Any,
    *,
    only_open: bool = False,
    symbols: Collection[str] = (),
    since: datetime | None = None,
    most: int | None = None,
) -> list[Any]:
    """Return incidents, the newest first: those that were open at `since` or opened later."""
    rows: list[Any] = await connection.fetch(INCIDENTS, only_open, list(symbols), since, most)
    return rows


async def incident(connection: Any, name: str) -> Any:
    """Return the one incident whose id, or the last part of it, begins with `name`.

    Raises `OperatorError` where none does, or several do, and for a name that says too little: an
    empty variable of a script must not end the only incident there is.
    """
    if len(name.removeprefix(PREFIX)) < LEAST_NAMED:
        raise OperatorError(
            f"{name!r} is too little of an id",
            fix=f"Write {LEAST_NAMED} characters of its last part, or all of it",
        )
    if len(name) > LONGEST_ID:
        raise OperatorError(
            f"no incident has an id of {len(name):,} characters",
            fix="The id comes first; what is said of it needs quotes",
        )
    rows = await connection.fetch(NAMED, name, MOST_NAMED + 1)
    exact = [row for row in rows if row["id"] == name]
    if exact or len(rows) == 1:
        return (exact or rows)[0]
    if not rows:
        raise OperatorError(
            f"there is no incident {name!r}",
            fix="`tidegauge incidents list` says which there are",
        )
    told = ", ".join(row["id"] for row in rows[:MOST_NAMED])
    more = ", ..." if len(rows) > MOST_NAMED else ""
    raise OperatorError(
        f"several incidents are meant by {name!r}: {told}{more}", fix="Write more of it"
    )


async def assets(connection: Any) -> list[str]:
    """Return what the symbols that are or were watched are made of, by name."""
    rows = await connection.fetch(ASSETS)
    return [row["base"] for row in rows]


async def timeline(connection: Any, names: Sequence[str]) -> list[Any]:
    """Return what happened to some incidents, each in its order."""
    rows: list[Any] = await connection.fetch(TIMELINE, list(names))
    return rows


async def alerts_of(connection: Any, names: Sequence[str]) -> list[Any]:
    """Return the alerts of these ids, those that fire first, then the newest."""
    rows: list[Any] = await connection.fetch(ALERTS_OF, list(names))
    return rows


async def deliveries_of(connection: Any, name: str) -> list[Any]:
    """Return who was told of an incident, in order."""
    rows: list[Any] = await connection.fetch(DELIVERIES_OF, name)
    return rows


async def waiting_orders(connection: Any, name: str) -> list[Any]:
    """Return the orders on an incident that no daemon has answered."""
    rows: list[Any] = await connection.fetch(ORDERS_OF, name)
    return rows


async def alerts(
    connection: Any,
    *,
    only_firing: bool = False,
    symbols: Collection[str] = (),
    since: datetime | None = None,
    most: int | None = None,
) -> list[Any]:
    """Return alerts, the newest first, each with the incident that it joined."""
    rows: list[Any] = await connection.fetch(ALERTS, only_firing, list(symbols), since, most)
    return rows


async def silences(connection: Any, *, over_too: bool = False) -> list[Any]:
    """Return silences, those that no daemon knows yet among them, the one that ends last first."""
    rows: list[Any] = await connection.fetch(SILENCES, over_too)
    return rows


async def exposures(connection: Any) -> list[Any]:
    """Return how much of each asset is held, as somebody last said."""
    rows: list[Any] = await connection.fetch(
        "SELECT asset, amount, actor, at, until, until > now() AS believed, outcome, comment"
        "  FROM tidegauge.v_exposures ORDER BY asset"
    )
    return rows


INCIDENTS = """
SELECT i.*, now() AS now FROM tidegauge.v_incidents AS i
 WHERE (NOT $1 OR i.state <> 'resolved')
   AND (cardinality($2::text[]) = 0 OR i.symbol = ANY ($2))
   AND ($3::timestamptz IS NULL OR coalesce(i.resolved_at, 'infinity') >= $3)
 ORDER BY i.opened_at DESC, i.id LIMIT $4
"""

NAMED = """
SELECT i.*, now() AS now FROM tidegauge.v_incidents AS i
 WHERE starts_with(i.id, $1) OR starts_with(i.id, 'INC-' || $1)
    OR starts_with(split_part(i.id, '-', 3), $1) AND $1 <> ''
 ORDER BY i.id <> $1, i.opened_at DESC LIMIT $2
"""

TIMELINE = """
SELECT * FROM tidegauge.v_incident_timeline WHERE incident_id = ANY ($1)
 ORDER BY incident_id, number, sequence
"""

ALERTS_OF = """
SELECT * FROM tidegauge.v_alerts WHERE id = ANY ($1)
 ORDER BY state <> 'firing', started_at DESC, id
"""

DELIVERIES_OF = """
SELECT * FROM tidegauge.v_deliveries WHERE incident_id = $1 ORDER BY coalesce(sent_at, updated_at), channel
"""

ORDERS_OF = """
SELECT * FROM tidegauge.v_orders WHERE incident_id = $1 AND outcome = 'waiting' ORDER BY at
"""

ALERTS = """
SELECT a.*, i.id AS incident FROM tidegauge.v_alerts AS a
  LEFT JOIN (
       SELECT DISTINCT ON (alert) alert, id
         FROM tidegauge.incidents CROSS JOIN LATERAL unnest(alerts) AS joined (alert)
        ORDER BY alert, opened_at DESC) AS i ON i.alert = a.id
 WHERE (NOT $1 OR a.state = 'firing')
   AND (cardinality($2::text[]) = 0 OR a.symbol = ANY ($2))
   AND ($3::timestamptz IS NULL OR coalesce(a.ended_at, 'infinity') >= $3)
   AND (a.fired_at IS NOT NULL OR a.state = 'pending')
 ORDER BY a.started_at DESC, a.id LIMIT $4
"""

SILENCES = """
SELECT starts_at, ends_at, CASE WHEN active THEN 'in force' ELSE 'over' END AS state,
       signals, symbols, venues, severities, author, comment, ended_by, id
  FROM tidegauge.v_silences WHERE active OR $1
UNION ALL
SELECT at, until, 'waiting', s.signals, s.symbols, s.venues, s.severities, actor, comment, NULL, o.id::text
  FROM tidegauge.v_orders AS o
 CROSS JOIN LATERAL (
       SELECT ARRAY(SELECT jsonb_array_elements_text(m -> 'signals')) AS signals,
              ARRAY(SELECT jsonb_array_elements_text(m -> 'symbols')) AS symbols,
              ARRAY(SELECT jsonb_array_elements_text(m -> 'venues')) AS venues,
              ARRAY(SELECT (ARRAY['info', 'warning', 'high', 'critical'])[level::int + 1]
                      FROM jsonb_array_elements_text(m -> 'severities') AS level) AS severities
         FROM (SELECT o.silence -> 'matcher' AS m) AS matcher) AS s
 WHERE o.kind = 'silence' AND o.until > now() AND o.outcome <> 'refused'
   AND NOT EXISTS (SELECT FROM tidegauge.silences AS known WHERE known.id = o.id::text)
 ORDER BY 2 DESC, 11
"""

ASSETS = "SELECT DISTINCT base FROM tidegauge.instruments WHERE symbol IS NOT NULL ORDER BY base"
