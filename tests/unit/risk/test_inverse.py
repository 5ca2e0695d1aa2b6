"""Inverse contracts count in quote: what a person would work out by hand, and exact to the last bit."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.support.markets import origin

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Reading, Taker
from tidegauge.core.side import Side
from tidegauge.risk.inverse import Quotients
from tidegauge.risk.measure import MeasurePlan, measure

PLAN = MeasurePlan(
    bands=(10, 50), notionals=(Decimal(30_000), Decimal(200_000)), max_size_bps=(30,)
)


def reading_of(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> Reading:
    """Read a book of contracts of 100 USD each, as COIN-M has them."""
    book = OrderBook(price_scale=1, size_scale=0, contract_value=Decimal(100), inverse=True)
    book.apply_snapshot(bids, asks)
    reading = measure(book, PLAN, origin())
    assert reading is not None
    return reading


BIDS = [("50000.0", "400"), ("49900.0", "1000")]
ASKS = [("50010.0", "200"), ("50200.0", "1000")]


def test_the_quote_of_a_level_is_contracts_times_their_value() -> None:
    """400 contracts of 100 USD are 40,000 USD at any price, and 0.8 BTC at 50,000."""
    reading = reading_of(BIDS, ASKS)
    ten, fifty = reading.bands
    assert (ten.bid_quote, ten.ask_quote) == (Decimal(40_000), Decimal(20_000))
    assert (ten.bid_base, ten.ask_base) == (Decimal("0.8"), Decimal("0.399920015997"))
    assert fifty.bid_quote == 140_000
    assert reading.best_bid_size == Decimal("0.8")


def test_a_walk_spends_quote_and_derives_base() -> None:
    """Selling 30,000 USD at 50,000 is 0.6 BTC; 200,000 is more than the side holds."""
    reading = reading_of(BIDS, ASKS)
    sell = reading.fill(Taker.SELL, Decimal(30_000))
    assert sell is not None
    assert (sell.base, sell.average, sell.worst) == (0.6, 50_000.0, Decimal(50_000))
    assert sell.slippage_bps == float(Fraction(5, 50_005) * 10_000)
    assert sell.slippage_cost == 3.0
    more = reading.fill(Taker.SELL, Decimal(200_000))
    assert more is not None
    assert not more.filled
    assert more.filled_fraction == 0.7
    assert more.average == float(140_000 / (Fraction(40_000, 50_000) + Fraction(100_000, 49_900)))


def test_the_largest_size_is_told_in_quote() -> None:
    """A buy may take 20,000 USD at 50,010 and so much at 50,200 that the average is 30 bps away."""
    (sell, buy) = reading_of(BIDS, ASKS).max_sizes
    limit = Fraction(50_005) * Fraction(10_030, 10_000)
    base = Fraction(20_000, 50_010)
    part = (limit * base - 20_000) / (1 - limit / 50_200)
    assert sell.notional == 140_000
    assert buy.notional == (20_000 + part) // Fraction(1, 10) * Fraction(1, 10)


def test_the_imbalance_of_the_best_levels_is_of_base() -> None:
    """As everywhere: equal quotes on both sides are a little more base at the lower prices."""
    reading = reading_of([("50000.0", "100")], [("50010.0", "100")])
    bid, ask = Fraction(1, 50_000), Fraction(1, 50_010)
    assert reading.imbalance == float((bid - ask) / (bid + ask))
    assert reading.bands[0].imbalance == 0.0, "over notional they are equal"


def test_an_inverse_book_tells_sizes_in_quote() -> None:
    """`size`, `top` and `walk` tell what is exact: the notional, not the derived base."""
    book = OrderBook(price_scale=1, size_scale=0, contract_value=Decimal(10), inverse=True)
    book.apply_snapshot([("3000.5", "7")], [])
    assert book.top(Side.BID, 1) == [(Decimal("3000.5"), Decimal(70))]


parts = st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 10**9))


@given(terms=st.lists(parts, max_size=8))
def test_a_sum_of_quotients_lies_in_its_interval(terms: list[tuple[int, int]]) -> None:
    """And what it is rounded to is the exact rational rounded once."""
    added = Quotients()
    for over, under in terms:
        added.add(over, under)
    exact = sum((Fraction(over, under) for over, under in terms), Fraction())
    for each in (added, Quotients(terms)):
        assert each.low <= exact * 2**256 <= each.high
        assert each.exact() == exact
        assert each.negative() == (exact < 0)
        assert each.rounded(lambda n, d: n / d) == float(exact)


def test_what_lies_between_two_floats_is_rounded_to_even() -> None:
    """The interval cannot decide a tie; the fractions behind it can."""
    tie = Quotients([(2**53 + 1, 3), (2**54 + 2, 3)])
    assert tie.rounded(lambda n, d: n / d) == 2.0**53
