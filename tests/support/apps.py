"""The whole program inside a test: an app over local venues, and what it told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.database import PATIENCE_S, until

from tidegauge import venues as known_venues
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import Instrument, Symbol, VenueName
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_server import Endpoint as Served
from tidegauge.runtime.settings import (
    DatabaseSettings,
    Endpoint,
    FeedSettings,
    LoggingSettings,
    ReadingSettings,
    Settings,
)
from tidegauge.runtime.view import VenueView
from tidegauge.sinks.connect import Database
from tidegauge.wire.feed import Observer, VenueFeed
from tidegauge.wire.protocol import VenueProtocol, VenueSpec

QUICK = FeedSettings(reconnect_base_s=0.05, reconnect_cap_s=0.2, close_timeout_s=0.2)


@dataclass(slots=True)
class Watched:
    """A running app, and every event it told of."""

    app: App
    events: list[FeedEvent] = field(default_factory=list)

    def hear(self, record: object) -> None:
        if isinstance(record, FeedEvent):
            self.events.append(record)

    def feed(self, venue: VenueName) -> VenueFeed:
        """The feed of a venue, as it is now."""
        (found,) = [each for each in self.app._venues if each.spec.name == venue]
        assert found.runner is not None
        (feed,) = found.runner.fleet.feeds
        return feed

    def keeper(self, venue: VenueName, instrument: str = "BTCUSDT") -> BookKeeper:
        """The keeper of a book, by the venue's own name of it."""
        return self.feed(venue).keepers[instrument]

    def seen(self, venue: VenueName) -> VenueView:
        """What the view tells of a venue."""
        (found,) = [each for each in self.app.view().venues if each.name == venue]
        return found

    def live(self, *venues: VenueName) -> bool:
        """Whether there are books of these venues (of all), and each is LIVE."""
        books = [b for b in self.app.view().books if not venues or b.id.venue in venues]
        return bool(books) and all(book.trust is Trust.LIVE for book in books)

    def told(
        self, kind: FeedEventKind, venue: VenueName, instrument: str | None = None
    ) -> list[FeedEvent]:
        """The events of a kind, of a venue, perhaps of one instrument."""
        return [
            event
            for event in self.events
            if (event.kind, event.venue) == (kind, venue)
            and (instrument is None or event.instrument == instrument)
        ]


def settings_for(
    served: Mapping[VenueName, Served], folder: Path, database: Database | None = None, **more: Any
) -> Settings:
    """Settings that point at venues served here; waits are short."""
    found: dict[str, Any] = {
        "data_dir": folder,
        "endpoints": {
            name: Endpoint(ws_url=at.ws_url, rest_url=at.rest_url) for name, at in served.items()
        },
        "feed": QUICK,
        "readings": ReadingSettings(write_every_s=0.1),
        "logging": LoggingSettings(format="json"),
    }
    if database is not None:
        found["database"] = DatabaseSettings(
            url=SecretStr(database.url), password=SecretStr(database.password or "")
        )
    return Settings(**{**found, **more})


@asynccontextmanager
async def watching(
    settings: Settings,
    venues: Sequence[VenueName],
    *,
    symbols: Sequence[Symbol] = ("BTCUSDT",),
    store: bool = False,
    observer: Observer | None = None,
    all_live: bool = True,
) -> AsyncIterator[Watched]:
    """Run an app (until its books are LIVE, then) until the block ends, and stop it in order."""
    assignment = Assignment(symbols=tuple(symbols), venues=tuple(venues), store=store)
    app = App(settings, assignment, observer=observer)
    watched = Watched(app)
    app._listener = watched.hear
    async with app.opened(), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(app.run())
        if all_live:
            await until(lambda: running.done() or watched.live(*venues))
        yield watched
        app.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await running


def replace_spec(
    monkeypatch: pytest.MonkeyPatch, venue: VenueName, change: Callable[[VenueSpec], VenueSpec]
) -> None:
    """Change what the program knows of a venue, for one test."""
    specs = known_venues.load()
    specs[venue] = change(specs[venue])
    monkeypatch.setattr(known_venues, "_found", lambda: specs)


def wrap_protocol(
    monkeypatch: pytest.MonkeyPatch,
    venue: VenueName,
    wrap: Callable[[VenueProtocol], VenueProtocol],
) -> None:
    """Put a test's own protocol about a venue's, for one test."""

    def wrapping(spec: VenueSpec) -> VenueSpec:
        def protocol(instruments: Sequence[Instrument]) -> VenueProtocol:
            return wrap(spec.protocol(instruments))

        return replace(spec, protocol=protocol)

    replace_spec(monkeypatch, venue, wrapping)


async def rows_in(database: Database, tables: Iterable[str]) -> dict[str, int]:
    """Count the rows of our tables."""
    async with database.session() as connection:
        return {
            table: await connection.fetchval(f"SELECT count(*) FROM tidegauge.{table}")
            for table in tables
        }


TABLES = ("runs", "instruments", "readings", "alerts", "alert_changes", "feed_events", "market")
