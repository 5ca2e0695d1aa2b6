"""`tidegauge report`: reads a postmortem and writes its page."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.faces.amounts import scaled
from tidegauge.faces.database import settings_of
from tidegauge.faces.options import Config, DataDir, Force, Since, Until, VenueNames
from tidegauge.faces.sql import require_database, seen_symbol
from tidegauge.faces.times import interval
from tidegauge.faces.whole_file import whole_file
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.postmortem.read import read_postmortem, span_of_alert
from tidegauge.sinks.postmortem.records import Asked, Postmortem, Span
from tidegauge.venues import resolve

from .page import render
from .summary import fired
from .wording import counted

USUAL_BAND = 10
AROUND = timedelta(minutes=5)
"""How much before and after an alert is told with it."""

EXAMPLE = "Example: tidegauge report --symbol BTCUSDT --from 14:00 --to 14:15"

Symbol = Annotated[str | None, typer.Option("--symbol", help="The symbol, such as BTCUSDT.")]
Size = Annotated[
    str | None,
    typer.Option("--size", help="The cost of this much quote; 500000 where it was stored."),
]
Band = Annotated[int, typer.Option("--band", min=1, help="Depth within so many bps of the mid.")]
OneAlert = Annotated[
    str | None,
    typer.Option("--alert", help="Tell of this alert, with five minutes before and after it."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The file; tidegauge-SYMBOL-FROM-TO.html by default."),
]


def command(
    symbol: Symbol = None,
    begin: Since = None,
    end: Until = None,
    alert: OneAlert = None,
    venue: VenueNames = None,
    size: Size = None,
    band: Band = USUAL_BAND,
    output: Output = None,
    *,
    force: Force = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write what happened to a symbol as one HTML file that needs nothing else.

    The span is the last hour when neither --from nor --to is given.
    """
    if alert is not None and (begin is not None or end is not None):
        raise OperatorError("--alert has its own span", fix="Leave --from and --to away")
    if alert is None and symbol is None:
        raise OperatorError(
            "Nothing says what to report on", fix="Add --symbol BTCUSDT, or --alert"
        )
    wanted = _Wanted(symbol, begin, end, alert, venue, size, band)
    if output is not None and output.exists() and not force:
        raise OperatorError(f"{output} is there already", fix="Name another file, or add --force")
    running.run_loop(write_report(settings_of(config, data_dir), wanted.asked, output, force=force))


class _Wanted:
    """What the command line asks for, checked as far as it can be without a database."""

    def __init__(
        self,
        symbol: str | None,
        begin: str | None,
        end: str | None,
        alert: str | None,
        venues: list[str] | None,
        size: str | None,
        band: int,
    ) -> None:
        self.now = datetime.now(UTC)
        self.symbol = symbol
        self.alert = alert
        self.band = band
        self.size = None if size is None else size_of(size)
        self.venues = tuple(spec.name for spec in resolve(venues)) if venues else ()
        self.span: Span | None = None
        if alert is None:
            since, until = interval(begin, end, now=self.now.replace(microsecond=0))
            self.span = Span(since=since, until=until)

    async def asked(self, connection: Any) -> Asked:
        """Return what to read, once the database has said what it knows of it."""
        symbol, span = self.symbol, self.span
        if self.alert is not None:
            symbol, span = await span_of_alert(connection, self.alert, AROUND, self.now)
        assert symbol is not None
        assert span is not None
        return Asked(
            symbol=await seen_symbol(connection, symbol),
            span=span,
            venues=self.venues,
            size=self.size,
            band_bps=self.band,
            alert=self.alert,
        )


def size_of(text: str) -> Decimal:
    """Read an amount of quote: 500000, 500_000, 500k or 1.5M. Raises `OperatorError`."""
    number = scaled(text)
    if number is not None and number.is_finite() and number > 0:
        return number
    raise OperatorError(f"--size {text!r} is no amount", fix="Write it like 500000, 500k or 1M")


async def write_report(
    settings: Settings,
    what: Callable[[Any], Awaitable[Asked]],
    output: Path | None,
    *,
    force: bool,
) -> None:
    """Write the page of what is asked for, once the database has said what it knows of it."""
    require_database(settings)
    with running.stages_of("report") as told:
        async with open_settings_database(settings) as database, database.session() as connection:
            asked = await what(connection)
            path = Path(file_name(asked)) if output is None else output
            postmortem = await read_postmortem(connection, asked, datetime.now(UTC), told)
        told("drawing the page")
        page = render(postmortem)
    with whole_file(path, force=force) as part:
        part.write_text(page, encoding="utf-8")
    typer.echo(f"{path}: {_told(postmortem)}, {len(page.encode()) / 1e3:,.0f} kB")


def file_name(asked: Asked) -> str:
    """Return the name of the file; whatever a file's name should not hold becomes a hyphen."""
    symbol = re.sub(r"[^A-Za-z0-9._-]+", "-", asked.symbol).strip("-.") or "symbol"
    since, until = (
        at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for at in (asked.span.since, asked.span.until)
    )
    return f"tidegauge-{symbol}-{since}-{until}.html"


def _told(postmortem: Postmortem) -> str:
    readings = sum(book.readings for book in postmortem.books)
    return ", ".join(
        (
            f"{postmortem.asked.symbol}",
            counted(readings, "reading"),
            counted(len(postmortem.books), "venue"),
            counted(len(fired(postmortem)), "alert fired", "alerts fired"),
        )
    )
