"""Running the monitor and replays from a command, with something to look at meanwhile."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tidegauge import venues
from tidegauge.core.alert import Alert
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.recorder import Limits, Recorder
from tidegauge.runtime.recording import recorded_app, recording
from tidegauge.runtime.replay import ReplayOutcome
from tidegauge.runtime.replay import replay as play
from tidegauge.runtime.rules.reload import RulesInForce
from tidegauge.runtime.service import Service
from tidegauge.runtime.settings import Loaded, Settings, unknown_name

from . import figures
from .api.companion import Companion
from .dashboard.beside import DashboardBeside
from .live import View, alert_line, status_line, view_for
from .logs import log_to_file

LINE_WIDTH = 200
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._:/-]{0,63}", re.ASCII)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PipedConsole(Console):
    """A console that reports a reader who left (`tidegauge … | head`) instead of exiting."""

    def on_broken_pipe(self) -> None:
        """Rich would raise SystemExit, which ends an event loop before anything is stored."""
        raise BrokenPipeError


def check_venues(names: Iterable[str]) -> None:
    """Raise `OperatorError` for an unknown venue before anything is started."""
    venues.resolve(names)


def check_names(loaded: Loaded) -> None:
    """Raise `OperatorError` for a setting that speaks of a venue there is not."""
    settings, known = loaded.settings, venues.load()
    named = [(f"endpoints.{name}", name) for name in settings.endpoints]
    for symbol, mapped in settings.symbols.items():
        named += [(f"symbols.{symbol}.instruments.{name}", name) for name in mapped.instruments]
    for key, name in named:
        if name not in known:
            refusal = unknown_name("venue", name, known)
            places = (place for each, place in loaded.origins.items() if each.startswith(key))
            raise OperatorError(f"{refusal.what} in {next(places, key)} ({key})", fix=refusal.fix)
    check_venues(settings.venues)


def symbol_names(names: Iterable[str]) -> tuple[Symbol, ...]:
    """Return the symbols in our spelling, each once. Raises `OperatorError` for what is none."""
    symbols = tuple(dict.fromkeys(name.strip().upper() for name in names))
    for symbol in symbols:
        if SYMBOL.fullmatch(symbol) is None:
            raise OperatorError(f"--symbol {symbol!r} is not a symbol", fix="Write it like BTCUSDT")
    return symbols


def recorder_into(folder: Path | None, max_gb: float) -> Recorder | None:
    """Return a recorder, if one is wanted. Raises `OperatorError` for a folder that cannot be."""
    return None if folder is None else Recorder(folder, limits=Limits.of_gigabytes(max_gb))


def run_monitor(
    settings: Settings,
    assignment: Assignment,
    *,
    title: str,
    plain: bool,
    recorder: Recorder | None = None,
    rules: RulesInForce | None = None,
    companion: Companion | None = None,
    dashboard: Sequence[str] | None = None,
) -> None:
    """Run the monitor until it is stopped, showing what it sees, and recording it if wanted; with a
    `companion` the API is served beside it, and with the arguments of a `dashboard` that is the view."""
    console = console_for(plain=plain)
    if console.is_terminal:
        title = f"{title}  (log: {log_to_file(settings)})"

    service = Service.of()

    async def run() -> None:
        app = recorded_app(settings, assignment, recorder, rules)
        beside = companion or contextlib.nullcontext()
        async with beside, app.opened(), recording(app, recorder), asyncio.TaskGroup() as tasks:
            if dashboard is not None:
                seen = DashboardBeside(dashboard, app.stop.set)
                await watch(app, console, title, service, seen)
                seen.check()
                return
            if companion is not None:
                introducing = tasks.create_task(introduce(companion, console), name="introduction")
            await watch(app, console, title, service)
            if companion is not None:
                introducing.cancel()

    run_loop(run())


async def introduce(companion: Companion, console: Console) -> None:
    """Say where the API is once it answers, while the monitor works already."""
    console.print(await companion.introduction(link=console.is_terminal), soft_wrap=True)


def console_for(*, plain: bool) -> Console:
    """Return standard output as a console; lines that are not for a terminal are never cut."""
    console = PipedConsole(force_terminal=False if plain else None)
    return console if console.is_terminal else PipedConsole(force_terminal=False, width=LINE_WIDTH)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop. A signal that nobody else takes cancels it, so that what it opened is
    closed; that raises `typer.Abort`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_unless_signalled(main))


async def _unless_signalled(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    signalled = False

    def stop() -> None:
        nonlocal signalled
        if not signalled:  # a second one must not cut the closing short
            signalled = True
            task.cancel()

    take_signals(stop)
    try:
        await main
    except asyncio.CancelledError:
        if not signalled:
            raise
        raise typer.Abort from None


def take_signals(act: Callable[[], object], reload: Callable[[], object] | None = None) -> None:
    """Do `act` when told to stop, in place of what was done before, and `reload` at a SIGHUP.

    Without `reload`, and when it was the terminal that hung up, a SIGHUP is an end as well; one that was
    to be ignored (nohup) never is.
    """
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, act)
    had_terminal = has_terminal()
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def hung_up() -> None:
        if reload is None or (had_terminal and not ignored and not has_terminal()):
            act()
        else:
            reload()

    if reload is not None or not ignored:
        loop.add_signal_handler(signal.SIGHUP, hung_up)


def has_terminal() -> bool:
    """Whether this process has a terminal that is still there."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    os.close(terminal)
    return True


async def watch(
    app: App,
    console: Console,
    title: str,
    service: Service | None = None,
    view: View | None = None,
) -> None:
    """Run an opened app and its view together; a signal stops both, in order. `service` is told."""
    told = service or Service(None)

    def reload() -> None:
        told.reloading()
        app.reload().add_done_callback(lambda _read: told.ready(status_line(app.view())))

    take_signals(app.stop.set, reload)
    view = view or view_for(console, title=title)
    async with asyncio.TaskGroup() as tasks:
        beside = (
            tasks.create_task(view.show(app.view), name="view"),
            tasks.create_task(_tell(told, app), name="service"),
        )
        await app.run()
        for task in beside:
            task.cancel()


async def _tell(service: Service, app: App) -> None:
    """Tell of a running app until it stops, and then that it does."""
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(
            service.keep_telling(app.pulse.turns, lambda: status_line(app.view()))
        )
        try:
            await app.stop.wait()
        finally:
            telling.cancel()
            service.stopping()


def run_replay(
    tapes: Sequence[Path], speed: float | None, plan: MonitorPlan, *, as_json: bool
) -> None:
    """Replay a tape with its progress on standard error, and print what it found."""
    with progress_of("reading the tape") as told:
        outcome = play(tapes, plan, speed=speed, progress=told)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode())
    else:
        _print_outcome(outcome)
    if outcome.damage is not None:
        raise OperatorError(outcome.damage)
    if outcome.equal is False:
        raise OperatorError(
            f"The replay differs from the live run: its hash is {outcome.hash}, the run's"
            f" {outcome.live_hash}",
            fix="Replay it with the version that recorded it: `tidegauge tape info` names it",
        )


@contextlib.contextmanager
def progress_of(what: str, unit: str = "lines") -> Iterator[Callable[[int], None]]:
    """Show on standard error, if somebody looks, how many lines of a tape (or what else) are done."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what)
        yield lambda done: progress.update(task, description=f"{what}: {done:,} {unit}")


@contextlib.contextmanager
def stages_of(what: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error, if somebody looks, what is being done."""
    if not sys.stderr.isatty():
        yield lambda _stage: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what)
        yield lambda stage: progress.update(task, description=f"{what}: {stage}")


def _print_outcome(outcome: ReplayOutcome) -> None:
    span = (outcome.last_at - outcome.first_at) / 1e9
    print_line = typer.echo
    print_line(
        f"{outcome.tape}: {outcome.frames:,} frames of {span:,.1f} s in {outcome.elapsed_s:.1f} s;"
        f" {outcome.readings:,} readings, {outcome.gaps} gaps, {outcome.resyncs} resyncs,"
        f" {outcome.malformed} malformed"
    )
    for book in outcome.books:
        print_line(
            f"  {book.venue}/{book.symbol} {book.trust} at {book.sequence}: "
            f"{figures.price(book.best_bid)}/{figures.price(book.best_ask)},"
            f" {book.updates:,} updates of {book.level_changes:,} levels,"
            f" {book.bid_levels:,} bids and {book.ask_levels:,} asks"
        )
    for alert in outcome.alerts:
        print_line(f"  {figures.clock(alert.started_at)} to {_end(alert)} {alert_line(alert)}")
    print_line(f"  sha256 of the readings and alerts: {outcome.hash}{_verdict(outcome)}")


def _verdict(outcome: ReplayOutcome) -> str:
    """Say how the hash compares with that of the run that was recorded."""
    if outcome.equal is not None:
        return ", equal to the live run" if outcome.equal else ", DIFFERS from the live run"
    if outcome.incomparable is not None:
        return f" (not comparable with the live run: {outcome.incomparable})"
    return ""


def _end(alert: Alert) -> str:
    return "the end of the tape" if alert.ended_at is None else figures.clock(alert.ended_at)
