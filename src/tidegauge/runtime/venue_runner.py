"""Runs one venue: its links, its REST requests and its books, in one task group."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.wire.effects import Effect, Quarantine
from tidegauge.wire.feed import Listing, Observer, VenueFeed
from tidegauge.wire.protocol import Drop, Fetch, Response, Send, VenueSpec

from .link import FrameCame, Link, LinkClosed, LinkItem, LinkOpened, LinkRefused
from .mailbox import Inbox
from .monitor import Monitor
from .settings import FeedSettings
from .view import VenueView
from .world import Http, World

log = structlog.get_logger(__name__)

TICK_S = 1.0
TURN: Nanos = SECOND // 50
"""How long one venue may work before it lets the loop serve the others."""


@dataclass(frozen=True, slots=True)
class Answered:
    fetch: Fetch
    response: Response
    at: Nanos


@dataclass(frozen=True, slots=True)
class Tick:
    at: Nanos


Item = LinkItem | Answered | Tick


class VenueRunner:
    """Owns a venue's feed and everything that feeds it, for as long as `run` runs."""

    def __init__(
        self,
        spec: VenueSpec,
        listings: tuple[Listing, ...],
        *,
        monitor: Monitor,
        world: World,
        http: Http,
        ws_url: str,
        settings: FeedSettings,
        proxy: str | None,
        observer: Observer | None = None,
        epochs: Iterator[int] | None = None,
    ) -> None:
        self.spec = spec
        self.feed = VenueFeed(
            spec,
            listings,
            levels_kept=settings.book_levels_kept,
            observer=observer,
            epochs=epochs,
        )
        self.quarantined: str | None = None
        self._instruments: list[Instrument] = [listing.instrument for listing in listings]
        self._monitor = monitor
        self._world = world
        self._http = http
        self._inbox: Inbox[Item] = Inbox(settings.mailbox)
        self._requests: set[asyncio.Task[None]] = set()
        self._links = {
            name: Link(
                name,
                venue=spec.name,
                url=self._url_of(name, ws_url),
                put=self._inbox.put,
                room=self._inbox.room,
                tell=self._inbox.put_always,
                settings=settings,
                world=world,
                proxy=proxy,
                max_frame=min(spec.max_frame, settings.max_frame_mb * 1024 * 1024),
            )
            for name in spec.links(self._instruments)
        }
        monitor.watch(self.feed)

    def _url_of(self, link: str, ws_url: str) -> Callable[[], str]:
        return lambda: ws_url.rstrip("/") + self.spec.links(self._instruments)[link]

    async def run(self) -> None:
        """Run until cancelled, or until the venue refuses us."""
        async with asyncio.TaskGroup() as tasks:
            owned = [
                tasks.create_task(link.run(), name=f"{self.spec.name}/{name}")
                for name, link in self._links.items()
            ]
            owned.append(tasks.create_task(self._keep_ticking(), name=f"{self.spec.name}/tick"))
            await self._consume(tasks)
            for task in (*owned, *self._requests):
                task.cancel()

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._inbox.put_always(Tick(self._world.clock.now()))

    async def _consume(self, tasks: asyncio.TaskGroup) -> None:
        while self.quarantined is None:
            items, lost = await self._inbox.take()
            if lost:
                now = self._world.clock.now()
                self._do(self.feed.overflowed(now, lost), now, tasks)
            turn_ends = self._world.clock.steady() + TURN
            for item in items:
                # The time it came, not the time it is its turn: what is read is as of then.
                self._monitor.advance(item.at)
                self._do(self._feed(item, item.at), item.at, tasks)
                if self.quarantined is not None:
                    return  # what else is waiting must not revive a book
                if self._world.clock.steady() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = self._world.clock.steady() + TURN

    def _feed(self, item: Item, now: Nanos) -> list[Effect]:
        match item:
            case FrameCame(link=link, frame=frame):
                return self.feed.received(link, frame, now)
            case Answered(fetch=fetch, response=response):
                return self.feed.fetched(fetch, response, now)
            case LinkOpened(link=link):
                return self.feed.opened(link, now)
            case LinkClosed(link=link, reason=reason):
                return self.feed.closed(link, now, reason)
            case LinkRefused(reason=reason):
                return self.feed.refused(now, reason)
            case Tick():
                return self.feed.tick(now)

    def _do(self, effects: list[Effect], now: Nanos, tasks: asyncio.TaskGroup) -> None:
        for effect in effects:
            if isinstance(effect, FeedEvent):
                _log_event(effect)
        for effect in self._monitor.handle(effects, now):
            match effect:
                case Send(link=link, text=text):
                    self._links[link].send(text)
                case Fetch():
                    request = tasks.create_task(
                        self._answer(effect), name=f"{self.spec.name}/fetch"
                    )
                    self._requests.add(request)
                    request.add_done_callback(self._requests.discard)
                case Drop(link=link, reason=reason):
                    self._links[link].drop(reason)
                case Quarantine(reason=reason):
                    self.quarantined = reason

    async def _answer(self, fetch: Fetch) -> None:
        response = await self._http.fetch(fetch)
        self._inbox.put_always(Answered(fetch, response, self._world.clock.now()))

    def view(self) -> VenueView:
        counts = self.feed.counts
        return VenueView(
            name=self.spec.name,
            links=tuple((name, link.connected) for name, link in self._links.items()),
            frames=counts.frames,
            updates=counts.updates,
            connects=counts.connects,
            gaps=counts.gaps,
            resyncs=counts.resyncs,
            malformed=counts.malformed,
            quarantined=self.quarantined,
        )


QUIET = frozenset({FeedEventKind.SUBSCRIBED, FeedEventKind.CONNECTED, FeedEventKind.CATALOGUE})


def _log_event(event: FeedEvent) -> None:
    level = log.info if event.kind in QUIET or event.trust is not None else log.warning
    fields = {
        "venue": event.venue,
        "symbol": event.symbol,
        "trust": event.trust,
        "reason": event.reason,
        "detail": event.detail or None,
        "trace": event.trace,
    }
    level(f"feed_{event.kind}", **{key: str(field) for key, field in fields.items() if field})
