"""A real PostgreSQL for tests, and records to put into it."""

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from msgspec.structs import replace

from tidegauge.core.activity import Flow, MarketSummary, Standing
from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import HOUR, SECOND, Instrument, InstrumentKind
from tidegauge.core.reading import (
    BandDepth,
    Fill,
    MaxSize,
    Origin,
    Quotability,
    Reading,
    RoundedFill,
    Scales,
    Taker,
)
from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.postmaster import stop_server

Result = TypeVar("Result")

TEMPLATE = "migrated"
NOON = 1_767_268_800 * SECOND
NUMBERS = itertools.count(1)
PATIENCE_S = 60.0
"""For what takes a moment here, and ten times as long on a machine that is busy."""


async def until(
    condition: Callable[[], bool | Coroutine[Any, Any, bool]], patience_s: float = PATIENCE_S
) -> None:
    """Wait for a condition; fail the test when it does not come true."""
    async with asyncio.timeout(patience_s):
        while True:
            judged = condition()
            if judged if isinstance(judged, bool) else await judged:
                return
            await asyncio.sleep(0.01)


def in_a_loop_of_its_own(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run asynchronous work from a fixture that outlives the loops of its tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()


def new_data_dir() -> Path:
    """Make a folder with a short path (a unix socket's has a limit) that any account may pass."""
    folder = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp"))
    folder.chmod(0o711)
    return folder / "data"


def remove(data_dir: Path) -> None:
    """Stop whatever server is left below `data_dir`, and remove all of it."""
    home = EmbeddedPostgres(data_dir).home
    in_a_loop_of_its_own(lambda: stop_server(home))
    if home.socket_folder != home.folder:
        shutil.rmtree(home.socket_folder, ignore_errors=True)
    shutil.rmtree(home.folder, ignore_errors=True)
    shutil.rmtree(data_dir.parent, ignore_errors=True)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that is not there yet; a server left in it is stopped afterwards."""
    folder = new_data_dir()
    yield folder
    remove(folder)


@pytest.fixture(scope="session")
def _made_once() -> Iterator[Path]:
    folder = new_data_dir()

    async def make() -> None:
        async with EmbeddedPostgres(folder):
            pass

    in_a_loop_of_its_own(make)
    yield folder
    remove(folder)


@pytest.fixture
def made_data_dir(_made_once: Path) -> Iterator[Path]:
    """A data directory whose server was made before and is stopped; quicker than making one."""
    folder = new_data_dir()
    subprocess.run(["cp", "-a", _made_once, folder], check=True)
    yield folder
    remove(folder)


@dataclass(frozen=True)
class Server:
    """One embedded server for the whole session, with a migrated template."""

    embedded: EmbeddedPostgres

    def database(self, name: str) -> Database:
        """Return the database `name` of this server, as a URL would give it."""
        return external(self.embedded, name)

    async def create(self, name: str, template: str = "template1") -> Database:
        async with self.database("postgres").session() as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.database(name)

    async def drop(self, name: str) -> None:
        async with self.database("postgres").session() as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def external(server: EmbeddedPostgres, name: str = "tidegauge") -> Database:
    """Return a server's database as if it were not ours: nothing revives it."""
    return Database(
        describe=server.describe,
        url=server.dsn.rpartition("/")[0] + f"/{name}",
        embedded=False,
        password=server.connect_kwargs()["password"],
        arguments=lambda: {**server.connect_kwargs(), "database": name},
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running PostgreSQL, shared by the tests that do not hurt it."""
    folder = new_data_dir()
    pg_bin = os.environ.get("TIDEGAUGE_PG_BIN")
    embedded = EmbeddedPostgres(folder, Path(pg_bin) if pg_bin else None)
    server = Server(embedded)

    async def begin() -> None:
        await embedded.start()
        template = await server.create(TEMPLATE)
        async with template.session() as connection:
            await migrate(connection)

    in_a_loop_of_its_own(begin)
    yield server
    in_a_loop_of_its_own(embedded.stop)
    remove(folder)


@pytest_asyncio.fixture
async def database(postgres_server: Server) -> AsyncIterator[Database]:
    """A fresh database with our schema."""
    name = f"test_{next(NUMBERS)}"
    yield await postgres_server.create(name, TEMPLATE)
    await postgres_server.drop(name)


@pytest_asyncio.fixture
async def empty_database(postgres_server: Server) -> AsyncIterator[Database]:
    """A fresh database with nothing in it."""
    name = f"test_{next(NUMBERS)}"
    yield await postgres_server.create(name)
    await postgres_server.drop(name)


# -- records -------------------------------------------------------------------------------------


SCALES = Scales(price=2, base=8, quote=10)
SIZES = (Decimal(100_000), Decimal(1_000_000))


def a_reading(frame: int = 1, *, venue: str = "binance", received_at: int | None = None) -> Reading:
    """Return a reading such as a monitor takes, of the `frame`th frame."""
    return Reading(
        origin=Origin(
            venue=venue,
            symbol="BTCUSDT",
            instrument="BTCUSDT",
            epoch=1,
            frame=frame,
            sequence=frame * 7,
            received_at=NOON + frame * SECOND + 123 if received_at is None else received_at,
            venue_time=NOON,
            feed_age=5,
            latency=7_000_001,
        ),
        quotability=Quotability.QUOTED,
        scales=SCALES,
        bid_ticks=61_000_10,
        bid_units=1_23456000,
        ask_ticks=61_000_20,
        ask_units=50000000,
        microprice=61000.15123,
        spread_bps=0.0163934,
        bid_levels=5000,
        ask_levels=4999,
        imbalance=-0.25,
        bands=tuple(a_band(bps) for bps in (10, 50, 100)),
        fills=tuple(a_fill(taker, notional) for taker in Taker for notional in SIZES),
        max_sizes=tuple(
            MaxSize(taker=taker, bps=10, units=753_123_12345678, scale=8, floor=False)
            for taker in Taker
        ),
    )


def a_band(bps: int) -> BandDepth:
    """Return the depth of a band; the widest goes beyond what is known of the asks."""
    return BandDepth(
        bps=bps,
        scales=SCALES,
        bid_base_units=12_34567800,
        bid_quote_units=753_123_1234567800,
        ask_base_units=24_69135600,
        ask_quote_units=1_506_246_2469135600,
        bid_complete=True,
        ask_complete=bps < 100,
    )


def a_fill(taker: Taker, notional: Decimal) -> Fill:
    """Return a fill; a large one is not wholly filled."""
    filled = notional < 10**6
    return RoundedFill(
        taker=taker,
        notional=notional,
        filled=filled,
        filled_fraction=1.0 if filled else 0.75,
        base=1.639,
        rounded_average=float(notional) * (1.0 if filled else 0.75) / 1.639,
        cost_bps=0.385,
        rounded_cost=0.385 * 61000.15 * 1.639 / 1e4,
        worst_ticks=61_005_10,
        scales=SCALES,
        floor=not filled,
    )


def an_alert(
    state: AlertState = AlertState.FIRING, *, updated_at: int = NOON, name: str = "19b8-aa"
) -> Alert:
    """Return one change of an alert."""
    return Alert(
        id=name,
        key=AlertKey(signal="liquidity_crunch", symbol="BTCUSDT", venue="binance"),
        severity=Severity.HIGH,
        worst_severity=Severity.CRITICAL,
        state=state,
        cause="depth_total",
        causes=("depth_total", "spread"),
        value=250_000.5,
        threshold=500_000.0,
        baseline=1_000_000.0,
        sentence="Depth within 10 bps is 75 % below normal",
        action=Action.PAUSE_ASSET,
        started_at=NOON,
        updated_at=updated_at,
        ended_at=updated_at if state is AlertState.RESOLVED else None,
        trace="binance/1/42",
    )


def a_feed_event(number: int = 1, kind: FeedEventKind = FeedEventKind.GAP) -> FeedEvent:
    """Return something that happened to a feed."""
    return FeedEvent(
        kind=kind,
        venue="binance",
        at=NOON + number,
        trace=f"binance/1/{number}",
        instrument="BTCUSDT",
        symbol="BTCUSDT",
        detail="expected update 8, received 9",
    )


def a_market_summary(number: int = 1, *, venue: str = "binance-futures") -> MarketSummary:
    """Return what a venue told beside a book in the `number`th second."""
    return MarketSummary(
        venue=venue,
        symbol="BTCUSDT",
        instrument="BTCUSDT",
        number=number,
        since=NOON + (number - 1) * SECOND,
        at=NOON + number * SECOND + 123,
        trace=f"{venue}/1/{number}",
        flow=Flow(
            trades=3,
            buy_base=Decimal("0.75"),
            buy_quote=Decimal("45750.075000"),
            sell_base=Decimal("0.333333333333333333"),
            sell_quote=Decimal("20333.25"),
            liquidations=1,
            liquidated_long_quote=Decimal("6100.10"),
        ),
        standing=Standing(
            last_price=Decimal("61000.10") + number,
            mark=Decimal("61003.05"),
            index=Decimal("61000.00"),
            funding_rate=Decimal("-0.00001250"),
            funding_interval=HOUR,
            next_funding_at=NOON + HOUR,
            open_interest=Decimal("80123.456"),
        ),
    )


def an_instrument(name: str = "BTCUSDT") -> Instrument:
    """Return a listed instrument."""
    return Instrument(
        venue="binance",
        name=name,
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        tick=Decimal("0.01"),
        step=Decimal("0.00001"),
    )


def a_poisonous_reading(frame: int) -> Reading:
    """Return a reading that no table can hold: its epoch is too large a number."""
    good = a_reading(frame)
    return replace(good, origin=replace(good.origin, epoch=2**70))
