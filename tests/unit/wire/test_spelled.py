"""Levels in the venue's own spelling, held against a plain dictionary."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.side import Side
from tidegauge.wire.spelled import SpelledBook, read_changes

PRICES = ["10", "10.0", "10.10", "9.9", "11", "1e1", "0.5"]
SIZES = ["0", "0.00", "1", "1.0", "0.00005100"]
levels = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(SIZES)), max_size=8)


def test_the_best_levels_are_told_as_they_were_spelt() -> None:
    """Best first on either side, zeros at the end and all."""
    book = SpelledBook(read_changes([("9", "1.0"), ("9.50", "2")], [("11.0", "3"), ("10.5", "4")]))
    assert book.top(Side.BID, 5) == [("9.50", "2"), ("9", "1.0")]
    assert book.top(Side.ASK, 1) == [("10.5", "4")]


def test_two_spellings_of_one_price_are_one_level() -> None:
    """The newest spelling counts, and any spelling removes it."""
    book = SpelledBook(read_changes([("9.50", "2")], []))
    book.apply(read_changes([("9.5", "3")], []))
    assert book.top(Side.BID, 5) == [("9.5", "3")]
    book.apply(read_changes([("9.500", "0.000")], [("12", "0")]))
    assert book.top(Side.BID, 5) == book.top(Side.ASK, 5) == []


@pytest.mark.parametrize("bad", [("ten", "1"), ("10", "-1"), ("10", "NaN"), ("", "1")])
def test_what_is_no_number_is_refused_before_anything_changed(bad: tuple[str, str]) -> None:
    """Reading comes first, so that a frame is applied whole or not at all."""
    with pytest.raises(MalformedFrame):
        read_changes([("9", "1")], [bad])


@given(frames=st.lists(st.tuples(levels, levels), max_size=6), depth=st.sampled_from([1, 2, None]))
def test_it_is_a_sorted_dictionary_that_is_cut_after_every_frame(
    frames: list[tuple[list[tuple[str, str]], list[tuple[str, str]]]], depth: int | None
) -> None:
    """The same as a dictionary of prices, sorted and cut by hand."""
    book = SpelledBook(read_changes([], []), depth=depth)
    plain: dict[Side, dict[Decimal, tuple[str, str]]] = {side: {} for side in Side}
    for frame in frames:
        book.apply(read_changes(*frame))
        for side, changes in zip(Side, frame, strict=True):
            for price, size in changes:
                plain[side].pop(Decimal(price), None)
                if Decimal(size):
                    plain[side][Decimal(price)] = (price, size)
            best = sorted(plain[side], reverse=side is Side.BID)[:depth]
            plain[side] = {price: plain[side][price] for price in best}
    for side in Side:
        assert book.top(side, 99) == [*plain[side].values()]
