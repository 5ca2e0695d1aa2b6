"""The commands of docs/operations.md, run as they are written."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support.cli import environment
from tests.support.database import (
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    external,
    new_data_dir,
    remove,
)
from tests.support.programs import require_program

from tidegauge.core.alert import Signal
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, database_at
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.health.checks import CHECKS
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.shape import LEFT_BEHIND
from tidegauge.sinks.slips import slip_of
from tidegauge.sinks.spool.quarantine import Quarantine
from tidegauge.sinks.writer import PostgresWriter

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
TESTED = re.compile(r"<!-- tested: (.+?) -->\n```sh\n(.*?)```", re.DOTALL)
BLOCKS = dict(TESTED.findall(DOCUMENT))
EVENT = re.compile(r"log\.(?:info|warning|error)\(\s*\"(\w+)\"")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of an operator, through which any account may pass; its server is the wheel's."""
    monkeypatch.delenv("TIDEGAUGE_PG_BIN", raising=False)
    place = new_data_dir().parent
    yield place
    for data_dir in (place / ".local/share/tidegauge", place / "tidegauge-restored"):
        if data_dir.exists():
            remove(data_dir)
    remove(place / "none")


def data_of(home: Path) -> Path:
    return home / ".local" / "share" / "tidegauge"


async def done(name: str, home: Path) -> str:
    """Run a block of the document with bash, and return what it told."""
    require_program("bash")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", BLOCKS[name]],
            cwd=home,
            env={**environment(home), "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    told = await asyncio.to_thread(run)
    assert told.returncode == 0, f"{name}: {told.stdout}{told.stderr}"
    return told.stdout


async def fill(database: Database) -> None:
    """Store some of everything."""
    async with database.session() as connection:
        await migrate(connection)
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), "run-1")
    for frame in range(50):
        writer.submit(a_reading(frame))
    writer.submit(an_alert())
    writer.submit(a_feed_event(1))
    writer.submit(a_market_summary(1))
    assert await writer.drain(30.0)
    async with database.session() as connection:
        await connection.fetchval("SELECT roll_up('2026-01-01+00', '2026-01-02+00')")


async def everything(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables of an embedded server."""
    async with EmbeddedPostgres(data_dir) as server, external(server).session() as connection:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'tidegauge'::regnamespace"
            " AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND relname <> ALL ($1)",
            [*LEFT_BEHIND, "partitions"],
        )
        return {
            name: sorted(
                (tuple(row) for row in await connection.fetch(f"SELECT * FROM tidegauge.{name}")),
                key=repr,
            )
            for (name,) in names
        }


async def filled(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Fill the usual data directory of `home`, and return what is in it."""
    async with EmbeddedPostgres(data_of(home)) as server:
        await fill(external(server))
    before = await everything(data_of(home))
    assert len(before["readings"]) == 50
    assert len(before["v_minutes"]) == 1
    return before


async def test_a_dump_taken_beside_a_daemon_brings_everything_back(home: Path) -> None:
    """While the server is used; into a new data directory; put in the place of the old one."""
    before = await filled(home)
    spooled = data_of(home) / "spool" / "left" / "row"
    spooled.parent.mkdir(parents=True)
    spooled.touch()
    async with EmbeddedPostgres(data_of(home)):
        await done("dump", home)
    await done("restore the dump", home)
    assert await everything(home / "tidegauge-restored") == before
    await done("put in place", home)
    assert await everything(data_of(home)) == before
    assert (data_of(home) / "spool" / "left" / "row").exists()


async def test_a_copy_of_a_stopped_server_brings_everything_back(home: Path) -> None:
    """What came after it is gone, and put aside, not deleted."""
    before = await filled(home)
    await done("copy", home)
    async with EmbeddedPostgres(data_of(home)) as server, external(server).session() as connection:
        await connection.execute("DELETE FROM tidegauge.alerts")
    await done("restore the copy", home)
    assert await everything(data_of(home)) == before
    assert (home / "tidegauge-backup" / "postgres.before" / "cluster").is_dir()


async def test_a_base_backup_of_a_running_server_brings_everything_back(home: Path) -> None:
    """Taken by the server itself."""
    before = await filled(home)
    async with EmbeddedPostgres(data_of(home)):
        await done("base backup", home)
    await done("restore the base backup", home)
    assert await everything(home / "tidegauge-restored") == before


async def test_an_analyst_may_look_and_nothing_else(home: Path) -> None:
    """Also at days that are made later; not write, not drop, not empty."""
    await filled(home)
    await done("roles", home)
    async with EmbeddedPostgres(data_of(home)) as server, external(server).session() as owner:
        await owner.fetchval("SELECT tidegauge.make_partitions('2027-05-05', '2027-05-05')")
        await owner.execute("ALTER ROLE analyst PASSWORD 'looks'")
        url = f"postgresql://analyst@{server.dsn.partition('@')[2]}"
        async with database_at(url, "looks").session() as analyst:
            assert await analyst.fetchval("SELECT count(*) FROM v_readings") == 50
            assert await analyst.fetchval("SELECT count(*) FROM v_slippage_minutes") > 0
            assert await analyst.fetchval("SELECT count(*) FROM readings_20270505") == 0
            await analyst.execute("SET default_transaction_read_only = off")
            for refused in (
                "DELETE FROM alerts",
                "TRUNCATE readings",
                "SELECT prune(1)",
                "CREATE TABLE tidegauge.mine (x integer)",
                "UPDATE leases SET fence = 0",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await analyst.execute(refused)


async def test_what_is_asked_of_a_database_is_answered(home: Path) -> None:
    """The size of a reading, what would be pruned, what was refused."""
    await filled(home)
    async with EmbeddedPostgres(data_of(home)) as server:
        async with external(server).session() as connection:
            await connection.execute("VACUUM ANALYZE")
        assert int((await done("bytes a reading", home)).split()[2]) > 100
        assert "readings_20260101" in await done("prune", home)
    assert await done("quarantine", home) == ""
    place = data_of(home) / "spool" / "quarantine.sqlite3"
    place.parent.mkdir(exist_ok=True)
    quarantine = Quarantine(place)
    quarantine.add([(slip_of(an_alert(), "run-1"), "CheckViolationError: too large")])
    quarantine.close()
    assert "2026-01-01 12:00:00 alert CheckViolationError: too large" in await done(
        "quarantine", home
    )


def test_every_block_that_says_so_is_tested() -> None:
    """The names above are those of the document."""
    here = Path(__file__).read_text(encoding="utf-8")
    assert BLOCKS
    for name in BLOCKS:
        assert f'"{name}"' in here


@pytest.mark.parametrize("signal", Signal)
def test_every_alert_has_its_entry_in_the_runbook(signal: Signal) -> None:
    """With what to look at, and what to do."""
    headings = [line for line in DOCUMENT.splitlines() if line.startswith("### ")]
    assert any(f"`{signal}`" in heading for heading in headings)


def test_every_event_and_every_check_is_explained() -> None:
    """Whoever is on shift finds it by its name."""
    for source in sorted((ROOT / "src" / "tidegauge" / "sinks").rglob("*.py")):
        for event in EVENT.findall(source.read_text(encoding="utf-8")):
            assert f"`{event}`" in DOCUMENT, f"{event} of {source.name}"
    for name in (*CHECKS, "disk", "spool", "quarantine"):
        assert f"| `{name}` |" in DOCUMENT
    assert len(CHECKS) + 3 == 21, "the document tells how many"
