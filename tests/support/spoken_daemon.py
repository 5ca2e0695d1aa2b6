"""A daemon that says what it is told to say, to those who look through its window."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.database import until
from tests.support.pictures import a_book, a_daemon

from tidegauge.runtime.control import folder_of
from tidegauge.runtime.window.desk import ShownDesk
from tidegauge.runtime.window.wire import (
    Books,
    Hello,
    Ladder,
    Round,
    Terms,
    line_of,
)

NO_DESK = ShownDesk(incidents=(), over=(), alerts=(), silences=(), mutes=())


class StandIn:
    """A daemon that says what it is told to say, and no more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def listening(self, data_dir: Path) -> AsyncIterator[None]:
        """Listen where daemons do, until the block ends."""
        folder = folder_of(data_dir)
        folder.mkdir(parents=True, exist_ok=True)

        async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)

        server = await asyncio.start_unix_server(met, folder / f"{self.name}.view")
        try:
            yield
        finally:
            server.close()
            self.drop()

    def hello(self) -> Hello:
        """How it begins."""
        return Hello(protocol=1, version="1", daemon=self.name, run="r")

    def round(self, rate: str = "1") -> Round:
        """All that it shows beside one book of Bitcoin."""
        return Round(
            daemon=a_daemon(self.name, "BTCUSDT"),
            symbols=(),
            venues=(),
            desk=NO_DESK,
            exposures=(),
            terms={"BTCUSDT": Terms(rates={"USD": Decimal(rate)}, fees={})},
        )

    async def say(self, *messages: Any) -> None:
        """Say something to the last who came."""
        await until(lambda: bool(self._writers))
        for message in messages:
            self._writers[-1].write(line_of(message))

    def drop(self) -> None:
        """Go without a goodbye."""
        for writer in self._writers:
            writer.close()


def a_ladder() -> Ladder:
    return Ladder(
        venue="binance",
        symbol="BTCUSDT",
        at=a_daemon().at,
        age_s=0.1,
        trust="live",
        reason="",
        quote="USDT",
        resting=None,
    )


def books_of(name: str) -> Books:
    return Books(books=(a_book("binance", "BTCUSDT", name),))
