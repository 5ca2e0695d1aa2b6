"""`tidegauge drill`: rehearse trouble with a rule set, before the market does."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.drill import run_drill
from tidegauge.runtime.drill_scorecard import cores, run_drills
from tidegauge.runtime.scorecard import render
from tidegauge.runtime.scorecard import scorecard as quality_scorecard
from tidegauge.runtime.settings import load_settings
from tidegauge.runtime.settings_errors import unknown_name
from tidegauge.simulator.drills import DRILLS

from . import drill_tables
from .database.opened import working
from .options import Config
from .rules import rules_of
from .running import progress_of

EXAMPLE = "Example: tidegauge drill step-crunch --rules config/rules.yaml --seed 7"
LIST = "list"
SEEDS = 5
TOLD_EVERY_S = 10.0
"""How often progress is told where nobody looks, such as in the log of a CI job."""

Scenario = Annotated[
    str | None, typer.Argument(help="What happens; `tidegauge drill list` tells all there is.")
]
RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", help="The rules to drill; those in force by default."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Another market of the same kind.")]
Seeds = Annotated[
    int | None, typer.Option("--seeds", min=1, help="How many markets of each kind, with --all.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print as JSON; times are ns since the start.")
]
Quality = Annotated[
    bool,
    typer.Option(
        "--quality", help="Judge the crunch rule by itself, by noise, beside a textbook detector."
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every drill: the scorecard of a rule set.")]


def command(
    scenario: Scenario = None,
    rules: RulesFile = None,
    seed: Seed = 1,
    *,
    every: All = False,
    quality: Quality = False,
    seeds: Seeds = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Run a fire drill in virtual time; notifies nobody, writes to no table. Exit 1: it failed."""
    if scenario == LIST:
        typer.echo(_json(drill_tables.listed()) if as_json else drill_tables.list_of_drills())
        return
    if (every, quality, scenario is not None).count(True) != 1:
        raise OperatorError(
            "Say one of: the name of a drill, --all, --quality",
            fix="`tidegauge drill list` names them; --all runs every one",
        )
    if seeds is not None and scenario is not None:
        raise OperatorError("--seeds goes with --all", fix="For another market: --seed 2")
    if quality:
        _judge_quality(seeds or SEEDS, as_json=as_json)
        return
    if scenario is not None:
        check_drill(scenario)
    loaded = rules_of(load_settings(config=config).settings, rules)
    if scenario is None:
        chosen = range(seed, seed + (seeds or SEEDS))
        with drilling(len(DRILLS) * len(chosen)) as told:
            card = run_drills(loaded.rules, DRILLS, chosen, told)
        typer.echo(_json(card) if as_json else drill_tables.scorecard(card, chosen))
        passed = card.passed
    else:
        with working(f"drilling {scenario}"):
            outcome = run_drill(DRILLS[scenario], loaded.rules, seed)
        typer.echo(_json(outcome) if as_json else drill_tables.report(outcome, DRILLS[scenario]))
        passed = outcome.passed
    if not passed:
        raise typer.Exit(1)


@contextmanager
def drilling(
    total: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, str], None]]:
    """Show on standard error which drill of how many is on: all the time on a terminal, else a line now
    and then.
    """
    looked_at, told_at = sys.stderr.isatty(), clock()
    with working("drilling") as show:

        def tell(number: int, name: str) -> None:
            nonlocal told_at
            said = f"drilling {number:,} of {total:,}: {name}"
            if looked_at:
                show(said)
            elif clock() - told_at >= TOLD_EVERY_S:
                typer.echo(said, err=True)
                told_at = clock()

        try:
            yield tell
        except KeyboardInterrupt:
            raise typer.Abort from None


def check_drill(name: str) -> None:
    """Raise `OperatorError` for a drill there is not, with the nearest that there is."""
    if name not in DRILLS:
        raise unknown_name("drill", name, DRILLS)


def _judge_quality(seeds: int, *, as_json: bool) -> None:
    """Print how well crunches are told from noise; exit 1 where a target is missed."""
    with progress_of("watching", "generated markets") as told:
        rows = quality_scorecard(seeds, cores(), lambda done, _all: told(done))
    typer.echo(_json(rows) if as_json else render(rows))
    if any(row.met is False for row in rows):
        raise typer.Exit(1)


def _json(what: object) -> str:
    return msgspec.json.format(msgspec.json.encode(what), indent=2).decode()
