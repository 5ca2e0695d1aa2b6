"""`tidegauge db adopt`: mean for this database what others left for another one."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.spool import SpoolSurvey, identity_of
from tidegauge.sinks.spool.relabel import foreign, relabel

from ..options import Config, DataDir
from .opened import AsJson, print_json, print_table, settings_of

NOT_WRITTEN = "Ask as the daemons' user, with room on the disk; what is done already stays done"


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FOLDER]...", help="Folders by name; all of them by default."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Have rows that wait on disk for another database stored into the one of the settings.

    Only those of daemons that are gone. Nothing is stored now: the next daemon of this data
    directory does, or one that runs. Rows are never taken from one database to another unasked.
    """
    settings = settings_of(config, data_dir)
    ours = identity(settings)
    try:
        going = _chosen(foreign(settings.data_dir, ours), names)
        if not going and not as_json:
            typer.echo(f"nothing waits for another database than {ours}")
            return
        if not as_json:
            tell(going)
        confirm(going, ours, yes=yes or not going)
        done = relabel(going, ours)
    except OSError as error:
        raise cannot(settings.data_dir, error) from None
    if as_json:
        print_json([_described(each, ours, done) for each in going])
    else:
        rows = sum(each.rows for each in done)
        typer.echo(f"{rows:,} rows of {len(done)} daemons go to {ours} now")
    if len(done) < len(going):
        raise OperatorError(
            f"{len(going) - len(done)} folders are in use, and were left",
            fix="Run the same command again",
        )


def _described(folder: SpoolSurvey, ours: str, done: Sequence[SpoolSurvey]) -> dict[str, Any]:
    """Return what became of a folder, as JSON has it; `now_for` is what it was where it is in use."""
    adopted = any(each.folder == folder.folder for each in done)
    return {
        "spool": folder.folder.name,
        "was_for": folder.database,
        "now_for": ours if adopted else folder.database,
        "adopted": adopted,
        "records": folder.records,
        "readings": folder.readings,
    }


def identity(settings: Settings) -> str:
    """Return what the database of the settings is called on the labels of the spool."""
    url = settings.database.url
    return identity_of(None if url is None else url.get_secret_value())


def tell(folders: Sequence[SpoolSurvey]) -> None:
    """Name folders, their rows, and the database each of them is for."""
    print_table(
        ("spool", "meant for", "records", "readings"),
        [
            (each.folder.name, meant_for(each), f"{each.records:,}", f"{each.readings:,}")
            for each in folders
        ],
        right="llrr",
    )


def meant_for(folder: SpoolSurvey) -> str:
    """Say for which database a folder is."""
    if folder.database is None:
        return "unreadable"
    return (folder.database or "any") + (", by a newer version" if folder.newer else "")


def confirm(going: Sequence[SpoolSurvey], identity: str, *, yes: bool) -> None:
    """Ask whether to go on. Raises `OperatorError` when not, or when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody is there to be asked, and nothing was changed", fix="Say so beforehand: --yes"
        )
    rows = sum(each.rows for each in going)
    if not typer.confirm(f"Store {rows:,} rows into {identity}?", err=True):
        raise OperatorError("nothing was changed")


def cannot(data_dir: Path, error: OSError) -> OperatorError:
    """Return what to tell when the spool cannot be read or written."""
    return OperatorError(
        f"the spool below {data_dir} cannot be changed: {error.strerror or error}", fix=NOT_WRITTEN
    )


def _chosen(found: list[SpoolSurvey], names: list[str] | None) -> list[SpoolSurvey]:
    if not names:
        return found
    known = {each.folder.name: each for each in found}
    missing = sorted(set(names) - set(known))
    if missing:
        raise OperatorError(
            f"no folder of that name waits for another database: {', '.join(missing)}",
            fix="`tidegauge db status` names them",
        )
    return [known[name] for name in dict.fromkeys(names)]
