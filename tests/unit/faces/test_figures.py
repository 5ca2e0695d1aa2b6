"""How numbers are written for people."""

from decimal import Decimal

import pytest

from tidegauge.core.instrument import MILLISECOND, SECOND
from tidegauge.faces import figures


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Decimal(0), "0"),
        (Decimal(999), "999"),
        (Decimal(1_234), "1.23k"),
        (Decimal(2_340_000), "2.34M"),
        (5.6e9, "5.6B"),
        (Decimal(-1_500), "-1.5k"),
        (None, "-"),
    ],
)
def test_amounts_are_short_and_have_their_unit(amount: Decimal | None, written: str) -> None:
    """Three digits tell an amount; what is unknown is a dash, never a zero."""
    assert figures.money(amount) == written


@pytest.mark.parametrize(
    ("price", "written"),
    [
        ("63938.55000000", "63,938.55"),
        ("0.00001230", "0.0000123"),
        ("6.4E+4", "64,000"),
        ("100", "100"),
    ],
)
def test_a_price_keeps_every_digit_that_counts(price: str, written: str) -> None:
    """Zeros at the end say nothing; an exponent is no way to quote."""
    assert figures.price(Decimal(price)) == written


def test_what_is_unknown_is_a_dash() -> None:
    """Unknown is None inside and a dash outside."""
    assert {figures.price(None), figures.bps(None), figures.ratio(None), figures.age(None)} == {"-"}


def test_spans_are_milliseconds_then_seconds() -> None:
    """A feed's age is told in the unit that fits it."""
    assert figures.age(51 * MILLISECOND) == "51ms"
    assert figures.age(2_500 * MILLISECOND) == "2.5s"


def test_instants_are_told_in_utc() -> None:
    """Everybody on the desk reads the same clock."""
    assert figures.clock(1_786_310_818 * SECOND) == "21:26:58"


def test_ratios_always_show_their_sign() -> None:
    """An imbalance leans one way or the other."""
    assert (figures.ratio(0.5), figures.ratio(-0.25)) == ("+0.50", "-0.25")


def test_what_a_venue_says_cannot_steer_the_terminal() -> None:
    """Escape sequences are shown, not obeyed."""
    assert figures.printable("HTTP 403\x1b[2J\n") == "HTTP 403\\x1b[2J\\n"


def test_an_amount_of_base_keeps_three_digits() -> None:
    """A thousand contracts or a thousandth of a coin."""
    assert figures.amount(Decimal("0.00123456")) == "0.00123"
    assert figures.amount(Decimal("80123.456")) == "80.1k"
    assert figures.amount(None) == figures.UNKNOWN


def test_a_funding_rate_has_its_sign_and_four_decimals() -> None:
    """As venues print it; unknown is a dash."""
    assert figures.percent(0.0001) == "+0.0100%"
    assert figures.percent(-0.00125) == "-0.1250%"
    assert figures.percent(None) == figures.UNKNOWN
