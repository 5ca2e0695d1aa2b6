"""What a demo wrote, read back from PostgreSQL by SQL, and where to look further."""

import shlex
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidegauge.sinks.desk_read import incidents, timeline
from tidegauge.sinks.report import (
    AlertTimes,
    FeedRecord,
    MarketRows,
    VenueRows,
    alert_times,
    feed_records,
    market_by_venue,
    rows_by_venue,
)

from . import figures
from .desk import show as desk
from .figures import UNKNOWN


async def show(console: Console, connection: Any, run: str, data_dir: Path) -> None:
    """Print the rows a run left."""
    _say(console, "")
    _say(console, "What this demo wrote, read back from PostgreSQL:")
    rows = await rows_by_venue(connection, run)
    _show_rows(console, rows)
    _show_market(console, await market_by_venue(connection, run))
    _show_alerts(console, await alert_times(connection, run))
    await _show_incidents(console, connection, run)
    _show_feeds(console, await feed_records(connection, run))
    _show_commands(console, data_dir, rows)


async def _show_incidents(console: Console, connection: Any, run: str) -> None:
    """Print each incident of a run, and what happened to it."""
    for incident in [each for each in await incidents(connection) if each["run"] == run]:
        _say(console, desk.head_of(incident))
        table = _table("at", "what", "who", "said")
        for row in desk.event_rows(await timeline(connection, [incident["id"]]), whole=False):
            at, *cells = row
            table.add_row(at[11:], *(Text(figures.printable(cell)) for cell in cells))
        console.print(table)


def _show_rows(console: Console, rows: list[VenueRows]) -> None:
    table = _table("venue", "symbol", "readings", "first", "last")
    for row in rows:
        table.add_row(row.venue, row.symbol, f"{row.readings:,}", _time(row.first), _time(row.last))
    console.print(table)


def _show_market(console: Console, rows: list[MarketRows]) -> None:
    """Print what was told beside the books; where nothing was, nothing."""
    if not rows:
        return
    table = _table("market", "trades", "bought", "sold", "last", "fund 8h", "OI", "liquidations")
    for row in rows:
        table.add_row(
            row.venue,
            f"{row.trades:,}",
            figures.money(row.bought),
            figures.money(row.sold),
            figures.price(row.last_price),
            figures.percent(row.funding_8h),
            figures.amount(row.open_interest),
            UNKNOWN if row.liquidations is None else f"{row.liquidations:,}",
        )
    console.print(table)


def _show_alerts(console: Console, alerts: list[AlertTimes]) -> None:
    shown = [alert for alert in alerts if alert.fired_at is not None]
    if not shown:
        _say(console, "no alert fired")
        return
    table = _table("alert", "venue", "worst", "state", "opened", "fired", "ended", "lasted")
    for alert in shown:
        lasted = f"{alert.lasted.total_seconds():.1f} s" if alert.lasted is not None else UNKNOWN
        table.add_row(
            alert.signal,
            alert.venue,
            alert.worst_severity,
            alert.state,
            _time(alert.started_at),
            _time(alert.fired_at),
            _time(alert.ended_at),
            lasted,
        )
    console.print(table)


def _show_feeds(console: Console, feeds: list[FeedRecord]) -> None:
    table = _table("feed", "connects", "disconnects", "gaps", "resyncs", "malformed", "trust lost")
    for feed in feeds:
        counts = (
            feed.connects,
            feed.disconnects,
            feed.gaps,
            feed.resyncs,
            feed.malformed,
            feed.trust_losses,
        )
        table.add_row(feed.venue, *(str(count) for count in counts))
    console.print(table)


def _show_commands(console: Console, data_dir: Path, rows: list[VenueRows]) -> None:
    """Print commands that can be run as they stand, about the time of this run."""
    command = shlex.quote(str(Path(sys.argv[0])))
    where = f"--data-dir {shlex.quote(str(data_dir))}"
    _say(console, "")
    _say(console, "To look further:")
    if rows:
        since = min(row.first for row in rows).replace(microsecond=0)
        until = max(row.last for row in rows).replace(microsecond=0) + timedelta(seconds=1)
        span = f"--symbol {rows[0].symbol} --from {since:%FT%T} --to {until:%FT%T}"
        _say(console, f"  {command} report {where} {span}")
        for question in ("around-alert", "first-mover", "cost-to-sell"):
            _say(console, f"  {command} sql {question} {where} {span}")
    query = "SELECT updated_at, state, severity, sentence FROM alert_changes ORDER BY updated_at"
    _say(console, f'  {command} db psql {where} -- -c "{query}"')
    _say(console, f"  {command} db psql {where}")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _time(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%H:%M:%S}.{at.microsecond // 100_000}"


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
