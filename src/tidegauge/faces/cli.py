"""The `tidegauge` command."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.table import Table
from typer.exceptions import TyperException

from tidegauge import __version__
from tidegauge.core.errors import OperatorError
from tidegauge.runtime.app import Assignment
from tidegauge.runtime.plans import monitor_plan
from tidegauge.runtime.recording import DEFAULT_GIB
from tidegauge.runtime.redaction import mask_urls
from tidegauge.runtime.rules.reload import RulesInForce
from tidegauge.runtime.settings import Loaded, describe, load_settings

from . import (
    completing,
    database,
    demo,
    drill,
    export,
    notify,
    rules,
    running,
    sql,
    symbols,
    tune,
    venues,
)
from . import tape as tape_commands
from .api import command as api_command
from .api.companion import Companion
from .dashboard import command as dashboard
from .desk import alerts, exposure, incidents, silence
from .logs import log_to_terminal
from .look import command as look
from .options import (
    Config,
    DataDir,
    DryRun,
    Duration,
    PlainView,
    Record,
    RecordMaxGb,
    Serve,
    SymbolNames,
    VenueNames,
    WithDashboard,
)
from .report import command as report_command

app = typer.Typer(
    name="tidegauge",
    help="Real-time liquidity-risk monitor for crypto venues.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(database.app, name="db")
app.add_typer(notify.app, name="notify")
app.add_typer(rules.app, name="rules")
app.add_typer(symbols.app, name="symbols")
app.add_typer(tape_commands.app, name="tape")
rules.app.command("tune", epilog=tune.EXAMPLE)(tune.command)
app.add_typer(incidents.app, name="incidents")
app.add_typer(alerts.app, name="alerts")
app.add_typer(silence.app, name="silence")
app.add_typer(exposure.app, name="exposure")
app.command("demo")(demo.command)
app.command("drill", epilog=drill.EXAMPLE)(drill.command)
app.command("status", epilog="Example: tidegauge status --watch")(look.status)
app.command("top", epilog="Example: tidegauge top --json")(look.top)
app.command("quote", epilog="Example: tidegauge quote BTCUSDT --side sell --notional 1000000")(
    look.quote
)
app.command("dashboard", epilog=dashboard.EXAMPLE)(dashboard.command)
app.command("venues")(venues.command)
app.command("report", epilog=report_command.EXAMPLE)(report_command.command)
app.command("sql", epilog=sql.EXAMPLE)(sql.command)
app.command("export", epilog=export.EXAMPLE)(export.command)
app.command("serve", epilog=api_command.SERVE_EXAMPLE)(api_command.serve)
app.command("web", epilog=api_command.WEB_EXAMPLE)(api_command.web)
app.command("token", epilog=api_command.OPERATOR_EXAMPLE)(api_command.token)

USAGE = 2
FAILED = 1
STOPPED = 130
"""As a shell says of a program that Ctrl-C ended."""

Expected = TypeVar("Expected", bound=Exception)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Real-time liquidity-risk monitor for crypto venues."""
    if version:
        typer.echo(f"tidegauge {__version__}")
        raise typer.Exit


@app.command(
    epilog="Example: tidegauge monitor --symbol BTCUSDT --venue binance --venue bybit --duration 60"
)
def monitor(
    symbol: SymbolNames,
    venue: VenueNames = None,
    duration: Duration = None,
    dry_run: DryRun = False,
    plain: PlainView = False,
    config: Config = None,
    data_dir: DataDir = None,
    *,
    record: Record = None,
    record_max_gb: RecordMaxGb = DEFAULT_GIB,
    serve: Serve = False,
    with_dashboard: WithDashboard = False,
) -> None:
    """Monitor live venues until stopped: books, readings, alerts, rows in PostgreSQL."""
    flags: dict[str, Any] = {}
    if data_dir is not None:
        flags["data_dir"] = str(data_dir)
    if with_dashboard:
        dashboard.require_terminal(plain=plain)
    loaded = load(config, flags)
    settings = loaded.settings
    assignment = Assignment(
        symbols=running.symbol_names(symbol),
        venues=tuple(venue or settings.venues),
        store=not dry_run,
        duration_s=duration,
    )
    running.check_venues(assignment.venues)
    in_force = RulesInForce(
        lambda: rules.rules_of(settings, symbols=assignment.symbols, venues=assignment.venues)
    )
    recorder = running.recorder_into(record, record_max_gb)
    running.run_monitor(
        settings,
        assignment,
        title="tidegauge monitor",
        plain=plain,
        recorder=recorder,
        rules=in_force,
        companion=Companion.of(settings, config) if serve or with_dashboard else None,
        dashboard=dashboard.arguments(settings, assignment.symbols, config)
        if with_dashboard
        else None,
    )


@app.command(epilog="Example: tidegauge replay recording.frames.tsv.gz --speed max --json")
def replay(
    tape: Annotated[
        list[Path], typer.Argument(help="A recorded tape, the parts of one, or their folder.")
    ],
    speed: Annotated[
        str, typer.Option(help="max, or how many times faster than recorded.")
    ] = "max",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    config: Config = None,
) -> None:
    """Play recorded frames through the same code; notifies nobody, writes to no table."""
    loaded = load(config, {})
    plan = monitor_plan(loaded.settings, rules.rules_of(loaded.settings, tells=False).rules)
    running.run_replay(tape, _speed(speed), plan, as_json=as_json)


@app.command("config", epilog="Example: TIDEGAUGE_VENUES=bybit tidegauge config")
def show_config(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    config: Config = None,
) -> None:
    """Print the settings in force and where each came from; secrets are masked."""
    rows = describe(load(config, {}))
    if as_json:
        named = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
        typer.echo(json.dumps(named, indent=2))
        return
    _table(("setting", "value", "from"), [list(row) for row in rows])


def load(config: Path | None, flags: dict[str, Any]) -> Loaded:
    """Load the settings and set logging up by them."""
    loaded = load_settings(config=config, flags=flags)
    running.check_names(loaded)
    log_to_terminal(loaded.settings)
    return loaded


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise OperatorError(
            f"--speed {text!r} is neither max nor a positive number",
            fix="Write --speed max, or how many times faster: --speed 10",
        )
    return speed


def _table(head: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    running.console_for(plain=False).print(table)


def main() -> None:
    """Run the command line: every expected failure is one line and a non-zero exit code."""
    if completing.VARIABLE in os.environ:
        completing.teach(app)
    try:
        code = app(standalone_mode=False, prog_name="tidegauge")
    except TyperException as error:
        message = _message(error)
        if message.startswith("Usage:"):  # a group without a command: its help, as it is
            sys.stderr.write(f"{message}\n")
            sys.exit(USAGE)
        _fail(f"{message} Try `{_command_path(error)} --help`.", USAGE)
    except typer.Abort:
        _fail("stopped", STOPPED)
    except Exception as error:  # noqa: BLE001 (the outermost door)
        _fail_of(error)
    sys.exit(code if isinstance(code, int) else 0)


def _fail_of(error: Exception) -> NoReturn:
    """End for what the operator can put right, for a reader who left, or for a bug of ours."""
    if (expected := only(OperatorError, error)) is not None:
        _fail(str(expected), FAILED)
    if (refused := only(OSError, error)) is not None:
        # What is left in the buffer has nowhere to go, and must not be complained about at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(refused, BrokenPipeError):
            sys.exit(FAILED)
        _fail(f"the system refused: {refused}", FAILED)
    sys.stderr.write(mask_urls("".join(traceback.format_exception(error))))
    _fail("this is a bug in Tidegauge; the lines above say where. Please report them", FAILED)


def _message(error: TyperException) -> str:
    """Return what is wrong with the command line, as one sentence."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return message if message.endswith((".", "?", "\n")) else f"{message}."


def _command_path(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "tidegauge"


def only(kind: type[Expected], error: BaseException) -> Expected | None:
    """Return the error, or the first inside a group, if all there is is of that kind."""
    if isinstance(error, BaseExceptionGroup):
        found = [only(kind, each) for each in error.exceptions]
        return None if None in found else found[0]
    return error if isinstance(error, kind) else None


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(message.split())
    print(f"tidegauge: {line}", file=sys.stderr)  # noqa: T201 (the one place errors are told)
    sys.exit(code)
