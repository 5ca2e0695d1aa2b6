"""The generated market: repeatable, never crossed, calm when it should be, thin when told."""

from hashlib import blake2b
from math import log
from statistics import median, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.simulated import depth

from tidegauge.core.instrument import SECOND, VenueName
from tidegauge.core.side import Side
from tidegauge.simulator.listing import listing
from tidegauge.simulator.market import MarketBook
from tidegauge.simulator.scenario import Scenario, crunch, one_sided, wall
from tidegauge.simulator.venues import VENUES

SCENARIOS = (crunch(at=SECOND), one_sided(at=SECOND), wall(at=SECOND))


def fingerprint(market: MarketBook, seconds: int) -> str:
    digest = blake2b()
    for slot in market.advance(seconds * SECOND):
        digest.update(f"{slot.first_id}-{slot.last_id}".encode())
        for side, ticks in ((Side.BID, slot.bids), (Side.ASK, slot.asks)):
            digest.update(repr(sorted(ticks)).encode())
            digest.update(repr(market.ladder(side, 5)).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_market() -> None:
    """Repeatable to the last lot, whatever the size of the steps it is driven in."""
    at_once = MarketBook(listing("binance", "BTCUSDT"), 7)
    in_steps = MarketBook(listing("binance", "BTCUSDT"), 7)
    at_once.advance(20 * SECOND)
    for step in range(1, 201):
        in_steps.advance(step * SECOND // 10)
    assert at_once.bids == in_steps.bids
    assert at_once.asks == in_steps.asks
    assert at_once.last_id == in_steps.last_id


def test_the_same_seed_tells_the_same_slots() -> None:
    """What was touched, and in which update ids, is repeatable too."""
    one, other, different = (
        fingerprint(MarketBook(listing("bybit-linear", "ETHUSDT"), seed), 10) for seed in (5, 5, 6)
    )
    assert one == other
    assert one != different


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "NEXOUSDT"])
def test_a_book_is_never_crossed_and_always_whole(venue: VenueName, symbol: str) -> None:
    """The touch is the best level on its side, and holds a size."""
    market = MarketBook(listing(venue, symbol), 11)
    for second in range(1, 31):
        market.advance(second * SECOND)
        assert max(market.bids) == market.best_bid < market.best_ask == min(market.asks)
        assert min(market.bids.values()) > 0
        assert min(market.asks.values()) > 0


@one_in(8)
@given(
    seed=st.integers(0, 10**6),
    scenario=st.sampled_from(SCENARIOS),
    venue=st.sampled_from(VENUES),
)
def test_no_scenario_crosses_a_book(seed: int, scenario: Scenario, venue: VenueName) -> None:
    """Not while liquidity goes, not while it comes back."""
    market = MarketBook(listing(venue, "BTCUSDT"), seed)
    for half in range(1, 17):
        market.advance(half * SECOND // 2, lambda at: scenario.conditions(venue, at))
        assert max(market.bids) == market.best_bid < market.best_ask == min(market.asks)


def test_every_change_is_named_by_its_slot() -> None:
    """Between two slots nothing changes that the slot does not name."""
    market = MarketBook(listing("binance-futures", "BTCUSDT"), 2)
    told = {side: dict(market.quotes[side].lots) for side in Side}
    for step in range(1, 201):
        (slot,) = market.advance(step * market.profile.slot)
        for side, ticks in ((Side.BID, slot.bids), (Side.ASK, slot.asks)):
            lots = market.quotes[side].lots
            assert {tick for tick, _ in lots.items() ^ told[side].items()} <= ticks
            told[side] = dict(lots)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize("venue", VENUES)
def test_a_calm_major_is_quiet_enough_to_judge(venue: VenueName, symbol: str) -> None:
    """The noise of log depth within 10 bps stays at or under 0.10, and no sample looks thin."""
    market = MarketBook(listing(venue, symbol), 1)
    samples = []
    for second in range(1, 301):
        market.advance(second * SECOND)
        samples.append(log(sum(depth(market).values())))
    cuts = quantiles(samples, n=1000)
    assert (cuts[840] - cuts[158]) / 2 <= 0.10
    assert median(samples) - min(samples) < 0.5


@pytest.mark.parametrize("venue", VENUES)
def test_a_crunch_takes_most_of_the_depth_at_once_and_gives_it_back(venue: VenueName) -> None:
    """Down 55 % and more within 2 s on both sides, for as long as it lasts; back soon after."""
    market = MarketBook(listing(venue, "BTCUSDT"), 4)
    scenario = crunch(at=10 * SECOND, lasts=8 * SECOND)

    def at(seconds: float) -> dict[Side, float]:
        market.advance(int(seconds * SECOND), lambda now: scenario.conditions(venue, now))
        return depth(market)

    before = at(10)
    for seconds in (12, 13, 14, 15, 16, 17, 18):
        during = at(seconds)
        assert all(during[side] <= 0.45 * before[side] for side in Side), (seconds, during)
    assert all(at(24)[side] >= 0.7 * before[side] for side in Side)


def test_a_crunch_opens_the_spread() -> None:
    """From one tick to more than a basis point, and back."""
    market = MarketBook(listing("binance-futures", "BTCUSDT"), 4)
    scenario = crunch(at=2 * SECOND, lasts=4 * SECOND)
    spreads = []
    for half in range(1, 23):
        market.advance(half * SECOND // 2, lambda now: scenario.conditions("binance-futures", now))
        spreads.append(market.best_ask - market.best_bid)
    assert spreads[3] == 1
    assert max(spreads) >= 60
    assert spreads[-1] == 1


def test_one_side_can_go_alone() -> None:
    """The taken side thins while the other does not."""
    market = MarketBook(listing("binance", "BTCUSDT"), 4)
    scenario = one_sided(at=5 * SECOND, taken=Side.ASK)
    market.advance(5 * SECOND, lambda now: scenario.conditions("binance", now))
    before = depth(market)
    market.advance(10 * SECOND, lambda now: scenario.conditions("binance", now))
    after = depth(market)
    assert after[Side.ASK] < 0.35 * before[Side.ASK]
    assert after[Side.BID] > 0.8 * before[Side.BID]


def test_a_wall_dominates_its_band_until_the_price_leaves_it() -> None:
    """One resting order, several times the depth around it; then it is out of the band."""
    market = MarketBook(listing("binance", "BTCUSDT"), 4)
    scenario = wall(at=5 * SECOND, lasts=60 * SECOND, side=Side.ASK)
    market.advance(5 * SECOND, lambda now: scenario.conditions("binance", now))
    before = depth(market)[Side.ASK]
    market.advance(8 * SECOND, lambda now: scenario.conditions("binance", now))
    assert depth(market)[Side.ASK] > 2.5 * before
    market.advance(60 * SECOND, lambda now: scenario.conditions("binance", now))
    assert depth(market)[Side.ASK] < 2.0 * before


@pytest.mark.parametrize("venue", VENUES)
def test_every_snapshot_covers_the_bands(venue: VenueName) -> None:
    """A snapshot of 1,000 levels tells the whole book; Hyperliquid's 20 reach beyond 10 bps."""
    market = MarketBook(listing(venue, "BTCUSDT"), 9)
    for second in range(1, 121):
        market.advance(second * SECOND)
        assert 40 < len(market.bids) < 1000
        assert 40 < len(market.asks) < 1000
        reach = market.best_ask * 1.01
        assert max(market.asks) > reach
        twentieth = market.ladder(Side.ASK, 20)[-1][0]
        if venue == "hyperliquid":
            assert twentieth / market.best_ask - 1 > 10e-4


def test_update_ids_are_contiguous_on_spot_only() -> None:
    """Spot's ids are the book's own; USD-M's are shared with every other symbol."""
    for venue, contiguous in (("binance", True), ("binance-futures", False)):
        market = MarketBook(listing(venue, "BTCUSDT"), 1)
        last = market.last_id
        jumps = []
        for slot in market.advance(5 * SECOND):
            if slot.bids or slot.asks:
                jumps.append(slot.first_id - last)
                last = slot.last_id
        assert all(jump == 1 for jump in jumps) is contiguous


def test_venues_of_one_asset_follow_one_price() -> None:
    """Mids of spot and perpetual stay within a few basis points of each other."""
    markets = [MarketBook(listing(venue, "BTCUSDT"), 3) for venue in VENUES]
    for second in range(1, 121):
        mids = []
        for market in markets:
            market.advance(second * SECOND)
            mids.append((market.best_bid + market.best_ask) / 2 * float(market.listing.tick))
        assert (max(mids) / min(mids) - 1) * 1e4 < 8.0
