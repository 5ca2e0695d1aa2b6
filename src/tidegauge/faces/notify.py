"""`tidegauge notify`: whether people can be told, and what they still have to be told."""

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Page, PageKind
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.notifying import wired
from tidegauge.runtime.settings import Settings, unknown_name
from tidegauge.sinks.notify.channel import Verdict
from tidegauge.sinks.notify.notifier import Wired, attempted
from tidegauge.sinks.outbox.outbox import NAME
from tidegauge.sinks.outbox.survey import ChannelState, survey

from . import figures, running
from .database import settings_of
from .database.opened import AsJson, print_json, print_table, span
from .options import Config, DataDir

app = typer.Typer(
    name="notify",
    help="Whether people can be told, and what they still have to be told.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ChannelName = Annotated[
    str | None, typer.Argument(help="A channel of the settings; all of them unless named.")
]
NO_CHANNEL = "Set one, such as TIDEGAUGE_NOTIFY__CHANNELS__SLACK__URL; docs/operations.md says how"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a test on one channel."""

    channel: str
    taken: bool
    said: str
    seconds: float

    def __str__(self) -> str:
        if self.taken:
            noted = f" ({figures.printable(self.said)})" if self.said else ""
            return f"{self.channel}: delivered in {self.seconds:.2f} s{noted}"
        return f"{self.channel}: NOT delivered: {figures.printable(self.said)}"


@app.command("test", epilog="Example: tidegauge notify test slack")
def try_channels(
    channel: ChannelName = None,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Send a test page now, past the outbox, and say what came of it; exit code 1 if any failed."""
    settings = settings_of(config, data_dir)
    channels = wired(settings)
    if not channels:
        raise OperatorError("There is no channel to test", fix=NO_CHANNEL)
    name = None if channel is None else channel.strip().lower().replace("_", "-")
    if name is not None and name not in channels:
        raise unknown_name("channel", name, channels)
    chosen = {name: channels[name]} if name is not None else channels
    found: list[Tried] = []

    async def try_all() -> None:
        found.extend(await asyncio.gather(*(_try(*each) for each in chosen.items())))

    with running.stages_of("telling") as told:
        told(", ".join(chosen))
        running.run_loop(try_all())
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(map(str, found)))
    failed = [each.channel for each in found if not each.taken]
    if failed:
        raise OperatorError(
            f"{len(failed)} of {len(found)} channels took no page: {', '.join(failed)}",
            fix="Put right what it says above, and try again",
        )


async def _try(name: str, to: Wired) -> Tried:
    began = time.monotonic()
    try:
        answer = await attempted(to, _test_page(name, time.time_ns()))
    finally:
        await to.channel.close()
    return Tried(
        channel=name,
        taken=answer.verdict is Verdict.TAKEN,
        said=answer.said,
        seconds=time.monotonic() - began,
    )


def _test_page(channel: str, now: Nanos) -> Page:
    return Page(
        key=f"test-{now:x}",
        kind=PageKind.TEST,
        at=now,
        severity=Severity.INFO,
        title="Test page of Tidegauge",
        text=f"Somebody asked for it with `tidegauge notify test`: the channel {channel} works."
        " Nothing is to be done.",
        channels=(channel,),
    )


@app.command("status", epilog="Example: tidegauge notify status --json")
def status(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what waits in the outbox for whom, and how each channel fares. Changes nothing."""
    settings = settings_of(config, data_dir)
    seen = _states(settings)
    if as_json:
        print_json(seen)
        return
    if not seen:
        typer.echo(f"No channel is set, and nothing was ever to be told. {NO_CHANNEL}")
        return
    now = time.time_ns()
    print_table(
        ("channel", "waiting", "oldest", "delivered", "given up", "last delivered", "last error"),
        [_row(each, now, known=each.channel in settings.notify.channels) for each in seen],
    )


def _states(settings: Settings) -> list[ChannelState]:
    """Return every channel that is set, or that something was for. Raises `OperatorError`."""
    path = settings.data_dir / NAME
    try:
        found = {each.channel: each for each in survey(path)}
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise OperatorError(
            f"The outbox {path} can't be read: {error}",
            fix="A daemon that starts puts a damaged one aside, and saves what it can of it",
        ) from None
    for name in settings.notify.channels:
        found.setdefault(name, ChannelState(channel=name))
    return [found[name] for name in sorted(found)]


def _row(state: ChannelState, now: Nanos, *, known: bool) -> tuple[str, ...]:
    error = figures.UNKNOWN
    if state.failed_at is not None:
        failing = f", {state.failures} times in a row" if state.failures > 1 else ""
        error = f"{_ago(state.failed_at, now)} ago{failing}: {state.said}"
    return (
        state.channel if known else f"{state.channel} (not set)",
        *(f"{state.waiting:,}", _ago(state.oldest_at, now)),
        *(f"{state.sent:,}", f"{state.failed:,}"),
        figures.UNKNOWN if state.sent_at is None else f"{_ago(state.sent_at, now)} ago",
        error,
    )


def _ago(at: Nanos | None, now: Nanos) -> str:
    return figures.UNKNOWN if at is None else span(max(0, now - at) / SECOND)
