"""A walk's sums against level by level in fractions, with a part of every level really gone."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.markets import origin
from tests.support.stressed import (
    base_for,
    book_of,
    books,
    even_book,
    levels_of,
    lost,
    mid_of,
    remade,
    sizes,
)

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.risk.stress_ladder import FINEST, Bounds, Ladder, Largest, ladder_of

takers = st.sampled_from(Taker)
kept_shares = st.sampled_from(["0.7", "0.5", "0.3", "0.25", "1"]).map(Decimal)
NEARLY = Fraction(1, 10**20)
"""How far the derived base of an inverse book may be off, at the most."""


def bounds_of(book: OrderBook, taker: Taker, size: Fraction) -> Bounds:
    ladder = ladder_of(book, taker, None)
    return ladder.slippage(ladder.units(size), mid_of(book) * 10**ladder.price_scale)


@given(books(inverse=False), takers, sizes, kept_shares)
def test_a_haircut_costs_what_the_size_over_the_rest_costs_of_whole_levels(
    book: OrderBook, taker: Taker, size: Decimal, kept: Decimal
) -> None:
    """Exactly, against a book whose every level is really shrunk."""
    on_whole = bounds_of(book, taker, Fraction(size) / Fraction(kept))
    assert on_whole.high == lost(remade(book, kept), taker, Fraction(size))


@given(books(inverse=True), takers, sizes, kept_shares)
def test_of_an_inverse_book_a_haircut_is_as_exact_as_its_derived_base(
    book: OrderBook, taker: Taker, size: Decimal, kept: Decimal
) -> None:
    """Its sizes are quote; the base of each level is rounded once, to 40 decimals."""
    on_whole = bounds_of(book, taker, Fraction(size) / Fraction(kept))
    on_cut = lost(remade(book, kept), taker, Fraction(size))
    assert (on_whole.high is None) == (on_cut is None)
    if on_whole.high is not None and on_cut is not None:
        assert abs(on_whole.high - on_cut) < NEARLY


@given(books(), takers, sizes, st.integers(1, 40))
def test_beyond_the_known_range_the_truth_lies_within_the_bounds(
    book: OrderBook, taker: Taker, size: Decimal, told: int
) -> None:
    """Of a book of which only the best levels were told, whatever lies beyond."""
    known = remade(book, limit=told)
    truth = lost(book, taker, Fraction(size))
    bounds = bounds_of(known, taker, Fraction(size))
    # What does not fill even in truth loses more than any best case.
    assert truth is None or bounds.low <= truth + NEARLY
    if bounds.high is not None:
        assert truth is not None
        assert truth <= bounds.high + NEARLY
    if not bounds.floor and bounds.high is not None and truth is not None:
        assert abs(bounds.high - truth) < NEARLY


@given(books(), takers, kept_shares, st.sampled_from(["0.02", "0.05", "0.001"]))
def test_the_largest_safe_size_is_safe_and_one_unit_more_is_not(
    book: OrderBook, taker: Taker, kept: Decimal, below: str
) -> None:
    """At any haircut and limit, to the last decimal it is told with."""
    ladder, limit = ladder_of(book, taker, None), Fraction(below)
    mid = mid_of(book) * 10**ladder.price_scale
    largest = ladder.largest(limit, Fraction(kept), mid)
    if largest.size:
        there = ladder.slippage(ladder.units(Fraction(largest.size) / Fraction(kept)), mid)
        assert there.high is not None
        assert there.high < limit
    unit = Fraction(1, 10 ** min(ladder.quote_scale, FINEST))
    assert (Fraction(largest.size) / unit).denominator == 1
    more = ladder.slippage(ladder.units((Fraction(largest.size) + unit) / Fraction(kept)), mid)
    assert more.high is None or more.high >= limit
    assert not largest.at_least, "the whole book is known"


@given(books(), takers, sizes)
def test_a_walk_that_ends_where_enough_is_reached_says_the_same(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """What is not walked has no part in what is asked."""
    wanted = Fraction(size) * 2
    short, whole = ladder_of(book, taker, wanted), ladder_of(book, taker, None)
    assert short.wanted is None or short.total >= short.wanted
    for part in (1, 2):
        quote = short.units(Fraction(size) * part)
        assert short.base(quote) == whole.base(quote)


def test_more_than_was_walked_is_not_guessed_at() -> None:
    """The book goes on, so that it is neither filled nor unfillable."""
    ladder = ladder_of(even_book(), Taker.BUY, Fraction(1_000))
    assert ladder.wanted is not None
    with pytest.raises(ValueError, match="more is asked for than was walked"):
        ladder.slippage(ladder.units(Fraction(10**9)), Fraction(1_000))


def test_a_safe_size_beyond_the_known_range_or_the_walk_is_at_least_that() -> None:
    """Where knowledge ends a size does not."""
    half, mid = Fraction(1, 2), Fraction(1_000)
    known = ladder_of(even_book(levels=10, limit=10), Taker.BUY, None)
    walked = ladder_of(even_book(), Taker.BUY, Fraction(200_000))
    assert known.largest(Fraction(1, 50), half, mid).at_least
    largest = walked.largest(Fraction(1, 50), half, mid)
    assert largest.at_least
    assert largest.size == 100_000


def test_no_size_is_safe_where_the_touch_itself_is_not() -> None:
    """Ten percent from the mid on either side."""
    wide = book_of({"900": "1"}, {"1100": "1"})
    for taker in Taker:
        largest = ladder_of(wide, taker, None).largest(
            Fraction(1, 50), Fraction(1, 2), Fraction(1_000)
        )
        assert largest == Largest(Decimal(0), at_least=False)


def test_an_empty_side_holds_nothing() -> None:
    """Wholly known to be empty: all is lost."""
    ladder = ladder_of(book_of({}, {"100": "1"}), Taker.SELL, Fraction(1))
    assert ladder.total == 0
    lost_all = Bounds(Fraction(1), None, floor=False)
    assert ladder.slippage(Fraction(1), Fraction(100)) == lost_all


def test_a_known_range_that_the_price_has_left_still_knows_the_touch() -> None:
    """Nothing is better than the touch, so nothing beyond it can be."""
    book = book_of({"90": "1"}, {"110": "1", "120": "1"})
    book.known_ask = Decimal(100)
    bounds = bounds_of(book, Taker.BUY, Fraction(220))
    assert bounds.floor
    assert bounds.low == Fraction(110, 100) - 1
    assert not bounds_of(book, Taker.BUY, Fraction(110)).floor


@given(
    books(),
    takers,
    sizes,
    st.sampled_from(["0.9998", "1.02", "61000", "0.1"]),
    st.none() | st.integers(1, 9),
)
def test_prices_times_a_rate_lose_the_same_share(
    book: OrderBook, taker: Taker, size: Decimal, rate: str, told: int | None
) -> None:
    """And the quote is worth that much more; what is known ends at the same level."""
    plain = ladder_of(remade(book, limit=told), taker, None)
    rated = plain.times(Decimal(rate))
    mid = mid_of(book)
    before = plain.slippage(plain.units(Fraction(size)), mid * 10**plain.price_scale)
    worth = Fraction(size) * Fraction(rate)
    after = rated.slippage(rated.units(worth), mid * Fraction(rate) * 10**rated.price_scale)
    assert before == after
    assert rated.quote(rated.total) == plain.quote(plain.total) * Decimal(rate)


@given(books(inverse=False), sizes)
def test_a_walk_leaves_the_marks_of_the_monitor_alone(book: OrderBook, size: Decimal) -> None:
    """A second plan on the same side would have its sums searched for anew, frame after frame."""
    plan = MeasurePlan(notionals=(Decimal(10), Decimal(1_000)))
    reading = measure(book, plan, origin())
    marks = [(side, side.marks, [*side.marks]) for side in (book.bids, book.asks)]
    for taker in Taker:
        ladder_of(book, taker, Fraction(size))
    for side, list_, before in marks:
        assert side.marked_for is plan
        assert side.marks is list_
        assert side.marks == before
    assert measure(book, plan, origin()) == reading


@given(books(), takers, sizes)
def test_base_is_what_a_walk_level_by_level_comes_to(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """The last level is taken in part."""
    ladder: Ladder = ladder_of(book, taker, None)
    expected = base_for(levels_of(book, taker), Fraction(size))
    found = ladder.base(ladder.units(Fraction(size)))
    assume(expected is not None or found is not None)
    assert expected is not None
    assert found is not None
    assert abs(found / 10**ladder.base_scale - expected) < NEARLY * expected


def test_a_size_at_which_the_limit_is_just_reached_is_one_unit_too_much() -> None:
    """One each at 1010 and 1030 cost 1020 on average, 2 % more than the mid."""
    book = book_of({"990": "1"}, {"1010": "1", "1030": "9"})
    ladder = ladder_of(book, Taker.BUY, None)
    largest = ladder.largest(Fraction(1, 50), Fraction(1), Fraction(1_000))
    assert largest == Largest(Decimal(2_039), at_least=False)


def test_a_size_that_ends_in_the_first_level_beyond_the_known_range_is_at_least_that() -> None:
    """Something better may rest between the two."""
    book = book_of({"990": "1"}, {"1010": "1", "1030": "9"})
    book.known_ask = Decimal(1_010)
    largest = ladder_of(book, Taker.BUY, None).largest(
        Fraction(1, 50), Fraction(1), Fraction(1_000)
    )
    assert largest == Largest(Decimal(2_039), at_least=True)


def test_a_walk_of_an_inverse_book_ends_where_enough_is_reached_too() -> None:
    """What a bucket counts of it are lots of quote, not the finer units of the walk."""
    book = book_of({"999": "1"}, {str(1_000 + each): "100" for each in range(50)}, inverse=True)
    ladder = ladder_of(book, Taker.BUY, Fraction(250))
    assert ladder.wanted is not None
    assert len(ladder.rungs.prices) == 3
