"""`tidegauge silence`: of what nobody is to be paged for a while."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from tidegauge import venues
from tidegauge.core.alert import Severity, Signal
from tidegauge.core.desk import Matcher, Order, OrderKind, Silence
from tidegauge.core.errors import OperatorError
from tidegauge.faces.cells import json_of_records
from tidegauge.faces.database import settings_of
from tidegauge.faces.database.opened import AsJson, print_table
from tidegauge.faces.options import Config, DataDir
from tidegauge.faces.times import lasting
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.desk_read import silences

from .ordering import By, actor_of, asked, desk_session, give, new_order, whole
from .show import moment

LONGEST = timedelta(days=30)

app = typer.Typer(
    name="silence",
    help="Say of what nobody is to be paged for a while. Incidents open all the same.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def names(option: str, what: str) -> Any:
    """Return an option that may be given several times."""
    return typer.Option(
        option, help=f"{what}; * and ? stand for any text and any character; repeatable."
    )


@app.command(
    "add",
    epilog="Example: tidegauge silence add --venue okx --for 2h --comment 'announced upgrade'",
)
def add(
    lasts: Annotated[str, typer.Option("--for", help="For how long: 30m, 2h, 1d.")],
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why.")],
    symbol: Annotated[list[str] | None, names("--symbol", "Alerts of this symbol")] = None,
    venue: Annotated[list[str] | None, names("--venue", "Alerts of this venue")] = None,
    signal: Annotated[list[str] | None, names("--signal", "Alerts of this signal")] = None,
    severity: Annotated[
        list[str] | None, typer.Option("--severity", help="Alerts of this severity; repeatable.")
    ] = None,
    *,
    by: By = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Page nobody of what fits all that is given. Exit 3: no daemon has answered yet."""
    actor, why = actor_of(by), whole("--comment", comment)
    if not why.strip():
        raise OperatorError("--comment says nothing", fix="Say why, for those who come after you")
    span = lasting("--for", lasts, most=LONGEST)
    matcher = matcher_of(signal or [], symbol or [], venue or [], severity or [])

    async def made(_connection: Any) -> Order:
        order = new_order(kind=OrderKind.SILENCE, actor=actor, comment=why)
        silence = Silence(
            id=order.id,
            matcher=matcher,
            starts_at=order.at,
            ends_at=order.at + span // timedelta(microseconds=1) * 1000,
            author=actor,
            comment=why,
        )
        return replace(order, silence=silence)

    give(settings_of(config, data_dir), made)


@app.command("list", epilog="Example: tidegauge silence list")
def list_(
    over_too: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """List what nobody is paged of, who wanted it and why."""

    async def ask(settings: Settings) -> list[Any]:
        async with desk_session(settings) as connection:
            return await silences(connection, over_too=over_too)

    rows = asked(ask(settings_of(config, data_dir)))
    if as_json:
        typer.echo(json_of_records(rows), nl=False)
        return
    if not rows:
        typer.echo("nothing is silenced")
        return
    print_table(
        ("silence", "state", "until (UTC)", "of", "by", "why"),
        [
            (
                *(each["id"], state_of(each), moment(each["ends_at"]), matched(each)),
                *(each["author"], each["comment"]),
            )
            for each in rows
        ],
    )


@app.command("expire", epilog="Example: tidegauge silence expire 8f0c")
def expire(
    name: Annotated[
        str, typer.Argument(help="The silence: how its id begins is enough.", metavar="ID")
    ],
    by: By = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """End a silence now. What is open still is told of then."""
    actor = actor_of(by)

    async def made(connection: Any) -> Order:
        rows = await silences(connection, over_too=True)
        return new_order(kind=OrderKind.EXPIRE_SILENCE, actor=actor, silence_id=one_of(name, rows))

    give(settings_of(config, data_dir), made)


def matcher_of(
    signals: Sequence[str],
    symbols: Sequence[str],
    of_venues: Sequence[str],
    severities: Sequence[str],
) -> Matcher:
    """Return what a silence applies to. Raises `OperatorError` for all, and for what nothing can fit."""
    if not (signals or symbols or of_venues or severities):
        raise OperatorError(
            "Nothing says what to silence",
            fix="Add --symbol, --venue, --signal or --severity; --symbol '*' is everything",
        )
    _check("--signal", signals, [str(each) for each in Signal])
    _check("--venue", of_venues, venues.load())
    levels = {str(each): each for each in Severity}
    _check("--severity", severities, levels)
    return Matcher(
        signals=tuple(dict.fromkeys(signals)),
        symbols=tuple(dict.fromkeys(each.strip().upper() for each in symbols)),
        venues=tuple(dict.fromkeys(of_venues)),
        severities=tuple(
            level for name, level in levels.items() if any(fnmatchcase(name, s) for s in severities)
        ),
    )


def _check(option: str, patterns: Sequence[str], known: Iterable[str]) -> None:
    """Raise `OperatorError` for a pattern that fits none of what there is."""
    there = sorted(known)
    for pattern in patterns:
        if not any(fnmatchcase(each, pattern) for each in there):
            raise OperatorError(
                f"{option} {pattern!r} fits nothing there is", fix=f"There are {', '.join(there)}"
            )


def one_of(name: str, rows: Sequence[Any]) -> str:
    """Return the silence whose id begins with `name`. Raises `OperatorError` for none or several."""
    found = [str(each["id"]) for each in rows if each["id"].startswith(name) and name]
    if len(found) == 1 or name in found:
        return name if name in found else found[0]
    if not found:
        raise OperatorError(
            f"there is no silence {name!r}", fix="`tidegauge silence list` says which there are"
        )
    raise OperatorError(
        f"several silences are meant by {name!r}: {', '.join(found[:5])}", fix="Write more of it"
    )


def matched(row: Any) -> str:
    """Write what a silence applies to."""
    parts = (
        ("signal", row["signals"]),
        ("symbol", row["symbols"]),
        ("venue", row["venues"]),
        ("severity", row["severities"]),
    )
    return ", ".join(f"{name} {' or '.join(said)}" for name, said in parts if said)


def state_of(row: Any) -> str:
    """Write whether a silence is in force; `waiting`: no daemon knows it yet."""
    return f"ended by {row['ended_by']}" if row["ended_by"] is not None else str(row["state"])
