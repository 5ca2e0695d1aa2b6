"""A glance shows what a reading would, to the last bit, or says that it cannot tell."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.support.drifting import Drifting
from tests.support.examples import one_in
from tests.support.markets import origin

from tidegauge.core.reading import Taker
from tidegauge.risk.glance import glance
from tidegauge.risk.inputs import slippage_of
from tidegauge.risk.measure import measure
from tidegauge.risk.plan import MeasurePlan

PLAN = MeasurePlan(notionals=(Decimal(3), Decimal(40_000), Decimal(10**9)))


@one_in(5)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([20, 400, 9_000]),
    step=st.sampled_from([2, 60, 3_000]),
    readings=st.lists(st.booleans(), min_size=4, max_size=10),
)
def test_a_glance_shows_what_a_reading_would(
    seed: int, spread: int, step: int, readings: list[bool]
) -> None:
    """Glances and readings take turns in any order, and neither disturbs the other."""
    market = Drifting(seed, mid=612_345, levels=120, spread=spread, step=step)
    measure(market.book, PLAN, origin())
    for proper in readings:
        market.move()
        for band in PLAN.bands:
            seen = glance(market.book, PLAN, band, Decimal(40_000))
            copy = Drifting.again(market.book)
            reading = measure(copy, PLAN, origin())
            assert reading is not None
            sell = reading.fill(Taker.SELL, Decimal(40_000))
            buy = reading.fill(Taker.BUY, Decimal(40_000))
            depth = reading.band(band)
            assert sell is not None
            assert buy is not None
            assert depth is not None
            if seen is None:
                assert not (sell.filled and buy.filled)
                continue
            assert seen == (
                float(depth.bid_quote) if depth.bid_complete else None,
                float(depth.ask_quote) if depth.ask_complete else None,
                reading.spread_bps,
                slippage_of(sell),
                slippage_of(buy),
            )
        if proper:
            taken = measure(market.book, PLAN, origin())
            assert taken == measure(Drifting.again(market.book), PLAN, origin())
        market.book.check()


def test_a_book_that_was_never_read_by_the_plan_cannot_be_glanced_at() -> None:
    """There is no mark to ask; nor is there of a crossed book, an inverse one, or one side."""
    market = Drifting(1, mid=612_345, levels=50, spread=100, step=1)
    assert glance(market.book, PLAN, 10, Decimal(3)) is None
    measure(market.book, PLAN, origin())
    assert glance(market.book, PLAN, 10, Decimal(3)) is not None
    assert glance(market.book, MeasurePlan(), 10, Decimal(100_000)) is None
    assert glance(market.book, PLAN, 10, Decimal(10**9)) is None  # it could not be filled
    market.book.apply_delta([("99999", "1")], [])
    assert glance(market.book, PLAN, 10, Decimal(3)) is None
