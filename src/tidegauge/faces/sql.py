"""`tidegauge sql`: questions that postmortems ask, answered from the database."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from tidegauge import venues
from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks import embedded
from tidegauge.sinks.ask import (
    DEADLINE_S,
    Answer,
    Held,
    Measured,
    ask,
    held,
    known_symbols,
    measured,
    refusal,
)
from tidegauge.sinks.question import Question, question, questions

from . import running
from .cells import blocks_of, csv_of, json_of, json_of_records, table_of
from .database import settings_of
from .options import Config, DataDir, Force, Since, Until
from .times import interval, written
from .whole_file import whole_file

EXAMPLE = "Example: tidegauge sql cost-to-sell --symbol BTCUSDT --from 14:02 --to 14:09"
NEVER_CUT = 100_000
"""Characters of a line that is not for a terminal."""

Name = Annotated[str | None, typer.Argument(help="The question; without one they are listed.")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="The symbol, such as BTCUSDT.")]
OneVenue = Annotated[str | None, typer.Option("--venue", help="Only this venue, such as binance.")]
Given = Annotated[
    list[str] | None,
    typer.Option("--param", help="Another parameter, as name=value; repeatable."),
]
Format = Annotated[
    Literal["table", "csv", "json"],
    typer.Option("--format", help="table rounds for people; csv (as psql's) and json are exact."),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write into this file, not to standard output.")
]
Show = Annotated[bool, typer.Option("--show", help="Print the SQL, which psql runs as it is.")]
Deadline = Annotated[
    float, typer.Option("--deadline", min=0.1, max=86_400, help="Give up after so many seconds.")
]


def command(
    name: Name = None,
    symbol: Symbol = None,
    begin: Since = None,
    end: Until = None,
    venue: OneVenue = None,
    param: Given = None,
    form: Format = "table",
    out: Out = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    force: Force = False,
    show: Show = False,
    deadline: Deadline = DEADLINE_S,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Answer a postmortem's question from the database; without a name, list the questions.

    The span is the last hour when neither --from nor --to is given.
    """
    form = "json" if as_json else form
    if name is None:
        if form == "json":
            typer.echo(json_of_records(_described(each) for each in questions()), nl=False)
        else:
            print_table(_listing(), sys.stdout)
        return
    asked = question(name)
    if show:
        typer.echo(asked.text, nl=False)
        return
    given = _given(param or [], symbol=symbol, venue=venue)
    _check_venue(given.get("venue", ""))
    if begin is None and end is None and "from" not in given and "to" not in given:
        typer.echo("of the last hour (--from and --to name another span)", err=True)
    given |= _span(begin, end, given)
    asked.values(given)  # what is missing is told before a server is started
    settings = settings_of(config, data_dir)
    running.run_loop(_answer(settings, asked, given, form, out, force=force, deadline_s=deadline))


async def _answer(
    settings: Settings,
    asked: Question,
    given: dict[str, str],
    form: str,
    out: Path | None,
    *,
    force: bool,
    deadline_s: float,
) -> None:
    require_database(settings)
    with running.progress_of(f"asking {asked.name}"):
        async with open_settings_database(settings) as database, database.session() as connection:
            given = given | {"symbol": await seen_symbol(connection, given["symbol"])}
            given, notes = nearest(asked, given, await measured(connection, given["symbol"]))
            answer = await ask(connection, asked, given, deadline_s)
            if not answer.rows:
                notes.append(await _nothing(connection, asked, given))
    for note in notes:
        typer.echo(note, err=True)
    if out is None:
        _write(answer, form, sys.stdout)
        return
    with whole_file(out, force=force) as part, part.open("w", encoding="utf-8") as file:
        _write(answer, form, file)
    typer.echo(f"{out}: {len(answer.rows):,} rows")


def require_database(settings: Settings) -> None:
    """Raise `OperatorError` when ours was never made: asking must not make one."""
    if settings.database.url is None and embedded.status(settings.data_dir).state == "absent":
        raise OperatorError(
            f"There is no database in {settings.data_dir} yet",
            fix="`tidegauge demo` or `tidegauge monitor` makes and fills one; --data-dir names another",
        )


async def seen_symbol(connection: Any, symbol: str) -> str:
    """Return the symbol as it is stored. Raises `OperatorError` for one that was never seen."""
    try:
        known = await known_symbols(connection, symbol)
    except asyncpg.PostgresError as error:
        raise refusal("the list of symbols", error, DEADLINE_S) from None
    for spelled in (symbol, symbol.strip().upper()):
        if spelled in known:
            return spelled
    told = ", ".join(known[:5]) + (f" and {len(known) - 5:,} more" if len(known) > 5 else "")  # noqa: PLR2004
    raise OperatorError(
        f"The symbol {symbol!r} was never seen",
        fix=f"Known are {told}" if known else "This database holds no readings yet",
    )


def nearest(
    asked: Question, given: dict[str, str], known: Measured
) -> tuple[dict[str, str], list[str]]:
    """Put what is measured in the place of a size or band that is not, and say so.

    What is no number is left for the database to refuse.
    """
    notes: list[str] = []
    filled = dict(given)
    for each in asked.parameters:
        there = {"size": known.sizes, "band": known.bands}.get(each.name, ())
        wanted = _number(given.get(each.name, each.default))
        if wanted is None or not there or wanted in there:
            continue
        near = min(there, key=lambda other, wanted=wanted: abs(other - wanted))  # type: ignore[misc]
        filled[each.name] = f"{near:f}"
        notes.append(
            f"{each.name} {near:f}: {wanted:f} is not measured"
            f" (measured: {', '.join(f'{other:f}' for other in there)})"
        )
    return filled, notes


def print_table(table: Table, file: Any, narrow: Table | None = None) -> None:
    """Print a table: a file gets every line whole, a terminal `narrow` where the table is too wide."""
    screen = running.console_for(plain=False)
    if file is sys.stdout and screen.is_terminal:
        wide = Measurement.get(screen, screen.options.update(max_width=NEVER_CUT), table).maximum
        screen.print(table if narrow is None or wide <= screen.width else narrow)
        return
    console = Console(width=NEVER_CUT, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _write(answer: Answer, form: str, file: Any) -> None:
    if form == "csv":
        file.write(csv_of(answer))
    elif form == "json":
        file.write(json_of(answer))
    elif answer.rows:
        print_table(table_of(answer), file, blocks_of(answer))


def _described(each: Question) -> dict[str, Any]:
    """Return a question as JSON has it; a parameter without a default has to be given."""
    return {
        "name": each.name,
        "question": each.title,
        "parameters": [{"name": at.name, "default": at.default} for at in each.parameters],
    }


def _listing() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("name", "question", "parameters [and defaults]"):
        table.add_column(escape(head), overflow="fold")
    for each in questions():
        told = ", ".join(_parameter(at.name, at.default) for at in each.parameters)
        table.add_row(each.name, each.title, escape(told))
    return table


def _parameter(name: str, default: str | None) -> str:
    if default is None:
        return name
    return f"[{name}={default}]" if default else f"[{name}]"


def _check_venue(name: str) -> None:
    """Raise `OperatorError` for a venue there is not, and for a family of several."""
    found = [spec.name for spec in venues.resolve([name])] if name else []
    if found and found != [name]:
        raise OperatorError(f"{name} is {' and '.join(found)}", fix="Name one of them, or none")


def _number(text: str | None) -> Decimal | None:
    try:
        found = Decimal(text or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _given(params: list[str], **own: str | None) -> dict[str, str]:
    """Return what was given by --param and by options of its own."""
    given = {name: value for name, value in own.items() if value is not None}
    for each in params:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise OperatorError(
                f"--param {each!r} is not name=value", fix="Write --param size=1000"
            )
        given[name] = value
    return given


def _span(begin: str | None, end: str | None, given: dict[str, str]) -> dict[str, str]:
    """Return from and to as PostgreSQL reads them."""
    since, until = interval(
        given.get("from", begin), given.get("to", end), now=datetime.now(UTC).replace(microsecond=0)
    )
    return {"from": written(since), "to": written(until)}


async def _nothing(connection: Any, asked: Question, given: dict[str, str]) -> str:
    """Say that a question has no rows, and what there is for it to read."""
    there = await held(connection, given["symbol"], rolled=asked.rolled)
    what = "minutes (readings rolled up)" if asked.rolled else "readings"
    return nothing_in(given, there, what)


def nothing_in(given: Mapping[str, str], there: Held, what: str = "readings") -> str:
    """Say that there are no rows, and where there are."""
    asked = f"no rows for {given['symbol']} from {given['from']} to {given['to']}"
    if there.first is None or there.last is None:
        return f"{asked}; there are no {what} of it now"
    return f"{asked}; its {what} go from {written(there.first)} to {written(there.last)}"
