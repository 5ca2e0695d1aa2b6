"""Where settings come from: a YAML file, a `.env` file, the environment, flags.

Each gives one `Layer`: a nested dictionary whose names are all known, and the place of each value.
Nothing here looks at values; that is the tree's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from tidegauge.core.errors import OperatorError

from .settings_errors import Fault, allowed, moved, nearest, unknown_key
from .settings_schema import ALIASES, NOT_SETTINGS, PREFIX, Node, NodeKind, keys, variable

SETTING = "setting"
NONE_WORDS = ("none", "null")
NUMBERS = (int, float, Decimal)
TAG = "tag:yaml.org,2002:"
FILE = "_FILE"
"""Ends the variable that names a file with a secret, in place of the secret itself."""


@dataclass(slots=True)
class Layer:
    """What one source says. `places` has the dotted key of every value, `origin` is its name.

    `lines` are those of a file, `what` is what it is a file of. The first fault is raised, unless
    `faults` collects them.
    """

    origin: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    whole_tables: bool = False
    what: str = SETTING
    faults: list[Fault] | None = None

    def refuse(self, line: int, what: str, fix: str | None = None, *, at: str = "{} ({})") -> None:
        """Collect a fault, or raise it; `at` is how its place joins what is said."""
        if self.faults is None:
            raise OperatorError(at.format(what, f"{self.origin}, line {line}"), fix=fix)
        self.faults.append(Fault(line, what, fix))

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


class _Loader(yaml.SafeLoader):
    """YAML without what nobody means: `12:30` is no number to the base of 60, `on` is no truth value,
    and a date is left to who knows what it is for."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        if kind is not yaml.ScalarNode or not implicit[0]:
            return tag
        meant = {
            f"{TAG}bool": value.lower() in ("true", "false"),
            f"{TAG}int": ":" not in value,
            f"{TAG}float": ":" not in value,
            f"{TAG}timestamp": False,
        }
        return tag if meant.get(tag, True) else f"{TAG}str"


def from_yaml(
    path: Path, root: Node, what: str = SETTING, faults: list[Fault] | None = None
) -> Layer:
    """Read a file of settings, or of `what` else. With `faults`, what is wrong in it is appended there, and left out;
    else raises `OperatorError` for the first."""
    layer = Layer(origin=str(path), whole_tables=True, what=what, faults=faults)
    text = read_text(path, f"{what}s file")
    try:
        loader = _Loader(text)
        top = loader.get_single_node()
        if top is not None and not _is_null(top):
            layer.values = _section(loader, top, root, (), layer)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else None
        _malformed(layer, where, error.problem or error.context or "unreadable")
    except RecursionError:
        _malformed(layer, None, "nested too deep")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        _malformed(layer, (line, column), error.reason)
    return layer


def _malformed(layer: Layer, where: tuple[int, int] | None, reason: str) -> None:
    line, column = where or (1, 1)
    if layer.faults is not None:
        layer.faults.append(Fault(line, f"Malformed YAML, column {column}: {reason}"))
        return
    at = f", line {line}, column {column}" if where else ""
    raise OperatorError(f"Malformed YAML in {layer.origin}{at}: {reason}") from None


def _section(
    loader: yaml.SafeLoader, found: yaml.Node, node: Node, path: tuple[str, ...], layer: Layer
) -> dict[str, Any]:
    if not isinstance(found, yaml.MappingNode):
        what = f"{'.'.join(path) or 'the file'} must be a group of {layer.what}s"
        layer.refuse(found.start_mark.line + 1, what, "Write `name: value`.")
        return {}
    values: dict[str, Any] = {}
    for key_node, value_node in found.value:
        line = key_node.start_mark.line + 1
        name = node.spelt(str(key_node.value)) if isinstance(key_node, yaml.ScalarNode) else "?"
        at = (*path, name)
        key = ".".join(at)
        child = node.child(name)
        if name in values:
            layer.refuse(line, f"{key} is set twice", "Remove one of them.")
        elif child is None:
            gone = moved(at) if layer.what == SETTING else None
            unknown = gone or unknown_key(key, node, layer.what)
            layer.refuse(line, unknown.what, unknown.fix, at="{} in {}")
        else:
            layer.origins[key], layer.places[key] = layer.origin, f"{layer.origin}, line {line}"
            layer.lines[key] = line
            _entry(loader, value_node, child, at, layer, values)
    return values


def _entry(
    loader: yaml.SafeLoader,
    found: yaml.Node,
    node: Node,
    path: tuple[str, ...],
    layer: Layer,
    values: dict[str, Any],
) -> None:
    """Put what is said of one name into `values`."""
    name, key = path[-1], ".".join(path)
    if node.kind is not NodeKind.VALUE:
        # A heading whose lines are all commented out says nothing.
        values[name] = None if _is_null(found) else _section(loader, found, node, path, layer)
        return
    line = layer.lines[key]
    if isinstance(found, yaml.SequenceNode):
        items = enumerate(found.value)
        layer.lines.update((f"{key}.{n}", each.start_mark.line + 1) for n, each in items)
    try:
        value = loader.construct_object(found, deep=True)
    except ValueError:
        # The reason may quote the value, which may be a secret.
        layer.refuse(line, f"{key} can't be read as what it seems to be", "Put it in quotes.")
        return
    if isinstance(value, bool) and node.annotation in NUMBERS:
        # pydantic takes it for 1 or 0.
        limits = allowed(node)
        must = f"must be a number, {limits}" if limits else "must be a number"
        layer.refuse(line, f"{key} is {str(value).lower()}, but {must}")
        return
    values[name] = value


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == f"{TAG}null")


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
    if (gone := moved(_parts(name))) is not None:
        raise OperatorError(f"{gone.what} ({place})", fix=gone.fix)
    kept_in_file = name.endswith(FILE) and _names_a_secret(name.removesuffix(FILE), root)
    path, node = _resolve(name.removesuffix(FILE) if kept_in_file else name, root, place)
    if not text:
        return
    if kept_in_file:
        text = _secret_in(Path(text), place)
    key = ".".join(path)
    if key in layer.origins:
        raise OperatorError(
            f"{key} is set twice, by {layer.places[key]} and by {place}", fix="Remove one of them."
        )
    nothing = node.optional and text.strip().lower() in NONE_WORDS
    layer.put(path, None if nothing else text, origin=origin, place=place)


def _names_a_secret(name: str, root: Node) -> bool:
    """Whether a variable names a setting that is secret: it may be kept in a file, named by NAME_FILE."""
    node: Node | None = root
    for part in _parts(name):
        node = None if node is None else node.child(node.spelt(part))
    return node is not None and node.kind is NodeKind.VALUE and node.secret


def _secret_in(path: Path, place: str) -> str:
    """Return the one line of a file: a container's secret, a credential of systemd."""
    text = read_text(path, "secret file").removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text:
        what = "more than one line" if text else "nothing"
        raise OperatorError(
            f"The secret file {path} holds {what} ({place})", fix="Write it alone into it"
        )
    return text


def _resolve(name: str, root: Node, place: str) -> tuple[tuple[str, ...], Node]:
    """Find the setting that a variable names."""
    node = root
    path: tuple[str, ...] = ()
    for part in _parts(name):
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


def _parts(name: str) -> tuple[str, ...]:
    rest = name.removeprefix(PREFIX)
    return tuple(ALIASES[rest].split(".") if rest in ALIASES else rest.lower().split("__"))


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
            refused = moved((*path, name)) or unknown_key(key, node)
            raise OperatorError(f"{refused.what} in a flag", fix=refused.fix)
        if child.kind is not NodeKind.VALUE and isinstance(value, Mapping):
            _flags(layer, value, child, (*path, name))
        elif value is not None:
            layer.put((*path, name), value, origin="flag", place="a flag")
