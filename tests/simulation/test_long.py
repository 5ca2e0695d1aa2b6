"""Days in seconds: 24 hours of one book, and nothing that grows (L-01); overload (L-02)."""

import asyncio
import gc
import time
import tracemalloc

import pytest
from tests.support.simulation.harness import Plan, Simulation, simulate, simulated
from tests.support.simulation.weather import CALM, Weather

from tidegauge.core.events import FeedEventKind
from tidegauge.core.trust import Trust
from tidegauge.runtime.settings import FeedSettings

HOUR_S = 3600.0


def one_book(hours: float) -> tuple[Simulation, float]:
    """Let one book live so long at a frame a second; return its world, and the real seconds."""

    async def run() -> Simulation:
        plan = Plan(
            seed=24, venues=("bybit-linear",), symbols=("BTCUSDT",), pace=1.0, history=1_000
        )
        async with simulated(plan) as simulation:
            await asyncio.sleep(hours * HOUR_S)
            await simulation.settle()
            assert simulation.behind() == []
            return simulation

    began = time.perf_counter()
    return simulate(run, 24), time.perf_counter() - began


def judge_day(hours: float) -> None:
    simulation, seconds = one_book(hours)
    witness = simulation.witness
    print(
        f"{hours:.0f} h of one book: {simulation.events:,} frames, {witness.readings:,} readings"
        f" in {seconds:.1f} s, {hours * HOUR_S / seconds:,.0f} times as fast as they pass"
    )
    assert simulation.events == pytest.approx(hours * HOUR_S, rel=0.05)
    assert witness.wrong == []
    assert simulation.app.crashes == 0
    lost = [event for event in witness.events if event.trust in (Trust.STALE, Trust.UNTRUSTED)]
    assert [event for event in lost if event.reason != "stopped"] == []


def test_an_hour_of_one_book_passes_in_moments() -> None:
    """A frame a second; never stale, never wrong."""
    judge_day(1)


@pytest.mark.campaign
def test_a_day_of_one_book_passes_in_a_minute() -> None:
    """24 hours, 86,400 frames."""
    judge_day(24)


def grown(hours: float) -> None:
    """Live through disconnects and losses for hours; what is held at the end was held before."""

    async def run() -> None:
        plan = Plan(
            seed=1,
            venues=("binance-futures", "okx"),
            symbols=("BTCUSDT", "ETHUSDT"),
            pace=0.5,
            history=300,
        )
        weather = Weather(lost=0.01, doubled=0.01, spoilt=0.01, cut=0.005, truncated=0.1)
        async with simulated(plan) as simulation:
            sizes, tasks = [], []
            for line in simulation.lines.values():
                line.weather = weather
            for _ in range(6):
                await rough(simulation, hours * HOUR_S / 6)
                simulation.witness.events.clear()
                simulation.witness.applied.clear()
                for line in simulation.lines.values():
                    line.tally.requests.clear()
                    line.tally.handshakes.clear()
                    line.weather = CALM
                await asyncio.sleep(200)
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
                tasks.append(len(asyncio.all_tasks()))
                for line in simulation.lines.values():
                    line.weather = weather
            slope = (sizes[-1] - sizes[2]) / (hours / 2) / 2**20
            print(f"memory {[size >> 10 for size in sizes]} KiB, {slope:+.3f} MiB/h, tasks {tasks}")
            assert slope < 1.0
            assert max(tasks[1:]) <= tasks[0] + 2

    tracemalloc.start()
    try:
        simulate(run, 1)
    finally:
        tracemalloc.stop()


async def rough(simulation: Simulation, seconds: float) -> None:
    """Cut a socket now and then."""
    until = simulation.loop.time() + seconds
    while simulation.loop.time() < until:
        await asyncio.sleep(10)
        for line in simulation.lines.values():
            for socket in [*line.sockets]:
                if simulation.chance.random() < 0.05:
                    socket.cut()


def test_nothing_grows_in_hours_of_trouble() -> None:
    """L-01: memory and tasks are level over 2 simulated hours of cuts and damage."""
    grown(2)


@pytest.mark.campaign
def test_nothing_grows_in_a_day_of_trouble() -> None:
    """L-01: the same over 24 hours."""
    grown(24)


def test_an_overloaded_monitor_is_never_wrong() -> None:
    """L-02: frames come three times as fast as the books take them, for two minutes.

    Sockets are held back, then frames are dropped and counted; no book is believed that misses one.
    """

    async def run() -> None:
        plan = Plan(
            seed=2,
            venues=("bybit-linear",),
            symbols=("BTCUSDT", "ETHUSDT"),
            pace=60.0,
            feed=FeedSettings(mailbox=64),
        )
        async with simulated(plan) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            simulation.slowness = 0.05
            await asyncio.sleep(120)
            simulation.slowness = 0.0
            simulation.pace = 4.0
            await simulation.until(lambda: simulation.all_live, 120)
            await simulation.settle()
            assert simulation.behind() == []
            witness = simulation.witness
            assert witness.wrong == []
            overflows = witness.told(FeedEventKind.OVERFLOW)
            assert overflows, "it was no overload"
            dropped = sum(int(event.detail.split()[0]) for event in overflows)
            print(f"{len(overflows)} overflows, {dropped} frames dropped and told of")

    simulate(run, 2)
