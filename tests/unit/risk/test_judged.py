"""An alert of any signal but the crunch: it holds, fires, rises and clears, and never on missing data."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.judged import UNSEEN, Finding, JudgedAlert, JudgedSettings, JudgedState

KEY = AlertKey(signal="test", symbol="BTCUSDT", venue="binance")
SETTINGS = JudgedSettings(hold=5 * SECOND, clear_for=30 * SECOND)
START = 1_700_000_000 * SECOND


def finding(
    severity: Severity | None = None,
    *,
    clear: bool | None = None,
    cause: str = "spread",
    value: float = 1.0,
    since: Nanos | None = None,
) -> Finding:
    """What one look shows; where nothing breaches it is well inside its limits unless told."""
    return Finding(
        severity=severity,
        clear=severity is None if clear is None else clear,
        cause=cause,
        value=value,
        threshold=2.0,
        baseline=None,
        action=Action.MONITOR if severity is None or severity < Severity.HIGH else Action.REDUCE,
        said=lambda: f"{cause} is {value:g}.",
        since=since,
    )


def over(alert: Alert, lasted: Nanos) -> str:
    """Say that an alert is over."""
    return f"{alert.cause} was bad for {lasted // SECOND} s"


class Watched:
    """One alert, looked at once a second."""

    def __init__(self, settings: JudgedSettings = SETTINGS) -> None:
        self.alert = JudgedAlert(KEY, settings)
        self.second = 0

    @property
    def now(self) -> Nanos:
        return START + self.second * SECOND

    def see(self, seconds: int, found: Finding) -> list[Alert]:
        """Look at the same thing for so many seconds; return what was issued."""
        issued = []
        for _ in range(seconds):
            trace = f"binance/1/{self.second}"
            issued.append(self.alert.observe(found, self.now, trace, cleared=over))
            self.second += 1
        return [alert for alert in issued if alert is not None]

    def lose(self, seconds: int = 1) -> Alert | None:
        """See nothing for so many seconds."""
        issued = self.alert.unseen(self.now, f"binance/1/{self.second}")
        self.second += seconds
        return issued


def firing(severity: Severity = Severity.WARNING) -> Watched:
    """Return an alert that fires."""
    watched = Watched()
    watched.see(6, finding(severity))
    assert watched.alert.state is AlertState.FIRING
    return watched


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


def again(watched: Watched, away: int = 0) -> Watched:
    """Write it down, read it again, and go on, as a restart does."""
    kept = msgspec.msgpack.encode(watched.alert.snapshot())
    other = Watched(watched.alert.settings)
    other.second = watched.second + away
    other.alert.resume(msgspec.msgpack.decode(kept, type=JudgedState), other.now)
    return other


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


class Seen(NamedTuple):
    """One step of a run: what is seen, None for nothing, and how many seconds after the last."""

    found: tuple[Severity | None, bool] | None
    later: int


steps = st.builds(
    Seen,
    st.one_of(
        st.none(),
        st.tuples(st.sampled_from(Severity), st.just(False)),
        st.tuples(st.none(), st.booleans()),
    ),
    st.integers(0, 8),
)


def run(seen: Sequence[Seen], restart_at: int | None = None) -> list[Alert]:
    """Return all that is issued; a restart, if any, takes no time."""
    watched, issued = Watched(), []
    for number, (found, later) in enumerate(seen):
        if number == restart_at:
            watched = again(watched)
        watched.second += later
        trace = f"binance/1/{number}"
        if found is None:
            change = watched.alert.unseen(watched.now, trace)
        else:
            severity, clear = found
            what = finding(severity, clear=clear)
            change = watched.alert.observe(what, watched.now, trace, cleared=over)
        issued += [] if change is None else [change]
    return issued


@given(seen=st.lists(steps, max_size=60))
def test_a_replay_gives_the_same_records(seen: list[Seen]) -> None:
    """Ids, times and sentences."""
    assert run(seen) == run(seen)


@given(seen=st.lists(steps, max_size=60), restart_at=st.integers(0, 60))
def test_a_restart_opens_no_second_alert_and_ends_none(seen: list[Seen], restart_at: int) -> None:
    """Whatever happens: at most one alert more or less, and that one only because the pause counted
    for no hold; what fired before fires after, with its id."""
    straight, restarted = run(seen), run(seen, restart_at)
    before = [alert for alert in straight if int(alert.trace.split("/")[-1]) < restart_at]
    assert restarted[: len(before)] == before
    open_ids = {alert.id for alert in before} - {
        alert.id for alert in before if alert.state is AlertState.RESOLVED
    }
    later = restarted[len(before) :]
    for id_ in open_ids:
        mine = [alert for alert in later if alert.id == id_]
        assert all(alert is mine[-1] for alert in mine if alert.state is AlertState.RESOLVED)
    if open_ids and later:
        assert later[0].id in open_ids


class OneEpisodeAfterTheOther(RuleBasedStateMachine):
    """Drives an alert by what is seen, beside a plain account of what it may do."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = Watched(JudgedSettings(hold=3 * SECOND, clear_for=4 * SECOND))
        self.open: Alert | None = None
        self.ids: set[str] = set()
        self.breach_since: Nanos | None = None
        self.calm_for: Nanos = 0
        self.saw: Nanos | None = None

    def issued(self, change: Alert | None, *, seen: bool) -> None:
        """Check one record against those before it."""
        if change is None:
            return
        assert change.key == KEY
        if self.open is None:
            assert change.state is AlertState.FIRING
            assert change.id not in self.ids
            self.ids.add(change.id)
        else:
            assert change.id == self.open.id
            assert change.started_at == self.open.started_at
            assert change.severity >= self.open.severity
            assert change.worst_severity == max(change.severity, self.open.worst_severity)
            assert set(self.open.causes) <= set(change.causes)
            assert replace(change, updated_at=0, trace="") != replace(
                self.open, updated_at=0, trace=""
            ), "nothing is told that is not new"
        assert (change.unobserved_since is None) is seen
        self.open = None if change.state is AlertState.RESOLVED else change

    @rule(
        severity=st.one_of(st.none(), st.sampled_from(Severity)),
        clear=st.booleans(),
        cause=st.sampled_from(["spread", "depth"]),
        later=st.integers(0, 4),
    )
    def look(self, severity: Severity | None, clear: bool, cause: str, later: int) -> None:
        """See it."""
        watched = self.watched
        watched.second += later
        now = watched.now
        calm = severity is None and clear
        went = 0 if self.saw is None else now - self.saw
        self.calm_for = (self.calm_for + went if self.calm_for >= 0 else 0) if calm else -1
        if self.open is None:
            self.calm_for = -1
        self.saw = now
        was_open = self.open is not None
        found = finding(severity, clear=calm, cause=cause)
        change = watched.alert.observe(found, now, f"t/1/{watched.second}", cleared=over)
        if change is not None and change.state is AlertState.RESOLVED:
            assert was_open
            assert calm
            assert self.calm_for >= 4 * SECOND
        elif was_open and calm:
            assert self.calm_for < 4 * SECOND
        self.issued(change, seen=True)

    @rule(later=st.integers(0, 50))
    def look_away(self, later: int) -> None:
        """See nothing: nothing opens, rises or ends."""
        self.watched.second += later
        self.saw = None
        was = self.open
        change = self.watched.alert.unseen(self.watched.now, f"t/1/{self.watched.second}")
        assert change is None or (was is not None and change.severity is was.severity)
        self.issued(change, seen=False)

    @precondition(lambda self: self.open is not None)
    @rule()
    def stop_watching(self) -> None:
        """It ends, and the next breach is another alert."""
        now = self.watched.now
        change = self.watched.alert.leave(now, f"l/1/{self.watched.second}", "left")
        assert change is not None
        assert change.state is AlertState.RESOLVED
        self.open = self.saw = None
        self.watched.second += 1

    @rule(away=st.integers(0, 50))
    def restart(self, away: int) -> None:
        """Nothing is issued, and what was open goes on, unseen."""
        self.watched = again(self.watched, away)
        self.saw = None
        kept = self.watched.alert.alert
        assert (kept is None) is (self.open is None)
        if kept is not None and self.open is not None:
            assert kept.id == self.open.id
            self.open = kept

    @invariant()
    def it_knows_what_is_open(self) -> None:
        """What was issued last is what it holds."""
        assert self.watched.alert.alert == self.open
        assert (self.watched.alert.state is AlertState.FIRING) is (self.open is not None)


TestOneEpisodeAfterTheOther = OneEpisodeAfterTheOther.TestCase
