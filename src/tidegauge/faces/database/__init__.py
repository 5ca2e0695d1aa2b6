"""`tidegauge db`: start the database, look at it, look after it."""

import typer

from . import adopt, check, move, prune, server, status
from .opened import settings_of

__all__ = ["app", "settings_of"]

app = typer.Typer(
    name="db",
    help="Start, look at, look after and move the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("up", epilog="Example: tidegauge db up --data-dir /var/lib/tidegauge")(server.up)
app.command("status", epilog="Example: tidegauge db status --json")(status.command)
app.command("psql", epilog="Example: tidegauge db psql -- -c 'SELECT * FROM v_alerts'")(server.psql)
app.command(
    "run", epilog="Example: tidegauge db run pg_dump -- --format=custom --file=tidegauge.dump"
)(server.run)
app.command("check", epilog="Example: tidegauge db check")(check.command)
app.command("prune", epilog="Example: tidegauge db prune --keep-days 30 --dry-run")(prune.command)
app.command(
    "move", epilog="Example: tidegauge db move postgresql://tidegauge@db.example.com/tidegauge"
)(move.command)
app.command("adopt", epilog="Example: tidegauge db adopt")(adopt.command)
