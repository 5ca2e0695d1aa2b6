"""`tidegauge db prune`: drop raw rows of days long past; what was made of them stays."""

import sys
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, TypeVar

import asyncpg
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.connect import Database
from tidegauge.sinks.health.retention import OldDay, old_days
from tidegauge.sinks.upkeep import Pruned, prune

from .. import running
from ..cells import json_of_records
from ..options import Config, DataDir
from .opened import AsJson, print_table, settings_of, size, working

Answer = TypeVar("Answer")

KeepDays = Annotated[
    int | None,
    typer.Option("--keep-days", min=1, help="Days to keep; database.keep_days by default."),
]


def command(
    keep_days: KeepDays = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and drop nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Drop the raw readings of days long past. Their minutes and hours stay, and so do alerts.

    What was not rolled up yet is rolled up first. Daemons may run meanwhile; one of them does the
    same once a day, by the setting database.keep_days.
    """
    settings = settings_of(config, data_dir)
    days = settings.database.keep_days if keep_days is None else keep_days
    if days is None:
        raise OperatorError(
            "readings are kept for ever (database.keep_days)", fix="Say how long: --keep-days 30"
        )
    running.run_loop(_prune(settings, days, dry_run=dry_run, yes=yes, as_json=as_json))


async def _prune(
    settings: Settings, keep_days: int, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    async with open_settings_database(settings) as database:
        async with database.session() as connection:
            going = await asked(old_days(connection, keep_days))
        if going and not as_json:
            _tell(going)
        gone: list[Pruned] = []
        if going and not dry_run:
            confirm(going, yes=yes)
            gone = await _drop(database, keep_days)
    if as_json:
        names = {each.partition for each in gone}
        found = [{**asdict(each), "dropped": each.partition in names} for each in going]
        typer.echo(json_of_records(found), nl=False)
    elif not going:
        typer.echo(f"nothing is older than {keep_days} days")
    elif dry_run:
        typer.echo("nothing was dropped (--dry-run)")
    else:
        typer.echo(f"dropped {len(gone)} partitions, {size(sum(each.bytes for each in gone))}")


async def _drop(database: Database, keep_days: int) -> list[Pruned]:
    """Drop what is old, with its progress on standard error; return what went."""
    async with database.session() as connection:
        with working("rolling up") as told:
            return await asked(
                prune(
                    connection,
                    keep_days,
                    progress=lambda name, at, of: told(f"rolling up {name} ({at} of {of})"),
                )
            )


async def asked(question: Awaitable[Answer]) -> Answer:
    """Wait for an answer; what stands in its way is one line. Raises `OperatorError`."""
    try:
        return await question
    except asyncpg.UndefinedTableError:
        raise OperatorError(
            "the database has no partitions: its schema is older than this Tidegauge, or not there",
            fix="`tidegauge db up --once` brings it up to date",
        ) from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            f"the database user may not drop partitions: {error}", fix="Ask as their owner"
        ) from None
    except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, TimeoutError):
        raise OperatorError(
            "somebody reads the rows that are to go, and has for a while; nothing was dropped",
            fix="See `tidegauge db check` (sessions), and try again",
        ) from None
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise OperatorError(
            f"the database went away, or is not well: {type(error).__name__}",
            fix="See `tidegauge db check`, and try again: days are dropped together, or not at all",
        ) from None


def _tell(going: list[OldDay]) -> None:
    print_table(
        ("partition", "from", "to", "rows (estimated)", "size"),
        [
            (
                *(each.partition, f"{each.first:%Y-%m-%d}", f"{each.until:%Y-%m-%d}"),
                *(f"{each.rows_estimate:,}", size(each.bytes)),
            )
            for each in going
        ],
        right="lllrr",
    )


def confirm(going: list[OldDay], *, yes: bool) -> None:
    """Ask whether to go on. Raises `OperatorError` when not, or when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody is there to be asked, and nothing was dropped", fix="Say so beforehand: --yes"
        )
    total = size(sum(each.bytes for each in going))
    if not typer.confirm(f"Drop {len(going)} partitions, {total}?", err=True):
        raise OperatorError("nothing was dropped")
