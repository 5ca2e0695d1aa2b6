"""What is said when a setting can't be used: one line that names it, its place, and a way out."""

from collections.abc import Iterable, Mapping
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


def unknown_key(key: str, node: Node, place: str) -> OperatorError:
    """Refuse the last part of `key`, which is not a name below `node`."""
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
    return OperatorError(f"Unknown setting {key!r} in {place}", fix=fix)


def invalid(error: ValidationError, root: Node, places: Mapping[str, str]) -> OperatorError:
    """Turn the first complaint about a value into one line; no secret is repeated."""
    found = error.errors(include_url=False)
    first = found[0]
    wrong = first.get("ctx", {}).get("error")
    below = wrong.path if isinstance(wrong, WrongBelow) else ()
    path = (*(step for step in first["loc"] if step != "[key]"), *below)
    key = ".".join(str(step) for step in path)
    node = root.at(path)
    place = _place(key, places)
    rest = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
    said = _complaint(dict(first), node)
    if below or node is None or node.kind is not NodeKind.VALUE:
        return OperatorError(f"{key}: {said} ({place}){rest}" if key else f"{said} ({place}){rest}")
    shown = "(secret)" if node.secret else shorten(first["input"])
    return OperatorError(f"{key} is {shown}, but {said} ({place}){rest}")


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


def _complaint(error: dict[str, Any], node: Node | None) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    limits = allowed(node) if node is not None and node.kind is NodeKind.VALUE else None
    plain = PLAIN.get(error["type"])
    if limits is not None:
        return f"must be {plain}, {limits}" if plain else f"must be {limits}"
    if plain is not None:
        return f"must be {plain}"
    if error["type"] in ("too_short", "string_too_short"):
        return f"must not be shorter than {error['ctx'].get('min_length', 1)}"
    return str(error["msg"])


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
