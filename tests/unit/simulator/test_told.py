"""What one channel tells of a generated book: changes that lead from one telling to the next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in

from tidegauge.core.instrument import MILLISECOND
from tidegauge.simulator.listing import listing
from tidegauge.simulator.market import MarketBook
from tidegauge.simulator.told import ToldBook


def market(seed: int = 1) -> MarketBook:
    return MarketBook(listing("okx", "BTCUSDT"), seed)


def apply(levels: dict[int, int], rows: list[tuple[int, int]]) -> dict[int, int]:
    changed = {**levels, **dict(rows)}
    return {tick: lots for tick, lots in changed.items() if lots}


@one_in(5)
@given(seed=st.integers(0, 5), depth=st.sampled_from([5, 400, None]), beats=st.integers(1, 20))
def test_changes_lead_from_one_telling_to_the_next(
    seed: int, depth: int | None, beats: int
) -> None:
    """What left the window is told as zero, what came into it as new; nothing else is held."""
    book = market(seed)
    told = ToldBook(book, depth)
    bids, asks = (dict(side) for side in told.whole())
    for beat in range(1, beats + 1):
        book.advance(beat * 100 * MILLISECOND)
        changes = told.advance()
        if changes is not None:
            bids, asks = apply(bids, changes[0]), apply(asks, changes[1])
        assert (bids, asks) == (told.bids, told.asks)
        assert [*told.whole()[0]] == sorted(bids.items(), reverse=True)
        assert depth is None or max(len(bids), len(asks)) <= depth


def test_ids_are_chained_and_stand_still_with_the_book() -> None:
    """Each telling names the one before it; where nothing changed there is no telling."""
    book = market()
    told = ToldBook(book)
    before = told.sequence
    assert told.advance() is None
    assert told.sequence == before
    for beat in range(1, 20):
        book.advance(beat * 100 * MILLISECOND)
        if told.advance() is not None:
            assert told.previous == before < told.sequence
            before = told.sequence


@pytest.mark.parametrize("restart", [1, 7])
def test_ids_can_begin_again_while_the_chain_holds(restart: int) -> None:
    """As after a venue's maintenance."""
    book = market()
    told = ToldBook(book)
    told.restart = restart
    last, seen = told.sequence, []
    for beat in range(1, 20):
        book.advance(beat * 100 * MILLISECOND)
        if told.advance() is not None:
            assert told.previous == last
            last = told.sequence
            seen.append(last)
    assert seen[0] == restart
    assert seen == sorted({*seen})
