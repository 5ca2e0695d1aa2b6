"""The database behind the API: opened when it is first asked, asked by a few at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegauge.core.errors import OperatorError
from tidegauge.faces.desk.ordering import desk_errors
from tidegauge.faces.sql import require_database
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.connect import Database, DatabaseAway
from tidegauge.sinks.postmortem.read import CANNOT_ROLL_UP
from tidegauge.sinks.upkeep import catch_up

MOST_SESSIONS = 8
"""Of those who look, and as many of those who order: an order waits for a daemon, and nobody who looks
waits for it."""

PATIENCE_S = 5.0
"""How long somebody waits for a turn."""

RECENT = timedelta(hours=2)
"""What of the past may not be rolled up yet."""

ROLLED_UP_FOR_S = 60.0


class Archive:
    """`opened` while the API runs. Without a database, or while it is away, asking raises
    `OperatorError`, and the next who asks tries anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._database: Database | None = None
        self._opening = asyncio.Lock()
        self._looks = asyncio.Semaphore(MOST_SESSIONS)
        self._orders = asyncio.Semaphore(MOST_SESSIONS)
        self._rolled_up_at = float("-inf")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Archive"]:
        """Lend the archive; what it opened is closed at the end."""
        async with self._stack:
            yield self

    @property
    def exists(self) -> bool:
        """Whether there is a database to ask, reachable or not."""
        try:
            require_database(self._settings)
        except OperatorError:
            return False
        return True

    @asynccontextmanager
    async def session(self, *, order: bool = False) -> AsyncIterator[Any]:
        """Lend a connection, to look or to order. Raises `OperatorError`."""
        turns = self._orders if order else self._looks
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turns.acquire()
        except TimeoutError:
            raise DatabaseAway("too many ask the database at once", fix="Try again soon") from None
        try:
            database = await self._open()
            with desk_errors():
                async with database.session() as connection:
                    yield connection
        finally:
            turns.release()

    async def _open(self) -> Database:
        async with self._opening:
            if self._database is None:
                require_database(self._settings)
                self._database = await self._stack.enter_async_context(
                    open_settings_database(self._settings)
                )
            return self._database

    async def roll_up(self, connection: Any, until: datetime) -> None:
        """Have the minutes of the last hours counted for who looks at a span that ends in them, at most
        once a minute; where it may not be done now, they are as they are."""
        now = datetime.now(UTC)
        if until <= now - RECENT or time.monotonic() - self._rolled_up_at < ROLLED_UP_FOR_S:
            return
        self._rolled_up_at = time.monotonic()
        with suppress(*CANNOT_ROLL_UP):
            await catch_up(connection, now - RECENT, now)
