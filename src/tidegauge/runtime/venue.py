"""One venue of a run, from its catalogue to its runner, kept going for as long as the run lasts."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from tidegauge.core.errors import FeedError, VenueRefused
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Instrument, InstrumentStatus, Symbol
from tidegauge.core.keeper import BookKeeper
from tidegauge.sinks.rows import Listed
from tidegauge.wire.feed import Listing
from tidegauge.wire.protocol import VenueSpec

from .budget import Ledger, VenueBudget, VenueHttp
from .catalogue import Selection, fetch_catalogue, select
from .link import backoff_of
from .monitor import UNAVAILABLE, Record
from .settings import SymbolSettings
from .venue_runner import Surroundings, VenueRunner
from .view import VenueView
from .world import Http

log = structlog.get_logger(__name__)

CRASH_PAUSE_S = 1.0
"""How long a venue whose processing crashed is left alone before it is started again."""

WHOLE = 0.5
"""A catalogue with less than this share of what it held before is not believed to be whole."""

Symbols = Mapping[Symbol, SymbolSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a venue is reached."""

    ws_url: str
    rest_url: str


class Venue:
    """A venue that is being watched: its instruments, its budget, and its runner.

    `symbols` is what is wanted of every venue; it changes while the run lasts.
    """

    def __init__(
        self,
        spec: VenueSpec,
        address: Address,
        host: Http,
        surroundings: Surroundings,
        *,
        symbols: Symbols,
        ledger: Ledger,
        emit: Callable[[Record | Listed], None],
    ) -> None:
        self.spec = spec
        self.selection: Selection | None = None
        self.runner: VenueRunner | None = None
        self.refused: str | None = None
        self.unavailable: str | None = None
        self._address = address
        self._around = surroundings
        self._clock = surroundings.world.clock
        self._settings = surroundings.settings
        self._symbols = symbols
        self._emit = emit
        self._epochs = itertools.count(1)
        self._instruments: list[Instrument] = []
        self._wanted = asyncio.Event()
        self._retry_at: int | None = None
        self._budget = VenueBudget(
            spec.limits,
            (address.ws_url, address.rest_url),
            ledger=ledger,
            clock=self._clock,
            share=self._settings.weight_share,
            limited=lambda why: self._tell(FeedEventKind.LIMITED, why),
        )
        self._http = VenueHttp(host, self._budget)

    @property
    def keepers(self) -> list[BookKeeper]:
        """The books in service."""
        return [] if self.runner is None else self.runner.keepers

    # -- its instruments -------------------------------------------------------------------------

    async def look_up(self) -> None:
        """Ask for the catalogue once, and say what of it is wanted; `selection` tells."""
        instruments = await self._fetch()
        if instruments is None:
            return
        self.selection = self._select(instruments, hints=True)
        for symbol, why in self.selection.missing:
            log.warning("symbol_not_listed", venue=self.spec.name, symbol=symbol, reason=why)
        names = ", ".join(listing.instrument.name for listing in self.selection.listings)
        self._tell(FeedEventKind.CATALOGUE, f"watching {names or 'nothing'}")

    async def _fetch(self) -> list[Instrument] | None:
        try:
            instruments = await fetch_catalogue(self.spec, self._http)
        except VenueRefused as error:
            self.refused = str(error)
            self.selection = Selection((), ())
            self._tell(FeedEventKind.QUARANTINED, str(error))
            log.warning("venue_quarantined", venue=self.spec.name, reason=str(error))
            return None
        except FeedError as error:
            if self.unavailable is None:
                log.warning("catalogue_unavailable", venue=self.spec.name, reason=str(error))
                self._tell(FeedEventKind.CATALOGUE, f"{UNAVAILABLE}{error}")
            self.unavailable = str(error)
            return None
        self.unavailable = None
        return instruments

    def _select(self, instruments: list[Instrument], *, hints: bool = False) -> Selection:
        self._instruments = instruments
        selection = select(self.spec, instruments, self._symbols, hints=hints)
        now = self._clock.now()
        for listing in selection.listings:
            self._emit(Listed(instrument=listing.instrument, symbol=listing.symbol, updated_at=now))
        return selection

    async def _keep_catalogue(self, runner: VenueRunner) -> None:
        """Read the catalogue again, for ever: instruments come and go."""
        while True:
            await asyncio.sleep(self._settings.catalogue_every_s)
            try:
                instruments = await fetch_catalogue(self.spec, self._http)
            except FeedError as error:
                log.warning("catalogue_unavailable", venue=self.spec.name, reason=str(error))
                continue
            if len(instruments) >= WHOLE * len(self._instruments):
                self._follow(runner, instruments)

    def _follow(self, runner: VenueRunner, instruments: list[Instrument]) -> None:
        """Let go what the venue lists no more, and watch what it lists now."""
        self.selection = self._select(instruments)
        status = {instrument.name: instrument.status for instrument in instruments}
        for listing in runner.fleet.listings:
            name = listing.instrument.name
            if status.get(name, InstrumentStatus.DELISTED) is InstrumentStatus.DELISTED:
                runner.remove(name, f"{self.spec.name} has delisted {name}", delisted=True)
        known = {listing.instrument.name for listing in runner.fleet.listings}
        for listing in self.selection.listings:
            if listing.instrument.name not in known:
                runner.add(listing)

    # -- symbols while running -------------------------------------------------------------------

    def add(self, symbol: Symbol, settings: SymbolSettings) -> str | None:
        """Watch one more symbol. Returns the venue's name of it, None where it is not listed."""
        if self.selection is None or self.refused is not None:
            return None
        found = select(self.spec, self._instruments, {symbol: settings})
        for listing in found.listings:
            self._take(listing)
            return listing.instrument.name
        return None

    def _take(self, listing: Listing) -> None:
        assert self.selection is not None
        now = self._clock.now()
        self._emit(Listed(instrument=listing.instrument, symbol=listing.symbol, updated_at=now))
        known = [each for each in self.selection.listings if each.symbol != listing.symbol]
        self.selection = Selection((*known, listing), self.selection.missing)
        if self.runner is not None:
            self.runner.add(listing)
        self._wanted.set()

    def remove(self, symbol: Symbol) -> bool:
        """Watch a symbol no more. Returns whether it was watched here."""
        if self.selection is None:
            return False
        gone = [each for each in self.selection.listings if each.symbol == symbol]
        left = tuple(each for each in self.selection.listings if each.symbol != symbol)
        self.selection = Selection(left, self.selection.missing)
        for listing in gone:
            if self.runner is not None:
                self.runner.remove(listing.instrument.name, "nobody wants it any more")
        return bool(gone)

    # -- keeping it running ----------------------------------------------------------------------

    async def supervise(self, stop: asyncio.Event) -> None:
        """Run the venue for ever. A crash of ours is logged, and ends neither it nor the others."""
        backoff = backoff_of(self._settings)
        # A crash while it is being cancelled would swallow the cancellation: hence `stop`.
        while not stop.is_set():
            try:
                await self._sit_out_refusal()
                while self.selection is None:
                    world = self._around.world
                    wait = backoff.wait(world.clock.steady(), world.chance())
                    await asyncio.sleep(wait / SECOND)
                    await self.look_up()
                if self.refused is None:
                    await self._run(self.selection)
            except* Exception as crash:  # the supervisor: the one broad handler
                for each in crash.exceptions:
                    self._around.crashed(each)
                log.exception("venue_crashed", venue=self.spec.name, exc_info=crash)
                await asyncio.sleep(CRASH_PAUSE_S)

    async def _sit_out_refusal(self) -> None:
        """A venue that refuses us is asked again after a while, not never: rules change."""
        if self.refused is None:
            return
        wait = self._settings.refused_retry_s
        self._retry_at = self._clock.now() + int(wait * SECOND)
        await asyncio.sleep(wait)
        self._retry_at = self.refused = self.selection = None

    async def _run(self, selection: Selection) -> None:
        """Run until the venue refuses us. Whatever ends it, its books are not believed after."""
        while not selection.listings:
            self._wanted.clear()
            await self._wanted.wait()
            assert self.selection is not None
            selection = self.selection
        runner = self.runner = VenueRunner(
            self.spec,
            selection.listings,
            self._around,
            http=self._http,
            budget=self._budget,
            urls=(self._address.ws_url, self._address.rest_url),
            epochs=self._epochs,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep_catalogue(runner))
                await runner.run()
                keeping.cancel()
            self.refused = runner.quarantined
        except Exception as crash:
            runner.failed(f"our own error: {cause(crash)}")
            raise
        except asyncio.CancelledError:
            runner.stopped()
            raise

    def _tell(self, kind: FeedEventKind, detail: str) -> None:
        name, now = self.spec.name, self._clock.now()
        event = FeedEvent(kind=kind, venue=name, at=now, trace=f"{name}/0/0", detail=detail[:500])
        self._emit(event)

    def view(self) -> VenueView:
        """The venue as it stands."""
        if self.runner is not None and self.refused is None:
            return self.runner.view()
        return VenueView(
            name=self.spec.name,
            links=(),
            frames=0,
            updates=0,
            connects=0,
            gaps=0,
            resyncs=0,
            malformed=0,
            quarantined=self.refused or self.unavailable,
            budget=self._budget.view(),
            retry_at=self._retry_at,
        )


def cause(crash: BaseException) -> str:
    """Name the first error inside a group of groups."""
    while isinstance(crash, BaseExceptionGroup):
        crash = crash.exceptions[0]
    return f"{type(crash).__name__}: {crash}"
