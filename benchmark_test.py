"""How fast is Tidegauge? `python benchmark_test.py [--quick] [--only NAME] [--json FILE]`

Contenders take turns in one process, pass after pass, after a warm-up; their outputs are compared,
message by message, before anything is timed, and a difference ends the run. Ratios of one run mean
something; absolute figures of two machines do not. docs/performance.md says how to read it.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.equality import Unequal
from benchmarks.everything import PARTS
from benchmarks.machine import machine
from benchmarks.parts import FULL, QUICK, Missing, Outcome, Part, Scale
from benchmarks.report import DOCUMENT, document
from benchmarks.stages import functions
from benchmarks.targets import reached, told
from benchmarks.timing import progress

LEFT_OUT = (
    "Left out: the network between a venue and here; TLS and compression; the first snapshot, which",
    "every contender gets for nothing; the database's own work, but in the parts writer and sockets.",
    "Counted: the clock read before and after each message. The first tenth of each pass is not timed.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    options = _options(arguments)
    scale = QUICK if options.quick else FULL
    report: Outcome = {"machine": machine(), "quick": options.quick, "parts": {}}
    if options.source:
        report = json.loads(options.source.read_text())
    else:
        _introduce(report["machine"], scale)
        only = options.only or (["stages"] if options.profile else [part.name for part in PARTS])
        try:
            _measure(report, [part for part in PARTS if part.name in only], scale, options.json)
        except Unequal as difference:
            print(f"UNEQUAL, nothing more is timed: {difference}")
            return 1
    if options.profile:
        print("\n== the interpreter's own profile of the pipeline, recorded frames")
        print("\n".join(functions(scale.messages)))
    _conclude(report)
    if options.document or options.source:
        print(f"written into {DOCUMENT.name}: {', '.join(document(report))}")
    return 0


def _measure(report: Outcome, parts: Sequence[Part], scale: Scale, file: Path | None) -> None:
    """Run the parts. The file is written after each: a long run that is cut short is not lost."""
    for part in parts:
        report["parts"][part.name] = _run(part, scale)
        if file is not None:
            file.write_text(json.dumps(report, indent=2) + "\n")


def _run(part: Part, scale: Scale) -> Outcome:
    """Run one part and print it; a part that cannot run here says why."""
    print(f"\n== {part.name}: {part.says}", flush=True)
    progress(f"{part.name} ...")
    began = time.perf_counter()
    try:
        outcome = part.run(scale)
    except Missing as why:
        print(f"left out: {why}")
        return {"missing": str(why)}
    for line in part.tell(outcome):
        print(line)
    outcome["seconds"] = round(time.perf_counter() - began, 1)
    return outcome


def _introduce(on: Outcome, scale: Scale) -> None:
    build = "an optimised build" if on["optimised_build"] else "a build without PGO"
    print(f"{on['python']} ({build}), {on['processor']}, {on['cores']} cores")
    print(f"{scale.passes} passes in turn; reading the clock costs {on['timing_overhead_ns']} ns")
    for line in LEFT_OUT:
        print(line)


def _conclude(report: Outcome) -> None:
    """Print what was to be reached, beside what was."""
    print("\n== figures to reach" + (" (of a quick run: not to quote)" if report["quick"] else ""))
    for one in reached(report["parts"]):
        wanted, measured, met = told(one)
        if one.figure is not None:
            print(f"{met:4}{one.target.says}: {measured} ({wanted})")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    names = [part.name for part in PARTS]
    add = parser.add_argument
    add("--quick", action="store_true", help="a small form of each part (< 60 s)")
    add("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    add("--json", type=Path, metavar="FILE", help="also write the figures here")
    add("--profile", action="store_true", help="where the time of a message goes")
    add("--document", action="store_true", help="write the figures into docs/performance.md")
    add("--from", dest="source", type=Path, metavar="FILE", help="write those of this file instead")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
