"""What a size costs now: alone, on the best venue, and split over all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stressed import book_of, books, even_book, lost, sizes

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.risk.quoting import Market
from tidegauge.risk.signal_settings import StressSettings
from tidegauge.risk.stress_report import stress_report

USDT = {"one": "USDT", "two": "USDT"}
NOW = StressSettings(haircuts=(), judged=0.0)


@given(books(inverse=False), st.sampled_from(Taker), sizes)
def test_slippage_is_what_the_size_loses_level_by_level(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """Bit for bit what the slow way works out."""
    (venue,) = Market({"one": book}, quotes=USDT).quote(taker, size).venues
    truly = lost(book, taker, Fraction(size))
    assert venue.filled == (truly is not None)
    assert venue.slippage_bps == (None if truly is None else float(truly * 10_000))
    assert (venue.partial_slippage_bps is None) == venue.filled
    assert (venue.filled_fraction == 1) == venue.filled


@given(books(), books(), st.sampled_from(Taker), sizes)
def test_the_best_venue_and_the_split_are_those_that_stress_finds(
    one: OrderBook, two: OrderBook, taker: Taker, size: Decimal
) -> None:
    """One vocabulary: a quote is the stress with nothing gone."""
    found, fees = {"one": one, "two": two}, {"one": 5.0, "two": 1.0}
    quote = Market(found, quotes=USDT, home="USDT", fees=fees).quote(taker, size)
    side = stress_report(found, size, NOW, quotes=USDT, quote="USDT", fees=fees).of(taker)
    assert quote.best == side.best
    assert quote.together is not None
    assert side.split is not None
    assert (quote.together.filled, quote.together.portions) == (
        side.split.filled,
        side.split.portions,
    )
    assert quote.fees_counted


@given(books(inverse=False), st.sampled_from(Taker), st.lists(sizes, min_size=1, max_size=5))
def test_a_curve_holds_what_each_size_costs(
    book: OrderBook, taker: Taker, asked: list[Decimal]
) -> None:
    """A curve is so many quotes."""
    market = Market({"one": book}, quotes=USDT)
    by_venue, together = market.curve(taker, asked)
    for place, size in enumerate(asked):
        quote = market.quote(taker, size)
        assert by_venue["one"][place] == quote.venues[0].slippage_bps
        assert quote.together is not None
        assert together[place] == quote.together.slippage_bps


def test_another_quote_counts_by_its_rate_and_without_one_by_itself() -> None:
    """A venue that quotes in something else is never compared by guess."""
    found = {"one": even_book(), "two": even_book()}
    quotes = {"one": "USDT", "two": "EUR"}
    unknown = Market(found, quotes=quotes, home="USDT").quote(Taker.BUY, Decimal(1_000))
    assert unknown.left_out == (("two", "no rate is set from EUR to USDT"),)
    assert unknown.venues[1].rate is None
    assert unknown.best == "one"
    known = Market(found, quotes=quotes, home="USDT", rates={"EUR": Decimal("1.1")})
    quote = known.quote(Taker.BUY, Decimal(1_000))
    assert not quote.left_out
    assert quote.venues[1].average == pytest.approx(1.1 * (quote.venues[0].average or 0))
    assert quote.venues[1].slippage_bps == quote.venues[0].slippage_bps


def test_fees_count_only_when_all_of_them_are_known() -> None:
    """A venue of unknown fees must not win by them."""
    found = {"one": even_book(), "two": even_book()}
    part = Market(found, quotes=USDT, fees={"one": 9.0}).quote(Taker.BUY, Decimal(1_000))
    assert not part.fees_counted
    both = Market(found, quotes=USDT, fees={"one": 9.0, "two": 1.0})
    quote = both.quote(Taker.BUY, Decimal(1_000))
    assert (quote.fees_counted, quote.best) == (True, "two")


def test_a_size_beyond_the_book_is_told_as_far_as_it_goes() -> None:
    """A thinner book never reads as cheaper."""
    book = even_book(levels=2, size="1")
    (venue,) = Market({"one": book}, quotes=USDT).quote(Taker.SELL, Decimal(10_000)).venues
    assert (venue.filled, venue.slippage_bps, venue.cost) == (False, None, None)
    assert venue.filled_fraction == pytest.approx(1_997 / 10_000)
    assert venue.worst == Decimal(998)
    assert venue.average == 998.5
    assert venue.partial_slippage_bps == pytest.approx(15)
    assert not venue.floor


def test_beyond_the_known_range_a_fill_is_a_floor() -> None:
    """The book may hold more than the venue told, and so may all of them together."""
    found = {"one": even_book(levels=5, limit=5), "two": even_book()}
    market = Market(found, quotes=USDT)
    large, small = (market.quote(Taker.BUY, Decimal(size)) for size in (10**9, 1_000))
    assert [each.floor for each in large.venues] == [True, False]
    assert [each.floor for each in small.venues] == [False, False]
    assert large.together is not None
    assert small.together is not None
    assert (large.together.floor, small.together.floor) == (True, False)


def test_what_is_paid_more_than_the_mid_is_the_cost() -> None:
    """Ten units at 101 about a mid of 100 cost ten."""
    book = book_of({"99": "10"}, {"101": "10"})
    (venue,) = Market({"one": book}, quotes=USDT).quote(Taker.BUY, Decimal(1_010)).venues
    assert venue.cost == 10.0
    assert venue.slippage_bps == pytest.approx(100)


def test_a_crossed_book_and_an_empty_one_are_no_offer() -> None:
    """The one says nothing true, the other nothing."""
    crossed, empty = book_of({"101": "1"}, {"100": "1"}), book_of({}, {"100": "1"})
    quote = Market({"one": crossed, "two": empty}, quotes=USDT).quote(Taker.SELL, Decimal(100))
    assert quote.left_out == (("one", "its book is crossed"),)
    (two,) = quote.venues
    assert (two.filled, two.filled_fraction, two.average, two.worst) == (False, 0.0, None, None)
    assert (quote.best, quote.together) == (None, None)


def test_without_a_book_there_is_nothing() -> None:
    """And no error."""
    market = Market({}, quotes={})
    assert market.largest == 0
    assert market.quote(Taker.BUY, Decimal(1)).venues == ()


@pytest.mark.parametrize("size", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_size_is_refused(size: str) -> None:
    """Nothing, less than nothing, and no number."""
    with pytest.raises(ValueError, match="size"):
        Market({"one": even_book()}, quotes=USDT).quote(Taker.BUY, Decimal(size))
