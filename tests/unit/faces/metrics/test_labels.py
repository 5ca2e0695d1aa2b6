"""Label values are short and printable, and stay apart."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.faces.metrics.labels import LONGEST, clean, size


def test_an_ordinary_name_is_itself() -> None:
    """Nobody should have to look twice."""
    assert clean("BTCUSDT") == "BTCUSDT"
    assert clean("1000PEPE-USDT") == "1000PEPE-USDT"


@given(st.text(max_size=200), st.text(max_size=200))
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    """However long or strange they are: two series of one name would spoil the whole scrape."""
    shown = clean(one)
    assert len(shown) <= LONGEST
    assert shown.isprintable()
    shown.encode()
    if one != other:
        assert shown != clean(other)


def test_two_long_names_with_one_beginning_stay_apart() -> None:
    """What was cut off is in the digest."""
    one, other = "X" * 1000 + "1", "X" * 1000 + "2"
    assert clean(one) != clean(other)
    assert clean(one).startswith("XXXX")


@pytest.mark.parametrize(
    ("amount", "text"), [("1E+6", "1000000"), ("10000.00", "10000"), ("0.50", "0.5")]
)
def test_a_size_is_written_one_way(amount: str, text: str) -> None:
    """A rule that asks for 1000000 must find it however the settings spell it."""
    assert size(Decimal(amount)) == text
