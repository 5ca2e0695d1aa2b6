"""The running monitor against a local OKX and a local Deribit: what each loss costs."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.apps import settings_for, watching
from tests.support.database import until

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND, InstrumentKind
from tidegauge.core.trust import Trust
from tidegauge.runtime import venue_runner
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.simulator.dialects.okx import Okx

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BTC: Mapping[str, str] = {"okx": "BTC-USDT", "deribit": "BTC_USDC-PERPETUAL"}
ETH = {venue: name.replace("BTC", "ETH") for venue, name in BTC.items()}
SWAP = "BTC-USDT-SWAP"

both_venues = pytest.mark.parametrize("venue", BTC)


@both_venues
async def test_its_books_live_by_the_names_our_symbols_have_there(
    venue: str, tmp_path: Path
) -> None:
    """Updates go on coming, and nothing is lost."""
    async with LocalVenues(venues=(venue,), symbols=SYMBOLS) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, (venue,), symbols=SYMBOLS) as watched:
            keeper = watched.keeper(venue, BTC[venue])
            before = keeper.updates
            await until(lambda: keeper.updates > before + 20)
            counts = watched.feed(venue).counts
            assert (counts.gaps, counts.resyncs, counts.connects) == (0, 0, 1)
            assert watched.told(FeedEventKind.MALFORMED, venue) == []


@both_venues
async def test_a_lost_update_costs_that_book_only(venue: str, tmp_path: Path) -> None:
    """A gap, a new subscription of that book, LIVE again; its sibling goes on."""
    async with LocalVenues(venues=(venue,), symbols=SYMBOLS) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, (venue,), symbols=SYMBOLS) as watched:
            sibling = watched.keeper(venue, ETH[venue])
            since = sibling.since
            venues.dialects[venue].drop_next(f'"{BTC[venue]}"')
            await until(lambda: bool(watched.told(FeedEventKind.GAP, venue)))
            (gap,) = watched.told(FeedEventKind.GAP, venue)
            assert gap.instrument == BTC[venue]
            await until(watched.live)
            counts = watched.feed(venue).counts
            assert (counts.gaps, counts.resyncs, counts.connects) == (1, 1, 1)
            assert sibling.since == since, "the sibling's trust never moved"


@both_venues
async def test_a_cut_socket_is_opened_again(venue: str, tmp_path: Path) -> None:
    """A new epoch, and books from new snapshots."""
    async with (
        LocalVenues(venues=(venue,)) as venues,
        watching(settings_for(venues.endpoints, tmp_path), (venue,)) as watched,
    ):
        keeper = watched.keeper(venue, BTC[venue])
        epoch = keeper.epoch
        venues.dialects[venue].cut()
        await until(lambda: keeper.epoch > epoch and watched.live())
        assert watched.app.crashes == 0


async def test_a_swap_is_watched_by_its_own_name(tmp_path: Path) -> None:
    """In base units, whatever its contracts are."""
    async with LocalVenues(venues=("okx",), symbols=("BTCUSDT", SWAP)) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("okx",), symbols=("BTCUSDT", SWAP)) as watched:
            keeper = watched.keeper("okx", SWAP)
            assert keeper.instrument.kind is InstrumentKind.PERP
            best = keeper.book.best_bid
            assert best is not None
            contracts = keeper.book.size(best) / keeper.instrument.contract_value
            assert contracts % keeper.instrument.step == 0


def okx_of(venues: LocalVenues) -> Okx:
    server = venues.dialects["okx"].inner
    assert isinstance(server, Okx)
    return server


async def test_ids_that_are_set_back_cost_okx_nothing(tmp_path: Path) -> None:
    """After maintenance the ids begin again, and the chain goes on."""
    async with (
        LocalVenues(venues=("okx",)) as venues,
        watching(settings_for(venues.endpoints, tmp_path), ("okx",)) as watched,
    ):
        keeper = watched.keeper("okx", BTC["okx"])
        since, before = keeper.since, keeper.sequence
        okx_of(venues).reset_ids()
        await until(lambda: keeper.sequence < before)
        updates = keeper.updates
        await until(lambda: keeper.updates > updates + 5)
        assert keeper.since == since
        assert watched.feed("okx").counts.gaps == 0


async def test_a_connection_that_okx_will_end_is_replaced_before(tmp_path: Path) -> None:
    """Another one takes over while the first still tells: no moment without a believed book."""
    async with (
        LocalVenues(venues=("okx",)) as venues,
        watching(settings_for(venues.endpoints, tmp_path), ("okx",)) as watched,
    ):
        before = len(watched.told(FeedEventKind.TRUST, "okx"))
        okx_of(venues).announce_the_end()
        await until(lambda: bool(watched.told(FeedEventKind.ROLLED, "okx")))
        await until(watched.live)
        told = watched.told(FeedEventKind.TRUST, "okx")[before:]
        assert [event.trust for event in told if event.trust is not Trust.LIVE] == []


async def test_without_a_snapshot_okxs_book_is_had_by_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book comes to life all the same, and is the market's."""
    monkeypatch.setattr(venue_runner, "TICK_S", 0.1)
    async with LocalVenues(venues=("okx",)) as venues:
        okx_of(venues).snapshots = False
        async with watching(settings_for(venues.endpoints, tmp_path), ("okx",)) as watched:
            paths = [request.path for request in venues.dialects["okx"].requests]
            assert "/api/v5/market/books" in paths
            keeper = watched.keeper("okx", BTC["okx"])
            updates = keeper.updates
            await until(lambda: keeper.updates > updates + 5)
            assert watched.feed("okx").counts.gaps == 0
            assert len(keeper.book.bids) == 400


async def test_deribits_test_requests_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that lives through three of them was not closed by the server."""
    monkeypatch.setattr("tidegauge.simulator.dialects.deribit.ANSWER_WITHIN", 2 * SECOND)
    monkeypatch.setattr("tidegauge.simulator.dialects.deribit.SHORTEST_BEAT", 1)
    monkeypatch.setattr("tidegauge.venues.deribit.books.HEARTBEAT_SECONDS", 1)
    async with (
        LocalVenues(venues=("deribit",)) as venues,
        watching(settings_for(venues.endpoints, tmp_path), ("deribit",)) as watched,
    ):
        keeper = watched.keeper("deribit", BTC["deribit"])
        updates = keeper.updates
        await until(lambda: keeper.updates > updates + 45)
        assert watched.feed("deribit").counts.connects == 1
