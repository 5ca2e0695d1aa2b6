"""A file of rules as it was read: what can be made of it, and everything that is wrong with it.

A value that will not do is left out, so that the rest can be judged too: all of it is told at once.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tidegauge.runtime.settings import lay, rows_of
from tidegauge.runtime.settings_errors import Fault, complaint
from tidegauge.runtime.settings_schema import node_of
from tidegauge.runtime.settings_sources import from_yaml

from .kinds import MISFIT
from .tree import RuleTree

ROOT = node_of(RuleTree)
USUAL = dict(rows_of(RuleTree(), ROOT, ""))
OF_A_SYMBOL = ("windows", "crunch", "divergence", "stress")
"""The groups that may differ for a symbol."""

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The tree, the line of every name of the file, and what is wrong."""

    tree: RuleTree = field(default_factory=RuleTree)
    lines: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def line(self, *keys: str) -> int:
        """Return the last line that says one of `keys`, else that of the nearest thing above."""
        paths = list(keys)
        while any(paths):
            found = [self.lines[path] for path in paths if path in self.lines]
            if found:
                return max(found)
            paths = [path.rpartition(".")[0] for path in paths]
        return 1


def read_draft(path: Path) -> Draft:
    """Read a file of rules. Raises `OperatorError` if it cannot be read at all."""
    faults: list[Fault] = []
    layer = from_yaml(path, ROOT, "rule", faults)
    values: dict[str, Any] = RuleTree().model_dump()
    lay(values, layer.values, ROOT, whole_tables=True)
    _fill_up(values)
    tree, errors = _judged(values)
    draft = Draft(tree=tree, lines=layer.lines)
    faults += (fault for error in errors for fault in _faults(error, draft))
    return Draft(tree=tree, lines=layer.lines, faults=tuple(faults))


def _fill_up(values: dict[str, Any]) -> None:
    """Lay what is said of a symbol over the general rules, and what is said of a book over those."""
    for own in values["symbols"].values():
        for group in OF_A_SYMBOL:
            _fill(own, group, values[group])
        for book in (own.get("venues") or {}).values():
            _fill(book, "crunch", own.get("crunch") or values["crunch"])


def _fill(own: dict[str, Any], group: str, general: Mapping[str, Any]) -> None:
    said = own.pop(group, None)
    node = ROOT.child(group)
    assert node is not None
    if said:
        whole = copy.deepcopy(dict(general))
        lay(whole, said, node, whole_tables=False)
        own[group] = whole


def _judged(values: dict[str, Any]) -> tuple[RuleTree, list[Mapping[str, Any]]]:
    """Return what is left when all that will not do is taken out, and why it was."""
    errors: list[Mapping[str, Any]] = []
    forgotten: set[Steps] = set()
    while True:
        try:
            return RuleTree(**values), errors
        except ValidationError as error:
            found = error.errors(include_url=False)
        paths = [tuple(_at_fault(each)) for each in found]
        # What only lacks what was taken out before is sound.
        errors += (
            {**each, "input": copy.deepcopy(each["input"])}
            for each, at_fault in zip(found, paths, strict=True)
            if forgotten.isdisjoint((*at_fault, each["loc"]))
        )
        for path in chain.from_iterable(paths):
            forgotten.add(path)
            _forget(values, path)


def _at_fault(error: Mapping[str, Any]) -> Iterator[Steps]:
    loc = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] == "missing":
        yield loc[:-1]
    elif error["type"] == MISFIT:
        yield from ((*loc, *name.split(".")) for name in error["ctx"]["fields"])
    else:
        yield loc


def _forget(values: dict[str, Any], path: Steps) -> None:
    """Take out what `path` leads to, or the nearest thing above it that is there."""
    into: Any = values
    for depth, step in enumerate(path):
        below = into.get(step)
        if depth == len(path) - 1 or not isinstance(below, dict) or path[depth + 1] not in below:
            into.pop(step, None)
            return
        into = below


def _faults(error: Mapping[str, Any], draft: Draft) -> Iterable[Fault]:
    key, said = complaint(error, ROOT)
    keys = [key]
    if error["type"] == MISFIT:
        keys = [f"{key}.{name}" for name in error["ctx"]["fields"]]
        # In a file that says everything, what is not as usual is what somebody wrote.
        keys = [each for each in keys if _unusual(each, key, error["input"])] or keys
    inherited = key.startswith("symbols.") and error["type"] != "missing"
    if inherited and not any(_said(each, draft.lines) for each in keys):
        return ()  # It is what the general rules say, and told of there.
    return (Fault(draft.line(*keys), said),)


def _unusual(key: str, group: str, given: Any) -> bool:
    """Whether a rule of a group is given, and not as built in."""
    for name in key.removeprefix(f"{group}.").split("."):
        given = given.get(name) if isinstance(given, Mapping) else None
    given = tuple(given) if isinstance(given, list) else given
    return given is not None and USUAL.get(key, key) != given


def _said(key: str, lines: Mapping[str, int]) -> bool:
    """Whether the file says `key` itself, or the list that it is an item of."""
    above, _, last = key.rpartition(".")
    return key in lines or (last.isdigit() and above in lines)
