"""`tidegauge db up`, `db psql` and `db run`: start the database, and use it."""

import asyncio
import os
import signal
import subprocess
from typing import Annotated

import typer

from tidegauge.runtime.service import Service
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.migrate import migrate
from tidegauge.sinks.psql import PsqlCall, psql_call

from .. import running
from ..options import Config, DataDir
from .opened import settings_of


def up(
    config: Config = None,
    data_dir: DataDir = None,
    once: Annotated[
        bool, typer.Option("--once", help="Bring the schema up to date, then stop.")
    ] = False,
) -> None:
    """Start the private PostgreSQL (or reach yours), migrate it, and keep it up until Ctrl-C."""
    running.run_loop(_up(settings_of(config, data_dir), Service.of(), once=once))


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments for psql, after --.")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Open psql on the database. The password travels in a file only you can read."""
    _client("psql", arguments or [], settings_of(config, data_dir))


def run(
    program: Annotated[str, typer.Argument(help="pg_dump, pg_restore, pg_basebackup, ...")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments for it, after --.")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Run another program of PostgreSQL on the database: to dump it, to restore it, ...

    The password travels in a file only you can read.
    """
    _client(program, arguments or [], settings_of(config, data_dir))


def _client(program: str, arguments: list[str], settings: Settings) -> None:
    code = 0

    async def run() -> None:
        nonlocal code
        async with open_settings_database(settings) as database:
            with psql_call(database, dict(os.environ), arguments, program) as call:
                # Ctrl-C belongs to psql while it runs.
                before = signal.signal(signal.SIGINT, signal.SIG_IGN)
                try:
                    code = await _run(call)
                finally:
                    signal.signal(signal.SIGINT, before)

    running.run_loop(run())
    raise typer.Exit(code)


async def _run(call: PsqlCall) -> int:
    """Run psql, and return its exit code as a shell would; it does not outlive us."""
    process = subprocess.Popen(call.argv, env=call.env)  # noqa: ASYNC220, S603
    try:
        code = await asyncio.to_thread(process.wait)
    except asyncio.CancelledError:
        process.terminate()
        raise
    return code if code >= 0 else 128 - code


async def _up(settings: Settings, service: Service, *, once: bool) -> None:
    async with open_settings_database(settings) as database:
        async with database.session() as connection:
            await migrate(connection)
        typer.echo(f"{database.describe}: up, schema up to date")
        if once:
            return
        typer.echo("Ctrl-C stops it")
        stop = asyncio.Event()
        running.take_signals(stop.set)
        service.ready(f"{database.describe}: up")
        await stop.wait()
        service.stopping()
