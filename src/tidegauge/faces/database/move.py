"""`tidegauge db move`: from the embedded server to your own, with nothing lost."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.redaction import mask_urls
from tidegauge.runtime.settings import Settings
from tidegauge.sinks import embedded
from tidegauge.sinks.address import PASSWORD_VARIABLE, URL_VARIABLE, read_address
from tidegauge.sinks.connect import open_database
from tidegauge.sinks.move import MovedTable, Step, move
from tidegauge.sinks.spool import identity_of, survey
from tidegauge.sinks.spool.label import EMBEDDED
from tidegauge.sinks.spool.relabel import relabel

from .. import running
from ..options import Config, DataDir
from .adopt import cannot
from .opened import AsJson, print_json, print_table, settings_of, size

Url = Annotated[
    str, typer.Argument(help="Where to: postgresql://user@host:5432/name, without a password.")
]


def command(
    url: Url, as_json: AsJson = False, config: Config = None, data_dir: DataDir = None
) -> None:
    """Copy everything from the embedded database to your own, and prove that it arrived.

    The daemons of this data directory must be stopped. The password of the other database is taken
    from TIDEGAUGE_DATABASE_PASSWORD. A move that was interrupted is run again.
    """
    if mask_urls(url) != url:
        raise OperatorError(
            "a password on the command line can be read by every user of this machine",
            fix=f"Leave it out of the URL, and set {PASSWORD_VARIABLE}",
        )
    settings = settings_of(config, data_dir)
    found = embedded.status(settings.data_dir)
    if found.state == "absent":
        raise OperatorError(
            f"there is no embedded database in {found.home}: nothing to move",
            fix="Name its data directory with --data-dir",
        )
    password = settings.database.password
    # Before anything is started: what is wrong with the URL can be told at once.
    read_address(url, None if password is None else password.get_secret_value())
    running.run_loop(_move(settings, url, as_json=as_json))


async def _move(settings: Settings, url: str, *, as_json: bool) -> None:
    async with (
        open_database(
            url=None,
            password=None,
            data_dir=settings.data_dir,
            pg_bin=settings.database.pg_bin,
        ) as source,
        open_database(
            url=url, password=settings.database.password, data_dir=settings.data_dir
        ) as target,
    ):
        if not as_json:
            typer.echo(f"from {source.describe}\n  to {target.describe}")
        with _progress() as notify:
            moved = await move(source, target, notify)
    waiting = _redirect(settings, url)
    if as_json:
        print_json({"tables": moved, "waiting_on_disk": waiting})
        return
    _tell(moved, settings, url, waiting)


def _redirect(settings: Settings, url: str) -> int:
    """Mean for the new database what waits on disk for the embedded one; return its rows."""
    try:
        done = relabel(
            survey(settings.data_dir).folders,
            identity_of(url),
            wanted=lambda label: label is not None and label.suits(EMBEDDED),
        )
    except OSError as error:
        raise cannot(settings.data_dir, error) from None
    return sum(each.rows for each in done)


def _tell(moved: list[MovedTable], settings: Settings, url: str, waiting: int) -> None:
    print_table(
        ("table", "rows", "copied now", "checksum on both sides"),
        [(each.name, f"{each.rows:,}", f"{each.copied:,}", each.checksum) for each in moved],
        right="lrrl",
    )
    rows = sum(each.rows for each in moved)
    home = embedded.status(settings.data_dir).home
    typer.echo(f"All {rows:,} rows are there, count and checksum equal. Now:")
    typer.echo(f"  1. set {URL_VARIABLE}={url} and {PASSWORD_VARIABLE} for your daemons")
    typer.echo("  2. start them, with the same data directory: what waits on disk there")
    typer.echo(
        f"     ({waiting:,} rows) is meant for the new database now, and goes there by itself"
    )
    typer.echo("  3. `tidegauge db check`, and when you are content, remove the old database:")
    typer.echo(f"     {home}")


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """Show on standard error, if somebody looks, how far it is."""
    if not sys.stderr.isatty():
        yield lambda _step: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("moving")

        def show(step: Step) -> None:
            progress.update(
                task,
                description=f"{step.piece} ({step.done + 1} of {step.of}), {size(step.sent)} sent",
                completed=step.done,
                total=step.of,
            )

        yield show
