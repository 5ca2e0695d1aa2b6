"""The sizes of a curve are round, rise by a like factor, and end where the books end."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime.window.pricing import LEAST_CURVE, sizes_of


@given(st.decimals("0.01", "1e9", places=2), st.integers(2, 200))
def test_the_sizes_of_a_curve_rise_and_are_round(largest: Decimal, points: int) -> None:
    """And go hardly beyond what there is."""
    sizes = sizes_of(largest, points)
    assert sizes
    assert len(sizes) <= points
    assert list(sizes) == sorted(set(sizes))
    assert all(size > 0 and len(size.normalize().as_tuple().digits) <= 2 for size in sizes)
    assert sizes[-1] <= largest * Decimal("1.1")


def test_a_curve_begins_small_and_ends_with_all_there_is() -> None:
    """From a thousand on."""
    sizes = sizes_of(Decimal(5_000_000), 40)
    assert (sizes[0], sizes[-1]) == (LEAST_CURVE, Decimal(5_000_000))


def test_without_a_book_there_is_no_curve() -> None:
    """No sizes at all."""
    assert sizes_of(Decimal(0), 40) == ()
