"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

SymbolNames = Annotated[
    list[str], typer.Option("--symbol", help="A symbol to monitor, such as BTCUSDT; repeatable.")
]
VenueNames = Annotated[
    list[str] | None,
    typer.Option("--venue", help="A venue or family (see `tidegauge venues`); repeatable."),
]
Duration = Annotated[
    float | None, typer.Option("--duration", min=0.1, help="Stop after this many seconds.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Monitor without a database: nothing is stored.")
]
PlainView = Annotated[bool, typer.Option("--plain", help="Print plain lines, even on a terminal.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; config/settings.yaml by default.")
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the private database and the log.")
]
Record = Annotated[
    Path | None,
    typer.Option("--record", help="Write a tape of everything that is received into this folder."),
]
RecordMaxGb = Annotated[
    float,
    typer.Option(
        "--record-max-gb", min=0.001, help="Delete the oldest tapes beyond so many GiB in all."
    ),
]
Serve = Annotated[
    bool, typer.Option("--serve", help="Serve the HTTP API and the page too; see `tidegauge web`.")
]
WithDashboard = Annotated[
    bool,
    typer.Option("--dashboard", help="Show `tidegauge dashboard` here, and serve the API for it."),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="UTC: 2026-11-21T14:02, 14:02 (today), or -15m; an hour before --to by default.",
    ),
]
Until = Annotated[
    str | None, typer.Option("--to", help="Up to, and not with, this instant; now by default.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]
