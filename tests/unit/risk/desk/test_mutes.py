"""What went no further is said once, until something else is to be said of it."""

from tidegauge.core.desk import Mute, Muted
from tidegauge.risk.desk.mutes import KEPT, REMEMBERED, Mutes


def test_the_same_reason_is_said_once() -> None:
    """Once for each change, not for each reading."""
    said: list[Mute] = []
    mutes = Mutes(said.append)
    for now in range(3):
        mutes.say(Muted.INHIBITED, "one", now, alert_id="a")
    mutes.say(Muted.INHIBITED, "another", 3, alert_id="a")
    mutes.say(Muted.SILENCED, "another", 4, alert_id="a")
    mutes.say(Muted.SILENCED, "another", 5, incident_id="a")
    assert [mute.at for mute in said] == [0, 3, 4, 5]
    assert list(mutes.lately) == said


def test_what_went_on_in_between_is_said_again() -> None:
    """It is another change."""
    said: list[Mute] = []
    mutes = Mutes(said.append)
    mutes.say(Muted.UNROUTED, "nobody", 0, incident_id="i")
    mutes.forget(incident_id="i")
    mutes.say(Muted.UNROUTED, "nobody", 1, incident_id="i")
    assert len(said) == 2


def test_after_a_restart_nothing_is_said_twice() -> None:
    """What was said lately is known."""
    said: list[Mute] = []
    before = Mutes(lambda _: None)
    before.say(Muted.NOTHING_OPEN, "mild", 0, alert_id="a")
    after = Mutes(said.append)
    after.restore(before.lately)
    after.say(Muted.NOTHING_OPEN, "mild", 1, alert_id="a")
    assert said == []


def test_a_storm_of_mutes_takes_bounded_memory() -> None:
    """Only so many are kept, and remembered."""
    mutes = Mutes(lambda _: None)
    for number in range(REMEMBERED + 10):
        mutes.say(Muted.RATE, "storm", number, alert_id=str(number))
    assert len(mutes.lately) == KEPT
    assert len(mutes._said) == REMEMBERED
