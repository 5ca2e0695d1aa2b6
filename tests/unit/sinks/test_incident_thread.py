"""The audit trail beside the event loop."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.database import NOON, until
from tests.support.incidents import a_story, write_log

from tidegauge.sinks.chain import ChainedTransition
from tidegauge.sinks.incident_log import path_of, read, scan
from tidegauge.sinks.incident_thread import IncidentLogThread

STORY = [each for each in a_story() if each.event.actor != "tom"]


@asynccontextmanager
async def working(folder: Path, told: list[ChainedTransition]) -> AsyncIterator[IncidentLogThread]:
    """Lend a trail that is worked."""
    thread = IncidentLogThread(folder, told.append, retry_s=0.02)
    await thread.open(NOON)
    task = asyncio.create_task(thread.run())
    try:
        yield thread
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await thread.close()


async def test_what_is_told_is_on_the_disk_before(tmp_path: Path) -> None:
    """In order, each with its place."""
    on_disk: list[int] = []
    told: list[ChainedTransition] = []
    async with working(tmp_path, told) as thread:
        thread._told = lambda each: on_disk.append(
            sum(1 for line in read(path_of(tmp_path)) if line.sequence <= each.sequence)
        )
        for each in STORY:
            thread.append(each)
        await thread.settled()
        assert on_disk == [1, 2, 3, 4, 5]
        assert [each.transition for each in read(path_of(tmp_path))] == STORY


async def test_the_incidents_that_go_on_come_with_the_opening(tmp_path: Path) -> None:
    """A start reads back what a crash left."""
    write_log(tmp_path, STORY[:3])
    thread = IncidentLogThread(tmp_path, lambda _told: None)
    assert await thread.open(NOON, {"BTCUSDT"}) == [STORY[2].incident]
    assert thread.path == path_of(tmp_path)
    await thread.close()


async def test_a_disk_that_takes_nothing_holds_nobody_up(tmp_path: Path) -> None:
    """It is told of once; people learn of the incident, and the lines are written when it is back."""
    told: list[ChainedTransition] = []
    folder = tmp_path / "data"
    async with working(folder, told) as thread:
        thread.append(STORY[0])
        await thread.settled()
        with capture_logs() as logged:
            shutil.move(folder, tmp_path / "away")
            for each in STORY[1:3]:
                thread.append(each)
                await thread.settled()
            assert thread.broken is not None
            assert [each.sequence for each in told] == [1, 2, 3]
            shutil.move(tmp_path / "away", folder)
            await until(lambda: thread.broken is None)
        events = [each["event"] for each in logged]
        assert events == ["incident_log_lost", "incident_log_recovered"]
    assert list(read(path_of(folder))) == told
    assert not scan(path_of(folder)).bad


async def test_a_transition_that_cannot_be_written_stops_no_other(tmp_path: Path) -> None:
    """It is a bug of ours, and told of."""
    told: list[ChainedTransition] = []
    wrong = replace(STORY[1], event=replace(STORY[1].event, detail={"x": object()}))  # type: ignore[dict-item]
    async with working(tmp_path, told) as thread:
        with capture_logs() as logged:
            for each in (STORY[0], wrong, STORY[2]):
                thread.append(each)
            await thread.settled()
        assert [each["event"] for each in logged] == ["incident_log_rejected"]
    assert [each.sequence for each in told] == [1, 2]
    assert not scan(path_of(tmp_path)).bad


async def test_what_was_appended_last_is_written_at_the_close(tmp_path: Path) -> None:
    """Whoever stops the daemon loses nothing."""
    told: list[ChainedTransition] = []
    thread = IncidentLogThread(tmp_path, told.append)
    await thread.open(NOON)
    for each in STORY:
        thread.append(each)
    await thread.close()
    assert len(told) == len(list(read(path_of(tmp_path)))) == len(STORY)


async def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    """At the start, where somebody looks."""
    (tmp_path / "file").write_text("")
    thread = IncidentLogThread(tmp_path / "file", lambda _told: None)
    with pytest.raises(FileExistsError):
        await thread.open(NOON)
    await thread.close()
