"""What holds for every command, whoever adds one: JSON beside each table, and nothing heavy at the start."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from inspect import isclass, isfunction, ismodule
from types import CodeType, FunctionType
from typing import Any

import pytest
import typer
from rich.table import Table
from typer.testing import CliRunner

from tidegauge.faces.cli import app

FACES = "tidegauge.faces"
PICTURES = {
    "demo": "a story told on a terminal; what it found is in the database",
    "monitor": "a picture that moves; `status --json` and the API have what is in it",
    "dashboard": "a picture that moves",
}
"""Commands that draw tables and answer no question."""


def commands(
    group: typer.Typer, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield " ".join((*path, command.name or command.callback.__name__)), command.callback
    for below in group.registered_groups:
        assert below.typer_instance is not None
        assert below.name is not None
        yield from commands(below.typer_instance, (*path, below.name))


COMMANDS = dict(sorted(commands(app)))


def names_in(code: CodeType) -> set[str]:
    """Every name that a function uses, also inside the functions within it."""
    inner = (names_in(each) for each in code.co_consts if isinstance(each, CodeType))
    return {*code.co_names, *code.co_freevars}.union(*inner)


def methods_of(kind: type) -> Iterator[FunctionType]:
    for each in vars(kind).values():
        found = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
        if isfunction(found):
            yield found


def draws_a_table(callback: Callable[..., Any]) -> bool:
    """Whether anything of the faces that a command may call makes a `Table`, or lists rows."""
    assert isinstance(callback, FunctionType)
    waiting, seen = [callback], set[FunctionType]()
    while waiting:
        function = waiting.pop()
        if function in seen or not function.__module__.startswith(FACES):
            continue
        seen.add(function)
        names = names_in(function.__code__)
        used = [function.__globals__.get(name) for name in names]
        for module in filter(ismodule, used):
            if module.__name__.startswith(FACES):
                used += [vars(module).get(name) for name in names]
        for each in used:
            if each is Table or getattr(each, "__name__", "") == "print_list":
                return True
            if isclass(each) and each.__module__.startswith(FACES):
                waiting += methods_of(each)
            elif isfunction(each):
                waiting.append(each)
    return False


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_prints_a_table_prints_json_too(name: str) -> None:
    """What a person reads, a program reads as well; pictures that move are none of its business."""
    if not draws_a_table(COMMANDS[name]) or name in PICTURES:
        return
    told = CliRunner().invoke(app, [*name.split(), "--help"])
    assert "--json" in told.output, f"`tidegauge {name}` draws a table: give it --json"


def test_tables_are_found_where_they_are_and_nowhere_else() -> None:
    """The test above can fail: it sees through helpers, classes and other modules."""
    drawing = {name for name, callback in COMMANDS.items() if draws_a_table(callback)}
    assert {"config", "venues", "db status", "db move", "incidents list", "rules show"} <= drawing
    assert {"demo", "monitor"} <= drawing
    assert not {"db up", "db psql", "export"} & drawing


HEAVY = ("fastapi", "starlette", "uvicorn", "textual", "itsdangerous", "prometheus_client")


def test_neither_help_nor_a_monitor_loads_what_only_the_faces_need() -> None:
    """A second of start and fifty megabytes, for every `--help` and every daemon."""
    program = f"""
import sys
import tidegauge.faces.cli, tidegauge.runtime.app
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {set(HEAVY)}))
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == [], "import it where it is used, inside the function"
