"""Load the settings, and say where each came from.

Lowest to highest: built-in defaults, `config/settings.yaml`, `.env`, `TIDEGAUGE_*` variables, flags.
pydantic-settings holds the tree and judges it; the layers are laid over each other here, because
the origin of every value is to be known. A table (`symbols`, `endpoints`) in the file stands in
place of the built-in one; variables and flags add to it or change it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from tidegauge.sinks.notify.secrecy import secrets_of

from .redaction import MASK, mask_urls, url_secrets
from .settings_errors import invalid, unknown_name
from .settings_schema import PREFIX, Node, NodeKind, node_of, written
from .settings_sources import Layer, from_dotenv, from_environment, from_flags, from_yaml
from .settings_tree import (
    DatabaseSettings,
    Endpoint,
    FeedSettings,
    LoggingSettings,
    ReadingSettings,
    Settings,
    SymbolSettings,
    default_data_dir,
)
from .settings_types import WholeSecret

__all__ = [
    "DatabaseSettings",
    "Endpoint",
    "FeedSettings",
    "Loaded",
    "LoggingSettings",
    "ReadingSettings",
    "Settings",
    "SymbolSettings",
    "default_data_dir",
    "describe",
    "lay",
    "load_settings",
    "rows_of",
    "secrets",
    "shown",
    "unknown_name",
]

DEFAULT_CONFIG = Path("config/settings.yaml")
DEFAULT_DOTENV = Path(".env")
ROOT = node_of(Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings in force, and the origin of each: dotted key to where it came from."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] = MappingProxyType({}),
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = DEFAULT_DOTENV,
) -> Loaded:
    """Read every source and return the settings in force. Raises `OperatorError`.

    `config` is the file that `--config` named; without it TIDEGAUGE_CONFIG names it, and without
    that it is `config/settings.yaml`, if there is one here.
    """
    environ = os.environ if environ is None else environ
    layers: list[Layer] = []
    extras: dict[str, str] = {}
    if dotenv is not None and os.path.exists(dotenv):  # noqa: PTH110
        layer, extras = from_dotenv(dotenv, ROOT)
        layers.append(layer)
    name = f"{PREFIX}CONFIG"
    named = config or environ.get(name) or extras.get(name)
    if named or os.path.exists(DEFAULT_CONFIG):  # noqa: PTH110
        layers.insert(0, from_yaml(Path(named or DEFAULT_CONFIG), ROOT))
    layers.append(from_environment(environ, ROOT))
    layers.append(from_flags(flags, ROOT))
    return _build(layers, default_data_dir(environ))


def describe(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Return (key, value, origin) of every setting in force; secrets are masked."""
    return [
        (key, shown(value), loaded.origins[key])
        for key, value in rows_of(loaded.settings, ROOT, "")
    ]


def secrets(settings: Settings) -> tuple[str, ...]:
    """Return every secret the settings hold, for the log to mask."""
    found: list[str] = []
    for _key, value in rows_of(settings, ROOT, ""):
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            if isinstance(value, WholeSecret):
                found.extend(secrets_of(text))
            else:
                found.extend(url_secrets(text) if "://" in text else (text,))
    return tuple(dict.fromkeys(secret for secret in found if secret))


def _build(layers: list[Layer], data_dir: Path) -> Loaded:
    values: dict[str, Any] = Settings(data_dir=data_dir).model_dump()
    origins: dict[str, str] = {}
    places: dict[str, str] = {}
    for layer in layers:
        lay(values, layer.values, ROOT, whole_tables=layer.whole_tables)
        origins.update(layer.origins)
        places.update(layer.places)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise invalid(error, ROOT, places) from None
    in_force = [key for key, _value in rows_of(settings, ROOT, "")]
    return Loaded(
        settings=settings,
        origins=MappingProxyType({key: origins.get(key, "default") for key in in_force}),
    )


def lay(under: dict[str, Any], over: Mapping[str, Any], node: Node, *, whole_tables: bool) -> None:
    """Lay `over` on `under`, in place."""
    for name, value in over.items():
        child = node.child(name)
        assert child is not None
        if child.kind is NodeKind.VALUE or not (value is None or isinstance(value, Mapping)):
            under[name] = value
            continue
        if whole_tables and child.kind is NodeKind.TABLE and value is not None:
            under[name] = {}
        lay(under.setdefault(name, {}), value or {}, child, whole_tables=whole_tables)


def rows_of(value: Any, node: Node, prefix: str) -> Iterator[tuple[str, Any]]:
    """Iterate over (key, value) of everything below `value`; an empty table is one row."""
    below: Mapping[str, Any]
    if isinstance(value, BaseModel):
        below = {name: getattr(value, name) for name in node.names()}
    elif isinstance(value, Mapping) and value:
        below = value
    else:
        yield prefix, value
        return
    for name, each in below.items():
        child = node.child(name)
        assert child is not None
        yield from rows_of(each, child, f"{prefix}.{name}" if prefix else name)


def shown(value: Any) -> str:
    """Show a value as a variable would hold it, secrets masked."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        whole = isinstance(value, WholeSecret) or "://" not in text
        return MASK if whole else mask_urls(text)
    return "none" if isinstance(value, Mapping) else mask_urls(written(value))
