"""Rules are loaded whole or refused whole."""

from pathlib import Path

import pytest
from tests.support.rules_file import SETTINGS, complaints, loaded, whole_file

from tidegauge.core.errors import OperatorError
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.rules.load import RulesRefused, load_rules, rules_path
from tidegauge.runtime.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_the_built_in_rules_are_in_force() -> None:
    """They need no path."""
    found = load_rules(None, SETTINGS)
    assert (found.rules, found.path, dict(found.lines)) == (RuleSet(), None, {})


def test_the_file_is_the_one_named_or_the_usual_one(tmp_path: Path) -> None:
    """By the settings or TIDEGAUGE_RULES; one that is named must be there."""
    assert rules_path(Settings()) is None
    (tmp_path / "config").mkdir()
    (tmp_path / "config/rules.yaml").write_text("")
    assert rules_path(Settings()) == Path("config/rules.yaml")
    named = load_settings(environ={"TIDEGAUGE_RULES": "mine.yaml"}).settings
    assert rules_path(named) == Path("mine.yaml")
    with pytest.raises(OperatorError, match=r"Can't read rules file mine\.yaml"):
        load_rules(rules_path(named), named)


def test_the_refusal_is_one_line_that_says_how_many_there_are() -> None:
    """All of them are kept beside it, in the order of the file."""
    text = "crunch:\n  step:\n    hold_s: -1\nroutes:\n  x: {channels: [nobody]}\nzzz: 1\n"
    with pytest.raises(RulesRefused) as caught:
        loaded(text)
    said = str(caught.value)
    assert said == (
        "rules.yaml:3: crunch.step.hold_s is -1, but must be at least 0 and at most 86400"
        " (2 more: `tidegauge rules check` lists them)"
    )
    assert [each.split(":")[1] for each in caught.value.complaints] == ["3", "5", "6"]
    with pytest.raises(RulesRefused) as alone:
        loaded("zzz: 1")
    assert str(alone.value).startswith(
        "rules.yaml:1: Unknown rule 'zzz'. Known: actions, composite"
    )


def test_one_fault_is_told_once() -> None:
    """However many checks stumble over it."""
    found = complaints("routes: {x: {match: {venues: [okx, okx]}, channels: []}}")
    assert len(found) == len(set(found)) == 1


def test_the_digest_is_of_what_is_said() -> None:
    """Comments and order are no rules; numbers are."""
    one = loaded("crunch: {high_share: 0.4, clear_for_s: 9}").digest
    assert loaded("# why\ncrunch:\n  clear_for_s: 9.0\n  high_share: 0.40\n").digest == one
    assert loaded("crunch: {high_share: 0.41, clear_for_s: 9}").digest != one
    assert len({one, loaded("").digest, loaded(whole_file()).digest}) == 3
