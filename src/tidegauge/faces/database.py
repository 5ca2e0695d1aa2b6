"""`tidegauge db`: start, look at and open the database."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings, load_settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks import embedded
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.psql import PsqlCall, psql_call

from . import running
from .logs import log_to_terminal
from .options import Config, DataDir

app = typer.Typer(
    name="db",
    help="Start, look at and open the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("up", epilog="Example: tidegauge db up --data-dir /var/lib/tidegauge")
def up(
    config: Config = None,
    data_dir: DataDir = None,
    once: Annotated[
        bool, typer.Option("--once", help="Bring the schema up to date, then stop.")
    ] = False,
) -> None:
    """Start the private PostgreSQL (or reach yours), migrate it, and keep it up until Ctrl-C."""
    running.run_loop(_up(settings_of(config, data_dir), once=once))


@app.command("status", epilog="Example: tidegauge db status")
def status(config: Config = None, data_dir: DataDir = None) -> None:
    """Say whether the database runs, where, and with which schema."""
    running.run_loop(_status(settings_of(config, data_dir)))


@app.command("psql", epilog="Example: tidegauge db psql -- -c 'SELECT * FROM v_alerts'")
def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments for psql, after --.")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Open psql on the database. The password travels in a file only you can read."""
    settings = settings_of(config, data_dir)
    code = 0

    async def run() -> None:
        nonlocal code
        async with open_settings_database(settings) as database:
            with psql_call(database, dict(os.environ), arguments or []) as call:
                # Ctrl-C belongs to psql while it runs.
                before = signal.signal(signal.SIGINT, signal.SIG_IGN)
                try:
                    code = await _run(call)
                finally:
                    signal.signal(signal.SIGINT, before)

    running.run_loop(run())
    raise typer.Exit(code)


def settings_of(config: Path | None, data_dir: Path | None) -> Settings:
    """Return the settings, with the data directory that a flag named."""
    flags: dict[str, Any] = {} if data_dir is None else {"data_dir": str(data_dir)}
    settings = load_settings(config=config, flags=flags).settings
    log_to_terminal(settings, least="warning")
    return settings


async def _run(call: PsqlCall) -> int:
    """Run psql, and return its exit code as a shell would; it does not outlive us."""
    process = subprocess.Popen(call.argv, env=call.env)  # noqa: ASYNC220, S603
    try:
        code = await asyncio.to_thread(process.wait)
    except asyncio.CancelledError:
        process.terminate()
        raise
    return code if code >= 0 else 128 - code


async def _up(settings: Settings, *, once: bool) -> None:
    async with open_settings_database(settings) as database:
        async with database.session() as connection:
            await migrate(connection)
        typer.echo(f"{database.describe}: up, schema up to date")
        if once:
            return
        typer.echo("Ctrl-C stops it")
        stop = asyncio.Event()
        running.take_signals(stop.set)
        await stop.wait()


async def _status(settings: Settings) -> None:
    if settings.database.url is None:
        found = embedded.status(settings.data_dir)
        where = f" on 127.0.0.1:{found.port}" if found.port is not None else ""
        typer.echo(f"embedded PostgreSQL: {found.state}{where} ({found.home})")
        if found.state != "running":
            raise OperatorError(
                "The private database does not run", fix="`tidegauge db up` starts it"
            )
    async with open_settings_database(settings) as database, database.session() as connection:
        version = await connection.fetchval("SHOW server_version")
        known = "SELECT to_regclass('tidegauge.schema_migrations') IS NOT NULL"
        schema = "none yet (`tidegauge db up --once` makes it)"
        if await connection.fetchval(known):
            newest = await connection.fetchval(
                "SELECT max(version) FROM tidegauge.schema_migrations"
            )
            schema = str(newest)
        typer.echo(f"{database.describe}: PostgreSQL {version}, schema {schema}")
