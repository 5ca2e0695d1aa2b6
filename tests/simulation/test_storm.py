"""Many seeds of storms over four venues and twenty symbols: afterwards every book is the venue's own.

And at no moment in between was a reading taken, or a book believed, that was not true.
"""

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from tests.support.simulation.harness import simulate
from tests.support.simulation.storm import Outcome, plan_of, ride_out

EVENTS = 10_000
HERE = "tests/simulation/test_storm.py"


def storm(seed: int) -> Outcome:
    """Live through one seed."""
    try:
        outcome: Outcome = simulate(lambda: ride_out(plan_of(seed), EVENTS), seed)
    except BaseException as failure:
        failure.add_note(again(seed))
        raise
    return outcome


def again(seed: int) -> str:
    """Say how a seed is run again."""
    return f"seed {seed}; run it again: TIDEGAUGE_SEED={seed} pytest {HERE} -k twenty"


def seeds_wanted(usual: Iterable[int]) -> list[int]:
    """Return the seed that TIDEGAUGE_SEED names, or the usual ones."""
    named = os.environ.get("TIDEGAUGE_SEED")
    return [*usual] if named is None else [int(named)]


def storms(seeds: list[int]) -> list[Outcome]:
    """Live through all of them, as many at a time as there are cores."""
    if len(seeds) == 1:
        return [storm(seeds[0])]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(storm, seeds, chunksize=1))


def judge(outcomes: list[Outcome]) -> None:
    """Print what all of it came to, and fail for each seed that did not end well."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    print(
        f"{len(outcomes)} seeds, {sum(each.events for each in outcomes):,} events,"
        f" {sum(each.readings for each in outcomes):,} readings,"
        f" {sum(each.compared for each in outcomes):,} books compared;"
        f" LIVE {sum(each.live_share for each in outcomes) / len(outcomes):.0%} of the storms;"
        f" faults: {dict(sorted(faults.items()))}"
    )
    failed = [
        f"{again(each.seed)}\n  wrong: {each.wrong[:3]}\n  behind: {each.behind[:5]}\n"
        f"  crashes: {each.crashes}, bans: {each.bans}"
        for each in outcomes
        if not each.good
    ]
    assert not failed, "\n".join(failed)


def test_books_survive_the_storms_of_twenty_seeds() -> None:
    """The quick form: 20 seeds of 10,000 events each."""
    judge(storms(seeds_wanted(range(1, 21))))


@pytest.mark.campaign
def test_books_survive_the_storms_of_a_thousand_seeds() -> None:
    """The whole figure of F-03: other seeds than the quick form's."""
    judge(storms(seeds_wanted(range(1_001, 2_001))))
