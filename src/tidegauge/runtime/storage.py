"""Where a run's records go: the database, the spool before it, and who looks after both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog

from tidegauge import __version__
from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Alert
from tidegauge.core.errors import OperatorError
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import Nanos, Symbol
from tidegauge.core.reading import Reading
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database, DatabaseAway, open_database
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.lease_keeper import LeaseKeeper
from tidegauge.sinks.leases import named, told
from tidegauge.sinks.migrate import migrate, migrations
from tidegauge.sinks.rows import Listed, Record, Run
from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool import ROOT, identity_of
from tidegauge.sinks.spool.thread import MIB, SpoolLimits, SpoolThread
from tidegauge.sinks.upkeep import Upkeep
from tidegauge.sinks.writer import PostgresWriter

from .acquaintance import is_known, remember
from .settings import Settings
from .venue import CRASH_PAUSE_S
from .view import StorageView

STORED = (Reading, Alert, FeedEvent, MarketSummary, Listed)
"""What goes to the database as the monitor tells it; of the desk only what the room around it adds to."""

DRAIN_S = 2.5
"""How long a stopping monitor may take to store what it accepted."""

CLOSE_S = 1.0
"""For what comes then: letting go of the leases and closing the spool, side by side."""

DAY_S = 86_400.0

log = structlog.get_logger(__name__)


class Storage:
    """The database and the writer of one run. `run` works until it is cancelled."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        run: Run,
        crashed: Callable[[Exception], None],
        on_stored: Callable[[int, Nanos], None],
        on_kept: Callable[[Sequence[Slip]], None] | None,
    ) -> None:
        name = f"{run.started_at:020}-{run.id}"
        url = settings.database.url
        spool = SpoolThread(
            settings.data_dir / ROOT,
            name,
            spool_limits(settings),
            database=identity_of(url.get_secret_value() if url else None),
        )
        self.database = database
        self.writer = PostgresWriter(
            database,
            writer_limits(settings),
            run.id,
            spool=spool,
            on_kept=on_kept,
            on_stored=on_stored,
        )
        self.leases = LeaseKeeper(database, run.symbols, Holder.of_this_process(run.id))
        self._upkeep = Upkeep(database, keep_days=settings.database.keep_days)
        self._run = run
        self._crashed = crashed

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        settings: Settings,
        run: Run,
        crashed: Callable[[Exception], None],
        on_stored: Callable[[int, Nanos], None] = lambda *_: None,
        on_kept: Callable[[Sequence[Slip]], None] | None = None,
    ) -> AsyncIterator[Self]:
        """Reach the database, bring its schema up to date, and open the spool.

        `on_kept` is told of what is on the disk, `on_stored` of each batch in the database, how many records
        it had and how long they took. A database that we know and that is away or unwell
        now is no reason not to begin: what is accepted waits in the spool. Raises `OperatorError`
        when there is no database to be had.
        """
        schema = len(migrations())

        def known(url: str) -> bool:
            return is_known(settings.data_dir, url, schema)

        async with open_settings_database(settings, known) as database:
            storage = cls(settings, database, run, crashed, on_stored, on_kept)
            try:
                async with database.session() as connection:
                    await migrate(connection)
                await storage.leases.start()
                remember(settings.data_dir, database.url, schema)
            except DatabaseAway as away:
                if not known(database.url):
                    raise
                log.error("database_away_at_start", error=away.what)  # noqa: TRY400 - one line
            try:
                await storage.writer.open()
                storage.submit(run)
                yield storage
            finally:
                await storage._close()

    async def _close(self) -> None:
        """Close the spool and let go of the leases, within `CLOSE_S`; what is on the disk is safe."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(self.writer.close(), self.leases.release())
        except TimeoutError:
            log.warning("closing_incomplete", seconds=CLOSE_S, in_spool=self.writer.in_spool)

    def submit(self, record: Record) -> None:
        """Accept a record. Never blocks, never raises."""
        self.writer.submit(record)

    def view(self, now: Nanos) -> StorageView:
        """How storing goes."""
        written = self.writer.statistics()
        oldest = written.spool.oldest_at
        return StorageView(
            database=self.database.describe,
            rows=written.rows,
            batches=written.batches,
            waiting=written.depth,
            dropped=sum(written.dropped.values()) + written.lost,
            refused=sum(written.rejected.values()),
            on_disk=self.writer.in_spool,
            spool_bytes=written.spool.bytes,
            waited=0 if oldest is None else max(0, now - oldest),
            drain_rate=written.drain_rate,
            away=written.away,
            thinned=written.thinned,
            spool_broken=written.spool_broken,
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Store what is accepted meanwhile; at the end, also after a failure, all of it.

        Raises `OperatorError` when another daemon took over a symbol.
        """
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._keep_writing(), name="writer"),
                tasks.create_task(self._upkeep.run(), name="upkeep"),
                tasks.create_task(self._keep_leases(), name="leases"),
            ]
            try:
                yield
            finally:
                drained = await self.writer.drain(DRAIN_S)
                for task in work:
                    task.cancel()
                log_written(self._run.id, self.writer, drained=drained)
                await self.leases.release()  # while the others end

    async def _keep_leases(self) -> None:
        await self.leases.run()
        lost = self.leases.lost_to
        raise OperatorError(
            f"another daemon has taken over {named(lost)}: {told(lost[0])}",
            fix="This one stored what it had and ended; stop one of the two for good",
        )

    async def _keep_writing(self) -> None:
        """Run the writer for ever; a crash of ours costs a second, what it held is kept."""
        while True:
            try:
                await self.writer.run()
            except Exception as crash:
                self._crashed(crash)
                log.exception("writer_crashed", exc_info=crash)
                await asyncio.sleep(CRASH_PAUSE_S)


def run_of(run_id: str, started_at: int, command: str, symbols: tuple[Symbol, ...]) -> Run:
    """Return the record of a run that begins."""
    return Run(
        id=run_id, started_at=started_at, version=__version__, command=command, symbols=symbols
    )


def writer_limits(settings: Settings) -> WriterLimits:
    """Return what the settings say of the writer."""
    found = settings.database
    return WriterLimits(
        batch=found.batch_rows, capacity=found.queue_rows, command_s=found.command_timeout_s
    )


def spool_limits(settings: Settings) -> SpoolLimits:
    """Return what the settings say of the spool."""
    found = settings.spool
    return SpoolLimits(most_bytes=found.max_mb * MIB, keep_s=found.keep_days * DAY_S)


def log_written(run_id: str, writer: PostgresWriter, *, drained: bool) -> None:
    """Say, as the last word of a run, what became of its records."""
    written = writer.statistics()
    log.info(
        "monitor_stopped",
        run=run_id,
        drained=drained,
        accepted=sum(written.accepted.values()),
        written=sum(written.written.values()),
        dropped=sum(written.dropped.values()),
        rejected=sum(written.rejected.values()),
        recovered=written.recovered,
        in_spool=writer.in_spool,
        rows=written.rows,
        duplicates=written.duplicates,
    )


@asynccontextmanager
async def open_settings_database(
    settings: Settings, known: Callable[[str], bool] = lambda _url: False
) -> AsyncIterator[Database]:
    """Reach the database the settings name; without a URL, the private one.

    One that is `known` is lent though it is away.
    """
    async with open_database(
        url=settings.database.url.get_secret_value() if settings.database.url else None,
        password=settings.database.password,
        data_dir=settings.data_dir,
        pg_bin=settings.database.pg_bin,
        known=known,
    ) as database:
        yield database
