"""Which files belong together: the parts of one run are one tape."""

from collections.abc import Iterable
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.wire.tape import Meta, TapeKind

from .tape_file import TapeReader


def runs_of(paths: Iterable[Path]) -> list[list[Path]]:
    """Group files by run, the parts of each in order. Whatever else a file is stands alone."""
    groups: dict[str, list[tuple[int, Path]]] = {}
    for path in paths:
        run, part = _run_of(path)
        groups.setdefault(run or str(path), []).append((part, path))
    return [[path for _, path in sorted(parts)] for parts in groups.values()]


def _run_of(path: Path) -> tuple[str, int]:
    try:
        first = next(iter(TapeReader(path)), None)
    except OperatorError:
        return "", 0
    if first is None or first.kind is not TapeKind.META or first.facts["meta"] != Meta.TAPE:
        return "", 0
    return first.facts.get("run", ""), first.facts.get("segment", 0)
