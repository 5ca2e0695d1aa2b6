"""Databases with some of everything, to be moved to others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from tests.support.database import (
    NOON,
    Server,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
    external,
)
from tests.support.incidents import a_silence, a_story

from tidegauge.core.alert import AlertState, Severity
from tidegauge.core.desk import Arrival, Delivery, Order, OrderKind, Outcome, PageKind
from tidegauge.core.instrument import HOUR
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.chain import Chain, ChainedTransition
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.orders import place
from tidegauge.sinks.rows import Listed, Run
from tidegauge.sinks.shape import LEFT_BEHIND
from tidegauge.sinks.writer import PostgresWriter

ODD = '\'; DROP TABLE readings; -- \\ " \t\n {NULL,"a"} \\N é 漢 \U0001f980'
DAY = 24 * HOUR
DEBIAN = Path("/usr/lib/postgresql/15/bin")
FAR = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)


def url_of(server: Server, name: str, *, user: str = "tidegauge") -> str:
    place = server.embedded.dsn.partition("@")[2].partition("/")[0]
    return f"postgresql://{user}@{place}/{name}"


async def write(database: Database, *records: Any, run: str = "run-1") -> None:
    """Store records as a daemon does."""
    writer = PostgresWriter(database, WriterLimits(age_s=0.01, backoff_s=0.01), run)
    for record in records:
        writer.submit(record)
    assert await writer.drain(30.0)
    assert not writer.statistics().rejected


def wide_reading(frame: int) -> Any:
    """Return a reading with integers that no bigint holds."""
    good = a_reading(frame)
    bands = tuple(replace(band, bid_quote_units=10**30 + frame) for band in good.bands)
    return replace(good, bid_units=10**25 + 1, bands=bands)


async def fill(database: Database) -> None:
    """Store some of everything, over three days: wide, exact to 18 digits, and hostile."""
    days = [
        replace(each, origin=replace(each.origin, received_at=NOON + day * DAY + each.origin.frame))
        for day in range(3)
        for each in (a_reading(day * 10 + 1), wide_reading(day * 10 + 2), a_reading(day * 10 + 3))
    ]
    market = a_market_summary(1)
    flow = changed(market.flow, buy_base=Decimal("0.123456789012345678"), trades=2**62)
    await write(
        database,
        Run(id="run-1", started_at=NOON, version=ODD, command="monitor", symbols=("BTCUSDT", ODD)),
        Listed(instrument=changed(an_instrument(), base=ODD), symbol=None, updated_at=NOON),
        an_alert(AlertState.FIRING),
        changed(an_alert(AlertState.RESOLVED, updated_at=NOON + 5), sentence=ODD),
        *(changed(a_feed_event(n), detail=ODD) for n in range(5)),
        changed(market, flow=flow),
        *days,
    )
    await of_the_desk(database)
    async with database.session() as connection:
        await connection.execute(INCIDENT)
        await connection.fetchval("SELECT roll_up('2026-01-01+00', '2026-01-04+00')")


async def of_the_desk(database: Database) -> None:
    """Store an incident with its trail, a silence, an order with its outcome, a notification."""
    chain = Chain(id=str(UUID(int=1)), host=ODD, path=ODD, began_at=NOON)
    chained = [
        ChainedTransition(
            chain=chain,
            sequence=number,
            at=each.event.at,
            previous_hash=str(number - 1),
            hash=str(number),
            transition=each,
        )
        for number, each in enumerate(a_story(), 1)
    ]
    order = Order(
        id=str(UUID(int=2)), kind=OrderKind.COMMENT, at=NOON, actor=ODD, comment=ODD, asset="BTC",
        amount="0.123456789012345678", silence=a_silence(comment=ODD),
    )  # fmt: skip
    async with database.session() as connection:
        await place(connection, order)
    told = Delivery(
        page_key=ODD,
        channel="slack",
        kind=PageKind.OPENED,
        severity=Severity.HIGH,
        title=ODD,
        incidents=(ODD, "INC-1"),
        attempts=2,
        arrival=Arrival.SENT,
        at=NOON,
        first_at=NOON,
        sent_at=NOON,
    )
    outcome = Outcome(order_id=order.id, at=NOON, done=True, said=ODD, version=2**40)
    await write(database, *chained, a_silence(), outcome, told)


INCIDENT = """
INSERT INTO incidents (id, run, symbol, family, state, severity, worst_severity, trigger, action,
                       opened_at, version, alerts, updated_at, updated_ns)
VALUES ('i-1', 'run-1', 'BTCUSDT', 'liquidity', 'open', 'high', 'high', 'x', 'y', now(), 1, '{a,b}', now(), 1)
"""


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables as Python reads them: no SQL of the move's own."""
    async with database.session() as connection:
        names = [
            row["relname"]
            for row in await connection.fetch(
                "SELECT relname FROM pg_class WHERE relnamespace = 'tidegauge'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL ($1)",
                list(LEFT_BEHIND),
            )
        ]
        return {
            name: sorted(
                (tuple(row) for row in await connection.fetch(f"SELECT * FROM tidegauge.{name}")),
                key=repr,
            )
            for name in names
        }


@asynccontextmanager
async def filled_server(data_dir: Path) -> AsyncIterator[Database]:
    """Lend an embedded server with some of everything."""
    async with EmbeddedPostgres(data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            await migrate(connection)
        await fill(database)
        yield database


@asynccontextmanager
async def held_up(database: Database, table: str) -> AsyncIterator[Any]:
    """Keep everybody from a table, so that whoever needs it waits."""
    async with database.session() as connection:
        if await connection.fetchval("SELECT to_regclass('tidegauge.runs')") is None:
            await migrate(connection)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE tidegauge.{table} IN ACCESS EXCLUSIVE MODE")
            yield connection
