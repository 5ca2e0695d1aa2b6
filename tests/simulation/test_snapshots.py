"""F-04: snapshots that come late, early, never, truncated or not at all, and what resyncs cost."""

import asyncio

import pytest
from tests.support.simulation.harness import Plan, Simulation, simulate, simulated
from tests.support.simulation.storm import Outcome, ride_out
from tests.support.simulation.weather import Weather

from tidegauge.core.events import FeedEventKind
from tidegauge.core.trust import Trust

JOINED = ("binance", "binance-futures")
"""Venues whose snapshots are had by REST."""

EVENTS = 1_000
LOSSES = 100


@pytest.mark.parametrize(
    "answers",
    [
        {"stale_answer": 0.7},
        {"slow_answer": 0.5},
        {"no_answer": 0.4},
        {"limited": 0.5},
        {"failing": 0.5},
        {"truncated": 0.5},
        {"stale_answer": 0.3, "slow_answer": 0.2, "limited": 0.1, "failing": 0.2, "truncated": 0.2},
    ],
    ids="+".join,
)
def test_bad_snapshots_never_make_a_wrong_book(answers: dict[str, float]) -> None:
    """Frames are lost all the while, so that snapshots are needed; in the end all books are true."""
    plan = Plan(seed=4, venues=JOINED, pace=20.0)
    weather = Weather(lost=0.02, cut=0.004, **answers)
    outcome: Outcome = simulate(lambda: ride_out(plan, EVENTS, weather), plan.seed)
    assert sum(outcome.faults[each] for each in answers) > 3, "hardly anything went wrong"
    assert outcome.good, outcome


@pytest.mark.parametrize("venue", JOINED)
def test_a_resync_is_quick_and_cheap_on_a_healthy_network(venue: str) -> None:
    """100 lost frames, each book's more than a minute apart: p99 below 2 s, and half of the venue's weight is left."""

    async def run() -> None:
        plan = Plan(seed=5, venues=(venue,), pace=20.0)
        async with simulated(plan) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            names = sorted(simulation.servers[venue].books)
            for number in range(LOSSES):
                await lose_one(simulation, venue, names[number % len(names)])
                await asyncio.sleep(4.0)
            await simulation.settle()
            assert simulation.behind() == []
            assert simulation.witness.wrong == []
            spans = sorted(resyncs(simulation))
            used = simulation.lines[venue].tally.most_within(60, weight=True)
            allowed = simulation.servers[venue].weight_a_minute
            assert allowed is not None
            p99 = spans[int(0.99 * len(spans))]
            print(
                f"{venue}: {len(spans)} resyncs, p50 {spans[len(spans) // 2]:.3f} s,"
                f" p99 {p99:.3f} s, at most {used} of {allowed} weight in a minute"
            )
            assert len(spans) >= 0.9 * LOSSES
            assert p99 < 2.0
            assert used <= allowed / 2

    simulate(run, 5)


async def lose_one(simulation: Simulation, venue: str, name: str) -> None:
    """Have one live book change unheard, and once more heard."""
    server = simulation.servers[venue]
    await simulation.until(lambda: simulation.keeper(venue, name).trust is Trust.LIVE, 60)
    for client in server.clients.values():
        client.deaf_to.add(name)
    server.move(name)
    for client in server.clients.values():
        client.deaf_to.discard(name)
    server.move(name)


def resyncs(simulation: Simulation) -> list[float]:
    """Return how long each book that had a gap was not LIVE, in seconds of virtual time."""
    lost_at: dict[str | None, int] = {}
    spans = []
    for event in simulation.witness.events:
        if event.kind is FeedEventKind.GAP:
            lost_at.setdefault(event.instrument, event.at)
        elif event.trust is Trust.LIVE and event.instrument in lost_at:
            spans.append((event.at - lost_at.pop(event.instrument)) / 1e9)
    return spans
