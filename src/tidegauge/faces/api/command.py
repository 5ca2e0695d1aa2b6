"""`tidegauge serve`, `tidegauge web` and `tidegauge token`: the API, a way into it, and its tokens."""

import asyncio
import contextlib
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated, Any

import structlog
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings, load_settings

from .. import running
from ..database import settings_of
from ..logs import log_to_terminal
from ..options import Config, DataDir
from .access import Access
from .address import address_of, claimed
from .app import Hub, create_app
from .asking import link_from
from .serving import bound, serving, url_of
from .tokens import tokens_in, tokens_made, tokens_renewed

log = structlog.get_logger(__name__)

SERVE_EXAMPLE = "Example: tidegauge serve --port 8787"
WEB_EXAMPLE = "Example: tidegauge web --open"
OPERATOR_EXAMPLE = "Example: tidegauge token operate"
NICENESS = 5
"""The feed has the processor before those who look at it."""


class Allowed(StrEnum):
    """What a token or a link lets one do."""

    READ = "read"
    OPERATE = "operate"


HostName = Annotated[
    str | None, typer.Option("--host", help="Address to serve at; 127.0.0.1 by default.")
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="Port; 0: any that is free.")
]
Exposed = Annotated[
    bool, typer.Option("--exposed", help="Allow an address that other machines reach.")
]
NewTokens = Annotated[
    bool,
    typer.Option(
        "--new-tokens",
        help="Make new tokens first; the old ones, and links and "
        "browsers that are logged in, are out.",
    ),
]
IsCompanion = Annotated[bool, typer.Option("--companion", hidden=True)]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the API; that of the data directory unless named."),
]
Open = Annotated[bool, typer.Option("--open", help="Open the link in the browser too.")]
LinkFor = Annotated[
    Allowed, typer.Option("--scope", help="What whoever opens the link may do: read or operate.")
]
TokenFor = Annotated[Allowed, typer.Argument(help="Which token: read or operate.")]


def serve(
    host: HostName = None,
    port: Port = None,
    exposed: Exposed = False,
    new_tokens: NewTokens = False,
    config: Config = None,
    data_dir: DataDir = None,
    companion: IsCompanion = False,
) -> None:
    """Serve the HTTP API and the page for all the daemons of a data directory, until stopped."""
    given = {"host": host, "port": port, "exposed": exposed or None}
    flags: dict[str, Any] = {
        "serve": {name: value for name, value in given.items() if value is not None}
    }
    if data_dir is not None:
        flags["data_dir"] = str(data_dir)
    settings = load_settings(config=config, flags=flags).settings
    folder = settings.data_dir
    tokens = tokens_renewed(folder) if new_tokens else tokens_made(folder)
    log_to_terminal(settings, also_secret=(tokens.read, tokens.operate, tokens.secret))
    if companion:
        os.nice(NICENESS)
        os.setpgid(0, 0)  # Ctrl-C is for the monitor, which ends its companion itself
    running.run_loop(_serve(settings, companion=companion))


def web(
    url: Url = None,
    open_it: Open = False,
    scope: LinkFor = Allowed.OPERATE,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print a link that logs a browser in: good once, for five minutes."""
    settings = settings_of(config, data_dir)
    address = url or address_of(settings.data_dir)
    if address is None:
        raise OperatorError(
            f"No API is served for {settings.data_dir}",
            fix="Start `tidegauge serve` or `tidegauge monitor --serve`, or name its folder with "
            "--data-dir",
        )
    tokens = tokens_in(settings.data_dir)
    token = tokens.operate if scope is Allowed.OPERATE else tokens.read
    link = link_from(address.rstrip("/"), token)
    typer.echo(link)
    if open_it and not webbrowser.open(link):
        raise OperatorError("No browser can be opened here", fix="Open the link above in one")


def token(scope: TokenFor = Allowed.READ, config: Config = None, data_dir: DataDir = None) -> None:
    """Print a token of the API, for a program that asks it."""
    tokens = tokens_in(settings_of(config, data_dir).data_dir)
    typer.echo(tokens.operate if scope is Allowed.OPERATE else tokens.read)


async def _serve(settings: Settings, *, companion: bool) -> None:
    stop = asyncio.Event()
    running.take_signals(stop.set)
    if companion:
        _stop_with_whoever_started(stop)
    with (
        claimed(settings.data_dir) as address,
        contextlib.closing(bound(settings.serve)) as at,
    ):
        async with _opened_hub(settings) as hub:
            app = create_app(hub, Access(settings.data_dir), settings.serve)
            async with serving(app, at, settings.serve):
                url = url_of(at, settings.serve)
                address.write_text(url, encoding="utf-8")
                log.info("api_serving", address=url, log_in="tidegauge web")
                await stop.wait()
                log.info("api_stopping")


def _stop_with_whoever_started(stop: asyncio.Event) -> None:
    """Stop when standard input ends: the monitor holds its other end, however it dies."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(stdin, 4_096):
            loop.remove_reader(stdin)
            stop.set()

    loop.add_reader(stdin, look)


class _NoHub:
    """Shows nothing."""

    def reasons(self) -> Sequence[str]:
        return ("no daemon is seen",)


@asynccontextmanager
async def _opened_hub(_settings: Settings) -> AsyncIterator[Hub]:
    yield _NoHub()
