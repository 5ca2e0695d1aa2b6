"""How long an event loop keeps a timer waiting."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .timing import percentile

EVERY_S = 0.001


@dataclass(slots=True)
class Lag:
    """Nanoseconds by which a timer of a millisecond was late, each time."""

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
    """Watch the running loop until the block ends."""
    lag = Lag()

    async def keep_looking() -> None:
        while True:
            before = time.perf_counter_ns()
            await asyncio.sleep(EVERY_S)
            lag.late.append(max(0, time.perf_counter_ns() - before - int(EVERY_S * 1e9)))

    looking = asyncio.create_task(keep_looking())
    try:
        yield lag
    finally:
        looking.cancel()
        await asyncio.wait([looking])
