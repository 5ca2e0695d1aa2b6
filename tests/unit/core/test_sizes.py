"""Size text to lots, whatever a contract is worth, and no more memory than was promised."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.exact import EXACT, to_units
from tidegauge.core.level import FinerScale
from tidegauge.core.sizes import KEEP_SIZES, SizeTable, sizes_of

VALUES = st.sampled_from([Decimal(each) for each in ("1", "100", "0.01", "0.0001", "2.5")])


@given(
    size=st.decimals(0, 10**9, places=6, allow_nan=False),
    value=VALUES,
    scale=st.integers(0, 12),
    spelt=st.sampled_from(["{:f}", "{:.10f}", "0{:f}", "{:e}"]),
)
def test_a_size_is_its_text_times_the_contract_or_too_fine(
    size: Decimal, value: Decimal, scale: int, spelt: str
) -> None:
    """The short way of reading plain text gives what `Decimal` gives, to the last digit."""
    text = spelt.format(size)
    expected = to_units(EXACT.multiply(Decimal(text), value), scale)
    table = SizeTable(scale, value)
    if expected is None:
        with pytest.raises(FinerScale):
            table[text]
        assert not table
    else:
        assert table[text] == expected


def test_books_of_one_scale_share_what_was_read() -> None:
    """A thousand books must not each remember that 0.001 is one lot."""
    one, other = sizes_of(3, Decimal(1)), sizes_of(3, Decimal("1.0"))
    assert one is other
    assert sizes_of(3, Decimal(10)) is not one


def test_size_texts_are_forgotten_when_there_are_too_many() -> None:
    """The memory of sizes is bounded."""
    table = SizeTable(0, Decimal(1))
    for each in range(KEEP_SIZES + 10):
        assert table[str(each)] == each
    assert 0 < len(table) <= KEEP_SIZES


@pytest.mark.parametrize("text", ["-1", "NaN", "", "1 ", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    """And not remembered."""
    table = SizeTable(3, Decimal(1))
    with pytest.raises(MalformedFrame):
        table[text]
    assert not table
