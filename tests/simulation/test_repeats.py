"""F-02: what comes twice, late or out of order costs no resync that nothing was missing for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.simulation.direct import Direct
from tests.support.simulation.loop import run_simulated
from tests.support.simulation.venues import FOUR

from tidegauge.core.events import FeedEventKind
from tidegauge.wire.protocol import BOOK_LINK

SYMBOLS = ("BTCUSDT", "ETHUSDT")
FRAMES = 25_000
"""Of each of the four venues: 100,000 in all."""


def repeat(direct: Direct, chance: random.Random, frames: int) -> int:
    """Hand on so many frames, half of them for a second or third time; return how many were."""
    told: list[str] = []
    repeated = 0
    for _ in range(frames):
        if told and chance.random() < 0.5:
            direct.hear(BOOK_LINK, chance.choice(told[-100:]))
            repeated += 1
            continue
        direct.server.move()
        said = direct.pipes[BOOK_LINK].said
        told = [*told, *said][-200:]
        direct.hand_on()
    return repeated


@pytest.mark.parametrize("venue", FOUR)
def test_frames_that_come_again_cost_no_resync(venue: str) -> None:
    """Half of 25,000 frames are old ones: no gap, no resync, and every state is the venue's."""

    async def run() -> None:
        direct = Direct(venue, SYMBOLS, 1)
        for name in direct.server.books:
            direct.server.move(name)
        direct.hand_on()
        assert direct.behind == []
        assert repeat(direct, random.Random(1), FRAMES) > FRAMES // 3
        counts = direct.feed.counts
        assert (counts.gaps, counts.resyncs, counts.malformed) == (0, 0, 0)
        assert direct.behind == []
        assert direct.witness.wrong == []

    run_simulated(run(), 1)


@given(
    venue=st.sampled_from(FOUR),
    orders=st.lists(st.permutations(range(4)), min_size=1, max_size=25),
    repeats=st.lists(st.integers(0, 20), max_size=25),
)
def test_frames_out_of_order_end_in_the_true_book(
    venue: str, orders: list[list[int]], repeats: list[int]
) -> None:
    """Whatever the order of what comes: no state that never was, and after a resync the truth."""

    async def run() -> None:
        direct = Direct(venue, SYMBOLS[:1], 1)
        (name,) = direct.server.books
        told: list[str] = []
        for order in orders:
            frames = []
            for _ in order:
                direct.server.move(name)
                frames.append(direct.pipes[BOOK_LINK].said.popleft())
            for place in order:
                direct.hear(BOOK_LINK, frames[place])
            told += frames
            if repeats:
                direct.hear(BOOK_LINK, told[-1 - min(repeats.pop(), len(told) - 1)])
        direct.hand_on()
        gaps = [event for event in direct.events if event.kind is FeedEventKind.GAP]
        in_order = all(order == sorted(order) for order in orders)
        assert not (in_order and gaps)
        assert direct.witness.wrong == []

    run_simulated(run(), 1)
