"""Write `config/settings.yaml` and `.env.example` from the tree, so that neither can lie.

`python -m tidegauge.runtime.settings_example` rewrites both in the current directory.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from .settings_schema import NOT_SETTINGS, PREFIX, Node, NodeKind, keys, node_of, variable, written
from .settings_tree import Settings

YAML_HEAD = """\
# Tidegauge's settings, each at its built-in default. A name that is left out keeps its default; a
# name that is not known is refused. Later ones win: this file, .env, TIDEGAUGE_* variables, flags.
# `symbols` and `endpoints`, where given here, stand in place of the built-in tables.
# Times end in _s and are in seconds. `tidegauge config` shows what is in force, and from where.
"""
ENV_HEAD = """\
# Every variable Tidegauge reads, with its default. Copy to .env, and uncomment what you change.
# Values are taken as written ($ is not expanded); lists are separated by commas; `none` is nothing.
# In <NAME> put a venue (hyphens as underscores) or a symbol.
# A password or an address that is secret may be kept in a file: NAME_FILE=/run/secrets/name.
"""
BY_PLATFORM = "~/.local/share/tidegauge"
"""Shown as the default of `data_dir`, which is another on each platform."""


def settings_yaml() -> str:
    """Return `config/settings.yaml`: every setting at its default, with its meaning."""
    return YAML_HEAD + "\n".join(_yaml(Settings(), node_of(Settings), ())) + "\n"


def env_example() -> str:
    """Return `.env.example`: every variable, commented out, with its default and meaning."""
    defaults, lines, group = Settings(), [ENV_HEAD.rstrip()], ""
    for key, node in keys(node_of(Settings)):
        heading = key.partition(".")[0] if "." in key else ""
        if heading != group or not heading:
            lines.append("")
        group = heading
        lines.append(f"# {sentence(node)}")
        lines.append(f"#{variable(key).replace('<name>', '<NAME>')}={_default(defaults, key)}")
    lines += ["", "# Not settings:"]
    lines += [f"# {meaning}\n#{PREFIX}{name}=" for name, meaning in NOT_SETTINGS.items()]
    return "\n".join(lines) + "\n"


def _yaml(value: Any, node: Node, path: tuple[str, ...]) -> Iterator[str]:
    for name in node.names():
        child = node.child(name)
        assert child is not None
        if not path:
            yield ""
        yield from yaml_lines(getattr(value, name), child, (*path, name))


def yaml_lines(value: Any, node: Node, path: tuple[str, ...]) -> Iterator[str]:
    """Write one setting, or group of them, as lines of YAML with their meaning."""
    indent, name = "  " * (len(path) - 1), path[-1]
    yield f"{indent}# {sentence(node)}"
    if node.kind is NodeKind.SECTION:
        yield f"{indent}{name}:"
        yield from _yaml(value, node, path)
    elif node.secret:
        yield f"{indent}# {name}: set {variable('.'.join(path))}, not this file"
    elif path == ("data_dir",):
        yield f"{indent}# {name}: {BY_PLATFORM}"
    elif node.kind is NodeKind.TABLE:
        yield from _table(value, node, path)
    else:
        yield f"{indent}{name}: {scalar(value)}"


def _table(entries: Mapping[str, Any], node: Node, path: tuple[str, ...]) -> Iterator[str]:
    indent = "  " * len(path)
    entry = node.child("")
    assert entry is not None
    if not entries:
        yield f"{indent[2:]}{path[-1]}: {{}}"
        if entry.kind is NodeKind.VALUE:
            return
        yield from (f"{indent[2:]}#   {line}" for line in ("<name>:", *_example(entry)))
        return
    yield f"{indent[2:]}{path[-1]}:"
    for key, each in entries.items():
        if entry.kind is NodeKind.VALUE:
            yield f"{indent}{key}: {scalar(each)}"
        else:
            yield f"{indent}{key}:"
            yield from _yaml(each, entry, (*path, key))


def _example(entry: Node) -> Iterator[str]:
    for name in entry.names():
        child = entry.child(name)
        assert child is not None
        yield f"  {name}: null  # {sentence(child)}"


def sentence(node: Node) -> str:
    """Say what a setting means, with its limits where it has them."""
    said = node.description.rstrip(".")
    said = said[:1].upper() + said[1:]
    limits = ", ".join(node.choices) or _span(node)
    return f"{said} ({limits})" if limits else said


def _span(node: Node) -> str:
    """Return the limits of a number in short, such as `1 to 100`; empty where it has none."""
    low = next((mark.ge for mark in node.limits if isinstance(mark, Ge)), None)
    above = next((mark.gt for mark in node.limits if isinstance(mark, Gt)), None)
    high = next((mark.le for mark in node.limits if isinstance(mark, Le)), None)
    below = next((mark.lt for mark in node.limits if isinstance(mark, Lt)), None)
    if high is None and below is None:
        return ""
    end = f"below {below}" if high is None else f"to {high}"
    return f"{low} {end}" if above is None else f"above {above}, {end}"


def _default(defaults: Settings, key: str) -> str:
    """Return the default of `key` as a variable spells it; empty where there is none."""
    value: Any = defaults
    for name in key.split("."):
        if name == "<name>":
            return ""
        value = getattr(value, name)
    if key == "data_dir":
        return BY_PLATFORM
    return "" if value is None else written(value)


def scalar(value: Any) -> str:
    """Write a value as YAML holds it."""
    if isinstance(value, tuple):
        return f"[{', '.join(scalar(each) for each in value)}]"
    return "null" if value is None else written(value)


if __name__ == "__main__":
    Path("config").mkdir(exist_ok=True)
    Path("config/settings.yaml").write_text(settings_yaml(), encoding="utf-8")
    Path(".env.example").write_text(env_example(), encoding="utf-8")
