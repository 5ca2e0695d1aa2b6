"""The market of a drill: as noisy as recordings, the same for a seed, told as a venue tells it."""

from math import log
from statistics import median, quantiles

from tidegauge.core.instrument import InstrumentKind
from tidegauge.core.side import Side
from tidegauge.simulator.drill_market import DrillBook, DrillMarket, DrillPrice
from tidegauge.simulator.scenario import NORMAL, Conditions

BOOK = DrillBook(venue="binance", kind=InstrumentKind.SPOT, quote="USDT", depth=3e6)


class Kept:
    """A book kept from what the market tells of its changes."""

    def __init__(self, market: DrillMarket) -> None:
        self.market = market
        self.levels: dict[Side, dict[str, str]] = {side: {} for side in Side}
        self.hear()

    def hear(self) -> None:
        for side, changes in zip(Side, self.market.changed(), strict=True):
            for price, size in changes:
                self.levels[side].pop(price, None)
                if size != "0":
                    self.levels[side][price] = size

    def depth(self, side: Side, bps: float = 10.0) -> float:
        """Return the quote within `bps` of the mid."""
        best = max(map(float, self.levels[Side.BID])), min(map(float, self.levels[Side.ASK]))
        mid = sum(best) / 2
        return sum(
            float(price) * float(size)
            for price, size in self.levels[side].items()
            if abs(float(price) - mid) <= mid * bps / 1e4
        )

    def best(self) -> tuple[float, float]:
        return max(map(float, self.levels[Side.BID])), min(map(float, self.levels[Side.ASK]))


def watched(seconds: int, conditions: Conditions = NORMAL, seed: int = 1) -> Kept:
    """Return one book, as it stood at the end, having moved for so long."""
    kept, price = Kept(DrillMarket(BOOK, seed)), DrillPrice(seed)
    for _ in range(2 * seconds):
        price.step(0.5)
        kept.market.step(0.5, price.bps, conditions)
        kept.hear()
    return kept


def test_its_noise_is_that_of_recorded_majors() -> None:
    """The log noise of the depth of both sides lies about 0.075 to 0.11 (signals.md section 3)."""
    noises = []
    for seed in range(3):
        kept, price, logs = Kept(DrillMarket(BOOK, seed)), DrillPrice(seed), []
        for _ in range(600):
            for _ in range(2):
                price.step(0.5)
                kept.market.step(0.5, price.bps)
                kept.hear()
            logs.append(log(sum(map(kept.depth, Side))))
        cuts = quantiles(logs, n=100)
        noises.append((cuts[83] - cuts[15]) / 2)
    assert 0.06 < median(noises) < 0.12


def test_a_book_kept_from_its_changes_is_the_book() -> None:
    """Nothing is left behind: every price that is held rests in a fresh telling, and is near in size."""
    kept = watched(120)
    held = {side: dict(levels) for side, levels in kept.levels.items()}
    for side, told in zip(Side, kept.market.whole(), strict=True):
        whole = dict(told)
        assert held[side].keys() == whole.keys()
        assert all(0.85 < float(held[side][price]) / float(size) < 1.15 for price, size in told)


def test_it_never_crosses_and_is_as_wide_as_it_is_told_to_be() -> None:
    """The best ask is above the best bid, by the spread of the conditions where that is more."""
    calm = watched(60)
    wide = watched(60, Conditions(spread_bps=6.0))
    bid, ask = calm.best()
    assert 0 < 1e4 * (ask - bid) / ask < 0.6
    bid, ask = wide.best()
    assert 5.9 < 1e4 * (ask - bid) / ask < 6.1


def test_sides_shrink_by_their_factors_and_the_price_slides() -> None:
    """A withdrawal is seen whole at the next telling, and on the side it is of."""
    kept, price = Kept(DrillMarket(BOOK, 3)), DrillPrice(3)
    before = {side: kept.depth(side) for side in Side}
    mid = sum(kept.best()) / 2
    kept.market.step(0.5, price.bps, Conditions(bid_factor=0.3, slide_bps=-100.0))
    kept.hear()
    assert 0.2 < kept.depth(Side.BID) / before[Side.BID] < 0.5
    assert 0.7 < kept.depth(Side.ASK) / before[Side.ASK] < 1.4
    assert -103 < 1e4 * (sum(kept.best()) / 2 / mid - 1) < -97


def test_the_same_seed_is_the_same_market() -> None:
    """To the last level; another seed is another."""
    one, other, third = watched(20, seed=7), watched(20, seed=7), watched(20, seed=8)
    assert one.levels == other.levels
    assert one.levels != third.levels
