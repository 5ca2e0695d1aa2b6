"""How long an event loop keeps others waiting: a timer, or whoever is next."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .timing import percentile

EVERY_S = 0.001


@dataclass(slots=True)
class Lag:
    """Nanoseconds by which a timer of a millisecond was late, or which a turn took, each time."""

    late: list[int] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Return percentiles in milliseconds."""
        ordered = sorted(self.late)
        return {
            name: round(percentile(ordered, share) / 1e6, 3)
            for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0))
        }


@asynccontextmanager
async def watched() -> AsyncIterator[Lag]:
    """Watch the running loop until the block ends. Its timers are of a millisecond, too."""
    lag = Lag()

    async with _looking(lag, EVERY_S, time.perf_counter_ns):
        yield lag


@asynccontextmanager
async def turning() -> AsyncIterator[Lag]:
    """Measure every turn of the running loop, which never sleeps meanwhile.

    In CPU time of its thread: what other processes take from it is none of its doing.
    """
    lag = Lag()
    async with _looking(lag, 0, time.thread_time_ns):
        yield lag


@asynccontextmanager
async def _looking(lag: Lag, every_s: float, clock: Callable[[], int]) -> AsyncIterator[None]:
    async def keep_looking() -> None:
        add, expected = lag.late.append, int(every_s * 1e9)
        while True:
            before = clock()
            await asyncio.sleep(every_s)
            add(max(0, clock() - before - expected))

    looking = asyncio.create_task(keep_looking())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
