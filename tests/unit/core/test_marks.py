"""Sums up to a price, kept right as the price and the levels move."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.level import Mark, Side
from tidegauge.core.marks import move, sum_to
from tidegauge.core.side import BookSide

PRICES = st.integers(1, 400) | st.integers(1, 10**6)
CHANGES = st.lists(st.tuples(PRICES, st.integers(0, 50)), max_size=30)


def by_hand(side: BookSide, edge: int) -> tuple[int, int]:
    """Add up every level from the touch to a price."""
    inside = [level for level in side if (level.ticks - edge) * side.sign <= 0]
    return sum(each.lots for each in inside), sum(each.ticks * each.lots for each in inside)


@given(
    side=st.sampled_from(Side),
    edges=st.lists(PRICES, min_size=1, max_size=4),
    steps=st.lists(st.tuples(CHANGES, st.integers(0, 3), PRICES), max_size=6),
)
def test_a_mark_holds_what_lies_up_to_it_however_all_move(
    side: Side, edges: list[int], steps: list[tuple[list[tuple[int, int]], int, int]]
) -> None:
    """Levels change under the marks, and a mark walks a tick or a mile."""
    book = BookSide(side, scale=0)
    book.marks = [Mark(edge, 0, 0) for edge in edges]
    book.keep_marks()
    for changes, which, edge in steps:
        marks = book.marks
        book.set_all([(book.by_text[str(ticks)], lots) for ticks, lots in changes])
        for mark in marks:
            assert (mark.lots, mark.value) == by_hand(book, mark.edge)
        move(book, marks[which % len(marks)], edge)
        book.keep_marks()
        for mark in marks:
            assert (mark.lots, mark.value) == by_hand(book, mark.edge) == sum_to(book, mark.edge)
