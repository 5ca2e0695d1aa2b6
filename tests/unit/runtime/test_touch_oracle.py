"""A book held against the venue's own word on best bid and ask."""

from bisect import bisect_right
from collections import deque
from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.book import OrderBook
from tidegauge.core.events import BookDelta, BookTouch
from tidegauge.runtime.touch_oracle import TouchOracle


class Market:
    """A book of one bid and one ask, and its oracle."""

    def __init__(self) -> None:
        self.book = OrderBook(price_scale=0, size_scale=0, contract_value=Decimal(1))
        self.book.apply_snapshot([("10", "1"), ("9", "7")], [("11", "1")])
        self.oracle = TouchOracle()

    def update(self, id_: int, *bids: tuple[str, str]) -> None:
        self.book.apply_delta(bids, [])
        delta = BookDelta(instrument="X", bids=bids, asks=(), sequence=id_)
        self.oracle.applied(self.book, delta, f"line {id_}")

    def tell(self, id_: int, bid: str, size: str) -> None:
        self.oracle.told(BookTouch(instrument="X", bid=(bid, size), ask=("11", "1"), sequence=id_))

    @property
    def counts(self) -> tuple[int, int, int]:
        self.oracle.finish()
        return self.oracle.equal, self.oracle.compared, self.oracle.untold


def test_an_update_is_compared_with_the_last_touch_up_to_its_id() -> None:
    """Whether that was told before the update or after it."""
    market = Market()
    market.tell(4, "10", "1")
    market.update(5, ("10", "2"))  # waits for what may still be told up to 5
    market.tell(5, "10", "2")
    market.tell(6, "10", "3")
    market.tell(8, "10", "9")
    market.update(7, ("10", "3"))
    assert market.counts == (2, 2, 0)
    assert market.oracle.first is None


def test_what_lies_outside_the_stream_is_not_compared() -> None:
    """Before the first touch nothing is known, and after the last the next may tell of it."""
    market = Market()
    market.update(1, ("10", "5"))
    market.tell(4, "10", "1")
    market.update(3, ("10", "5"))
    market.update(9, ("10", "5"))
    assert market.counts == (0, 0, 0)


def test_another_size_at_the_touch_is_a_difference() -> None:
    """It names the line, what the venue told and what the book says."""
    market = Market()
    market.tell(4, "10", "1")
    market.update(5, ("10", "2"))
    market.tell(5, "10", "4")
    market.tell(9, "10", "4")
    assert market.counts == (0, 1, 0)
    assert str(market.oracle.first) == (
        "line 5, after update 5: expected the best bid and ask that the venue told at 5,"
        " 4 at 10 / 1 at 11, found 2 at 10 / 1 at 11"
    )


def test_a_level_that_came_and_went_untold_is_no_difference() -> None:
    """The stream's last word lies inside the update, which would tell of the level had it lasted."""
    market = Market()
    market.tell(4, "10", "1")
    market.update(5, ("9", "6"))
    market.tell(7, "10.5", "3")
    market.update(8, ("9", "5"))
    market.tell(9, "10", "1")
    market.update(9, ("9", "4"))
    market.tell(10, "10", "1")
    assert market.counts == (2, 3, 1)
    assert market.oracle.first is None


def test_a_difference_that_stays_is_one() -> None:
    """A level that the book never got: the next comparison shows it again."""
    market = Market()
    market.tell(4, "10", "1")
    market.update(5, ("9", "6"))
    for id_ in (7, 9, 11):
        market.tell(id_, "10.5", "3")
        market.update(id_ + 1, ("9", str(id_)))
    market.tell(20, "10", "1")
    assert market.counts[2] == 0
    assert str(market.oracle.first).startswith("line 8, after update 8")


def test_a_difference_at_the_very_end_stays_one() -> None:
    """Nothing takes it back."""
    market = Market()
    market.tell(4, "10", "1")
    market.update(5, ("9", "6"))
    market.tell(7, "10.5", "3")
    market.update(8, ("9", "5"))
    market.tell(9, "10", "1")
    assert market.counts == (1, 2, 0)
    assert market.oracle.first is not None


@given(
    updates=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=30),
    touches=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=30),
    order=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_the_counts_are_those_of_the_whole_recording(
    updates: list[tuple[int, int]], touches: list[tuple[int, int]], order: list[bool]
) -> None:
    """However the two streams lag each other; only what lies before the first touch is lost."""
    told, applied = _numbered(touches), _numbered(updates)
    market, waiting = Market(), [deque(told), deque(applied)]
    for touch_next in order:
        stream = waiting[not touch_next] or waiting[touch_next]
        if stream:
            id_, size = stream.popleft()
            if stream is waiting[0]:
                market.tell(id_, "10", str(size))
            else:
                market.update(id_, ("10", str(size)))
    ids = [id_ for id_, _ in told]
    expected = [
        told[bisect_right(ids, id_) - 1][1] == size
        for id_, size in applied
        if ids[0] <= id_ <= ids[-1]
    ]
    equal, compared, untold = market.counts
    assert (equal, compared) == (sum(expected), len(expected))
    assert untold == 0
    assert (market.oracle.first is None) is all(expected)


def _numbered(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turn (step, size) into (id, size)."""
    ids = accumulate(step for step, _ in steps)
    return list(zip(ids, (size for _, size in steps), strict=True))
