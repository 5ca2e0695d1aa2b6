"""Runs one venue: the links of all its shards, its REST requests and its books, in one task group."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, BookId, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.wire.effects import Effect, Quarantine
from tidegauge.wire.feed import Listing, Observer, VenueFeed
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.lifetimes import roll_due
from tidegauge.wire.protocol import Drop, Fetch, Response, Send, VenueSpec
from tidegauge.wire.shards import Entered, InService, Left, Orders, Released
from tidegauge.wire.tape import TapeLine

from .budget import VenueBudget
from .feed_log import log_event
from .histogram import Histogram
from .journal import Journal
from .link import FrameCame, Link, LinkClosed, LinkItem, LinkOpened, LinkRefused
from .mailbox import Inbox
from .monitor import Monitor
from .plans import Pace, care_of, roll_hours
from .redaction import mask_urls
from .settings import FeedSettings
from .tape_fleet import NotedFleet
from .view import VenueView
from .world import Http, World

log = structlog.get_logger(__name__)

TICK_S = 1.0
TURN: Nanos = SECOND // 50
"""How long one venue may work before it lets the loop serve the others."""

DWELL: Nanos = SECOND
"""How long a pace is kept at least: a venue on the edge must not fill the record with its turns."""


@dataclass(frozen=True, slots=True)
class Answered:
    fetch: Fetch
    response: Response
    at: Nanos


@dataclass(frozen=True, slots=True)
class Tick:
    at: Nanos


Item = LinkItem | Answered | Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a venue's runner is given by the program it is part of. `proxy` None: the environment's.

    `crashed` is told of an error of ours that cost one shard its connections.
    """

    monitor: Monitor
    world: World
    settings: FeedSettings
    pace: Pace
    crashed: Callable[[Exception], None]
    proxy: str | None = None
    observer: Observer | None = None
    journal: Journal | None = None
    feed_to_reading: Histogram = field(default_factory=Histogram)


class VenueRunner:
    """Owns a venue's fleet and everything that feeds it, for as long as `run` runs."""

    def __init__(
        self,
        spec: VenueSpec,
        listings: Sequence[Listing],
        surroundings: Surroundings,
        *,
        http: Http,
        budget: VenueBudget,
        urls: tuple[str, str],
        epochs: Iterator[int] | None = None,
    ) -> None:
        self.spec = spec
        self.quarantined: str | None = None
        self._around = surroundings
        self._http = http
        self._budget = budget
        self._ws_url, rest_url = urls
        self._clock = surroundings.world.clock
        settings, journal = surroundings.settings, surroundings.journal
        care = care_of(settings)
        self.fleet = Fleet(spec, observer=surroundings.observer, epochs=epochs, **care)
        self._told: Fleet | NotedFleet = self.fleet
        if journal is not None:
            self._told = NotedFleet(
                self.fleet, journal, url_of=self._url_of, rest_url=mask_urls(rest_url), **care
            )
        self._inbox: Inbox[tuple[str, Item]] = Inbox(settings.mailbox)
        self._requests: set[asyncio.Task[None]] = set()
        self._links: dict[str, dict[str, Link]] = {}
        self._open: dict[str, list[asyncio.Task[None]]] = {}
        self._feeds: dict[str, VenueFeed] = {}
        self._due: dict[tuple[str, str], Nanos] = {}
        self._hours = roll_hours(settings)
        self._behind = False
        self._paced_at: Nanos = 0
        self._tasks: asyncio.TaskGroup | None = None
        now = self._clock.now()
        self._obey(self._told.begin(listings, now), now)

    @property
    def keepers(self) -> list[BookKeeper]:
        """The books in service."""
        return [keeper for feed in self.fleet.feeds for keeper in feed.keepers.values()]

    def trace_of(self, book: BookId) -> str | None:
        """Return the newest frame of a book's connection; None: it is none of ours."""
        for feed in self._feeds.values():
            if any(keeper.id == book for keeper in feed.keepers.values()):
                return feed.trace()
        return None

    async def run(self) -> None:
        """Run until cancelled, or until the venue refuses us."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                name = f"{self.spec.name}/tick"
                ticking = self._tasks.create_task(self._keep_ticking(), name=name)
                for shard in self._links:
                    self._start(shard)
                await self._consume()
                links = (task for own in self._open.values() for task in own)
                for task in (ticking, *self._requests, *links):
                    task.cancel()
        finally:
            self._tasks = None
            if self._behind:
                # Whoever comes after begins with nothing waiting.
                self._set_pace(0, self._clock.now())

    # -- what is wanted of it --------------------------------------------------------------------

    def add(self, listing: Listing) -> None:
        """Watch one more book; the others go on."""
        now = self._onwards()
        self._obey(self._told.add(listing, now), now)

    def remove(self, instrument: str, why: str, *, delisted: bool = False) -> None:
        """Watch a book no more."""
        now = self._onwards()
        self._obey(self._told.remove(instrument, now, why, delisted=delisted), now)

    def roll(self, shard: str, why: str) -> None:
        """Have a shard's connections replaced by new ones."""
        now = self._onwards()
        self._obey(self._told.roll(shard, now, why), now)

    def renew(self, why: str) -> None:
        """Have the connections of every shard replaced: the venue tells all books anew."""
        for shard in self.fleet.shards:
            self.roll(shard, why)

    def position(self, now: Nanos) -> TapeLine | None:
        """Return how a part of a tape may begin here; None: not now, or nothing is noted."""
        if self._behind or not isinstance(self._told, NotedFleet):
            return None
        return self._told.position(now)

    def stopped(self) -> None:
        """The monitor stops: say until when each book was watched."""
        now = self._clock.now()
        self._obey(self._told.stopped(now), now)

    def failed(self, reason: str) -> None:
        """Our own code failed beyond one shard: no book of this venue is believed any more."""
        now = self._clock.now()
        for shard in self.fleet.shards:
            self._obey(self._told.crashed(shard, now, reason), now)

    def _onwards(self) -> Nanos:
        now = self._clock.now()
        self._around.monitor.advance(now)
        return now

    # -- one thing after another -----------------------------------------------------------------

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._inbox.put_always(("", Tick(self._clock.now())))

    async def _consume(self) -> None:
        monitor, took = self._around.monitor, self._around.feed_to_reading
        while self.quarantined is None:
            items, lost = await self._inbox.take()
            if lost:
                now = self._clock.now()
                self._obey(self._told.overflowed(now, lost), now)
            turn_ends = self._clock.now() + TURN
            self._keep_pace(items[0][1].at)
            for shard, item in items:
                if shard and shard not in self._links:
                    continue  # it was closed meanwhile
                # The time it came, not the time it is its turn: what is read is as of then.
                monitor.advance(item.at)
                readings = monitor.readings
                try:
                    self._obey(self._tell(shard, item), item.at)
                except Exception as crash:
                    if not shard:
                        raise
                    self._crash(shard, crash)
                if self.quarantined is not None:
                    return  # what else is waiting must not revive a book
                now = self._clock.now()
                if monitor.readings != readings:
                    took.observe(now - item.at)
                if now > turn_ends:
                    self._keep_pace(item.at)
                    await asyncio.sleep(0)
                    turn_ends = self._clock.now() + TURN

    def _keep_pace(self, at: Nanos) -> None:
        """Read the books less often while what came at `at` had to wait for too long."""
        pace, now = self._around.pace, self._clock.now()
        behind = now - at > (pace.after // 2 if self._behind else pace.after)
        if behind is not self._behind and now - self._paced_at >= DWELL:
            self._paced_at = now
            self._set_pace(pace.every if behind else 0, at)
            log.info("readings_paced", venue=self.spec.name, behind_s=(now - at) / SECOND)

    def _set_pace(self, every: Nanos, at: Nanos) -> None:
        self._behind = bool(every)
        if isinstance(self._told, NotedFleet):
            self._told.pace(every, at)
        self._around.monitor.pace(self.spec.name, every, at)

    def _tell(self, shard: str, item: Item) -> Orders:
        match item:
            case FrameCame(link=link, frame=frame, at=now):
                return self._told.received(shard, link, frame, now)
            case Answered(fetch=fetch, response=response, at=now):
                return self._told.fetched(shard, fetch, response, now)
            case LinkOpened(link=link, at=now):
                self._will_be_due(shard, link, now)
                return self._told.opened(shard, link, now)
            case LinkClosed(link=link, reason=reason, at=now):
                self._due.pop((shard, link), None)
                return self._told.closed(shard, link, now, reason)
            case LinkRefused(reason=reason, at=now):
                return self._told.refused(shard, now, reason)
            case Tick(at=now):
                return self._told.tick(now) + self._roll_due(now)

    def _crash(self, shard: str, crash: Exception) -> None:
        """Our own code failed on one shard: it begins afresh, the others do not notice."""
        self._around.crashed(crash)
        trace = self._feeds[shard].trace() if shard in self._feeds else None
        log.error("shard_crashed", venue=self.spec.name, shard=shard, trace=trace, exc_info=crash)
        now = self._clock.now()
        reason = f"our own error: {type(crash).__name__}: {crash}"
        self._obey(self._told.crashed(shard, now, reason), now)

    def _will_be_due(self, shard: str, link: str, now: Nanos) -> None:
        """The venue ends connections at an age: this one is to be replaced before."""
        lifetime = self.spec.limits.lifetime
        if lifetime is not None:
            chance = self._around.world.chance()
            self._due[shard, link] = roll_due(now, lifetime, self._hours, chance=chance)

    def _roll_due(self, now: Nanos) -> Orders:
        orders: Orders = []
        for key in [key for key, due in self._due.items() if due <= now]:
            del self._due[key]
            orders += self._told.roll(key[0], now, "the venue ends connections of this age")
        return orders

    # -- what comes of it ------------------------------------------------------------------------

    def _obey(self, orders: Orders, now: Nanos) -> None:
        for shard, effect in orders:
            match effect:
                case InService(feed=feed):
                    self._around.monitor.watch(feed)
                case Released(book=book):
                    self._around.monitor.forget(book, now)
                case Entered(feed=feed):
                    self._enter(shard, feed)
                case Left():
                    self._leave(shard)
                case _:
                    if isinstance(effect, FeedEvent):
                        log_event(effect)
                    for left in self._around.monitor.handle((effect,), now):
                        self._perform(shard, left)

    def _perform(self, shard: str, effect: Effect) -> None:
        links = self._links.get(shard, {})
        match effect:
            case Send(link=link, text=text) if link in links:
                links[link].send(text)
            case Drop(link=link, reason=reason) if link in links:
                links[link].drop(reason)
            case Fetch() if self._tasks is not None:
                request = self._tasks.create_task(
                    self._answer(shard, effect), name=f"{self.spec.name}/fetch"
                )
                self._requests.add(request)
                request.add_done_callback(self._requests.discard)
            case Quarantine(reason=reason):
                self.quarantined = reason

    async def _answer(self, shard: str, fetch: Fetch) -> None:
        response = await self._http.fetch(fetch)
        self._inbox.put_always((shard, Answered(fetch, response, self._clock.now())))

    # -- links -----------------------------------------------------------------------------------

    def _enter(self, shard: str, feed: VenueFeed) -> None:
        around, spec = self._around, self.spec
        put, tell = self._inbox.put, self._inbox.put_always
        self._feeds[shard] = feed
        paths = spec.links([keeper.instrument for keeper in feed.keepers.values()])
        self._links[shard] = {
            name: Link(
                name,
                venue=spec.name,
                url=self._ws_url.rstrip("/") + path,
                put=lambda item: put((shard, item)),
                tell=lambda item: tell((shard, item)),
                room=self._inbox.room,
                settings=around.settings,
                world=around.world,
                budget=self._budget,
                messages=spec.limits.messages,
                proxy=around.proxy,
                max_frame=min(spec.max_frame, around.settings.max_frame_mb * 1024 * 1024),
            )
            for name, path in paths.items()
        }
        self._start(shard)

    def _start(self, shard: str) -> None:
        if self._tasks is not None:
            make = self._tasks.create_task
            self._open[shard] = [
                make(link.run(), name=f"{self.spec.name}/{shard}.{name}")
                for name, link in self._links[shard].items()
            ]

    def _leave(self, shard: str) -> None:
        self._links.pop(shard, None)
        self._feeds.pop(shard, None)
        for task in self._open.pop(shard, ()):
            task.cancel()
        for key in [key for key in self._due if key[0] == shard]:
            del self._due[key]

    def _url_of(self, shard: str, link: str) -> str:
        """Return the address of a link for the record: without the password it may hold."""
        return mask_urls(self._links[shard][link].url)

    # -- looking at it ---------------------------------------------------------------------------

    def view(self) -> VenueView:
        """The venue as it stands."""
        counts = self.fleet.counts
        links = [link for own in self._links.values() for link in own.values()]
        down = [link.retry_at for link in links if link.retry_at is not None]
        ended = max(
            (link for link in links if link.ended), key=lambda link: link.ended_at, default=None
        )
        return VenueView(
            name=self.spec.name,
            links=tuple((link.name, link.connected) for link in links),
            frames=counts.frames,
            updates=counts.updates,
            connects=counts.connects,
            gaps=counts.gaps,
            resyncs=counts.resyncs,
            malformed=counts.malformed,
            quarantined=self.quarantined,
            shards=len(self.fleet.shards),
            rolling=self.fleet.rolling,
            budget=self._budget.view(),
            last_disconnect=None if ended is None else ended.ended,
            retry_at=min(down, default=None),
            clock_offset=self.fleet.latency.offset,
            clock_faults=counts.clock_faults,
            audits=counts.audits,
            audit_differences=counts.audit_differences,
        )
