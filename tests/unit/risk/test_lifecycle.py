"""The alert's state machine: a table without holes, and holds that count only what was seen."""

from itertools import product

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tidegauge.core.alert import AlertState
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.lifecycle import TRANSITIONS, AlertLife, Hold, Stimulus


def test_every_state_answers_every_stimulus() -> None:
    """The table has no holes."""
    assert set(TRANSITIONS) == set(product(AlertState, Stimulus))


def test_only_a_clear_or_a_person_ends_what_fires() -> None:
    """Neither a quiet reading nor an unseen book resolves an alert."""
    ends = {
        stimulus
        for (state, stimulus), after in TRANSITIONS.items()
        if state is AlertState.FIRING and after is not AlertState.FIRING
    }
    assert ends == {Stimulus.CLEARED, Stimulus.REBASED}


def test_the_book_not_being_seen_moves_nothing() -> None:
    """UNSEEN leaves every state where it is."""
    assert all(TRANSITIONS[state, Stimulus.UNSEEN] is state for state in AlertState)


def test_an_alert_runs_from_pending_to_resolved_and_can_come_again() -> None:
    """The ordinary life."""
    life = AlertLife()
    stimuli = ["breach", "breach", "held", "quiet", "cleared", "quiet", "breach"]
    moved = [life.feel(Stimulus(name), at) for at, name in enumerate(stimuli)]
    assert moved == [True, False, True, False, True, True, True]
    assert life.state is AlertState.PENDING
    assert life.since == 6


def test_a_hold_holds_when_its_span_has_passed() -> None:
    """For 2 s means 2 s between the first and the last observation."""
    hold = Hold(2 * SECOND)
    assert [hold.observe(condition=True, at=second * SECOND) for second in range(4)] == [
        False,
        False,
        True,
        True,
    ]


def test_one_observation_without_the_condition_breaks_a_hold() -> None:
    """Unbroken means unbroken."""
    hold = Hold(2)
    hold.observe(condition=True, at=0)
    hold.observe(condition=False, at=1)
    assert not hold.observe(condition=True, at=2)
    assert hold.since == 2


def test_what_is_not_seen_does_not_count_for_a_hold() -> None:
    """The hold stands still from the unknown observation to the next known one."""
    hold = Hold(2)
    hold.observe(condition=True, at=0)
    hold.observe(condition=True, at=1)
    assert not hold.observe(condition=None, at=5)
    assert not hold.observe(condition=True, at=100)
    assert hold.observe(condition=True, at=101)


def test_a_clock_that_steps_back_does_not_shorten_a_hold() -> None:
    """Elapsed time never falls."""
    hold = Hold(3)
    for at in (10, 12, 5, 12):
        assert not hold.observe(condition=True, at=at)
    assert hold.elapsed == 2
    assert hold.observe(condition=True, at=13)


class LifeAgainstMemory(RuleBasedStateMachine):
    """Drives a life with holds as a detector does, beside a plain account of what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.life = AlertLife()
        self.hold, self.clear = Hold(3), Hold(4)
        self.now: Nanos = 0
        self.run: Nanos | None = None
        self.calm: Nanos | None = None
        self.last: bool | None = None
        self.before = AlertState.INACTIVE
        self.ended = False

    @rule(breach=st.booleans(), later=st.integers(0, 3))
    def observe(self, breach: bool, later: int) -> None:
        """One reading."""
        self.now += later
        seen = later if self.last is not None else 0
        self.run = (0 if self.run is None else self.run + seen) if breach else None
        self.calm = None if breach else (0 if self.calm is None else self.calm + seen)
        self.last = breach
        held = self.hold.observe(breach, self.now)
        cleared = self.clear.observe(not breach, self.now)
        assert held == (self.run is not None and self.run >= 3)
        assert cleared == (self.calm is not None and self.calm >= 4)
        if held:
            self.feel(Stimulus.HELD)
        elif cleared:
            self.feel(Stimulus.CLEARED)
        else:
            self.feel(Stimulus.BREACH if breach else Stimulus.QUIET)

    @rule(later=st.integers(0, 50))
    def lose_the_book(self, later: int) -> None:
        """Trust goes; whatever passes until the next reading does not count."""
        self.now += later
        self.last = None
        self.hold.pause()
        self.clear.pause()
        self.feel(Stimulus.UNSEEN)

    @rule()
    def rebase(self) -> None:
        """A person calls it normal."""
        self.feel(Stimulus.REBASED)

    def feel(self, stimulus: Stimulus) -> None:
        """Move, and keep account."""
        self.before = self.life.state
        moved = self.life.feel(stimulus, self.now)
        assert moved == (self.before is not self.life.state)
        if self.before is AlertState.FIRING and moved:
            assert stimulus in (Stimulus.CLEARED, Stimulus.REBASED)
        if self.life.state is AlertState.FIRING and moved:
            assert stimulus is Stimulus.HELD

    @invariant()
    def an_alert_is_never_dropped(self) -> None:
        """What fires goes on firing or resolves; nothing resolves that did not fire."""
        if self.before is AlertState.FIRING:
            assert self.life.state in (AlertState.FIRING, AlertState.RESOLVED)
        if self.life.state is AlertState.RESOLVED:
            assert self.before in (AlertState.FIRING, AlertState.RESOLVED)


TestLifeAgainstMemory = LifeAgainstMemory.TestCase
