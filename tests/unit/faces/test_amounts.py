"""Amounts as people write them are read exactly; what is no number is None, never an exception."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.faces.amounts import scaled


@pytest.mark.parametrize(
    ("text", "number"),
    [("250000", "250000"), ("250k", "250000"), ("1.5M", "1500000"), ("-2K", "-2000"), ("0", "0")],
)
def test_an_amount_is_read_exactly(text: str, number: str) -> None:
    """In thousands and millions, of either case."""
    assert scaled(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "k", "ten", "1.5MM", "1e999999k", "1,000"])
def test_what_is_no_number_is_none(text: str) -> None:
    """One that is too large to be multiplied among them."""
    assert scaled(text) is None


@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    """Whatever somebody types."""
    found = scaled(text)
    assert found is None or isinstance(found, Decimal)
