"""From a venue's socket to the database: the whole program, against a server in another process."""

import asyncio
import json
import sys
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from . import daemon, product
from .inputs import REAL, TEN, Input, load
from .lag import Lag, watched
from .parts import Outcome, Part, Scale
from .timing import percentile, progress

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60.0
CALM = 0.5
"""The share of the sustained rate at which latency is measured: flat out it is that of the queue."""


@dataclass(slots=True)
class Round:
    """What one run of the program told."""

    last: int
    first_at: int = 0
    done_at: int = 0
    stored_at: int = 0
    cpu: int = 0
    readings: int = 0
    ages: "array[int]" = field(default_factory=lambda: array("q"))
    lag: Lag = field(default_factory=Lag)
    app: daemon.Program | None = None

    def heard(self, record: object) -> None:
        """Called after each record was given to the writer."""
        if not isinstance(record, product.Made):
            return
        assert self.app is not None
        self.readings += 1
        self.ages.append(daemon.age_ns(self.app, record))
        if self.readings == 2:
            # The first is that of the snapshot; the second begins the tape.
            self.first_at, self.cpu = time.perf_counter_ns(), time.process_time_ns()
        if record.origin.sequence == self.last and not self.done_at:
            self.done_at = time.perf_counter_ns()
            self.cpu = time.process_time_ns() - self.cpu


def run(scale: Scale) -> Outcome:
    """Run the program over the recorded input and over the one of ten changes, several times."""
    messages, rounds = (300, 1) if scale.quick else (6_000, 3)
    names = (TEN,) if scale.quick else (REAL, TEN)
    return daemon.run_loop(_run(names, messages, rounds))


async def _run(names: Sequence[str], messages: int, rounds: int) -> Outcome:
    progress("  starting PostgreSQL")
    outcome: Outcome = {"rounds": rounds, "batch": daemon.BATCH, "inputs": {}}
    async with daemon.database() as (server, folder):
        for name in names:
            given = load(name, messages)
            progress(f"  {name}: {rounds + 1} runs over {len(given.timed):,} messages")
            outcome["inputs"][name] = await _measure(server, folder / name, given, rounds)
    return outcome


async def _measure(
    server: daemon.Server, folder: Path, given: Input, rounds: int
) -> dict[str, Any]:
    count, inside, flat_out = len(given.timed), [], []
    async with venue_of(given) as port:
        for number in range(rounds):
            inside.append(_in_process(given))
            flat_out.append(await _round(server, folder / str(number), port, 0, given))
        rate = median(_rate(count, each.first_at, each.stored_at) for each in flat_out)
        calm = await _round(server, folder / "calm", port, CALM * rate, given)
    rates = sorted(_rate(count, each.first_at, each.stored_at) for each in flat_out)
    return {
        "messages": count,
        "in_process_per_s": round(median(inside)),
        "stored_per_s": round(rate),
        "slowest_and_fastest_round": [round(rates[0]), round(rates[-1])],
        "submitted_per_s": round(
            median(_rate(count, each.first_at, each.done_at) for each in flat_out)
        ),
        "ratio_to_in_process": round(rate / median(inside), 3),
        "cpu_us_a_message": round(median(each.cpu for each in flat_out) / count / 1000, 1),
        "flat_out": _figures(flat_out),
        "calm": {"messages_per_s": round(CALM * rate), **_figures([calm])},
    }


def _rate(count: int, began: int, ended: int) -> float:
    return count * 1e9 / max(1, ended - began)


def _figures(rounds: list[Round]) -> dict[str, Any]:
    ages = sorted(age for each in rounds for age in each.ages[1:])
    lag = Lag([late for each in rounds for late in each.lag.late])
    latency = {
        f"{name}_us": round(percentile(ages, share) / 1000, 1)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99_9", 0.999), ("max", 1.0))
    }
    return {"received_to_submitted": latency, "loop_lag": lag.summary()}


def _in_process(given: Input) -> float:
    """Return messages a second of the pipeline alone, on the same frames."""
    pipeline = product.Pipeline(given.snapshot, given.frames[0])
    product.settle()
    began = time.perf_counter_ns()
    for frame in given.timed:
        pipeline.take(frame)
    return _rate(len(given.timed), began, time.perf_counter_ns())


async def _round(
    server: daemon.Server, folder: Path, port: int, rate: float, given: Input
) -> Round:
    """Run the program until the last message of the tape is stored."""
    told = Round(last=json.loads(given.frames[-1])["data"]["u"])
    host = f"127.0.0.1:{port}"
    app = told.app = daemon.app_at(
        server, folder, f"ws://{host}/{rate:.0f}", f"http://{host}", told.heard
    )
    async with app.opened(), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(app.run())
        async with asyncio.timeout(PATIENCE_S):
            while not told.readings:
                await asyncio.sleep(0.01)
            product.settle()
            async with watched() as told.lag:
                while not told.done_at:
                    await asyncio.sleep(0.001)
                await daemon.stored(app, PATIENCE_S)
                told.stored_at = time.perf_counter_ns()
        app.stop.set()
        await running
        if told.readings < len(given.timed) or daemon.lost(app.writer):
            raise RuntimeError(f"{told.readings} readings, {daemon.lost(app.writer)} of them lost")
    product.unsettle()
    return told


@asynccontextmanager
async def venue_of(given: Input) -> AsyncIterator[int]:
    """Run the venue in a process of its own; yield its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.venue_server", given.name, str(len(given.timed))),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["port"]
    finally:
        process.stdin.close()
        await process.wait()


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = [f"{outcome['rounds']} rounds each; {outcome['batch']} a batch; a row a message"]
    for name, found in outcome["inputs"].items():
        low, high = found["slowest_and_fastest_round"]
        lines.append(
            f"{name}: {found['stored_per_s']:,} messages/s until the last row is committed "
            f"({low:,} to {high:,}), {found['submitted_per_s']:,} until it is submitted"
        )
        lines.append(
            f"  {found['ratio_to_in_process']:.2f} of the pipeline in this process alone "
            f"({found['in_process_per_s']:,}); CPU {found['cpu_us_a_message']} us a message"
        )
        lines.append("  flat out: " + _line(found["flat_out"]))
        lines.append(f"  at {found['calm']['messages_per_s']:,}/s: " + _line(found["calm"]))
    return lines


def _line(figures: dict[str, Any]) -> str:
    latency, lag = figures["received_to_submitted"], figures["loop_lag"]
    return (
        f"received to submitted p50 {latency['p50_us']:,.0f} us, p99 {latency['p99_us']:,.0f}, "
        f"p99.9 {latency['p99_9_us']:,.0f}, max {latency['max_us']:,.0f}; "
        f"loop lag p99 {lag['p99_ms']} ms, max {lag['max_ms']} ms"
    )


PART = Part(
    name="sockets",
    says="a venue in another process, the whole program, a real PostgreSQL: socket to committed row",
    run=run,
    tell=tell,
)
