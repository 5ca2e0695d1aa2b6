"""The cells of an answer: as text for people, as psql writes them, and as JSON."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rich.table import Table
from rich.text import Text

from tidegauge.sinks.ask import Answer

from . import figures

MINUTE = 60
HOUR = 3600
THOUSAND = 1000
FIXED = range(-4, 15)
"""Exponents that PostgreSQL writes a float8 without."""

QUOTED = re.compile(r'[,"\r\n]')

NUMBERS = frozenset({"int4", "int8", "numeric", "float8", "interval"})


def table_of(answer: Answer) -> Table:
    """Return an answer as a table for people: short numbers, a dash for what is unknown."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in answer.columns:
        justify: Any = "right" if column.type in NUMBERS else "left"
        table.add_column(column.name, justify=justify, overflow="fold")
    for row in _rows(answer):
        table.add_row(*row)
    return table


def blocks_of(answer: Answer) -> Table:
    """Return an answer for a terminal that is too narrow: a line a cell, a gap between the rows."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for number, row in enumerate(_rows(answer)):
        if number:
            table.add_row()
        for column, cell in zip(answer.columns, row, strict=True):
            table.add_row(column.name, cell)
    return table


def csv_of(answer: Answer) -> str:
    """Return an answer as `psql --csv` writes it, in UTC: exact numbers, empty for what is unknown."""
    head = [column.name for column in answer.columns]
    body = ([as_psql(cell) for cell in row] for row in answer.rows)
    return "".join(f"{','.join(map(_field, row))}\n" for row in (head, *body))


def _field(text: str) -> str:
    """Quote a field where psql does. Python's csv leaves a carriage return bare."""
    if text == r"\." or QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def json_of(answer: Answer) -> str:
    """Return an answer as a JSON array of objects.

    What is exact (numeric) is a string, so that no reader makes a float of it; times are ISO 8601,
    UTC; intervals are seconds.
    """
    return json_of_records(answer.records())


def json_of_records(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return records as JSON, as `json_of` does; what is inside of them as well."""
    return json.dumps([_plain(dict(row)) for row in rows], indent=2, ensure_ascii=False) + "\n"


def csv_of_records(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return records as CSV, as `csv_of` does."""
    body = ([as_psql(row[column]) for column in columns] for row in rows)
    return "".join(f"{','.join(map(_field, row))}\n" for row in (columns, *body))


def as_psql(cell: Any) -> str:
    """Write a value as PostgreSQL does, with its default settings and UTC."""
    match cell:
        case None:
            return ""
        case bool():
            return "t" if cell else "f"
        case float():
            return _float8(cell)
        case Decimal():
            return f"{cell:f}"
        case datetime():
            text = cell.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
            return f"{text.rstrip('0') if cell.microsecond else text}+00"
        case timedelta():
            return _interval(cell)
        case _:
            return str(cell)


def _float8(value: float) -> str:
    """Write the shortest text that is this float, as PostgreSQL does."""
    if not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    sign, digits, _ = Decimal(repr(value)).normalize().as_tuple()
    exponent = Decimal(repr(value)).adjusted() if value else 0
    if exponent in FIXED:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    head, rest = str(digits[0]), "".join(map(str, digits[1:]))
    mantissa = f"{head}.{rest}" if rest else head
    return f"{'-' * sign}{mantissa}e{exponent:+03d}"


def _interval(value: timedelta) -> str:
    """Write an interval in the style `postgres`: 1 day 02:03:04.5."""
    sign = "-" if value < timedelta() else ""
    size = abs(value)
    seconds = size.seconds
    clock = f"{seconds // HOUR:02}:{seconds // MINUTE % MINUTE:02}:{seconds % MINUTE:02}"
    if size.microseconds:
        clock += f".{size.microseconds:06}".rstrip("0")
    days = f"{sign}{size.days} day{'' if sign + str(size.days) == '1' else 's'}"
    if not size.days:
        return f"{sign}{clock}"
    return f"{days} {sign}{clock}" if size.seconds or size.microseconds else days


def _plain(cell: Any) -> Any:
    match cell:
        case Decimal():
            return f"{cell:f}"
        case float():
            return cell if math.isfinite(cell) else None
        case datetime():
            return cell.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case timedelta():
            return cell.total_seconds()
        case list():
            return [_plain(each) for each in cell]
        case dict():
            return {name: _plain(each) for name, each in cell.items()}
        case UUID():
            return str(cell)
        case _:
            return cell


def _rows(answer: Answer) -> Iterator[list[Text]]:
    columns = [_told([row[place] for row in answer.rows]) for place in range(len(answer.columns))]
    for row in zip(*columns, strict=True):
        yield [Text(cell) for cell in row]


def _told(cells: Sequence[Any]) -> list[str]:
    """Write a column for people; whole seconds are told without a fraction if all of them are."""
    whole = all(not cell.microsecond for cell in cells if isinstance(cell, datetime))
    return [_person(cell, whole=whole) for cell in cells]


def _person(cell: Any, *, whole: bool) -> str:
    match cell:
        case None:
            return figures.UNKNOWN
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.0f}" if abs(cell) >= THOUSAND else f"{cell:.4g}"
        case Decimal():
            return f"{cell:,f}"
        case datetime():
            at = cell.astimezone(UTC)
            return f"{at:%Y-%m-%d %H:%M:%S}" + ("" if whole else f".{at.microsecond // 1000:03}")
        case timedelta():
            return lasted(cell)
        case list():
            return ", ".join(_person(each, whole=whole) for each in cell)
        case _:
            return figures.printable(str(cell))


def lasted(value: timedelta) -> str:
    """Write how long something took: 4.217 s, 12m 05s, 3h 07m, 2d 04h."""
    sign = "-" if value < timedelta() else ""
    size = abs(value)
    seconds = size // timedelta(seconds=1)
    if seconds < MINUTE:
        return f"{sign}{size.total_seconds():.3f} s"
    if seconds < HOUR:
        return f"{sign}{seconds // MINUTE}m {seconds % MINUTE:02}s"
    if not size.days:
        return f"{sign}{seconds // HOUR}h {seconds % HOUR // MINUTE:02}m"
    return f"{sign}{size.days}d {size.seconds // HOUR:02}h"
