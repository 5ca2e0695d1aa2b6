"""Where settings come from: a YAML file, a `.env` file, the environment, flags.

Each gives one `Layer`: a nested dictionary whose names are all known, and the place of each value.
Nothing here looks at values; that is the tree's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from tidegauge.core.errors import OperatorError

from .settings_errors import nearest, unknown_key
from .settings_schema import ALIASES, NOT_SETTINGS, PREFIX, Node, NodeKind, keys, variable

NONE_WORDS = ("none", "null")


@dataclass(slots=True)
class Layer:
    """What one source says. `places` has the dotted key of every value, `origin` is its name."""

    origin: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    whole_tables: bool = False

    def put(self, path: Iterable[str], value: Any, *, origin: str, place: str) -> None:
        """Set the value at `path`."""
        *groups, name = path
        into = self.values
        for group in groups:
            into = into.setdefault(group, {})
        into[name] = value
        key = ".".join((*groups, name))
        self.origins[key], self.places[key] = origin, place


def read_text(path: Path, what: str) -> str:
    """Read a file that an operator wrote."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"{what} {path} is not UTF-8 text (byte {error.start})", fix="Save it as UTF-8."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OperatorError(
            f"Can't read {what} {path}: {reason}",
            fix="Check the path and its permissions.",
        ) from None


# -- YAML ----------------------------------------------------------------------------------------


def from_yaml(path: Path, root: Node) -> Layer:
    """Read the settings file."""
    layer = Layer(origin=str(path), whole_tables=True)
    text = read_text(path, "settings file")
    try:
        loader = yaml.SafeLoader(text)
        top = loader.get_single_node()
        if top is not None and not _is_null(top):
            layer.values = _section(loader, top, root, (), layer)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise OperatorError(
            f"Malformed YAML in {path}{at}: {error.problem or error.context}"
        ) from None
    except RecursionError:
        raise OperatorError(f"Malformed YAML in {path}: nested too deep") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise OperatorError(
            f"Malformed YAML in {path}, line {line}, column {column}: {error.reason}"
        ) from None
    return layer


def _section(
    loader: yaml.SafeLoader, found: yaml.Node, node: Node, path: tuple[str, ...], layer: Layer
) -> dict[str, Any]:
    line = f"{layer.origin}, line {found.start_mark.line + 1}"
    if not isinstance(found, yaml.MappingNode):
        name = ".".join(path) or "the file"
        raise OperatorError(
            f"{name} must be a group of settings ({line})", fix="Write `name: value`."
        )
    values: dict[str, Any] = {}
    for key_node, value_node in found.value:
        place = f"{layer.origin}, line {key_node.start_mark.line + 1}"
        name = node.spelt(str(key_node.value)) if isinstance(key_node, yaml.ScalarNode) else "?"
        key = ".".join((*path, name))
        if name in values:
            raise OperatorError(f"{key} is set twice ({place})", fix="Remove one of them.")
        child = node.child(name)
        if child is None:
            raise unknown_key(key, node, place)
        layer.origins[key], layer.places[key] = layer.origin, place
        if child.kind is NodeKind.VALUE:
            values[name] = _value(loader, value_node, key, place)
        elif _is_null(value_node):
            # A heading whose lines are all commented out says nothing.
            values[name] = None
        else:
            values[name] = _section(loader, value_node, child, (*path, name), layer)
    return values


def _value(loader: yaml.SafeLoader, found: yaml.Node, key: str, place: str) -> Any:
    try:
        return loader.construct_object(found, deep=True)
    except ValueError:
        # The reason may quote the value, which may be a secret.
        raise OperatorError(
            f"{key} can't be read as what it seems to be ({place})", fix="Put it in quotes."
        ) from None


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


# -- variables -----------------------------------------------------------------------------------


def from_dotenv(path: Path, root: Node) -> tuple[Layer, dict[str, str]]:
    """Read a `.env` file: its settings, and those of our variables that are not settings.

    Values are taken as written: `$` is not expanded, a password may hold one.
    """
    layer, extras = Layer(origin=str(path)), {}
    for binding in parse_stream(StringIO(read_text(path, "environment file"))):
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string.count("\n", 0, blank)
        if binding.error:
            raise OperatorError(f"Malformed line {line} in {path}", fix="Write NAME=value.")
        if binding.key is None or not binding.key.startswith(PREFIX):
            continue
        place = f"{path}, line {line}"
        if binding.key.removeprefix(PREFIX) in NOT_SETTINGS:
            extras[binding.key] = binding.value or ""
        elif binding.value:
            _put_variable(layer, root, binding.key, binding.value, origin=str(path), place=place)
    return layer, extras


def from_environment(environ: Mapping[str, str], root: Node) -> Layer:
    """Read the `TIDEGAUGE_*` variables. One that is empty is as good as not set."""
    layer = Layer(origin="environment")
    for name, text in sorted(environ.items()):
        ours = name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOT_SETTINGS
        if ours:
            _put_variable(layer, root, name, text, origin=name, place=name)
    return layer


def _put_variable(
    layer: Layer, root: Node, name: str, text: str, *, origin: str, place: str
) -> None:
    path, node = _resolve(name, root, place)
    if not text:
        return
    key = ".".join(path)
    if key in layer.origins:
        raise OperatorError(
            f"{key} is set twice, by {layer.places[key]} and by {place}", fix="Remove one of them."
        )
    nothing = node.optional and text.strip().lower() in NONE_WORDS
    layer.put(path, None if nothing else text, origin=origin, place=place)


def _resolve(name: str, root: Node, place: str) -> tuple[tuple[str, ...], Node]:
    """Find the setting that a variable names."""
    rest = name.removeprefix(PREFIX)
    parts = ALIASES[rest].split(".") if rest in ALIASES else rest.lower().split("__")
    node = root
    path: tuple[str, ...] = ()
    for part in parts:
        spelt = node.spelt(part)
        child = node.child(spelt) if spelt else None
        if child is None:
            raise _unknown_variable(name, node, path, root, place)
        node, path = child, (*path, spelt)
    if node.kind is not NodeKind.VALUE:
        inside = variable(f"{'.'.join(path)}.{(node.names() or ['<name>'])[0]}")
        raise OperatorError(
            f"{name} names a group of settings ({place})", fix=f"Set one of them, such as {inside}."
        )
    return path, node


def _unknown_variable(
    name: str, node: Node, path: tuple[str, ...], root: Node, place: str
) -> OperatorError:
    beside = [".".join((*path, each)) for each in node.names() if _is_value(node.child(each))]
    every = [variable(key) for key in (*beside, *(key for key, _node in keys(root)))]
    # Perhaps it was written without the group it belongs to.
    alike = [each for each in every if each.endswith(f"__{name.removeprefix(PREFIX)}")]
    near = nearest(name, alike or [*every, *(PREFIX + each for each in NOT_SETTINGS)])
    where = "" if place == name else f" in {place}"
    fix = f"Did you mean {near}?" if near else "`.env.example` lists them all."
    return OperatorError(f"Unknown variable {name}{where}", fix=fix)


def _is_value(node: Node | None) -> bool:
    return node is not None and node.kind is NodeKind.VALUE


# -- flags ---------------------------------------------------------------------------------------


def from_flags(flags: Mapping[str, Any], root: Node) -> Layer:
    """Take what the command line gave, as a nested dictionary; None is a flag not given."""
    layer = Layer(origin="flag")
    _flags(layer, flags, root, ())
    return layer


def _flags(layer: Layer, flags: Mapping[str, Any], node: Node, path: tuple[str, ...]) -> None:
    for raw, value in flags.items():
        name = node.spelt(str(raw))
        key = ".".join((*path, name))
        child = node.child(name)
        if child is None:
            raise unknown_key(key, node, "a flag")
        if child.kind is not NodeKind.VALUE and isinstance(value, Mapping):
            _flags(layer, value, child, (*path, name))
        elif value is not None:
            layer.put((*path, name), value, origin="flag", place="a flag")
