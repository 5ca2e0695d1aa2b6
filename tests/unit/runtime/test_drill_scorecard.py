"""The scorecard: every run counted, the same from one process and from two."""

from dataclasses import fields, replace
from typing import Any

from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings, Threshold
from tidegauge.runtime.drill_scorecard import run_drills

USUAL, NEVER = CrunchSettings(), Threshold(19.0, 90.0)
THRESHOLDS: dict[str, Any] = {
    each.name: NEVER for each in fields(USUAL) if isinstance(getattr(USUAL, each.name), Threshold)
}
DEAF = RuleSet(crunch=replace(USUAL, **THRESHOLDS))
"""Hears of no crunch."""


def test_it_counts_what_came_of_every_run() -> None:
    """Two drills and two seeds, each told of by name; how many processes there are changes nothing."""
    told: list[tuple[int, str]] = []

    def tell(number: int, name: str) -> None:
        told.append((number, name))

    names = ("step-crunch", "spread-blow-out")
    card = run_drills(RuleSet(), names, (1, 2), tell, workers=2)
    assert told == [(1, names[0]), (2, names[0]), (3, names[1]), (4, names[1])]
    assert card.passed
    step, spread = card.lines
    assert (step.drill, spread.drill) == names
    assert (step.runs, step.passed, step.false_alerts, step.missed) == (2, 2, 0, 0)
    assert step.after is not None
    assert step.after_worst is not None
    assert SECOND < step.after <= step.after_worst <= 4 * SECOND
    assert (step.incidents, card.false_alerts, card.seeds) == (2, 0, 2)
    assert step.pages >= 4
    alone = run_drills(RuleSet(), names[:1], (1, 2), tell, workers=1)
    assert alone.lines == (step,)


def test_rules_that_hear_nothing_fail_and_it_says_why() -> None:
    """With the seed, so that it can be looked at by itself."""
    card = run_drills(DEAF, ("step-crunch",), (3,), lambda _number, _name: None)
    (line,) = card.lines
    assert not card.passed
    assert (line.missed, line.after, line.after_worst) == (1, None, None)
    assert {failure.seed for failure in line.failures} == {3}
    assert any("it did not" in failure.came for failure in line.failures)
