"""Upkeep's patience, with a database that is never there."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.database import until

from tidegauge.sinks.connect import Database
from tidegauge.sinks.upkeep import Upkeep


async def test_a_database_that_is_away_is_told_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends only by being cancelled."""
    monkeypatch.setattr("tidegauge.sinks.upkeep.RETRY_S", 0.001)
    attempts = 0

    def arguments() -> Mapping[str, Any]:
        nonlocal attempts
        attempts += 1
        raise ConnectionRefusedError("nobody listens")

    nowhere = Database(
        describe="nowhere",
        url="postgresql://nowhere/",
        embedded=False,
        password=None,
        arguments=arguments,
    )
    upkeep = Upkeep(nowhere, keep_days=30)
    with capture_logs() as logs:
        task = asyncio.create_task(upkeep.run())
        await until(lambda: attempts >= 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [each["event"] for each in logs] == ["upkeep_interrupted"]
    assert not upkeep.leading
    assert upkeep.rolled_up_until is None
