"""Cells of an answer: exact for programs, short for people."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tidegauge.faces.cells import as_psql, blocks_of, csv_of, json_of, table_of
from tidegauge.sinks.ask import Answer, Column
from tidegauge.sinks.question import read_question

AT = datetime(2026, 11, 28, 14, 2, 3, 120000, UTC)


def answer(*cells: Any, kind: str = "text") -> Answer:
    """An answer of one column."""
    return Answer(
        question=read_question("x", "-- X?\nSELECT 1"),
        columns=(Column(name="x", type=kind),),
        rows=tuple((cell,) for cell in cells),
    )


def shown(of: Answer) -> list[str]:
    """The lines of its table."""
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(table_of(of))
    return [line.strip() for line in capture.get().splitlines()[1:]]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "t"),
        (False, "f"),
        (12345678901234567890, "12345678901234567890"),
        (0.1, "0.1"),
        (5.0, "5"),
        (-2.5, "-2.5"),
        (1e-05, "1e-05"),
        (0.0001, "0.0001"),
        (1e14, "100000000000000"),
        (1e15, "1e+15"),
        (-1.25e300, "-1.25e+300"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("61000.10"), "61000.10"),
        (AT, "2026-11-28 14:02:03.12+00"),
        (AT.replace(microsecond=0), "2026-11-28 14:02:03+00"),
        (timedelta(seconds=4.25), "00:00:04.25"),
        (timedelta(days=1, hours=2), "1 day 02:00:00"),
        (timedelta(days=2), "2 days"),
        (-timedelta(days=1, seconds=1), "-1 days -00:00:01"),
        ("=1+1", "=1+1"),
    ],
)
def test_csv_is_what_psql_writes(cell: Any, text: str) -> None:
    """To the character (the same was seen of psql itself, tests/integration/test_questions.py)."""
    assert as_psql(cell) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_so_that_it_is_read_again(value: float) -> None:
    """Every bit of it."""
    assert float(as_psql(value)) == value


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_goes_through_csv_and_json(said: str) -> None:
    """Commas, quotes, lines and escapes are a text's own business."""
    whole = answer(said, "end")
    rows = list(csv.reader(io.StringIO(csv_of(whole), newline="")))
    assert rows in ([["x"], [said], ["end"]], [["x"], [], ["end"]])
    assert [row["x"] for row in json.loads(json_of(whole))] == [said, "end"]


@pytest.mark.parametrize("said", ["a,b", 'a"b', "a\nb", "a\rb", "\\."])
def test_csv_quotes_where_psql_does(said: str) -> None:
    """Also what would end the data of a COPY."""
    assert csv_of(answer(said)) == f'x\n"{said.replace(chr(34), chr(34) * 2)}"\n'


def test_json_is_exact() -> None:
    """What is exact is a string, unknown is null, times say that they are UTC."""
    whole = answer(Decimal("0.10"), None, AT, timedelta(seconds=1.5), 0.25, 7, ["a", None])
    assert [row["x"] for row in json.loads(json_of(whole))] == [
        "0.10",
        None,
        "2026-11-28T14:02:03.120000Z",
        1.5,
        0.25,
        7,
        ["a", None],
    ]


def test_a_table_is_short() -> None:
    """Thousands are set apart, floats have four digits, a dash is unknown."""
    assert shown(answer(Decimal("1234.50"), None, kind="numeric")) == ["1,234.50", "-"]
    assert shown(answer(0.123456, 12345.6, kind="float8")) == ["0.1235", "12,346"]
    assert shown(answer(1234567, True)) == ["1,234,567", "yes"]
    spans = [timedelta(seconds=s) for s in (4.25, 125, 7500, 190_000, -5)]
    assert shown(answer(*spans)) == ["4.250 s", "2m 05s", "2h 05m", "2d 04h", "-5.000 s"]


def test_times_of_a_column_are_told_alike() -> None:
    """With milliseconds if one of them has any."""
    whole = AT.replace(microsecond=0)
    assert shown(answer(whole)) == ["2026-11-28 14:02:03"]
    assert shown(answer(whole, AT)) == ["2026-11-28 14:02:03.000", "2026-11-28 14:02:03.120"]


def test_a_text_does_not_steer_the_terminal() -> None:
    """Neither by escapes nor by what Rich takes for markup."""
    assert shown(answer("\x1b[31m[red]x", "a\nb")) == ["\\x1b[31m[red]x", "a\\nb"]


def test_what_is_too_wide_is_told_line_by_line() -> None:
    """The same cells, a gap between the rows."""
    console = Console(width=40, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(blocks_of(answer(Decimal("1.50"), None)))
    assert [line.split() for line in capture.get().splitlines()] == [["x", "1.50"], [], ["x", "-"]]
