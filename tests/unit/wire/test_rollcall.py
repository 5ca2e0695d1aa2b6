"""The roll call: who has been heard from, and whom to call again."""

from tidegauge.core.instrument import SECOND
from tidegauge.wire.rollcall import RollCall


def roll() -> RollCall:
    call = RollCall(["a", "b"], patience=10 * SECOND, slow=60 * SECOND)
    call.expect_all(0)
    return call


def test_nobody_is_overdue_before_their_time() -> None:
    """Silence is given its chance."""
    assert roll().overdue(9 * SECOND) == []


def test_only_the_silent_are_overdue() -> None:
    """Who spoke is not called again."""
    call = roll()
    assert call.heard("a")
    assert call.overdue(10 * SECOND) == ["b"]


def test_only_the_first_word_was_waited_for() -> None:
    """A first frame is news, the second is not."""
    call = roll()
    assert [call.heard("a"), call.heard("a")] == [True, False]


def test_the_silent_are_called_promptly_three_times_and_then_slowly() -> None:
    """But for ever: a venue may list it again."""
    call = roll()
    called = [second for second in range(300) if call.overdue(second * SECOND)]
    assert called == [10, 20, 30, 90, 150, 210, 270]


def test_it_tells_once_that_it_gives_up_hope() -> None:
    """On the third call in vain, not on every later one."""
    call = roll()
    hopeless = []
    for second in range(300):
        hopeless += [name for name in call.overdue(second * SECOND) if call.given_up(name)]
    assert hopeless == ["a", "b"]


def test_the_struck_are_not_called() -> None:
    """What the venue refuses is no longer expected."""
    call = roll()
    call.strike("a")
    assert "a" not in call
    assert call.overdue(10 * SECOND) == ["b"]


def test_what_is_called_promptly_is_awaited() -> None:
    """What was heard, or called in vain too often, is not."""
    calls = RollCall(["A"], patience=10 * SECOND)
    assert not calls.awaiting
    calls.expect_all(0)
    assert calls.awaiting
    calls.heard("A")
    assert not calls.awaiting
    calls.expect_all(0)
    for call in range(1, 4):
        assert calls.awaiting
        calls.overdue(call * 10 * SECOND)
    assert not calls.awaiting
