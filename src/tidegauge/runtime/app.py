"""The composition root: builds the whole program from settings, and runs it until told to stop."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from tidegauge import venues
from tidegauge.core.desk import Order, Outcome
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, BookId, Nanos, Symbol, VenueName
from tidegauge.risk.ruleset import RuleSet
from tidegauge.sinks.connect import Database
from tidegauge.sinks.rows import Listed, Run
from tidegauge.sinks.writer import MACHINE, PostgresWriter
from tidegauge.wire.feed import Observer
from tidegauge.wire.protocol import VenueSpec
from tidegauge.wire.tape import Meta, meta_line, tick_line

from .budget import FILE as BUDGET
from .budget import Ledger, MemoryLedger, SharedLedger
from .catalogue import refuse_unknown
from .control import answering
from .desk_log import DeskLog
from .desk_room import DeskRoom, routed
from .garbage import Freezer
from .journal import Journal
from .kept_state import KeptState
from .meters import Meters
from .monitor import Monitor, Record
from .outside import real_world
from .plans import monitor_plan, pace_of
from .pulse import Pulse
from .rounds import MOST
from .rules.build import rule_set
from .rules.reload import RulesInForce
from .rules.reloader import Reloader
from .rules.tree import RuleTree
from .settings import Settings, SymbolSettings
from .storage import STORED, Storage, run_of
from .symbol_changes import SymbolChanges
from .tracing import Spans
from .venue import Address, Venue
from .venue_runner import Surroundings, VenueRunner
from .view import MonitorView, StorageView, VenueView
from .window.window import Window
from .world import Slewing, World

log = structlog.get_logger(__name__)

PAUSE_S, CROWDED_PAUSE_S = 0.25, 0.05
"""Between two looks at what is to be sampled: of more books than one round holds, some always are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What this run is to do. `store` off: nothing is written, no database is needed."""

    symbols: tuple[Symbol, ...]
    venues: tuple[VenueName, ...]
    store: bool = True
    duration_s: float | None = None
    command: str = "monitor"


class App:
    """The whole program. `async with` opens the database; `run` monitors until `stop` is set.

    Without `rules` the built-in ones are in force; `reload` reads those of a file again.
    """

    def __init__(
        self,
        settings: Settings,
        assignment: Assignment,
        *,
        world: World | None = None,
        observer: Observer | None = None,
        listener: Callable[[Record | Listed], None] | None = None,
        journal: Journal | None = None,
        rules: RulesInForce | RuleSet | None = None,
    ) -> None:
        self.world = real_world() if world is None else world
        self.journal = journal
        # What the processes of this machine share is no part of a simulated world.
        self._shared = world is None
        self.ledger: Ledger = (
            SharedLedger(settings.data_dir / BUDGET) if self._shared else MemoryLedger()
        )
        known = settings.symbols
        self.symbols = {name: known.get(name, SymbolSettings()) for name in assignment.symbols}
        self.settings = settings
        in_force = rules if isinstance(rules, RulesInForce) else None
        self._reloader = Reloader(in_force, self._adopt, self._crashed)
        given = rules.loaded.rules if isinstance(rules, RulesInForce) else rules
        self.rules = routed(given or rule_set(RuleTree(), settings), settings)
        self.assignment = assignment
        self.stop = asyncio.Event()
        self.started_at: Nanos = self.world.clock.now()
        self.run_id = self.world.new_id()
        self.storage: Storage | None = None
        self.room: DeskRoom | None = None
        self.kept = KeptState(assignment.symbols)
        plan = monitor_plan(settings, self.rules)
        self.monitor = Monitor(plan, self._emit, self._book_crashed, self.kept)
        self.crashes = 0
        self.meters = Meters(
            batches=lambda: 0 if self.writer is None else self.writer.statistics().batches,
            waiting=lambda: 0 if self.room is None else self.room.pages_waiting,
        )
        self._spans = Spans(settings.tracing, self.run_id, self.world.clock.now)
        self._desk_log = DeskLog(self.monitor, self._spans.caused)
        self.window = Window(self)
        self._freezer = Freezer() if self._shared else Freezer(act=lambda: None)
        self._observer = observer
        self._listener = listener
        self._venues: list[Venue] = []
        self.changes = SymbolChanges(settings, self.symbols, self._venues, lambda: self.storage)
        self.pulse = Pulse(self.world.clock.steady)
        self._book_crashes: Counter[BookId] = Counter()

    @property
    def runners(self) -> list[VenueRunner]:
        """The runners of the venues that are being watched."""
        return [each.runner for each in self._venues if each.runner and each.refused is None]

    @property
    def writer(self) -> PostgresWriter | None:
        """What stores the records; None when nothing is stored."""
        return None if self.storage is None else self.storage.writer

    @property
    def database(self) -> Database | None:
        """Where they are stored."""
        return None if self.storage is None else self.storage.database

    def _emit(self, record: Record | Listed) -> None:
        if self.storage is not None and isinstance(record, STORED):
            self.storage.submit(record)
        self._desk_log.told(record)
        if self.room is not None:
            self.room.take(record)
        if self._listener is not None:
            self._listener(record)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["App"]:
        """Open the database (unless nothing is stored) and the venues' HTTP sessions."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.ledger.close)
            stack.push_async_callback(self._spans.close)
            if self.assignment.store:
                self.storage = await stack.enter_async_context(
                    Storage.opened(self.settings, self._run(), self._crashed, self._spans.stored)
                )
                self.room = self._room(self.storage)
                await stack.enter_async_context(self.room.opened())
            for spec in venues.resolve(self.assignment.venues):
                self._venues.append(await self._venue(spec, stack))
            if self._shared:
                door = answering(self.settings.data_dir, self.changes.asked)
                await stack.enter_async_context(door)
                await stack.enter_async_context(self.window.opened(self.settings.data_dir))
            yield self

    def _room(self, storage: Storage) -> DeskRoom:
        return DeskRoom(
            self.settings,
            self.monitor,
            storage,
            self.kept,
            run_id=self.run_id,
            now=self.world.clock.now,
            symbols=lambda: tuple(self.symbols),
            carry_out=self.order,
            healthy=self.pulse.beats,
            told=(self.meters.delivered, self._desk_log.told),
        )

    def _run(self) -> Run:
        assignment = self.assignment
        return run_of(self.run_id, self.started_at, assignment.command, assignment.symbols)

    async def _venue(self, spec: VenueSpec, stack: contextlib.AsyncExitStack) -> Venue:
        own = self.settings.endpoints.get(spec.name)
        rest_url = own.rest_url if own is not None and own.rest_url else spec.rest_url
        ws_url = own.ws_url if own is not None and own.ws_url else spec.ws_url
        surroundings = Surroundings(
            monitor=self.monitor,
            world=self.world,
            settings=self.settings.feed,
            pace=pace_of(self.settings.readings),
            crashed=self._crashed,
            proxy=self._proxy(),
            observer=self._observer,
            journal=self.journal,
            feed_to_reading=self.meters.feed_to_reading,
        )
        return Venue(
            spec,
            Address(ws_url=ws_url, rest_url=rest_url),
            await stack.enter_async_context(self.world.http(rest_url, self._proxy())),
            surroundings,
            symbols=self.symbols,
            ledger=self.ledger,
            emit=self._venue_told,
        )

    def _venue_told(self, record: Record | Listed) -> None:
        """Take what a venue says beside its feed. What the monitor acts upon, a replay must hear too."""
        if not isinstance(record, FeedEvent):
            self._emit(record)
            return
        self.monitor.advance(record.at)
        if self.journal is not None:
            self.journal.note(meta_line(record.at, Meta.EVENT, event=record))
        self.monitor.heard(record)

    def _proxy(self) -> str | None:
        proxy = self.settings.proxy
        return None if proxy is None else proxy.get_secret_value()

    async def run(self) -> None:
        """Monitor until `stop` is set or the duration is over, then store what was accepted."""
        await self._look_up_unless_stopped()
        if self.storage is None or self.room is None:
            await self._watch()
            return
        async with self.storage.working(), self.room.working():
            await self._watch()

    async def _watch(self) -> None:
        """Run the venues until told to stop; returns, or raises, when all of them have ended."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(venue.supervise(self.stop), name=venue.spec.name)
                for venue in self._venues
            ]
            work.append(tasks.create_task(self._keep_sampling(), name="sampling"))
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.assignment.duration_s):
                        await self.stop.wait()
            finally:
                self.stop.set()
                log.info("monitor_stopping", readings=self.monitor.readings)
                for task in work:
                    task.cancel()

    # -- finding the instruments -----------------------------------------------------------------

    async def _look_up_unless_stopped(self) -> None:
        """Look the symbols up, but let `stop` cut a wait for venues that do not answer."""
        looking = asyncio.ensure_future(self._look_up_symbols())
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((looking, stopping), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            looking.cancel()
            stopping.cancel()
            await asyncio.gather(looking, stopping, return_exceptions=True)

    async def _look_up_symbols(self) -> None:
        """Ask every venue's catalogue once; refuse a symbol that none of them lists."""
        await asyncio.gather(*(venue.look_up() for venue in self._venues))
        selections = [venue.selection for venue in self._venues if venue.selection is not None]
        if all(venue.selection is not None for venue in self._venues):
            refuse_unknown(self.assignment.symbols, selections)

    # -- keeping it running ----------------------------------------------------------------------

    async def _keep_sampling(self) -> None:
        half = self.settings.readings.sample_every_s / 2
        steady = self.world.clock.steady
        look_at = steady()
        while True:
            crowded = self.monitor.watched > MOST
            pause, lay_down = min(CROWDED_PAUSE_S if crowded else PAUSE_S, half), steady()
            await asyncio.sleep(pause)
            self.meters.loop_lag.observe(max(0, steady() - lay_down - int(pause * SECOND)))
            now = self.now()
            if self.journal is not None:
                self.journal.note(tick_line(now))
            self.monitor.advance(now)
            self.pulse.beat(sum(runner.fleet.counts.frames for runner in self.runners))
            if steady() >= look_at:
                look_at += SECOND
                self._look_at_clock(now)
                self._freezer.look(self._begun(), now)

    def _begun(self) -> int:
        """How often a book was told whole and believed, so far."""
        return sum(runner.fleet.counts.begun for runner in self.runners)

    def _look_at_clock(self, now: Nanos) -> None:
        """Follow the machine's clock, and tell when somebody has set it."""
        clock = self.world.clock
        moved = clock.look() if isinstance(clock, Slewing) else None
        if moved is None:
            return
        detail = (
            f"this machine's clock was set {moved / SECOND:+.3f} s; time goes on without a leap"
        )
        log.warning("clock_step", by_s=round(moved / SECOND, 3))
        self._emit(
            FeedEvent(
                kind=FeedEventKind.CLOCK_STEP,
                venue=MACHINE,
                at=now,
                trace=f"{MACHINE}/0/0",
                detail=detail,
            )
        )

    def _crashed(self, _crash: Exception) -> None:
        self.crashes += 1

    def _book_crashed(self, book: BookId, crash: Exception) -> None:
        """A book could not be sampled: our bug. Told of at the 1st, 10th, 100th … time."""
        self.crashes += 1
        self._book_crashes[book] += 1
        times = self._book_crashes[book]
        if times == 10 ** (len(str(times)) - 1):
            trace = next(filter(None, (runner.trace_of(book) for runner in self.runners)), None)
            log.error("book_crashed", book=str(book), times=times, trace=trace, exc_info=crash)

    # -- what people want of it ------------------------------------------------------------------

    def order(self, order: Order) -> Outcome:
        """Do what a person ordered of the desk, or say why not."""
        now = self.now()
        self.monitor.advance(now)
        if self.journal is not None:
            self.journal.note(meta_line(now, Meta.ORDER, order=order))
        return self.monitor.order(order, now)

    def reload(self) -> asyncio.Task[None]:
        """Have the rules read again, after whatever is being read now; return the reading of them."""
        return self._reloader.reload()

    def _adopt(self, rules: RuleSet) -> None:
        """Go on by other rules."""
        now = self.now()
        self.rules = routed(rules, self.settings)
        self.monitor.advance(now)
        if self.journal is not None:
            self.journal.note(meta_line(now, Meta.RULES, rules=self.rules))
        self.monitor.adopt(self.rules, now)

    # -- looking at it ---------------------------------------------------------------------------

    @property
    def watching(self) -> Collection[Symbol]:
        """The symbols that are wanted now."""
        return self.symbols.keys()

    def now(self) -> Nanos:
        """The monitor's time."""
        return self.world.clock.now()

    def clock_behind(self) -> Nanos:
        """How far the machine's wall clock is ahead of that."""
        clock = self.world.clock
        return clock.behind() if isinstance(clock, Slewing) else 0

    def venue_views(self) -> tuple[VenueView, ...]:
        """Every venue's feed as it stands."""
        return tuple(venue.view() for venue in self._venues)

    def storage_view(self, now: Nanos) -> StorageView | None:
        """How storing goes; None when nothing is stored."""
        return None if self.storage is None else self.storage.view(now)

    def view(self) -> MonitorView:
        """The whole monitor as it stands."""
        now = self.now()
        return MonitorView(
            at=now,
            started_at=self.started_at,
            books=self.monitor.books(now),
            venues=self.venue_views(),
            alerts=tuple(self.monitor.alerts.values()),
            readings=self.monitor.readings,
            conflated=self.monitor.conflated,
            storage=self.storage_view(now),
            desk=self.monitor.desk.view(now),
            across=self.monitor.crossing.view(now),
            clock_behind=self.clock_behind(),
        )
