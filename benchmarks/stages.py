"""Where the time of a message goes: each stage is what a pipeline with it takes longer than one without."""

import cProfile
import io
import pstats
from collections.abc import Callable
from functools import partial
from typing import Any

from . import product
from .inputs import NAMES, Input, load
from .parts import Outcome, Part, Scale
from .timing import Start, Take, alternate, progress

STAGES = {
    "decode": "JSON to text of levels",
    "book": "the levels into the book, its sums kept",
    "sequence": "protocol, sequence check, trust, latency, trace",
    "reading": "what measuring does at once; what it leaves for later counts where it is read",
    "signals": "windows, the crunch signal, cadences",
    "row": "the encoded row",
}
TOP = 15


def _decoding(_given: Input) -> Take:
    return product.decode


def _booking(given: Input) -> Take:
    book = product.Book(given.snapshot)
    book.write(given.frames[0])
    return book.write


def _feed(given: Input) -> product.Feed:
    return product.Feed(given.snapshot, given.frames[0])


def _pipeline(given: Input, *, encodes: bool) -> Take:
    return product.Pipeline(given.snapshot, given.frames[0], encodes=encodes).take


CUMULATIVE: dict[str, Callable[[Input], Take]] = {
    "decode": _decoding,
    "book": _booking,
    "sequence": lambda given: _feed(given).receive,
    "reading": lambda given: _feed(given).take_measured,
    "signals": partial(_pipeline, encodes=False),
    "row": partial(_pipeline, encodes=True),
}


def run(scale: Scale) -> Outcome:
    """Time pipelines that end after each stage, in turn."""
    outcome: Outcome = {"inputs": {}}
    for name in NAMES:
        given = load(name, scale.messages)
        progress(f"  {name}: {len(CUMULATIVE)} pipelines, in turn")
        starts: dict[str, Start] = {
            stage: partial(make, given) for stage, make in CUMULATIVE.items()
        }
        timed = alternate(starts, given.timed, min(3, scale.passes))
        found: dict[str, Any] = {}
        before = 0.0
        for stage, figures in timed.items():
            until = 1e6 / figures.rate
            found[stage] = round(until - before, 2)
            before = until
        outcome["inputs"][name] = {"us": found, "total_us": round(before, 2)}
    return outcome


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = []
    for name, found in outcome["inputs"].items():
        lines.append(f"{name}: {found['total_us']:,.1f} us a message")
        for stage, spent in found["us"].items():
            share = spent / found["total_us"]
            lines.append(f"  {stage:10}{spent:>8,.1f} us {share:>5.0%}  {STAGES[stage]}")
    return lines


def functions(messages: int) -> list[str]:
    """Return the functions that the interpreter's own profiler finds dearest, on recorded frames."""
    given = load(NAMES[-1], messages)
    take = product.Pipeline(given.snapshot, given.frames[0]).take
    profiler = cProfile.Profile()
    profiler.enable()
    for frame in given.timed:
        take(frame)
    profiler.disable()
    told = io.StringIO()
    pstats.Stats(profiler, stream=told).strip_dirs().sort_stats("tottime").print_stats(TOP)
    return [line for line in told.getvalue().splitlines() if line.strip()]


PART = Part(
    name="stages",
    says="where the time of a message goes, stage by stage",
    run=run,
    tell=tell,
)
