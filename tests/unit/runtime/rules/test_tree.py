"""The tree of rules: every one has a meaning, limits, and what does not fit together is refused."""

from enum import Enum
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from tidegauge.core.alert import Action, Severity
from tidegauge.core.desk import PageKind
from tidegauge.runtime.rules.draft import ROOT
from tidegauge.runtime.rules.kinds import ActionName, SeverityName, ToldOf
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings_schema import keys


def test_every_rule_has_a_meaning() -> None:
    """It is what the file says of it."""
    for key, node in keys(ROOT):
        assert len(node.description) > 5, key


def test_every_number_has_limits() -> None:
    """A number too large is a typing error, and is told as one."""
    for key, node in keys(ROOT):
        if node.annotation in (int, float):
            assert len(node.limits) >= 2, key


def test_names_carry_their_unit() -> None:
    """Nobody has to guess whether a hold is seconds or samples."""
    spans = [key for key, _node in keys(ROOT) if "hold" in key or key.endswith(("_for", "_after"))]
    assert spans
    assert all(key.endswith("_s") for key in spans)


@pytest.mark.parametrize(
    ("names", "kinds"), [(SeverityName, Severity), (ActionName, Action)], ids=str
)
def test_the_words_of_the_file_are_those_of_the_floors_below(names: Any, kinds: type[Enum]) -> None:
    """A severity or action that is added there is one that may be written here."""
    assert list(get_args(names)) == [str(kind) for kind in kinds]


def test_only_changes_of_an_incident_can_be_left_untold() -> None:
    """A word that nobody acts on would be a rule that does nothing."""
    assert set(get_args(ToldOf)) < set(PageKind)


MATCH = {"signals": ["divergence"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"windows": {"slow": 200, "min_samples": 50}}, "fast (300) must not exceed slow (200)"),
        ({"windows": {"min_samples": 5000}}, "min_samples (5000) must not exceed slow (3600)"),
        ({"crunch": {"high_share": 0.9}}, "high_share (0.9) must not exceed critical_share (0.7)"),
        ({"crunch": {"bleed": {"short_samples": 100}}}, "bleed.short_samples (100) must not"),
        ({"crunch": {"recent_samples": 31}}, "recent_samples (31) must not exceed"),
        ({"crunch": {"fallback_bands_bps": [1, 5]}}, "fallback_bands_bps must fall"),
        ({"divergence": {"widen_bps": 70}}, "widen_bps (70) must not exceed pause_bps (60)"),
        ({"divergence": {"clear_share": 1}}, "less than 1"),
        ({"stress": {"elevated_share": 0.1}}, "must not exceed unsafe_share (0.05)"),
        ({"stress": {"judged_haircut": 0.4}}, "judged_haircut (0.4) must be one of haircuts"),
        ({"stress": {"haircuts": [0.7, 0.5]}}, "haircuts must rise"),
        ({"health": {"down_after_s": 1}}, "degraded_after_s (5) must not exceed"),
        ({"composite": {"watch_from": 60}}, "must not exceed stressed_from (55)"),
        ({"exposure": {"stressed_share": 0.9}}, "must not exceed watch_share (0.75)"),
        ({"incidents": {"settle_for_s": 900}}, "must not exceed reopen_within_s (600)"),
        ({"heartbeat": {"at_utc": "09:00"}}, "at_utc and channels belong together"),
        ({"heartbeat": {"channels": ["a"]}}, "at_utc and channels belong together"),
        ({"maintenance": {"x": {"match": {}}}}, "must have from_utc and until_utc, or hours_utc"),
        ({"maintenance": {"x": {"match": {}, "days": ["mon"]}}}, "days need hours_utc"),
        ({"maintenance": {"a b": {"match": {}, "hours_utc": "1:00-02:00"}}}, "64 at most"),
        ({"routes": {"x": {"channels": ["a", "a"]}}}, "must name 'a' only once"),
        ({"actions": {"divergence": {"high": "run"}}}, "'monitor', 'widen_spread'"),
    ],
)
def test_what_does_not_fit_together_is_refused(given: dict[str, Any], said: str) -> None:
    """Whoever makes the rules, a file or code; without the value in the text."""
    with pytest.raises(ValidationError) as caught:
        RuleTree(**given)
    assert said in str(caught.value)
    assert "input_value" not in str(caught.value)


def test_neighbours_in_an_order_may_be_equal() -> None:
    """Then one of them says nothing, which is no mistake."""
    tree = RuleTree.model_validate({"divergence": {"widen_bps": 60}, "crunch": {"high_share": 0.7}})
    assert tree.divergence.widen_bps == tree.divergence.pause_bps


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"from_utc": "2026-12-01T04:00", "until_utc": "2026-12-01T04:00"}, "must be after"),
        ({"from_utc": "2026-12-01T04:00"}, "must have from_utc and until_utc"),
        ({"from_utc": "2026-12-01T04:00", "hours_utc": "01:00-02:00"}, "exclude each other"),
        ({"from_utc": "2026-12-32T04:00", "until_utc": "2026-12-01T04:00"}, "must be a time"),
        ({"hours_utc": "25:00-02:00"}, "two times of the day"),
        ({"hours_utc": "02:00-02:00"}, "two times of the day"),
        ({"hours_utc": "02:00-03:00", "days": ["someday"]}, "'mon', 'tue'"),
    ],
)
def test_a_window_has_times_that_are_some(times: dict[str, Any], said: str) -> None:
    """Either once, or each day or week, and it ends after it begins."""
    with pytest.raises(ValidationError) as caught:
        RuleTree.model_validate({"maintenance": {"x": {"match": MATCH, **times}}})
    assert said in str(caught.value)


def test_the_tree_is_frozen_through_and_through() -> None:
    """What is in force changes by a reload only."""
    tree = RuleTree()
    with pytest.raises(ValidationError, match="frozen"):
        tree.crunch.high_share = 0.1
    with pytest.raises(TypeError):
        tree.inhibitions["x"] = tree.inhibitions["blind-when-dark"]  # type: ignore[index]
