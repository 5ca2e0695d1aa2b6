"""`tidegauge export`: rows of the database as a file, CSV or Parquet."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from tidegauge import venues
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.ask import held
from tidegauge.sinks.export import Wanted, export_csv, export_parquet, load_pyarrow

from . import running
from .database import settings_of
from .options import Config, DataDir, Force, Since, Until, VenueNames
from .sql import nothing_in, require_database, seen_symbol
from .times import interval, written
from .whole_file import whole_file

EXAMPLE = "Example: tidegauge export readings --symbol BTCUSDT --from -1d -o readings.parquet"

What = Annotated[
    Literal["readings", "depth", "slippage", "market", "alerts", "feed"],
    typer.Argument(help="What to export; `tidegauge db psql -- -c '\\d+ v_readings'` explains it."),
]
Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbol", help="Only this symbol; repeatable, all of them without it."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The file to write.")]
Format = Annotated[
    Literal["csv", "parquet"] | None,
    typer.Option("--format", help="By the file's name when not given: .parquet, or CSV."),
]


def command(
    what: What,
    out: Out,
    symbol: Symbols = None,
    begin: Since = None,
    end: Until = None,
    venue: VenueNames = None,
    form: Format = None,
    *,
    force: Force = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write readings, depth, slippage, market, alerts or feed events into a file, exactly.

    The file appears when it is whole. The span is the last hour when neither --from nor --to is given.
    """
    since, until = interval(begin, end, now=datetime.now(UTC).replace(microsecond=0))
    wanted = Wanted(
        name=what,
        since=since,
        until=until,
        symbols=tuple(symbol or ()),
        venues=tuple(spec.name for spec in venues.resolve(venue)) if venue else (),
    )
    as_parquet = form == "parquet" or (form is None and out.suffix == ".parquet")
    if as_parquet:
        load_pyarrow()
    settings = settings_of(config, data_dir)
    running.run_loop(_export(settings, wanted, out, as_parquet=as_parquet, force=force))


async def _export(
    settings: Settings, wanted: Wanted, out: Path, *, as_parquet: bool, force: bool
) -> None:
    require_database(settings)
    async with open_settings_database(settings) as database, database.session() as connection:
        symbols = [await seen_symbol(connection, each) for each in wanted.symbols]
        wanted = replace(wanted, symbols=tuple(symbols))
        with (
            whole_file(out, force=force) as part,
            running.progress_of(f"exporting {wanted.name}", "rows") as told,
        ):
            if as_parquet:
                rows = await export_parquet(connection, wanted, part, told)
            else:
                with part.open("wb") as file:
                    rows = await export_csv(connection, wanted, file, told)
        if not rows:
            span = {"from": written(wanted.since), "to": written(wanted.until)}
            for each in symbols:
                there = await held(connection, each)
                typer.echo(nothing_in(span | {"symbol": each}, there), err=True)
    typer.echo(f"{out}: {rows:,} rows from {written(wanted.since)} to {written(wanted.until)}")
