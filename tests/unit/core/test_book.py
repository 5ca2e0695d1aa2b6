"""The book is exact, sorted, says how far it is known, and can audit itself."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.side import Side

Text = tuple[str, str]


def book(bids: Sequence[Text] = (), asks: Sequence[Text] = (), **limits: int) -> OrderBook:
    """Return a book after one snapshot."""
    made = OrderBook()
    made.apply_snapshot(bids, asks, **limits)
    return made


def test_a_new_book_is_empty_and_not_crossed() -> None:
    """No touch is None, never zero."""
    empty = OrderBook()
    assert empty.best_bid is None
    assert empty.best_ask is None
    assert empty.bids.worst() is None
    assert not empty.crossed
    empty.check()


@pytest.mark.parametrize(
    ("bid", "ask", "crossed"), [("9", "10", False), ("10", "10.0", True), ("11", "10", True)]
)
def test_a_locked_book_counts_as_crossed(bid: str, ask: str, crossed: bool) -> None:
    """Neither may be quoted (signals.md section 1)."""
    assert book([(bid, "1")], [(ask, "1")]).crossed is crossed


def test_one_price_in_two_spellings_is_one_level() -> None:
    """A removal written 1.50 removes what was written 1.5."""
    made = book([("1.5", "3")])
    made.apply_delta([("15e-1", "4")], [])
    assert made.top(Side.BID, 5) == [(Decimal("1.5"), Decimal(4))]
    made.apply_delta([("1.50", "0")], [])
    assert len(made.bids) == 0


def test_the_last_word_of_a_frame_on_a_price_counts() -> None:
    """A frame may name a price twice, in two spellings."""
    made = book([("1", "1")])
    made.apply_delta([("1", "2"), ("1.0", "0"), ("1.00", "5")], [])
    assert made.top(Side.BID, 2) == [(Decimal(1), Decimal(5))]


def test_a_finer_price_refines_the_book_and_loses_nothing() -> None:
    """A venue may change its tick; levels of the coarser scale stay what they were."""
    made = OrderBook(price_scale=0, size_scale=0)
    made.apply_snapshot([("10", "7")], [])
    made.apply_delta([("10.0625", "0.125")], [])
    assert (made.price_scale, made.size_scale) == (4, 3)
    assert made.top(Side.BID, 2) == [
        (Decimal("10.0625"), Decimal("0.125")),
        (Decimal(10), Decimal(7)),
    ]
    assert [level.ticks for level in made.bids] == [100625, 100000]
    made.check()


def test_contracts_are_kept_as_base_units_exactly() -> None:
    """More digits than a default Decimal context holds: none is rounded away."""
    size, value = "123456789012345678.12345678", Decimal("0.0000000001")
    made = OrderBook(contract_value=value)
    made.apply_snapshot([("1", size)], [])
    (level,) = made.bids
    assert made.size(level) == Decimal("12345678.901234567812345678")
    whole = OrderBook()
    whole.apply_snapshot([("1", "999999999999999999.999999999999999999")], [])
    (level,) = whole.bids
    assert str(whole.size(level)) == "999999999999999999.999999999999999999"


def test_more_decimals_than_any_market_has_are_refused() -> None:
    """And the scale stays: one mad frame must not make every later sum slower."""
    made = book([("1", "1")])
    with pytest.raises(MalformedFrame, match="18 decimals"):
        made.apply_delta([("1", "0." + "0" * 18 + "1")], [])
    with pytest.raises(MalformedFrame, match="price of zero"):
        made.apply_delta([], [("0.0", "1")])
    assert (made.price_scale, made.size_scale) == (2, 8)


class TestKnownRange:
    """How far from the touch the book can be believed."""

    def test_a_snapshot_shorter_than_asked_for_is_the_whole_side(self) -> None:
        """The venue had no more to give."""
        made = book([("9", "1"), ("8", "1")], [("10", "1")], limit=2)
        assert made.known_limit(Side.BID) == 8
        assert made.known_limit(Side.ASK) is None

    def test_levels_beyond_a_snapshot_do_not_widen_what_is_known(self) -> None:
        """They arrive only as they change."""
        made = book([("9", "1"), ("8", "1")], limit=2)
        made.apply_delta([("5", "1")], [])
        assert made.known_limit(Side.BID) == 8

    @pytest.mark.parametrize("side", Side)
    def test_pruning_narrows_and_never_widens(self, side: Side) -> None:
        """What is kept may reach beyond the snapshot; knowledge does not."""
        ladder = [(str(price), "1") for price in (11, 12, 13, 14, 15)]
        if side is Side.BID:
            ladder = [(str(price), "1") for price in (9, 8, 7, 6, 5)]
        near, far = ladder[:2], ladder[2:]
        sides = (near, []) if side is Side.BID else ([], near)
        made = book(*sides, limit=2)
        made.apply_delta(*((far, []) if side is Side.BID else ([], far)))
        assert made.prune(4) == 1
        assert made.known_limit(side) == Decimal(near[1][0])
        assert made.prune(1) == 1 + 2
        assert made.known_limit(side) == Decimal(near[0][0])
        assert made.prune(1) == 0

    def test_pruning_a_wholly_known_book_leaves_an_edge(self) -> None:
        """What was dropped is no longer known."""
        made = book([("9", "1"), ("8", "1")])
        assert made.known_limit(Side.BID) is None
        made.prune(1)
        assert made.known_limit(Side.BID) == 9
        assert made.known_limit(Side.ASK) is None

    def test_a_window_moves_with_the_book(self) -> None:
        """The venue keeps its best levels: the worst one held is the edge, until it is not full."""
        made = book([("9", "1"), ("8", "1")], window=2)
        assert made.known_limit(Side.BID) == 8
        made.apply_delta([("10", "1")], [])
        assert made.known_limit(Side.BID) == 9
        assert len(made.bids) == 2
        made.apply_delta([("9", "0")], [])
        assert made.known_limit(Side.BID) is None

    def test_a_touch_that_falls_through_a_full_window_reveals_nothing_beyond_it(self) -> None:
        """Fewer levels than the window, yet not the whole side: the venue sent only its best."""
        made = book([("9", "1"), ("8", "1"), ("7", "1")], window=3)
        made.apply_touch(("8", "2"), None)
        assert made.top(Side.BID, 5) == [(Decimal(8), Decimal(2)), (Decimal(7), Decimal(1))]
        assert made.known_limit(Side.BID) == 7
        made.apply_snapshot([("8", "1")], [], window=3)
        assert made.known_limit(Side.BID) is None


def test_a_touch_drops_what_would_be_better() -> None:
    """The touch is newer than the rest; None empties the side."""
    made = book([("9", "1"), ("8", "1")], [("10", "1"), ("11", "1")])
    made.apply_touch(("8.5", "2"), ("11", "5"))
    assert made.top(Side.BID, 5) == [(Decimal("8.5"), Decimal(2)), (Decimal(8), Decimal(1))]
    assert made.top(Side.ASK, 5) == [(Decimal(11), Decimal(5))]
    made.apply_touch(None, ("11", "5"))
    assert made.best_bid is None


def test_spellings_of_prices_that_left_are_forgotten() -> None:
    """A book that runs for months does not remember every price it ever had."""
    made = book([("1", "1")])
    for price in range(2, 20_000):
        made.apply_delta([(str(price), "1")], [])
        made.apply_delta([(str(price), "0")], [])
    assert len(made.bids.by_text) < 5_000
    assert made.top(Side.BID, 2) == [(Decimal(1), Decimal(1))]
    made.check()


def _told(limit: int | None = 3, window: int | None = None) -> OrderBook:
    book = OrderBook()
    bids = [("99", "1"), ("98", "1"), ("97", "1")]
    asks = [("101", "1"), ("102", "1"), ("103", "1")]
    book.apply_snapshot(bids, asks, limit=limit, window=window)
    return book


def test_the_reach_is_the_nearer_known_edge_and_falls_below_zero_beyond_it() -> None:
    """A price that left what is known is not as good as one in the middle of it."""
    book = _told()
    reaches = [book.reach_bps()]
    for fallen in ("98", "97", "94", "90"):
        lower = [(str(price), "0") for price in range(int(fallen) + 2, 100)]
        book.apply_delta([*lower, (fallen, "1")], [(str(int(fallen) + 1), "1")])
        reaches.append(book.reach_bps())
    found = [reach for reach in reaches if reach is not None]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(300)
    assert found[-1] < 0


def test_a_side_that_ran_empty_of_what_is_known_reaches_nowhere() -> None:
    """What lies beyond was never told: the side is not empty, it is unknown."""
    book = _told()
    book.apply_delta([("99", "0"), ("98", "0"), ("97", "0")], [])
    assert book.reach_bps() == 0


def test_a_book_that_is_wholly_known_or_kept_to_a_window_has_no_reach() -> None:
    """There is nothing to be told anew."""
    assert _told(limit=None).reach_bps() is None
    assert _told(limit=None, window=3).reach_bps() is None


@pytest.mark.parametrize(("bid", "known"), [("99.01", "98"), ("99.5", "99.5"), ("98", "98")])
def test_a_touch_far_ahead_of_the_book_is_all_that_is_known(bid: str, known: str) -> None:
    """What lies between the old best and a touch 50 bps better was never told; one 1 bps better
    leaves no gap worth the name, and a worse one cuts what was told."""
    book = _told(limit=None, window=3)
    book.apply_touch((bid, "1"), ("101", "1"))
    if bid == "98":
        assert book.known_limit(Side.BID) == Decimal(97)
    else:
        assert book.known_limit(Side.BID) == Decimal(known)
    assert book.known_limit(Side.ASK) == Decimal(103)


def test_the_next_snapshot_fills_the_gap_a_touch_left() -> None:
    """Then everything is told again."""
    book = _told(limit=None, window=3)
    book.apply_touch(("99.5", "1"), ("101", "1"))
    levels = [("99.5", "1"), ("99.4", "1"), ("99.3", "1")]
    book.apply_snapshot(levels, [("101", "1")], window=3)
    assert book.known_limit(Side.BID) == Decimal("99.3")


def test_a_known_edge_whose_level_was_forgotten_is_restated_when_the_scale_is_refined() -> None:
    """Else the book would seem to be known ten times as far as it is."""
    made = OrderBook(price_scale=1, size_scale=0)
    bids = [(f"{1000 - step}.5", "1") for step in range(5)]
    asks = [(f"{1010 + step}.5", "1") for step in range(5)]
    made.apply_snapshot(bids, asks, limit=5)
    made.apply_delta([("996.5", "0")], [("1014.5", "0")])
    for price in range(1, 900):  # so many that what left is forgotten
        made.apply_delta([(str(price), "1")], [(str(price + 2000), "1")])
        made.apply_delta([(str(price), "0")], [(str(price + 2000), "0")])
    assert "996.5" not in made.bids.by_text
    made.apply_delta([("999.25", "1")], [])
    assert (made.known_ticks(Side.BID), made.known_ticks(Side.ASK)) == (99650, 101450)
