"""Numbers stay exact from the wire to the sum."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.exact import from_units, is_amount, parse, plain, to_units

NOT_NUMBERS = [
    "", " ", "NaN", "sNaN", "nan123", "inf", "Infinity", "-Infinity", "1e999", "1e999999999",
    "1e-999999999", "-1", "-0", "-0.0", "1_000", "1,000", "1 000", " 1", "1 ", "1\n", "\t1", "0x10",
    "١", "1٫5", "１", "1.2.3", "--1", "1e", "e5", ".", "1000000000000000001", "1e19",  # noqa: RUF001
    "9" * 61, "0." + "0" * 60 + "1", "null", "True", "1\x00", "\ufeff1", "+", "1e5000",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_no_market_quotes_is_refused(text: str) -> None:
    """NaN, infinities, signs, spaces, other scripts' digits, absurd sizes: one documented error."""
    with pytest.raises(MalformedFrame):
        parse(text)


@pytest.mark.parametrize("value", [None, 1.5, [], {}, (1, 2, 3), (0, (1,), 2), b"1", True, 7])
def test_what_is_not_text_is_refused(value: object) -> None:
    """JSON may hold anything where a price should be; Decimal itself accepts much of it."""
    with pytest.raises(MalformedFrame):
        parse(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["0", "0.00", "1", "+1", "00012.50", ".5", "5.", "15e-1", "1E+3", "1e18"]
)
def test_every_plain_spelling_is_read_as_it_stands(text: str) -> None:
    """Exponent form, leading and trailing zeros are what venues really send."""
    assert parse(text) == Decimal(text)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_malformed_frame(text: str) -> None:
    """Nothing else escapes, and what is accepted is finite, in range and not negative."""
    try:
        value = parse(text)
    except MalformedFrame:
        return
    assert value.is_finite()
    assert 0 <= value <= 10**18
    assert text.isascii()


@given(st.integers(min_value=0, max_value=10**40), st.integers(min_value=0, max_value=18))
def test_units_and_decimals_are_the_same_number(units: int, scale: int) -> None:
    """From integer to Decimal and back loses nothing, at any size."""
    assert to_units(from_units(units, scale), scale) == units


@given(st.decimals(min_value=0, max_value=10**18, allow_nan=False, allow_infinity=False, places=12))
def test_a_digit_that_would_be_lost_is_told(value: Decimal) -> None:
    """A scale too coarse gives None, never a rounded number."""
    units = to_units(value, 3)
    assert (units is None) == (value != value.quantize(Decimal("0.001")))
    assert units is None or from_units(units, 3) == value


@pytest.mark.parametrize("text", ["0", "-250000", "1e18", "0.000000000000000001"])
def test_what_a_person_may_mean_is_an_amount(text: str) -> None:
    """Of either sign: an exposure may be short."""
    assert is_amount(Decimal(text))


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1.1e18", "1e-9999"])
def test_what_nothing_exact_can_be_calculated_with_is_no_amount(text: str) -> None:
    """Nor is a number whose digits would have to be dropped."""
    assert not is_amount(Decimal(text))


@pytest.mark.parametrize(
    ("written", "told"),
    [("1E+6", "1000000"), ("995.7480000", "995.748"), ("-0.10", "-0.1"), ("0E-8", "0"), ("7", "7")],
)
def test_a_number_is_told_without_exponent_and_idle_zeros(written: str, told: str) -> None:
    """It stays the same number."""
    assert str(plain(Decimal(written))) == told
    assert plain(Decimal(written)) == Decimal(written)
