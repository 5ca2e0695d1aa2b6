"""What the shell offers after a TAB: names that are known here and now, without a database or a network."""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec
import typer
from typer.models import ArgumentInfo, OptionInfo

from tidegauge import venues
from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import load_settings
from tidegauge.simulator.drills import DRILLS
from tidegauge.sinks.incident_log import paths_of
from tidegauge.sinks.question import questions

VARIABLE = "_TIDEGAUGE_COMPLETE"
"""Set by the shell that asks; its script is what `--show-completion` prints."""

LATEST = 512 * 1024
"""Bytes from the end of an audit trail in which incidents are looked for."""
MOST = 50

Words = Callable[[str], list[str]]
"""Returns what begins as the word that is being typed."""


def teach(app: typer.Typer) -> None:
    """Let every command complete the options and arguments whose names are known here."""
    for path, callback in _commands(app):
        for name, parameter in inspect.signature(callback).parameters.items():
            for info in get_args(parameter.annotation):
                if isinstance(info, OptionInfo | ArgumentInfo):
                    words = BY_ARGUMENT.get((path, name)) or _by_option(info)
                    info.autocompletion = words or info.autocompletion


def _by_option(info: OptionInfo | ArgumentInfo) -> "Words | None":
    # Inside Annotated typer takes the first name of an option for its default, until it builds the command.
    for declared in (info.default, *(info.param_decls or ())):
        if declared in BY_OPTION:
            return BY_OPTION[declared]
    return None


def _commands(
    group: typer.Typer, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield " ".join((*path, command.name or command.callback.__name__)), command.callback
    for below in group.registered_groups:
        assert below.typer_instance is not None
        assert below.name is not None
        yield from _commands(below.typer_instance, (*path, below.name))


def venue_names(incomplete: str) -> list[str]:
    """Venues, and families of several."""
    specs = venues.load()
    families = [spec.family for spec in specs.values()]
    several = {name for name in families if families.count(name) > 1}
    return _beginning(incomplete.lower(), sorted({*specs, *several}))


def symbols(incomplete: str) -> list[str]:
    """Symbols of the settings; none while they cannot be read."""
    with contextlib.suppress(OperatorError):
        return _beginning(incomplete.upper(), sorted(load_settings().settings.symbols))
    return []


def channels(incomplete: str) -> list[str]:
    """Channels of the settings, likewise."""
    with contextlib.suppress(OperatorError):
        return _beginning(incomplete, sorted(load_settings().settings.notify.channels))
    return []


def drills(incomplete: str) -> list[str]:
    """Fire drills, and `list`."""
    return _beginning(incomplete, ["list", *DRILLS])


def question_names(incomplete: str) -> list[str]:
    """Questions that `tidegauge sql` answers."""
    return _beginning(incomplete, [each.name for each in questions()])


def incidents(incomplete: str) -> list[str]:
    """The latest incidents of this data directory's audit trails, those that are not over first."""
    found: dict[str, bool] = {}
    with contextlib.suppress(OperatorError, OSError):
        for path in paths_of(load_settings().settings.data_dir):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LATEST))
                for line in file:
                    with contextlib.suppress(msgspec.MsgspecError):
                        told = msgspec.json.decode(line, type=_Line).incident
                        found.pop(told.id, None)
                        found[told.id] = told.state != "resolved"
    newest = list(reversed(found))
    over = [name for name in newest if not found[name]]
    return _beginning(incomplete, [name for name in newest if found[name]] + over)[:MOST]


class _Incident(msgspec.Struct):
    id: str
    state: str


class _Line(msgspec.Struct):
    """What is wanted of a line of the trail."""

    incident: _Incident


def _beginning(incomplete: str, words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


BY_OPTION: dict[str, Words] = {"--symbol": symbols, "--venue": venue_names}
BY_ARGUMENT: dict[tuple[str, str], Words] = {
    ("venues", "names"): venue_names,
    ("drill", "scenario"): drills,
    ("sql", "name"): question_names,
    ("notify test", "channel"): channels,
    ("symbols add", "names"): symbols,
    ("symbols remove", "names"): symbols,
    **{
        (f"incidents {command}", "name"): incidents
        for command in ("show", "ack", "comment", "resolve", "rebase", "postmortem")
    },
}
