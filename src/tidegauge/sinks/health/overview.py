"""What a database holds and who uses it: questions only, none that changes anything.

Each part is asked for by itself and has its deadline. One that cannot be answered, for want of a table or of a
right, is left out and named in `unknown`, and the others are told all the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from tidegauge.core.instrument import Symbol, VenueName

from ..leases import Lease, leases

Answer = TypeVar("Answer")

DEADLINE_S = 10
"""For one question."""

LONG_AGO = timedelta(days=1)
"""Of books that were silent for longer, the last hour is told in place of the last reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """A table with its indexes and partitions. `rows`: estimated; None before the first ANALYZE."""

    name: str
    rows: int | None
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The daily partitions of a table, today by the database's clock, in UTC."""

    table: str
    count: int
    oldest: date
    newest: date
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWrite:
    """When one book was last written about; `rolled`: to when its minutes are made.

    `reading` is to the hour where `old`.
    """

    venue: VenueName
    symbol: Symbol
    reading: datetime | None
    old: bool
    market: datetime | None
    alert: datetime | None
    rolled: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Sessions of clients, on all databases of the server. `ours`: on this database."""

    ours: int
    all: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A database as it is. What could not be asked is None or empty, and named in `unknown`."""

    version: str
    schema: int | None
    now: datetime
    bytes: int | None = None
    tables: Sequence[TableSize] = ()
    partitions: Sequence[Days] = ()
    books: Sequence[LastWrite] = ()
    feed_event: datetime | None = None
    leases: Sequence[Lease] = ()
    connections: Connections | None = None
    unknown: Sequence[str] = field(default=())

    @property
    def last_reading(self) -> datetime | None:
        """The newest reading of all."""
        return max((each.reading for each in self.books if each.reading), default=None)

    @property
    def rollup_lag(self) -> timedelta | None:
        """How far the minutes are behind the readings; None where there is nothing to compare."""
        lags = [
            max(each.reading - each.rolled, timedelta(0))
            for each in self.books
            if each.reading is not None and each.rolled is not None and not each.old
        ]
        return max(lags, default=None)


async def overview(connection: Any) -> Overview:
    """Return how the database is. Raises what asyncpg raises when it goes away."""
    await connection.execute(f"SET statement_timeout = '{DEADLINE_S}s'")
    version = await connection.fetchval("SHOW server_version")
    now = await connection.fetchval("SELECT clock_timestamp()")
    if await connection.fetchval("SELECT to_regclass('tidegauge.schema_migrations')") is None:
        return Overview(version=version, schema=None, now=now)
    unknown: list[str] = []

    async def ask(
        name: str, question: Callable[[Any], Awaitable[Answer]], otherwise: Answer
    ) -> Answer:
        try:
            return await question(connection)
        except asyncpg.PostgresError as error:
            unknown.append(f"{name} ({type(error).__name__})")
            return otherwise

    return Overview(
        version=version,
        now=now,
        schema=await ask("schema", _schema, None),
        bytes=await ask("size", _bytes, None),
        tables=await ask("tables", _tables, []),
        partitions=await ask("partitions", days_of_partitions, []),
        books=await ask("last writes", _books, []),
        feed_event=await ask("last feed event", _feed_event, None),
        leases=await ask("leases", leases, []),
        connections=await ask("connections", connections, None),
        unknown=unknown,
    )


async def _schema(connection: Any) -> int | None:
    newest: int | None = await connection.fetchval(
        "SELECT max(version) FROM tidegauge.schema_migrations"
    )
    return newest


async def _bytes(connection: Any) -> int | None:
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


async def _tables(connection: Any) -> list[TableSize]:
    rows = await connection.fetch(TABLES)
    return [TableSize(**row) for row in rows]


async def days_of_partitions(connection: Any) -> list[Days]:
    """Return the daily partitions of each table that has them."""
    rows = await connection.fetch(PARTITIONS)
    return [Days(**row) for row in rows]


async def _books(connection: Any) -> list[LastWrite]:
    rows = await connection.fetch(BOOKS, LONG_AGO)
    return [LastWrite(**row) for row in rows]


async def _feed_event(connection: Any) -> datetime | None:
    at: datetime | None = await connection.fetchval(FEED_EVENT)
    return at


async def connections(connection: Any) -> Connections | None:
    """Return how many sessions there are, and may be."""
    row = await connection.fetchrow(CONNECTIONS)
    return Connections(**row)


TABLES = """
SELECT c.relname AS name,
       CASE WHEN bool_and(p.reltuples >= 0 OR pg_relation_size(p.oid) = 0 OR pg_stat_get_live_tuples(p.oid) > 0)
            THEN sum(greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0))::bigint END AS rows,
       sum(pg_total_relation_size(p.oid))::bigint AS bytes
  FROM pg_class AS c
 CROSS JOIN LATERAL (
       SELECT t.relid FROM pg_partition_tree(c.oid) AS t WHERE c.relkind = 'p' AND t.isleaf
       UNION ALL SELECT c.oid WHERE c.relkind = 'r') AS part
  JOIN pg_class AS p ON p.oid = part.relid
 WHERE c.relnamespace = 'tidegauge'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition
 GROUP BY c.relname ORDER BY bytes DESC, name
"""

PARTITIONS = """
SELECT table_name AS "table", count(*)::integer AS count,
       (min(first) AT TIME ZONE 'UTC')::date AS oldest,
       (max(first) AT TIME ZONE 'UTC')::date AS newest,
       (max(first) AT TIME ZONE 'UTC')::date - (clock_timestamp() AT TIME ZONE 'UTC')::date AS ahead
  FROM tidegauge.partitions GROUP BY table_name ORDER BY table_name
"""

# Each book by its index: neither readings nor minutes have one on the time alone.
BOOKS = """
SELECT b.venue, b.symbol, coalesce(r.at, o.at) AS reading, r.at IS NULL AS old,
       m.at AS market, a.at AS alert, n.at AS rolled
  FROM (SELECT venue, symbol, array_agg(id) AS series FROM tidegauge.series GROUP BY 1, 2) AS b
 CROSS JOIN LATERAL (
       SELECT max(newest.at) AS at FROM unnest(b.series) AS s (id)
        CROSS JOIN LATERAL (
              SELECT at FROM tidegauge.readings AS r
               WHERE r.series = s.id AND r.at >= clock_timestamp() - $1::interval
               ORDER BY r.at DESC LIMIT 1) AS newest) AS r
  LEFT JOIN LATERAL (
       SELECT at FROM tidegauge.hours AS h WHERE r.at IS NULL AND h.symbol = b.symbol AND h.venue = b.venue
        ORDER BY h.at DESC LIMIT 1) AS o ON true
  LEFT JOIN LATERAL (
       SELECT at FROM tidegauge.market AS t WHERE t.venue = b.venue AND t.symbol = b.symbol
        ORDER BY t.at DESC LIMIT 1) AS m ON true
  LEFT JOIN LATERAL (
       SELECT max(updated_at) AS at FROM tidegauge.alerts AS l
        WHERE l.venue = b.venue AND l.symbol = b.symbol) AS a ON true
  LEFT JOIN LATERAL (
       SELECT at + interval '1 minute' AS at FROM tidegauge.minutes AS u
        WHERE u.symbol = b.symbol AND u.venue = b.venue ORDER BY u.at DESC LIMIT 1) AS n ON true
 ORDER BY b.symbol, b.venue
"""

FEED_EVENT = """
SELECT max(e.at) FROM (SELECT DISTINCT venue FROM tidegauge.series) AS v
 CROSS JOIN LATERAL (
       SELECT at FROM tidegauge.feed_events AS f WHERE f.venue = v.venue ORDER BY at DESC LIMIT 1) AS e
"""

CONNECTIONS = """
SELECT count(*) FILTER (WHERE datname = current_database())::integer AS ours,
       count(*)::integer AS all, current_setting('max_connections')::integer AS most
  FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
