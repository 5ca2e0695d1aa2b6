"""A monitor that is being recorded: begins the tape, its parts, and ends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tidegauge.wire.tape import TapeLine

from .app import App
from .plans import monitor_plan
from .recorder import Recorder

LOOK_EVERY_S = 1.0
NEW_PART = "a new part of the tape begins"


@asynccontextmanager
async def recording(app: App, recorder: Recorder) -> AsyncIterator[None]:
    """Record what an app does inside; it must have been given the recorder as its journal, and
    `recorder.take` as its listener."""
    recorder.begin(app.run_id, monitor_plan(app.settings), app.started_at)
    keeping = asyncio.create_task(_keep_in_parts(app, recorder), name="recording")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(recorder.close, app.world.clock.now())


async def _keep_in_parts(app: App, recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if recorder.is_due(app.world.clock.now()):
            _begin_part(app, recorder)


def _begin_part(app: App, recorder: Recorder) -> None:
    """Begin a part, unless some connection is just being replaced: then it has to wait."""
    now = app.world.clock.now()
    positions: list[TapeLine] = []
    for runner in app.runners:
        position = runner.position(now)
        if position is None:
            return
        positions.append(position)
    recorder.begin_part(positions, now)
    for runner in app.runners:
        runner.renew(NEW_PART)
