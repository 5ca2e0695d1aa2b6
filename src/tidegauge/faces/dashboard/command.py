"""`tidegauge dashboard`."""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol
from tidegauge.faces import running
from tidegauge.faces.database import settings_of
from tidegauge.faces.options import Config, DataDir
from tidegauge.runtime.settings import Settings

from .access import access_to, checked_url

EXAMPLE = "Example: tidegauge dashboard --symbol BTCUSDT"

Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the API; that of the data directory unless named."),
]
ToLookAt = Annotated[
    str | None, typer.Option("--symbol", help="The symbol to begin with; the worst by default.")
]


def command(
    url: Url = None, symbol: ToLookAt = None, config: Config = None, data_dir: DataDir = None
) -> None:
    """Look at what the API tells, in the terminal: ladders, measures, venues, alerts and incidents.

    The token is read from the data directory, or from TIDEGAUGE_API_TOKEN.
    """
    address = None if url is None else checked_url(url)
    name = None if symbol is None else running.symbol_names([symbol])[0]
    folder = settings_of(config, data_dir).data_dir
    require_terminal()
    # The terminal is the dashboard's: what libraries warn of has no place on it.
    logging.getLogger().addHandler(logging.NullHandler())
    # Textual takes longer to import than most commands to run.
    from .app import Dashboard  # noqa: PLC0415

    app = Dashboard(partial(access_to, address, folder), name)
    app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)


def require_terminal(*, plain: bool = False) -> None:
    """Raise `OperatorError` where there is no terminal to show it in."""
    if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OperatorError(
            "The dashboard needs a terminal" + (", and --plain wants none" if plain else ""),
            fix="Leave it out; `tidegauge status --json` tells programs what it shows",
        )


def arguments(
    settings: Settings, symbols: Sequence[Symbol], config: Path | None
) -> tuple[str, ...]:
    """Return the arguments of a dashboard that looks at a monitor with these settings."""
    one = ("--symbol", symbols[0]) if len(symbols) == 1 else ()
    named = () if config is None else ("--config", str(config))
    return ("--data-dir", str(settings.data_dir), *one, *named)
