"""A tape of a storm gives the storm again: the same readings and alerts, to the last bit (L-04)."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.simulation.harness import Plan, plan_of, simulate
from tests.support.simulation.storm import ride_out

from tidegauge.runtime.digest import Digest
from tidegauge.runtime.replay import replay
from tidegauge.wire.tape import FORMAT, Meta, TapeKind, TapeLine, meta_line

EVENTS = 700
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Notebook:
    """A journal in memory, and a hash over what the run found."""

    def __init__(self) -> None:
        self.lines: list[TapeLine] = []
        self.digest = Digest()

    def note(self, line: TapeLine) -> None:
        self.lines.append(line)

    def tape(self, plan: Plan) -> str:
        """Return the whole run as the text of a tape."""
        first, last = self.lines[0].at, self.lines[-1].at
        facts: dict[str, Any] = {
            "format": FORMAT,
            "run": "storm",
            "plan": plan_of(plan),
        }
        lines = [
            meta_line(first, Meta.TAPE, **facts),
            *self.lines,
            meta_line(last, Meta.END, sha256=self.digest.hexdigest()),
        ]
        return "".join(f"{line.written()}\n" for line in lines)


def recorded_storm(seed: int, path: Path) -> Notebook:
    notebook = Notebook()
    plan = Plan(
        seed=seed,
        symbols=SYMBOLS,
        pace=10.0,
        journal=notebook,
        listener=notebook.digest.take,
    )
    simulate(lambda: ride_out(plan, EVENTS), seed)
    path.write_text(notebook.tape(plan), encoding="utf-8")
    return notebook


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_is_replayed_to_the_last_bit(seed: int, tmp_path: Path) -> None:
    """Lost links, gaps, refusals, overflows, damaged frames and rolls: all of it is on the tape."""
    notebook = recorded_storm(seed, tmp_path / "storm.tsv")
    outcome = replay(tmp_path / "storm.tsv", plan_of(Plan(seed=seed)))
    assert outcome.damage is None
    assert outcome.readings > 150
    assert outcome.equal is True
    assert notebook.digest.hexdigest() == outcome.hash
    again = replay(tmp_path / "storm.tsv", plan_of(Plan(seed=seed)))
    assert (again.hash, again.alerts) == (outcome.hash, outcome.alerts)
    # The comparison is worth something: what is missing shows.
    lines = notebook.tape(Plan(seed=seed)).splitlines(keepends=True)
    less = [line for line in lines if line.split("\t")[1] != TapeKind.HTTP]
    (tmp_path / "less.tsv").write_text("".join(less), encoding="utf-8")
    assert replay(tmp_path / "less.tsv", plan_of(Plan(seed=seed))).equal is False
