"""`tidegauge symbols`: what a running monitor watches, changed while it runs."""

from typing import Annotated, Literal

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.control import Request, ask
from tidegauge.runtime.symbol_changes import NOWHERE

from .database import settings_of
from .database.opened import AsJson, print_json
from .options import Config, DataDir
from .running import symbol_names

app = typer.Typer(
    name="symbols",
    help="See and change what a running monitor watches.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Names = Annotated[list[str], typer.Argument(help="Symbols, such as BTCUSDT.", metavar="SYMBOL...")]
Pid = Annotated[
    int | None, typer.Option("--pid", help="Process id of the monitor, where there are several.")
]


@app.command("list", epilog="Example: tidegauge symbols list")
def show(
    as_json: AsJson = False, config: Config = None, data_dir: DataDir = None, pid: Pid = None
) -> None:
    """Say what is watched, on which venues."""
    lines = _ask("list", [], config, data_dir, pid)
    if as_json:
        print_json([_watched(line) for line in lines])
    else:
        typer.echo("\n".join(lines))


@app.command("add", epilog="Example: tidegauge symbols add SOLUSDT")
def add(names: Names, config: Config = None, data_dir: DataDir = None, pid: Pid = None) -> None:
    """Watch more symbols; the books of the others go on without a break."""
    typer.echo("\n".join(_ask("add", names, config, data_dir, pid)))


@app.command("remove", epilog="Example: tidegauge symbols remove SOLUSDT")
def remove(names: Names, config: Config = None, data_dir: DataDir = None, pid: Pid = None) -> None:
    """Watch symbols no more; the books of the others go on without a break."""
    typer.echo("\n".join(_ask("remove", names, config, data_dir, pid)))


def _watched(line: str) -> dict[str, str | list[str]]:
    """Return what a monitor says of one symbol (`SYMBOL: venue, venue`), as JSON has it."""
    symbol, _, told = line.rpartition(": ")
    return {"symbol": symbol, "venues": [] if told == NOWHERE else told.split(", ")}


def _ask(
    do: Literal["list", "add", "remove"],
    names: list[str],
    config: Config,
    data_dir: DataDir,
    pid: Pid,
) -> tuple[str, ...]:
    """Return what the monitor says. Raises `OperatorError`."""
    settings = settings_of(config, data_dir)
    reply = ask(settings.data_dir, Request(do, symbol_names(names)), pid)
    if reply.error is not None:
        raise OperatorError(reply.error, fix=reply.fix)
    return reply.said
