"""F-01: a lost frame is found at the next one, in the same instant."""

import asyncio

import pytest
from tests.support.simulation.harness import Plan, Simulation, simulate, simulated
from tests.support.simulation.venues import FOUR

from tidegauge.core.events import FeedEventKind
from tidegauge.core.trust import Trust

SYMBOLS = ("BTCUSDT", "ETHUSDT")


@pytest.mark.parametrize("venue", FOUR)
@pytest.mark.parametrize("seed", range(3))
def test_a_lost_frame_is_found_at_the_next_one(venue: str, seed: int) -> None:
    """From that instant until a new snapshot the book is not believed, and gives no reading."""

    async def run() -> None:
        plan = Plan(seed=seed, venues=(venue,), symbols=SYMBOLS, pace=4.0)
        async with simulated(plan) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            await simulation.settle()
            await lose_one(simulation, venue)
            simulation.still = False
            await simulation.until(lambda: simulation.all_live, 60)
            await simulation.settle()
            assert simulation.behind() == []
            assert simulation.witness.wrong == []
            assert len(simulation.witness.told(FeedEventKind.GAP)) == 1

    simulate(run, seed)


async def lose_one(simulation: Simulation, venue: str) -> None:
    """Have a book change unheard, then heard, and see what the monitor makes of it."""
    server, witness = simulation.servers[venue], simulation.witness
    name = min(server.books)
    keeper = simulation.keeper(venue, name)
    for client in server.clients.values():
        client.deaf_to.add(name)
    server.move(name)
    for client in server.clients.values():
        client.deaf_to.discard(name)
    await asyncio.sleep(1)
    assert keeper.trust is Trust.LIVE, "nothing came that could have told"

    server.move(name)
    comes_at = simulation.world.clock.now() + round(simulation.lines[venue].latency * 1e9)
    await simulation.until(lambda: bool(witness.told(FeedEventKind.GAP)), 1)
    (gap,) = witness.told(FeedEventKind.GAP)
    assert gap.at == pytest.approx(comes_at, abs=1_000_000)
    assert gap.instrument == name
    lost = witness.events[witness.events.index(gap) + 1]
    assert (lost.kind, lost.at, lost.instrument) == (FeedEventKind.TRUST, gap.at, name)
    assert lost.trust is Trust.SYNCING
    others = [each for each in simulation.keepers if each.instrument.name != name]
    assert all(each.trust is Trust.LIVE for each in others), "only this book starts afresh"
