"""Every drill with the built-in rules: they do what is expected of them, and the same each time.

The short form drills one fresh seed a scenario; the long form forty: TIDEGAUGE_CAMPAIGN=1.
"""

import msgspec
import pytest

from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.drill import run_drill
from tidegauge.runtime.drill_outcome import pages_by_channel
from tidegauge.simulator.drills import DRILLS, FLASH_CRASH, STEP_CRUNCH

RULES = RuleSet()
FRESH = 5_000
"""Seeds that no drill was written on."""


LONGEST = ("slow-bleed", "flapping-edge", "thin-night", "stablecoin-depeg")
"""Those that take longest are left to the long form."""


@pytest.mark.parametrize("name", [name for name in DRILLS if name not in LONGEST])
def test_the_built_in_rules_pass_every_drill(name: str) -> None:
    """What must fire does in time, nothing else does, and one incident is made of it."""
    outcome = run_drill(DRILLS[name], RULES, FRESH)
    assert [check for check in outcome.checks if not check.met] == []
    assert len(outcome.checks) >= 3


def test_a_drill_is_the_same_each_time() -> None:
    """To the last byte of what is told of it; another seed is another market."""
    one, other, third = (
        msgspec.json.encode(run_drill(STEP_CRUNCH, RULES, seed)) for seed in (1, 1, 2)
    )
    assert one == other
    assert one != third


def test_a_crash_of_four_venues_is_one_incident_and_says_what_it_costs() -> None:
    """The alerts of the others join, and the mutes tell why nobody was paged of them."""
    outcome = run_drill(FLASH_CRASH, RULES, FRESH + 1)
    assert len(outcome.alerts) >= 4
    (incident,) = outcome.incidents
    assert incident.alerts == len(outcome.alerts)
    costs = [alert.cost for alert in outcome.alerts]
    assert all(
        cost is not None and cost.bps is not None and cost.bps > 2 * (cost.usual_bps or 0.0)
        for cost in costs
    )
    assert sum(mute.times for mute in outcome.mutes) == len(outcome.alerts) - 1
    assert pages_by_channel(outcome.pages) == {"everybody": 2}


@pytest.mark.campaign
@pytest.mark.parametrize("name", DRILLS)
def test_the_built_in_rules_pass_every_drill_on_forty_seeds(name: str) -> None:
    """A figure that stands on one market stands on nothing: nineteen in twenty must pass."""
    outcomes = [run_drill(DRILLS[name], RULES, FRESH + 10 + seed) for seed in range(40)]
    failed = [
        (each.seed, check.expected, check.came)
        for each in outcomes
        for check in each.checks
        if not check.met
    ]
    assert len({seed for seed, _, _ in failed}) <= 2, failed
