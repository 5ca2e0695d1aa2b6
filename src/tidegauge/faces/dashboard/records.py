"""Records of what the stream tells: those of `tidegauge.runtime.window`, read with tolerance.

A record that cannot be read is left out and named, so that an API of another version shows what it can.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record")

MOST_NAMED = 20


class Reader:
    """Reads documents into records; what has not changed is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, str], dict[str, tuple[Any, Any]]] = {}
        self.misread: dict[str, str] = {}
        """What could not be read, and why, by where it stands."""
        self.unknown: set[str] = set()
        """Fields that this version does not know."""

    def all(self, kind: type[Record], place: str, documents: Any) -> dict[str, Record]:
        """Return the records of one part of the picture, by key."""
        before = self._known.get((kind, place), {})
        now: dict[str, tuple[Any, Any]] = {}
        for key, document in (documents if isinstance(documents, Mapping) else {}).items():
            known = before.get(key)
            if known is None or known[0] is not document:
                known = (document, self._read(kind, f"{place}/{key}", document))
            now[key] = known
        self._known[kind, place] = now
        for key in before.keys() - now.keys():
            self.misread.pop(f"{place}/{key}", None)
        return {key: record for key, (_, record) in now.items() if record is not None}

    def _read(self, kind: type[Record], where: str, document: Any) -> Record | None:
        try:
            record = msgspec.convert(self._completed(kind, document), kind)
        except (msgspec.ValidationError, ArithmeticError) as error:
            if len(self.misread) < MOST_NAMED:
                self.misread[where] = str(error)
            return None
        self.misread.pop(where, None)
        return record

    def _completed(self, kind: Any, value: Any) -> Any:
        """Return a document with None wherever something may be unknown and is not there."""
        if is_dataclass(kind) and isinstance(value, dict):
            shape = _shape(typing.cast("type", kind))
            if not value.keys() <= shape.keys() and len(self.unknown) < MOST_NAMED:
                self.unknown |= value.keys() - shape.keys()
            return {
                name: self._completed(inner, value[name]) if name in value else None
                for name, (inner, optional) in shape.items()
                if name in value or optional
            }
        inside = _inside(kind)
        if inside is None:
            return value
        if isinstance(value, dict):
            return {name: self._completed(inside, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._completed(inside, each) for each in value]
        return value


@cache
def _shape(kind: type) -> dict[str, tuple[Any, bool]]:
    """Return the fields of a record: the type of each, and whether it may be unknown."""
    hints = typing.get_type_hints(kind)
    return {each.name: _known_type(hints[each.name]) for each in fields(kind)}


def _known_type(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        rest = [each for each in typing.get_args(hint) if each is not type(None)]
        return (rest[0] if len(rest) == 1 else None), len(rest) < len(typing.get_args(hint))
    return hint, False


@cache
def _inside(hint: Any) -> Any:
    """Return the type of the records inside a tuple or a mapping; None where there are none."""
    arguments = typing.get_args(hint)
    if not arguments:
        return None
    inner = arguments[1 if typing.get_origin(hint) is dict else 0]
    return inner if is_dataclass(inner) else None
