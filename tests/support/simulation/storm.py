"""A storm over all venues, then calm: what a campaign runs once for each seed."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from tidegauge.core.instrument import SECOND

from .harness import Plan, Simulation, simulated
from .weather import CALM, Weather, drawn

CALM_S = 240.0
"""How long the venues are calm after a storm: a retry may be a minute away, and snapshots of
twenty books take another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one seed went."""

    seed: int
    events: int
    readings: int
    compared: int
    seconds: float
    faults: dict[str, int]
    kinds: dict[str, int]
    live_share: float
    wrong: tuple[str, ...]
    behind: tuple[str, ...]
    crashes: int
    bans: int
    hash: str

    @property
    def good(self) -> bool:
        return not (self.wrong or self.behind or self.crashes or self.bans)


async def ride_out(plan: Plan, events: int, weather: Weather | None = None) -> Outcome:
    """Run a storm of so many updates, let the venues be calm, and compare every book."""
    async with simulated(plan) as simulation:
        chance = simulation.chance
        shares = []
        for line in simulation.lines.values():
            line.weather = drawn(chance) if weather is None else weather
        trouble = asyncio.create_task(stir(simulation))
        while simulation.events < events:
            await asyncio.sleep(1.0)
            live = sum(keeper.trust == "live" for keeper in simulation.keepers)
            shares.append(live / max(1, len(simulation.keepers)))
        trouble.cancel()
        for line in simulation.lines.values():
            line.weather = CALM
            for socket in line.sockets:
                socket.bandwidth = 10e6
        simulation.pace = 4.0
        await asyncio.sleep(CALM_S)
        await simulation.settle()
        behind = tuple(simulation.behind())
    witness = simulation.witness
    faults: Counter[str] = Counter()
    for line in simulation.lines.values():
        faults.update(line.tally.faults)
    return Outcome(
        seed=plan.seed,
        events=simulation.events,
        readings=witness.readings,
        compared=witness.compared,
        seconds=simulation.loop.time(),
        faults=dict(faults),
        kinds=dict(witness.kinds),
        live_share=sum(shares) / len(shares),
        wrong=tuple(witness.wrong),
        behind=behind,
        crashes=simulation.app.crashes,
        bans=sum(server.bans for server in simulation.servers.values()),
        hash=witness.hash,
    )


async def stir(simulation: Simulation) -> None:
    """Once a second, have sockets and venues suffer what the weather holds for them."""
    chance = simulation.chance
    while True:
        await asyncio.sleep(1.0)
        for name, line in simulation.lines.items():
            server = simulation.servers[name]
            if line.strikes("restart"):
                server.restart(chance.uniform(0.0, 20.0))
            if line.strikes("own_clock_step"):
                simulation.clock.leap = round(chance.choice((0, 0.5, -0.5, 3600, -3600)) * SECOND)
            if line.strikes("clock_step"):
                server.clock_offset = round(chance.choice((0, 0.5, -0.5, 3600, -3600)) * SECOND)
            for socket in [*line.sockets]:
                if line.strikes("cut"):
                    socket.cut()
                elif line.strikes("half_open"):
                    socket.freeze(answers_pings=False)
                elif line.strikes("zombie"):
                    socket.freeze(answers_pings=True)
                elif line.strikes("mute_symbol") and socket in server.clients:
                    deaf_to = server.clients[socket].deaf_to
                    deaf_to.add(chance.choice(sorted(server.books)))
                elif line.strikes("slow_link"):
                    socket.bandwidth = chance.choice((2_000.0, 20_000.0, 10e6))


def plan_of(seed: int) -> Plan:
    """Return the campaign's plan for a seed: the pace is drawn, too."""
    return Plan(seed=seed, pace=random.Random(seed).choice((8.0, 15.0, 30.0)))
