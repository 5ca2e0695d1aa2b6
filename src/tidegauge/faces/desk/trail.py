"""`tidegauge incidents verify`: the audit trails of a data directory, judged and compared."""

from pathlib import Path
from typing import Any

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.faces.database import settings_of
from tidegauge.faces.database.opened import AsJson, print_json
from tidegauge.faces.figures import printable
from tidegauge.faces.options import Config, DataDir
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.chain_check import Head, Verdict, compare, heads, lacking_told, verify
from tidegauge.sinks.holder import MARK, this_host
from tidegauge.sinks.incident_log import paths_of
from tidegauge.sinks.spool import survey

from .ordering import asked, desk_session


def command(as_json: AsJson = False, config: Config = None, data_dir: DataDir = None) -> None:
    """Say whether the audit trail of this machine is whole, and the same as PostgreSQL's. Exit 1: not."""
    verify_all(settings_of(config, data_dir), as_json=as_json)


def verify_all(settings: Settings, *, as_json: bool = False) -> None:
    """Judge every trail, print what was found, and raise `OperatorError` where one is not whole."""
    with running.stages_of("verifying") as told:
        told("reading the files")
        verdicts = judged(settings.data_dir)
        told("comparing with PostgreSQL")
        trouble: OperatorError | None = None
        missing: list[Head] = []
        try:
            missing = asked(compared(settings, verdicts))
        except OperatorError as error:
            trouble = error
    waiting = spooled(settings.data_dir)
    if as_json:
        found = [_described(verdict) for verdict in verdicts]
        gone = [{"file": head.path, "known": head.sequence, "head": head.hash} for head in missing]
        print_json({"trails": found, "missing": gone, "waiting": waiting})
    else:
        _tell_all(verdicts, missing, waiting, settings.data_dir)
    broken = [each for each in verdicts if each.wrong or (each.lacking and not waiting)]
    if broken or missing:
        names = ", ".join([each.path.name for each in broken] + [head.path for head in missing])
        raise OperatorError(
            f"the audit trail is not as it was written: {printable(names)}",
            fix="Keep the file and the database as they are for whoever looks into it",
        )
    if trouble is not None:
        raise OperatorError(
            f"the trail was not compared with PostgreSQL: {trouble.what}", fix=trouble.fix
        )


def _tell_all(verdicts: list[Verdict], missing: list[Head], waiting: int, data_dir: Path) -> None:
    for verdict in verdicts:
        tell(verdict, waiting)
    for head in missing:
        typer.echo(f"{printable(head.path)}: MISSING; PostgreSQL has {head.sequence:,} lines of it")
    if not verdicts and not missing:
        typer.echo(f"there is no audit trail in {data_dir}")


def _described(verdict: Verdict) -> dict[str, Any]:
    """Return what was found of one trail, as JSON has it; `known` null: PostgreSQL was not asked."""
    return {
        "file": str(verdict.path),
        "whole": verdict.whole,
        "lines": verdict.lines,
        "head": verdict.head,
        "known": verdict.known,
        "lacking": len(verdict.lacking),
        "torn_bytes": verdict.torn,
        "wrong": verdict.wrong,
    }


def judged(data_dir: Path) -> list[Verdict]:
    """Judge every trail below a folder by itself. Raises `OperatorError` where one cannot be read."""
    try:
        return [verify(path) for path in paths_of(data_dir)]
    except OSError as error:
        raise OperatorError(
            f"the audit trail cannot be read: {error.strerror or error} ({error.filename})",
            fix="Ask as the daemon's user",
        ) from None


async def compared(settings: Settings, verdicts: list[Verdict]) -> list[Head]:
    """Add what PostgreSQL knows. Returns the trails of this data directory of which there is no file."""
    async with desk_session(settings) as connection:
        for verdict in verdicts:
            await compare(connection, verdict)
        there = {each.chain.id for each in verdicts if each.chain is not None}
        return [
            head
            for head in await heads(connection)
            if head.id not in there and is_of(head, settings.data_dir)
        ]


def is_of(head: Head, data_dir: Path) -> bool:
    """Whether a trail was written below this data directory of this machine."""
    here = this_host().partition(MARK)[0]
    folder = Path(head.path).parent
    return head.host.partition(MARK)[0] == here and folder == data_dir.absolute()


def spooled(data_dir: Path) -> int:
    """Return how many records wait on the disk for the database; 0 where nobody can say."""
    try:
        return sum(each.records for each in survey(data_dir).folders)
    except OSError:
        return 0


def tell(verdict: Verdict, waiting: int) -> None:
    """Print what was found of one trail."""
    name = verdict.path.name
    if verdict.torn:
        typer.echo(
            f"{name}: {verdict.torn} bytes at its end are no whole line: a crash, or it is being written;"
            " the next start cuts them off"
        )
    if verdict.wrong:
        typer.echo(f"{name}: NOT WHOLE")
        for each in verdict.wrong:
            typer.echo(f"  {printable(each)}")
    if verdict.lacking:
        typer.echo(f"{name}: {lacking_told(verdict)}{_perhaps(waiting)}")
    if verdict.whole:
        beside = "" if verdict.known is None else ", and the same in PostgreSQL"
        typer.echo(f"{name}: {verdict.lines:,} lines, whole{beside}")
        typer.echo(f"  head: number {verdict.lines}, {verdict.head}")


def _perhaps(waiting: int) -> str:
    if not waiting:
        return ": PostgreSQL does not know them"
    return f"; {waiting:,} records wait in the spool for PostgreSQL, and they may be among them"
