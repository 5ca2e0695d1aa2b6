"""What an error of the database means: it is away, unwell, slow, or a row is to blame."""

import asyncpg

LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection that is gone raises. The last: the server died between two messages."""

AWAY = (*LOST, asyncpg.PostgresError)
"""What a database that is not there, or not well, raises."""

POISON = frozenset({"22", "23", "54"})
"""SQLSTATE classes that speak of a row: bad data, a broken constraint, a row too large."""

PASSING_CLASSES = frozenset({"08", "53", "57"})
"""SQLSTATE classes of what goes by: no way to the server, no room in it, an operator at work."""

PASSING_STATES = frozenset({"25006", "55P03"})
"""A server that takes no writes now, and a lock that somebody else has."""


QUERY_CANCELED, LOCK_NOT_AVAILABLE = "57014", "55P03"


def sqlstate(error: Exception) -> str:
    """Return the code of an error of the server's; of others none."""
    return getattr(error, "sqlstate", None) or ""


def is_passing(error: BaseException) -> bool:
    """Whether an error speaks of a database that is away, or unwell, for a while."""
    if isinstance(error, asyncpg.PostgresError):
        state = sqlstate(error)
        return state[:2] in PASSING_CLASSES or state in PASSING_STATES
    # A `ValueError` is of our arguments.
    return isinstance(error, LOST) and not isinstance(error, ValueError)


def is_slow(error: Exception) -> bool:
    """Whether it took too long, by our deadline or the server's."""
    return isinstance(error, TimeoutError) or sqlstate(error) in (
        QUERY_CANCELED,
        LOCK_NOT_AVAILABLE,
    )


def is_poison(error: Exception) -> bool:
    """Whether the database refuses a row, rather than being unwell."""
    return sqlstate(error)[:2] in POISON


def shown(error: Exception) -> str:
    """Return an error as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
