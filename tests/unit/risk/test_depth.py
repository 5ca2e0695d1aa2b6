"""Sums over buckets and marks, against the slow recomputation, as the book changes under them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.drifting import Drifting
from tests.support.examples import one_in
from tests.support.markets import origin
from tests.support.naive_reading import naive_reading, same

from tidegauge.risk.measure import MeasurePlan, measure

PLAN = MeasurePlan(
    bands=(10, 50, 100, 3_000),
    notionals=(Decimal(3), Decimal(40_000), Decimal(1_000_000), Decimal(10**9)),
    max_size_bps=(1, 10, 400),
)


@pytest.mark.parametrize("levels", [15, 300])
@pytest.mark.parametrize(("mid", "step"), [(612_345, 5), (612_345, 3_000), (700, 1), (700, 60)])
@one_in(10)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([20, 400, 9_000]))
def test_readings_stay_exact_while_the_book_drifts(
    levels: int, mid: int, step: int, seed: int, spread: int
) -> None:
    """The same plan on the same book: what was marked last time is never taken for what is now."""
    market = Drifting(seed, mid=mid, levels=levels, spread=min(spread, mid // 4), step=step)
    for _ in range(6):
        market.move()
        reading = measure(market.book, PLAN, origin())
        assert reading is not None
        naive = naive_reading(market.book, PLAN)
        for name in ("bands", "fills", "max_sizes"):
            for one, other in zip(getattr(reading, name), naive.pop(name), strict=True):
                assert same(one, other), (name, one, other)
        assert same(reading, naive)
        market.book.check()


def test_two_plans_on_one_book_do_not_disturb_each_other() -> None:
    """Marks belong to a plan: another one begins with marks of its own."""
    market = Drifting(7, mid=612_345, levels=200, spread=400, step=5)
    other = MeasurePlan(bands=(25,), notionals=(Decimal(777),), max_size_bps=())
    alike = MeasurePlan(bands=(7, 30, 70, 900), notionals=PLAN.notionals, max_size_bps=(2, 5, 90))
    for plan in (PLAN, alike, PLAN, other, other, alike, alike, PLAN, PLAN):
        market.move()
        reading = measure(market.book, plan, origin())
        assert reading is not None
        naive = naive_reading(market.book, plan)
        assert all(map(same, reading.bands, naive["bands"]))
        assert all(map(same, reading.fills, naive["fills"]))


def test_a_side_that_empties_and_fills_again_is_measured_anew() -> None:
    """Marks of what was there before mean nothing."""
    market = Drifting(3, mid=612_345, levels=60, spread=100, step=1)
    measure(market.book, PLAN, origin())
    gone = dict.fromkeys(market.sides[0], 0)
    market.book.apply_delta(market.wire(gone), [])
    assert measure(market.book, PLAN, origin()) is not None
    market.book.apply_delta([("61000.0", "2"), ("60000.0", "900")], [])
    reading = measure(market.book, PLAN, origin())
    assert reading is not None
    naive = naive_reading(market.book, PLAN)
    assert all(map(same, reading.fills, naive["fills"]))
    assert all(map(same, reading.bands, naive["bands"]))
    market.book.check()
