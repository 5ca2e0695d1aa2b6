"""When the collector is told to look away."""

import gc

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.garbage import NOT_BEFORE, SETTLED, Freezer, freeze


def test_it_freezes_once_the_snapshots_have_settled() -> None:
    """Not in the middle of a start, and not again while nothing new was told."""
    frozen: list[int] = []
    freezer = Freezer(act=lambda: frozen.append(1))
    assert not freezer.look(0, 0)
    for second in range(5):
        assert not freezer.look(second + 1, second * SECOND)
    assert freezer.look(5, 4 * SECOND + SETTLED)
    assert not freezer.look(5, 60 * SECOND)
    assert len(frozen) == 1


def test_a_resync_is_frozen_too_but_not_every_second() -> None:
    """A book that is told anew again and again would have the collector run each time."""
    freezer = Freezer(act=lambda: None)
    freezer.look(1, 0)
    assert freezer.look(1, SETTLED)
    freezer.look(2, SETTLED + SECOND)
    assert not freezer.look(2, SETTLED + NOT_BEFORE - 1)
    assert freezer.look(2, SETTLED + NOT_BEFORE)


def test_what_is_frozen_is_not_looked_at_and_is_freed_all_the_same() -> None:
    """Reference counts do not ask the collector."""
    freed: list[int] = []

    class Told:
        def __del__(self) -> None:
            freed.append(1)

    held = [Told() for _ in range(1_000)]
    freeze()
    try:
        assert gc.get_freeze_count() >= 1_000
        held.clear()
        assert len(freed) == 1_000
    finally:
        gc.unfreeze()
