"""The writer's patience, against a database that is never there."""

import asyncio
from collections.abc import Mapping
from typing import Any

from structlog.testing import capture_logs
from tests.support.database import a_feed_event, a_reading, an_alert, until

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.writer import PostgresWriter

QUICK = WriterLimits(age_s=0.01, capacity=10, backoff_s=0.001, longest_backoff_s=0.01)


def nowhere(revived: list[bool]) -> Database:
    """Return a database that cannot be reached, and cannot be revived."""

    async def revive() -> None:
        revived.append(True)
        raise OperatorError("it will not start")

    def arguments() -> Mapping[str, Any]:
        raise ConnectionRefusedError("nobody listens")

    return Database(
        describe="nowhere",
        url="postgresql://nowhere/",
        embedded=True,
        password=None,
        arguments=arguments,
        revive=revive,
    )


async def test_submitting_never_blocks_and_never_raises() -> None:
    """Not when there is no room, not when it is no record."""
    writer = PostgresWriter(nowhere([]), QUICK, "run-1")
    with capture_logs() as logs:
        for number in range(100):
            writer.submit(a_reading(number))
        writer.submit("not a record")  # type: ignore[arg-type]
    statistics = writer.statistics()
    assert statistics.accepted == {Kind.READING: 100}
    assert statistics.dropped == {Kind.READING: 90}
    assert statistics.depth == 10
    assert [each["event"] for each in logs] == ["records_dropped", "record_not_known"]


async def test_an_outage_is_told_once_and_tried_again_and_again() -> None:
    """Each attempt asks for the server to be revived; what is held stays held."""
    revived: list[bool] = []
    writer = PostgresWriter(nowhere(revived), QUICK, "run-1")
    with capture_logs() as logs:
        task = asyncio.create_task(writer.run())
        writer.submit(an_alert())
        writer.submit(a_feed_event())
        await until(lambda: writer.statistics().retries >= 5)
        assert writer.depth == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    statistics = writer.statistics()
    assert [each["event"] for each in logs] == ["database_lost"]
    assert len(revived) >= 4
    assert statistics.away
    assert statistics.outages == 1
    assert statistics.depth == 2, "what was taken went back"
    assert statistics.last_error is not None


async def test_every_record_is_accounted_for() -> None:
    """accepted = written + dropped + rejected + depth."""
    writer = PostgresWriter(nowhere([]), QUICK, "run-1")
    for number in range(30):
        writer.submit(a_reading(number))
        writer.submit(a_feed_event(number))
    assert not await writer.drain(0.05)
    statistics = writer.statistics()
    assert sum(statistics.accepted.values()) == 60
    assert sum(statistics.dropped.values()) + statistics.depth == 60
