"""`tidegauge demo`: the real monitor against local venues and a generated market."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tidegauge import venues
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import VenueName
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.app import Assignment
from tidegauge.runtime.recorder import Recorder
from tidegauge.runtime.recording import DEFAULT_GIB, recorded_app, recording
from tidegauge.runtime.rules.build import rule_set
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings import Settings, load_settings
from tidegauge.runtime.settings_schema import PREFIX, variable
from tidegauge.simulator.venues import VENUES as LOCAL

from . import demo_clerk, demo_report, running
from .api.binding import bound
from .api.companion import Companion
from .api.tokens import tokens_made
from .dashboard import command as dashboard_command
from .dashboard.beside import DashboardBeside
from .logs import log_to_file
from .options import DataDir, PlainView, Record, RecordMaxGb

SYMBOLS = ("BTCUSDT",)
VENUES = ("binance", "binance-futures", "bybit-spot", "bybit-linear", "hyperliquid")
"""What a demo runs unless it is told otherwise: no more than a small terminal shows."""

ALL = "all"

LASTS_S = 60.0
CRUNCH_AT_S = 20.0
CRUNCH_FOR_S = 12.0

SAMPLE_EVERY_S = 0.25
MIN_SAMPLES = 60
CLEAR_FOR_S = 10.0
SETTLE_FOR_S = 2.0

READY_WITHIN_S = 30.0


def command(
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Go on until Ctrl-C.")
    ] = False,
    speed: Annotated[
        float, typer.Option("--speed", min=0.1, max=20, help="How many times faster to run.")
    ] = 1.0,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", help="A local venue to run, or all; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the generated market.")] = 1,
    plain: PlainView = False,
    *,
    dashboard: Annotated[
        bool, typer.Option(help="On a terminal, show the dashboard; without it, one table.")
    ] = True,
    data_dir: DataDir = None,
    record: Record = None,
    record_max_gb: RecordMaxGb = DEFAULT_GIB,
) -> None:
    """Watch the monitor find a liquidity crunch on local venues, with its own database.

    Example: tidegauge demo --speed 2
    """
    names = chosen(venue)
    settings = demo_settings(data_dir, speed)
    console = running.console_for(plain=plain)
    log_to_file(settings)
    _introduce(console, settings, speed, len(names), keep_running=keep_running)
    assignment = Assignment(
        symbols=SYMBOLS,
        venues=names,
        duration_s=None if keep_running else LASTS_S / speed,
        command="demo",
    )
    recorder = running.recorder_into(record, record_max_gb)
    shown = dashboard and console.is_terminal and sys.stdin.isatty()
    running.run_loop(_run(settings, assignment, console, (speed, seed), recorder, dashboard=shown))


def chosen(names: list[str] | None) -> tuple[VenueName, ...]:
    """Return the venues to run. Raises `OperatorError` for one that cannot be run here."""
    if not names:
        return VENUES
    if ALL in names:
        return LOCAL
    resolved = tuple(spec.name for spec in venues.resolve(names))
    for name in resolved:
        if name not in LOCAL:
            raise OperatorError(
                f"there is no local venue {name!r}", fix=f"There are {', '.join(LOCAL)}"
            )
    return resolved


def demo_settings(data_dir: Path | None, speed: float) -> Settings:
    """Return the settings of a demo: embedded defaults, whatever the environment says.

    A demo keeps its rows apart from those of real venues, in a folder of its own.
    """
    own = load_settings(environ={}, dotenv=None).settings
    usual = load_settings().settings
    flags: dict[str, Any] = {
        "data_dir": str(usual.data_dir / "demo" if data_dir is None else data_dir),
        "database": {"pg_bin": usual.database.pg_bin},
        "readings": {
            "sample_every_s": SAMPLE_EVERY_S / speed,
            "write_every_s": own.readings.write_every_s / speed,
        },
        "logging": {"format": "json"},
    }
    return load_settings(flags=flags, environ={}, dotenv=None).settings


def demo_rules(settings: Settings, speed: float) -> RuleSet:
    """Return the built-in rules, but soon warm; at a higher speed every hold of the crunch is as
    much shorter."""
    tree = RuleTree()
    crunch = tree.crunch.model_dump()
    for group in (crunch, crunch["step"], crunch["bleed"]):
        group.update({name: group[name] / speed for name in group if name.endswith("_s")})
    crunch["clear_for_s"] = CLEAR_FOR_S / speed
    windows = {**tree.windows.model_dump(), "min_samples": MIN_SAMPLES}
    said = {"windows": windows, "crunch": crunch}
    said["incidents"] = {"settle_for_s": SETTLE_FOR_S / speed}
    return rule_set(RuleTree.model_validate(said), settings)


def _introduce(
    console: Console, settings: Settings, speed: float, served: int, *, keep_running: bool
) -> None:
    ends = "until Ctrl-C" if keep_running else f"for about {LASTS_S / speed:.0f} s"
    sampling = f"sampled every {SAMPLE_EVERY_S / speed:.3g} s, min_samples {MIN_SAMPLES}"
    crunch = f"about {CRUNCH_AT_S / speed:.0f} s in, for {CRUNCH_FOR_S / speed:.0f} s"
    places = "One local venue" if served == 1 else f"{served} local venues"
    lines = (
        f"{places}, a generated market, a private PostgreSQL; running {ends}.",
        f"Demo settings: {sampling}, clear_for {CLEAR_FOR_S / speed:.3g} s (usually 1 s, 300, 30 s).",
        f"A liquidity crunch comes {crunch}, on every venue; its incident is taken on, and ends.",
        f"Data and log: {settings.data_dir}",
    )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


async def _run(
    settings: Settings,
    assignment: Assignment,
    console: Console,
    market: tuple[float, int],
    recorder: Recorder | None,
    *,
    dashboard: bool,
) -> None:
    """Run venues and monitor; `market` is its speed and its seed. With a `dashboard` the terminal is its
    own until it is left, or the demo is over."""
    with console.status("Starting PostgreSQL and the local venues (the first time takes longer)"):
        stack = contextlib.AsyncExitStack()
        try:
            endpoints = await stack.enter_async_context(local_venues(assignment.venues, *market))
            settings = _pointed_at(settings, endpoints)
            rules = demo_rules(settings, market[0])
            app = recorded_app(settings, assignment, recorder, rules)
            companion = await stack.enter_async_context(demo_companion(settings))
            await stack.enter_async_context(app.opened())
            await stack.enter_async_context(recording(app, recorder))
        except BaseException:
            await stack.aclose()
            raise
    async with stack:
        view = None
        if dashboard:
            console.print(await companion.introduction(link=True), soft_wrap=True)
            shown = dashboard_command.arguments(settings, SYMBOLS, None)
            view = DashboardBeside(shown, app.stop.set)
        # What the others say meanwhile has no place on a dashboard.
        aside = Console(quiet=True) if dashboard else console
        beside = [asyncio.create_task(demo_clerk.sit(app, aside), name="clerk")]
        if not dashboard:
            introducing = running.introduce(companion, console)
            beside.append(asyncio.create_task(introducing, name="introduction"))
        await running.watch(app, console, "tidegauge demo", view=view)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        assert app.database is not None
        async with app.database.session() as connection:
            await demo_report.show(console, connection, app.run_id, settings.data_dir)


def demo_companion(settings: Settings) -> Companion:
    """Return the API of a demo: at the usual port or, where that is taken, at another one; with its
    own database, whatever the environment says."""
    port = settings.serve.port
    try:
        bound(settings.serve).close()
    except OperatorError:
        port = 0
    tokens_made(settings.data_dir)
    kept = {name: said for name, said in os.environ.items() if not name.startswith(PREFIX)}
    return Companion(
        settings.data_dir,
        ("--data-dir", str(settings.data_dir), "--port", str(port)),
        environ={**kept, **{variable(name): "none" for name in ("database.url", "proxy")}},
    )


def _pointed_at(settings: Settings, endpoints: Mapping[str, Mapping[str, str]]) -> Settings:
    flags = {"endpoints": endpoints}
    pointed = load_settings(flags=flags, environ={}, dotenv=None).settings
    return settings.model_copy(update={"endpoints": pointed.endpoints})


@asynccontextmanager
async def local_venues(
    names: Sequence[VenueName], speed: float, seed: int
) -> AsyncIterator[dict[str, dict[str, str]]]:
    """Run the local venue servers in a process of their own; yield where they listen.

    They stop when their standard input closes, so that they never outlive this process.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidegauge.runtime.local_venues",
        f"--venues={','.join(names)}",
        f"--seed={seed}",
        f"--speed={speed}",
        f"--crunch-at={CRUNCH_AT_S}",
        f"--crunch-for={CRUNCH_FOR_S}",
        f"--symbols={','.join(SYMBOLS)}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is for us: the venues stop after the monitor has drained.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield await _endpoints(process.stdout)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _endpoints(output: asyncio.StreamReader) -> dict[str, dict[str, str]]:
    try:
        line = await asyncio.wait_for(output.readline(), READY_WITHIN_S)
        endpoints: dict[str, dict[str, str]] = json.loads(line)["endpoints"]
    except (TimeoutError, json.JSONDecodeError):
        raise OperatorError(
            "The local venue servers did not start",
            fix="`python -m tidegauge.runtime.local_venues` says why",
        ) from None
    return endpoints
