"""How many snapshots a venue is asked for in a minute."""

from tests.unit.wire.test_joiner import delta, joiner, live, snapshot

from tidegauge.core.instrument import SECOND
from tidegauge.wire.joiner import SNAPSHOTS_A_MINUTE
from tidegauge.wire.protocol import Fetch, Output


def test_snapshots_are_rationed() -> None:
    """A start with many books, or a move of the whole market, must not get us banned."""
    names = [f"S{number}" for number in range(SNAPSHOTS_A_MINUTE + 5)]
    it = joiner(*names)
    asked: list[Output] = []
    for name in names:
        asked += it.follow(101, delta(101, name), 0)
    while asked and len(asked) < len(names):
        last = asked[-1]
        assert isinstance(last, Fetch)
        assert last.instrument is not None
        more = it.answered(snapshot(100, last.instrument), 0)[2:]
        if not more:
            break
        asked += more
    assert len(asked) == SNAPSHOTS_A_MINUTE
    assert it.ask(59 * SECOND) == []
    assert len(it.ask(61 * SECOND)) == 1


def test_refreshes_get_half_of_the_ration() -> None:
    """The other half is for books that nobody can read."""
    it = live()
    last = 100
    asked = 0
    for _ in range(SNAPSHOTS_A_MINUTE):
        it.refresh("A", 0)
        last += 1
        asked += len(it.follow(last, delta(last), 0)) - 1
        it.answered(snapshot(last), 0)
    # One of the minute's requests made the book live.
    assert asked == SNAPSHOTS_A_MINUTE // 2 - 1
