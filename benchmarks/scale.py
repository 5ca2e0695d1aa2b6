"""Many books in one process, each at its own pace in real time: CPU, loop lag, memory; and two processes."""

import asyncio
import heapq
import random
import time
from dataclasses import dataclass
from typing import Any

from . import daemon, product
from .crowd import EVEN, VENUES, Crowd, gather
from .fresh import in_a_process
from .lag import Lag, watched
from .parts import Outcome, Part, Scale
from .processes import compare_processes
from .resident import resident
from .timing import percentile, progress

FLAT_OUT_S = 1.0
"""Seconds of market that are afterwards taken as fast as they go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A number of books, and how busy they are."""

    books: int
    mixed: bool = False

    @property
    def says(self) -> str:
        return "each at a venue's rate" if self.mixed else "10 messages/s of 10 changes each"


FULL = (
    *(Load(books=books) for books in (1, 10, 100, 1000)),
    *(Load(books=books, mixed=True) for books in (10, 100)),
)
SMALL = (Load(books=10), Load(books=20, mixed=True))


def run(scale: Scale) -> Outcome:
    """Run each load, then one process beside two."""
    levels, seconds = (100, 1.0) if scale.quick else (1000, 10.0)
    outcome: Outcome = {"levels": levels, "seconds": seconds, "loads": []}
    for load in SMALL if scale.quick else FULL:
        progress(f"  {load.books:,} books, {load.says}: {seconds:.0f} s in real time")
        outcome["loads"].append(in_a_process(measured, load, levels, seconds))
    outcome["processes"] = compare_processes(quick=scale.quick)
    return outcome


def measured(load: Load, levels: int, seconds: float) -> dict[str, Any]:
    """Run one load in this process, which holds nothing else."""
    venues = VENUES if load.mixed else EVEN
    crowd = gather(load.books, venues, levels=levels, seconds=seconds + FLAT_OUT_S)
    product.settle()
    before = resident()
    books = product.Books(crowd.snapshots, crowd.firsts)
    after = resident()
    product.settle()
    paced = daemon.run_loop(_paced(books, crowd, seconds))
    flat_out = _flat_out(books, crowd, paced.pop("reached"))
    found = {
        "books": load.books,
        "says": load.says,
        "messages_per_s": round(crowd.rate, 1),
        **paced,
        "flat_out_messages_per_s": round(flat_out[1]),
        "books_a_core": int(flat_out[1] / crowd.rate * load.books),
        "levels": books.levels,
    }
    if before is not None and after is not None:
        found["bytes_a_book"] = round((after - before) / load.books)
    product.unsettle()
    taken = paced["messages"] + flat_out[0]
    if books.readings < taken:
        raise RuntimeError(f"{taken} messages gave only {books.readings} readings")
    return found


async def _paced(books: product.Books, crowd: Crowd, seconds: float) -> dict[str, Any]:
    """Feed every book at its rate, from a moment of its own on."""
    scattered = random.Random(1)
    due = [
        (scattered.random() / venue.rate, number, 1) for number, venue in enumerate(crowd.venues)
    ]
    heapq.heapify(due)
    late: list[int] = []
    began, cpu = time.perf_counter(), time.process_time()
    async with watched() as lag:
        while (due[0][0] < seconds) and time.perf_counter() - began < 1.5 * seconds:
            await asyncio.sleep(max(0.0, began + due[0][0] - time.perf_counter()))
            _turn(books, crowd, due, began, late)
    wall = time.perf_counter() - began
    share = (time.process_time() - cpu) / wall
    reached = [index for _, _, index in sorted(due, key=lambda each: each[1])]
    return {"reached": reached, **_figures(lag, late, share, wall / seconds)}


def _turn(
    books: product.Books,
    crowd: Crowd,
    due: list[tuple[float, int, int]],
    began: float,
    late: list[int],
) -> None:
    """Take what is due, for no longer than the product's runner would before it lets others."""
    ends = time.perf_counter() + product.TURN_NS / 1e9
    while (now := time.perf_counter()) < ends and due[0][0] <= now - began:
        at, number, index = due[0]
        books.take(number, crowd.frames[number][index], product.START + int(at * 1e9))
        late.append(int((time.perf_counter() - began - at) * 1e9))
        heapq.heapreplace(due, (at + 1 / crowd.venues[number].rate, number, index + 1))


def _figures(lag: Lag, late: list[int], share: float, stretched: float) -> dict[str, Any]:
    late.sort()
    return {
        "messages": len(late),
        "cpu_share": round(share, 3),
        "kept_up": stretched < 1.05,
        "loop_lag": lag.summary(),
        "due_to_done": {
            f"{name}_ms": round(percentile(late, part) / 1e6, 3)
            for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        },
    }


def _flat_out(books: product.Books, crowd: Crowd, reached: list[int]) -> tuple[int, float]:
    """Take the rest with nobody waiting; return how many, and how many a second one core does."""
    turns = []
    for number, done in enumerate(reached):
        turns += [(index, number) for index in range(done, len(crowd.frames[number]))]
    turns.sort()
    now = product.START + 3600 * 10**9
    began = time.perf_counter()
    for index, number in turns:
        now += 1_000
        books.take(number, crowd.frames[number][index], now)
    return len(turns), len(turns) / max(1e-9, time.perf_counter() - began)


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = [f"{outcome['levels']:,} levels a side, {outcome['seconds']:.0f} s each in real time"]
    for found in outcome["loads"]:
        lag, late = found["loop_lag"], found["due_to_done"]
        kept = "" if found["kept_up"] else ", FELL BEHIND"
        memory = f"; {found['bytes_a_book'] / 1e6:.2f} MB a book" if "bytes_a_book" in found else ""
        lines.append(
            f"{found['books']:,} books, {found['says']} ({found['messages_per_s']:,.0f} messages/s): "
            f"{found['cpu_share']:.0%} of a core{kept}{memory}"
        )
        lines.append(
            f"  loop lag p99 {lag['p99_ms']} ms, max {lag['max_ms']}; due to done p50 "
            f"{late['p50_ms']} ms, p99 {late['p99_ms']}, max {late['max_ms']}"
        )
        lines.append(
            f"  flat out {found['flat_out_messages_per_s']:,} messages/s: "
            f"{found['books_a_core']:,} such books would fill a core"
        )
    both = outcome["processes"]
    lines.append(
        f"processes: one {both['one_per_s']:,} messages/s, two {both['two_per_s']:,} together: "
        f"{both['ratio']:.2f} times"
    )
    return lines


PART = Part(
    name="scale",
    says="many books in one process at real message rates, and one process beside two",
    run=run,
    tell=tell,
)
