"""The composition root: builds the whole program from settings, and runs it until told to stop."""

import asyncio
import contextlib
import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from tidegauge import __version__, venues
from tidegauge.core.errors import FeedError, VenueRefused
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, BookId, Nanos, Symbol, VenueName
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, open_database
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.rows import Listed, Run
from tidegauge.sinks.writer import PostgresWriter
from tidegauge.wire.feed import Observer
from tidegauge.wire.protocol import VenueSpec

from .catalogue import Selection, fetch_catalogue, refuse_unknown, select
from .link import backoff_of
from .monitor import Monitor, Record
from .outside import real_world
from .plans import monitor_plan
from .settings import Settings, SymbolSettings
from .venue_runner import VenueRunner
from .view import MonitorView, VenueView
from .world import Http, World

log = structlog.get_logger(__name__)

DRAIN_S = 3.0
"""How long a stopping monitor may take to store what it accepted."""

CRASH_PAUSE_S = 1.0
"""How long a venue whose processing crashed is left alone before it is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What this run is to do. `store` off: nothing is written, no database is needed."""

    symbols: tuple[Symbol, ...]
    venues: tuple[VenueName, ...]
    store: bool = True
    duration_s: float | None = None
    command: str = "monitor"


@dataclass(slots=True)
class _Venue:
    """One venue of this run, from its catalogue to its runner."""

    spec: VenueSpec
    http: Http
    ws_url: str
    selection: Selection | None = None
    runner: VenueRunner | None = None
    refused: str | None = None
    epochs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    unavailable: str | None = None


class App:
    """The whole program. `async with` opens the database; `run` monitors until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        assignment: Assignment,
        *,
        world: World | None = None,
        observer: Observer | None = None,
        listener: Callable[[Record | Listed], None] | None = None,
    ) -> None:
        self.world = real_world() if world is None else world
        self.settings = settings
        self.assignment = assignment
        self.stop = asyncio.Event()
        self.started_at: Nanos = self.world.clock.now()
        self.run_id = _new_id(self.world.chance)
        self.database: Database | None = None
        self.writer: PostgresWriter | None = None
        self.monitor = Monitor(monitor_plan(settings), self._emit, self._book_crashed)
        self.crashes = 0
        self._observer = observer
        self._listener = listener
        self._venues: list[_Venue] = []
        self._book_crashes: Counter[BookId] = Counter()

    def _emit(self, record: Record | Listed) -> None:
        if self.writer is not None:
            self.writer.submit(record)
        if self._listener is not None:
            self._listener(record)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["App"]:
        """Open the database (unless nothing is stored) and the venues' HTTP sessions."""
        async with contextlib.AsyncExitStack() as stack:
            if self.assignment.store:
                self.database = await stack.enter_async_context(
                    open_settings_database(self.settings)
                )
                async with self.database.session() as connection:
                    await migrate(connection)
                self.writer = PostgresWriter(self.database, self._limits(), self.run_id)
                self.writer.submit(self._run())
            for spec in venues.resolve(self.assignment.venues):
                self._venues.append(await self._venue(spec, stack))
            yield self

    def _limits(self) -> WriterLimits:
        settings = self.settings.database
        return WriterLimits(
            batch=settings.batch_rows,
            capacity=settings.queue_rows,
            command_s=settings.command_timeout_s,
        )

    def _run(self) -> Run:
        return Run(
            id=self.run_id,
            started_at=self.started_at,
            version=__version__,
            command=self.assignment.command,
            symbols=self.assignment.symbols,
        )

    async def _venue(self, spec: VenueSpec, stack: contextlib.AsyncExitStack) -> _Venue:
        own = self.settings.endpoints.get(spec.name)
        rest_url = own.rest_url if own is not None and own.rest_url else spec.rest_url
        ws_url = own.ws_url if own is not None and own.ws_url else spec.ws_url
        http = self.world.http(rest_url, self._proxy())
        return _Venue(spec=spec, http=await stack.enter_async_context(http), ws_url=ws_url)

    def _proxy(self) -> str | None:
        proxy = self.settings.proxy
        return None if proxy is None else proxy.get_secret_value()

    async def run(self) -> None:
        """Monitor until `stop` is set or the duration is over, then store what was accepted."""
        await self._look_up_unless_stopped()
        if self.writer is None:
            await self._watch()
            return
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._keep_writing(self.writer), name="writer")
            try:
                await self._watch()
            finally:
                # Also when something failed: what was accepted is stored.
                drained = await self.writer.drain(DRAIN_S)
                writing.cancel()
                self._log_written(self.writer, drained=drained)

    async def _watch(self) -> None:
        """Run the venues until told to stop; returns, or raises, when all of them have ended."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._supervise(venue), name=venue.spec.name)
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

    def _log_written(self, writer: PostgresWriter, *, drained: bool) -> None:
        written = writer.statistics()
        log.info(
            "monitor_stopped",
            run=self.run_id,
            drained=drained,
            accepted=sum(written.accepted.values()),
            written=sum(written.written.values()),
            dropped=sum(written.dropped.values()),
            rejected=sum(written.rejected.values()),
            rows=written.rows,
            duplicates=written.duplicates,
        )

    # -- finding the instruments -----------------------------------------------------------------

    def _symbols(self) -> Mapping[Symbol, SymbolSettings]:
        known = self.settings.symbols
        return {name: known.get(name, SymbolSettings()) for name in self.assignment.symbols}

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
        await asyncio.gather(*(self._look_up(venue) for venue in self._venues))
        selections = [venue.selection for venue in self._venues if venue.selection is not None]
        if all(venue.selection is not None for venue in self._venues):
            refuse_unknown(self.assignment.symbols, selections)

    async def _look_up(self, venue: _Venue) -> None:
        now = self.world.clock.now()
        try:
            instruments = await fetch_catalogue(venue.spec, venue.http)
        except VenueRefused as error:
            venue.refused = str(error)
            venue.selection = Selection((), ())
            self._tell(venue, FeedEventKind.QUARANTINED, now, str(error))
            log.warning("venue_quarantined", venue=venue.spec.name, reason=str(error))
            return
        except FeedError as error:
            if venue.unavailable is None:
                log.warning("catalogue_unavailable", venue=venue.spec.name, reason=str(error))
                self._tell(venue, FeedEventKind.CATALOGUE, now, f"unavailable: {error}")
            venue.unavailable = str(error)
            return
        venue.unavailable = None
        venue.selection = select(venue.spec, instruments, self._symbols())
        for listing in venue.selection.listings:
            self._emit(Listed(instrument=listing.instrument, symbol=listing.symbol, updated_at=now))
        for symbol, why in venue.selection.missing:
            log.warning("symbol_not_listed", venue=venue.spec.name, symbol=symbol, reason=why)
        names = ", ".join(listing.instrument.name for listing in venue.selection.listings)
        self._tell(venue, FeedEventKind.CATALOGUE, now, f"watching {names or 'nothing'}")

    def _tell(self, venue: _Venue, kind: FeedEventKind, now: Nanos, detail: str) -> None:
        trace = f"{venue.spec.name}/0/0"
        self._emit(
            FeedEvent(kind=kind, venue=venue.spec.name, at=now, trace=trace, detail=detail[:500])
        )

    # -- keeping it running ----------------------------------------------------------------------

    async def _supervise(self, venue: _Venue) -> None:
        """Run one venue for ever. A crash of ours is logged, and ends neither it nor the others."""
        backoff = backoff_of(self.settings.feed)
        # A crash while it is being cancelled would swallow the cancellation: hence `stop`.
        while venue.refused is None and not self.stop.is_set():
            try:
                while venue.selection is None:
                    wait = backoff.wait(self.world.clock.steady(), self.world.chance())
                    await asyncio.sleep(wait / SECOND)
                    await self._look_up(venue)
                if not venue.selection.listings:
                    return
                await self._run_venue(venue, venue.selection)
            except* Exception as crash:  # the supervisor: the one broad handler
                self.crashes += 1
                log.exception("venue_crashed", venue=venue.spec.name, exc_info=crash)
                await asyncio.sleep(CRASH_PAUSE_S)

    async def _run_venue(self, venue: _Venue, selection: Selection) -> None:
        """Run a venue until it refuses us. Whatever ends it, its books are not believed after."""
        runner = self._runner(venue, selection)
        try:
            await runner.run()
            venue.refused = runner.quarantined
        except Exception as crash:
            now = self.world.clock.now()
            self.monitor.handle(runner.feed.crashed(now, f"our own error: {_cause(crash)}"), now)
            raise
        except asyncio.CancelledError:
            now = self.world.clock.now()
            self.monitor.handle(runner.feed.stopped(now), now)
            raise

    def _runner(self, venue: _Venue, selection: Selection) -> VenueRunner:
        venue.runner = VenueRunner(
            venue.spec,
            selection.listings,
            monitor=self.monitor,
            world=self.world,
            http=venue.http,
            ws_url=venue.ws_url,
            settings=self.settings.feed,
            proxy=self._proxy(),
            observer=self._observer,
            epochs=venue.epochs,
        )
        return venue.runner

    async def _keep_sampling(self) -> None:
        pause = min(0.25, self.settings.readings.sample_every_s / 2)
        while True:
            await asyncio.sleep(pause)
            self.monitor.advance(self.world.clock.now())

    async def _keep_writing(self, writer: PostgresWriter) -> None:
        """Run the writer for ever; a crash of ours costs a second, what it held is kept."""
        while True:
            try:
                await writer.run()
            except Exception as crash:
                self.crashes += 1
                log.exception("writer_crashed", exc_info=crash)
                await asyncio.sleep(CRASH_PAUSE_S)

    def _book_crashed(self, book: BookId, crash: Exception) -> None:
        """A book could not be sampled: our bug. Told of at the 1st, 10th, 100th … time."""
        self.crashes += 1
        self._book_crashes[book] += 1
        times = self._book_crashes[book]
        if times == 10 ** (len(str(times)) - 1):
            log.error("book_crashed", book=str(book), times=times, exc_info=crash)

    # -- looking at it ---------------------------------------------------------------------------

    def view(self) -> MonitorView:
        """The whole monitor as it stands."""
        now = self.world.clock.now()
        written = self.writer.statistics() if self.writer is not None else None
        return MonitorView(
            at=now,
            started_at=self.started_at,
            books=self.monitor.books(now),
            venues=tuple(_venue_view(venue) for venue in self._venues),
            alerts=tuple(self.monitor.alerts.values()),
            readings=self.monitor.readings,
            rows_written=written.rows if written is not None else 0,
            rows_waiting=written.depth if written is not None else 0,
            rows_dropped=sum(written.dropped.values()) if written is not None else 0,
            database=self.database.describe if self.database is not None else "none (dry run)",
        )


def _new_id(chance: Callable[[], float]) -> str:
    """Make a random UUID (RFC 9562 version 4) of the world's chance."""
    words = (int(chance() * 2**32) for _ in range(4))
    number = sum(word << 32 * place for place, word in enumerate(words))
    return str(uuid.UUID(int=number, version=4))


def _cause(crash: BaseException) -> str:
    """Name the first error inside a group of groups."""
    while isinstance(crash, BaseExceptionGroup):
        crash = crash.exceptions[0]
    return f"{type(crash).__name__}: {crash}"


def _venue_view(venue: _Venue) -> VenueView:
    if venue.runner is not None:
        return venue.runner.view()
    return VenueView(
        name=venue.spec.name,
        links=(),
        frames=0,
        updates=0,
        connects=0,
        gaps=0,
        resyncs=0,
        malformed=0,
        quarantined=venue.refused or venue.unavailable,
    )


@asynccontextmanager
async def open_settings_database(settings: Settings) -> AsyncIterator[Database]:
    """Reach the database the settings name; without a URL, the private one."""
    async with open_database(
        url=settings.database.url.get_secret_value() if settings.database.url else None,
        password=settings.database.password,
        data_dir=settings.data_dir,
        pg_bin=settings.database.pg_bin,
    ) as database:
        yield database
