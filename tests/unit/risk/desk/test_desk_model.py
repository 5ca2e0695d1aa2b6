"""Whatever three people, the market and the clock do, the trail of every incident is sound."""

from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.desk_actors import ACTORS, KEYS, SPANS, WANTED, Room, anything

from tidegauge.core.alert import AlertKey, Severity
from tidegauge.core.desk import OrderKind
from tidegauge.core.instrument import Nanos


class DeskBesideItsReader(RuleBasedStateMachine):
    """Each step is judged by `Reader`, record by record, and by `Room.check` as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room()

    @rule(key=st.sampled_from(KEYS), severity=st.sampled_from(Severity))
    def market(self, key: AlertKey, severity: Severity) -> None:
        self.room.market(key, severity)

    @rule(key=st.sampled_from(KEYS))
    def calm(self, key: AlertKey) -> None:
        self.room.calm(key)

    @rule(key=st.sampled_from(KEYS))
    def look_away(self, key: AlertKey) -> None:
        self.room.look_away(key)

    @rule(
        actor=st.sampled_from(ACTORS),
        kind=st.sampled_from(WANTED),
        which=st.integers(0, 7),
        version=st.sampled_from((None, None, 0, 1, -1)),
        twice=st.booleans(),
    )
    def person(
        self, actor: str, kind: OrderKind, which: int, version: int | None, twice: bool
    ) -> None:
        self.room.person(actor, kind, which, version, twice=twice)

    @rule(span=st.sampled_from(SPANS))
    def wait(self, span: Nanos) -> None:
        self.room.wait(span)

    @rule(which=st.integers(0, 1))
    def adopt(self, which: int) -> None:
        self.room.adopt(which)

    @rule()
    def keep(self) -> None:
        self.room.keep()

    @rule()
    def end_and_begin(self) -> None:
        self.room.end_and_begin()

    @rule(lost=st.booleans())
    def crash(self, lost: bool) -> None:
        self.room.crash(lost=lost)

    @invariant()
    def sound(self) -> None:
        self.room.check()


TestDeskBesideItsReader = DeskBesideItsReader.TestCase


@pytest.mark.parametrize("seed", range(4))
def test_100_000_random_operations_of_three_actors_leave_a_sound_trail(seed: int) -> None:
    """A-04: transitions by the table, versions one by one, one incident open a key, no page without
    its transition, none twice. A quarter each seed."""
    random = Random(seed)
    room = Room(seed % 2)
    for step in range(25_000):
        anything(room, random)
        if step % 8 == 0:
            room.check()
    assert len(room.reader.incidents) > 100
    assert len(room.reader.pages) > 100


@pytest.mark.parametrize("seed", range(2))
def test_crashes_with_old_or_lost_state_leave_a_sound_trail(seed: int) -> None:
    """A-05: whatever was kept last, no alert that fires is forgotten and nothing resolves by itself."""
    random = Random(seed)
    room = Room()
    for _ in range(10_000):
        anything(room, random, crashes=True)
        room.check()
