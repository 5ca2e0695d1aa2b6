"""The leases of symbols that come and go while the database is away, or does not answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import PATIENCE_S, external, until
from tests.support.spooling import frozen, unreachable

from tidegauge.sinks.connect import Database, DatabaseAway
from tidegauge.sinks.embedded import EmbeddedPostgres
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.lease_keeper import RELEASE_S, LeaseKeeper
from tidegauge.sinks.leases import LeaseRefused, leases
from tidegauge.sinks.migrate import migrate

ME = Holder.of_this_process("run-me")
ELSEWHERE = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)


def keeper(database: Database, *symbols: str, holder: Holder = ME) -> LeaseKeeper:
    return LeaseKeeper(database, symbols, holder, renew_every_s=0.05)


@dataclass
class Switch:
    """A database that can be made unreachable, and reachable again."""

    database: Database
    on: bool = True

    def arguments(self) -> Mapping[str, Any]:
        there = self.database if self.on else unreachable(self.database)
        return there.arguments()

    @property
    def switched(self) -> Database:
        return replace(self.database, arguments=self.arguments)


async def alive(database: Database) -> set[str]:
    """Return the symbols whose leases keep others out."""
    async with database.session() as connection:
        return {each.symbol for each in await leases(connection) if each.alive}


async def test_what_is_wanted_is_taken_when_the_database_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun without it, added without it: taken. Removed without it: never taken."""
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.RETRY_S", 0.05)
    switch = Switch(database, on=False)
    ours = keeper(switch.switched, "BTCUSDT", "ETHUSDT")
    with pytest.raises(DatabaseAway, match="no lease can be had"):
        await ours.start()
    running = asyncio.create_task(ours.run())
    await ours.add(["SOLUSDT", "XRPUSDT"])
    await ours.drop(["ETHUSDT", "XRPUSDT"])
    assert ours.held == {}
    assert ours.missing == {"BTCUSDT", "SOLUSDT"}
    switch.on = True
    await until(lambda: not ours.missing)
    await ours.renew()
    assert await alive(database) == set(ours.held) == {"BTCUSDT", "SOLUSDT"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ours.release()
    assert await alive(database) == set()


async def test_a_symbol_added_as_the_database_returns_hides_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lease is held before the first ones are: those are taken all the same."""
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.RETRY_S", 0.05)
    switch = Switch(database, on=False)
    ours = keeper(switch.switched, "BTCUSDT")
    with pytest.raises(DatabaseAway):
        await ours.start()
    switch.on = True
    await ours.add(["SOLUSDT"])
    assert set(ours.held) == {"SOLUSDT"}
    running = asyncio.create_task(ours.run())
    await until(lambda: not ours.missing)
    assert await alive(database) == {"BTCUSDT", "SOLUSDT"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ours.release()


async def test_a_symbol_wanted_without_the_database_that_another_has_is_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was watched by two; the one that came late ends. A plain refusal is only refused."""
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.RETRY_S", 0.05)
    theirs = keeper(database, "BTCUSDT", "ETHUSDT", holder=ELSEWHERE)
    await theirs.start()
    switch = Switch(database)
    ours = keeper(switch.switched)
    with pytest.raises(LeaseRefused):
        await ours.add(["ETHUSDT"])
    await ours.renew()
    assert not ours.lost.is_set()
    await ours.release()  # and of the connection
    switch.on = False
    await ours.add(["BTCUSDT"])
    assert ours.missing == {"BTCUSDT"}, "the refused one is not wanted"
    switch.on = True
    async with asyncio.timeout(PATIENCE_S):
        await ours.run()
    assert [each.symbol for each in ours.lost_to] == ["BTCUSDT"]
    await ours.release()
    await theirs.release()


async def test_a_symbol_dropped_while_it_is_being_taken_is_let_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round that takes it is under way: its lease does not stay behind."""
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.DEADLINE_S", PATIENCE_S)
    switch = Switch(database, on=False)
    ours = keeper(switch.switched, "BTCUSDT", "ETHUSDT")
    with pytest.raises(DatabaseAway):
        await ours.start()
    switch.on = True
    async with database.session() as blocker:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE leases IN ACCESS EXCLUSIVE MODE")
            taking = asyncio.create_task(ours.renew())
            await until(lambda: waits_for_a_lock(database))
            dropping = asyncio.create_task(ours.drop(["ETHUSDT"]))
            await asyncio.sleep(0)
        await taking
        await dropping
    assert await alive(database) == set(ours.held) == {"BTCUSDT"}
    await ours.release()


async def waits_for_a_lock(database: Database) -> bool:
    async with database.session() as connection:
        return bool(await connection.fetchval(WAITING))


WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_a_backend_that_waits_for_a_lock_gives_up_before_we_do(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backends must not pile up behind a lock until the server takes no connection any more."""
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.DEADLINE_S", 5.0)  # a fifth to connect in
    ours = keeper(database, "BTCUSDT")
    async with database.session() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE leases IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseAway, match="LockNotAvailableError"):
            await ours.start()
        assert not await waits_for_a_lock(database)
    await ours.release()


async def test_a_server_that_stops_answering_is_let_go_of_within_a_second(
    made_data_dir: Path,
) -> None:
    """Whoever stops us waits for it. The lease ends by itself."""
    async with EmbeddedPostgres(made_data_dir) as server:
        database = external(server)
        async with database.session() as connection:
            await migrate(connection)
        ours = keeper(database, "BTCUSDT")
        await ours.start()
        assert RELEASE_S < 1
        with frozen(server):
            async with asyncio.timeout(PATIENCE_S):
                await ours.release()
        assert ours.held == {}
