"""A daemon with its window open, and somebody who looks through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.apps import settings_for
from tests.support.database import PATIENCE_S, until

from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.window.client import Watch
from tidegauge.runtime.window.hub import Hub
from tidegauge.sinks.connect import Database

VENUES = ("binance", "bybit-linear")


@asynccontextmanager
async def daemon(folder: Path, database: Database | None = None) -> AsyncIterator[App]:
    """A monitor of local venues until the block ends; without a database nothing is stored."""
    async with daemon_over_venues(folder, database) as (app, _venues):
        yield app


@asynccontextmanager
async def daemon_over_venues(
    folder: Path,
    database: Database | None = None,
    *,
    rules: RuleSet | None = None,
    **more: Any,
) -> AsyncIterator[tuple[App, LocalVenues]]:
    """The same, with the venues, to be made trouble of."""
    async with LocalVenues(venues=VENUES, speed=2) as served:
        assignment = Assignment(symbols=("BTCUSDT",), venues=VENUES, store=database is not None)
        settings = settings_for(served.endpoints, folder, database, **more)
        app = App(settings, assignment, rules=rules)
        async with app.opened(), asyncio.TaskGroup() as tasks:
            work = tasks.create_task(app.run())
            await until(lambda: work.done() or app.monitor.watched == len(VENUES))
            yield app, served
            app.stop.set()
            async with asyncio.timeout(PATIENCE_S):
                await work


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    """Keep a coroutine going until the block ends."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[Watch]:
    """Somebody who looks at the daemons of a folder until the block ends."""
    watch = Watch(folder)
    async with running(watch.run()):
        yield watch


@asynccontextmanager
async def hub_of(folder: Path) -> AsyncIterator[Hub]:
    """A hub that has seen every book live."""
    hub = Hub(folder)
    async with running(hub.run()):
        await until(lambda: all_live(hub))
        yield hub


def all_live(hub: Hub) -> bool:
    """Whether every book is seen, and read."""
    books = hub.picture().books.values()
    return len(books) == len(VENUES) and all(book.reading is not None for book in books)


def live(watch: Watch) -> bool:
    """Whether every book that is seen is live, and there is one of each venue."""
    books = [book for seen in watch.seen.values() for book in seen.books.values()]
    return len(books) == len(VENUES) and all(book.reading is not None for book in books)
