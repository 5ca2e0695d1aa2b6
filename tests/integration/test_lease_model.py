"""Leases against a model: any order of taking, renewing, letting go and waiting."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.database import TEMPLATE, Server, in_a_loop_of_its_own

from tidegauge.sinks.connect import Database
from tidegauge.sinks.holder import Holder, this_host
from tidegauge.sinks.leases import LEASE, LeaseRefused, acquire, leases, release, renew

START = datetime(2026, 1, 1, tzinfo=UTC)
SYMBOLS = ("AAVEUSDT", "BTCUSDT", "ETHUSDT")
FAR = tuple(
    Holder(run=f"run-{n}", host="far#00000000", pid=n, process_started_ns=n) for n in (1, 2)
)
DEAD = Holder(run="run-dead", host=this_host(), pid=2**22 + 1, process_started_ns=1)

holders = st.sampled_from((*FAR, DEAD))
some = st.sets(st.sampled_from(SYMBOLS), min_size=1)


@dataclass(slots=True)
class Believed:
    """What the model knows of a lease."""

    holder: Holder
    expires_at: datetime
    fence: int


class Model(RuleBasedStateMachine):
    """Each step is done to the table and to the model; then both say the same."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.table: dict[str, Believed] = {}
        self.held: dict[Holder, dict[str, int]] = {holder: {} for holder in (*FAR, DEAD)}
        self.runner = asyncio.Runner()
        self.connection: Any = self.runner.run(self.database.connect())
        self.runner.run(self.connection.execute("TRUNCATE leases"))

    def teardown(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.close()

    @rule(seconds=st.sampled_from((0.5, 5, 14.999999, 15, 40)))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(holder=holders, wanted=some)
    def take(self, holder: Holder, wanted: set[str]) -> None:
        mine = self.held[holder]
        refusing = {
            name
            for name in wanted
            if (has := self.table.get(name)) is not None
            and has.expires_at > self.now
            and has.holder not in (holder, DEAD)
        }
        if refusing:
            with pytest.raises(LeaseRefused) as raised:
                self.runner.run(acquire(self.connection, wanted, holder, now=self.now))
            assert {each.symbol for each in raised.value.held} == refusing
            return
        taken = self.runner.run(acquire(self.connection, wanted, holder, now=self.now))
        for name in wanted:
            has = self.table.get(name)
            fence = 1
            if has is not None:
                goes_on = has.holder == holder and has.expires_at > self.now
                fence = has.fence + (not goes_on)
            assert taken[name] == fence
            self.table[name] = Believed(holder, self.now + LEASE, fence)
        mine.update(taken)

    @rule(holder=holders)
    def prolong(self, holder: Holder) -> None:
        mine = self.held[holder]
        lost = self.runner.run(renew(self.connection, mine, now=self.now))
        ours = {name for name, fence in mine.items() if self._is_ours(name, fence)}
        assert lost == set(mine) - ours
        for name in lost:
            del mine[name]
        for name in ours:
            self.table[name].expires_at = max(self.table[name].expires_at, self.now + LEASE)

    @precondition(lambda self: any(self.held.values()))
    @rule(holder=holders, going=some)
    def let_go(self, holder: Holder, going: set[str]) -> None:
        mine = self.held[holder]
        gone = {name: mine.pop(name) for name in going if name in mine}
        self.runner.run(release(self.connection, gone, now=self.now))
        for name, fence in gone.items():
            if self._is_ours(name, fence):
                has = self.table[name]
                has.expires_at = min(has.expires_at, self.now)

    def _is_ours(self, name: str, fence: int) -> bool:
        return self.table[name].fence == fence

    @invariant()
    def the_table_says_what_the_model_says(self) -> None:
        rows = self.runner.run(leases(self.connection, now=self.now))
        assert [row.symbol for row in rows] == sorted(self.table)
        for row in rows:
            has = self.table[row.symbol]
            assert (row.holder, row.expires_at, row.fence) == (
                has.holder,
                has.expires_at,
                has.fence,
            )
            assert row.alive == (has.expires_at > self.now)


def test_any_order_of_steps_leaves_what_the_model_says(postgres_server: Server) -> None:
    """One holder a symbol, fences that only grow, and a refusal exactly where somebody holds."""
    name = "test_lease_model"
    database = in_a_loop_of_its_own(lambda: postgres_server.create(name, TEMPLATE))
    Model.database = database
    try:
        run_state_machine_as_test(Model, settings=settings(stateful_step_count=30))
    finally:
        in_a_loop_of_its_own(lambda: postgres_server.drop(name))
