"""A database that dies, hangs, fills up, refuses, is slow or is replaced: it only ever delays."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from structlog.testing import capture_logs
from tests.support.database import a_reading, an_alert, external, new_data_dir, remove, until
from tests.support.fault_proxy import FaultProxy, Toxic
from tests.support.programs import absent
from tests.support.spooling import QUICK, count, fetch, frozen, spooling

from tidegauge.sinks.connect import Database, database_at, open_database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.postmaster import ensure_running, listening, stop_server
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.writer import PostgresWriter

PATIENT = replace(QUICK, connect_s=30.0)
"""For where one that takes long to answer is not away."""


@asynccontextmanager
async def a_server(made_data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(made_data_dir) as server:
        async with external(server).session() as connection:
            await migrate(connection)
        yield server


def submit(writer: PostgresWriter, first: int, last: int) -> None:
    """Submit readings, and an alert with every hundredth."""
    for frame in range(first, last):
        writer.submit(a_reading(frame))
        if frame % 100 == 0:
            writer.submit(an_alert(name=f"alert-{frame}"))


async def all_there(database: Database, readings: int) -> None:
    assert await count(database, "readings") == readings
    assert (
        await count(database, "alerts")
        == await count(database, "alert_changes")
        == -(-readings // 100)
    )


# -- it dies -------------------------------------------------------------------------------------


async def kill_the_server(made_data_dir: Path, tmp_path: Path, kills: int) -> None:
    """`kill -9` of the postmaster again and again; ours, it is started again by the writer."""
    async with open_database(url=None, password=None, data_dir=made_data_dir) as database:
        async with database.session() as connection:
            await migrate(connection)
        home = EmbeddedPostgres(made_data_dir).home
        async with spooling(database, tmp_path) as writer:
            for kill in range(kills):
                submit(writer, kill * 400, kill * 400 + 200)
                await until(lambda: writer.statistics().depth < 100)
                if said := listening(home):
                    os.kill(said.pid, signal.SIGKILL)
                submit(writer, kill * 400 + 200, kill * 400 + 400)
                await until(lambda: writer.depth == 0)
            statistics = writer.statistics()
        assert statistics.outages >= 1
        assert not statistics.dropped
        assert not statistics.rejected
        await all_there(database, kills * 400)
        print(f"{kills} kills of PostgreSQL, {kills * 400} readings: none lost")


async def test_kills_of_the_server_lose_nothing(made_data_dir: Path, tmp_path: Path) -> None:
    """D-02, the quick form."""
    await kill_the_server(made_data_dir, tmp_path, 3)


@pytest.mark.campaign
async def test_fifty_kills_of_the_server_lose_nothing(made_data_dir: Path, tmp_path: Path) -> None:
    """D-02."""
    await kill_the_server(made_data_dir, tmp_path, 50)


# -- it hangs ------------------------------------------------------------------------------------


async def hang_the_server(made_data_dir: Path, tmp_path: Path, seconds: float) -> None:
    """SIGSTOP of all of PostgreSQL: the loop turns as before, and afterwards all is there."""
    limits = replace(QUICK, command_s=1.0, connect_s=1.0)
    async with a_server(made_data_dir) as server:
        database = external(server)
        async with spooling(database, tmp_path, limits=limits) as writer:
            submit(writer, 0, 100)
            await until(lambda: writer.depth == 0)
            before = await lags(writer, 100, min(seconds, 10.0))
            with frozen(server):
                during = await lags(writer, 100 + len(before), seconds)
                await until(lambda: writer.statistics().away)
            await until(lambda: writer.depth == 0)
            assert not writer.statistics().dropped
        await all_there(database, 100 + len(before) + len(during))
        for name, found in (("before", before), ("while it hung", during)):
            ordered = sorted(found)
            p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
            print(f"loop lag {name}: p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms")


async def lags(writer: PostgresWriter, first: int, seconds: float) -> list[float]:
    """Submit a reading every 2 ms for a while. Returns how late the loop came back each time."""
    found: list[float] = []
    end = monotonic() + seconds
    while (began := monotonic()) < end:
        submit(writer, first + len(found), first + len(found) + 1)
        await asyncio.sleep(0.002)
        found.append(monotonic() - began - 0.002)
    return found


async def test_a_server_that_hangs_holds_nobody_up(made_data_dir: Path, tmp_path: Path) -> None:
    """D-03, the quick form."""
    await hang_the_server(made_data_dir, tmp_path, 2.5)


@pytest.mark.campaign
async def test_a_server_that_hangs_for_five_minutes_holds_nobody_up(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """D-03."""
    await hang_the_server(made_data_dir, tmp_path, 300.0)


# -- it refuses ----------------------------------------------------------------------------------


@contextmanager
def a_small_disk(megabytes: int) -> Iterator[Path]:
    """Lend a file system of its own, so small that it can be filled."""
    folder = new_data_dir().parent
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=711", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        absent("the right to mount a file system")
    try:
        yield folder
    finally:
        remove(folder / "data")
        subprocess.run(["umount", "-l", str(folder)], check=False)


async def test_a_full_disk_of_the_server_is_waited_out(made_data_dir: Path, tmp_path: Path) -> None:
    """D-04: no row is blamed; when there is room again everything goes in."""
    with a_small_disk(200) as folder:
        subprocess.run(["cp", "-a", made_data_dir, folder / "data"], check=True)
        async with a_server(folder / "data") as server:
            database = external(server)
            async with spooling(database, tmp_path) as writer:
                submit(writer, 0, 100)
                await until(lambda: writer.depth == 0)
                async with database.session() as connection:
                    # Old segments become room for the log: without any the server ends itself,
                    # and nobody here would start it again.
                    for _ in range(3):
                        await connection.execute("SELECT pg_switch_wal()")
                        await connection.execute("CHECKPOINT")
                fill(folder / "fill")
                submit(writer, 100, 10_000)
                await until(lambda: "full" in (writer.statistics().last_error or "").lower())
                (folder / "fill").unlink()
                await until(lambda: writer.depth == 0)
                assert not writer.statistics().rejected
            await all_there(database, 10_000)


def fill(file: Path) -> None:
    """Leave no room on a disk but a megabyte."""
    found = os.statvfs(file.parent)
    fd = os.open(file, os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(fd, 0, found.f_bavail * found.f_frsize - 2**20)
    os.close(fd)


async def test_a_server_that_takes_no_writes_is_waited_out(
    database: Database, tmp_path: Path
) -> None:
    """D-04: a standby, or an operator who stopped writes: an outage, and no row's fault."""
    name = database.arguments()["database"]
    async with spooling(database, tmp_path) as writer, database.session() as connection:
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        submit(writer, 0, 200)
        await until(lambda: "ReadOnly" in (writer.statistics().last_error or ""))
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await until(lambda: writer.depth == 0)
        assert not writer.statistics().rejected
    await all_there(database, 200)


async def test_a_password_that_changed_is_waited_out(database: Database, tmp_path: Path) -> None:
    """D-04: nothing is rejected, and nothing of it is in the log."""
    given = {**database.arguments(), "password": "not-the-password"}
    with capture_logs() as logs:
        async with spooling(replace(database, arguments=lambda: given), tmp_path) as writer:
            submit(writer, 0, 200)
            await until(lambda: "InvalidPassword" in (writer.statistics().last_error or ""))
            given["password"] = database.arguments()["password"]
            await until(lambda: writer.depth == 0)
    await all_there(database, 200)
    assert "not-the-password" not in repr(logs)
    assert (database.password or "?") not in repr(logs)


# -- it is slow, or another ----------------------------------------------------------------------


async def test_a_slow_server_slows_nothing_upstream(database: Database, tmp_path: Path) -> None:
    """D-05: 200 ms before each answer. What waits is on the disk, not in memory, and goes in."""
    port = int(database.arguments()["port"])
    async with FaultProxy(port) as proxy:
        far = {**database.arguments(), "host": "127.0.0.1", "port": proxy.port}
        proxy.toxic = Toxic(latency_s=0.2)
        slow = replace(database, arguments=lambda: far)
        async with spooling(slow, tmp_path, limits=PATIENT) as writer:
            began = monotonic()
            submit(writer, 0, 5_000)
            await until(lambda: not writer._backlog.size and writer.statistics().spool.waiting > 0)
            print(f"5,000 readings on the disk after {monotonic() - began:.2f} s")
            await until(lambda: writer.depth == 0)
            assert writer.statistics().outages == 0
            assert not writer.statistics().dropped
    await all_there(database, 5_000)


async def test_a_failover_goes_on_with_the_server_that_takes_writes(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """D-06: a URL with two hosts. The first is stopped in the middle; between them all is there."""
    other_dir = new_data_dir()
    subprocess.run(["cp", "-a", made_data_dir, other_dir], check=True)
    try:
        async with a_server(made_data_dir) as first, a_server(other_dir) as second:
            password = first.connect_kwargs()["password"]
            hosts = ",".join(f"127.0.0.1:{each._said().port}" for each in (first, second))
            url = f"postgresql://tidegauge@{hosts}/tidegauge?target_session_attrs=read-write"
            async with spooling(database_at(url, password), tmp_path, limits=PATIENT) as writer:
                submit(writer, 0, 500)
                await until(lambda: writer.depth == 0)
                await stop_server(first.home)
                submit(writer, 500, 1_000)
                await until(lambda: writer.depth == 0)
            assert await count(external(second), "readings") == 500
            assert first._binaries is not None
            await ensure_running(first.home, first._binaries, first._said().port)
            assert await count(external(first), "readings") == 500
            assert writer.statistics().written[Kind.READING] == 1_000
    finally:
        remove(other_dir)


async def test_a_newer_schema_that_only_adds_is_written_to(
    database: Database, tmp_path: Path
) -> None:
    """D-06: a daemon that was started before a migration goes on through it."""
    async with spooling(database, tmp_path) as writer:
        submit(writer, 0, 300)
        await until(lambda: writer.depth == 0)
        async with database.session() as connection:
            await connection.execute("ALTER TABLE tidegauge.readings ADD COLUMN later bigint")
            await connection.execute("ALTER TABLE tidegauge.alerts ADD COLUMN later text")
        submit(writer, 300, 600)
        await until(lambda: writer.depth == 0)
        assert not writer.statistics().rejected
    await all_there(database, 600)
    assert await fetch(database, "SELECT 1 FROM tidegauge.v_readings LIMIT 1")
