"""Brings a database's schema to the one this version knows: all of it, or nothing."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import asyncpg
import structlog

from tidegauge.core.errors import OperatorError

from .connect import DatabaseAway, cause_of, is_passing

LOCK_KEY = 0x7469_6465_6761_7567  # "tidegaug"
LOCK_PATIENCE_S = 60
FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` found, and what it left."""

    before: int
    after: int


def migrations() -> list[Migration]:
    """Return the files of this version, in order."""
    found = [
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in files(f"{__package__}.migrations").iterdir()
        if (match := FILE_NAME.fullmatch(file.name))
    ]
    return sorted(found, key=lambda each: each.version)


async def migrate(connection: Any, known: Sequence[Migration] | None = None) -> Migrated:
    """Apply what is missing, in one transaction, one process at a time.

    Raises `OperatorError` when the database is newer than us, when a file that was applied has been
    edited since, or when we may not; `DatabaseAway` when only the moment is bad: a full disk, a
    standby, a server that is going down.
    """
    known = migrations() if known is None else known
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE_S}s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
            before = await _prepare(connection, known)
            for migration in known[before:]:
                await _apply(connection, migration)
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            f"the database user may not make the schema tidegauge: {error}",
            fix="Let it: GRANT CREATE ON DATABASE ... TO ...",
        ) from None
    except asyncpg.LockNotAvailableError:
        raise DatabaseAway(
            f"another process has been migrating the database for over {LOCK_PATIENCE_S} s",
            fix="Wait for it, or end it, and try again",
        ) from None
    except (OSError, *BROKEN) as error:
        cause = cause_of(error)
        if not is_passing(cause):
            raise
        raise DatabaseAway(
            f"the database cannot be migrated now: {type(cause).__name__}: {cause}",
            fix="Give it room, or point TIDEGAUGE_DATABASE_URL at a server that takes writes",
        ) from None
    after = len(known)
    if before != after:
        log.info("database_migrated", before=before, after=after)
    return Migrated(before, after)


async def _prepare(connection: Any, known: Sequence[Migration]) -> int:
    """Return the version the database is at. Raises `OperatorError` when it is not one of ours."""
    if await connection.fetchval("SELECT to_regclass('tidegauge.schema_migrations')") is None:
        await connection.execute(BOOK_OF_MIGRATIONS)
    rows = await connection.fetch(
        "SELECT version, name, checksum FROM tidegauge.schema_migrations ORDER BY version"
    )
    ours = {migration.version: migration for migration in known}
    newest = rows[-1]["version"] if rows else 0
    if newest > len(known):
        raise OperatorError(
            f"the database has schema version {newest}, and this Tidegauge knows versions up to "
            f"{len(known)}",
            fix="Update Tidegauge, or point TIDEGAUGE_DATABASE_URL at another database",
        )
    for row in rows:
        if ours[row["version"]].checksum != row["checksum"]:
            raise OperatorError(
                f"migration {row['version']:04}_{row['name']} of the database is not the one this "
                "Tidegauge has: the file was edited after it was applied",
                fix="Restore the file; changes of the schema belong in a new migration",
            )
    return int(newest)


async def _apply(connection: Any, migration: Migration) -> None:
    await connection.execute(migration.sql)
    await connection.execute(
        "INSERT INTO tidegauge.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
        migration.version,
        migration.name,
        migration.checksum,
    )


BOOK_OF_MIGRATIONS = """
CREATE SCHEMA IF NOT EXISTS tidegauge;
COMMENT ON SCHEMA tidegauge IS 'Liquidity risk: readings, alerts and what happened to the feeds.';
CREATE TABLE tidegauge.schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tidegauge.schema_migrations IS 'Which migrations this database has, and the SHA-256 of each.';
"""
