"""One side of a book: order, spellings, and what it forgets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.side import FAR, BookSide, Side
from tidegauge.core.soundness import check_side


def filled(side: Side) -> BookSide:
    book_side = BookSide(side, scale=2)
    spelt = book_side.by_text
    book_side.set_all([(spelt["1.00"], 5), (spelt["1.02"], 7), (spelt["1.01"], 6)])
    return book_side


def test_bids_are_walked_down_and_asks_up() -> None:
    """The best level comes first, whichever order they came in."""
    assert [each.ticks for each in filled(Side.BID)] == [102, 101, 100]
    assert [each.ticks for each in filled(Side.ASK)] == [100, 101, 102]


def test_best_and_worst_are_the_ends() -> None:
    """Of an empty side there is neither."""
    bids = filled(Side.BID)
    assert (str(bids.best()), str(bids.worst())) == ("1.02", "1.00")
    assert (BookSide(Side.ASK, 2).best(), BookSide(Side.ASK, 2).worst()) == (None, None)


def test_zero_takes_a_level_out_and_taking_out_what_is_not_there_is_normal() -> None:
    """A delete may speak of a level that was never told."""
    asks = filled(Side.ASK)
    gone = next(iter(asks))
    asks.set_all([(gone, 0), (gone, 0), (asks.by_text["9"], 0)])
    assert [each.ticks for each in asks] == [101, 102]


def test_replacing_a_side_keeps_its_spellings() -> None:
    """A snapshot takes every level out; the prices will be told again."""
    bids = filled(Side.BID)
    bids.replace([])
    assert len(bids) == 0
    assert bids.touch is None
    assert set(bids.by_text) == {"1.00", "1.02", "1.01"}
    assert all(not known.lots for known in bids.by_text.values())
    check_side(bids, 2)


@pytest.mark.parametrize("side", list(Side))
def test_the_buckets_move_along_when_the_price_walks_away(side: Side) -> None:
    """A price that runs to a tenth and to tenfold finds its sums right everywhere."""
    walked = BookSide(side, scale=2)
    prices = [round(100 * 1.01**step, 2) for step in range(-230, 231, 3)]
    for price in (*prices, *reversed(prices)):
        walked.set_all([(level, 0) for level in walked.nearest(1_000)])
        about = [
            walked.by_text[f"{price * (1 + bps / 10_000):.2f}"] for bps in range(-900, 901, 60)
        ]
        walked.set_all([(level, 3) for level in about])
        assert walked.touch is not None
        assert walked.touch.bucket != FAR
        check_side(walked, 2)


@given(
    st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 9)), max_size=60),
    st.sampled_from(Side),
)
def test_the_sums_are_those_of_the_levels_whatever_was_changed(
    changes: list[tuple[int, int]], side: Side
) -> None:
    """Prices from one tick to ten million of them, so that most lie far from the touch."""
    book_side = BookSide(side, scale=0)
    for ticks, lots in changes:
        book_side.set_all([(book_side.by_text[str(ticks)], lots)])
        check_side(book_side, 0)
    assert sum(book_side.lots_in) == sum(level.lots for level in book_side)
