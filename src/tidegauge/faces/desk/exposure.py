"""`tidegauge exposure`: how much of each asset is held, as people say it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from tidegauge.core.desk import Order, OrderKind
from tidegauge.core.errors import OperatorError
from tidegauge.faces.amounts import scaled
from tidegauge.faces.cells import json_of_records
from tidegauge.faces.database import settings_of
from tidegauge.faces.database.opened import AsJson, print_table
from tidegauge.faces.figures import price
from tidegauge.faces.options import Config, DataDir
from tidegauge.faces.times import lasting
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_errors import nearest, shorten
from tidegauge.sinks.desk_read import MOST_NAMED, assets, exposures
from tidegauge.sinks.table import nanos

from .ordering import By, actor_of, asked, desk_session, give, new_order
from .show import ago, moment

LONGEST = timedelta(days=7)
USUAL = "1h"
"""How long an exposure is believed (signals.md section 9)."""

ASSET = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}", re.ASCII)
MOST = Decimal(10) ** 15

app = typer.Typer(
    name="exposure",
    help="Say how much of an asset is held, for the caps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(
    "set",
    epilog="Example: tidegauge exposure set BTC 250000",
    context_settings={"ignore_unknown_options": True},  # -5 is an amount, if none that can be
)
def set_(
    asset: Annotated[str, typer.Argument(help="What is held, such as BTC.")],
    amount: Annotated[str, typer.Argument(help="How much, in quote: 250000, 250k or 1.5M.")],
    lasts: Annotated[str, typer.Option("--for", help="How long it is to be believed.")] = USUAL,
    by: By = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Also of an asset that no venue here lists.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Say how much of an asset is held. It is believed for an hour. Exit 3: no daemon has answered yet."""
    actor, name, held = actor_of(by), asset_of(asset), amount_of(amount)
    span = lasting("--for", lasts, most=LONGEST)

    async def made(connection: Any) -> Order:
        known = await assets(connection)
        if name not in known and not force:
            raise not_seen(name, known)
        return new_order(
            kind=OrderKind.EXPOSE,
            actor=actor,
            asset=name,
            amount=f"{held:f}",
            until=nanos(datetime.now(UTC) + span),
        )

    give(settings_of(config, data_dir), made)


@app.command("show", epilog="Example: tidegauge exposure show")
def show(as_json: AsJson = False, config: Config = None, data_dir: DataDir = None) -> None:
    """Say how much of each asset is held, who said so, and until when it is believed."""

    async def ask(settings: Settings) -> list[Any]:
        async with desk_session(settings) as connection:
            return await exposures(connection)

    rows = asked(ask(settings_of(config, data_dir)))
    if as_json:
        typer.echo(json_of_records(rows), nl=False)
        return
    if not rows:
        typer.echo("nobody has said how much is held")
        return
    now = datetime.now(UTC)
    print_table(
        ("asset", "held", "said by", "at (UTC)", "believed until (UTC)", "the daemon"),
        [
            (
                *(each["asset"], price(each["amount"]), each["actor"]),
                f"{moment(each['at'])} ({ago(each['at'], now)})",
                moment(each["until"])
                if each["believed"]
                else f"OVER since {moment(each['until'])}",
                "knows it" if each["outcome"] == "done" else "has not answered yet",
            )
            for each in rows
        ],
        right="lr",
    )


def not_seen(name: str, known: Sequence[str]) -> OperatorError:
    """Refuse an asset that no symbol has, with the nearest that one has, or some of them."""
    near = nearest(name, known)
    some = f"{', '.join(known[:MOST_NAMED])}{', ...' if len(known) > MOST_NAMED else ''}"
    there = f"Did you mean {near!r}?" if near else f"There are {some or 'none yet'};"
    return OperatorError(
        f"No symbol that is or was watched has {name}",
        fix=f"{there} --force takes it all the same",
    )


def asset_of(text: str) -> str:
    """Return an asset in our spelling. Raises `OperatorError` for what is none."""
    name = text.strip().upper()
    if ASSET.fullmatch(name) is None:
        raise OperatorError(f"{shorten(text)} is no asset", fix="Write it like BTC")
    return name


def amount_of(text: str) -> Decimal:
    """Read an amount of quote, 0 or more: 250000, 250k, 1.5M. Raises `OperatorError`."""
    number = scaled(text)
    if number is not None and number.is_finite() and 0 <= number <= MOST:
        return number
    raise OperatorError(
        f"{shorten(text)} is no amount", fix="Write 0 or more, like 250000, 250k or 1.5M"
    )
