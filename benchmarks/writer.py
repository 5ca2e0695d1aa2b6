"""The writer and a real PostgreSQL: what a stored reading costs the event loop, and how long it stalls."""

import time
from statistics import median

from . import daemon, product
from .inputs import TEN, load
from .lag import watched
from .parts import Outcome, Part, Scale
from .timing import progress

US = 1000


def run(scale: Scale) -> Outcome:
    """Store the same number of readings, several times over."""
    return daemon.run_loop(_run(500 if scale.quick else 5_000, 1 if scale.quick else 3))


async def _run(count: int, passes: int) -> Outcome:
    progress("  starting PostgreSQL")
    async with daemon.database() as (server, _folder):
        progress(f"  storing {count:,} readings, {2 * passes} times")
        submit, loop_time, stalls, wall = [], [], [], []
        for number in range(passes):
            first = 2 * number * count
            submitted, spent, seconds = await _stored(server, _readings(count, first))
            submit.append(submitted)
            loop_time.append(spent)
            wall.append(seconds)
            async with watched() as lag:
                await _stored(server, _readings(count, first + count))
            stalls.append(lag.summary())
        async with server.session() as connection:
            stored = await connection.fetchval("SELECT count(*) FROM tidegauge.readings")
    if stored != 2 * passes * count:
        raise RuntimeError(f"{stored} of {2 * passes * count} readings were stored")
    return {
        "readings": count,
        "passes": passes,
        "batch": daemon.BATCH,
        "submit_us": round(median(submit), 2),
        "loop_us_a_reading": round(median(loop_time), 2),
        "loop_us_least_and_most": [round(min(loop_time), 2), round(max(loop_time), 2)],
        "readings_per_s": round(count / median(wall)),
        "stall": {
            name: round(median(each[name] for each in stalls), 3)
            for name in ("p50_ms", "p99_ms", "max_ms")
        },
    }


async def _stored(
    server: daemon.Server, readings: list[product.Made]
) -> tuple[float, float, float]:
    """Store; return microseconds of submitting, of the loop's own time in all, and seconds."""
    writer = daemon.new_writer(server)
    await writer.drain(10)
    product.settle()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for reading in readings:
        writer.submit(reading)
    submitted = time.thread_time_ns() - cpu
    if not await writer.drain(60):
        raise RuntimeError("a minute was not enough to store them")
    spent, seconds = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    return submitted / US / len(readings), spent / US / len(readings), seconds / 1e9


def _readings(count: int, first: int) -> list[product.Made]:
    """Return readings of a generated book, no two of which are the same row."""
    given = load(TEN, min(count, 500))
    return product.readings(given.snapshot, given.frames, count, first)


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    low, high = outcome["loop_us_least_and_most"]
    stall = outcome["stall"]
    lines = [
        f"{outcome['readings']:,} readings, {outcome['passes']} passes, {outcome['batch']} a batch",
        f"  {outcome['readings_per_s']:,} readings/s until the last is committed",
    ]
    lines.append(
        f"  loop time a reading {outcome['loop_us_a_reading']} us ({low} to {high}), "
        f"of which submitting it {outcome['submit_us']} us"
    )
    lines.append(
        f"  a 1 ms timer was late by p50 {stall['p50_ms']} ms, p99 {stall['p99_ms']} ms, "
        f"max {stall['max_ms']} ms"
    )
    return lines


PART = Part(
    name="writer",
    says="readings to a real PostgreSQL by the product's writer: loop time and stall",
    run=run,
    tell=tell,
)
