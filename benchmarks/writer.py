"""What storing a reading costs the event loop: `python -m benchmarks.writer [--uvloop]`

A real PostgreSQL in a process of its own; readings are submitted at a steady rate, as a monitor does.
Three passes: CPU time of the loop's thread a reading, less that of the same pacing without a writer;
how late a 1 ms timer comes, which on few cores is mostly the scheduler's doing and is therefore shown
beside the same without a writer; and the longest single step of the loop, in CPU time.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import structlog
import uvloop

from tidegauge.core.instrument import MILLISECOND, SECOND
from tidegauge.core.reading import (
    BandDepth,
    MaxSize,
    Origin,
    Quotability,
    Reading,
    RoundedFill,
    Scales,
    Taker,
)
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, open_database
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.reading_row import exact_integers, flags_of
from tidegauge.sinks.store import Batch, prepare, store
from tidegauge.sinks.writer import PostgresWriter

TICK_S = 0.001
BURST_S = 0.002
NOON = 1_767_268_800 * SECOND
Submit = Callable[[Reading], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterFigures:
    """Microseconds of the loop's CPU a reading, and milliseconds that other tasks waited.

    `loop_us`: all that submitting and storing cost. `submit_us`: of that, `submit`. `copy_us`: what
    asyncpg and the socket take for a full batch, shared out; the rest is taking, joining and waking.
    `lag_ms` and `idle_lag_ms`: the 1 ms timer with and without a writer, (median, p99, p99.9, max).
    `step_ms`: CPU of a step of the loop, likewise, and `drain_step_ms` while 20,000 waiting readings
    are written as fast as may be; None on uvloop, whose steps cannot be seen.
    """

    readings: int
    row_bytes: int
    loop_us: float
    submit_us: float
    copy_us: float
    lag_ms: tuple[float, ...]
    idle_lag_ms: tuple[float, ...]
    step_ms: tuple[float, ...] | None
    drain_step_ms: tuple[float, ...] | None


async def measure_writer(
    database: Database,
    readings: Sequence[Reading],
    *,
    rate: int = 5_000,
    limits: WriterLimits | None = None,
) -> WriterFigures:
    """Store `readings` at `rate` a second, three times over in runs of their own.

    The database must be migrated. Raises `AssertionError` when not all of them are written.
    """
    limits = WriterLimits() if limits is None else limits
    stored: list[float] = []
    lags: list[float] = []
    steps: list[float] = []
    watches: list[AbstractContextManager[None]] = [nullcontext(), _late_ticks(lags), _steps(steps)]
    for turn, watched in enumerate(watches):
        writer = PostgresWriter(database, limits, f"benchmark-{time.time_ns()}-{turn}")
        task = asyncio.create_task(writer.run())
        began = time.thread_time_ns()
        with watched:
            await _submit_at(rate, readings, writer.submit)
            assert await writer.drain(60.0)
        stored.append(time.thread_time_ns() - began)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert sum(writer.statistics().written.values()) == len(readings)
    idle: list[float] = []
    began = time.thread_time_ns()
    await _submit_at(rate, readings, lambda _reading: None)
    paced = time.thread_time_ns() - began
    with _late_ticks(idle):
        await _submit_at(rate, readings, lambda _reading: None)
    drained: list[float] = []
    writer = PostgresWriter(database, limits, f"benchmark-{time.time_ns()}-drain")
    for reading in readings[: limits.capacity]:
        writer.submit(reading)
    with _steps(drained):
        assert await writer.drain(60.0)
    return WriterFigures(
        readings=len(readings),
        row_bytes=len(ReadingEncoder("benchmark").encode(readings[0])[1]),
        loop_us=(stored[0] - paced) / len(readings) / 1e3,
        submit_us=_submitting(readings, database, limits),
        copy_us=await _copying(database, readings[: limits.batch]),
        lag_ms=_percentiles(lags),
        idle_lag_ms=_percentiles(idle),
        step_ms=_percentiles(steps) if steps else None,
        drain_step_ms=_percentiles(drained) if drained else None,
    )


async def _submit_at(rate: int, readings: Sequence[Reading], submit: Submit) -> None:
    burst = max(1, int(rate * BURST_S))
    due = time.monotonic()
    for place in range(0, len(readings), burst):
        for reading in readings[place : place + burst]:
            # Into the cache, where the measuring of it leaves it.
            exact_integers(reading)
            flags_of(reading)
            submit(reading)
        due += BURST_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def _late_ticks(lags: list[float]) -> Iterator[None]:
    """Note by how much each 1 ms sleep overslept, in seconds."""

    async def tick() -> None:
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            lags.append(time.monotonic() - due)

    task = asyncio.ensure_future(tick())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def _steps(steps: list[float]) -> Iterator[None]:
    """Note the CPU time of every callback that asyncio runs, in seconds."""
    if type(asyncio.get_running_loop()).__module__.startswith("uvloop"):
        yield
        return
    handle: Any = asyncio.Handle
    run = handle._run  # noqa: SLF001 - there is no other way to see single steps

    def timed(self: Any) -> None:
        began = time.thread_time_ns()
        run(self)
        steps.append((time.thread_time_ns() - began) / SECOND)

    handle._run = timed  # noqa: SLF001
    try:
        yield
    finally:
        handle._run = run  # noqa: SLF001


def _submitting(readings: Sequence[Reading], database: Database, limits: WriterLimits) -> float:
    """Return the µs of one `submit`, of readings that are in the cache as when just measured."""
    few = readings[:100]
    best = float("inf")
    for _ in range(100):
        writer = PostgresWriter(database, limits, "benchmark")
        writer.submit(few[0])
        began = time.perf_counter_ns()
        for reading in few:
            writer.submit(reading)
        best = min(best, (time.perf_counter_ns() - began) / len(few) / 1e3)
    return best


async def _copying(database: Database, readings: Sequence[Reading]) -> float:
    """Return the µs of CPU a reading that sending a batch takes, the median of twenty."""
    times = []
    async with database.session() as connection:
        await prepare(connection)
        for turn in range(21):
            encoder = ReadingEncoder(f"benchmark-{time.time_ns()}-{turn}")
            rows = [encoder.encode(reading) for reading in readings]
            await store(connection, Batch(series=[rows[0][0]]))
            began = time.thread_time_ns()
            await store(connection, Batch(readings=[row for _series, row in rows]))
            times.append((time.thread_time_ns() - began) / len(readings) / 1e3)
    return median(times[1:])


def _percentiles(seconds: list[float]) -> tuple[float, ...]:
    ranked = sorted(seconds)
    places = (0.5, 0.99, 0.999, 1.0)
    return tuple(ranked[int(place * (len(ranked) - 1))] * 1e3 for place in places)


# -- by itself ------------------------------------------------------------------------------------


def made_readings(count: int) -> list[Reading]:
    """Return readings of one book as the default settings take them, made by hand."""
    scales = Scales(price=2, base=5, quote=7)
    sizes = [Decimal(each) for each in ("100000", "500000", "1000000", "1234567.12")]
    return [_made(number, scales, sizes) for number in range(count)]


def _made(number: int, scales: Scales, sizes: Sequence[Decimal]) -> Reading:
    bid = 61_000_10 + number % 997
    origin = Origin(
        venue="binance",
        symbol="BTCUSDT",
        instrument="BTCUSDT",
        epoch=1,
        frame=number,
        sequence=51_000_000_000 + 7 * number,
        received_at=NOON + number * MILLISECOND,
        venue_time=NOON + (number - 5) * MILLISECOND,
        feed_age=0,
        latency=1_700_001,
    )
    bands = [
        BandDepth(
            bps=bps,
            scales=scales,
            bid_base_units=bps * 1_234_567 + number,
            bid_quote_units=bps * 75_312_312_345_678 + number,
            ask_base_units=bps * 2_234_567 - number,
            ask_quote_units=bps * 135_312_312_345_678 - number,
            bid_complete=True,
            ask_complete=True,
        )
        for bps in (10, 50, 100)
    ]
    fills = [
        RoundedFill(
            taker=taker,
            notional=size,
            filled=True,
            filled_fraction=1.0,
            base=float(size) / 61_002.5,
            rounded_average=61_002.5,
            cost_bps=0.385 + number / 1e6,
            rounded_cost=3.85,
            worst_ticks=bid + 420,
            scales=scales,
            floor=False,
        )
        for taker in Taker
        for size in sizes
    ]
    return Reading(
        origin=origin,
        quotability=Quotability.QUOTED,
        scales=scales,
        bid_ticks=bid,
        bid_units=123_456 + number,
        ask_ticks=bid + 10,
        ask_units=50_000 + number,
        microprice=61_000.15 + number / 1e4,
        spread_bps=0.0163934,
        bid_levels=4_999,
        ask_levels=5_001,
        imbalance=-0.25,
        bands=tuple(bands),
        fills=tuple(fills),
        max_sizes=tuple(
            MaxSize(taker=taker, bps=10, units=75_312_312_345_678, scale=7, floor=False)
            for taker in Taker
        ),
    )


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Lend a folder whose path is short enough for a socket, and that any account may pass."""
    with tempfile.TemporaryDirectory(prefix="tg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


async def _measured(count: int, rate: int) -> WriterFigures:
    with _short_folder() as folder:
        async with open_database(url=None, password=None, data_dir=folder / "data") as ours:
            async with ours.session() as connection:
                await migrate(connection)
            readings = made_readings(count)
            gc.collect()
            gc.freeze()
            return await measure_writer(ours, readings, rate=rate)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=25_000)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--uvloop", action="store_true")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    run = uvloop.run if given.uvloop else asyncio.run
    told = run(_measured(given.readings, given.rate))
    print(f"{told.readings} readings of {told.row_bytes} bytes at {given.rate} a second")
    print(f"loop    {told.loop_us:6.2f} µs a reading: submit {told.submit_us:.2f}, ", end="")
    print(f"COPY {told.copy_us:.2f}")
    for name, figures in (
        *(("timer late", told.lag_ms), ("  without a writer", told.idle_lag_ms)),
        *(("step of the loop", told.step_ms), ("  in a long drain", told.drain_step_ms)),
    ):
        if figures is not None:
            shown = ", ".join(f"{each:.3f}" for each in figures)
            print(f"{name:20} p50, p99, p99.9, max: {shown} ms")


if __name__ == "__main__":
    main()
