"""An alert of any signal but the crunch: it holds, fires, rises and clears, and never on missing data."""

from dataclasses import replace

import pytest
from tests.support.judging import SETTINGS, START, Watched, again, finding, firing

from tidegauge.core.alert import Action, AlertState, Severity
from tidegauge.core.instrument import SECOND
from tidegauge.risk.judged import UNSEEN


def test_a_breach_fires_once_it_has_lasted_for_the_hold() -> None:
    """Five seconds from the first to the last look, and one record of it, dated at its beginning."""
    watched = Watched()
    assert watched.see(5, finding(Severity.WARNING)) == []
    assert watched.alert.state is AlertState.PENDING
    (fired,) = watched.see(10, finding(Severity.WARNING, value=3.0))
    assert (fired.state, fired.severity) == (AlertState.FIRING, Severity.WARNING)
    assert (fired.started_at, fired.updated_at) == (START, START + 5 * SECOND)
    assert (fired.value, fired.sentence) == (3.0, "spread is 3.")


def test_one_look_without_a_breach_begins_the_hold_anew() -> None:
    """Unbroken means unbroken."""
    watched = Watched()
    watched.see(5, finding(Severity.HIGH))
    watched.see(1, finding())
    assert watched.alert.idle
    assert watched.see(5, finding(Severity.HIGH)) == []


def test_with_no_hold_the_first_look_fires() -> None:
    """`for` 0."""
    watched = Watched(replace(SETTINGS, hold=0))
    (fired,) = watched.see(1, finding(Severity.HIGH))
    assert fired.started_at == fired.updated_at == START


def test_the_severity_is_the_worst_that_lasted() -> None:
    """One second of worse does not count; it began with the milder breach."""
    watched = Watched()
    watched.see(3, finding(Severity.WARNING))
    watched.see(1, finding(Severity.CRITICAL))
    (fired,) = watched.see(2, finding(Severity.HIGH))
    assert fired.severity is Severity.WARNING
    (risen,) = watched.see(5, finding(Severity.HIGH))
    assert (risen.severity, risen.action) == (Severity.HIGH, Action.REDUCE)
    assert risen.id == fired.id
    assert risen.started_at == fired.started_at == START


def test_it_began_with_the_first_breach_however_mild() -> None:
    """Looked at seldom, a worse breach may have lasted for the hold as well."""
    watched = Watched()
    watched.see(1, finding(Severity.INFO))
    watched.see(1, finding(Severity.HIGH))
    watched.second += 5
    (fired,) = watched.see(1, finding(Severity.HIGH))
    assert (fired.severity, fired.started_at) == (Severity.HIGH, START)


def test_a_severity_that_falls_is_not_told() -> None:
    """It falls by clearing only."""
    watched = firing(Severity.HIGH)
    assert watched.see(60, finding(Severity.INFO)) == []
    assert watched.alert.alert is not None
    assert watched.alert.alert.severity is Severity.HIGH


def test_between_its_limits_it_neither_fires_nor_clears() -> None:
    """Hysteresis: a value that hangs about its limit keeps the alert it has."""
    watched = firing()
    assert watched.see(120, finding(clear=False)) == []
    assert watched.alert.state is AlertState.FIRING


def test_it_clears_once_all_was_calm_for_long_enough() -> None:
    """And one look at the limit begins that anew."""
    watched = firing()
    watched.see(29, finding())
    watched.see(1, finding(clear=False))
    assert watched.see(30, finding()) == []
    (ended,) = watched.see(1, finding())
    assert (ended.state, ended.ended_at) == (AlertState.RESOLVED, ended.updated_at)
    assert ended.sentence == "spread was bad for 66 s"
    assert watched.alert.idle


def test_a_cause_that_joins_is_told_and_the_first_keeps_its_numbers() -> None:
    """`cause` is the first, `causes` all of them; what is done about the worse is not called off."""
    watched = firing(Severity.HIGH)
    (joined,) = watched.see(10, finding(Severity.WARNING, cause="depth", value=9.0))
    assert (joined.cause, joined.causes, joined.value) == ("spread", ("spread", "depth"), 1.0)
    assert (joined.severity, joined.action) == (Severity.HIGH, Action.REDUCE)
    assert joined.sentence == "depth is 9."


def test_while_it_cannot_be_seen_it_fires_on_and_says_so() -> None:
    """Told once when it is lost, and once when it is seen again."""
    watched = firing()
    lost = watched.lose(1_000)
    assert lost is not None
    assert lost.unobserved_since == lost.updated_at
    assert lost.sentence == f"spread is 1.{UNSEEN}"
    assert watched.lose(1_000) is None
    (seen,) = watched.see(1, finding(Severity.WARNING))
    assert (seen.unobserved_since, seen.sentence) == (None, "spread is 1.")


def test_what_passes_unseen_counts_for_neither_hold_nor_clear() -> None:
    """Both stand still."""
    watched = Watched()
    watched.see(3, finding(Severity.WARNING))
    assert watched.lose(1_000) is None
    assert watched.see(3, finding(Severity.WARNING)) == []
    assert len(watched.see(1, finding(Severity.WARNING))) == 1
    watched.see(20, finding())
    watched.lose(1_000)
    (seen_again,) = watched.see(11, finding())
    assert seen_again.state is AlertState.FIRING
    (ended,) = watched.see(1, finding())
    assert ended.state is AlertState.RESOLVED


def test_what_keeps_holds_of_its_own_says_when_it_began() -> None:
    """`since` dates the alert, and names it."""
    watched = Watched(replace(SETTINGS, hold=0))
    (fired,) = watched.see(1, finding(Severity.HIGH, since=START - 7))
    assert fired.started_at == START - 7


def test_leaving_ends_it_and_does_not_say_that_it_is_over() -> None:
    """The sentence is the caller's; nothing comes of an alert that did not fire."""
    watched = firing()
    ended = watched.alert.leave(watched.now, "x", "Nobody watches it.")
    assert ended is not None
    assert (ended.state, ended.sentence) == (AlertState.RESOLVED, "Nobody watches it.")
    assert watched.alert.leave(watched.now, "x", "Again.") is None
    assert watched.see(5, finding(Severity.WARNING)) == []


def test_other_settings_apply_to_what_lasts_already() -> None:
    """A reload loses neither hold nor alert."""
    watched = Watched()
    watched.see(3, finding(Severity.WARNING))
    watched.alert.adopt(replace(SETTINGS, hold=3 * SECOND))
    assert len(watched.see(1, finding(Severity.WARNING))) == 1
    watched.alert.adopt(replace(SETTINGS, clear_for=2 * SECOND))
    (ended,) = watched.see(3, finding())
    assert ended.state is AlertState.RESOLVED


def test_a_restart_loses_no_hold() -> None:
    """Pending before, pending after, and the time away does not count."""
    watched = Watched()
    watched.see(3, finding(Severity.WARNING))
    watched = again(watched, away=500)
    assert watched.alert.state is AlertState.PENDING
    assert watched.see(3, finding(Severity.WARNING)) == []
    (fired,) = watched.see(1, finding(Severity.WARNING))
    assert fired.started_at == START


@pytest.mark.parametrize("lost", [False, True])
def test_a_restart_neither_tells_again_nor_resolves(lost: bool) -> None:
    """The same alert goes on, unseen until it is seen; its sentence says so once."""
    watched = firing(Severity.HIGH)
    before = watched.alert.alert
    assert before is not None
    if lost:
        watched.lose(10)
    restarted = again(again(watched, away=100), away=100)
    alert = restarted.alert.alert
    assert alert is not None
    assert alert.id == before.id
    assert alert.unobserved_since is not None
    assert alert.sentence == before.sentence + UNSEEN
    assert restarted.lose() is None
    (seen,) = restarted.see(20, finding(Severity.HIGH))
    assert (seen.id, seen.sentence, seen.severity) == (before.id, before.sentence, Severity.HIGH)


def test_a_restart_does_not_shorten_the_calm_that_clears() -> None:
    """Twenty seconds of it before and ten after."""
    watched = firing()
    watched.see(20, finding())
    watched = again(watched, away=500)
    assert [alert.state for alert in watched.see(11, finding())] == [AlertState.FIRING]
    assert [alert.state for alert in watched.see(1, finding())] == [AlertState.RESOLVED]
