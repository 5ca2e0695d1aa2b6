"""One daemon a symbol and database: real processes, a real PostgreSQL."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.support.database import PATIENCE_S, external, until
from tests.support.spooling import pids_of

from tidegauge.sinks.connect import Database
from tidegauge.sinks.embedded import EmbeddedPostgres, status
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.lease_keeper import LeaseKeeper
from tidegauge.sinks.leases import LEASE, LeaseRefused, acquire, leases, release, renew
from tidegauge.sinks.migrate import migrate

START = datetime(2026, 1, 1, tzinfo=UTC)
ME = Holder.of_this_process("run-me")
ELSEWHERE = Holder(run="run-far", host="far#00000000", pid=7, process_started_ns=1)
GONE = replace(ME, run="run-gone", pid=2**22 + 1)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database."""
    async with database.session() as connection:
        yield connection


# -- the table -----------------------------------------------------------------------------------


async def test_a_second_daemon_is_told_who_where_since_when_and_how_long(connection: Any) -> None:
    """One line, with what to do; what it asked for besides is not taken either."""
    assert await acquire(connection, ["BTCUSDT"], ELSEWHERE, now=after(0)) == {"BTCUSDT": 1}
    with pytest.raises(LeaseRefused) as raised:
        await acquire(connection, ["AAVEUSDT", "BTCUSDT"], ME, now=after(5))
    line = str(raised.value)
    for part in ("BTCUSDT", "process 7 on far,", "run-far", "2026-01-01 00:00:00 UTC", "10 s more"):
        assert part in line
    assert "AAVEUSDT" not in line
    assert "\n" not in line
    assert [each.symbol for each in await leases(connection)] == ["BTCUSDT"]


async def test_a_lease_that_expired_is_taken_and_the_sleeper_finds_out(connection: Any) -> None:
    """Whoever slept through its end can neither prolong nor end its successor's."""
    far = await acquire(connection, ["BTCUSDT"], ELSEWHERE, now=after(0))
    mine = await acquire(connection, ["BTCUSDT"], ME, now=after(15))
    assert mine == {"BTCUSDT": 2}
    assert await renew(connection, far, now=after(16)) == {"BTCUSDT"}
    await release(connection, far, now=after(16))
    (lease,) = await leases(connection, now=after(16))
    assert (lease.holder, lease.left_s, lease.alive) == (ME, 14, True)


async def test_a_lease_that_expired_and_that_nobody_took_is_still_ours(connection: Any) -> None:
    """The database was away for an hour: nothing happened."""
    held = await acquire(connection, ["BTCUSDT"], ELSEWHERE, now=after(0))
    assert await renew(connection, held, now=after(3600)) == set()
    (lease,) = await leases(connection, now=after(3600))
    assert (lease.fence, lease.left_s, lease.acquired_at) == (1, 15, START)


async def test_what_was_let_go_is_free_at_once_and_fences_go_on(connection: Any) -> None:
    """The row stays, so that its number never begins anew."""
    held = await acquire(connection, ["BTCUSDT", "ETHUSDT"], ELSEWHERE, now=after(0))
    await release(connection, held, now=after(1))
    assert all(each.released for each in await leases(connection, now=after(1)))
    assert await acquire(connection, ["BTCUSDT"], ME, now=after(1)) == {"BTCUSDT": 2}
    again = await acquire(connection, ["BTCUSDT"], ME, now=after(2))
    assert again == {"BTCUSDT": 2}, "asking for one's own changes nothing"


async def test_the_dead_of_this_host_do_not_hold_up_anybody(connection: Any) -> None:
    """Killed and started again: no wait. Beside a living one's, nothing is taken of the dead one's."""
    await acquire(connection, ["BTCUSDT", "ETHUSDT"], GONE, now=after(0))
    assert await acquire(connection, ["BTCUSDT"], ME, now=after(1)) == {"BTCUSDT": 2}
    await acquire(connection, ["SOLUSDT"], ELSEWHERE, now=after(1))
    with pytest.raises(LeaseRefused, match="watches SOLUSDT already"):
        await acquire(connection, ["ETHUSDT", "SOLUSDT"], ME, now=after(2))
    held = {each.symbol: each.holder for each in await leases(connection)}
    assert held == {"BTCUSDT": ME, "ETHUSDT": GONE, "SOLUSDT": ELSEWHERE}


async def test_hostile_names_are_only_names(connection: Any) -> None:
    """They are arguments, never words of a statement."""
    odd = "X'; DROP TABLE leases; --"
    held = await acquire(connection, [odd], replace(ELSEWHERE, run=odd, host=odd))
    assert await renew(connection, held) == set()
    (lease,) = await leases(connection, [odd])
    assert (lease.symbol, lease.holder.run) == (odd, odd)


async def test_ten_contenders_in_circles_never_wait_for_each_other(database: Database) -> None:
    """Each wants the same symbols in another order, again and again: no deadlock, one holder."""
    names = [f"S{n}USDT" for n in range(20)]

    async def contend(number: int) -> int:
        me, won = replace(ELSEWHERE, run=f"run-{number}"), 0
        async with database.session() as own:
            for turn in range(10):
                order = names[number + turn :] + names[: number + turn]
                try:
                    held = await acquire(own, order, me)
                except LeaseRefused:
                    await asyncio.sleep(0)
                    continue
                won += 1
                assert set(held) == set(names)
                assert await renew(own, held) == set()
                await release(own, held)
        return won

    won = await asyncio.gather(*(contend(number) for number in range(10)))
    async with database.session() as own:
        fences = {each.fence for each in await leases(own)}
    assert fences == {sum(won)}, "each winner had all of them, one after the other"


# -- processes -----------------------------------------------------------------------------------

DAEMON = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from tidegauge.core.errors import OperatorError
    from tidegauge.sinks.connect import open_database
    from tidegauge.sinks.holder import Holder
    from tidegauge.sinks.lease_keeper import LeaseKeeper

    async def use():
        async with open_database(url=None, password=None, data_dir=Path(sys.argv[1])) as database:
            keeper = LeaseKeeper(database, ["BTCUSDT"], Holder.of_this_process(sys.argv[2]))
            try:
                await keeper.start()
            except OperatorError as error:
                print("refused", error, flush=True)
                return
            print("won", flush=True)
            await keeper.run()

    asyncio.run(use())
""")


def daemon(data_dir: Path, run: str) -> "subprocess.Popen[str]":
    """Start a process that takes the lease of BTCUSDT."""
    return subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(data_dir), run], stdout=subprocess.PIPE, text=True
    )


def verdict(process: "subprocess.Popen[str]") -> str:
    """Return the line in which it says how it went; log lines are passed over."""
    assert process.stdout is not None
    for line in iter(process.stdout.readline, ""):
        if line.startswith(("won", "refused")):
            return line
    raise AssertionError(process.wait())


async def test_of_ten_daemons_that_start_at_once_one_wins_and_killed_it_is_followed_at_once(
    made_data_dir: Path,
) -> None:
    """The nine are told who has it. `kill -9` and a start do not wait for a lease to expire."""
    async with EmbeddedPostgres(made_data_dir) as server:
        async with external(server).session() as connection:
            await migrate(connection)
        processes = [daemon(made_data_dir, f"run-{number}") for number in range(10)]
        try:
            said = await asyncio.gather(*(asyncio.to_thread(verdict, each) for each in processes))
            (place,) = (n for n, line in enumerate(said) if line.startswith("won"))
            winner = processes[place]
            for line in said[:place] + said[place + 1 :]:
                assert f"process {winner.pid} on" in line
                assert f"run-{place}" in line
            winner.kill()
            winner.wait()
            again = daemon(made_data_dir, "run-again")
            processes.append(again)
            assert (await asyncio.to_thread(verdict, again)).startswith("won")
            async with external(server).session() as connection:
                (lease,) = await leases(connection)
            assert (lease.holder.pid, lease.fence) == (again.pid, 2)
        finally:
            for each in processes:
                each.kill()
                each.wait()
                assert each.stdout is not None
                each.stdout.close()


# -- the keeper ----------------------------------------------------------------------------------


def keeper(database: Database, *symbols: str, holder: Holder = ME, **rest: Any) -> LeaseKeeper:
    return LeaseKeeper(database, symbols, holder, **{"renew_every_s": 0.05, **rest})


async def test_a_keeper_renews_adds_drops_and_lets_go(database: Database) -> None:
    """Its life without trouble; afterwards anybody may have what it had."""
    ours = keeper(database, "BTCUSDT", "ETHUSDT")
    await ours.start()
    running = asyncio.create_task(ours.run())
    await ours.add(["SOLUSDT"])
    await ours.drop(["ETHUSDT", "NEVERHAD"])
    assert set(ours.held) == {"BTCUSDT", "SOLUSDT"}
    async with database.session() as connection:
        (first,) = await leases(connection, ["BTCUSDT"])

        async def renewed() -> bool:
            (now,) = await leases(connection, ["BTCUSDT"])
            return now.expires_at > first.expires_at

        await until(renewed)
        assert 10 < ours.certain_s <= LEASE.total_seconds()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await ours.release()
        assert not any(each.alive for each in await leases(connection))
    assert ours.held == {}


async def test_a_keeper_that_is_refused_holds_nothing(database: Database) -> None:
    """At the start and later; the symbols it had stay its own."""
    theirs, ours = keeper(database, "BTCUSDT", holder=ELSEWHERE), keeper(database, "ETHUSDT")
    await theirs.start()
    await ours.start()
    with pytest.raises(LeaseRefused, match="BTCUSDT"):
        await ours.add(["AAVEUSDT", "BTCUSDT"])
    assert set(ours.held) == {"ETHUSDT"}
    await ours.release()
    await theirs.release()


async def test_a_lease_that_somebody_took_is_noticed_and_told(database: Database) -> None:
    """It expired while we slept, and another daemon has it: `lost`, and by whom."""
    ours = keeper(database, "BTCUSDT", "ETHUSDT", lease=timedelta(0))
    await ours.start()
    theirs = keeper(database, "BTCUSDT", holder=ELSEWHERE)
    await theirs.start()
    async with asyncio.timeout(PATIENCE_S):
        await ours.run()
    assert ours.lost.is_set()
    assert [(each.symbol, each.holder) for each in ours.lost_to] == [("BTCUSDT", ELSEWHERE)]
    assert set(ours.held) == {"ETHUSDT"}
    await ours.release()
    async with database.session() as connection:
        (lease,) = await leases(connection, ["BTCUSDT"])
    assert lease.holder == ELSEWHERE
    assert lease.alive, "what was lost is not let go for its new holder"
    await theirs.release()


async def test_a_table_that_was_emptied_is_filled_again_with_higher_fences(
    database: Database,
) -> None:
    """As after a backup was restored: nobody else has it, so it stays ours."""
    ours = keeper(database, "BTCUSDT")
    await ours.start()
    async with database.session() as connection:
        await connection.execute("DELETE FROM leases")
        await ours.renew()
        (lease,) = await leases(connection)
    assert lease.holder == ME
    assert ours.held == {"BTCUSDT": lease.fence}
    assert lease.fence > 1
    assert not ours.lost.is_set()
    await ours.release()


async def test_a_server_that_is_killed_costs_no_lease(made_data_dir: Path) -> None:
    """The keeper waits, connects anew and renews; meanwhile it is not certain any more."""
    async with EmbeddedPostgres(made_data_dir) as server:
        async with external(server).session() as connection:
            await migrate(connection)
        ours = keeper(external(server), "BTCUSDT")
        await ours.start()
        running = asyncio.create_task(ours.run())
        for pid in pids_of(server):  # a backend outlives its postmaster, if for a moment
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await until(lambda: status(made_data_dir).state == "stopped")
        await ours.add(["ETHUSDT"])
        assert ours.missing == {"ETHUSDT"}
        await server.revive()
        await ours.renew()
        assert set(ours.held) == {"BTCUSDT", "ETHUSDT"}
        async with external(server).session() as connection:
            (before,) = await leases(connection, ["BTCUSDT"])

            async def goes_on() -> bool:
                (lease,) = await leases(connection, ["BTCUSDT"])
                return lease.renewed_at > before.renewed_at

            await until(goes_on)
        assert not ours.lost.is_set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await ours.release()


async def test_a_server_that_hangs_is_given_up_and_a_release_never_raises(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that somebody locked stands for it: no task waits for ever."""
    ours = keeper(database, "BTCUSDT")
    await ours.start()
    monkeypatch.setattr("tidegauge.sinks.lease_keeper.DEADLINE_S", 0.3)
    async with database.session() as blocker, blocker.transaction():
        await blocker.execute("SELECT * FROM leases FOR UPDATE")
        with pytest.raises((TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.PostgresError)):
            await ours.renew()
        await ours.release()
    assert ours.held == {}


async def test_a_lease_let_go_of_by_the_real_clock_is_released(connection: Any) -> None:
    """The clock goes on between two looks at it, and the end of a lease is one instant."""
    held = await acquire(connection, ["BTCUSDT"], ME)
    await release(connection, held)
    (lease,) = await leases(connection)
    assert lease.released
    assert lease.expires_at == lease.renewed_at
