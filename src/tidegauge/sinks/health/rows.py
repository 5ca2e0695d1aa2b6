"""Checks of the rows themselves: whether they belong together, and whether they can be believed."""

from datetime import datetime, timedelta
from typing import Any

from ..leases import leases, named
from .finding import Finding, fail, ok, warn

TOLERANCE = 1e-9
"""Relative, of a mean: sums of floats depend on their order."""

SILENT_S = 300.0
RECENTLY_S = 86_400.0
HOUR = timedelta(hours=1)


async def orphans(connection: Any) -> Finding:
    """Whether every reading has its series: without it nobody knows whose it is, or its scale."""
    count = await connection.fetchval(ORPHANS)
    if count:
        return fail(
            "orphans",
            f"the readings of {count} series cannot be told: their row of series is missing",
            "Restore the table series from a backup: INSERT ... ON CONFLICT DO NOTHING",
        )
    return ok("orphans", "every reading has its series")


async def future(connection: Any) -> Finding:
    """Whether a row is of a time that has not come."""
    newest: datetime | None = await connection.fetchval(FUTURE)
    if newest is not None:
        return warn(
            "future",
            f"there are readings up to {newest:%Y-%m-%d %H:%M:%S} UTC, later than the server's clock",
            "A host's clock ran ahead: see `clock`, on each machine with a daemon",
        )
    return ok("future", "no reading is of a time to come")


async def rollups(connection: Any) -> Finding:
    """Whether the minutes are what their readings say, of an hour picked by chance."""
    hour = await connection.fetchval(ROLLED_HOUR)
    if hour is None:
        return ok("rollups", "no whole hour has been rolled up yet")
    row = await connection.fetchrow(RECOMPUTED, hour, TOLERANCE)
    what = f"the hour from {hour:%Y-%m-%d %H:%M} UTC"
    if row["wrong"]:
        return fail(
            "rollups",
            f"{row['wrong']} of {row['minutes']} minutes of {what} are not what their readings say",
            _made_anew(hour),
        )
    return ok("rollups", f"{row['minutes']} minutes of {what} equal what their readings say")


def _made_anew(hour: datetime) -> str:
    """Return the statements that make the minutes of an hour anew: their readings are there."""
    first, until = f"{hour:%Y-%m-%d %H:%M}+00", f"{hour + HOUR:%Y-%m-%d %H:%M}+00"
    span = f"at >= '{first}' AND at < '{until}'"
    return (
        f"BEGIN; DELETE FROM tidegauge.minutes WHERE {span}; DELETE FROM tidegauge.hours WHERE {span}; "  # noqa: S608 - times
        f"SELECT tidegauge.roll_up('{first}', '{until}'); COMMIT;"
    )


async def watchers(connection: Any) -> Finding:
    """Whether the daemons that hold leases renew them, and write."""
    found = await leases(connection)
    alive = [each for each in found if each.alive]
    stale = [
        each for each in found if not each.alive and not each.released and each.left_s > -RECENTLY_S
    ]
    if stale:
        who = stale[0].holder
        return warn(
            "leases",
            f"{named(stale)}: the daemon (process {who.pid} on {who.name}) renews its lease no more",
            "If it is not meant to be gone: start it, or see why it does not reach the database",
        )
    silent = await connection.fetch(SILENT, [each.symbol for each in alive], SILENT_S)
    if silent:
        names = ", ".join(row["symbol"] for row in silent[:3])
        return warn(
            "leases",
            f"{len(silent)} symbols are watched, but have no reading of the last "
            f"{SILENT_S / 60:.0f} minutes: {names}",
            "`tidegauge symbols list` says how their books are; see the daemon's log and its spool",
        )
    if not alive:
        return ok("leases", "no symbol is watched now")
    return ok("leases", f"{len(alive)} symbols are watched, and all of them leave readings")


ORPHANS = """
WITH RECURSIVE met (series) AS (
    SELECT min(series) FROM tidegauge.readings
    UNION ALL
    SELECT (SELECT min(r.series) FROM tidegauge.readings AS r WHERE r.series > met.series)
      FROM met WHERE met.series IS NOT NULL)
SELECT count(*) FROM met
 WHERE series IS NOT NULL AND NOT EXISTS (SELECT FROM tidegauge.series AS s WHERE s.id = met.series)
"""

FUTURE = "SELECT max(at) FROM tidegauge.readings WHERE at > clock_timestamp() + interval '1 minute'"

ROLLED_HOUR = """
SELECT at FROM (
       SELECT DISTINCT h.at FROM tidegauge.hours AS h
        WHERE h.at >= (SELECT min(first) FROM tidegauge.partitions WHERE table_name = 'readings')
          AND h.at + interval '1 hour'
              <= (SELECT max(at) FROM tidegauge.minutes WHERE at > now() - interval '7 days')
          AND h.at > now() - interval '7 days') AS whole
 ORDER BY random() LIMIT 1
"""

RECOMPUTED = """
WITH raw AS (
    SELECT date_trunc('minute', at) AS at, venue, symbol, count(*) AS readings,
           min(mid) AS mid_low, max(mid) AS mid_high, avg(spread_bps) AS spread_bps_avg,
           max(spread_bps) AS spread_bps_max
      FROM tidegauge.v_readings WHERE at >= $1 AND at < $1 + interval '1 hour'
     GROUP BY 1, 2, 3)
SELECT count(*) AS minutes, count(*) FILTER (WHERE
           m.at IS NULL OR raw.readings <> m.readings
           OR raw.mid_low IS DISTINCT FROM m.mid_low OR raw.mid_high IS DISTINCT FROM m.mid_high
           OR raw.spread_bps_max IS DISTINCT FROM m.spread_bps_max
           OR (raw.spread_bps_avg IS NULL) <> (m.spread_bps_avg IS NULL)
           OR abs(raw.spread_bps_avg - m.spread_bps_avg) > $2 * abs(raw.spread_bps_avg)) AS wrong
  FROM raw LEFT JOIN tidegauge.v_minutes AS m USING (at, venue, symbol)
"""

SILENT = """
SELECT DISTINCT w.symbol FROM unnest($1::text[]) AS w (symbol)
 WHERE EXISTS (SELECT FROM tidegauge.leases AS l WHERE l.symbol = w.symbol
                  AND l.acquired_at < clock_timestamp() - make_interval(secs => $2))
   AND NOT EXISTS (
       SELECT FROM tidegauge.series AS s
        CROSS JOIN LATERAL (
              SELECT FROM tidegauge.readings AS r WHERE r.series = s.id
                 AND r.at > clock_timestamp() - make_interval(secs => $2) LIMIT 1) AS fresh
        WHERE s.symbol = w.symbol)
 ORDER BY w.symbol
"""
