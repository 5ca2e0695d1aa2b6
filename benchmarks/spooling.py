"""From `submit` to the committed row by way of the disk, as the product does it, and without a database."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from . import daemon, product
from .inputs import TEN, load
from .lag import turning
from .parts import Outcome, Part, Scale
from .timing import percentile, progress

US, MS = 1_000, 1_000_000
PATIENCE_S = 120.0
ROOM = 2_000
"""Records in memory at most: who submits waits for the disk beyond, as no feed does."""

STRIDE = 20


def run(scale: Scale) -> Outcome:
    """Store the same number of readings, several times over."""
    return daemon.run_loop(_run(1_000 if scale.quick else 40_000, 1 if scale.quick else 3))


async def _run(count: int, passes: int) -> Outcome:
    progress("  starting PostgreSQL")
    async with daemon.database() as (server, folder):
        progress(f"  {count:,} readings through the spool, {passes} times, and into it, as often")
        through, into = [], []
        for number in range(passes):
            through.append(await _through(server, folder, _readings(count, 2 * number * count)))
            into.append(await _into(server, folder, _readings(count, (2 * number + 1) * count)))
    rates = [each.per_s for each in through]
    return {
        "readings": count,
        "passes": passes,
        "readings_per_s": round(median(rates)),
        "readings_per_s_least_and_most": [round(min(rates)), round(max(rates))],
        "readings_per_cpu_s": round(median(each.per_cpu_s for each in through)),
        "loop_us_a_reading": round(median(each.loop_us for each in through), 2),
        "client_us_a_reading": round(median(1e6 / each.per_cpu_s for each in through), 2),
        "acknowledged": {
            name: round(median(each.kept_ms[name] for each in through), 2)
            for name in ("p50_ms", "p99_ms")
        },
        "stall": {
            name: round(median(each.stall[name] for each in through), 3)
            for name in ("p50_ms", "p99_ms", "max_ms")
        },
        "onto_disk_per_s": round(median(into)),
    }


@dataclass(frozen=True, slots=True)
class Through:
    """`per_s` until the last is committed; `per_cpu_s`: a second of CPU time of all our threads.

    `loop_us`: CPU time of the loop's thread a reading; `kept_ms`: from submit to the disk; `stall`: the
    turns of the loop, in CPU time of its thread.
    """

    per_s: float
    per_cpu_s: float
    loop_us: float
    kept_ms: dict[str, float]
    stall: dict[str, float]


async def _through(server: daemon.Server, folder: Path, readings: list[Any]) -> Through:
    """Store with nothing else on the loop, as fast as the disk takes them."""
    kept = _Kept()
    async with daemon.spooled_writer(server, folder, kept) as writer:
        product.settle()
        count = len(readings)
        wall, cpu, loop = time.perf_counter_ns(), time.process_time_ns(), time.thread_time_ns()
        async with turning() as lag:
            for number, reading in enumerate(readings):
                kept.submitted.append(time.perf_counter_ns())
                writer.submit(reading)
                if number % STRIDE == 0:
                    await _give_room(writer)
            await _drained(writer)
        took, spent = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        in_loop = time.thread_time_ns() - loop
    if lost := daemon.lost(writer):
        raise RuntimeError(f"{lost} readings were not stored")
    waits = sorted(kept.waits)
    return Through(
        per_s=count * 1e9 / took,
        per_cpu_s=count * 1e9 / spent,
        loop_us=in_loop / US / count,
        kept_ms={
            name: percentile(waits, share) / MS
            for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99))
        },
        stall=lag.summary(),
    )


async def _into(server: daemon.Server, folder: Path, readings: list[Any]) -> float:
    """Keep them while the database is away. Returns readings a second; they are stored afterwards."""
    away = daemon.unreachable(server)
    async with daemon.spooled_writer(away, folder, None) as writer:
        product.settle()
        began = time.perf_counter_ns()
        for number, reading in enumerate(readings):
            writer.submit(reading)
            if number % STRIDE == 0:
                await _give_room(writer)
        while writer.depth > writer.in_spool:
            await asyncio.sleep(0.001)
        took = time.perf_counter_ns() - began
    async with daemon.spooled_writer(server, folder, None) as writer:
        await _drained(writer)
        if writer.statistics().recovered < len(readings):
            raise RuntimeError("the spool has not kept all of them")
    return len(readings) * 1e9 / took


class _Kept:
    """When each reading was submitted, and how long it took to the disk. Both are in one order."""

    def __init__(self) -> None:
        self.submitted: list[int] = []
        self.waits: list[int] = []

    def __call__(self, slips: Sequence[Any]) -> None:
        now, done = time.perf_counter_ns(), len(self.waits)
        readings = sum(1 for slip in slips if slip.under is not None)
        self.waits += [now - at for at in self.submitted[done : done + readings]]


async def _give_room(writer: daemon.Writer) -> None:
    await asyncio.sleep(0)
    while writer.depth - writer.in_spool > ROOM:
        await asyncio.sleep(0)


async def _drained(writer: daemon.Writer) -> None:
    if not await writer.drain(PATIENCE_S):
        raise RuntimeError("two minutes were not enough to store them")


def _readings(count: int, first: int) -> list[Any]:
    """Return readings of a generated book, no two of which are the same row."""
    given = load(TEN, min(count, 500))
    return product.readings(given.snapshot, given.frames, count, first)


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    low, high = outcome["readings_per_s_least_and_most"]
    stall, kept = outcome["stall"], outcome["acknowledged"]
    return [
        f"{outcome['readings']:,} readings, {outcome['passes']} passes",
        (
            f"  {outcome['readings_per_s']:,} readings/s ({low:,} to {high:,}) from submit to disk to "
            "committed row"
        ),
        (
            f"  {outcome['readings_per_cpu_s']:,} a second of CPU time of the client, all its threads: "
            f"{outcome['client_us_a_reading']} us a reading, {outcome['loop_us_a_reading']} us of them in "
            "the loop's thread"
        ),
        f"  acknowledged (on the disk) after {kept['p50_ms']} ms, p99 {kept['p99_ms']} ms",
        f"  a turn of the loop took p99 {stall['p99_ms']} ms, at most {stall['max_ms']} ms of its thread",
        f"  {outcome['onto_disk_per_s']:,} readings/s onto the disk while the database is away",
    ]


PART = Part(
    name="spool",
    says="readings by way of the disk to a real PostgreSQL, and onto the disk without one",
    run=run,
    tell=tell,
)
