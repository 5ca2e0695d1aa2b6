"""Whether the monitor works, as a dead-man's switch is told."""

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.pulse import FRAME_WITHIN, TURN_WITHIN, Pulse


class Time:
    now = 0


def pulse() -> Pulse:
    Time.now = 1_000 * SECOND
    return Pulse(lambda: Time.now)


def test_before_the_first_frame_nothing_works_yet() -> None:
    """A monitor that never heard a venue is none."""
    heart = pulse()
    assert not heart.beats()
    heart.beat(0)
    assert not heart.beats()
    heart.beat(1)
    assert heart.beats()


def test_a_loop_that_does_not_turn_is_no_monitor() -> None:
    """For ten seconds it may."""
    heart = pulse()
    heart.beat(1)
    Time.now += TURN_WITHIN - 1
    assert heart.beats()
    Time.now += 1
    assert not heart.beats()


def test_a_loop_that_turns_while_no_venue_says_a_word_is_no_monitor_either() -> None:
    """For a minute it may."""
    heart = pulse()
    heart.beat(1)
    for _ in range(FRAME_WITHIN // SECOND):
        assert heart.beats()
        Time.now += SECOND
        heart.beat(1)
    assert not heart.beats()
    heart.beat(2)
    assert heart.beats()


def test_a_watchdog_asks_for_the_loop_alone() -> None:
    """Venues that are silent are no reason to kill the monitor that says so."""
    heart = pulse()
    assert not heart.turns(), "before it began"
    heart.beat(0)
    Time.now += FRAME_WITHIN
    heart.beat(0)
    assert heart.turns()
    assert not heart.beats()
    Time.now += TURN_WITHIN
    assert not heart.turns()
