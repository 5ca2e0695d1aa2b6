"""The cheapest split against every single venue and against random ones, in fractions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.support.stressed import base_for, book_of, books, even_book, levels_of, sizes

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.risk.stress_ladder import Largest, ladder_of
from tidegauge.risk.stress_split import Split, merged, split_of

takers = st.sampled_from(Taker)
several = st.lists(books(), min_size=1, max_size=4)
NEARLY = Fraction(1, 10**20)
VENUES = ("one", "two", "three", "four")


def split(found: Sequence[OrderBook], taker: Taker, size: Decimal) -> Split | None:
    venues = VENUES[: len(found)]
    ladders = {
        venue: ladder_of(book, taker, None) for venue, book in zip(venues, found, strict=True)
    }
    return split_of(merged(ladders, taker), venues, size)


def base_of(
    found: Sequence[OrderBook], taker: Taker, quotes: Mapping[str, Fraction]
) -> Fraction | None:
    """Return the base of taking so much quote of each venue, None where one does not hold it."""
    total = Fraction()
    for venue, book in zip(VENUES, found, strict=False):
        base = base_for(levels_of(book, taker), quotes.get(venue, Fraction()))
        if base is None:
            return None
        total += base
    return total


def dearer(taker: Taker, base: Fraction, than: Fraction) -> bool:
    """Whether, for one quote, this base is the worse to have: less bought, or more sold."""
    return base < than - NEARLY if taker is Taker.BUY else base > than + NEARLY


@given(several, takers, sizes)
def test_the_portions_come_exactly_to_the_size_or_to_all_there_is(
    found: list[OrderBook], taker: Taker, size: Decimal
) -> None:
    """Not a unit is lost between the venues."""
    there = sum((quote for book in found for _, quote in levels_of(book, taker)), Fraction())
    result = split(found, taker, size)
    assert result is not None
    assert Fraction(result.filled) == min(there, Fraction(size))
    assert sum((Fraction(each.quote) for each in result.portions), Fraction()) == result.filled
    assert all(portion.quote > 0 for portion in result.portions)


@given(several, takers, sizes)
def test_each_portion_is_there_to_be_taken_and_costs_what_it_says(
    found: list[OrderBook], taker: Taker, size: Decimal
) -> None:
    """Each is a fill of that venue's own book."""
    result = split(found, taker, size)
    assert result is not None
    for portion in result.portions:
        book = found[VENUES.index(portion.venue)]
        base = base_for(levels_of(book, taker), Fraction(portion.quote))
        assert base is not None
        assert abs(Fraction(portion.base) / base - 1) < Fraction(1, 10**15)
        assert abs(Fraction(portion.average) * base / Fraction(portion.quote) - 1) < Fraction(
            1, 10**15
        )


@given(several, takers, sizes)
def test_the_split_is_never_dearer_than_any_single_venue(
    found: list[OrderBook], taker: Taker, size: Decimal
) -> None:
    """In base: no more is sold, and no less bought, for the same quote."""
    result = split(found, taker, size)
    assert result is not None
    quotes = {each.venue: Fraction(each.quote) for each in result.portions}
    ours = base_of(found, taker, quotes)
    assert ours is not None
    for book in found:
        alone = base_for(levels_of(book, taker), Fraction(size))
        assert alone is None or not dearer(taker, ours, alone)


@given(several, takers, sizes, st.lists(st.integers(0, 100), min_size=4, max_size=4))
def test_the_split_is_never_dearer_than_a_random_one(
    found: list[OrderBook], taker: Taker, size: Decimal, shares: list[int]
) -> None:
    """Whatever shares are drawn."""
    result = split(found, taker, size)
    assert result is not None
    quotes = {each.venue: Fraction(each.quote) for each in result.portions}
    ours = base_of(found, taker, quotes)
    used = shares[: len(found)]
    whole = sum(used) or 1
    randomly = {
        venue: Fraction(result.filled) * share / whole
        for venue, share in zip(VENUES, used, strict=False)
    }
    theirs = base_of(found, taker, randomly)
    assert ours is not None
    if sum(used) and theirs is not None:
        assert not dearer(taker, ours, theirs)


def test_at_one_price_the_venue_that_comes_first_is_taken_first() -> None:
    """So that a replay splits as the day did."""
    book = even_book()
    for taker in Taker:
        result = split([book, even_book()], taker, Decimal(1_000))
        assert result is not None
        assert [each.venue for each in result.portions] == ["one"]


def test_a_size_goes_where_it_is_cheapest_level_by_level() -> None:
    """10 at 101 on one, 10 at 102 on two, 10 at 103 on one again."""
    one = book_of({"99": "1"}, {"101": "10", "103": "10"})
    two = book_of({"99": "1"}, {"102": "10", "200": "10"})
    result = split([one, two], Taker.BUY, Decimal(2545))
    assert result is not None
    assert {each.venue: each.quote for each in result.portions} == {"one": 1525, "two": 1020}
    assert result.portions[0].share == float(Fraction(1525, 2545))
    assert result.average == 2545 / 25


def test_of_empty_sides_nothing_is_split() -> None:
    """There is no portion of nothing."""
    empty = book_of({}, {"101": "1"})
    assert split([empty, empty], Taker.SELL, Decimal(1)) is None


def test_books_of_different_scales_stand_in_one_order() -> None:
    """A price is compared as a price, not as a number of ticks."""
    coarse, fine = book_of({"99": "1"}, {"100": "1"}), book_of({"99": "1"}, {"99.999": "0.001"})
    found = merged(
        {"a": ladder_of(coarse, Taker.BUY, None), "b": ladder_of(fine, Taker.BUY, None)}, Taker.BUY
    )
    assert list(found.rungs.prices) == [99_999, 100_000]
    assert list(found.rungs.sources) == [1, 0]
    assert found.quote(found.total) == Decimal("100.099999")


def test_of_several_known_ranges_the_nearest_is_that_of_all() -> None:
    """Beyond it one of them may hold better levels than are shown."""
    wide, near = even_book(levels=20, limit=20), even_book(levels=5, limit=5)
    for taker, edge in ((Taker.BUY, 1_005), (Taker.SELL, 995)):
        ladders = {"a": ladder_of(wide, taker, None), "b": ladder_of(near, taker, None)}
        assert merged(ladders, taker).edge == edge


@given(several, takers, sizes, st.sampled_from(["1", "0.98", "1.25"]))
def test_of_walks_that_end_no_more_is_said_than_of_whole_ones(
    found: list[OrderBook], taker: Taker, size: Decimal, factor: str
) -> None:
    """Beyond the least that was walked of one, its levels are missing among the others'. What was
    walked is known all the same."""

    def largest(wanted: Fraction | None) -> Largest:
        ladders = {
            venue: ladder_of(book, taker, wanted)
            for venue, book in zip(VENUES, found, strict=False)
        }
        ladders["one"] = ladders["one"].times(Decimal(factor))
        ladder = merged(ladders, taker)
        return ladder.largest(
            Fraction(1, 20), Fraction(1, 2), Fraction(10_000) * 10**ladder.price_scale
        )

    cut, whole = largest(Fraction(size)), largest(None)
    if cut.at_least:
        assert cut.size <= whole.size
        unit = Decimal(1).scaleb(int(cut.size.as_tuple().exponent))
        assert cut.size > size * min(Decimal(factor), Decimal(1)) / 2 - unit
    else:
        assert cut == whole


def test_of_several_walks_the_one_that_ends_first_ends_that_of_all() -> None:
    """Beyond it, levels of that venue are missing."""
    near, far = (ladder_of(even_book(), Taker.BUY, Fraction(each)) for each in (1_000, 200_000))
    assert merged({"a": near, "b": far}, Taker.BUY).wanted == 1_000
    assert merged({"a": far, "b": near}, Taker.BUY).wanted == 1_000
