"""The tree of settings as data: which names there are, below what, and within which limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

PREFIX = "TIDEGAUGE_"
ALIASES = {
    "DATABASE_URL": "database.url",
    "DATABASE_PASSWORD": "database.password",
    "PG_BIN": "database.pg_bin",
}
"""Short names of variables; every other one is its key with `__` between the parts."""

NOT_SETTINGS = {
    "CONFIG": "The settings file to read in place of config/settings.yaml",
    "API_TOKEN": "The token of the API that `tidegauge dashboard --url` asks",
    "REQUIRE_ALL": "Tests: a missing program or recording fails instead of skipping",
    "CAMPAIGN": "Tests: run the long forms too",
    "SEED": "Tests: run a simulation with this seed only",
}
"""Variables of ours that are read elsewhere."""


class NodeKind(Enum):
    """A section has fixed names, a table has names chosen by the operator, a value has none."""

    SECTION = "section"
    TABLE = "table"
    VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One place in the tree. `annotation` is the model, the type of an entry, or of the value."""

    kind: NodeKind
    annotation: Any
    optional: bool = False
    limits: tuple[Any, ...] = ()
    description: str = ""
    spell: tuple[Any, ...] = field(default=())

    @property
    def secret(self) -> bool:
        return isinstance(self.annotation, type) and issubclass(self.annotation, SecretStr)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values allowed, when they are a fixed set."""
        return get_args(self.annotation) if get_origin(self.annotation) is Literal else ()

    def names(self) -> list[str]:
        """Return the names below this node; none where the operator chooses them."""
        return list(self.annotation.model_fields) if self.kind is NodeKind.SECTION else []

    def spelt(self, name: str) -> str:
        """Return `name` as this node's table spells it."""
        for spell in self.spell:
            name = spell(name)
        return name

    def child(self, name: str) -> "Node | None":
        """Return the node called `name` below this one, None when there is no such name."""
        if self.kind is NodeKind.SECTION:
            return _of_model(self.annotation, name)
        if self.kind is NodeKind.TABLE:
            return node_of(self.annotation, description=self.description)
        return None

    def at(self, path: tuple[str | int, ...]) -> "Node | None":
        """Return the node at `path` below this one; an index leads to an item of a list."""
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            node = _item(node) if isinstance(step, int) else node.child(step)
        return node


def node_of(annotation: Any, metadata: tuple[Any, ...] = (), description: str = "") -> Node:
    """Describe a type as a place in the tree."""
    optional = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*metadata, *more)
        elif origin in (Union, UnionType):
            optional = True
            (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
        else:
            break
    limits = tuple(_limits(metadata))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        description = description or (annotation.__doc__ or "").splitlines()[0]
        return Node(kind=NodeKind.SECTION, annotation=annotation, description=description)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        key, entry = get_args(annotation)
        spell = _spelling(key)
        return Node(kind=NodeKind.TABLE, annotation=entry, description=description, spell=spell)
    return Node(
        kind=NodeKind.VALUE,
        annotation=annotation,
        optional=optional,
        limits=limits,
        description=description,
    )


def variable(key: str) -> str:
    """Return the environment variable that sets `key`."""
    for short, long in ALIASES.items():
        if long == key:
            return PREFIX + short
    return PREFIX + key.upper().replace("-", "_").replace(".", "__")


def written(value: Any) -> str:
    """Write a value as a variable holds it: lists with commas, groups apart by semicolons."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        apart = ";" if any(isinstance(each, tuple) for each in value) else ","
        return apart.join(written(each) for each in value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def keys(node: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Iterate over every key and its node; a table's entry is called `<name>`."""
    if node.kind is NodeKind.VALUE:
        yield prefix, node
        return
    for name in node.names() or ["<name>"]:
        child = node.child(name)
        assert child is not None
        yield from keys(child, f"{prefix}.{name}" if prefix else name)


@cache
def _of_model(model: type[BaseModel], name: str) -> Node | None:
    found = model.model_fields.get(name)
    if found is None:
        return None
    return node_of(found.annotation, tuple(found.metadata), found.description or "")


def _item(node: Node) -> Node | None:
    arguments = get_args(node.annotation)
    return node_of(arguments[0]) if get_origin(node.annotation) is tuple else None


def _spelling(key: Any) -> tuple[Any, ...]:
    return tuple(mark.func for mark in key.__metadata__ if isinstance(mark, BeforeValidator))


def _limits(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for mark in metadata:
        if isinstance(mark, Ge | Gt | Le | Lt):
            yield mark
        elif isinstance(mark, FieldInfo):
            yield from _limits(tuple(mark.metadata))
