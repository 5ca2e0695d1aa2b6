"""D-01: the database is away for ten minutes at 5,000 readings a second. Time may be compressed."""

import asyncio
import resource
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace
from tests.support.database import NOON, a_reading, external, until
from tests.support.spooling import count, fetch, spooling

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.postmaster import ensure_running, stop_server
from tidegauge.sinks.spool.thread import SpoolLimits
from tidegauge.sinks.writer import PostgresWriter

RATE = 5_000
LIMITS = WriterLimits(longest_backoff_s=1.0)
"""The product's, but for the longest wait between two attempts."""

MIB = 1024 * 1024


def resident() -> int:
    """Return the memory of this process, in bytes."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def submit(writer: PostgresWriter, first: int, last: int) -> None:
    """Submit readings, 5,000 to a second of the market, as fast as the disk takes them."""
    pattern = a_reading()
    for frame in range(first, last):
        at = NOON + frame * SECOND // RATE
        origin = replace(pattern.origin, frame=frame, received_at=at)
        writer.submit(replace(pattern, origin=origin))
        if frame % 250 == 0:
            await asyncio.sleep(0)
            while writer.depth - writer.in_spool > 5_000:
                await asyncio.sleep(0.001)


async def all_rolled_up(database: Database, readings: int) -> bool:
    """Whether the minutes account for every reading."""
    rows = await fetch(database, "SELECT sum(readings) AS n FROM tidegauge.v_minutes")
    return bool(rows[0]["n"] == readings)


async def outage(made_data_dir: Path, tmp_path: Path, seconds: int) -> None:
    """Stop the database, submit what `seconds` of the market tell, start it, and wait."""
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            await migrate(connection)
        async with spooling(database, tmp_path, limits=LIMITS, spool=SpoolLimits()) as writer:
            await submit(writer, 0, RATE)
            await until(lambda: writer.depth == 0, 60)
            await stop_server(server.home)
            before = resident()
            began = monotonic()
            await submit(writer, RATE, seconds * RATE)
            await until(lambda: writer.depth == writer.in_spool, 60)
            kept_s, most = monotonic() - began, resident()
            assert server._binaries is not None
            await ensure_running(server.home, server._binaries, server._said().port)
            began = monotonic()
            while writer.depth:
                await asyncio.sleep(0.1)
                most = max(most, resident())
            drained_s = monotonic() - began
            statistics = writer.statistics()
        # The file that is written to is rolled up when it is closed, or by whoever comes next.
        async with spooling(database, tmp_path, "run-2", limits=LIMITS, spool=SpoolLimits()):
            await until(lambda: all_rolled_up(database, seconds * RATE), 300)
            rolled_s = monotonic() - began
        rows = (seconds - 1) * RATE
        print(
            f"{rows:,} readings onto the disk in {kept_s:.1f} s while the database was away, "
            f"drained in {drained_s:.1f} s ({rows / drained_s:,.0f}/s), "
            f"rolled up after {rolled_s:.1f} s; "
            f"memory {(most - before) / MIB:+.1f} MiB"
        )
        assert not statistics.dropped
        assert not statistics.rejected
        assert await count(database, "readings") == seconds * RATE
        assert most - before < 100 * MIB


async def test_what_an_outage_keeps_back_is_stored_once(
    made_data_dir: Path, tmp_path: Path
) -> None:
    """The quick form: ten seconds of it."""
    await outage(made_data_dir, tmp_path, 10)


@pytest.mark.campaign
async def test_ten_minutes_of_outage_are_stored_once(made_data_dir: Path, tmp_path: Path) -> None:
    """The whole of it: three million readings."""
    await outage(made_data_dir, tmp_path, 600)
