"""Whatever is killed, stopped or full: what was acknowledged is in the database, once."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.cli import environment
from tests.support.database import (
    a_feed_event,
    a_poisonous_reading,
    a_reading,
    an_alert,
    until,
)
from tests.support.spooling import EAGER, count, fetch, spooling, unreachable, waiting

from tidegauge.sinks.connect import Database
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.spool import identity_of, survey, thinning
from tidegauge.sinks.spool.thread import SpoolThread

REPOSITORY = Path(__file__).resolve().parents[2]


# -- one writer, its spool, and a database -------------------------------------------------------


async def test_records_go_through_the_spool_and_leave_nothing_there(
    database: Database, tmp_path: Path
) -> None:
    """Every kind; the folder of the run is gone when it ends in order."""
    async with spooling(database, tmp_path) as writer:
        for frame in range(600):
            writer.submit(a_reading(frame))
        writer.submit(an_alert())
        writer.submit(a_feed_event())
        assert await writer.drain(20)
        statistics = writer.statistics()
    assert statistics.written == {Kind.READING: 600, Kind.ALERT: 1, Kind.FEED_EVENT: 1}
    assert statistics.duplicates == 0
    assert await count(database, "readings") == 600
    assert survey(tmp_path).folders == []


async def test_what_an_outage_leaves_is_stored_by_the_next_run(
    database: Database, tmp_path: Path
) -> None:
    """The first run never sees its database; the second has all of it, in order, and says how much."""
    gone = unreachable(database)
    async with spooling(gone, tmp_path, "run-1") as first:
        for frame in range(1_000):
            first.submit(a_reading(frame))
        first.submit(an_alert())
        await until(lambda: first.statistics().retries > 0)
        assert not await first.drain(0.2)
    assert waiting(tmp_path) == 1_001
    async with spooling(database, tmp_path, "run-2") as second:
        assert await second.drain(20)
        assert second.statistics().recovered == 1_001
    assert await count(database, "readings") == 1_000
    assert await count(database, "alerts") == 1
    rows = await fetch(database, "SELECT DISTINCT run FROM tidegauge.v_readings")
    assert [row["run"] for row in rows] == ["run-1"]
    assert survey(tmp_path).folders == []


async def test_alerts_are_stored_before_the_readings_that_came_first(
    database: Database, tmp_path: Path
) -> None:
    """After an outage the first question is what fired, not what the spread was."""
    gone = unreachable(database)
    async with spooling(gone, tmp_path, "run-1") as first:
        for frame in range(500):
            first.submit(a_reading(frame))
        await until(lambda: waiting(tmp_path) == 500)
        first.submit(an_alert())
        await until(lambda: waiting(tmp_path) == 501)
    identity = identity_of(database.url)
    thread = SpoolThread(tmp_path / "spool", "run-2", EAGER, database=identity)
    await thread.open()
    parcel = await thread.fetch(10)
    assert parcel is not None
    assert [slip.kind for slip in parcel.slips] == [Kind.ALERT]
    await thread.close()


async def test_a_poison_row_is_put_in_quarantine_and_the_rest_goes_in(
    database: Database, tmp_path: Path
) -> None:
    """It is kept for somebody to look at, and told of as an event."""
    async with database.session() as connection:
        await connection.execute(
            "ALTER TABLE tidegauge.readings ADD CONSTRAINT no_7 CHECK (frame <> 7)"
        )
    async with spooling(database, tmp_path) as writer:
        for frame in range(100):
            writer.submit(a_reading(frame))
        writer.submit(a_poisonous_reading(100))
        assert await writer.drain(20)
        statistics = writer.statistics()
    assert statistics.rejected == {Kind.READING: 2}
    assert await count(database, "readings") == 99
    assert survey(tmp_path).quarantined == 1
    events = await fetch(
        database, "SELECT detail FROM tidegauge.feed_events WHERE kind = 'row_refused'"
    )
    assert len(events) == 1
    assert "no_7" in events[0]["detail"]


async def test_a_refused_event_is_not_told_of_by_another_event(
    database: Database, tmp_path: Path
) -> None:
    """Which would be refused as well, and so on for ever."""
    async with database.session() as connection:
        await connection.execute(
            "ALTER TABLE tidegauge.feed_events ADD CONSTRAINT none_of_it CHECK (kind = 'x')"
        )
    async with spooling(database, tmp_path) as writer:
        writer.submit(a_feed_event())
        writer.submit(an_alert())
        assert await writer.drain(20)
        statistics = writer.statistics()
    assert statistics.rejected == {Kind.FEED_EVENT: 1}
    assert statistics.accepted == {Kind.FEED_EVENT: 1, Kind.ALERT: 1}
    assert survey(tmp_path).quarantined == 1


async def test_a_day_without_a_partition_is_made_when_its_rows_come(
    database: Database, tmp_path: Path
) -> None:
    """Rows that waited for weeks, and a partition that was dropped while we wrote."""
    long_ago = 1_500_000_000_000_000_000
    async with spooling(database, tmp_path) as writer:
        writer.submit(a_reading(1, received_at=long_ago))
        assert await writer.drain(20)
        async with database.session() as connection:
            await connection.execute("DROP TABLE tidegauge.readings_20170714")
        writer.submit(a_reading(2, received_at=long_ago + 1))
        assert await writer.drain(20)
        assert not writer.statistics().rejected
    assert await count(database, "readings") == 1


async def test_rollups_are_made_of_what_went_through_the_spool(
    database: Database, tmp_path: Path
) -> None:
    """When a file of the spool is stored whole, its minutes are rolled up, then it is deleted."""
    async with spooling(database, tmp_path) as writer:
        for frame in range(300):
            writer.submit(a_reading(frame))
        assert await writer.drain(20)
    rows = await fetch(
        database, "SELECT sum(readings) AS n, count(*) AS m FROM tidegauge.v_minutes"
    )
    assert (rows[0]["n"], rows[0]["m"]) == (300, 5)


async def test_when_the_spool_fills_readings_thin_out_and_alerts_do_not(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thinning is on the record; when there is room again, so is that."""
    # In one step: a look may come while the readings are on their way to the disk.
    monkeypatch.setattr(thinning, "STEPS", thinning.STEPS[-1:])
    gone = unreachable(database)
    small = replace(EAGER, most_bytes=100_000)
    with capture_logs() as logs:
        async with spooling(gone, tmp_path, "run-1", spool=small) as writer:
            for frame in range(1_100):
                writer.submit(a_reading(frame))
            await until(lambda: any(each["event"] == "readings_thinned" for each in logs))
            for frame in range(1_100, 1_200):
                writer.submit(a_reading(frame))
                writer.submit(an_alert(name=f"alert-{frame}"))
            await until(lambda: waiting(tmp_path) >= 1_201)
            assert writer.statistics().dropped == {Kind.READING: 100}
    async with spooling(database, tmp_path, "run-2") as writer:
        assert await writer.drain(20)
    assert await count(database, "readings") == 1_100
    assert await count(database, "alerts") == 100
    told = await fetch(database, "SELECT detail FROM tidegauge.feed_events WHERE kind = 'thinned'")
    assert len(told) == 1
    assert "no reading is kept until there is room" in told[0]["detail"]


# -- processes that are killed -------------------------------------------------------------------


@dataclass
class Daemon:
    """A storing daemon that runs, and what it has acknowledged so far."""

    process: asyncio.subprocess.Process
    alerts: set[str] = field(default_factory=set)
    frames: set[int] = field(default_factory=set)

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if not line.endswith(b"\n"):
                return  # cut off by the kill
            kind, name = line.split()
            if kind == b"alert":
                self.alerts.add(name.decode())
            else:
                self.frames.add(int(name))


@asynccontextmanager
async def storing(
    run: str, tmp_path: Path, env: Mapping[str, str], rate: int = 1_000
) -> AsyncIterator[Daemon]:
    """Run the storing daemon in a process of its own; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.storing_daemon", run, str(rate)),
        cwd=REPOSITORY,
        env=environment(tmp_path, env),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**20,
    )
    daemon = Daemon(process)
    listening_ = asyncio.create_task(daemon.listen())
    try:
        yield daemon
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening_


def reaching(database: Database, data_dir: Path) -> dict[str, str]:
    """Return the environment of a daemon that stores into `database`."""
    return {
        "TIDEGAUGE_DATABASE_URL": database.url,
        "TIDEGAUGE_DATABASE_PASSWORD": database.password or "",
        "TIDEGAUGE_DATA_DIR": str(data_dir),
    }


async def kill_again_and_again(database: Database, tmp_path: Path, kills: int, seed: int) -> None:
    """Kill a daemon at random instants; then everything it acknowledged must be there, once."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    data_dir = tmp_path / "data"
    env = reaching(database, data_dir)
    alerts: set[str] = set()
    frames: dict[str, set[int]] = {}
    for kill in range(kills):
        run = f"run-{kill}"
        async with storing(run, tmp_path, env) as daemon:
            await until(lambda: bool(daemon.frames), 60)
            await asyncio.sleep(chance.random() * 0.6)
            daemon.process.kill()
        alerts |= daemon.alerts
        frames[run] = daemon.frames
    async with spooling(database, data_dir, "last") as writer:
        assert await writer.drain(60)
        assert not writer.statistics().lost
    stored = await fetch(database, "SELECT id FROM tidegauge.alerts")
    assert alerts <= {row["id"] for row in stored}
    changes = await fetch(
        database, "SELECT count(*) AS n, count(DISTINCT alert_id) AS a FROM tidegauge.alert_changes"
    )
    assert changes[0]["n"] == changes[0]["a"] == len(stored)
    rows = await fetch(database, "SELECT run, trace FROM tidegauge.v_readings")
    found = [(row["run"], int(row["trace"].rpartition("/")[2])) for row in rows]
    assert len(found) == len(set(found)), "a reading is there twice"
    lost = {(run, frame) for run, seen in frames.items() for frame in seen} - set(found)
    assert not lost
    print(f"{kills} kills: {len(alerts)} alerts and {len(found)} readings acknowledged, none lost")
    assert survey(data_dir).folders == []


async def test_kills_of_the_daemon_lose_nothing_acknowledged(
    database: Database, tmp_path: Path
) -> None:
    """C-01, the quick form."""
    await kill_again_and_again(database, tmp_path, 4, seed=11)


@pytest.mark.campaign
async def test_a_hundred_kills_of_the_daemon_lose_nothing_acknowledged(
    database: Database, tmp_path: Path
) -> None:
    """C-01."""
    await kill_again_and_again(database, tmp_path, 100, seed=random.SystemRandom().randrange(10**6))
