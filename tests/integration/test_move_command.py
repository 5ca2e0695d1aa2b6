"""`tidegauge db move`, as an operator runs it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.cli import running, tidegauge
from tests.support.database import Server, until
from tests.support.moving import everything, filled_server, held_up, url_of
from tests.support.spool import rows

from tidegauge.sinks.connect import Database
from tidegauge.sinks.spool import ROOT, Spool, identity_of, survey
from tidegauge.sinks.spool.label import EMBEDDED


@pytest_asyncio.fixture
async def source(made_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """An embedded server, the wheel's, with some of everything."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)
    async with filled_server(made_data_dir) as database:
        yield database


def leave(data_dir: Path, name: str, database: str) -> None:
    """Leave three rows of a daemon that is gone."""
    spool = Spool(data_dir / ROOT, name, database=database)
    spool.open()
    spool.append(rows(3))
    spool.close()


async def test_a_move_that_is_killed_goes_on_where_it_was(
    source: Database,
    made_data_dir: Path,
    postgres_server: Server,
    empty_database: Database,
    tmp_path: Path,
) -> None:
    """`kill -9` in the middle: what had arrived stays; the end says exactly what to do next."""
    password = str(empty_database.password)
    url = url_of(postgres_server, empty_database.url.rpartition("/")[2])
    arguments = ("db", "move", url, "--data-dir", str(made_data_dir))
    env = {"TIDEGAUGE_DATABASE_PASSWORD": password}

    async def some_arrived() -> bool:
        async with empty_database.session() as connection:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return bool(await connection.fetchval(waiting))

    async with (
        held_up(empty_database, "runs"),
        running(*arguments, cwd=tmp_path, env=env) as moving,
    ):
        await until(some_arrived)
        moving.process.kill()
        await moving.ended()
    async with empty_database.session() as connection:
        assert await connection.fetchval("SELECT count(*) FROM alerts") == 1
        assert await connection.fetchval("SELECT count(*) FROM readings") == 0
    leave(made_data_dir, "of-the-embedded", EMBEDDED)
    leave(made_data_dir, "of-another", "another:5432/db")
    told = await asyncio.to_thread(lambda: tidegauge(*arguments, cwd=tmp_path, env=env))
    assert told.code == 0, told.err
    assert "(3 rows) is meant for the new database now" in told.out
    assert {each.folder.name: each.database for each in survey(made_data_dir).folders} == {
        "of-the-embedded": identity_of(url),
        "of-another": "another:5432/db",
    }
    assert f"set TIDEGAUGE_DATABASE_URL={url}" in told.out
    assert "count and checksum equal" in told.out
    assert password not in told.out + told.err
    again = await asyncio.to_thread(lambda: tidegauge(*arguments, "--json", cwd=tmp_path, env=env))
    assert again.code == 0, again.err
    seen = {each["name"]: each for each in json.loads(again.out)["tables"]}
    assert (seen["alerts"]["rows"], seen["alerts"]["copied"]) == (1, 0)
    assert await everything(empty_database) == await everything(source)


def test_a_password_on_the_command_line_and_a_move_of_nothing_are_refused(
    data_dir: Path, tmp_path: Path
) -> None:
    """Before anything is started; the password is not repeated."""
    where = ("--data-dir", str(data_dir))
    for url in ("postgresql://me:s3cret@h/db", "postgresql://me@h/db?password=s3cret"):
        told = tidegauge("db", "move", url, *where, cwd=tmp_path)
        assert told.code == 1
        assert "every user of this machine" in told.complaints[0]
        assert "s3cret" not in told.err
    told = tidegauge("db", "move", "postgresql://me@h/db", *where, cwd=tmp_path)
    assert "nothing to move" in told.complaints[0]
    assert not data_dir.exists()
