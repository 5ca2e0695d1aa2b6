"""What the list of venues tells, and how it fits a terminal."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from tidegauge import venues
from tidegauge.core.errors import OperatorError
from tidegauge.faces.cli import app

SPECS = venues.load()


def told(*arguments: str, width: int = 80) -> str:
    result = CliRunner().invoke(app, ["venues", *arguments], env={"COLUMNS": str(width)})
    if isinstance(result.exception, OperatorError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def as_json(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(told(*arguments, "--json"))
    return found


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of as many columns as the environment says."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


def test_every_venue_is_listed_with_what_it_supports() -> None:
    """Its market, its depth, how it is checked and what it tells beside the book."""
    text = told()
    for spec in SPECS.values():
        (row,) = [line for line in text.splitlines() if line.startswith(f"{spec.name} ")]
        assert spec.kind in row
        for words in (spec.depth, spec.checks, *spec.beside):
            assert words.split()[0] in text


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("arguments", [(), tuple(sorted(SPECS))])
@pytest.mark.parametrize("width", [80, 100, 170])
def test_it_fits_a_terminal(arguments: tuple[str, ...], width: int) -> None:
    """No line is longer than the terminal is wide, and no name is cut."""
    lines = told(*arguments, width=width).splitlines()
    assert max(map(len, lines)) <= width
    for name in SPECS:
        assert any(line.split()[:1] == [name] for line in lines)


def test_a_venue_that_is_named_tells_everything() -> None:
    """Where it is documented, what it allows, and what is odd about it."""
    text = told("bybit-linear", width=200)
    spec = SPECS["bybit-linear"]
    for words in (spec.docs, spec.ws_url, spec.rest_url, *spec.quirks):
        assert words in text
    assert "100 books a socket; 400 in 5 min connects" in text
    assert "bybit-spot" not in text


def test_a_family_is_all_of_its_venues() -> None:
    """As everywhere a venue is named."""
    assert [each["name"] for each in as_json("bybit")] == ["bybit-spot", "bybit-linear"]


def test_the_json_is_complete() -> None:
    """Every venue, every field; lists are lists and numbers are numbers."""
    found = as_json()
    assert [each["name"] for each in found] == sorted(SPECS)
    for each in found:
        spec = SPECS[each["name"]]
        assert set(each["beside"]) == set(spec.beside)
        assert each["limits"]["connects"]["count"] == spec.limits.connects.count
        assert (each["docs"], each["quirks"]) == (spec.docs, list(spec.quirks))
        assert each["checks"] == spec.checks


def test_no_venue_leaves_out_what_people_ask_first() -> None:
    """How deep, how checked, where documented."""
    for spec in SPECS.values():
        assert spec.depth, spec.name
        assert spec.checks, spec.name
        assert spec.docs.startswith("https://"), spec.name


def test_an_unknown_venue_is_refused_with_the_nearest_one() -> None:
    """A person mistyped."""
    with pytest.raises(OperatorError, match="hyperliquid"):
        told("hyperliquit")
