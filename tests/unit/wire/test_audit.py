"""A REST answer of any instant of the window agrees; a level that was never so does not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.side import Side
from tidegauge.wire import audit
from tidegauge.wire.audit import BookAudit

Sizes = dict[int, int]
WINDOW = 12
bids = st.dictionaries(st.integers(1, 40), st.integers(0, 5), max_size=6)
asks = st.dictionaries(st.integers(60, 99), st.integers(0, 5), max_size=6)


def text(sizes: Sizes) -> list[tuple[str, str]]:
    return [(str(price), str(size)) for price, size in sizes.items()]


def delta(changed_bids: Sizes, changed_asks: Sizes) -> BookDelta:
    return BookDelta(instrument="AAA", bids=text(changed_bids), asks=text(changed_asks), sequence=1)


def snapshot(all_bids: Sizes, all_asks: Sizes, *, limit: int | None = None) -> BookSnapshot:
    """What REST tells of the truth: the best `limit` levels a side, in another spelling."""
    best = sorted(((price, size) for price, size in all_bids.items() if size), reverse=True)
    least = sorted((price, size) for price, size in all_asks.items() if size)
    spelt = [
        [(f"{price}.00", f"{size}.0") for price, size in side[:limit]] for side in (best, least)
    ]
    return BookSnapshot(instrument="AAA", bids=spelt[0], asks=spelt[1], sequence=0, limit=limit)


class Kept:
    """A book that follows the truth, and the truth of every instant since the audit began."""

    def __init__(self, all_bids: Sizes, all_asks: Sizes, *, limit: int | None) -> None:
        self.truth = ({**all_bids}, {**all_asks})
        self.book = OrderBook(contract_value=Decimal("0.1"))
        told = snapshot(all_bids, all_asks, limit=limit)
        self.book.apply_snapshot(told.bids, told.asks, limit=limit)
        self.audit = BookAudit(self.book)
        self.instants = [self._now()]

    def _now(self) -> tuple[Sizes, Sizes]:
        return ({**self.truth[0]}, {**self.truth[1]})

    def change(self, changed_bids: Sizes, changed_asks: Sizes, *, keep: int | None) -> None:
        self.truth[0].update(changed_bids)
        self.truth[1].update(changed_asks)
        change = delta(changed_bids, changed_asks)
        self.audit.before(change)
        self.book.apply_delta(change.bids, change.asks)
        if keep is not None:
            self.book.prune(keep)
        self.instants.append(self._now())


@given(
    before=st.tuples(bids, asks),
    changes=st.lists(st.tuples(bids, asks), max_size=8),
    limits=st.tuples(st.none() | st.integers(1, 8), st.none() | st.integers(1, 8)),
    keep=st.none() | st.integers(1, 8),
    when=st.integers(0, 8),
)
def test_a_rest_answer_of_any_instant_agrees(
    before: tuple[Sizes, Sizes],
    changes: list[tuple[Sizes, Sizes]],
    limits: tuple[int | None, int | None],
    keep: int | None,
    when: int,
) -> None:
    """Whatever each of the two knows, however levels are spelt, and whatever changed meanwhile."""
    kept = Kept(*before, limit=limits[0])
    for change in changes:
        kept.change(*change, keep=keep)
    told = kept.instants[min(when, len(changes))]
    assert kept.audit.compare(snapshot(*told, limit=limits[1])).different == {}


@given(
    before=st.tuples(bids, asks),
    changes=st.lists(st.tuples(bids, asks), max_size=4),
    price=st.integers(1, 40),
    wrong=st.integers(6, 9),
)
def test_a_size_that_the_book_never_had_differs(
    before: tuple[Sizes, Sizes], changes: list[tuple[Sizes, Sizes]], price: int, wrong: int
) -> None:
    """Exactly that level, with both sizes; also one that is in one of the two only."""
    kept = Kept(*before, limit=None)
    for change in changes:
        kept.change(*change, keep=None)
    true_bids, true_asks = kept.instants[-1]
    ours = Decimal(true_bids.get(price, 0)) / 10
    found = kept.audit.compare(snapshot({**true_bids, price: wrong}, true_asks)).different
    assert found == {(Side.BID, Decimal(price)): (ours, Decimal(wrong) / 10)}


def test_only_what_both_know_is_compared() -> None:
    """Behind the last level of the shorter one nothing is said."""
    kept = Kept({10: 1, 9: 1, 8: 1}, {90: 1, 91: 1, 92: 1}, limit=3)
    told = snapshot({10: 1, 9: 1, 7: 5}, {90: 1, 91: 1, 95: 5}, limit=2)
    compared = kept.audit.compare(told)
    assert (compared.levels, compared.different) == (4, {})


def test_of_a_book_told_whole_the_best_levels_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tens of thousands would take a second; a side that has fewer is compared to its end."""
    monkeypatch.setattr(audit, "MOST_COMPARED", 2)
    bid, ask = {40: 1, 39: 1, 38: 1, 37: 1}, {60: 1}
    kept = Kept(bid, ask, limit=None)
    found = kept.audit.compare(snapshot({**bid, 37: 9}, ask))
    assert (found.levels, found.different) == (3, {})
    assert len(kept.audit.compare(snapshot({**bid, 39: 9, 37: 9}, ask)).different) == 1
    assert len(kept.audit.compare(snapshot({40: 1, 38: 1, 37: 1}, {60: 1, 61: 1})).different) == 2


def test_a_book_kept_to_a_window_by_its_venue_is_compared_within_it() -> None:
    """What fell out of a full window is not missed."""
    book = OrderBook()
    book.apply_snapshot([(str(price), "1") for price in range(20, 8, -1)], [], window=WINDOW)
    audit = BookAudit(book)
    change = delta({21: 1}, {})
    audit.before(change)
    book.apply_delta(change.bids, change.asks)
    told = snapshot(dict.fromkeys(range(1, 22), 1), {})
    compared = audit.compare(told)
    assert compared.different == {}
    assert compared.levels == WINDOW


def test_a_difference_lasts_only_where_we_were_told_nothing() -> None:
    """A level that changed between two audits was told of; the answer was an old one."""
    kept = Kept({10: 1, 9: 1}, {90: 1}, limit=None)
    first = kept.audit.compare(snapshot({10: 7, 9: 8}, {90: 1}))
    kept.change({10: 3}, {}, keep=None)
    later = BookAudit(kept.book).compare(snapshot({10: 7, 9: 8}, {90: 1}))
    assert len(first.different) == len(later.different) == 2
    assert first.lasting(later) == 1


def test_an_answer_with_a_number_no_market_has_is_refused() -> None:
    """The book is not touched by it."""
    kept = Kept({10: 1}, {90: 1}, limit=None)
    told = BookSnapshot(instrument="AAA", bids=[("10", "NaN")], asks=[], sequence=0)
    with pytest.raises(MalformedFrame):
        kept.audit.compare(told)


def test_an_update_the_book_refuses_is_no_part_of_it() -> None:
    """The audit does not stumble over what the book is about to refuse."""
    kept = Kept({10: 1}, {90: 1}, limit=None)
    kept.audit.before(BookDelta(instrument="AAA", bids=[("x", "1")], asks=[], sequence=1))
    assert kept.audit.compare(snapshot({10: 1}, {90: 1})).different == {}
