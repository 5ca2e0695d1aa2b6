"""`tidegauge dashboard`."""

import logging
import sys
from functools import partial
from typing import Annotated

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.faces.database import settings_of
from tidegauge.faces.options import Config, DataDir

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
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OperatorError(
            "The dashboard needs a terminal", fix="`tidegauge status --json` tells it to programs"
        )
    # The terminal is the dashboard's: what libraries warn of has no place on it.
    logging.getLogger().addHandler(logging.NullHandler())
    # Textual takes longer to import than most commands to run.
    from .app import Dashboard  # noqa: PLC0415

    app = Dashboard(partial(access_to, address, folder), name)
    app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)
