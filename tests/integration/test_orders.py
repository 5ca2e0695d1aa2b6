"""Orders of people: compare-and-set in PostgreSQL, carried out once by the daemon that has the incident."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.database import NOON, until
from tests.support.desk_clerk import Clerk, at_work
from tests.support.fault_proxy import HALF_OPEN, HEALTHY, FaultProxy, Toxic
from tests.support.incidents import HOSTILE, a_silence, a_story, happens
from tests.support.moving import write

from tidegauge.core.desk import Order, OrderKind, Outcome
from tidegauge.core.incident import Family, IncidentChange, IncidentState
from tidegauge.core.instrument import HOUR
from tidegauge.sinks.connect import Database
from tidegauge.sinks.orders import OrderRefused, Orders, outcome_of, place

NAME = "INC-19b8-aa"
OPENED = a_story()[0]


def an_order(kind: OrderKind = OrderKind.ACKNOWLEDGE, **changes: Any) -> Order:
    """Return an order on the incident."""
    made = Order(
        id=str(uuid.uuid4()),
        kind=kind,
        at=time.time_ns(),
        actor="mira",
        incident_id=NAME,
        version=1,
    )
    return replace(made, **changes)


def not_on_an_incident(kind: OrderKind, **changes: Any) -> Order:
    return an_order(kind, incident_id=None, version=None, **changes)


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database."""
    async with database.session() as connection:
        yield connection


async def open_incident(clerk: Clerk, connection: Any, **changes: Any) -> None:
    clerk.happen(happens(None, IncidentChange.OPENED, **changes))
    await until(lambda: is_stored(connection, changes.get("name", NAME)))


async def is_stored(connection: Any, name: str = NAME, version: int = 1) -> bool:
    found = await connection.fetchval("SELECT version FROM tidegauge.incidents WHERE id = $1", name)
    return bool(found is not None and found >= version)


async def is_answered(connection: Any) -> bool:
    return bool(await connection.fetchval("SELECT count(*) FROM tidegauge.order_outcomes"))


async def carried_out(connection: Any, order: Order) -> Outcome:
    placed = await place(connection, order)
    outcome = await outcome_of(connection, placed.id, 20.0)
    assert outcome is not None
    return outcome


async def test_an_order_is_carried_out_within_a_second_and_shows(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Whoever sees the outcome sees the incident after it, with every word of the comment."""
    async with at_work(database, tmp_path, poll_s=60.0) as clerk:
        await open_incident(clerk, connection)
        ends = time.time_ns() // 1000 * 1000 + HOUR
        # Woken by the database: the clock would wake it in a minute, and this waits for 20 s.
        outcome = await carried_out(connection, an_order(comment="looking", until=ends))
        assert (outcome.done, outcome.said, outcome.version) == (True, "acknowledged", 2)
        row = await connection.fetchrow("SELECT * FROM tidegauge.v_incidents")
        assert (row["state"], row["acknowledged_by"], row["version"]) == ("acknowledged", "mira", 2)
        [order] = clerk.given
        assert (order.kind, order.until, order.comment) == (OrderKind.ACKNOWLEDGE, ends, "looking")
        told = await connection.fetchrow("SELECT * FROM tidegauge.v_orders")
        assert (told["outcome"], told["new_version"], told["answered_by"]) == (
            "done",
            2,
            "run-desk",
        )


async def test_of_two_who_acknowledge_at_once_one_does_and_the_other_is_told_who(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """However close they come: before the daemon has answered, and after it has."""
    async with at_work(database, tmp_path) as clerk:
        await open_incident(clerk, connection)

        async def acknowledge(actor: str) -> Outcome | OrderRefused:
            async with database.session() as own:
                try:
                    return await carried_out(own, an_order(actor=actor, until=NOON + 2 * HOUR))
                except OrderRefused as refusal:
                    return refusal

        names = [f"person-{number}" for number in range(8)]
        outcomes = dict(zip(names, await asyncio.gather(*map(acknowledge, names)), strict=True))
        won = [name for name, each in outcomes.items() if isinstance(each, Outcome) and each.done]
        assert len(won) == 1
        for name, each in outcomes.items():
            if name not in won:
                assert isinstance(each, OrderRefused)
                assert won[0] in each.what
        events = await connection.fetch(
            "SELECT actor FROM tidegauge.incident_events ORDER BY number"
        )
        assert [each["actor"] for each in events] == ["tidegauge", *won]
        with pytest.raises(OrderRefused, match=f"has version 2, not 1; {won[0]} has it until 2026"):
            await place(connection, an_order(actor="late"))


async def test_what_cannot_be_is_refused_in_plain_words(
    database: Database, connection: Any
) -> None:
    """Unknown, over, or changed since it was looked at; and nothing of it is stored."""
    await write(database, *await chained(a_story()))
    with pytest.raises(OrderRefused, match="there is no incident INC-x") as raised:
        await place(connection, an_order(incident_id="INC-x"))
    assert "incidents list" in (raised.value.fix or "")
    for kind in (OrderKind.ACKNOWLEDGE, OrderKind.RESOLVE, OrderKind.REBASE):
        with pytest.raises(
            OrderRefused, match="is over: tidegauge resolved it at 2026-01-01 12:06"
        ):
            await place(connection, an_order(kind, version=6))
    with pytest.raises(OrderRefused, match="it has version 6, not 3; tidegauge resolved it"):
        await place(connection, an_order(OrderKind.COMMENT, version=3))
    with pytest.raises(OrderRefused, match="there is no silence s-9"):
        await place(connection, not_on_an_incident(OrderKind.EXPIRE_SILENCE, silence_id="s-9"))
    await write(database, a_silence())
    with pytest.raises(OrderRefused, match="silence s-1 is over since 2026-01-01 14:00:00 UTC"):
        await place(connection, not_on_an_incident(OrderKind.EXPIRE_SILENCE, silence_id="s-1"))
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.desk_orders") == 0


async def chained(story: Any) -> list[Any]:
    """Return transitions with places in a trail that is not on any disk."""
    from tidegauge.sinks.chain import NO_HASH, Chain, ChainedTransition  # noqa: PLC0415 - only here

    chain = Chain(id=str(uuid.uuid4()), host="h", path="p", began_at=NOON)
    return [
        ChainedTransition(
            chain=chain,
            sequence=number,
            at=each.event.at,
            previous_hash=NO_HASH,
            hash=str(number),
            transition=each,
        )
        for number, each in enumerate(story, 1)
    ]


async def test_an_order_for_which_nobody_is_there_waits_and_says_so(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """A daemon that starts later carries it out; another daemon's symbols are not its business."""
    async with at_work(database, tmp_path) as clerk:
        await open_incident(clerk, connection)
    order = an_order(until=NOON + HOUR)
    placed = await place(connection, order)
    assert placed.waits == "no daemon watches BTCUSDT now: it waits until one does"
    assert await outcome_of(connection, placed.id, 0.2) is None
    with pytest.raises(OrderRefused, match="mira was quicker: their order to acknowledge"):
        await place(connection, an_order(actor="tom"))
    async with at_work(database, tmp_path / "other", "ETHUSDT", run="run-eth") as other:
        await until(lambda: is_stored(connection))
        assert await outcome_of(connection, placed.id, 0.5) is None
        assert other.given == []
    async with at_work(database, tmp_path, run="run-2") as clerk:
        outcome = await outcome_of(connection, placed.id, 20.0)
        assert outcome is not None
        assert outcome.done
        assert [each.id for each in clerk.given] == [order.id]


async def test_an_order_is_handed_on_once_however_often_it_is_met(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Looked at ten times a second, and by a daemon that is killed before its answer is stored."""
    async with at_work(database, tmp_path, poll_s=0.01) as clerk:
        await open_incident(clerk, connection)
        clerk.stores = False
        await place(connection, an_order(until=NOON + HOUR))
        await until(lambda: bool(clerk.given))
        await clerk.log.settled()
        await asyncio.sleep(0.3)
        assert len(clerk.given) == 1
    async with at_work(database, tmp_path, run="run-2") as again:
        # The trail knew of it: decided on version 1, it is not done a second time.
        assert again.incidents[NAME].acknowledged_by == "mira"
        await until(lambda: bool(again.given))
        await until(lambda: is_answered(connection))
        assert again.incidents[NAME].version == 2


async def test_what_concerns_every_daemon_reaches_each_once(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Those that run, and one that starts while it holds; not one that starts when it is over."""
    ends = time.time_ns() + HOUR
    silence = a_silence("s-2", starts_at=time.time_ns(), ends_at=ends)
    orders = [
        not_on_an_incident(OrderKind.SILENCE, silence=silence),
        not_on_an_incident(OrderKind.EXPOSE, asset="BTC", amount="250000.10", until=ends),
        not_on_an_incident(OrderKind.EXPOSE, asset="ETH", amount="1", until=ends),
    ]
    async with (
        at_work(database, tmp_path / "1", poll_s=0.02) as one,
        at_work(database, tmp_path / "2", "ETHUSDT", run="run-eth", poll_s=0.02) as two,
    ):
        for order in orders:
            assert (await carried_out(connection, order)).done
        await until(lambda: len(one.given) == len(two.given) == 3)
        assert one.given[1].amount == "250000.10"
        assert one.given[0].silence == silence
        await asyncio.sleep(0.2)
        assert len(one.given) == len(two.given) == 3
        # Its end is put before now: to wait for one would race with the orders before it.
        over = "UPDATE tidegauge.desk_orders SET until = now() - interval '1 s' WHERE asset = 'ETH'"
        await connection.execute(over)
        async with at_work(database, tmp_path / "3", "SOLUSDT", run="run-sol") as late:
            await until(lambda: len(late.given) >= 2)
            assert [each.id for each in late.given] == [each.id for each in orders[:2]]
    rows = await connection.fetch("SELECT asset, amount, outcome FROM tidegauge.v_exposures")
    assert [(row["asset"], str(row["amount"]), row["outcome"]) for row in rows] == [
        ("BTC", "250000.10", "done"),
        ("ETH", "1", "done"),
    ]
    row = await connection.fetchrow("SELECT * FROM tidegauge.v_silences")
    assert (row["active"], row["symbols"], row["severities"]) == (
        *(True, ["BTCUSDT"]),
        ["high", "critical"],
    )


async def test_an_incident_of_a_venue_is_for_the_daemon_that_has_it(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Its symbol is every symbol, and every daemon may have one."""
    async with (
        at_work(database, tmp_path / "1", poll_s=0.02) as one,
        at_work(database, tmp_path / "2", "ETHUSDT", run="run-eth", poll_s=0.02) as two,
    ):
        await open_incident(two, connection, name="INC-all", symbol="*", family=Family.FEED)
        outcome = await carried_out(connection, an_order(incident_id="INC-all", until=NOON))
        assert outcome.done
        assert (len(one.given), len(two.given)) == (0, 1)


@pytest.mark.parametrize("words", [HOSTILE.replace("\x00", "").replace("\ud800", ""), "'; --"])
async def test_hostile_words_are_only_words(
    database: Database, connection: Any, tmp_path: Path, words: str
) -> None:
    """In the row, at the desk, and in the trail."""
    async with at_work(database, tmp_path) as clerk:
        await open_incident(clerk, connection)
        order = an_order(OrderKind.COMMENT, actor=words, comment=words)
        assert (await carried_out(connection, order)).done
        assert (clerk.given[0].actor, clerk.given[0].comment) == (words, words)
        row = await connection.fetchrow(
            "SELECT actor, comment FROM tidegauge.v_incident_timeline ORDER BY number DESC"
        )
        assert tuple(row) == (words, words)


async def test_what_the_daemon_cannot_do_is_refused_and_does_not_stop_it(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """A kind of a later version, and a bug."""
    async with at_work(database, tmp_path) as clerk:
        await open_incident(clerk, connection)
        later = str(uuid.uuid4())
        await connection.execute(
            "INSERT INTO tidegauge.desk_orders (id, kind, at, actor, comment, symbol)"
            " VALUES ($1, 'dance', now(), 'x', '', 'BTCUSDT')",
            uuid.UUID(later),
        )
        outcome = await outcome_of(connection, later, 20.0)
        assert outcome is not None
        assert (outcome.done, "does not know how to dance" in outcome.said) == (False, True)
        refused = await carried_out(connection, an_order(OrderKind.REBASE))
        assert (refused.done, "a bug" in refused.said) == (False, True)
        assert clerk.incidents[NAME].state is IncidentState.OPEN


async def test_a_database_that_goes_away_is_waited_for(database: Database, connection: Any) -> None:
    """Cut, silent, and there again: the orders of meanwhile are carried out."""
    port = dict(database.arguments())["port"]
    async with FaultProxy(int(port)) as proxy:
        arguments = {**database.arguments(), "host": "127.0.0.1", "port": proxy.port}
        given: list[Order] = []

        async def handle(order: Order) -> Outcome:
            given.append(order)
            return Outcome(order_id=order.id, at=1, done=True, said="done")

        outcomes: list[Outcome] = []
        orders = Orders(
            replace(database, arguments=lambda: arguments),
            symbols=lambda: ("BTCUSDT",),
            knows=lambda _name: True,
            handle=handle,
            told=outcomes.append,
            now=time.time_ns,
            poll_s=0.05,
        )
        task = asyncio.create_task(orders.run())
        try:
            await write(database, *await chained(a_story()[:1]))
            await place(connection, an_order(OrderKind.COMMENT))
            await until(lambda: len(given) == 1)
            proxy.toxic = Toxic(close_after=0)
            await until(lambda: orders.away)
            await place(connection, an_order(OrderKind.COMMENT))
            proxy.toxic = HEALTHY
            await until(lambda: len(given) == 2 and not orders.away)
            proxy.toxic = HALF_OPEN
            await until(lambda: orders.away)
            proxy.toxic = HEALTHY
            await until(lambda: not orders.away)
            assert len(outcomes) == 2
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
