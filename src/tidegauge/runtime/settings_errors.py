"""What is said when a setting can't be used: one line that names it, its place, and a way out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError

from tidegauge.core.errors import OperatorError

from .redaction import mask_urls
from .settings_schema import Node, NodeKind, keys
from .settings_types import WrongBelow

LONGEST_SHOWN = 60

PLAIN = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "path_type": "a path",
    "model_type": "a group of settings",
    "mapping_type": "a table of names",
}
"""pydantic's kinds of error in plain words."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file, at a line of it (from 1), and what to do about it."""

    line: int
    what: str
    fix: str | None = None

    def at(self, path: object) -> str:
        """Return it as one line that begins with FILE:LINE."""
        said = f"{path}:{self.line}: {self.what}"
        return said if self.fix is None else f"{said}. {self.fix}"


MOVED = {
    ("windows",): "windows",
    ("crunch", "reference_notional"): "crunch.reference_notional_quote",
    ("crunch",): "crunch",
    ("symbols", "*", "floor_depth_quote"): "symbols.{1}.crunch.floor_depth_quote",
    ("symbols", "*", "ceiling_slippage_bps"): "symbols.{1}.crunch.ceiling_slippage_bps",
    ("symbols", "*", "ceiling_spread_bps"): "symbols.{1}.crunch.ceiling_spread_bps",
}
"""Settings that became rules, and what they are called there."""


def moved(path: tuple[str, ...]) -> OperatorError | None:
    """Say where a setting went that is a rule now; None for what never was a setting."""
    for old, new in MOVED.items():
        head = path[: len(old)]
        if len(head) == len(old) and all(a in ("*", b) for a, b in zip(old, head, strict=True)):
            key = ".".join((new.format(*(part.upper() for part in path)), *path[len(old) :]))
            return OperatorError(
                f"{'.'.join(path)} is no longer a setting",
                fix=f"Thresholds are rules now: write {key} in config/rules.yaml",
            )
    return None


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that `name` most likely stands for, None when none is near."""
    spelt = {each.lower(): each for each in valid}
    found = get_close_matches(name.lower(), spelt, n=1, cutoff=0.6)
    # A part of a single name, such as `ws` of `ws_url`, is near however short it is.
    found = found or [each for each in spelt if name.lower() in each.split("_")]
    return spelt[found[0]] if len(found) == 1 else None


def unknown_name(what: str, name: str, valid: Iterable[str]) -> OperatorError:
    """Refuse a name (of a venue, a symbol …) and suggest the nearest, or list what there is."""
    choices = sorted(valid)
    near = nearest(name, choices)
    fix = f"Did you mean {near!r}?" if near else f"Known: {', '.join(choices)}"
    return OperatorError(f"Unknown {what} {name!r}", fix=fix)


def unknown_key(key: str, node: Node, what: str = "setting") -> OperatorError:
    """Refuse the last part of `key`, which is not a name below `node`; where is for others to say."""
    group, _, name = key.rpartition(".")
    near = nearest(name, node.names())
    if near and group:
        near = f"{group}.{near}"
    elif not near and not group:
        # Perhaps it was written without the group it belongs to.
        by_last = {each.rpartition(".")[2]: each for each, _node in keys(node)}
        near = by_last.get(nearest(name, by_last) or "")
    names = ", ".join(sorted(node.names()))
    fix = f"Did you mean {near!r}?" if near else f"Known{f' in {group}' if group else ''}: {names}"
    return OperatorError(f"Unknown {what} {key!r}", fix=fix)


def invalid(error: ValidationError, root: Node, places: Mapping[str, str]) -> OperatorError:
    """Turn the first complaint about a value into one line; no secret is repeated."""
    found = error.errors(include_url=False)
    key, said = complaint(dict(found[0]), root)
    rest = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
    return OperatorError(f"{said} ({_place(key, places)}){rest}")


def complaint(error: Mapping[str, Any], root: Node) -> tuple[str, str]:
    """Return the key that one of pydantic's complaints is about, and what is wrong with it."""
    wrong = error.get("ctx", {}).get("error")
    below = wrong.path if isinstance(wrong, WrongBelow) else ()
    named = tuple(step for step in error["loc"] if step != "[key]")
    path = (*named, *below)
    key = ".".join(str(step) for step in path)
    if named != error["loc"]:
        return key, f"{key}: its name {_complaint(error, None)}"
    node = root.at(path)
    said = _complaint(error, node)
    if below or node is None or node.kind is not NodeKind.VALUE or error["type"] == "missing":
        return key, f"{key}: {said}" if key else said
    shown = "(secret)" if node.secret else shorten(error["input"])
    return key, f"{key} is {shown}, but {said}"


def allowed(node: Node) -> str | None:
    """Say within which limits, or among which values, a setting must be."""
    if node.choices:
        return "one of " + ", ".join(node.choices)
    words = [
        word
        for kind, name, said in (
            (Ge, "ge", "at least"),
            (Gt, "gt", "more than"),
            (Le, "le", "at most"),
            (Lt, "lt", "less than"),
        )
        for mark in node.limits
        if isinstance(mark, kind)
        for word in (f"{said} {getattr(mark, name)}",)
    ]
    return " and ".join(words) if words else None


def shorten(value: Any) -> str:
    """Show a value in an error: short, without the password of a URL."""
    text = mask_urls(repr(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _complaint(error: Mapping[str, Any], node: Node | None) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "missing":
        return "must be said, it has no default"
    if error["type"] == "literal_error":
        return _choice(error, node)
    limits = allowed(node) if node is not None and node.kind is NodeKind.VALUE else None
    plain = PLAIN.get(error["type"])
    if limits is not None:
        return f"must be {plain}, {limits}" if plain else f"must be {limits}"
    if plain is not None:
        return f"must be {plain}"
    if error["type"] in ("too_short", "string_too_short"):
        return f"must not be shorter than {error['ctx'].get('min_length', 1)}"
    return str(error["msg"])


def _choice(error: Mapping[str, Any], node: Node | None) -> str:
    if node is None:
        return f"must be {error['ctx']['expected']}"
    near = nearest(str(error["input"]), node.choices)
    return f"must be {allowed(node)}" + (f"; did you mean {near!r}?" if near else "")


def _place(key: str, places: Mapping[str, str]) -> str:
    """Say where `key`, the nearest thing above it, or the first thing below it was set."""
    path = key
    while path:
        if path in places:
            return places[path]
        below = [place for name, place in places.items() if name.startswith(f"{path}.")]
        if below:
            return below[-1]
        path = path.rpartition(".")[0]
    return "default"
