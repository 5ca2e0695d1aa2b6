"""The same seed is the same run, in this process and in another; another seed is another run."""

import os
import subprocess
import sys

from tests.support.simulation.harness import Plan, simulate
from tests.support.simulation.storm import Outcome, ride_out

EVENTS = 1_500
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")


def run(seed: int) -> Outcome:
    outcome: Outcome = simulate(
        lambda: ride_out(Plan(seed=seed, symbols=SYMBOLS, pace=10.0), EVENTS), seed
    )
    return outcome


def elsewhere(seed: int, hashes: str) -> str:
    """Return the hash of a run in another process, whose sets of text have another order."""
    program = f"from {__name__} import run; print(run({seed}).hash)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_seed_names_one_run_to_the_last_record() -> None:
    """Twice here, and in two processes that order their sets differently (L-04)."""
    once = run(1)
    assert once.readings > 500
    assert {run(1).hash, elsewhere(1, "1"), elsewhere(1, "2")} == {once.hash}


def test_another_seed_is_another_run() -> None:
    """Or all seeds but one would be for show."""
    assert run(1).hash != run(2).hash
