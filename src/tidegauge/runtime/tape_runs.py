"""Which files belong together: the parts of one run are one tape."""

from collections.abc import Iterable
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.wire.tape import Meta, TapeKind

from .tape_file import TapeReader


def runs_of(paths: Iterable[Path]) -> list[list[Path]]:
    """Group files by run, the parts of each in order. A cut stands alone, and all other tapes do."""
    runs: dict[str, dict[int, Path]] = {}
    for path in paths:
        run, part = _run_of(path)
        if not run or part in runs.get(run, {}):  # a copy of a part is no part
            run = str(path)
        runs.setdefault(run, {})[part] = path
    return [[parts[number] for number in sorted(parts)] for parts in runs.values()]


def _run_of(path: Path) -> tuple[str, int]:
    try:
        first = next(iter(TapeReader(path)), None)
    except OperatorError:
        return "", 0
    if first is None or first.kind is not TapeKind.META or first.facts["meta"] != Meta.TAPE:
        return "", 0
    facts = first.facts
    return "" if facts.get("cut") else facts.get("run", ""), facts.get("segment", 0)
