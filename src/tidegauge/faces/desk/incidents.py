"""`tidegauge incidents`: what people handle, and their orders on it."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tidegauge.core.alert import ALL
from tidegauge.core.desk import Order, OrderKind
from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.faces.cells import csv_of_records, json_of_records
from tidegauge.faces.database import settings_of
from tidegauge.faces.database.opened import AsJson, print_list, print_table
from tidegauge.faces.figures import printable
from tidegauge.faces.options import Config, DataDir, Force
from tidegauge.faces.report.command import USUAL_BAND, Band, Output, size_of, write_report
from tidegauge.faces.sql import seen_symbol
from tidegauge.faces.times import lasting, moment
from tidegauge.faces.whole_file import whole_file
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.desk_read import (
    alerts_of,
    deliveries_of,
    incident,
    incidents,
    timeline,
    waiting_orders,
)
from tidegauge.sinks.orders import standing
from tidegauge.sinks.postmortem.records import Asked, Span
from tidegauge.sinks.table import nanos

from . import show as shown
from . import trail
from .ordering import By, Comment, actor_of, asked, desk_session, give, listed, new_order, whole

MOST_SHOWN = 200
LONGEST = timedelta(days=7)
AROUND = timedelta(minutes=5)
"""How much before and after an incident its postmortem tells."""

app = typer.Typer(
    name="incidents",
    help="See what is wrong and who has it, take it on, and end it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(help="The incident: its id, or how that or its last part begins.", metavar="ID"),
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="Only this symbol; repeatable.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="Only what was open since then: 2026-11-21T14:02, 14:02, or -1d."),
]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", help="Only while it has this version, as `show` told it."),
]
MORE = "tidegauge incidents"
app.command("verify", epilog=f"Example: {MORE} verify")(trail.command)

EVENT_COLUMNS = (
    *("at", "symbol", "family", "incident_id", "number", "kind", "actor", "comment"),
    *("from_state", "to_state", "detail", "chain", "sequence", "previous_hash", "hash", "at_ns"),
)


@app.command("list", epilog=f"Example: {MORE} list --open")
def list_(
    only_open: Annotated[
        bool, typer.Option("--open", help="Only those that are not over.")
    ] = False,
    symbol: Symbols = None,
    since: Since = None,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """List incidents, the newest first."""
    from_ = since_of(since)
    names = running.symbol_names(symbol or [])
    most = None if as_json else MOST_SHOWN + 1

    async def find(connection: Any) -> list[Any]:
        return await incidents(
            connection, only_open=only_open, symbols=names, since=from_, most=most
        )

    rows = listed(settings_of(config, data_dir), find, names)
    if as_json:
        typer.echo(json_of_records(rows), nl=False)
        return
    if not rows:
        typer.echo("no incident is open" if only_open else "there is no incident")
        return
    print_list(
        ("incident", "state", "severity", "about", "opened (UTC)", "who has it", "what"),
        [
            (
                *(each["id"], each["state"], severity(each)),
                f"{each['symbol']} {each['family']}",
                f"{shown.moment(each['opened_at'])} ({shown.ago(each['opened_at'], each['now'])})",
                shown.owner(each),
                each["trigger"],
            )
            for each in rows[:MOST_SHOWN]
        ],
    )
    if len(rows) > MOST_SHOWN:
        typer.echo("and older ones: --since says from when on, --json has them all")


@app.command("show", epilog=f"Example: {MORE} show 3f9c")
def show(
    name: Name,
    all_: Annotated[
        bool, typer.Option("--all", help="Every change of its alerts in the timeline, too.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Tell all of one incident, as a shift wants it at handover."""

    async def ask(settings: Settings) -> list[Any]:
        async with desk_session(settings) as connection:
            found = await incident(connection, name)
            return [
                found,
                await alerts_of(connection, found["alerts"]),
                await timeline(connection, [found["id"]]),
                await deliveries_of(connection, found["id"]),
                await waiting_orders(connection, found["id"]),
            ]

    found, alerts, events, deliveries, waiting = asked(ask(settings_of(config, data_dir)))
    if as_json:
        told = dict(found) | {
            "alerts": [dict(each) for each in alerts],
            "timeline": [event_of(each) for each in events],
            "notifications": [dict(each) for each in deliveries],
            "orders_waiting": [dict(each) for each in waiting],
        }
        typer.echo(json_of_records([told]), nl=False)
        return
    typer.echo(shown.head_of(found))
    running.console_for(plain=False).print(shown.facts_table(shown.facts_of(found)))
    part("alerts", shown.ALERTS, shown.alert_rows(alerts, found["now"]), none="none")
    part("timeline", shown.EVENTS, shown.event_rows(events, whole=all_), none="none")
    part("who was told", shown.DELIVERIES, shown.delivery_rows(deliveries), none="nobody")
    for each in waiting:
        said = f"{each['kind']} of {each['actor']} ({shown.moment(each['at'])})"
        typer.echo(f"\nno daemon has answered yet: {printable(said)}")


@app.command("ack", epilog=f"Example: {MORE} ack 3f9c --for 30m --comment looking")
def ack(
    name: Name,
    lasts: Annotated[
        str | None,
        typer.Option("--for", help="For how long: 30m, 2h; as the rules say without it."),
    ] = None,
    comment: Comment = "",
    by: By = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take it from whoever has it.")
    ] = False,
    if_version: IfVersion = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Take an incident on: it is yours until the time is up. Exit 3: no daemon has answered yet."""
    actor, said = actor_of(by), whole("--comment", comment)
    span = None if lasts is None else lasting("--for", lasts, most=LONGEST)

    async def made(connection: Any) -> Order:
        found = await incident(connection, name)
        if not take_over and is_held(found, by_other_than=actor):
            raise OperatorError(
                f"{found['id']}: {printable(standing(found))}",
                fix="Ask them, or take it from them: --take-over",
            )
        until = None if span is None else nanos(datetime.now(UTC) + span)
        return ordered(OrderKind.ACKNOWLEDGE, found, actor, said, if_version, until=until)

    give(settings_of(config, data_dir), made, again=if_version is None)


@app.command("comment", epilog=f"Example: {MORE} comment 3f9c 'the venue says ten minutes'")
def comment(
    name: Name,
    words: Annotated[str, typer.Argument(help="What is to be known of it.", metavar="TEXT")],
    by: By = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Say something that everybody who looks at the incident will see."""
    actor, said = actor_of(by), whole("TEXT", words)
    if not said.strip():
        raise OperatorError("The comment is empty", fix="Write what is to be known of it")

    async def made(connection: Any) -> Order:
        found = await incident(connection, name)
        return new_order(kind=OrderKind.COMMENT, actor=actor, comment=said, incident_id=found["id"])

    give(settings_of(config, data_dir), made)


@app.command("resolve", epilog=f"Example: {MORE} resolve 3f9c --comment 'planned upgrade'")
def resolve(
    name: Name,
    comment: Comment = "",
    by: By = None,
    if_version: IfVersion = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """End an incident. Alerts that still fire are dismissed: only one that gets worse, or anew, reopens it."""
    actor, said = actor_of(by), whole("--comment", comment)
    end(settings_of(config, data_dir), OrderKind.RESOLVE, name, actor, said, if_version)


@app.command(
    "rebase", epilog=f"Example: {MORE} rebase 3f9c -c 'the new normal since the delisting'"
)
def rebase(
    name: Name,
    comment: Comment = "",
    by: By = None,
    if_version: IfVersion = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Take the level that its alerts fell to for the new normal. It is noted as that, never as recovered."""
    actor, said = actor_of(by), whole("--comment", comment)
    end(settings_of(config, data_dir), OrderKind.REBASE, name, actor, said, if_version)


@app.command("export", epilog=f"Example: {MORE} export --since -7d --format csv -o week.csv")
def export(
    since: Since = None,
    symbol: Symbols = None,
    form: Annotated[
        Literal["csv", "json"],
        typer.Option("--format", help="csv: a row an event. json: an object an incident."),
    ] = "json",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file; standard output without it.")
    ] = None,
    *,
    force: Force = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write incidents with their timelines and hashes, exactly."""
    from_ = since_of(since)
    names = running.symbol_names(symbol or [])

    async def ask(settings: Settings) -> list[Any]:
        async with desk_session(settings) as connection:
            found = await incidents(connection, symbols=names, since=from_)
            return [found, await timeline(connection, [each["id"] for each in found])]

    found, events = asked(ask(settings_of(config, data_dir)))
    if form == "csv":
        text = csv_of_records(EVENT_COLUMNS, events)
    else:
        of: dict[str, list[dict[str, Any]]] = {each["id"]: [] for each in found}
        for event in events:
            of[event["incident_id"]].append(event_of(event))
        text = json_of_records(
            [
                {name: value for name, value in each.items() if name != "now"}
                | {"timeline": of[each["id"]]}
                for each in found
            ]
        )
    if out is None:
        sys.stdout.write(text)
        return
    with whole_file(out, force=force) as part:
        part.write_text(text, encoding="utf-8")
    typer.echo(f"{out}: {len(found):,} incidents, {len(events):,} events")


@app.command("postmortem", epilog=f"Example: {MORE} postmortem 3f9c -o postmortem.html")
def postmortem(
    name: Name,
    output: Output = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Which one, of an incident of every symbol.")
    ] = None,
    size: Annotated[str | None, typer.Option("--size", help="The cost of this much quote.")] = None,
    band: Band = USUAL_BAND,
    *,
    force: Force = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write the report of an incident: what `tidegauge report` tells, from five minutes before it on."""
    if output is not None and output.exists() and not force:
        raise OperatorError(f"{output} is there already", fix="Name another file, or add --force")
    amount = None if size is None else size_of(size)

    async def what(connection: Any) -> Asked:
        found = await incident(connection, name)
        about = symbol or found["symbol"]
        if about == ALL:
            raise OperatorError(
                f"{found['id']} is of every symbol of a venue",
                fix="Say which one: --symbol BTCUSDT",
            )
        end = found["resolved_at"] or found["now"]
        span = Span(since=found["opened_at"] - AROUND, until=min(end + AROUND, found["now"]))
        return Asked(
            symbol=await seen_symbol(connection, about), span=span, size=amount, band_bps=band
        )

    running.run_loop(write_report(settings_of(config, data_dir), what, output, force=force))


def part(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]], *, none: str) -> None:
    """Print a part of what is known of an incident, under its title."""
    typer.echo(f"\n{title}" + ("" if rows else f": {none}"))
    if rows:
        print_table(head, rows)


def end(
    settings: Settings, kind: OrderKind, name: str, actor: str, said: str, version: int | None
) -> None:
    """End an incident in the way of this kind; decided again where no version was named."""

    async def made(connection: Any) -> Order:
        return ordered(kind, await incident(connection, name), actor, said, version)

    give(settings, made, again=version is None)


def ordered(
    kind: OrderKind,
    found: Any,
    actor: str,
    comment: str,
    version: int | None,
    *,
    until: int | None = None,
) -> Order:
    """Return an order on an incident as it was found, or on the version that was named."""
    return new_order(
        kind=kind,
        actor=actor,
        comment=comment,
        incident_id=found["id"],
        version=found["version"] if version is None else version,
        until=until,
    )


def is_held(found: Any, *, by_other_than: str) -> bool:
    """Whether somebody else has an incident now."""
    by, until = found["acknowledged_by"], found["acknowledged_until"]
    if found["state"] != "acknowledged" or by in (None, by_other_than):
        return False
    return until is None or bool(until > found["now"])


def severity(found: Any) -> str:
    """Write how severe an incident is, and was if that was worse."""
    now, worst = found["severity"], found["worst_severity"]
    if found["state"] == "resolved":
        return f"{worst} at worst"
    return now if now == worst else f"{now} ({worst})"


def since_of(text: str | None) -> datetime | None:
    """Read --since. Raises `OperatorError`."""
    now = datetime.now(UTC)
    return None if text is None else moment("--since", text, day=now.date(), now=now)


def event_of(event: Any) -> dict[str, Any]:
    """Return an event for a program: its detail as an object."""
    return dict(event) | {"detail": shown.detail_of(event)}
