"""Runs the whole monitor in a simulated world, and says how it went."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.settings import Endpoint, FeedSettings, ReadingSettings, Settings

from .loop import run_simulated, simulated_loop
from .network import Line, world_of
from .venues import VENUES, ReferenceVenue
from .witness import Witness

BASES = [
    "BTC",
    "ETH",
    "SOL",
    "XRP",
    "DOGE",
    "ADA",
    "LTC",
    "BCH",
    "LINK",
    "DOT",
    "AVAX",
    "ATOM",
    "UNI",
    "ETC",
    "FIL",
    "APT",
    "ARB",
    "OP",
    "NEAR",
    "SUI",
]
SYMBOLS = tuple(f"{base}USDT" for base in BASES)


STILL = 0.5
"""The pace at which nothing moves (it is looked at now and then)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to simulate. `pace` is how many updates a second each venue tells, over all books."""

    seed: int
    venues: tuple[str, ...] = tuple(VENUES)
    symbols: tuple[str, ...] = SYMBOLS
    pace: float = 8.0
    feed: FeedSettings = field(default_factory=FeedSettings)
    sample_every_s: float = 30.0
    history: int = 100_000


class Simulation:
    """A running monitor in its simulated world; made by `simulated`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = simulated_loop()
        self.chance = random.Random(f"{plan.seed}/storm")
        self.servers: dict[str, ReferenceVenue] = {
            name: VENUES[name](name, plan.symbols, plan.seed, kept=plan.history)
            for name in plan.venues
        }
        self.lines = {
            name: Line(server, random.Random(f"{plan.seed}/{name}/network"))
            for name, server in self.servers.items()
        }
        self.world = world_of(self.lines, random.Random(f"{plan.seed}/client"))
        self.witness = Witness(self.servers)
        self.events = 0
        self.pace = plan.pace
        self.app = App(
            settings_of(plan),
            Assignment(symbols=plan.symbols, venues=plan.venues, store=False),
            world=self.world,
            observer=self.witness.updated,
            listener=self.witness.hear,
        )

    # -- looking ---------------------------------------------------------------------------------

    @property
    def keepers(self) -> list[BookKeeper]:
        """Every book of the monitor, as it is now."""
        return [
            keeper
            for venue in self.app._venues
            if venue.runner is not None
            for keeper in venue.runner.feed.keepers.values()
        ]

    def keeper(self, venue: str, name: str) -> BookKeeper:
        """One book, by the venue's name of it."""
        (found,) = [k for k in self.keepers if (k.id.venue, k.instrument.name) == (venue, name)]
        return found

    @property
    def all_live(self) -> bool:
        keepers = self.keepers
        books = sum(len(server.books) for server in self.servers.values())
        return len(keepers) == books and all(each.trust is Trust.LIVE for each in keepers)

    def behind(self) -> list[str]:
        """Return which books are not LIVE, or not what their venue's book is now."""
        late = []
        for keeper in self.keepers:
            book = self.servers[keeper.id.venue].books[keeper.instrument.name]
            if keeper.trust is not Trust.LIVE:
                late.append(f"{keeper.id} is {keeper.trust} ({keeper.reason})")
            elif keeper.sequence != book.last:
                late.append(f"{keeper.id} is at {keeper.sequence}, its venue at {book.last}")
        return late

    # -- letting time pass -----------------------------------------------------------------------

    async def until(self, what: Callable[[], bool], within: float) -> float:
        """Let time pass until something holds; return how long it took, or fail."""
        began = self.loop.time()
        while not what():
            assert self.loop.time() - began <= within, f"not within {within} s: {self.behind()}"
            await asyncio.sleep(0.05)
        return self.loop.time() - began

    async def tell(self, venue: str) -> None:
        """Move one venue's books for ever."""
        server = self.servers[venue]
        while True:
            await asyncio.sleep(server.chance.expovariate(self.pace))
            if self.pace > STILL:
                server.move()
                self.events += 1

    async def watch(self) -> None:
        """Compare every believed book with the truth, now and then."""
        while True:
            await asyncio.sleep(10.0)
            for keeper in self.keepers:
                if keeper.trust is Trust.LIVE:
                    self.witness.check(keeper, self.world.clock.now())

    async def settle(self) -> None:
        """Move every book once more, then let the market stand still until all of it has come."""
        self.pace = STILL
        for server in self.servers.values():
            for name in server.books:
                server.move(name)
        await asyncio.sleep(10.0)


@asynccontextmanager
async def simulated(plan: Plan) -> AsyncIterator[Simulation]:
    """Run a monitor until the block ends, and stop it in order."""
    simulation = Simulation(plan)
    async with simulation.app.opened(), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(simulation.app.run())
        world = [tasks.create_task(simulation.tell(name)) for name in plan.venues]
        world.append(tasks.create_task(simulation.watch()))
        try:
            yield simulation
        finally:
            simulation.app.stop.set()
            for task in world:
                task.cancel()
        async with asyncio.timeout(10):
            await running


def settings_of(plan: Plan) -> Settings:
    """Settings that lead to the simulated venues, and measure little of much."""
    return Settings(
        data_dir=Path("unused"),
        endpoints={
            name: Endpoint(ws_url=f"ws://{name}.test", rest_url=f"http://{name}.test")
            for name in plan.venues
        },
        symbols={},
        feed=plan.feed,
        readings=ReadingSettings(
            bands_bps=(10,),
            notionals=(Decimal(1_000),),
            max_size_bps=(),
            write_every_s=0.001,
            sample_every_s=plan.sample_every_s,
        ),
    )


@contextmanager
def quiet(errors: list[dict[str, Any]]) -> Iterator[None]:
    """Keep the program's log to its errors, and those for the test."""

    def keep(_: Any, __: str, entry: Any) -> Any:
        errors.append(dict(entry))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, keep],
        wrapper_class=structlog.make_filtering_bound_logger(40),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def simulate(work: Callable[[], Any], seed: object) -> Any:
    """Run `work()` in virtual time; an error that the program logged fails it."""
    errors: list[dict[str, Any]] = []
    with quiet(errors):
        outcome = run_simulated(work(), seed)
    assert not errors, errors[0].get("exception", errors[0])
    return outcome
