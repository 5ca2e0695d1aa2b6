"""What the benchmark calls of the product's runtime: the whole program, its database, its writer.

Together with `product`, these are the only modules that know the product.
"""

import asyncio
import itertools
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import structlog
import uvloop
from pydantic import SecretStr

from tidegauge.core.errors import OperatorError
from tidegauge.core.reading import Reading
from tidegauge.faces.api.address import address_of
from tidegauge.faces.api.tokens import tokens_in
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.settings import DatabaseSettings, Endpoint, ReadingSettings, Settings
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, open_database
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.rows import Run
from tidegauge.sinks.spool import ROOT
from tidegauge.sinks.spool.thread import SpoolThread
from tidegauge.sinks.writer import PostgresWriter

from .parts import Missing
from .product import RUN, VENUE

EVERY_MESSAGE_S = 1e-9
NEVER_S = 86_400.0
MUCH = 1_000_000
BATCH = DatabaseSettings().batch_rows
"""Records in a transaction, as the product has it."""

Server: TypeAlias = Database
Program: TypeAlias = App
Writer: TypeAlias = PostgresWriter

Result = TypeVar("Result")

_runs = itertools.count(1)


def run_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run on the loop that the product runs on; only its errors are logged."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@asynccontextmanager
async def database() -> AsyncIterator[tuple[Database, Path]]:
    """Lend an embedded PostgreSQL of our own, and its folder. Raises `Missing`."""
    folder = Path(tempfile.mkdtemp(prefix="tg-bench-"))
    folder.chmod(0o711)  # the server's account must get through
    try:
        try:
            opened = open_database(url=None, password=None, data_dir=folder / "data")
            server = await opened.__aenter__()
        except (OperatorError, OSError) as error:
            raise Missing(f"no PostgreSQL: {error}") from None
        try:
            async with server.session() as connection:
                await migrate(connection)
            yield server, folder
        finally:
            await opened.__aexit__(None, None, None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def app_at(
    database_: Database, folder: Path, ws_url: str, rest_url: str, heard: Callable[[object], None]
) -> App:
    """Return the whole program, watching one venue that is served here.

    Every message is a row: nothing is conflated, however far behind it may be.
    """
    url = SecretStr(database_.url)
    settings = Settings(
        data_dir=folder,
        endpoints={VENUE: Endpoint(ws_url=ws_url, rest_url=rest_url)},
        readings=ReadingSettings(write_every_s=EVERY_MESSAGE_S, conflate_after_s=NEVER_S),
        database=DatabaseSettings(
            url=url, password=SecretStr(database_.password or ""), queue_rows=MUCH
        ),
    )
    assignment = Assignment(symbols=("BTCUSDT",), venues=(VENUE,), command="benchmark")
    return App(settings, assignment, listener=heard)


def looking_at(folder: Path, ws_url: str, rest_url: str, heard: Callable[[object], None]) -> App:
    """Return the program as it is set usually, but that every message gives a reading to `heard`, and
    nothing is stored."""
    settings = Settings(
        data_dir=folder,
        endpoints={VENUE: Endpoint(ws_url=ws_url, rest_url=rest_url)},
        readings=ReadingSettings(write_every_s=EVERY_MESSAGE_S, conflate_after_s=NEVER_S),
    )
    assignment = Assignment(symbols=("BTCUSDT",), venues=(VENUE,), store=False, command="benchmark")
    return App(settings, assignment, listener=heard)


def api_of(folder: Path) -> tuple[str, str] | None:
    """Return where the API of a data directory is, and the token that reads; None: not yet."""
    address = address_of(folder)
    return None if address is None else (address.rstrip("/"), tokens_in(folder).read)


def age_ns(app: App, reading: Reading) -> int:
    """Return how long ago the frame of a reading was received, by the program's own clock."""
    return app.world.clock.now() - reading.origin.received_at


async def stored(app: App, patience_s: float) -> None:
    """Wait until everything is committed; the last batch does not wait until it is old."""
    assert app.writer is not None
    if not await app.writer.drain(patience_s):
        raise TimeoutError("the database has not taken everything")


def lost(writer: PostgresWriter | None) -> int:
    """Return how many records were accepted and are not in the database: given up, or refused."""
    assert writer is not None
    counts = writer.statistics()
    return sum(counts.accepted.values()) - sum(counts.written.values()) + counts.duplicates


@asynccontextmanager
async def spooled_writer(
    database_: Database, folder: Path, on_kept: Callable[[Sequence[Any]], None] | None
) -> AsyncIterator[PostgresWriter]:
    """Run the product's writer with its spool, for a run of its own."""
    run = f"{RUN}-{next(_runs)}"
    spool = SpoolThread(folder / ROOT, run)
    limits = WriterLimits(batch=BATCH, capacity=MUCH)
    writer = PostgresWriter(database_, limits, run, spool=spool, on_kept=on_kept)
    await writer.open()
    running = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await writer.close()


def unreachable(database_: Database) -> Database:
    """Return the database at a port where nobody listens, and where nobody starts it."""
    at = {**database_.arguments(), "port": 1}
    return replace(database_, arguments=lambda: at, revive=_leave_alone)


async def _leave_alone() -> None:
    """It is to stay away."""


def new_writer(database_: Database) -> PostgresWriter:
    """Return the product's writer at the product's batch size, for a run of its own."""
    run = f"{RUN}-{next(_runs)}"
    writer = PostgresWriter(database_, WriterLimits(batch=BATCH, capacity=MUCH), run)
    begun = Run(
        id=run, started_at=time.time_ns(), version="0", command="benchmark", symbols=("BTCUSDT",)
    )
    writer.submit(begun)
    return writer
