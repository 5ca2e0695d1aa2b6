"""The writer and a real PostgreSQL: what a stored reading costs the event loop, and how long it stalls."""

import asyncio
import time
from dataclasses import dataclass
from statistics import median

from . import daemon, product
from .inputs import TEN, load
from .lag import turning
from .parts import Outcome, Part, Scale
from .timing import progress

US = 1000
PATIENCE_S = 60.0
STRIDE = 20
"""Readings submitted in a turn of the loop, where its turns are what is measured."""


def run(scale: Scale) -> Outcome:
    """Store the same number of readings, several times over."""
    return daemon.run_loop(_run(500 if scale.quick else 5_000, 1 if scale.quick else 3))


async def _run(count: int, passes: int) -> Outcome:
    progress("  starting PostgreSQL")
    async with daemon.database() as (server, _folder):
        progress(f"  storing {count:,} readings, {2 * passes} times")
        costs, stalls = [], []
        for number in range(passes):
            costs.append(await _cost(server, _readings(count, 2 * number * count)))
            stalls.append(await _stall(server, _readings(count, (2 * number + 1) * count)))
    loop_time = [each.loop_us for each in costs]
    return {
        "readings": count,
        "passes": passes,
        "batch": daemon.BATCH,
        "submit_us": round(median(each.submit_us for each in costs), 2),
        "loop_us_a_reading": round(median(loop_time), 2),
        "loop_us_least_and_most": [round(min(loop_time), 2), round(max(loop_time), 2)],
        "readings_per_s": round(median(each.per_s for each in costs)),
        "stall": {
            name: round(median(each[name] for each in stalls), 3)
            for name in ("p50_ms", "p99_ms", "max_ms")
        },
    }


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one reading: CPU time of the loop's thread to submit it, and in all; and how many a second."""

    submit_us: float
    loop_us: float
    per_s: float


async def _cost(server: daemon.Server, readings: list[product.Made]) -> Cost:
    """Store with nothing else on the loop."""
    writer = daemon.new_writer(server)
    await writer.drain(PATIENCE_S)
    product.settle()
    wall, cpu, count = time.perf_counter_ns(), time.thread_time_ns(), len(readings)
    for reading in readings:
        writer.submit(reading)
    submitted = time.thread_time_ns() - cpu
    await _drain(writer)
    spent, took = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    return Cost(submitted / US / count, spent / US / count, count * 1e9 / took)


async def _stall(server: daemon.Server, readings: list[product.Made]) -> dict[str, float]:
    """Store while every turn of the loop is measured."""
    writer = daemon.new_writer(server)
    await writer.drain(PATIENCE_S)
    product.settle()
    async with turning() as lag:
        for number, reading in enumerate(readings):
            writer.submit(reading)
            if number % STRIDE == 0:
                await asyncio.sleep(0)
        await _drain(writer)
    return lag.summary()


async def _drain(writer: daemon.Writer) -> None:
    if not await writer.drain(PATIENCE_S):
        raise RuntimeError("a minute was not enough to store them")
    if lost := daemon.lost(writer):
        raise RuntimeError(f"{lost} readings were not stored")


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
    lines.append(f"  a turn of the loop took at most {stall['max_ms']} ms of its thread")
    return lines


PART = Part(
    name="writer",
    says="readings to a real PostgreSQL by the product's writer: loop time and stall",
    run=run,
    tell=tell,
)
