"""`tidegauge rules tune`: two files of rules beside each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tidegauge.runtime.drill_outcome import AlertSeen, pages_by_channel
from tidegauge.runtime.drill_scorecard import run_drills
from tidegauge.runtime.plans import monitor_plan
from tidegauge.runtime.rules.load import LoadedRules
from tidegauge.runtime.settings import Settings, load_settings
from tidegauge.runtime.tape_rehearsal import TapeSeen, rehearse_tape
from tidegauge.runtime.tune import Comparison, compared, matched
from tidegauge.simulator.drills import DRILLS

from . import figures
from .drill import SEEDS, check_drill, drilling
from .drill_tables import columns, span
from .options import Config
from .rules import rules_of
from .running import progress_of

EXAMPLE = "Example: tidegauge rules tune config/rules.yaml wider.yaml --tape tapes/yesterday"

A = Annotated[Path, typer.Argument(help="A file of rules.")]
B = Annotated[Path, typer.Argument(help="Another one.")]
Tapes = Annotated[
    list[Path] | None,
    typer.Option("--tape", help="A recorded tape, or the folder of its parts; repeatable."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The first seed of the drills.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="How many markets of each kind.")]
Only = Annotated[
    list[str] | None, typer.Option("--drill", help="Only this drill; repeatable. All by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def command(
    one: A,
    other: B,
    tape: Tapes = None,
    seed: Seed = 1,
    seeds: Seeds = SEEDS,
    only: Only = None,
    *,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Compare two files of rules on the fire drills and on tapes; notifies nobody, writes no table."""
    names = tuple(dict.fromkeys(only or DRILLS))
    for name in names:
        check_drill(name)
    settings = load_settings(config=config).settings
    both = rules_of(settings, one), rules_of(settings, other)
    tapes = [_on_tape(each, settings, both) for each in tape or ()]
    half = len(names) * seeds
    with drilling(2 * half) as told:
        chosen = range(seed, seed + seeds)
        first = run_drills(both[0].rules, names, chosen, told)
        second = run_drills(both[1].rules, names, chosen, lambda n, name: told(half + n, name))
    comparison = compared((str(one), str(other)), (first, second), tapes)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode())
    else:
        typer.echo("\n".join(map(figures.printable, _lines(comparison))))


def _on_tape(
    tape: Path, settings: Settings, both: tuple[LoadedRules, LoadedRules]
) -> tuple[TapeSeen, TapeSeen]:
    seen = []
    for number, each in enumerate(both):
        with progress_of(f"{tape.name}, {'AB'[number]}") as told:
            seen.append(rehearse_tape(tape, monitor_plan(settings, each.rules), told))
    return seen[0], seen[1]


def _lines(comparison: Comparison) -> Iterator[str]:
    for letter, name in zip("AB", comparison.names, strict=True):
        yield f"{letter}: {name}"
    yield ""
    yield from columns([*_drill_rows(comparison)])
    for one, other in comparison.tapes:
        yield ""
        yield from _tape_lines(one, other)
    yield ""
    yield from _verdict(comparison)


def _drill_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    yield ("drill", "passed A", "B", "fires after A", "B", "missed A", "B", "false A", "B",
           "incidents A", "B", "pages A", "B")  # fmt: skip
    first, second = comparison.drills
    for one, other in zip(first.lines, second.lines, strict=True):
        cells = [one.drill]
        for name in ("passed", "after", "missed", "false_alerts", "incidents", "pages"):
            for line in (one, other):
                value = getattr(line, name)
                cells.append(_after(value) if name == "after" else f"{value:,}")
        yield tuple(cells)


def _after(value: int | None) -> str:
    return figures.UNKNOWN if value is None else span(value)


def _tape_lines(one: TapeSeen, other: TapeSeen) -> Iterator[str]:
    yield f"{one.tape}: {one.hours:.2f} h of {one.books} books"
    counts = [
        f"{letter} {len(seen.alerts)} alerts, {len(seen.incidents)} incidents,"
        f" {max(pages_by_channel(seen.pages).values(), default=0)} pages"
        for letter, seen in zip("AB", (one, other), strict=True)
    ]
    yield f"  {'; '.join(counts)}"
    for first, second in matched(one.alerts, other.alerts):
        known = first or second
        assert known is not None
        name = f"{known.signal} on {known.venue} {known.symbol}"
        yield f"  {name}: A {_fired(first)}, B {_fired(second)}{_sooner(first, second)}"
    for letter, seen in zip("AB", (one, other), strict=True):
        if seen.damage is not None:
            yield f"  {letter} ended before the tape did: {seen.damage}"


def _fired(alert: AlertSeen | None) -> str:
    return "-" if alert is None else f"{figures.clock(alert.fired_at)} {alert.worst}"


def _sooner(first: AlertSeen | None, second: AlertSeen | None) -> str:
    if first is None or second is None or first.fired_at == second.fired_at:
        return ""
    sooner = "A" if first.fired_at < second.fired_at else "B"
    return f" ({sooner} {span(abs(first.fired_at - second.fired_at))} sooner)"


def _verdict(comparison: Comparison) -> Iterator[str]:
    for number, letter in enumerate("AB"):
        better = [edge for edge in comparison.edges if edge.better == number]
        if better:
            said = ", ".join(
                f"{edge.what} ({edge.figures[number]} against {edge.figures[1 - number]})"
                for edge in better
            )
            yield f"{letter} is better at {said}."
    if not comparison.edges:
        yield "In the drills neither is better than the other at anything."
    fewer = [sum(len(pair[number].alerts) for pair in comparison.tapes) for number in (0, 1)]
    if comparison.tapes and fewer[0] != fewer[1]:
        letter = "A" if fewer[0] < fewer[1] else "B"
        yield (
            f"On the tapes {letter} alerts less ({min(fewer)} against {max(fewer)}): look at the"
            " alerts that only one has, and say whether they were true."
        )
    elif comparison.tapes:
        yield f"On the tapes both alert equally often ({fewer[0]})."
