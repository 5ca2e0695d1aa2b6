"""The command line itself: help, examples, and what is refused before anything starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tidegauge.core.errors import OperatorError
from tidegauge.faces.cli import app

ROOT = Path(__file__).parents[3]


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield (*path, command.name or command.callback.__name__)
    for below in group.registered_groups:
        assert below.typer_instance is not None
        assert below.name is not None
        yield from commands(below.typer_instance, (*path, below.name))


COMMANDS = sorted(commands(app))


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, OperatorError):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    """The example is one that begins as the command does."""
    code, output = invoke(*path, "--help")
    assert code == 0
    assert "Example:" in output
    assert f"tidegauge {' '.join(path)}" in output.partition("Example:")[2].replace("\n", " ")


def test_the_commands_are_those_the_readme_lists() -> None:
    """No command is undocumented."""
    readme = (ROOT / "README.md").read_text()
    for path in COMMANDS:
        assert f"`tidegauge {' '.join(path)}" in readme or f"`{' '.join(path)}`" in readme


def test_no_secret_is_accepted_as_a_flag() -> None:
    """A flag can be read by everyone on the machine."""
    for path in COMMANDS:
        _code, output = invoke(*path, "--help")
        assert "--password" not in output
        assert "--database-url" not in output


def test_the_settings_are_shown_with_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a secret among them is masked."""
    monkeypatch.setenv("TIDEGAUGE_DATABASE_PASSWORD", "canary-8172")
    monkeypatch.setenv("TIDEGAUGE_VENUES", "bybit")
    code, output = invoke("config")
    assert code == 0
    assert "canary-8172" not in output
    assert "TIDEGAUGE_VENUES" in output


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "inf", "nan"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    """Before the tape is opened."""
    with pytest.raises(OperatorError, match="--speed"):
        invoke("replay", "nothing.tsv", f"--speed={speed}")


def test_an_unknown_venue_is_refused_with_the_nearest_one() -> None:
    """Before a database or a socket is opened."""
    with pytest.raises(OperatorError, match="binance"):
        invoke("monitor", "--symbol", "BTCUSDT", "--venue", "binanse")
