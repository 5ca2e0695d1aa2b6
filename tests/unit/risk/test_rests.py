"""Levels that left their book cost what the book costs, and say where they end."""

from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stressed import book_of, books, even_book, sizes

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.core.side import Side
from tidegauge.risk.rests import Resting, RestingSide, resting
from tidegauge.risk.stress_ladder import ladder_of

ALL = 10_000


@given(books(), st.sampled_from(Taker), sizes)
def test_a_whole_book_costs_the_same_after_it_was_sent(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """To the last digit, of linear and of inverse books."""
    cut = resting(book, levels=ALL, quote=Fraction(0), most=ALL)
    sent = msgspec.json.decode(msgspec.json.encode(cut), type=Resting)
    assert sent == cut
    here, there = ladder_of(book, taker, None), sent.ladder(taker)
    assert here.base(here.units(Fraction(size))) == there.base(there.units(Fraction(size)))
    assert (here.edge, here.total) == (there.edge, there.total)


@given(books(), st.integers(1, 50))
def test_the_levels_are_those_of_the_book_best_first(book: OrderBook, count: int) -> None:
    """As many as were asked for, and the same touch."""
    cut = resting(book, levels=count, quote=Fraction(0), most=ALL)
    for side, of in ((Side.BID, cut.bids), (Side.ASK, cut.asks)):
        assert list(cut.levels(of, count)) == [*book.top(side, count)]
    assert (cut.best_bid, cut.best_ask) == (book.best_bid, book.best_ask)
    assert cut.crossed == book.crossed


@given(books(), st.sampled_from(Taker), sizes)
def test_it_goes_on_until_what_was_asked_for_rests_in_it(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """Or to the end of the book."""
    cut = resting(book, levels=0, quote=Fraction(size), most=ALL)
    side = cut.asks if taker is Taker.BUY else cut.bids
    ladder = cut.ladder(taker)
    assert not side.more or ladder.total >= ladder.units(Fraction(size))


def test_no_more_than_the_most_is_ever_returned() -> None:
    """What lies beyond counts as not known: the walk's end is a floor."""
    cut = resting(even_book(), levels=50, quote=Fraction(10**9), most=7)
    assert len(cut.bids.ticks) == len(cut.asks.ticks) == 7
    assert cut.bids.more
    ladder = cut.ladder(Taker.BUY)
    assert ladder.edge == cut.asks.ticks[-1]
    assert ladder.slippage(ladder.units(Fraction(10**6)), Fraction(1_000)).floor


def test_an_empty_side_is_empty_and_has_no_mid() -> None:
    """Half a book has a touch and no middle."""
    cut = resting(book_of({}, {"100": "1"}), levels=5, quote=Fraction(0), most=ALL)
    assert (cut.best_bid, cut.best_ask, cut.mid) == (None, Decimal(100), None)
    assert not cut.crossed
    assert not cut.ladder(Taker.SELL).rungs.prices


def test_the_mid_is_exact() -> None:
    """Halves need one more decimal."""
    cut = resting(book_of({"99": "1"}, {"100": "1"}), levels=5, quote=Fraction(0), most=ALL)
    assert cut.mid == Decimal("99.5")


def test_what_is_known_of_a_cut_book_ends_where_the_book_is_known_to() -> None:
    """Levels beyond that are no proof that there are no others between them."""
    for taker, known in ((Taker.BUY, 103), (Taker.SELL, 97)):
        ticks = [101, 105, 110] if taker is Taker.BUY else [99, 95, 90]
        side = RestingSide(ticks=ticks, lots=[10, 10, 10], edge=known, more=True)
        cut = Resting(inverse=False, price_scale=0, size_scale=0, bids=side, asks=side)
        assert cut.ladder(taker).edge == known
