"""Checks of the operations desk: whether the audit trails are whole here, and orders are answered."""

from typing import Any

from .finding import Finding, ok, warn

LATE_S = 60.0


async def trail(connection: Any) -> Finding:
    """Whether every line of each trail follows the one before it, up to its head.

    The files are for `tidegauge incidents verify`, on the machine of each.
    """
    rows = await connection.fetch(BROKEN)
    if rows:
        first = rows[0]
        more = f", and {len(rows) - 1} more places" if len(rows) > 1 else ""
        return warn(
            "trail",
            f"line {first['sequence'] + 1} of {first['path']} on {first['host'].partition('#')[0]} does"
            f" not follow the one before it{more}",
            "`tidegauge incidents verify` there says whether the file knows better",
        )
    row = await connection.fetchrow(COUNTS)
    return ok("trail", f"{row['events']:,} lines of {row['chains']:,} audit trails, each whole")


async def orders(connection: Any) -> Finding:
    """Whether daemons that run answer the orders of people."""
    late = await connection.fetchrow(LATE, LATE_S)
    if late["count"]:
        return warn(
            "orders",
            f"{late['count']} orders wait although a daemon is there, the first since"
            f" {late['first']:%Y-%m-%d %H:%M:%S} UTC",
            "See the daemon's log: it may not reach the database",
        )
    return ok("orders", "none waits for a daemon that runs")


BROKEN = """
WITH line AS (
    SELECT chain, sequence, previous_hash,
           lag(hash) OVER w AS hash_before, lag(sequence) OVER w AS sequence_before
      FROM tidegauge.incident_events WHERE chain IS NOT NULL
    WINDOW w AS (PARTITION BY chain ORDER BY sequence, at_ns)),
newest AS (
    SELECT DISTINCT ON (chain) chain, sequence, hash FROM tidegauge.incident_events
     WHERE chain IS NOT NULL ORDER BY chain, sequence DESC)
SELECT c.host, c.path, line.sequence
  FROM line JOIN tidegauge.incident_chains AS c ON c.id = line.chain
 WHERE line.sequence <> coalesce(line.sequence_before, 0) + 1
    OR line.previous_hash <> line.hash_before
UNION ALL
SELECT c.host, c.path, c.sequence
  FROM tidegauge.incident_chains AS c LEFT JOIN newest ON newest.chain = c.id
 WHERE (newest.sequence, newest.hash) IS DISTINCT FROM (c.sequence, c.hash)
 ORDER BY 1, 2, 3
"""

COUNTS = """
SELECT (SELECT count(*) FROM tidegauge.incident_events WHERE chain IS NOT NULL) AS events,
       (SELECT count(*) FROM tidegauge.incident_chains) AS chains
"""

LATE = """
SELECT count(*) AS count, min(o.at) AS first FROM tidegauge.v_orders AS o
 WHERE o.outcome = 'waiting' AND o.at < clock_timestamp() - make_interval(secs => $1)
   AND (o.symbol IS NOT NULL OR o.until > now())
   AND EXISTS (SELECT FROM tidegauge.leases AS l
                WHERE l.expires_at > clock_timestamp() AND (l.symbol = o.symbol OR o.symbol IS NULL))
"""
