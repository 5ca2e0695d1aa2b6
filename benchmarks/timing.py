"""Timing: contenders take turns in one process, pass after pass, and every message is timed."""

import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

from .product import settle, unsettle

Take: TypeAlias = Callable[[bytes], object]
Start: TypeAlias = Callable[[], Take]
"""Makes a contender ready for a pass (untimed) and returns what takes a frame."""

WARM = 0.1
"""The share of each pass's frames that is taken before the clock runs."""

NANOS = 1_000_000_000


@dataclass(slots=True)
class Timed:
    """What one contender took: nanoseconds of each message, pass by pass."""

    passes: list["array[int]"] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Messages a second of each pass, slowest first."""
        return sorted(len(each) * NANOS / max(1, sum(each)) for each in self.passes)

    @property
    def rate(self) -> float:
        """Messages a second of the middle pass."""
        return median(self.rates)

    def summary(self) -> dict[str, object]:
        """Return what the report shows."""
        rates = self.rates
        every = sorted(ns for each in self.passes for ns in each)
        return {
            "messages_per_s": round(self.rate, 1),
            "slowest_and_fastest_pass": [round(rates[0], 1), round(rates[-1], 1)],
            "timed_messages": len(every),
            **{
                f"{name}_us": round(percentile(every, share) / 1000, 1)
                for name, share in PERCENTILES.items()
            },
        }


PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the ordered values do not exceed."""
    if not ordered:
        return 0.0
    place = -(-share * len(ordered) // 1)
    return ordered[min(len(ordered) - 1, max(0, int(place) - 1))]


def alternate(
    contenders: Mapping[str, Start], frames: Sequence[bytes], passes: int
) -> dict[str, Timed]:
    """Let the contenders take turns; the order is turned round from pass to pass.

    One pass of each over a part of the frames goes before, and is forgotten.
    """
    timed = {name: Timed() for name in contenders}
    for start in contenders.values():
        one_pass(start, frames[: len(frames) // 4])
    for number in range(passes):
        names = list(contenders)
        for name in names if number % 2 == 0 else reversed(names):
            timed[name].passes.append(one_pass(contenders[name], frames))
    unsettle()
    return timed


def one_pass(start: Start, frames: Sequence[bytes]) -> "array[int]":
    """Take the frames, the first tenth untimed; return the nanoseconds each of the others took."""
    take = start()
    warm = int(len(frames) * WARM)
    for frame in frames[:warm]:
        take(frame)
    settle()
    spent = array("q")
    clock, add = time.perf_counter_ns, spent.append
    for frame in frames[warm:]:
        before = clock()
        take(frame)
        add(clock() - before)
    return spent


def overhead_ns() -> float:
    """Return what timing a message costs by itself: it is in every figure, and not subtracted."""
    spent = one_pass(lambda: lambda _frame: None, [b""] * 20_000)
    return median(spent)


def progress(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(text, file=sys.stderr, flush=True)
