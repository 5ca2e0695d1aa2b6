"""Every check there is, in the order in which an operator wants to read them."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from ..spool import survey
from . import desk, machine, rows, schema, server
from .finding import Finding, Verdict, fail, warn

DEADLINE_S = 20
"""For one question to the database."""

CHECKS: dict[str, Callable[[Any], Awaitable[Finding]]] = {
    "server": server.server,
    "writable": server.writable,
    "durable": server.durable,
    "checksums": server.checksums,
    "vacuum": server.vacuum,
    "connections": server.room,
    "sessions": server.sessions,
    "clock": server.clock,
    "schema": schema.version,
    "contents": schema.contents_as_expected,
    "indexes": schema.indexes,
    "partitions": schema.partitions,
    "orphans": rows.orphans,
    "future": rows.future,
    "rollups": rows.rollups,
    "leases": rows.watchers,
    "trail": desk.trail,
    "orders": desk.orders,
}
"""What is asked of the database."""


async def check_database(connection: Any) -> list[Finding]:
    """Ask everything. A check that cannot be made is a warning, and does not stop the others.

    Raises what asyncpg raises when the connection is lost.
    """
    await connection.execute(f"SET statement_timeout = '{DEADLINE_S}s'; SET TIME ZONE 'UTC'")
    return [await _made(name, check, connection) for name, check in CHECKS.items()]


def check_machine(data_dir: Path, home: Path | None, database: str = "") -> list[Finding]:
    """Look at this machine. `home`: of the embedded server, None where another one is used.

    `database`: the identity of ours, as the labels of the spool have it.
    """
    found = [] if home is None else [machine.disk(home)]
    try:
        state = survey(data_dir)
    except OSError as error:
        said = f"the spool below {data_dir} cannot be read: {error.strerror or error}"
        return [*found, fail("spool", said, "Ask as the daemon's user, or repair the disk")]
    return [*found, machine.spool(state, database), machine.quarantine(state)]


def failed(findings: Sequence[Finding]) -> list[Finding]:
    """Return what is broken."""
    return [each for each in findings if each.verdict is Verdict.FAIL]


async def _made(name: str, check: Callable[[Any], Awaitable[Finding]], connection: Any) -> Finding:
    try:
        return await check(connection)
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.InvalidSchemaNameError,
    ):
        return warn(name, "it cannot be checked: a table or a column is missing", "See `schema`")
    except asyncpg.InsufficientPrivilegeError as error:
        return warn(name, f"it cannot be checked: {error}", "Ask as a user who may")
    except asyncpg.QueryCanceledError:
        return warn(
            name,
            f"it took more than {DEADLINE_S} s to check",
            "Try again when the server is less busy; see `sessions`",
        )
