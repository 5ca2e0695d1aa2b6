"""Reaching a database, its schema, reading it back, and psql."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.support.database import NOON, Server, a_feed_event, a_reading, an_alert

from tidegauge.core.alert import AlertState
from tidegauge.core.errors import OperatorError
from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, open_database
from tidegauge.sinks.migrate import Migration, migrate, migrations
from tidegauge.sinks.psql import psql_call
from tidegauge.sinks.report import alert_times, feed_records, rows_by_venue
from tidegauge.sinks.writer import PostgresWriter

NOWHERE = Path("/nowhere")


@pytest_asyncio.fixture
async def connection(empty_database: Database) -> AsyncIterator[Any]:
    """A connection to a database with nothing in it."""
    async with empty_database.session() as connection:
        yield connection


# -- the schema ----------------------------------------------------------------------------------


async def test_an_empty_database_is_migrated_once(connection: Any) -> None:
    """The second time there is nothing to do."""
    first, second = await migrate(connection), await migrate(connection)
    assert (first.before, first.after) == (0, len(migrations()))
    assert (second.before, second.after) == (len(migrations()), len(migrations()))


async def test_many_daemons_migrate_at_once(empty_database: Database) -> None:
    """The advisory lock lets one through; the others find it done."""

    async def one() -> int:
        async with empty_database.session() as connection:
            return (await migrate(connection)).before

    befores = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(befores) == [0] + [len(migrations())] * 5


async def test_a_newer_schema_is_refused_with_both_versions(connection: Any) -> None:
    """An old program never touches what it does not know."""
    known = migrations()
    newer = [*known, Migration(len(known) + 1, "later", "SELECT 1")]
    await migrate(connection, newer)
    with pytest.raises(
        OperatorError, match=rf"schema version {len(newer)}.*up to {len(known)}"
    ) as raised:
        await migrate(connection)
    assert "\n" not in str(raised.value)


async def test_an_edited_migration_is_refused(connection: Any) -> None:
    """The file no longer says what the database has."""
    await migrate(connection)
    edited = [replace(each, sql=each.sql + "-- edited\n") for each in migrations()]
    with pytest.raises(OperatorError, match=r"0001_first_cut .* edited"):
        await migrate(connection, edited)


async def test_a_migration_that_fails_leaves_nothing_behind(connection: Any) -> None:
    """All of it, or nothing: not even the schema."""
    broken = [*migrations(), Migration(len(migrations()) + 1, "broken", "SELECT 1 / 0")]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, broken)
    assert await connection.fetchval("SELECT to_regnamespace('tidegauge')") is None


async def test_a_user_who_may_not_is_told(empty_database: Database) -> None:
    """No permission to make the schema: one line with what to grant."""
    async with empty_database.session() as connection:
        await connection.execute("CREATE ROLE visitor")
        try:
            await connection.execute("SET ROLE visitor")
            with pytest.raises(OperatorError, match="GRANT CREATE"):
                await migrate(connection)
        finally:
            await connection.execute("RESET ROLE; DROP ROLE visitor")


# -- reaching it ---------------------------------------------------------------------------------


def url_of(server: Server, *, user: str = "tidegauge", name: str = "tidegauge") -> str:
    place = server.embedded.dsn.partition("@")[2].partition("/")[0]
    return f"postgresql://{user}@{place}/{name}"


def password_of(server: Server) -> str:
    return str(server.embedded.connect_kwargs()["password"])


async def refusal(url: str, password: str | None) -> str:
    """Return the one line that opening a database ends in."""
    with pytest.raises(OperatorError) as raised:
        async with open_database(url=url, password=password, data_dir=NOWHERE):
            pass
    assert "\n" not in str(raised.value)
    assert password is None or password not in str(raised.value)
    return str(raised.value)


async def test_a_url_and_its_password_open_a_database(postgres_server: Server) -> None:
    """By a setting, or inside the URL; never shown."""
    password, url = password_of(postgres_server), url_of(postgres_server)
    for given, secret in (
        (url, SecretStr(password)),
        (url.replace("tidegauge@", f"tidegauge:{password}@"), None),
        (f"{url}?password={password}", None),
    ):
        async with open_database(url=given, password=secret, data_dir=NOWHERE) as database:
            assert not database.embedded
            assert password not in f"{database} {database.url} {database.describe}"
            async with database.session() as connection:
                assert await connection.fetchval("SHOW application_name") == "tidegauge"


async def test_a_wrong_password_is_one_line(postgres_server: Server) -> None:
    """It names the variable to set, and not what was tried."""
    said = await refusal(url_of(postgres_server), "a-wrong-guess")
    assert "refused the password" in said
    assert "TIDEGAUGE_DATABASE_PASSWORD" in said


async def test_a_url_that_lacks_its_password_fails_at_once() -> None:
    """Before any connection is tried."""
    said = await refusal("postgresql://tidegauge@192.0.2.1/tidegauge", None)
    assert "TIDEGAUGE_DATABASE_PASSWORD" in said


async def test_a_database_that_is_not_there_is_one_line(postgres_server: Server) -> None:
    """No such database, nobody listening, no such host."""
    password = password_of(postgres_server)
    assert "no such database" in await refusal(url_of(postgres_server, name="none"), password)
    assert "cannot be reached" in await refusal("postgresql://u@127.0.0.1:1/db", password)
    assert "cannot be reached" in await refusal("postgresql://u@no-such-host.invalid/d", password)


async def test_a_server_that_is_too_old_is_refused(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The versions are both named."""
    monkeypatch.setattr("tidegauge.sinks.connect.OLDEST", 99)
    said = await refusal(url_of(postgres_server), password_of(postgres_server))
    assert "Tidegauge needs 99 or newer" in said


# -- reading it back -----------------------------------------------------------------------------


async def test_what_was_written_is_read_back(database: Database) -> None:
    """Rows a venue, the alert with its times, and what happened to the feeds."""
    writer = PostgresWriter(database, WriterLimits(), "run-1")
    for frame in range(1, 6):
        writer.submit(a_reading(frame))
    writer.submit(a_reading(9, venue="bybit-linear"))
    for state, second in (
        (AlertState.PENDING, 0),
        (AlertState.FIRING, 2),
        (AlertState.RESOLVED, 12),
    ):
        writer.submit(an_alert(state, updated_at=NOON + second * SECOND))
    lost = replace(
        a_feed_event(5, FeedEventKind.TRUST), trust=Trust.SYNCING, reason=TrustReason.GAP
    )
    live = replace(lost, at=NOON + 6, trust=Trust.LIVE, reason=TrustReason.SYNCHRONISED)
    for event in (
        a_feed_event(1, FeedEventKind.CONNECTED),
        a_feed_event(2, FeedEventKind.GAP),
        a_feed_event(3, FeedEventKind.RESYNC),
        lost,
        live,
    ):
        writer.submit(event)
    assert await writer.drain(30.0)

    async with database.session() as connection:
        books = await rows_by_venue(connection, "run-1")
        assert [(each.venue, each.readings) for each in books] == [
            ("binance", 5),
            ("bybit-linear", 1),
        ]
        assert (books[0].last - books[0].first).total_seconds() == 4
        [alert] = await alert_times(connection, "run-1")
        assert (alert.state, alert.worst_severity, alert.changes) == ("resolved", "critical", 3)
        assert alert.fired_at is not None
        assert (alert.fired_at - alert.started_at).total_seconds() == 2
        assert alert.lasted is not None
        assert alert.lasted.total_seconds() == 12
        [feed] = await feed_records(connection, "run-1")
        assert (feed.connects, feed.gaps, feed.resyncs) == (1, 1, 1)
        assert (feed.trust_changes, feed.trust_losses) == (2, 1)
        assert await rows_by_venue(connection, "another") == []


# -- psql ----------------------------------------------------------------------------------------


async def test_psql_gets_in_without_the_password_in_sight(database: Database) -> None:
    """The names of our tables need no schema; the password file does not outlive the call."""
    environment = {**os.environ, "TIDEGAUGE_DATABASE_PASSWORD": "elsewhere", "PGPASSWORD": "wrong"}
    query = ("-X", "-A", "-t", "-c", "SELECT count(*) FROM v_readings")
    with psql_call(database, environment, query) as call:
        assert database.password is not None
        assert database.password not in " ".join([*call.argv, *call.env.values(), repr(call)])
        file = Path(call.env["PGPASSFILE"])
        assert file.stat().st_mode & 0o077 == 0
        finished = subprocess.run(
            call.argv, env=call.env, capture_output=True, text=True, check=False, timeout=30
        )
    assert (finished.stdout, finished.stderr) == ("0\n", "")
    assert not file.exists()
