"""`tidegauge db check`: whether the database can be relied upon, check by check."""

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks import embedded
from tidegauge.sinks.health.checks import check_database, check_machine, failed
from tidegauge.sinks.health.finding import Finding, Verdict, fail

from .. import figures, running
from ..options import Config, DataDir
from .adopt import identity
from .opened import AsJson, print_json, settings_of, working

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def command(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check that the database can be relied upon. Changes nothing.

    The exit code is 1 when a check fails; warnings alone leave it 0.
    """
    settings = settings_of(config, data_dir)
    findings: list[Finding] = []
    with working("checking the database"):
        running.run_loop(_check(settings, findings))
    if as_json:
        print_json(findings)
    else:
        _tell(findings)
    broken = failed(findings)
    if broken:
        names = ", ".join(each.name for each in broken)
        raise OperatorError(f"{len(broken)} of {len(findings)} checks failed: {names}")


async def _check(settings: Settings, findings: list[Finding]) -> None:
    home = None
    if settings.database.url is None:
        found = embedded.status(settings.data_dir)
        home = found.home
        if found.state != "running":
            findings.append(
                fail(
                    "server",
                    f"the private database does not run ({found.state})",
                    "`tidegauge db up` starts it",
                )
            )
            findings += check_machine(settings.data_dir, home, identity(settings))
            return
    try:
        async with open_settings_database(settings) as database, database.session() as connection:
            findings += await check_database(connection)
    except OperatorError as error:
        findings.append(fail("server", error.what, error.fix or "See the server's log"))
    findings += check_machine(settings.data_dir, home, identity(settings))


def _tell(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        said = Text(figures.printable(each.said))
        told = said if each.fix is None else Group(said, Text(f"→ {figures.printable(each.fix)}"))
        table.add_row(Text(each.verdict, style=STYLES[each.verdict]), Text(each.name), told)
    running.console_for(plain=False).print(table)
    warned = sum(each.verdict is Verdict.WARN for each in findings)
    typer.echo(f"{len(findings)} checks, {warned} warnings, {len(failed(findings))} failed")
