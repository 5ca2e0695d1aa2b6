"""`tidegauge rules check` and `show`, as they are typed."""

import json
from pathlib import Path

import pytest
from tests.support.rules_file import whole_file
from typer.testing import CliRunner

from tidegauge.core.errors import OperatorError
from tidegauge.faces.cli import app
from tidegauge.faces.rules import rules_of
from tidegauge.runtime.rules.load import RulesRefused
from tidegauge.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for channel in ("PAGER", "TEAM"):
        monkeypatch.setenv(f"TIDEGAUGE_NOTIFY__CHANNELS__{channel}__URL", "https://example.com/x")


def run(*arguments: str) -> tuple[str, str]:
    """Return what is printed, and the one line of the refusal."""
    result = CliRunner().invoke(app, ["rules", *arguments])
    refusal = result.exception
    if refusal is not None and not isinstance(refusal, OperatorError):
        raise refusal
    return result.output, str(refusal or "")


def write(text: str, path: str = "config/rules.yaml") -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def test_sound_rules_are_told_in_a_few_lines() -> None:
    """The file, what it changes, and whom it pages."""
    write(whole_file())
    said, refusal = run("check")
    assert refusal == ""
    lines = said.splitlines()
    assert lines[0] == "config/rules.yaml: sound"
    assert len(lines) < 10
    assert "  route pager: severities critical -> pager, and on" in lines


def test_without_a_file_the_built_in_rules_are_sound() -> None:
    """And everybody is told of everything."""
    said, refusal = run("check")
    assert refusal == ""
    assert said.startswith("built-in rules (no config/rules.yaml here): sound")
    judged = json.loads(run("check", "--json")[0])
    assert (judged["file"], judged["sound"], judged["complaints"]) == (None, True, [])
    assert f"digest {judged['digest']}" in judged["summary"][0]
    assert "no route: every incident goes to every channel (pager, team)" in said


def test_rules_for_a_symbol_that_only_a_command_watches_are_sound() -> None:
    """It is said that the settings do not watch it."""
    write("symbols: {SOLUSDT: {crunch: {clear_for_s: 60}}}")
    said, refusal = run("check")
    assert refusal == ""
    assert "  not watched by the settings: SOLUSDT\n" in said


def test_every_error_is_a_line_and_the_refusal_counts_them() -> None:
    """As an editor or a CI job reads them."""
    write("crunch:\n  high_share: 7\nzzz: 1\n", "mine.yaml")
    said, refusal = run("check", "mine.yaml")
    assert said.splitlines()[0].startswith("mine.yaml:2: crunch.high_share is 7, but must be more")
    assert said.splitlines()[1].startswith("mine.yaml:3: Unknown rule 'zzz'")
    assert refusal == "mine.yaml is refused: 2 errors"
    told, again = run("check", "mine.yaml", "--json")
    judged = json.loads(told)
    assert (judged["file"], judged["sound"], again) == ("mine.yaml", False, refusal)
    assert judged["complaints"] == said.splitlines()


def test_what_somebody_wrote_does_not_steer_the_terminal() -> None:
    """A name may hold anything."""
    write('routes: {x: {match: {venues: ["\\e[31mred"]}, channels: []}}', "mine.yaml")
    said, refusal = run("check", "mine.yaml")
    assert "\x1b" not in said + refusal
    assert "[31mred" in said


def test_the_rules_are_shown_with_where_they_come_from() -> None:
    """As a table, and as JSON for programs."""
    write("crunch:\n  high_share: 0.4\n")
    said, _refusal = run("show")
    (line,) = [line for line in said.splitlines() if line.startswith("crunch.high_share")]
    assert line.split() == ["crunch.high_share", "0.4", "config/rules.yaml:2"]
    rows = json.loads(run("show", "--json")[0])
    assert {"key": "crunch.high_share", "value": "0.4", "origin": "config/rules.yaml:2"} in rows
    assert len(rows) > 90


def test_one_symbol_is_shown_alone() -> None:
    """By any spelling; one that nobody knows is refused."""
    write("symbols: {BTCUSDT: {crunch: {high_share: 0.3}}}", "mine.yaml")
    rows = json.loads(run("show", "mine.yaml", "--symbol", "btcusdt", "--json")[0])
    assert {"key": "crunch.high_share", "value": "0.3", "origin": "mine.yaml:1"} in rows
    assert not any(row["key"].startswith("routes") for row in rows)
    assert "Did you mean 'BTCUSDT'?" in run("show", "mine.yaml", "--symbol", "BTCUSD")[1]


def test_a_route_to_a_channel_that_the_settings_lack_is_refused() -> None:
    """Nobody would be told; who tells nobody anyway, as a replay, does without."""
    write("routes: {x: {channels: [Team, slack]}}")
    said, refusal = run("check")
    assert said == (
        "config/rules.yaml:1: Unknown channel 'slack'."
        " In the settings (notify.channels): pager, team\n"
    )
    assert refusal == "config/rules.yaml is refused: 1 error"
    (route,) = rules_of(Settings(), tells=False).rules.desk.routes
    assert route.channels == ("team", "slack")


def test_what_a_command_watches_may_be_named_by_the_rules() -> None:
    """`monitor --symbol SOLUSDT` needs no entry in the settings."""
    write("routes: {x: {match: {symbols: [SOLUSDT]}, channels: [team]}}")
    with pytest.raises(RulesRefused, match="Unknown symbol 'SOLUSDT'"):
        rules_of(Settings(), tells=False)
    loaded = rules_of(Settings(), symbols=("SOLUSDT",), tells=False)
    assert loaded.rules.desk.routes[0].matcher.symbols == ("SOLUSDT",)
    write("symbols: {SOLUSDT: {crunch: {high_share: 0.3}}}")
    assert "SOLUSDT" in rules_of(Settings()).rules.crunch_of
