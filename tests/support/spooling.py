"""A writer with its spool, run as a monitor runs it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.programs import require_program

from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.postmaster import listening
from tidegauge.sinks.spool import identity_of, survey
from tidegauge.sinks.spool.thread import SpoolLimits, SpoolThread
from tidegauge.sinks.writer import PostgresWriter

QUICK = WriterLimits(age_s=0.05, backoff_s=0.02, longest_backoff_s=0.2, connect_s=2.0)
EAGER = SpoolLimits(commit_s=0.01, retry_s=0.1)


async def fetch(database: Database, query: str, *arguments: object) -> list[Any]:
    async with database.session() as connection:
        return list(await connection.fetch(query, *arguments))


async def count(database: Database, table: str) -> int:
    return int((await fetch(database, f"SELECT count(*) FROM tidegauge.{table}"))[0][0])


@asynccontextmanager
async def spooling(
    database: Database,
    data_dir: Path,
    run: str = "run-1",
    *,
    limits: WriterLimits = QUICK,
    spool: SpoolLimits = EAGER,
) -> AsyncIterator[PostgresWriter]:
    """Run a writer with a spool as the monitor does. It is closed at the end, and not drained."""
    identity = identity_of(database.url)
    thread = SpoolThread(data_dir / "spool", run, spool, database=identity)
    writer = PostgresWriter(database, limits, run, spool=thread)
    await writer.open()
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await writer.close()


def waiting(data_dir: Path) -> int:
    """Return how many rows wait in the spool, as `db status` sees it."""
    return sum(each.records + each.readings for each in survey(data_dir).folders)


def unreachable(database: Database) -> Database:
    """Return the database at a port where nobody listens."""
    return replace(database, arguments=lambda: {**database.arguments(), "port": 1})


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """A server that hangs, with all its children: the postmaster first, so that it makes no more."""
    said = listening(server.home)
    assert said is not None
    pids = [said.pid]
    os.kill(said.pid, signal.SIGSTOP)
    try:
        for pid in pids_of(server)[1:]:
            with suppress(ProcessLookupError):  # it had just ended
                os.kill(pid, signal.SIGSTOP)
                pids.append(pid)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def pids_of(server: EmbeddedPostgres) -> list[int]:
    """Return a server's postmaster and all its children."""
    said = listening(server.home)
    assert said is not None
    found = subprocess.run(
        [require_program("pgrep"), "-P", str(said.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [said.pid, *map(int, found.stdout.split())]
