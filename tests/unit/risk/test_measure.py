"""Readings against a slow recomputation in fractions, and the edges of each definition."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.markets import origin
from tests.support.naive_reading import naive_reading, same

from tidegauge.core.book import OrderBook
from tidegauge.core.exact import from_units
from tidegauge.core.reading import Quotability, Taker
from tidegauge.risk.measure import MeasurePlan, measure

AS_THEY_COME = MeasurePlan()


@st.composite
def books(draw: st.DrawFn) -> OrderBook:
    """Two-sided uncrossed books of any scale, wholly known or not, perhaps moved or pruned since."""
    price_scale, size_scale = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    middle = draw(st.integers(50, 50_000))
    reach = max(3, middle * draw(st.sampled_from([10, 100, 2_000])) // 10_000)
    size = st.integers(1, draw(st.sampled_from([3, 10_000, 10**9])))
    bids = draw(st.dictionaries(st.integers(max(1, middle - reach), middle), size, min_size=1))
    asks = draw(st.dictionaries(st.integers(middle + 1, middle + reach), size, min_size=1))

    def wire(levels: dict[int, int]) -> list[tuple[str, str]]:
        return [
            (str(from_units(ticks, price_scale)), str(from_units(lots, size_scale)))
            for ticks, lots in levels.items()
        ]

    contract_value = Decimal(draw(st.sampled_from(["1", "0.01", "100"])))
    book = OrderBook(
        price_scale=0, size_scale=0, contract_value=contract_value, inverse=draw(st.booleans())
    )
    book.apply_snapshot(
        wire(bids),
        wire(asks),
        limit=draw(st.none() | st.integers(1, 30)),
        window=draw(st.none() | st.integers(1, 30)),
    )
    changed = draw(st.dictionaries(st.integers(max(1, middle - 2 * reach), middle), size))
    book.apply_delta(wire(changed), [])
    if draw(st.booleans()):
        book.prune(draw(st.integers(1, 10)))
    return book


notionals = st.lists(
    st.decimals("0.000001", "100000000", allow_nan=False, places=6), max_size=4
).map(tuple)
plans = st.builds(
    MeasurePlan,
    bands=st.lists(st.integers(1, 3_000), max_size=4).map(tuple),
    imbalance_levels=st.integers(1, 12),
    notionals=notionals,
    max_size_bps=st.lists(st.integers(1, 3_000), max_size=3).map(tuple),
)


@given(book=books(), plan=plans)
def test_every_field_is_the_exact_rational_rounded_once(book: OrderBook, plan: MeasurePlan) -> None:
    """Bit for bit what a walk in fractions gives."""
    reading = measure(book, plan, origin())
    assert reading is not None
    naive = naive_reading(book, plan)
    for name in ("bands", "fills", "max_sizes"):
        expected = naive.pop(name)
        found = getattr(reading, name)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert same(one, other), (one, other)
    assert same(reading, naive)


@given(book=books(), taker=st.sampled_from(Taker), bps=st.integers(1, 500))
def test_the_largest_size_slips_no_more_than_asked(book: OrderBook, taker: Taker, bps: int) -> None:
    """Filling max_size stays within bps; a hundredth more would not, unless the side ends."""
    asked = measure(book, MeasurePlan(notionals=(), bands=(), max_size_bps=(bps,)), origin())
    assert asked is not None
    (largest,) = [size for size in asked.max_sizes if size.taker is taker]
    assume(largest.notional > 0)
    unit = from_units(1, book.price_scale + book.size_scale)  # what it was rounded down to
    more = largest.notional * Decimal("1.01") + unit
    reading = measure(book, MeasurePlan(notionals=(largest.notional, more), bands=()), origin())
    assert reading is not None
    within, beyond = reading.fill(taker, largest.notional), reading.fill(taker, more)
    assert within is not None
    assert beyond is not None
    assert within.slippage_bps is not None
    assert within.slippage_bps <= bps * (1 + 1e-9)
    assert beyond.slippage_bps is None or beyond.slippage_bps > bps * (1 - 1e-9)


@given(book=books())
def test_a_larger_size_never_slips_less(book: OrderBook) -> None:
    """Slippage grows with size."""
    plan = MeasurePlan(notionals=tuple(Decimal(10**n) for n in range(8)))
    reading = measure(book, plan, origin())
    assert reading is not None
    for taker in Taker:
        slippages = [
            fill.slippage_bps
            for fill in reading.fills
            if fill.taker is taker and fill.slippage_bps is not None
        ]
        assert all(low <= high * (1 + 1e-12) for low, high in pairwise(slippages))
        assert all(slippage >= 0 for slippage in slippages)


def book_of(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], *, limit: int | None = None
) -> OrderBook:
    """Return a book of these levels."""
    book = OrderBook()
    book.apply_snapshot(bids, asks, limit=limit)
    return book


def test_a_book_that_is_crossed_or_locked_gives_no_reading() -> None:
    """Crossed or locked is not quotable."""
    for ask in ("100", "99"):
        assert measure(book_of([("100", "1")], [(ask, "1")]), AS_THEY_COME, origin()) is None


@pytest.mark.parametrize("missing", ["bid", "ask", "both"])
def test_a_missing_side_is_a_reading_without_a_mid(missing: str) -> None:
    """ONE_SIDED: what the other side quotes is kept, and nothing is made up."""
    bids = [] if missing in ("bid", "both") else [("99", "2")]
    asks = [] if missing in ("ask", "both") else [("101", "3")]
    reading = measure(book_of(bids, asks), AS_THEY_COME, origin())
    assert reading is not None
    assert reading.quotability is Quotability.ONE_SIDED
    assert reading.best_bid == (Decimal(99) if bids else None)
    assert reading.best_ask_size == (Decimal(3) if asks else None)
    unknown = (reading.mid, reading.microprice, reading.spread, reading.spread_bps)
    assert unknown == (None,) * 4
    assert reading.imbalance is None
    assert (reading.bands, reading.fills, reading.max_sizes) == ((), (), ())


def test_the_edges_of_a_band_belong_to_it() -> None:
    """A level exactly β from the mid counts; one tick further does not."""
    book = book_of(
        [("99.99", "1"), ("99.90", "2"), ("99.89", "4")],
        [("100.01", "1"), ("100.10", "2"), ("100.11", "4")],
    )
    reading = measure(book, AS_THEY_COME, origin())
    assert reading is not None
    ten = reading.band(10)
    assert ten is not None
    assert (ten.bid_base, ten.ask_base) == (Decimal(3), Decimal(3))
    assert ten.complete


def test_an_empty_band_has_no_imbalance() -> None:
    """None when both are 0: it is unknown, not balanced."""
    reading = measure(book_of([("99", "1")], [("101", "1")]), AS_THEY_COME, origin())
    assert reading is not None
    ten = reading.band(10)
    assert ten is not None
    assert (ten.bid_quote, ten.ask_quote, ten.imbalance) == (Decimal(0), Decimal(0), None)


def test_a_band_beyond_the_known_range_is_a_floor_on_that_side() -> None:
    """A snapshot of two levels tells nothing of what lies behind the second."""
    book = book_of([("99.99", "1"), ("99.80", "1")], [("100.01", "1"), ("100.05", "1")], limit=2)
    reading = measure(book, AS_THEY_COME, origin())
    assert reading is not None
    ten, fifty = reading.band(10), reading.band(50)
    assert ten is not None
    assert fifty is not None
    assert (ten.bid_complete, ten.ask_complete) == (True, False)
    assert (fifty.bid_complete, fifty.ask_complete) == (False, False)


def test_what_cannot_be_filled_has_no_slippage() -> None:
    """A thinner book must never read as cheaper: the filled part's slippage is kept apart."""
    book = book_of([("99", "1")], [("101", "1")])
    reading = measure(book, MeasurePlan(notionals=(Decimal(500),)), origin())
    assert reading is not None
    sell = reading.fill(Taker.SELL, Decimal(500))
    assert sell is not None
    assert not sell.filled
    assert (sell.slippage_bps, sell.slippage_cost) == (None, None)
    assert sell.partial_slippage_bps == 100.0
    assert sell.filled_fraction == float(Fraction(99, 500))
    assert not sell.floor


def test_a_walk_that_leaves_the_known_range_is_a_floor() -> None:
    """Levels beyond the snapshot are known only as far as they changed."""
    book = book_of([("99", "1"), ("98", "1")], [("101", "1")], limit=2)
    book.apply_delta([("97", "5")], [])
    reading = measure(book, MeasurePlan(notionals=(Decimal(150), Decimal(300))), origin())
    assert reading is not None
    inside, outside = (reading.fill(Taker.SELL, Decimal(n)) for n in (150, 300))
    assert inside is not None
    assert outside is not None
    assert (inside.floor, outside.floor) == (False, True)


def test_nothing_may_be_taken_within_less_than_half_the_spread() -> None:
    """The touch itself already costs more."""
    book = book_of([("99", "1")], [("101", "1")])
    reading = measure(book, MeasurePlan(max_size_bps=(99, 100)), origin())
    assert reading is not None
    assert [size.notional for size in reading.max_sizes] == [
        Decimal(0),
        Decimal(99),
        Decimal(0),
        Decimal(101),
    ]


def test_a_plan_is_sorted_without_repeats_and_can_be_added_to() -> None:
    """A book's reference notional is added to the plan of all."""
    plan = MeasurePlan(bands=(50, 10, 50)).adding(notionals=(Decimal(250_000),), bands=(5,))
    assert plan.bands == (5, 10, 50)
    assert plan.notionals == tuple(Decimal(n) for n in (100_000, 250_000, 500_000, 1_000_000))


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands": (0,)},
        {"bands": (10_000,)},
        {"max_size_bps": (-1,)},
        {"notionals": (Decimal(0),)},
        {"notionals": (Decimal("NaN"),)},
        {"imbalance_levels": 0},
    ],
)
def test_a_plan_that_asks_nothing_is_refused(wrong: dict[str, object]) -> None:
    """ValueError, when the plan is made."""
    with pytest.raises(ValueError, match="must"):
        MeasurePlan(**wrong)  # type: ignore[arg-type]


def test_a_plan_may_ask_for_the_touch_only() -> None:
    """No bands, no sizes: nothing is walked."""
    plan = MeasurePlan(bands=(), notionals=(), max_size_bps=())
    reading = measure(book_of([("99", "1")], [("101", "1")]), plan, origin())
    assert reading is not None
    assert (reading.bands, reading.fills, reading.max_sizes) == ((), (), ())
    assert reading.mid == 100
