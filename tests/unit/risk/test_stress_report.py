"""What is safe to execute: now, with parts of the book gone, on each venue and on all together."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.stressed import (
    base_for,
    book_of,
    books,
    even_book,
    levels_of,
    lost,
    remade,
    sizes,
)

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Taker
from tidegauge.risk.signal_settings import StressSettings
from tidegauge.risk.stress_report import Safety, StressReport, assumed_slippage, stress_report

SETTINGS = StressSettings()
USDT = {"one": "USDT", "two": "USDT", "three": "USDT"}


def report_of(
    found: dict[str, OrderBook],
    size: str | Decimal,
    settings: StressSettings = SETTINGS,
    *,
    quotes: dict[str, str] | None = None,
    fees: dict[str, float] | None = None,
) -> StressReport:
    return stress_report(
        found, Decimal(size), settings, quotes=quotes or USDT, quote="USDT", fees=fees
    )


@given(books(inverse=False), st.sampled_from(Taker), sizes)
def test_each_haircut_is_the_cost_on_a_book_with_as_much_of_each_level_gone(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """Bit for bit, to the float that is shown."""
    costs = report_of({"one": book}, size).of(taker).venues[0].side.costs
    assert [cost.haircut for cost in costs] == [0.0, 0.3, 0.5, 0.7]
    for cost, kept in zip(costs, ("1", "0.7", "0.5", "0.3"), strict=True):
        truly = lost(remade(book, Decimal(kept)), taker, Fraction(size))
        assert cost.slippage == (None if truly is None else float(truly))


@given(books(), st.sampled_from(Taker), sizes)
def test_the_judged_haircut_decides(book: OrderBook, taker: Taker, size: Decimal) -> None:
    """Under 2 % safe, from 5 % or unfilled unsafe, between them elevated."""
    side = report_of({"one": book}, size).of(taker).venues[0].side
    share = side.judged.slippage
    assert side.judged.haircut == 0.5
    if share is None or share > 0.0500001:
        assert side.judged.safety is Safety.UNSAFE
    elif share < 0.0199999:
        assert side.judged.safety is Safety.SAFE
    elif 0.0200001 < share < 0.0499999:
        assert side.judged.safety is Safety.ELEVATED


@pytest.mark.parametrize(
    ("price", "safety"),
    [("1019.99", Safety.SAFE), ("1020", Safety.ELEVATED), ("1049.99", Safety.ELEVATED),
     ("1050", Safety.UNSAFE)],
)  # fmt: skip
def test_each_limit_is_reached_by_being_equal_to_it(price: str, safety: Safety) -> None:
    """Under 2 % is safe, 2 % is not."""
    book = book_of({str(2_000 - Decimal(price)): "100"}, {price: "100"})
    assert report_of({"one": book}, "10").buy.venues[0].side.judged.safety is safety


def test_a_size_that_half_of_a_wholly_known_book_does_not_fill_is_unsafe() -> None:
    """There is no price at which the rest could be had."""
    book = book_of({"999": "1"}, {"1001": "1"})
    judged = report_of({"one": book}, "1000").sell.venues[0].side.judged
    assert (judged.slippage, judged.safety, judged.floor) == (None, Safety.UNSAFE, False)
    assert judged.filled == 999 / 2000


def test_a_size_beyond_the_known_range_is_marked_and_not_judged_unfillable() -> None:
    """A thousand levels of a snapshot are not the book."""
    book = even_book(levels=3, limit=3)
    side = report_of({"one": book}, "1000000").sell.venues[0].side
    assert side.judged.slippage is None
    assert side.judged.floor
    assert side.judged.safety is Safety.UNKNOWN
    assert side.largest_at_least


def test_beyond_the_known_range_a_size_is_unsafe_if_even_the_best_there_would_make_it() -> None:
    """Known to 10 % from the mid, and full of nothing: whatever rests beyond is worse than 9 %."""
    book = book_of({"999": "1", "900": "1"}, {"1001": "1", "1100": "1"}, limit=2)
    judged = report_of({"one": book}, "1000000").sell.venues[0].side.judged
    assert judged.floor
    assert judged.at_least is not None
    assert 0.09 < judged.at_least < 0.1
    assert judged.safety is Safety.UNSAFE


def test_beyond_the_known_range_a_size_is_safe_if_what_is_shown_makes_it() -> None:
    """Whatever more rests there can only make it cheaper."""
    book = even_book(levels=5, limit=5)
    book.known_bid = book.known_ask = Decimal(1_000)
    judged = report_of({"one": book}, "150000").sell.venues[0].side.judged
    assert judged.floor
    assert judged.safety is Safety.SAFE


@given(books(), books(), st.sampled_from(Taker), sizes)
def test_together_is_never_worse_than_one_venue_and_more_is_safe(
    one: OrderBook, two: OrderBook, taker: Taker, size: Decimal
) -> None:
    """Against one mid: each venue's own would hide that it is dearer as a whole."""
    mid = (one.best_bid, one.best_ask)
    assume((two.best_bid, two.best_ask) == mid or {one.inverse, two.inverse} == {False})
    together = report_of({"one": one, "two": two}, size).of(taker).together
    assert together is not None
    middle = sum(Fraction(book.best_bid or 0) + Fraction(book.best_ask or 0) for book in (one, two))
    for book in (one, two):
        base = base_for(levels_of(book, taker), Fraction(size) * 2)
        if base is None:
            continue
        alone = (1 if taker is Taker.BUY else -1) * (Fraction(size) * 2 / base * 4 / middle - 1)
        assert together.judged.slippage is not None
        assert together.judged.slippage <= float(alone) + 1e-12


def test_the_best_venue_is_the_one_that_takes_the_whole_size_for_the_least() -> None:
    """Not the one that slips least from its own mid."""
    dear = book_of({"1009": "1000"}, {"1010": "1000"})
    cheap = book_of({"998": "1000"}, {"1002": "1", "1003": "1000"})
    report = report_of({"one": dear, "two": cheap}, "10000")
    assert report.buy.best == "two"
    assert report.sell.best == "one"
    slips = {each.venue: each.side.now.slippage for each in report.buy.venues}
    assert (slips["one"] or 0) < (slips["two"] or 0)


def test_a_venue_that_does_not_fill_the_size_is_not_the_best() -> None:
    """However good its touch is."""
    thin, thick = book_of({"999": "1"}, {"1000": "1"}), book_of({"900": "999"}, {"1100": "999"})
    assert report_of({"one": thin, "two": thick}, "5000").buy.best == "two"
    assert report_of({"one": thin}, "5000").buy.best is None


def test_fees_count_when_they_are_known_of_all_and_then_decide() -> None:
    """A fee that nobody told must not make its venue look cheap."""
    plain, fee = even_book(), {"one": 30.0, "two": 1.0}
    found = {"one": plain, "two": book_of({"998": "1000"}, {"1002": "1000"})}
    without = report_of(found, "10000")
    half_known = report_of(found, "10000", fees={"one": 0.0})
    counted = report_of(found, "10000", fees=fee)
    assert (without.fees_counted, half_known.fees_counted, counted.fees_counted) == (0, 0, 1)
    for taker in Taker:
        assert without.of(taker).best == half_known.of(taker).best == "one"
        assert counted.of(taker).best == "two"
        split = counted.of(taker).split
        assert split is not None
        assert [each.venue for each in split.portions] == ["two"]
    assert counted.buy.split is not None
    assert counted.buy.split.average == 1002.1002
    assert counted.sell.split is not None
    assert counted.sell.split.average == pytest.approx(997.9002, rel=1e-15)


def test_a_venue_quoted_in_something_else_is_compared_at_a_rate_that_is_set() -> None:
    """Without one it has its own figures, and no part in the others."""
    found = {"one": even_book(), "two": even_book(mid=500)}
    quotes = {"one": "USDT", "two": "EUR"}
    apart = report_of(found, "10000", quotes=quotes)
    assert apart.compared == ("one",)
    assert apart.left_out == (("two", "no rate is set from EUR to USDT"),)
    assert apart.buy.venues[1].rate is None
    assert apart.buy.venues[1].average is None
    assert apart.buy.venues[1].side.now.slippage is not None
    rated = report_of(found, "10000", StressSettings(rates={"EUR": Decimal("1.99")}), quotes=quotes)
    assert rated.compared == ("one", "two")
    assert rated.buy.venues[1].rate == Decimal("1.99")
    assert rated.buy.best == "two"
    assert rated.buy.venues[1].average == 501 * 1.99
    assert rated.buy.venues[1].side.now.slippage == pytest.approx(0.002)
    assert rated.buy.together is not None
    # Against the median of 1000 and 995, which is 997.5.
    assert rated.buy.together.now.slippage == pytest.approx(501 * 1.99 / 997.5 - 1)


def test_without_a_quote_of_its_own_a_size_counts_in_what_most_books_do() -> None:
    """A symbol need not end with what it is quoted in."""
    quotes = {"one": "USD", "two": "EUR", "three": "USD"}
    found = {venue: even_book() for venue in quotes}
    report = stress_report(found, Decimal(1_000), SETTINGS, quotes=quotes)
    assert report.quote == "USD"
    assert report.compared == ("one", "three")


def test_a_crossed_book_and_one_that_is_missing_are_left_out_by_name() -> None:
    """Neither vanishes without a word."""
    report = report_of({"one": even_book(), "two": book_of({"11": "1"}, {"10": "1"})}, "1000")
    assert report.compared == ("one",)
    assert report.left_out == (
        ("three", "it has no book that can be believed now"),
        ("two", "its book is crossed"),
    )


def test_a_book_without_a_side_cannot_take_it_and_gives_no_mid() -> None:
    """The other side is known, but not against what it would slip."""
    report = report_of({"one": book_of({}, {"1001": "100"})}, "1000")
    assert report.sell.together is not None
    assert report.buy.together is not None
    assert report.sell.together.judged.safety is Safety.UNSAFE
    assert report.sell.split is None
    assert report.buy.together.judged.safety is Safety.UNKNOWN
    assert report.buy.together.judged.slippage is None
    assert report.buy.together.largest_safe is None


def test_a_venue_without_a_book_is_a_labelled_assumption_that_no_figure_is_made_of() -> None:
    """An assumption once passed for a measurement, and raised an incident on every run."""
    settings = StressSettings(
        assumed_liquidity={"two": Decimal(1_000_000), "one": Decimal(1), "four": Decimal(10**12)}
    )
    report = report_of({"one": even_book()}, "600000", settings)
    assert [(each.venue, each.safety) for each in report.assumed] == [
        ("four", Safety.SAFE),
        ("two", Safety.UNSAFE),
    ]
    assert report.compared == ("one",)
    assert [each.venue for each in report.buy.venues] == ["one"]
    none = report_of({}, "600000", settings)
    assert none.buy.together is None
    assert none.buy.split is None
    assert len(none.assumed) == 3


@pytest.mark.parametrize(
    ("liquidity", "share"), [("5000000", 0.0635), ("10000000", 0.0258), ("1000000", 0.515)]
)
def test_the_model_is_a_power_of_the_share_of_the_liquidity(liquidity: str, share: float) -> None:
    """Figures of the system that the model comes from, to the digits it gives."""
    found = assumed_slippage(Decimal(600_000), Decimal(liquidity), 1.3)
    assert found == pytest.approx(share, abs=0.0005)


@given(sizes, st.decimals("0", "1e9", places=2), st.floats(0.5, 3))
def test_the_model_never_loses_more_than_all_nor_less_than_nothing(
    size: Decimal, liquidity: Decimal, exponent: float
) -> None:
    """At any exponent, and of no liquidity at all."""
    assert 0 <= assumed_slippage(size, liquidity, exponent) <= 1


@given(books(), st.sampled_from(Taker), sizes)
def test_the_largest_safe_size_of_a_report_is_safe_and_one_unit_more_is_not(
    book: OrderBook, taker: Taker, size: Decimal
) -> None:
    """As the report itself judges them."""
    side = report_of({"one": book}, size).of(taker).together
    assert side is not None
    assert side.largest_safe is not None
    if side.largest_safe:
        again = report_of({"one": book}, side.largest_safe).of(taker).together
        assert again is not None
        assert again.judged.safety is Safety.SAFE
    if not side.largest_at_least:
        exponent = side.largest_safe.as_tuple().exponent
        assert isinstance(exponent, int)
        more = side.largest_safe + Decimal(1).scaleb(exponent)
        again = report_of({"one": book}, more).of(taker).together
        assert again is not None
        assert again.judged.safety is not Safety.SAFE


@pytest.mark.parametrize("size", ["0", "-1", "NaN", "Infinity", "1e300"])
def test_a_size_that_is_no_amount_is_refused(size: str) -> None:
    """Asked for by a person, it may be anything."""
    with pytest.raises(ValueError, match="must be above 0"):
        report_of({"one": even_book()}, size)


def test_a_quote_of_little_worth_has_enough_of_its_book_walked() -> None:
    """A hundred of one is one of the other: the walk is a hundred times as long in its own."""
    quotes, settings = {"one": "JPY"}, StressSettings(rates={"JPY": Decimal("0.01")})
    report = report_of({"one": even_book()}, "10000", settings, quotes=quotes)
    assert report.buy.together is not None
    assert report.buy.together.judged.slippage is not None
    assert report.buy.venues[0].average == pytest.approx(10.05, rel=0.001)


def test_a_high_fee_has_enough_of_the_book_walked() -> None:
    """What is left after it is less than what was taken."""
    settings = StressSettings(haircuts=(0.5, 0.95))
    # 295,000 of whole levels are three of them, of which 269,460 are left.
    report = report_of({"one": even_book()}, "14750", settings, fees={"one": 1_000.0})
    assert report.sell.together is not None
    assert report.sell.together.costs[-1].slippage is not None
    assert report.sell.together.costs[-1].slippage > 0.1


def test_what_is_only_shown_beyond_the_known_range_to_be_just_elevated_is_unknown() -> None:
    """It may be safe, and it may be no safe size: neither is said."""
    book = book_of({"990": "9"}, {"1010": "1", "1030": "9"})
    book.known_ask = Decimal(1_010)
    judged = report_of({"one": book}, "1020").buy.venues[0].side.judged
    assert (judged.slippage, judged.safety) == (0.02, Safety.UNKNOWN)
