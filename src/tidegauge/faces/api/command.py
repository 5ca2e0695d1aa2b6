"""`tidegauge serve`, `tidegauge web` and `tidegauge token`: the API, a way into it, and its tokens."""

import webbrowser
from enum import StrEnum
from typing import Annotated, Any

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import load_settings

from .. import running
from ..database import settings_of
from ..logs import log_to_terminal
from ..options import Config, DataDir
from .address import address_of
from .asking import link_from, name_for_browsers
from .tokens import tokens_in, tokens_made, tokens_renewed

SERVE_EXAMPLE = "Example: tidegauge serve --port 8787"
WEB_EXAMPLE = "Example: tidegauge web --open"
OPERATOR_EXAMPLE = "Example: tidegauge token operate"


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
        "--new",
        help="Make new ones first: old ones, links, and logged-in browsers are out at once.",
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
    tokens = tokens_made(settings.data_dir)
    log_to_terminal(settings, also_secret=(tokens.read, tokens.operate, tokens.secret))
    # FastAPI takes longer to import than most commands to run.
    from .process import serve_until_stopped  # noqa: PLC0415

    running.run_loop(serve_until_stopped(settings, config=config, companion=companion))


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
    host = None if url else name_for_browsers(settings.serve)
    link = link_from(address.rstrip("/"), token, host=host)
    typer.echo(link)
    if open_it and not webbrowser.open(link):
        raise OperatorError("No browser can be opened here", fix="Open the link above in one")


def token(
    scope: TokenFor = Allowed.READ,
    new: NewTokens = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print a token of the API, for a program that asks it."""
    folder = settings_of(config, data_dir).data_dir
    tokens = tokens_renewed(folder) if new else tokens_in(folder)
    typer.echo(tokens.operate if scope is Allowed.OPERATE else tokens.read)
