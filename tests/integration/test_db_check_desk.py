"""`tidegauge db check` of the operations desk: trails with holes, orders that nobody answers."""

import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.support.incidents import a_story, write_log
from tests.support.moving import FAR, write

from tidegauge.core.desk import Order, OrderKind
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.connect import Database
from tidegauge.sinks.health.checks import check_database
from tidegauge.sinks.health.finding import Finding, Verdict
from tidegauge.sinks.incident_log import path_of
from tidegauge.sinks.leases import acquire
from tidegauge.sinks.orders import place


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database."""
    async with database.session() as connection:
        yield connection


async def found(connection: Any) -> dict[str, Finding]:
    return {each.name: each for each in await check_database(connection)}


async def test_a_trail_with_a_hole_is_found(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """A line that went, one that was changed, and a head that is not the newest line's."""
    chained = write_log(tmp_path, a_story())
    await write(database, *chained)
    healthy = (await found(connection))["trail"]
    assert (healthy.verdict, healthy.said) == (
        *(Verdict.OK, "6 lines of 1 audit trails, each whole"),
    )
    for harm, line in (
        ("UPDATE incident_events SET hash = 'x' WHERE sequence = 3", 5),
        ("DELETE FROM incident_events WHERE sequence = 2", 4),
        ("DELETE FROM incident_events WHERE sequence = 6", 7),
        ("DELETE FROM incident_events", 7),
    ):
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(harm)
        finding = (await found(connection))["trail"]
        assert finding.verdict is Verdict.WARN
        assert f"line {line} of {path_of(tmp_path)} on " in finding.said
        await transaction.rollback()


async def test_an_order_that_a_running_daemon_does_not_answer_is_told_of(connection: Any) -> None:
    """One for which nobody is there waits with a reason."""
    order = Order(
        id=str(uuid.uuid4()),
        kind=OrderKind.EXPOSE,
        at=time.time_ns() - 120 * SECOND,
        actor="mira",
        asset="BTC",
        amount="1",
        until=time.time_ns() + 600 * SECOND,
    )
    await place(connection, order)
    assert (await found(connection))["orders"].verdict is Verdict.OK
    await acquire(connection, ["BTCUSDT"], FAR)
    finding = (await found(connection))["orders"]
    assert finding.said.startswith("1 orders wait although a daemon is there")
