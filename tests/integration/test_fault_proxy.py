"""The real client behind a network that fails: it recovers by itself, and its book is the venue's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.apps import Watched, settings_for, watching
from tests.support.database import until
from tests.support.fault_proxy import HALF_OPEN, HEALTHY, FaultProxy, Toxic

from tidegauge.core.events import FeedEventKind
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust
from tidegauge.runtime.local_server import Endpoint
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.simulator.dialects.bybit import Bybit

NAMES = ("binance", "bybit-spot")
DEEP = 50


@dataclass(slots=True)
class Bench:
    """Two venues: one behind the proxy, and a sibling that must not notice."""

    venues: LocalVenues
    proxy: FaultProxy
    watched: Watched
    venue: str

    def told(self, side: Side) -> dict[int, int]:
        """What the venue has told: lots by tick. Bybit's topics are told at a cadence."""
        dialect = self.venues.dialects[self.venue].inner
        if isinstance(dialect, Bybit):
            topic = dialect.topics["orderbook.1000.BTCUSDT"]
            return topic.bids if side is Side.BID else topic.asks
        market = self.venues.exchanges[self.venue].books["BTCUSDT"]
        return market.bids if side is Side.BID else market.asks

    def same(self) -> bool:
        """Whether our book is the venue's own, level by level, as deep as both go."""
        book = self.watched.keeper(self.venue).book
        listing = self.venues.exchanges[self.venue].books["BTCUSDT"].listing
        for side in Side:
            ours = book.top(side, DEEP)
            told = sorted(self.told(side).items(), reverse=side is Side.BID)[:DEEP]
            if ours != [(tick * listing.tick, lots * listing.step) for tick, lots in told]:
                return False
        return self.watched.live(self.venue)

    def noticed(self) -> bool:
        """Whether the venue's feed has met anything bad."""
        seen = self.watched.seen(self.venue)
        return seen.malformed + seen.gaps + seen.connects > 2

    async def recovers(self) -> None:
        """The network heals: wait for the venue's own book. Between two frames they are equal."""
        self.proxy.toxic = HEALTHY
        await until(lambda: self.watched.live(self.venue))
        await until(self.same)
        assert self.watched.app.crashes == 0
        (sibling,) = [name for name in NAMES if name != self.venue]
        seen = self.watched.seen(sibling)
        assert (seen.connects, seen.gaps, seen.malformed) == (1, 0, 0)


@asynccontextmanager
async def bench(venue: str, tmp_path: Path) -> AsyncIterator[Bench]:
    async with LocalVenues(venues=NAMES) as venues:
        there = venues.endpoints[venue]
        async with FaultProxy(int(there.ws_url.rpartition(":")[2])) as proxy:
            behind = Endpoint(
                ws_url=f"ws://127.0.0.1:{proxy.port}", rest_url=f"http://127.0.0.1:{proxy.port}"
            )
            settings = settings_for({**venues.endpoints, venue: behind}, tmp_path)
            async with watching(settings, NAMES) as watched:
                yield Bench(venues, proxy, watched, venue)


@pytest.mark.parametrize("venue", NAMES)
@pytest.mark.parametrize(
    "toxic",
    [
        Toxic(latency_s=0.05, jitter_s=0.2),
        Toxic(bytes_a_second=60_000),
        Toxic(slice_bytes=7),
    ],
    ids=["latency", "bandwidth", "slicer"],
)
async def test_a_slow_network_costs_freshness_only(
    venue: str, toxic: Toxic, tmp_path: Path
) -> None:
    """Frames come late, slowly or in slices: no gap is made of it, and no frame is lost."""
    async with bench(venue, tmp_path) as about:
        about.proxy.toxic = toxic
        before = about.watched.seen(venue).updates
        await until(lambda: about.watched.seen(venue).updates > before + 5)
        assert about.watched.seen(venue).gaps == about.watched.seen(venue).malformed == 0
        await about.recovers()
        assert about.watched.seen(venue).gaps == 0


@pytest.mark.parametrize(
    ("venue", "toxic"),
    [
        ("binance", Toxic(reset_after=20_000)),
        ("bybit-spot", Toxic(reset_after=20_000)),
        ("bybit-spot", Toxic(close_after=20_000)),
        ("bybit-spot", Toxic(close_after=20_000, slow_close_s=0.5)),
    ],
    ids=["binance-reset", "bybit-reset", "bybit-data limit", "bybit-slow close"],
)
async def test_a_connection_that_ends_in_the_middle_of_a_frame_is_opened_anew(
    venue: str, toxic: Toxic, tmp_path: Path
) -> None:
    """Again and again, at whatever byte: the record tells of each, and the book comes back."""
    async with bench(venue, tmp_path) as about:
        about.proxy.toxic = toxic
        watched = about.watched
        await until(lambda: len(watched.told(FeedEventKind.DISCONNECTED, venue)) >= 3)
        await about.recovers()


@pytest.mark.parametrize("venue", NAMES)
async def test_corrupt_bytes_never_become_a_book(venue: str, tmp_path: Path) -> None:
    """A flipped bit breaks a frame, its masking or its JSON; none is believed for long."""
    async with bench(venue, tmp_path) as about:
        about.proxy.toxic = Toxic(corrupt_every=4_000)
        await until(about.noticed)
        about.proxy.toxic = HEALTHY
        # What a bit did to a size inside a frame that is still JSON nobody can see but the venue:
        # a book that starts afresh has none of it.
        connects = about.watched.seen(venue).connects
        about.venues.dialects[venue].cut()
        await until(lambda: about.watched.seen(venue).connects > connects)
        await about.recovers()


async def test_a_half_open_connection_is_found_out(tmp_path: Path) -> None:
    """Nothing comes, nothing is closed, nothing we say arrives: the book is not believed for long,
    and the link is opened anew once the venue can be reached."""
    venue = "bybit-spot"
    async with bench(venue, tmp_path) as about:
        about.proxy.toxic = HALF_OPEN
        keeper = about.watched.keeper(venue)
        await until(lambda: keeper.trust is not Trust.LIVE, patience_s=90)
        connects = about.watched.seen(venue).connects
        about.proxy.toxic = HEALTHY
        await until(lambda: about.watched.seen(venue).connects > connects, patience_s=90)
        await about.recovers()


async def test_a_network_that_is_away_for_long_leaves_nothing_behind(tmp_path: Path) -> None:
    """Connections that are refused for a while are not piled up: one at a time is tried."""
    async with bench("bybit-spot", tmp_path) as about:
        about.proxy.toxic = Toxic(close_after=0)
        opened = about.proxy.opened
        await until(lambda: about.proxy.opened >= opened + 8)
        assert about.proxy.open <= 2
        tasks = len(asyncio.all_tasks())
        opened = about.proxy.opened
        await until(lambda: about.proxy.opened >= opened + 40)
        # The servers' own tasks come and go; one left behind by each attempt would make forty.
        assert len(asyncio.all_tasks()) <= tasks + 20
        await about.recovers()
