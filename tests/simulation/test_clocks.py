"""F-09: clocks that step by an hour, drift and are plain wrong make no book stale and crash nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.support.simulation.harness import Plan, Simulation, simulate, simulated

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import Trust

HOUR_S = 3600
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
Trouble = Callable[[Simulation], Awaitable[None]]


def set_by(seconds: float) -> Trouble:
    """Return what sets every venue's clock at once."""

    async def trouble(simulation: Simulation) -> None:
        for server in simulation.servers.values():
            server.clock_offset = round(seconds * SECOND)
        await asyncio.sleep(120)

    return trouble


async def drift(simulation: Simulation) -> None:
    """Have the venues' clocks run 500 ppm fast for an hour."""
    simulation.pace = 0.3
    for _ in range(HOUR_S // 10):
        for server in simulation.servers.values():
            server.clock_offset += round(10 * 500e-6 * SECOND)
        await asyncio.sleep(10)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [(set_by(HOUR_S), True), (set_by(-HOUR_S), False), (set_by(1.27), True), (drift, True)],
    ids=["an hour ahead", "an hour behind", "1.27 s ahead", "500 ppm"],
)
def test_a_venue_with_a_wrong_clock_loses_no_book(trouble: Trouble, told: bool) -> None:
    """0 crashes, 0 stale books; a fault that shows at once is told within 10 s."""

    async def run() -> None:
        async with simulated(Plan(seed=9, symbols=SYMBOLS, pace=3.0)) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            await asyncio.sleep(60)
            began = simulation.world.clock.now()
            await trouble(simulation)
            witness = simulation.witness
            sane(simulation)
            faults = witness.told(FeedEventKind.CLOCK_FAULT)
            if told:
                assert {event.venue for event in faults} == set(simulation.servers)
            if told and trouble is not drift:
                assert all(event.at - began < 10 * SECOND for event in faults)

    simulate(run, 9)


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S])
def test_our_own_clock_set_wrong_harms_nothing(seconds: float) -> None:
    """The step is told within 10 s; no book is stale, and time as the monitor tells it never leaps."""

    async def run() -> None:
        async with simulated(Plan(seed=9, symbols=SYMBOLS, pace=3.0)) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            await asyncio.sleep(60)
            before, began = simulation.clock.now(), simulation.loop.time()
            simulation.clock.leap = round(seconds * SECOND)
            witness = simulation.witness
            await simulation.until(lambda: bool(witness.told(FeedEventKind.CLOCK_STEP)), 10)
            await asyncio.sleep(300)
            passed = (simulation.clock.now() - before) / SECOND
            assert passed == pytest.approx(simulation.loop.time() - began, rel=0.06)
            sane(simulation)

    simulate(run, 9)


def test_our_own_clock_that_drifts_is_followed() -> None:
    """500 ppm for an hour: nothing is told, nothing is stale."""

    async def run() -> None:
        async with simulated(Plan(seed=9, symbols=SYMBOLS, pace=3.0)) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            simulation.pace = 0.3
            for _ in range(HOUR_S // 10):
                simulation.clock.leap += round(10 * 500e-6 * SECOND)
                await asyncio.sleep(10)
            assert simulation.witness.told(FeedEventKind.CLOCK_STEP) == []
            assert simulation.clock.behind() < SECOND // 4
            sane(simulation)

    simulate(run, 9)


def sane(simulation: Simulation) -> None:
    """No crash, no wrong reading, no stale book, and all of them LIVE."""
    assert simulation.app.crashes == 0
    assert simulation.witness.wrong == []
    assert not [event for event in simulation.witness.events if event.trust is Trust.STALE]
    assert simulation.all_live
