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
    _introduce(report["machine"], scale)
    for part in PARTS:
        if options.only and part.name not in options.only:
            continue
        try:
            report["parts"][part.name] = _run(part, scale)
        except Unequal as difference:
            print(f"UNEQUAL, nothing more is timed: {difference}")
            return 1
        if options.json:
            options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


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


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small form of each part (< 60 s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--only",
        action="append",
        choices=[part.name for part in PARTS],
        help="only this part; repeatable",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
