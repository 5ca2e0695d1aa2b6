"""`tidegauge db prune`: what would go is shown, somebody is asked, and what was made of it stays."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace
from tests.support.cli import Told, tidegauge
from tests.support.database import a_reading, external

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.faces.database import prune as face
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.health.retention import OldDay, old_days
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.upkeep import prune
from tidegauge.sinks.writer import PostgresWriter

ONE_A_DAY = range(1, 40, 3)
"""None of them thirty days ago: midnight may pass between writing and pruning."""


async def fill(database: Database) -> None:
    """Store a reading every third day of the last forty."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), "run-1")
    async with database.session() as connection:
        await migrate(connection)
        now = (
            int(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())")) * SECOND
        )
    for day in ONE_A_DAY:
        good = a_reading(day)
        at = now - day * 24 * HOUR
        writer.submit(replace(good, origin=replace(good.origin, received_at=at)))
    assert await writer.drain(30.0)


async def counts(connection: Any) -> tuple[int, int]:
    """Return how many readings there are, and of how many the hours tell."""
    return (
        await connection.fetchval("SELECT count(*) FROM tidegauge.readings"),
        await connection.fetchval("SELECT coalesce(sum(readings), 0) FROM tidegauge.hours"),
    )


async def test_old_days_go_and_their_hours_stay(database: Database) -> None:
    """What was not rolled up is, first; a day within the span stays whole."""
    await fill(database)
    async with database.session() as connection:
        going = await old_days(connection, 30)
        assert {each.partition.partition("_")[0] for each in going} == {"readings", "market"}
        gone = await prune(connection, 30)
        assert [each.partition for each in gone] == [each.partition for each in going]
        kept = len([day for day in ONE_A_DAY if day <= 30])
        left, rolled = await counts(connection)
        assert left == kept
        assert rolled >= len(ONE_A_DAY) - kept
        assert await old_days(connection, 30) == []


async def test_the_command_shows_asks_and_drops(
    made_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run drops nothing, and neither does one in which nobody can be asked."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)  # the wheel made the directory
    where = ("db", "prune", "--keep-days", "30", "--data-dir", str(made_data_dir))

    async def told(*more: str) -> Told:
        return await asyncio.to_thread(lambda: tidegauge(*where, *more, cwd=tmp_path))

    async with EmbeddedPostgres(made_data_dir) as server:
        await fill(external(server))
        async with external(server).session() as connection:
            dry = await told("--dry-run")
            assert dry.code == 0, dry.err
            assert "readings_" in dry.out
            listed = json.loads((await told("--dry-run", "--json")).out)
            assert all(each["partition"] in dry.out and not each["dropped"] for each in listed)
            unasked = await told()
            assert unasked.code == 1
            assert "--yes" in unasked.complaints[0]
            assert (await counts(connection))[0] == len(ONE_A_DAY)
            done = await told("--yes", "--json")
            assert done.code == 0, done.err
            assert json.loads(done.out) == [{**each, "dropped": True} for each in listed]
            assert (await counts(connection))[0] < len(ONE_A_DAY)
            again = await told("--yes")
            assert "nothing is older than 30 days" in again.out


async def test_without_a_schema_it_says_what_makes_it(empty_database: Database) -> None:
    """One line."""
    async with empty_database.session() as connection:
        with pytest.raises(OperatorError, match="tidegauge db up --once"):
            await face.asked(old_days(connection, 30))


@pytest.mark.parametrize("answer", [True, False])
def test_somebody_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> None:
    """Whoever says no has lost nothing."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda _question, err: answer and err)
    going: list[OldDay] = []
    if answer:
        face.confirm(going, yes=False)
        return
    with pytest.raises(OperatorError, match="nothing was dropped"):
        face.confirm(going, yes=False)
