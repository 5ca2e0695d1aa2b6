"""`tidegauge alerts`: what the signals found, each with its sentence."""

from typing import Annotated, Any

import typer

from tidegauge.faces import running
from tidegauge.faces.cells import json_of_records
from tidegauge.faces.database import settings_of
from tidegauge.faces.database.opened import AsJson, print_list
from tidegauge.faces.figures import UNKNOWN
from tidegauge.faces.options import Config, DataDir
from tidegauge.sinks.desk_read import alerts

from .incidents import MOST_SHOWN, Since, Symbols, since_of
from .ordering import listed
from .show import moment, where

app = typer.Typer(
    name="alerts",
    help="See what the signals found.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def alerts_group() -> None:
    """See what the signals found."""


@app.command("list", epilog="Example: tidegauge alerts list --firing")
def list_(
    only_firing: Annotated[
        bool, typer.Option("--firing", help="Only those that fire now.")
    ] = False,
    symbol: Symbols = None,
    since: Since = None,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """List alerts that fired or are about to, the newest first, with the incident each belongs to."""
    from_ = since_of(since)
    names = running.symbol_names(symbol or [])
    most = None if as_json else MOST_SHOWN + 1

    async def find(connection: Any) -> list[Any]:
        return await alerts(
            connection, only_firing=only_firing, symbols=names, since=from_, most=most
        )

    rows = listed(settings_of(config, data_dir), find, names)
    if as_json:
        typer.echo(json_of_records(rows), nl=False)
        return
    if not rows:
        typer.echo("no alert fires" if only_firing else "there is no alert")
        return
    print_list(
        ("began (UTC)", "state", "severity", "signal", "where", "ended (UTC)", "incident", "what"),
        [
            (
                *(moment(each["started_at"]), each["state"], each["worst_severity"]),
                *(each["signal"], where(each), moment(each["ended_at"])),
                *(each["incident"] or UNKNOWN, each["sentence"]),
            )
            for each in rows[:MOST_SHOWN]
        ],
    )
    if len(rows) > MOST_SHOWN:
        typer.echo("and older ones: --since says from when on, --json has them all")
