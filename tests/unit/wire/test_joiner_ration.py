"""How many snapshots live books may wish for in a minute."""

from tests.unit.wire.test_joiner import delta, joiner, snapshot

from tidegauge.core.instrument import SECOND
from tidegauge.wire.joiner import REFRESHES_A_MINUTE
from tidegauge.wire.protocol import Fetch


def test_refreshes_are_rationed_and_recoveries_are_not() -> None:
    """When the whole market moves, the venue's allowance is left to books that nobody can read."""
    it = joiner("A", "B")
    last = 100
    it.follow(last, delta(last), 0)
    it.told(snapshot(last - 1), 0)
    asked = 0
    for _ in range(2 * REFRESHES_A_MINUTE):
        it.refresh("A", 0)
        last += 1
        outputs = it.follow(last, delta(last), 0)
        if any(isinstance(output, Fetch) for output in outputs):
            asked += 1
            it.told(snapshot(last), 0)
    assert asked == REFRESHES_A_MINUTE
    assert any(isinstance(output, Fetch) for output in it.follow(1, delta(1, "B"), 0))
    assert any(isinstance(output, Fetch) for output in it.ask(61 * SECOND))
