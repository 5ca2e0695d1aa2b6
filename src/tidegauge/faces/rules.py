"""`tidegauge rules`: are the rules sound, and which are in force?"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol, VenueName
from tidegauge.runtime.rules.load import LoadedRules, RulesRefused, load_rules, rules_path
from tidegauge.runtime.rules.shown import rule_rows, rule_rows_of, summary
from tidegauge.runtime.settings import Settings, load_settings

from . import figures
from .options import Config
from .running import console_for, symbol_names

app = typer.Typer(
    name="rules",
    help="See and check the rules: thresholds, routes, inhibitions, maintenance.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[
    Path | None,
    typer.Argument(help="A file of rules; that of the settings, or config/rules.yaml, by default."),
]
BUILT_IN = "built-in rules (no config/rules.yaml here)"


def rules_of(
    settings: Settings,
    path: Path | None = None,
    *,
    symbols: Iterable[Symbol] = (),
    venues: Iterable[VenueName] = (),
    tells: bool = True,
) -> LoadedRules:
    """Return the rules that the settings lead to, or those of a file. Raises `OperatorError`.

    `symbols` and `venues` are what a command watches beside what the settings name. One that `tells`
    nobody anything needs none of the channels.
    """
    return load_rules(
        path or rules_path(settings),
        settings,
        channels=tuple(settings.notify.channels) if tells else None,
        symbols=symbols,
        venues=venues,
    )


@app.command("check", epilog="Example: tidegauge rules check config/rules.yaml")
def check(
    file: File = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    config: Config = None,
) -> None:
    """Read a file of rules, and tell all that is wrong with it, or in a few lines what it does."""
    settings = load_settings(config=config).settings
    try:
        loaded = rules_of(settings, file)
    except RulesRefused as refused:
        if as_json:
            typer.echo(_judged(file or rules_path(settings), complaints=refused.complaints))
        else:
            typer.echo("\n".join(map(figures.printable, refused.complaints)))
        count = len(refused.complaints)
        errors = "1 error" if count == 1 else f"{count} errors"
        raise OperatorError(f"{file or rules_path(settings)} is refused: {errors}") from None
    lines = list(summary(loaded, tuple(settings.notify.channels), tuple(settings.symbols)))
    if as_json:
        typer.echo(_judged(loaded.path, digest=loaded.digest, summary=lines))
        return
    typer.echo(f"{BUILT_IN if loaded.path is None else loaded.path}: sound")
    for line in lines:
        typer.echo(f"  {figures.printable(line)}")


def _judged(
    path: Path | None,
    *,
    digest: str | None = None,
    summary: Iterable[str] = (),
    complaints: Iterable[str] = (),
) -> str:
    """Write what was found of a file of rules as JSON; `file` null: they are the built-in ones."""
    told = {
        "file": None if path is None else str(path),
        "sound": digest is not None,
        "digest": digest,
        "complaints": list(complaints),
        "summary": list(summary),
    }
    return json.dumps(told, indent=2)


@app.command("show", epilog="Example: tidegauge rules show --symbol BTCUSDT")
def show(
    file: File = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Only what holds for this symbol.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    config: Config = None,
) -> None:
    """Print the rules in force and where each came from: a line of the file, or the default."""
    settings = load_settings(config=config).settings
    loaded = rules_of(settings, file)
    if symbol is None:
        rows = rule_rows(loaded)
    else:
        rows = rule_rows_of(loaded, symbol_names([symbol])[0], settings)
    if as_json:
        typer.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rule", "value", "from"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(figures.printable(cell)) for cell in row))
    console_for(plain=False).print(table)
