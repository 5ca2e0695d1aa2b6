"""A monitor that is being recorded: begins the tape, its parts, and ends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from tidegauge.risk.ruleset import RuleSet
from tidegauge.wire.tape import TapeLine

from .app import App, Assignment
from .plans import monitor_plan
from .recorder import Recorder
from .rules.reload import RulesInForce
from .settings import Settings

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
DEFAULT_GIB = 20.0
NEW_PART = "a new part of the tape begins"


@asynccontextmanager
async def recording(app: App, recorder: Recorder | None) -> AsyncIterator[None]:
    """Record what an app does inside, unless there is no recorder.

    The app must have been given the recorder as its journal, and `recorder.take` as its listener.
    """
    if recorder is None:
        yield
        return
    recorder.begin(app.run_id, monitor_plan(app.settings, app.rules), app.started_at)
    keeping = asyncio.create_task(_keep_in_parts(app, recorder), name="recording")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(recorder.close, app.world.clock.now(), went_on=app.kept.used)


def recorded_app(
    settings: Settings,
    assignment: Assignment,
    recorder: Recorder | None,
    rules: RulesInForce | RuleSet | None = None,
) -> App:
    """Return an app that tells a recorder all that `recording` needs, if there is one."""
    listener = None if recorder is None else recorder.take
    return App(settings, assignment, journal=recorder, listener=listener, rules=rules)


async def _keep_in_parts(app: App, recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if recorder.is_due(app.world.clock.now()):
            try:
                _begin_part(app, recorder)
            except Exception:  # a bug of ours costs this part's beginning, not the recording
                log.exception("tape_part_not_begun")


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
