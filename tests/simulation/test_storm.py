"""Storms over four venues and twenty symbols: afterwards every book is the venue's own (F-03).

And at no moment in between was a reading taken, or a book believed, that was not true.
"""

import os

import pytest
from tests.support.simulation.harness import simulate
from tests.support.simulation.storm import Outcome, plan_of, ride_out

EVENTS = 10_000
NAMED = os.environ.get("TIDEGAUGE_SEED")
"""The one seed to run, in place of the usual ones."""


def seeds(usual: range) -> range:
    return usual if NAMED is None else range(int(NAMED), int(NAMED) + 1)


def weather(seed: int) -> None:
    """Live through one seed, and say how to do it again if it ends badly."""
    try:
        outcome: Outcome = simulate(lambda: ride_out(plan_of(seed), EVENTS), seed)
        print(
            f"seed {seed}: {outcome.events:,} events in {outcome.seconds:.0f} s, LIVE"
            f" {outcome.live_share:.0%} of the storm, {outcome.readings:,} readings,"
            f" {outcome.compared:,} books compared; faults: {dict(sorted(outcome.faults.items()))}"
        )
        assert not outcome.wrong, "\n".join(outcome.wrong)
        assert not outcome.behind, "\n".join(outcome.behind)
        assert (outcome.crashes, outcome.bans) == (0, 0)
    except BaseException as failure:
        failure.add_note(f"run it again: TIDEGAUGE_SEED={seed} pytest {__file__} -k twenty")
        raise


@pytest.mark.parametrize("seed", seeds(range(1, 21)))
def test_books_survive_the_storms_of_twenty_seeds(seed: int) -> None:
    """The quick form: 10,000 events each."""
    weather(seed)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", seeds(range(1_001, 2_001)))
def test_books_survive_the_storms_of_a_thousand_seeds(seed: int) -> None:
    """The whole figure: other seeds than the quick form's."""
    weather(seed)
