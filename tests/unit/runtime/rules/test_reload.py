"""A reload changes the rules whole, or not at all, and says what changed."""

from pathlib import Path

import pytest
from tests.support.rules_file import SETTINGS, whole_file

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.rules.load import RulesRefused, load_rules, rules_path
from tidegauge.runtime.rules.reload import Reloaded, RuleChange, RulesInForce

FILE = Path("config/rules.yaml")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()


def in_force(text: str | None) -> RulesInForce:
    write(text)
    return RulesInForce(lambda: load_rules(rules_path(SETTINGS), SETTINGS))


def write(text: str | None) -> None:
    if text is None:
        FILE.unlink(missing_ok=True)
    else:
        FILE.write_text(text, encoding="utf-8")


def changes(rules: RulesInForce, text: str | None) -> list[str]:
    write(text)
    found = rules.reload()
    assert isinstance(found, Reloaded), found
    assert found.loaded is rules.loaded
    return [str(change) for change in found.changes]


def test_what_changed_is_told_rule_by_rule() -> None:
    """Key, old value, new value; a rule that is taken out of the file is its default again."""
    rules = in_force("crunch: {high_share: 0.4}\n")
    assert changes(rules, "crunch:\n  clear_for_s: 60\n") == [
        "crunch.clear_for_s: 30.0 -> 60.0",
        "crunch.high_share: 0.4 -> 0.5",
    ]
    assert rules.loaded.rules.crunch.high_share == 0.5


def test_a_reload_of_the_same_rules_changes_nothing() -> None:
    """However the file is written now."""
    rules = in_force("crunch: {high_share: 0.4}\n")
    before = rules.loaded.rules
    assert changes(rules, "# a comment\ncrunch:\n  high_share: 0.40\n") == []
    assert rules.loaded.rules == before


def test_tables_and_overrides_are_told_by_their_names() -> None:
    """What is new, what is gone, and nothing of what a symbol only inherits."""
    rules = in_force("routes:\n  a: {channels: [x]}\n")
    after = "routes:\n  b: {channels: [x]}\nsymbols: {BTCUSDT: {crunch: {high_share: 0.3}}}\n"
    assert changes(rules, after) == [
        "routes.b.channels: (not said) -> x",
        "routes.b.goes_on: (not said) -> false",
        "symbols.BTCUSDT.crunch.high_share: (not said) -> 0.3",
        "routes.a.channels: x -> (not said)",
        "routes.a.goes_on: false -> (not said)",
    ]
    assert changes(rules, after.replace("BTCUSDT", "ETHUSDT"))[-1] == (
        "symbols.BTCUSDT.crunch.high_share: 0.3 -> (not said)"
    )


@pytest.mark.parametrize(
    "bad", ["crunch: {high_share: 7}", "zzz: 1", "a: [", "routes: {x: {match: {venues: [zz]}}}"]
)
def test_bad_rules_are_refused_whole_and_the_old_ones_stay(bad: str) -> None:
    """Even where half of the file is sound."""
    rules = in_force("crunch: {high_share: 0.4}\n")
    before = rules.loaded
    write(f"divergence: {{widen_bps: 20}}\n{bad}\n")
    refusal = rules.reload()
    assert isinstance(refusal, RulesRefused)
    assert str(refusal).startswith("config/rules.yaml:")
    assert rules.loaded is before
    assert changes(rules, "crunch: {high_share: 0.4}\n") == []


def test_a_file_that_comes_or_goes_is_followed() -> None:
    """Without one the built-in rules are in force; a named one that is gone is refused."""
    rules = in_force(None)
    assert changes(rules, "crunch: {high_share: 0.4}\n") == ["crunch.high_share: 0.5 -> 0.4"]
    assert changes(rules, None) == ["crunch.high_share: 0.4 -> 0.5"]
    named = RulesInForce(lambda: load_rules(FILE, SETTINGS), rules.loaded)
    refusal = named.reload()
    assert isinstance(refusal, OperatorError)
    assert "Can't read rules file" in str(refusal)
    assert named.loaded is rules.loaded


def test_the_first_rules_must_be_sound() -> None:
    """There are none to keep."""
    with pytest.raises(RulesRefused):
        in_force("zzz: 1")


def test_a_whole_file_is_reloaded_rule_by_rule() -> None:
    """Nothing in it is untold of."""
    rules = in_force("")
    write(whole_file())
    found = rules.reload()
    assert isinstance(found, Reloaded)
    assert len(found.changes) > 15
    assert all(isinstance(each, RuleChange) and each.old != each.new for each in found.changes)
