"""Statements: run with their values beside them, shown with the same values written in."""

from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.sinks.postmortem.statement import literal, statement

NAMES = sorted(
    each.name.removesuffix(".sql")
    for each in files("tidegauge.sinks.postmortem.sql").iterdir()
    if each.name.endswith(".sql")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_its_type_and_its_number(name: str) -> None:
    """A statement says what it is for, and leaves no name in what is run."""
    found = statement(name)
    assert found.says
    assert found.order
    assert ":'" not in found.numbered
    for place in range(1, len(found.order) + 1):
        assert f"${place}::" in found.numbered


def test_hours_are_read_as_minutes_are() -> None:
    """One text for both: an hour's row stands in the middle of its hour."""
    hours = statement("readings_hours").text
    assert "v_hours" in hours
    assert "interval '30 minutes'" in hours
    assert "v_minutes" not in hours


def test_a_name_in_a_comment_or_a_literal_is_none() -> None:
    """Only what psql would put in is put in."""
    found = statement("events")
    given = {name: name for name in found.order}
    assert found.written_out(given).endswith(";")
    assert "'symbol'::text" in found.written_out(given)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (True, "true"),
        (7, "'7'"),
        (Decimal("0.10"), "'0.10'"),
        ("it's", "'it''s'"),
        ("a\\'b", "E'a\\\\''b'"),
        ("nul\0", "'nul'"),
        (["a", "b'c"], "ARRAY['a', 'b''c']"),
        (datetime(2026, 11, 28, 12, tzinfo=UTC), "'2026-11-28 12:00:00+00:00'"),
    ],
)
def test_a_value_is_written_as_a_literal(value: object, written: str) -> None:
    """Quotes and backslashes are the value's own."""
    assert literal(value) == written


@given(st.text())
def test_no_text_ends_its_literal(text: str) -> None:
    """Taken apart as PostgreSQL does, it is the same text again."""
    found = literal(text)
    body = found.removeprefix("E")[1:-1].replace("''", "'")
    assert "'" not in found.removeprefix("E")[1:-1].replace("''", "")
    again = body.replace("\\\\", "\\") if found.startswith("E") else body
    assert again == text.replace("\0", "")


def test_what_has_no_literal_is_refused() -> None:
    """A float among the parameters would be a figure that was rounded."""
    with pytest.raises(TypeError):
        literal(1.5)
