"""Asking: psql and we give the same answer, and what cannot be answered is said in a line."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.crunch_at_noon import DAY, HOSTILE, SIZE, SPAN, told, when
from tests.support.database import Server
from tests.support.programs import require_program

from tidegauge.core.errors import OperatorError
from tidegauge.faces.cells import csv_of
from tidegauge.sinks import question
from tidegauge.sinks.ask import ask, held, known_symbols, measured
from tidegauge.sinks.connect import Database
from tidegauge.sinks.psql import find_client
from tidegauge.sinks.question import Question, questions, read_question

QUESTIONS = Path(question.__file__).parent / "questions"


# -- psql gives the same -------------------------------------------------------------------------


def psql(
    program: Path, noon: Database, asked: Question, given: Mapping[str, str], zone: str = "UTC"
) -> str:
    """Run a file as it stands, in a psql that knows nothing of us."""
    values = [part for name, value in given.items() for part in ("-v", f"{name}={value}")]
    file = f"{QUESTIONS}/{asked.name}.sql"
    done = subprocess.run(
        [program, "-X", "--csv", "-v", "ON_ERROR_STOP=1", *values, "-f", file, "-d", noon.url],
        env={**os.environ, "PGPASSWORD": noon.password or "", "PGTZ": zone},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("asked", questions(), ids=lambda asked: asked.name)
async def test_psql_answers_the_same(
    asked: Question, noon_connection: Any, noon: Database, postgres_server: Server
) -> None:
    """The file as it stands, to the last character of CSV; with defaults, and with a hostile value."""
    program = own_psql(postgres_server)
    for given in (SPAN, DAY, SPAN | {"venue": "o'; DROP TABLE tidegauge.alerts; --"}):
        known = {each.name for each in asked.parameters}
        values = {name: value for name, value in given.items() if name in known}
        answer = await ask(noon_connection, asked, values)
        assert csv_of(answer) == psql(program, noon, asked, values)
        assert [each.name for each in answer.columns] == [each.name for each in asked.columns]
        assert bool(answer.rows) == ("venue" not in values)


@pytest.mark.parametrize("name", ["daily-risk", "hourly-profile"])
async def test_a_day_is_the_same_day_in_every_zone(
    name: str, noon_connection: Any, noon: Database, postgres_server: Server
) -> None:
    """UTC, whatever the session of psql is set to."""
    answer = await ask(noon_connection, name, DAY)
    (asked,) = [each for each in questions() if each.name == name]
    assert csv_of(answer) == psql(own_psql(postgres_server), noon, asked, DAY, "America/New_York")


def own_psql(server: Server) -> Path:
    """The psql that came with the server."""
    return find_client("psql", server.embedded.binaries, os.environ.get("PATH"))


@pytest.mark.parametrize("asked", questions(), ids=lambda asked: asked.name)
async def test_the_psql_of_this_machine_answers_the_same(
    asked: Question, noon_connection: Any, noon: Database
) -> None:
    """It may be years older than the server's."""
    answer = await ask(noon_connection, asked, SPAN)
    assert csv_of(answer) == psql(require_program("psql"), noon, asked, SPAN)


# -- and when it cannot be answered --------------------------------------------------------------


async def test_a_hostile_symbol_is_a_symbol_that_nobody_has(noon_connection: Any) -> None:
    """It travels beside the statement, and does nothing."""
    for each in questions():
        assert not (await ask(noon_connection, each, SPAN | {"symbol": HOSTILE})).rows
    assert await noon_connection.fetchval("SELECT count(*) FROM tidegauge.alerts") == 6


@pytest.mark.parametrize("bad", ["\ud800", "a\0b"])
async def test_a_value_that_is_no_text_is_refused(noon_connection: Any, bad: str) -> None:
    """Half a character, and NUL."""
    with pytest.raises(OperatorError, match="a value holds a character"):
        await told(noon_connection, "timeline", venue=bad)


async def test_a_value_that_is_no_number_is_named(noon_connection: Any) -> None:
    """In PostgreSQL's words, with where to look."""
    with pytest.raises(OperatorError, match=r'type numeric: "much".*sql timeline --show'):
        await told(noon_connection, "timeline", size="much")


async def test_a_question_cannot_change_anything(noon_connection: Any) -> None:
    """Its transaction is read-only."""
    asked = read_question("x", "-- X?\nDELETE FROM tidegauge.alerts RETURNING id")
    with pytest.raises(OperatorError, match="read-only transaction"):
        await ask(noon_connection, asked, {})
    assert await noon_connection.fetchval("SELECT count(*) FROM tidegauge.alerts") == 6


async def test_a_question_ends_at_its_deadline(noon_connection: Any) -> None:
    """And the noon_connection is good for the next one."""
    asked = read_question("x", "-- X?\nSELECT pg_sleep(60)::text AS slept")
    with pytest.raises(OperatorError, match=r"x took longer than 0\.2 s"):
        await ask(noon_connection, asked, {}, deadline_s=0.2)
    assert await told(noon_connection, "venue-league")


async def test_a_schema_that_is_too_old_says_what_to_do(empty_database: Database) -> None:
    """Asking never migrates."""
    async with empty_database.session() as connection:
        with pytest.raises(OperatorError, match=r"too old.*tidegauge db up --once"):
            await told(connection, "timeline")


async def test_what_is_there_is_known(noon_connection: Any) -> None:
    """Symbols, the nearest first; from when to when; and what was measured."""
    assert await known_symbols(noon_connection, "btcusd") == ["BTCUSDT"]
    there = await held(noon_connection, "BTCUSDT")
    assert (there.first, there.last) == (when(-7200), when(599))
    nothing = await held(noon_connection, "XYZ")
    assert (nothing.first, nothing.last) == (None, None)
    found = await measured(noon_connection, "BTCUSDT")
    assert found.sizes == (SIZE,)
    assert list(found.bands) == [10, 50, 100]


@pytest.mark.parametrize("name", ["around-alert", "cost-to-sell", "first-mover", "timeline"])
async def test_only_the_days_asked_about_are_read(noon_connection: Any, name: str) -> None:
    """The other partitions are not even opened."""
    days = await noon_connection.fetch(
        "SELECT partition FROM tidegauge.partitions WHERE table_name = 'readings'"
    )
    (asked,) = [each for each in questions() if each.name == name]
    plan = await noon_connection.fetch(f"EXPLAIN {asked.statement}", *asked.values(SPAN))
    text = "\n".join(row[0] for row in plan)
    assert len(days) > 2
    assert {each["partition"] for each in days if f"{each['partition']} " in text} == {
        "readings_20260101"
    }
