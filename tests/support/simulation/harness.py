"""Runs the whole monitor in a simulated world, and says how it went."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.journal import Journal
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.plans import monitor_plan
from tidegauge.runtime.rules.build import rule_set
from tidegauge.runtime.rules.signals import WindowRules
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings import Endpoint, FeedSettings, ReadingSettings, Settings

from .loop import run_simulated, simulated_loop
from .network import Line, SimulatedClock, world_of
from .reference import ReferenceVenue
from .venues import FOUR, VENUES
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to simulate. `pace` is how many updates a second each venue tells, over all books.

    `only`: a venue lists no more than so many of the symbols. `journal` and `listener` are told
    all that goes in and all that comes out.
    """

    seed: int
    venues: tuple[str, ...] = FOUR
    symbols: tuple[str, ...] = SYMBOLS
    pace: float = 8.0
    feed: FeedSettings = field(default_factory=FeedSettings)
    sample_every_s: float = 30.0
    history: int = 100_000
    only: Mapping[str, int] = field(default_factory=dict)
    journal: Journal | None = None
    listener: Callable[[object], None] = lambda _record: None


class Simulation:
    """A running monitor in its simulated world; made by `simulated`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = simulated_loop()
        self.chance = random.Random(f"{plan.seed}/storm")
        self.servers: dict[str, ReferenceVenue] = {
            name: VENUES[name](
                name, plan.symbols[: plan.only.get(name)], plan.seed, kept=plan.history
            )
            for name in plan.venues
        }
        self.lines = {
            name: Line(server, random.Random(f"{plan.seed}/{name}/network"))
            for name, server in self.servers.items()
        }
        self.clock = SimulatedClock(self.loop)
        self.world = world_of(self.lines, self.clock, random.Random(f"{plan.seed}/client"))
        self.witness = Witness(self.servers)
        self.events = 0
        self.pace = plan.pace
        self.still = False
        self.slowness = 0.0
        """How many seconds the monitor takes for each update."""
        settings = settings_of(plan)
        self.app = App(
            settings,
            Assignment(symbols=plan.symbols, venues=plan.venues, store=False),
            world=self.world,
            observer=self.updated,
            listener=self.heard,
            journal=plan.journal,
            rules=rules_of(settings),
        )

    def heard(self, record: Any) -> None:
        """The monitor found something."""
        self.plan.listener(record)
        self.witness.hear(record)

    def updated(self, keeper: BookKeeper, now: Nanos) -> None:
        """One update was applied: the `Observer` of the feeds."""
        self.loop.pass_time(self.slowness)
        self.witness.updated(keeper, now)

    # -- looking ---------------------------------------------------------------------------------

    @property
    def keepers(self) -> list[BookKeeper]:
        """Every book of the monitor, as it is now."""
        return [
            keeper
            for venue in self.app._venues
            if venue.runner is not None
            for keeper in venue.runner.keepers
        ]

    def keeper(self, venue: str, name: str) -> BookKeeper:
        """One book, by the venue's name of it."""
        (found,) = [k for k in self.keepers if (k.id.venue, k.instrument.name) == (venue, name)]
        return found

    def silence_s(self, venue: str, name: str) -> float:
        """How long a book may be silent by now, learned or given."""
        feeds = [
            feed
            for each in self.app._venues
            if each.runner is not None
            for feed in each.runner.fleet.feeds
            if (each.runner.spec.name, name in feed.keepers) == (venue, True)
        ]
        limit = feeds[0].inspector.silence(name).limit(feeds[0].keepers[name].updated_at or 0)
        assert limit is not None
        return limit / SECOND

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
        """Move one venue's books for ever; a monitor that takes its time slows no market down."""
        server, due = self.servers[venue], self.loop.time()
        while True:
            due += server.chance.expovariate(self.pace)
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            if not self.still:
                server.move()
                self.events += 1

    async def watch(self) -> None:
        """Now and then compare every believed book with the truth, and let the venues' hearts beat."""
        while True:
            await asyncio.sleep(10.0)
            for server in self.servers.values():
                server.beat()
            for keeper in self.keepers:
                if keeper.trust is Trust.LIVE:
                    self.witness.check(keeper, self.world.clock.now())

    async def settle(self) -> None:
        """Move every book once more, then let the market stand still until all of it has come."""
        self.still = True
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


def rules_of(settings: Settings) -> RuleSet:
    """The built-in rules on short windows, which are soon full: what still grows then is a leak."""
    tree = RuleTree(windows=WindowRules(slow=120, fast=30, min_samples=30))
    return rule_set(tree, settings)


def plan_of(plan: Plan) -> MonitorPlan:
    """The plan that a simulation's monitor goes by."""
    settings = settings_of(plan)
    return monitor_plan(settings, rules_of(settings))


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
