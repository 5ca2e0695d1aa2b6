"""`tidegauge db prune`: drop raw rows that are older than so many days; what was made of them stays."""

import sys
from typing import Annotated, Any

import asyncpg
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.app import open_settings_database
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.health.retention import Dropped, old_partitions, prune

from .. import running
from ..options import Config, DataDir
from .opened import print_table, settings_of, size, working

KeepDays = Annotated[int, typer.Option("--keep-days", min=1, help="Days of raw rows to keep.")]


def command(
    keep_days: KeepDays,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and drop nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Drop the raw readings of days long past. Their minutes and hours stay, and so do alerts.

    What was not rolled up yet is rolled up first. Daemons may run meanwhile.
    """
    settings = settings_of(config, data_dir)
    running.run_loop(_prune(settings, keep_days, dry_run=dry_run, yes=yes))


async def _prune(settings: Settings, keep_days: int, *, dry_run: bool, yes: bool) -> None:
    async with open_settings_database(settings) as database, database.session() as connection:
        going = await _asked(old_partitions(connection, keep_days))
        if not going:
            typer.echo(f"nothing is older than {keep_days} days")
            return
        _tell(going)
        if dry_run:
            typer.echo("nothing was dropped (--dry-run)")
            return
        _confirm(going, yes=yes)
        with working("rolling up and dropping"):
            gone = await _asked(prune(connection, keep_days))
        typer.echo(f"dropped {len(gone)} partitions, {size(sum(each.bytes for each in gone))}")


async def _asked(question: Any) -> list[Dropped]:
    """Wait for an answer; what stands in its way is one line."""
    try:
        answer: list[Dropped] = await question
    except asyncpg.UndefinedTableError:
        raise OperatorError(
            "the database has no partitions: its schema is older than this Tidegauge, or not there",
            fix="`tidegauge db up --once` brings it up to date",
        ) from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            f"the database user may not drop partitions: {error}", fix="Ask as their owner"
        ) from None
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        raise OperatorError(
            "somebody reads the rows that are to go, and has for a while",
            fix="See `tidegauge db check` (sessions), and try again",
        ) from None
    return answer


def _tell(going: list[Dropped]) -> None:
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


def _confirm(going: list[Dropped], *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody is there to be asked, and nothing was dropped", fix="Say so beforehand: --yes"
        )
    total = size(sum(each.bytes for each in going))
    if not typer.confirm(f"Drop {len(going)} partitions, {total}?", err=True):
        raise OperatorError("nothing was dropped")
