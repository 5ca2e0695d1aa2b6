"""Do those who look slow the feed down? The monitor alone, looked at, and beside a process that works as
much as they do without looking, in turn, in one run.

The last tells what is of looking, and what of sharing the machine. The monitor has a core of its own; the
venue, the API and those who ask it share the others.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from . import daemon, product
from .inputs import TEN, load
from .parts import Outcome, Part, Scale
from .sockets import ROOT, venue_of
from .timing import percentile, progress

RATE = 2_000
STREAMS, REQUESTS = 50, 200
NEIGHBOUR = 0.3
"""The share of a core that API and onlookers take together, and so the neighbour."""

ALONE, LOOKED_AT, NEIGHBOURED = KINDS = ("alone", "looked at", "beside a neighbour")
SEED, DRAWS = 7, 200
SETTLE_S = 1.0
"""Of each phase, what is not counted: streams are opened, or their end is dealt with."""

TURN_S = 1.0
"""What it may take to have a phase end and the next begin: the tape is as long as that."""

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
    """Run the phases, each kind in turn."""
    rate, rounds, seconds = (RATE // 5, 2, 1.0) if scale.quick else (RATE, 20, 2.5)
    return daemon.run_loop(_run(rate, rounds, seconds))


async def _run(rate: int, rounds: int, seconds: float) -> Outcome:
    messages = round(rate * (len(KINDS) * rounds * (seconds + SETTLE_S + TURN_S) + 30))
    progress(f"  a tape of {messages:,} messages")
    given, ages = load(TEN, messages), Ages()
    phases: dict[str, list[Phase]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="tg-bench-") as name, own_core() as settle:
        folder = Path(name)
        async with (
            venue_of(given) as port,
            _served(folder) as onlookers,
            _neighbour() as neighbour,
        ):
            settle()
            host = f"127.0.0.1:{port}"
            app = ages.app = daemon.looking_at(
                folder, f"ws://{host}/{rate}", f"http://{host}", ages.heard
            )
            others = {LOOKED_AT: onlookers, NEIGHBOURED: neighbour}
            async with app.opened(), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(app.run())
                await _until(lambda: bool(ages.now))
                for number in range(len(KINDS) * rounds):
                    progress(f"  phase {number + 1} of {len(KINDS) * rounds}")
                    # Each kind comes first as often as the others: what drifts meets all alike.
                    kind = KINDS[(number + number // len(KINDS)) % len(KINDS)]
                    phases[kind].append(await _phase(ages, seconds, others.get(kind)))
                app.stop.set()
                await running
    return {"frames_per_s": rate, "seconds_a_phase": seconds, **_summary(phases)}


@contextmanager
def own_core() -> Iterator[Callable[[], None]]:
    """Give the monitor a core that nobody else is put on, as docs/operations.md has a busy one set up.

    What is started in the block is put on the others; what is yielded moves this process to its own.
    """
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield lambda: None
        return
    os.sched_setaffinity(0, cores[1:])
    try:
        yield lambda: os.sched_setaffinity(0, cores[:1])
    finally:
        os.sched_setaffinity(0, cores)


@dataclass(frozen=True, slots=True)
class Phase:
    """How old the frames of a phase were, ascending, and what else was told of it."""

    ages: "array[int] | list[int]"
    told: dict[str, Any]


async def _phase(ages: Ages, seconds: float, onlookers: "Others | None") -> Phase:
    if onlookers is not None:
        await onlookers.say("go")
    await asyncio.sleep(SETTLE_S)
    ages.taken()
    others = [] if onlookers is None else onlookers.pids
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
        told["others_cpu"] = [round(each / seconds, 3) for each in used]
    return Phase(found, told)


@dataclass(frozen=True, slots=True)
class Others:
    """A process that works when it is told to, and the ids of all whose work counts."""

    process: asyncio.subprocess.Process
    pids: list[int]

    async def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        await self.process.stdin.drain()

    async def answer(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[Others]:
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
            yield Others(looking, [api.pid, looking.pid])
        finally:
            looking.stdin.close()
            await looking.wait()
    finally:
        assert api.stdin is not None
        api.stdin.close()
        await api.wait()


@asynccontextmanager
async def _neighbour() -> AsyncIterator[Others]:
    """Bring a neighbour, who gives way as the API does."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", "10", sys.executable, "-m", "benchmarks.neighbours", str(NEIGHBOUR)),
        cwd=ROOT,
        stdin=pipe,
        stdout=pipe,
    )
    assert process.stdin is not None
    try:
        yield Others(process, [process.pid])
    finally:
        process.stdin.close()
        await process.wait()


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


def _summary(phases: dict[str, list[Phase]]) -> Outcome:
    return {
        "streams": STREAMS,
        "requests_per_s": REQUESTS,
        "phases": {kind: [each.told for each in rounds] for kind, rounds in phases.items()},
        "p99_us": {kind: round(_p99(rounds) / 1000, 1) for kind, rounds in phases.items()},
        "p99_ratio": _ratio(phases, ALONE, LOOKED_AT),
        "p99_ratio_beside_a_neighbour": _ratio(phases, ALONE, NEIGHBOURED),
        "p99_ratio_to_a_neighbour": _ratio(phases, NEIGHBOURED, LOOKED_AT),
    }


def _p99(rounds: Sequence[Phase]) -> float:
    return percentile(sorted(chain.from_iterable(each.ages for each in rounds)), 0.99)


def _ratio(phases: dict[str, list[Phase]], one: str, other: str) -> list[float]:
    """Return how much worse the p99 is in one kind of phase, over the frames of all its rounds; and between
    which it is in nine of ten draws of as many rounds from these (Efron's bootstrap, percentile method).

    One stall of the machine makes the p99 of a round; rounds are drawn whole, as stalls come.
    """
    rounds, chance = list(zip(phases[one], phases[other], strict=True)), Random(SEED)

    def ratio(of: Sequence[tuple[Phase, Phase]]) -> float:
        before, after = zip(*of, strict=True)
        return _p99(after) / _p99(before)

    drawn = sorted(ratio(chance.choices(rounds, k=len(rounds))) for _ in range(DRAWS))
    found = ratio(rounds), percentile(drawn, 0.05), percentile(drawn, 0.95)
    return [round(each, 3) for each in found]


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = []
    for name, phases in outcome["phases"].items():
        p99 = [each["p99_us"] for each in phases]
        lines.append(
            f"{name}: {median(each['readings_per_s'] for each in phases):,.0f} readings/s, feed to "
            f"reading p50 {median(each['p50_us'] for each in phases):,.0f} us, p99 "
            f"{outcome['p99_us'][name]:,.0f} ({min(p99):,.0f} to {max(p99):,.0f} a round), p99.9 "
            f"{median(each['p99_9_us'] for each in phases):,.0f}; "
            f"{median(each['monitor_cpu'] for each in phases):.0%} of a core"
        )
    seen = [each["onlookers"] for each in outcome["phases"][LOOKED_AT]]
    lines.append(
        f"onlookers: {outcome['streams']} streams with "
        f"{median(each['steps_per_s'] for each in seen):,.0f} steps/s, "
        f"{median(each['requests_per_s'] for each in seen):,.0f} requests/s answered within p50 "
        f"{median(each['answer_p50_ms'] for each in seen):.1f} ms, p99 "
        f"{median(each['answer_p99_ms'] for each in seen):.1f} ms; "
        f"{sum(each['failures'] for each in seen)} failures"
    )
    api, looking = (
        median(each["others_cpu"][place] for each in outcome["phases"][LOOKED_AT])
        for place in (0, 1)
    )
    lines.append(
        f"of a core: the API {api:.0%}, who asks {looking:.0%}, a neighbour {NEIGHBOUR:.0%}"
    )
    for says, name in (
        ("looked at / alone", "p99_ratio"),
        ("beside a neighbour / alone", "p99_ratio_beside_a_neighbour"),
        ("looked at / beside a neighbour", "p99_ratio_to_a_neighbour"),
    ):
        ratio, low, high = outcome[name]
        lines.append(f"p99 {says}: {ratio} (nine in ten draws: {low} to {high})")
    return lines


PART = Part(
    name="faces",
    says="does looking slow the feed down? 50 streams and 200 requests/s at the API, on and off",
    run=run,
    tell=tell,
)
