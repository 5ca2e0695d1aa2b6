"""Checks of the server itself: whether it takes writes, keeps what it took, and has room for us."""

import time
from typing import Any

from ..binaries import OLDEST
from .finding import Finding, fail, ok, warn
from .overview import connections

CLOCK_WARN_S = 1.0
CLOCK_FAIL_S = 60.0
CROWDED = 0.8
LONG_TRANSACTION_S = 600
LONG_WAIT_S = 30
OLD_ROWS = 1_000_000_000
"""Transactions since the oldest rows were frozen; at two thousand million PostgreSQL stops."""

RISKY = {
    "fsync": "a crash of the machine can destroy the whole database",
    "full_page_writes": "a crash of the machine can leave torn pages",
    "synchronous_commit": "a crash can lose the rows of the last moment, which were told as stored",
    "autovacuum": "tables grow and slow down, until the server stops to protect itself",
}


async def server(connection: Any) -> Finding:
    """Whether it is a PostgreSQL that serves, in an encoding that holds every name."""
    version = await connection.fetchval("SHOW server_version")
    major = await connection.fetchval(
        "SELECT current_setting('server_version_num')::integer / 10000"
    )
    encoding = await connection.fetchval("SHOW server_encoding")
    if major < OLDEST:
        return fail(
            "server",
            f"PostgreSQL {version} answers, and Tidegauge needs {OLDEST} or newer",
            "Upgrade it, or move to another: `tidegauge db move URL`",
        )
    if encoding != "UTF8":
        return fail(
            "server",
            f"the database is in {encoding}, which cannot hold every venue's words",
            "Make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )
    return ok("server", f"PostgreSQL {version} answers")


async def writable(connection: Any) -> Finding:
    """Whether rows can be written: no standby, not read-only, and our user may."""
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        return fail(
            "writable",
            "the server is a standby and takes no writes",
            "Point TIDEGAUGE_DATABASE_URL at the primary; target_session_attrs=primary in it finds it",
        )
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        return fail(
            "writable",
            "transactions are read-only here",
            "See default_transaction_read_only of the server, the database and the user",
        )
    refused = await connection.fetch(MAY_NOT)
    if refused:
        names = ", ".join(row["relname"] for row in refused[:5])
        user = await connection.fetchval("SELECT current_user")
        return fail(
            "writable",
            f"the user {user} may not write to {len(refused)} tables ({names})",
            "Connect as their owner, or GRANT INSERT, UPDATE, SELECT, DELETE on them",
        )
    return ok("writable", "it takes writes, and our user may write to every table")


async def durable(connection: Any) -> Finding:
    """Whether what was committed outlives a crash."""
    rows = await connection.fetch(
        "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", list(RISKY)
    )
    off = [row["name"] for row in rows if row["setting"] in ("off", "local")]
    if off:
        return warn(
            "durable",
            "; ".join(f"{name} is off: {RISKY[name]}" for name in off),
            "Turn it on: "
            + " ".join(f"ALTER SYSTEM SET {name} = on;" for name in off)
            + " SELECT pg_reload_conf();",
        )
    return ok("durable", "fsync, full_page_writes, synchronous_commit and autovacuum are on")


async def checksums(connection: Any) -> Finding:
    """Whether pages are checked as they are read, and whether one was found damaged."""
    if await connection.fetchval("SHOW data_checksums") != "on":
        return warn(
            "checksums",
            "pages carry no checksum: damage by a disk goes unseen",
            "Stop the server and run pg_checksums --enable on its data directory",
        )
    row = await connection.fetchrow(
        "SELECT checksum_failures, checksum_last_failure FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    if row["checksum_failures"]:
        return fail(
            "checksums",
            f"{row['checksum_failures']} damaged pages were read, the last at "
            f"{row['checksum_last_failure']:%Y-%m-%d %H:%M:%S} UTC: the disk or the memory is failing",
            "Restore the last good backup on another disk; docs/operations.md says how",
        )
    return ok("checksums", "every page carries one, and none was found damaged")


async def vacuum(connection: Any) -> Finding:
    """Whether old rows are frozen in time."""
    age: int = await connection.fetchval(
        "SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()"
    )
    if age > OLD_ROWS:
        return fail(
            "vacuum",
            f"the oldest rows were not frozen for {age:,} transactions; at 2,000,000,000 the server stops",
            "Run VACUUM FREEZE, and see why autovacuum does not (long transactions, unused slots)",
        )
    return ok("vacuum", f"the oldest rows were frozen {age:,} transactions ago")


async def room(connection: Any) -> Finding:
    """Whether there are connections left."""
    found = await connections(connection)
    assert found is not None
    said = f"{found.all} of {found.most} connections are used"
    if found.all >= CROWDED * found.most:
        return warn(
            "connections", said, "Close idle sessions, or raise max_connections and restart"
        )
    return ok("connections", said)


async def sessions(connection: Any) -> Finding:
    """Whether somebody holds up the others: long transactions, long waits, forgotten preparations."""
    rows = await connection.fetch(SESSIONS, LONG_TRANSACTION_S, LONG_WAIT_S)
    if rows:
        first = rows[0]
        return warn(
            "sessions",
            f"{len(rows)} sessions hold up others or the cleaning: process {first['pid']} "
            f"({first['who']}) {first['what']} for {first['seconds']:.0f} s",
            f"See pg_stat_activity; SELECT pg_terminate_backend({first['pid']}) ends it",
        )
    prepared = await connection.fetchval(
        "SELECT count(*) FROM pg_prepared_xacts WHERE prepared < now() - interval '10 minutes'"
    )
    if prepared:
        return warn(
            "sessions",
            f"{prepared} prepared transactions were never finished",
            "COMMIT PREPARED or ROLLBACK PREPARED them: see pg_prepared_xacts",
        )
    return ok("sessions", "no long transaction, and nobody waits long for a lock")


async def clock(connection: Any) -> Finding:
    """Whether this machine and the server agree on the time.

    Rows carry this machine's time; partitions and leases go by the server's.
    """
    offsets: list[tuple[float, float]] = []
    for _ in range(5):
        before = time.time()
        theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        took = time.time() - before
        offsets.append((took, theirs - (before + took / 2)))
    took, offset = min(offsets)
    said = (
        f"the server's clock is {abs(offset):.3f} s {'ahead of' if offset > 0 else 'behind'} "
        f"this machine's (within {took / 2:.3f} s)"
    )
    off = max(0.0, abs(offset) - took / 2)
    fix = "Let both follow a time server (chrony, systemd-timesyncd)"
    if off > CLOCK_FAIL_S:
        return fail("clock", said, fix)
    return warn("clock", said, fix) if off > CLOCK_WARN_S else ok("clock", said)


MAY_NOT = """
SELECT relname FROM pg_class
 WHERE relnamespace = to_regnamespace('tidegauge') AND relkind IN ('r', 'p') AND NOT relispartition
   AND NOT (has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
            AND has_table_privilege(oid, 'SELECT'))
 ORDER BY relname
"""

SESSIONS = """
SELECT pid, coalesce(nullif(application_name, ''), usename, backend_type) AS who,
       CASE WHEN wait_event_type = 'Lock' THEN 'has waited for a lock'
            WHEN state LIKE 'idle in transaction%' THEN 'has been idle in a transaction'
            ELSE 'has been in a transaction' END AS what,
       extract(epoch FROM clock_timestamp()
               - CASE WHEN wait_event_type = 'Lock' THEN query_start ELSE xact_start END)::float8 AS seconds
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
   AND (xact_start < clock_timestamp() - make_interval(secs => $1)
        OR wait_event_type = 'Lock' AND query_start < clock_timestamp() - make_interval(secs => $2))
 ORDER BY seconds DESC
"""
