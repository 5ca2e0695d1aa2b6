"""The running monitor against local Coinbases and a local Kraken: what each loss costs."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from tests.support.apps import settings_for, watching
from tests.support.database import until

from tidegauge.core.events import FeedEventKind
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import TrustReason
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.simulator.dialects.kraken import Kraken
from tidegauge.simulator.faults import Troubled
from tidegauge.simulator.venues import DIALECTS
from tidegauge.wire.feed import VenueFeed

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BTC: Mapping[str, str] = {
    "coinbase": "BTC-USDT",
    "coinbase-exchange": "BTC-USDT",
    "kraken": "BTC/USDT",
}
ETH = {venue: name.replace("BTC", "ETH") for venue, name in BTC.items()}


@pytest.mark.parametrize("venue", BTC)
async def test_its_books_live_and_agree_with_the_market(venue: str, tmp_path: Path) -> None:
    """By the names our symbols have there; updates go on coming, and nothing is lost."""
    async with LocalVenues(venues=(venue,), symbols=SYMBOLS) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, (venue,), symbols=SYMBOLS) as watched:
            keeper = watched.keeper(venue, BTC[venue])
            before = keeper.updates
            await until(lambda: keeper.updates > before + 20)
            counts = watched.feed(venue).counts
            assert (counts.gaps, counts.resyncs, counts.connects) == (0, 0, 1)
            assert watched.told(FeedEventKind.MALFORMED, venue) == []


async def test_a_lost_frame_costs_coinbase_its_connection(tmp_path: Path) -> None:
    """One count runs over all frames: whose update it was is not known, so every book is lost."""
    async with LocalVenues(venues=("coinbase",), symbols=SYMBOLS) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("coinbase",), symbols=SYMBOLS) as watched:
            venues.dialects["coinbase"].drop_next(f'"{BTC["coinbase"]}"')
            await until(lambda: bool(watched.told(FeedEventKind.DISCONNECTED, "coinbase")))
            gaps = watched.told(FeedEventKind.GAP, "coinbase")
            assert {gap.instrument for gap in gaps} == {BTC["coinbase"], ETH["coinbase"]}
            await until(watched.live)


async def lose_an_update(server: Troubled, feed: VenueFeed, kept: BookKeeper) -> None:
    """Drop one, and wait until it was noticed or five more have come."""
    dropped, updates = server.dropped, kept.updates
    server.drop_next(f'"symbol":"{kept.instrument.name}"')
    await until(lambda: server.dropped > dropped)
    await until(lambda: feed.counts.resyncs > 0 or kept.updates > updates + 5)


async def test_a_lost_update_costs_kraken_that_book_only(tmp_path: Path) -> None:
    """The next checksum tells, the book is subscribed to anew, and its sibling goes on."""
    async with LocalVenues(venues=("kraken",), symbols=SYMBOLS) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("kraken",), symbols=SYMBOLS) as watched:
            sibling, kept = (watched.keeper("kraken", each["kraken"]) for each in (ETH, BTC))
            since, feed, server = sibling.since, watched.feed("kraken"), venues.dialects["kraken"]
            # A loss below the levels that the checksum covers shows later, or never: lose another.
            while not feed.counts.resyncs:
                await lose_an_update(server, feed, kept)
            lost = [
                event
                for event in watched.told(FeedEventKind.TRUST, "kraken", BTC["kraken"])
                if event.reason is TrustReason.CHECKSUM
            ]
            assert lost
            await until(watched.live)
            assert sibling.since == since, "the sibling's trust never moved"
            assert feed.counts.connects == 1


async def test_krakens_maintenance_is_waited_out(tmp_path: Path) -> None:
    """No book is believed meanwhile; afterwards each is told whole on a new connection."""
    async with LocalVenues(venues=("kraken",), symbols=SYMBOLS) as venues:
        server = venues.dialects["kraken"].inner
        assert isinstance(server, Kraken)
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("kraken",), symbols=SYMBOLS) as watched:
            server.system = "maintenance"
            for name in (BTC["kraken"], ETH["kraken"]):
                told = partial(watched.told, FeedEventKind.TRUST, "kraken", name)
                await until(lambda: TrustReason.MAINTENANCE in {each.reason for each in told()})  # noqa: B023
            assert not watched.live()
            server.system = "online"
            await until(watched.live)


def test_the_venues_here_are_served() -> None:
    """A name that is misspelt would test nothing."""
    assert set(BTC) <= set(DIALECTS)
