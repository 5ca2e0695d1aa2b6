"""The SQL of this package, with named parameters: as it is run, and as it can be run again in psql.

A file is one statement. `:'since'::timestamptz` names a parameter, as psql would; every one has its
type. It is run with the values beside the statement, and shown with the same values written in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

TOKEN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|:'(\w+)'", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. `says` is its opening comment; `order` names the parameters $1, $2, ..."""

    name: str
    says: str
    text: str
    numbered: str
    order: tuple[str, ...]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the values of $1, $2, ...; more may be given than it takes."""
        return [given[name] for name in self.order]

    def written_out(self, given: Mapping[str, Any]) -> str:
        """Return the statement with its values in it, ended, so that psql takes it as it is."""

        def write(found: re.Match[str]) -> str:
            return found[0] if found[1] is None else literal(given[found[1]])

        return f"{TOKEN.sub(write, self.text)};"


@cache
def statement(name: str) -> Statement:
    """Return the statement of `sql/<name>.sql`. Those of hours are those of minutes, read so."""
    text = _read(name)
    order: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[1] is None:  # a comment or a literal
            return found[0]
        return f"${order.setdefault(found[1], len(order) + 1)}"

    numbered = TOKEN.sub(number, text)
    says = [line.removeprefix("--").strip() for line in text.splitlines() if line[:2] == "--"]
    return Statement(
        name=name, says=" ".join(says), text=text, numbered=numbered, order=tuple(order)
    )


def _read(name: str) -> str:
    whose = name.replace("_hours", "_minutes")
    text = files(f"{__package__}.sql").joinpath(f"{whose}.sql").read_text("utf-8").strip()
    if whose == name:
        return text
    for minute, hour in (("minute", "hour"), ("30 seconds", "30 minutes")):
        text = text.replace(minute, hour)
    return text


def literal(value: Any) -> str:
    """Write a value as a literal of SQL. A zero byte, which no text of PostgreSQL holds, is left out."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"'{value}'"
        case datetime():
            return f"'{value.astimezone(UTC).isoformat(sep=' ')}'"
        case str():
            return _quoted(value)
        case Sequence():
            return f"ARRAY[{', '.join(literal(each) for each in value)}]"
        case _:
            raise TypeError(f"no literal is known for {type(value).__name__}")


def _quoted(text: str) -> str:
    """Quote a text so that it means the same whatever standard_conforming_strings is."""
    plain = text.replace("\0", "").replace("'", "''")
    if "\\" not in plain:
        return f"'{plain}'"
    doubled = plain.replace("\\", "\\\\")
    return f"E'{doubled}'"
