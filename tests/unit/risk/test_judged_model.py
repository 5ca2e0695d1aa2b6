"""A judged alert by whatever is seen, in whatever order, against a plain account of what it may do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.judging import KEY, Watched, again, finding, over

from tidegauge.core.alert import Alert, AlertState, Severity
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.judged import JudgedSettings


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
