"""Sizes as people write them, and what is none of them."""

from decimal import Decimal

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.look.command import size_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000000", "1000000"),
        ("1_000_000", "1000000"),
        ("1,000,000", "1000000"),
        ("250k", "250000"),
        ("1.5M", "1500000"),
        (" 0.01 ", "0.01"),
    ],
)
def test_a_size_is_read_as_people_write_it(text: str, size: str) -> None:
    """With separators, with k and M."""
    assert size_of(text) == Decimal(size)


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "k", "NaN", "Infinity", "1e-61", "ten", "1.5MM", "\0"]
)
def test_what_is_no_size_is_refused_with_how_to_write_it(text: str) -> None:
    """Absurd ones, too."""
    with pytest.raises(OperatorError, match="1\\.5M"):
        size_of(text)


@pytest.mark.parametrize("text", ["1e99", "1000000000000001"])
def test_a_size_that_is_too_large_is_told_the_largest(text: str) -> None:
    """It is an amount, though nobody has it."""
    with pytest.raises(OperatorError, match="1,000,000,000,000,000 at most"):
        size_of(text)
