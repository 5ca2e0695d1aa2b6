"""Do those who look slow the feed down? The monitor alone and with onlookers, in turn, in one run."""

import asyncio
import json
import os
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from . import daemon, product
from .inputs import TEN, load
from .parts import Outcome, Part, Scale
from .sockets import ROOT, venue_of
from .timing import percentile, progress

RATE = 2_000
STREAMS, REQUESTS = 50, 200
SETTLE_S = 1.0
"""Of each phase, what is not counted: streams are opened, or their end is dealt with."""

PATIENCE_S = 60.0


@dataclass(slots=True)
class Ages:
    """How old each frame was when its reading was made, in the phase that is on."""

    app: daemon.Program | None = None
    now: "array[int]" = field(default_factory=lambda: array("q"))

    def heard(self, record: object) -> None:
        """Called with each reading."""
        if isinstance(record, product.Made) and self.app is not None:
            self.now.append(daemon.age_ns(self.app, record))

    def taken(self) -> list[int]:
        """Return what came since the last time, ascending."""
        found, self.now = sorted(self.now), array("q")
        return found


def run(scale: Scale) -> Outcome:
    """Run the phases: alone, looked at, alone, looked at …"""
    pairs, seconds = (1, 2.0) if scale.quick else (6, 10.0)
    return daemon.run_loop(_run(pairs, seconds))


async def _run(pairs: int, seconds: float) -> Outcome:
    messages = round(RATE * (2 * pairs * (seconds + SETTLE_S) + 30))
    progress(f"  a tape of {messages:,} messages")
    given, ages = load(TEN, messages), Ages()
    phases: dict[str, list[dict[str, Any]]] = {"alone": [], "looked at": []}
    with tempfile.TemporaryDirectory(prefix="tg-bench-") as name:
        folder = Path(name)
        async with venue_of(given) as port:
            host = f"127.0.0.1:{port}"
            app = ages.app = daemon.looking_at(
                folder, f"ws://{host}/{RATE}", f"http://{host}", ages.heard
            )
            async with app.opened(), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(app.run())
                await _until(lambda: bool(ages.now))
                async with _served(folder) as onlookers:
                    for number in range(2 * pairs):
                        progress(f"  phase {number + 1} of {2 * pairs}")
                        looked_at = number % 2 == 1
                        told = await _phase(ages, seconds, onlookers if looked_at else None)
                        phases["looked at" if looked_at else "alone"].append(told)
                app.stop.set()
                await running
    return _summary(phases, seconds)


async def _phase(ages: Ages, seconds: float, onlookers: "Onlookers | None") -> dict[str, Any]:
    if onlookers is not None:
        await onlookers.say("go")
    await asyncio.sleep(SETTLE_S)
    ages.taken()
    others = [] if onlookers is None else [onlookers.api, onlookers.process.pid]
    cpu, before = time.process_time(), [cpu_of(each) for each in others]
    await asyncio.sleep(seconds)
    found, cpu = ages.taken(), time.process_time() - cpu
    told: dict[str, Any] = {
        "readings_per_s": round(len(found) / seconds),
        "monitor_cpu": round(cpu / seconds, 3),
        **{
            f"{label}_us": round(percentile(found, share) / 1000, 1)
            for label, share in (("p50", 0.5), ("p99", 0.99), ("p99_9", 0.999))
        },
    }
    if onlookers is not None:
        await onlookers.say("stop")
        told["onlookers"] = json.loads(await onlookers.answer())
        used = [cpu_of(each) - was for each, was in zip(others, before, strict=True)]
        told["api_cpu"], told["onlookers_cpu"] = (round(each / seconds, 3) for each in used)
    return told


@dataclass(frozen=True, slots=True)
class Onlookers:
    """The process that looks, and the one it asks."""

    process: asyncio.subprocess.Process
    api: int

    async def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        await self.process.stdin.drain()

    async def answer(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[Onlookers]:
    """Serve the API as a monitor does, and bring the onlookers."""
    pipe = asyncio.subprocess.PIPE
    api = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegauge", "serve", "--companion", "--port", "0"),
        *("--data-dir", str(folder)),
        stdin=pipe,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _until(lambda: daemon.api_of(folder) is not None)
        address, token = daemon.api_of(folder) or ("", "")
        # People look from other machines: here they must not take the processor from what is measured.
        looking = await asyncio.create_subprocess_exec(
            *("nice", "-n", "19", sys.executable, "-m", "benchmarks.onlookers"),
            *(address, product.VENUE),
            *(str(STREAMS), str(REQUESTS)),
            cwd=ROOT,
            env={**os.environ, "TIDEGAUGE_BENCH_TOKEN": token},
            stdin=pipe,
            stdout=pipe,
        )
        assert looking.stdin is not None
        try:
            yield Onlookers(looking, api.pid)
        finally:
            looking.stdin.close()
            await looking.wait()
    finally:
        assert api.stdin is not None
        api.stdin.close()
        await api.wait()


def cpu_of(pid: int) -> float:
    """Return the seconds of processor that a process used (proc(5)); 0 where that is not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def _summary(phases: dict[str, list[dict[str, Any]]], seconds: float) -> Outcome:
    alone, looked_at = phases["alone"], phases["looked at"]
    ratios = [b["p99_us"] / a["p99_us"] for a, b in zip(alone, looked_at, strict=True)]
    return {
        "frames_per_s": RATE,
        "streams": STREAMS,
        "requests_per_s": REQUESTS,
        "seconds_a_phase": seconds,
        "alone": alone,
        "looked_at": looked_at,
        "p99_ratio": round(median(ratios), 3),
        "p99_ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = []
    for name, phases in (("alone", outcome["alone"]), ("looked at", outcome["looked_at"])):
        p99 = [each["p99_us"] for each in phases]
        lines.append(
            f"{name}: {median(each['readings_per_s'] for each in phases):,.0f} readings/s, feed to "
            f"reading p50 {median(each['p50_us'] for each in phases):,.0f} us, p99 "
            f"{median(p99):,.0f} ({min(p99):,.0f} to {max(p99):,.0f}), p99.9 "
            f"{median(each['p99_9_us'] for each in phases):,.0f}; "
            f"{median(each['monitor_cpu'] for each in phases):.0%} of a core"
        )
    seen = [each["onlookers"] for each in outcome["looked_at"]]
    lines.append(
        f"onlookers: {outcome['streams']} streams with "
        f"{median(each['steps_per_s'] for each in seen):,.0f} steps/s, "
        f"{median(each['requests_per_s'] for each in seen):,.0f} requests/s answered within p50 "
        f"{median(each['answer_p50_ms'] for each in seen)} ms, p99 "
        f"{median(each['answer_p99_ms'] for each in seen)} ms; "
        f"{sum(each['failures'] for each in seen)} failures"
    )
    api, looking = (
        median(each[name] for each in outcome["looked_at"]) for name in ("api_cpu", "onlookers_cpu")
    )
    lines.append(f"of a core: the API {api:.0%}, who asks {looking:.0%}")
    low, high = outcome["p99_ratio_spread"]
    lines.append(f"p99 looked at / alone: {outcome['p99_ratio']} ({low} to {high})")
    return lines


PART = Part(
    name="faces",
    says="does looking slow the feed down? 50 streams and 200 requests/s at the API, on and off",
    run=run,
    tell=tell,
)
