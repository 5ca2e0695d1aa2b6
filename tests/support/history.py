"""Days and months of readings, made by the server itself: plans and speeds need many rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

VENUES = ("binance", "binance-futures", "bybit-linear", "okx", "hyperliquid")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Readings of the first `books` books, one each `every`, from `since` until `until`."""

    books: int = 13
    since: datetime = START
    until: datetime = START + DAY
    every: timedelta = timedelta(seconds=1)
    run: str = "run-past"

    @property
    def named(self) -> Sequence[tuple[str, str]]:
        """The books: (venue, symbol), those of the first symbol first."""
        return [(venue, symbol) for symbol in SYMBOLS for venue in VENUES][: self.books]

    @property
    def rows(self) -> int:
        return self.books * -((self.since - self.until) // self.every)


async def make_series(connection: Any, past: Past) -> None:
    """Tell the series: three bands, three sizes a side and two limits a side."""
    await connection.executemany(
        """
        INSERT INTO tidegauge.series (id, run, venue, symbol, instrument, price_scale, base_scale,
               quote_scale, band_bps, fill_taker, fill_notional, max_taker, max_bps, max_scale)
        SELECT hashtextextended($1 || $2 || $3, 0) & 9223372036854775807, $1, $2, $3, $3, 2, 8, 10,
               '{10,50,100}', '{buy,buy,buy,sell,sell,sell}',
               '{100000,250000,1000000,100000,250000,1000000}',
               '{buy,buy,sell,sell}', '{5,10,5,10}', '{8,8,8,8}'
            ON CONFLICT (id) DO NOTHING
        """,
        [(past.run, venue, symbol) for venue, symbol in past.named],
    )


async def make_readings(connection: Any, past: Past) -> int:
    """Store all of `past`, day by day, in the order of time. Returns how many."""
    await make_series(connection, past)
    await connection.execute(
        "SELECT tidegauge.make_partitions($1, $2)", past.since.date(), past.until.date()
    )
    made, since = 0, past.since
    while since < past.until:
        until = min(since + DAY, past.until)
        done: str = await connection.execute(READINGS, past.run, since, until, past.every)
        made += int(done.rpartition(" ")[2])
        since = until
    return made


async def make_rollups(connection: Any, past: Past) -> None:
    """Store the minutes and hours that all of `past` comes to, without its readings."""
    for table, width in (("minutes", timedelta(minutes=1)), ("hours", timedelta(hours=1))):
        await connection.execute(
            ROLLUPS.format(table=table),
            *(list(part) for part in zip(*past.named, strict=True)),
            past.since,
            past.until,
            width,
            width // past.every,
        )


READINGS = """
INSERT INTO tidegauge.readings
SELECT s.id, (extract(epoch FROM t) * 1000000)::bigint * 1000 + 7, t, 1,
       (extract(epoch FROM t) * 1000)::bigint % 1000000000, n, 5000000, 5000, 4999, t, 7000001,
       p - 5, 123456000 + n % 1000, p + 5, 50000000 + n % 777,
       p / 100.0, 1000.0 / p * 10, sin(n / 100.0),
       ARRAY[1234567800, 7531231234567800 + n % 5000 * 100000000, 2469135600, 15062462469135600,
             2234567800, 17531231234567800 + n % 5000 * 100000000, 3469135600, 25062462469135600,
             3234567800, 27531231234567800 + n % 5000 * 100000000, 4469135600, 35062462469135600],
       ARRAY[0.4, 0.9, 2.5, 0.4, 0.9, 2.5 + n % 10 / 10.0]::float8[],
       ARRAY[1.6, 4.1, 16.4, 1.6, 4.1, 16.4]::float8[],
       ARRAY[p + 20, p + 50, p + 90, p - 20, p - 50, p - 90],
       ARRAY[75312312345678, 95312312345678, 75312312345678, 95312312345678],
       B'000000', CASE WHEN n % 50 = 0 THEN B'000001' ELSE B'000000' END, B'000000', B'0000',
       CASE WHEN n % 50 = 0 THEN ARRAY[1, 1, 1, 1, 1, 0.75]::float8[] END, NULL
  FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 microsecond', $4) AS t
 CROSS JOIN tidegauge.series AS s
 CROSS JOIN LATERAL (SELECT (extract(epoch FROM t) * 10)::bigint % 86400 AS n) AS tenths
 CROSS JOIN LATERAL (SELECT 6100000 + (1000 * sin(n / 3000.0))::bigint AS p) AS ticks
 WHERE s.run = $1
 ORDER BY t, s.id
"""
"""The mid swings, depth comes and goes, and every fiftieth instant the largest sale is not filled."""

ROLLUPS = """
INSERT INTO tidegauge.{table}
SELECT book.symbol, book.venue, t, n, 3, 10, p, p + 10, p - 100, p + 100,
       n, 0.0164 * n, 0.0163, 0.0165, n, 0.25 * n,
       '{{10,50,100}}', ARRAY[n, n, n]::integer[],
       ARRAY[(753123.5 + p % 997) * n, 1753123.5 * n, 2753123.5 * n], ARRAY[1506246.2 * n, 2506246.2 * n, 3506246.2 * n],
       ARRAY[7531231234567800, 17531231234567800, 27531231234567800,
             15062462469135600, 25062462469135600, 35062462469135600,
             22593693703703400, 42593693703703400, 62593693703703400],
       '{{buy,buy,buy,sell,sell,sell}}', '{{100000,250000,1000000,100000,250000,1000000}}',
       ARRAY[n, n, n, n, n, n]::integer[], ARRAY[n, n, n, n, n, n - 1]::integer[],
       ARRAY[(0.4 + p % 997 / 9999.0) * n, 0.9 * n, 2.5 * n, 0.4 * n, 0.9 * n, 2.5 * (n - 1)],
       ARRAY[0.4, 0.9, 2.5, 0.4, 0.9, 3.4]::float8[], NULL
  FROM generate_series($3::timestamptz, $4::timestamptz - interval '1 microsecond', $5::interval) AS t
 CROSS JOIN unnest($1::text[], $2::text[]) AS book (venue, symbol)
 CROSS JOIN LATERAL (SELECT 61000000 + (10000 * sin(extract(epoch FROM t)::bigint % 7776000 / 3000.0))::bigint AS p) AS mids
 CROSS JOIN (SELECT $6::bigint AS n) AS counted
 ORDER BY t, book.symbol, book.venue
"""
