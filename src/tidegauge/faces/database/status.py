"""`tidegauge db status`: what the database holds, who writes to it, what waits for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks import embedded
from tidegauge.sinks.health.overview import Overview, overview
from tidegauge.sinks.leases import Lease
from tidegauge.sinks.migrate import migrations
from tidegauge.sinks.spool import SpoolState, SpoolSurvey, survey

from .. import figures, running
from ..options import Config, DataDir
from .adopt import identity, meant_for
from .opened import AsJson, print_json, print_table, settings_of, size, span

MOST_ROWS = 40
"""Books shown to people; `--json` has them all."""

Facts = list[tuple[str, ...]]


@dataclass(slots=True, kw_only=True)
class Seen:
    """What could be learned, also of a database that is down."""

    database: str
    state: str
    home: Path | None = None
    holds: Overview | None = None
    waiting: SpoolState
    identity: str = ""
    keep_days: int | None = None
    known: int = field(default_factory=lambda: len(migrations()))


def command(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say whether the database runs, where, what it holds, who writes to it and what waits for it.

    Changes nothing and starts nothing. The exit code is 1 when the database does not answer.
    """
    settings = settings_of(config, data_dir)
    seen = _local(settings)
    trouble: OperatorError | None = None
    if seen.state not in ("running", "reachable"):
        trouble = OperatorError(
            "The private database does not run", fix="`tidegauge db up` starts it"
        )
    else:
        try:
            running.run_loop(_ask(settings, seen))
        except OperatorError as error:
            seen.state = "unreachable"
            trouble = error
    if as_json:
        print_json(as_json_of(seen, trouble))
    else:
        _tell(seen)
    if trouble is not None:
        raise trouble


def _local(settings: Settings) -> Seen:
    """Return what this machine knows without asking the database."""
    waiting = _survey(settings.data_dir)
    if settings.database.url is not None:
        return Seen(
            database="PostgreSQL of TIDEGAUGE_DATABASE_URL",
            state="reachable",
            waiting=waiting,
            identity=identity(settings),
            keep_days=settings.database.keep_days,
        )
    found = embedded.status(settings.data_dir)
    where = f" on 127.0.0.1:{found.port}" if found.port is not None else ""
    return Seen(
        database=f"embedded PostgreSQL{where}",
        state=found.state,
        home=found.home,
        waiting=waiting,
        identity=identity(settings),
        keep_days=settings.database.keep_days,
    )


def _survey(data_dir: Path) -> SpoolState:
    try:
        return survey(data_dir)
    except OSError as error:
        raise OperatorError(
            f"the spool below {data_dir} cannot be read: {error.strerror or error}",
            fix="Ask as the daemon's user",
        ) from None


async def _ask(settings: Settings, seen: Seen) -> None:
    async with open_settings_database(settings) as database, database.session() as connection:
        seen.database = database.describe
        seen.holds = await overview(connection)


def as_json_of(seen: Seen, trouble: OperatorError | None) -> dict[str, Any]:
    """Return all of it for a program. Times are ISO 8601 in UTC, spans seconds, sizes bytes."""
    holds = seen.holds
    told: dict[str, Any] = {
        "database": seen.database,
        "state": seen.state,
        "home": None if seen.home is None else str(seen.home),
        "schema_known": seen.known,
        "error": None if trouble is None else str(trouble),
        "keep_days": seen.keep_days,
        "identity": seen.identity,
        "spool": msgspec.to_builtins(seen.waiting, enc_hook=str),
    }
    if holds is not None:
        lag = holds.rollup_lag
        told |= msgspec.to_builtins(holds)
        told["last_reading"] = holds.last_reading
        told["rollup_lag_s"] = None if lag is None else lag.total_seconds()
        told["leases"] = [
            {**msgspec.to_builtins(each), "alive": each.alive, "released": each.released}
            for each in holds.leases
        ]
    return told


def _tell(seen: Seen) -> None:
    if seen.home is not None:
        typer.echo(f"embedded PostgreSQL: {seen.state} ({seen.home})")
    if (holds := seen.holds) is not None:
        schema = "none yet (`tidegauge db up --once` makes it)"
        if holds.schema is not None:
            schema = str(holds.schema)
            if holds.schema != seen.known:
                schema += f" (this Tidegauge knows {seen.known})"
        typer.echo(f"{seen.database}: PostgreSQL {holds.version}, schema {schema}")
        _tell_holdings(holds, seen.keep_days)
    _tell_waiting(seen.waiting, seen.identity)


def _tell_waiting(waiting: SpoolState, identity: str) -> None:
    if not any(each.records + each.readings for each in waiting.folders):
        typer.echo("nothing waits on disk for the database")
    if waiting.folders:
        print_table(
            ("spool", "daemon", "records", "readings", "size", "oldest", "damaged"),
            [_spool(each) for each in waiting.folders],
            right="llrrrlr",
        )
    for each in waiting.folders:
        if each.rows and (each.newer or each.is_foreign_to(identity)):
            typer.echo(f"{each.folder.name} is not for this database: {meant_for(each)}")
    if waiting.quarantined:
        typer.echo(f"{waiting.quarantined:,} rows were refused by the database and put aside")
    if waiting.put_aside:
        typer.echo(f"{waiting.put_aside:,} damaged files of the spool were put aside")


def _tell_holdings(holds: Overview, keep_days: int | None) -> None:
    if holds.schema is None:
        return
    kept = "for ever" if keep_days is None else f"{keep_days} days"
    print_table(("", ""), [*_facts(holds), ("readings are kept", kept)])
    typer.echo()
    print_table(
        ("table", "rows (estimated)", "size"),
        [
            (
                each.name,
                figures.UNKNOWN if each.rows is None else f"{each.rows:,}",
                size(each.bytes),
            )
            for each in holds.tables
        ],
        right="lrr",
    )
    if holds.books:
        typer.echo()
        print_table(
            ("symbol", "venue", "last reading", "beside the book", "alert"),
            [
                (
                    *(each.symbol, each.venue),
                    ("about " if each.old else "") + ago(each.reading, holds.now),
                    ago(each.market, holds.now),
                    ago(each.alert, holds.now),
                )
                for each in holds.books[:MOST_ROWS]
            ],
        )
        if len(holds.books) > MOST_ROWS:
            typer.echo(f"and {len(holds.books) - MOST_ROWS} more; --json has them all")
    shown = [each for each in holds.leases if not each.released]
    if shown:
        typer.echo()
        print_table(
            ("symbol", "watched by", "since", "lease"), [_lease(each) for each in shown[:MOST_ROWS]]
        )


def _facts(holds: Overview) -> Facts:
    rows: Facts = [("size", size(holds.bytes))]
    rows += [
        (
            f"partitions of {each.table}",
            f"{each.count}, {each.oldest} to {each.newest} ({each.ahead} days ahead)",
        )
        for each in holds.partitions
    ]
    lag = holds.rollup_lag
    rows += [
        ("last reading", ago(holds.last_reading, holds.now)),
        ("last feed event", ago(holds.feed_event, holds.now)),
        ("minutes behind", figures.UNKNOWN if lag is None else span(lag.total_seconds())),
    ]
    if (sessions := holds.connections) is not None:
        rows.append(
            (
                "connections",
                f"{sessions.ours} here, {sessions.all} of {sessions.most} on the server",
            )
        )
    if holds.unknown:
        rows.append(("not known", ", ".join(holds.unknown)))
    return rows


def ago(at: datetime | None, now: datetime) -> str:
    """Write how long ago something was, by the database's clock."""
    if at is None:
        return figures.UNKNOWN
    seconds = (now - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def _lease(lease: Lease) -> tuple[str, ...]:
    left = f"{lease.left_s:.0f} s left" if lease.alive else f"expired {span(-lease.left_s)} ago"
    since = f"{lease.acquired_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    who = lease.holder
    return (lease.symbol, f"process {who.pid} on {who.name}, run {who.run}", since, left)


def _spool(spool: SpoolSurvey) -> tuple[str, ...]:
    oldest = figures.UNKNOWN
    if spool.oldest_at is not None:
        oldest = ago(datetime.fromtimestamp(spool.oldest_at / SECOND, UTC), datetime.now(UTC))
    return (
        *(spool.folder.name, "runs" if spool.alive else "gone"),
        *(f"{spool.records:,}", f"{spool.readings:,}", size(spool.bytes), oldest),
        f"{spool.damaged:,}",
    )
