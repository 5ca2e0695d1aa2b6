"""Routes of fire drills: which there are, starting one, and what came of it.

A drill runs in a process of its own, one at a time: it takes a core for seconds.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from tidegauge.faces import drill_tables
from tidegauge.runtime.drill_outcome import DrillOutcome
from tidegauge.simulator.drills import DRILLS

from .answers import answer
from .problems import Problem

router = APIRouter(tags=["drills"])

log = structlog.get_logger(__name__)

REMEMBERED = 20
PATIENCE_S = 300.0
MOST_SAID = 2_000

Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9-]+$")]
RunId = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9-]+$")]


class DrillOrder(BaseModel, extra="forbid"):
    """Which market of its kind."""

    seed: int = Field(default=1, ge=0, le=2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDrill:
    """A drill there is: what happens, and what must come of it."""

    name: str
    what: str
    must: str
    lasts_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillCheck:
    """What was expected, what came, and whether that is well."""

    expected: str
    came: str
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """One run. `state`: running, passed, failed, or broken, which `report` then says why."""

    id: str
    drill: str
    seed: int
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    report: str = ""
    checks: tuple[DrillCheck, ...] = ()


class Drills:
    """The runs of one API, by the settings of the file `config`. `opened` while it serves: what still
    runs is ended with it."""

    def __init__(self, config: FilePath | None = None) -> None:
        self._options = () if config is None else ("--config", str(config))
        self.runs: dict[str, DrillRun] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Drills"]:
        """Lend it; a drill that still runs is ended at the end."""
        try:
            yield self
        finally:
            if self._task is not None:
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    await self._task

    def start(self, name: str, seed: int) -> DrillRun:
        """Begin a run. Raises 409 while one runs."""
        if self._task is not None and not self._task.done():
            raise Problem(HTTPStatus.CONFLICT, "a drill runs already: wait for its end")
        run = DrillRun(
            id=str(uuid.uuid4()),
            drill=name,
            seed=seed,
            state="running",
            started_at=datetime.now(UTC),
        )
        self.runs[run.id] = run
        while len(self.runs) > REMEMBERED:
            del self.runs[next(iter(self.runs))]
        self._task = asyncio.create_task(self._run(run), name=f"drill {name}")
        return run

    async def _run(self, run: DrillRun) -> None:
        try:
            ended = await self._outcome(run)
        except Exception:  # our bug
            log.exception("drill_crashed", drill=run.drill)
            ended = replace(run, state="broken", report="a fault of ours; the API's log has it")
        self.runs[run.id] = replace(ended, ended_at=datetime.now(UTC))

    async def _outcome(self, run: DrillRun) -> DrillRun:
        command = ("-m", "tidegauge", "drill", run.drill, "--json", "--seed", str(run.seed))
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                *self._options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return replace(run, state="broken", report=f"it can't be started: {error}")
        try:
            async with asyncio.timeout(PATIENCE_S):
                out, err = await process.communicate()
        except TimeoutError:
            return replace(run, state="broken", report=f"it took longer than {PATIENCE_S:.0f} s")
        finally:
            if process.returncode is None:
                process.kill()
        return _judged(run, out, err)


def drills_of(request: Request) -> Drills:
    """Return the drills of this API."""
    drills: Drills = request.app.state.drills
    return drills


@router.get("/drills", response_model=list[ShownDrill])
async def drills() -> Response:
    """Every drill there is."""
    return answer([msgspec.convert(each, ShownDrill) for each in drill_tables.listed()])


@router.get("/drills/runs", response_model=list[DrillRun])
async def runs(request: Request) -> Response:
    """The latest runs, the newest first."""
    return answer([*reversed(drills_of(request).runs.values())])


@router.get("/drills/runs/{run_id}", response_model=DrillRun)
async def run(request: Request, run_id: RunId) -> Response:
    """How a drill goes, and what came of it."""
    found = drills_of(request).runs.get(run_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no drill of this API has this id")
    return answer(found)


@router.post("/drills/{name}", response_model=DrillRun, status_code=202)
async def start(request: Request, name: Name, body: DrillOrder | None = None) -> Response:
    """Rehearse trouble with the rules in force: nobody is notified, no table is written."""
    if name not in DRILLS:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no drill {name}; GET /drills has them all")
    return answer(drills_of(request).start(name, (body or DrillOrder()).seed), HTTPStatus.ACCEPTED)


def _judged(run: DrillRun, out: bytes, err: bytes) -> DrillRun:
    """Return a run that ended with what it printed."""
    try:
        outcome = msgspec.json.decode(out, type=DrillOutcome)
    except msgspec.MsgspecError:
        said: Any = err.decode(errors="replace").strip() or "it printed nothing"
        return replace(run, state="broken", report=said[-MOST_SAID:])
    return replace(
        run,
        state="passed" if outcome.passed else "failed",
        report=drill_tables.report(outcome, DRILLS[run.drill]),
        checks=tuple(
            DrillCheck(expected=each.expected, came=each.came, met=each.met)
            for each in outcome.checks
        ),
    )
