"""A patch makes the next document of the last, whatever they are; what is unknown is not in either."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.faces.api.patches import document_of, patch_of, patched

LEAVES = st.one_of(
    st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=3)
)
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        LEAVES,
        lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_second_of_the_first(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Whatever two documents, and the first stays as it was."""
    kept = repr(before)
    assert patched(before, patch_of(before, after)) == after
    assert repr(before) == kept


@given(DOCUMENTS)
def test_of_equal_documents_the_patch_is_empty(document: dict[str, Any]) -> None:
    """Nothing is sent for nothing."""
    assert patch_of(document, dict(document)) == {}


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_who_reads_late_gets_there_in_one_step(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    """What a slow reader is sent holds everything since the last it read."""
    by_steps = patched(patched(first, patch_of(first, second)), patch_of(second, third))
    assert by_steps == patched(first, patch_of(first, third)) == third


def test_only_what_changed_is_in_a_patch() -> None:
    """By the example of RFC 7386."""
    before = {"a": {"x": 1, "y": {"z": 2}}, "b": [1, 2]}
    after = {"a": {"x": 1, "y": {"z": 3}}, "c": "new"}
    assert patch_of(before, after) == {"a": {"y": {"z": 3}}, "b": None, "c": "new"}


@dataclass(frozen=True)
class _Record:
    at: datetime
    price: Decimal
    unknown: float | None
    inside: tuple[dict[str, int | None], ...]


def test_a_record_is_told_exactly_and_without_what_is_unknown() -> None:
    """Decimals as text, times in UTC; a null would take a value away."""
    record = _Record(
        at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        price=Decimal("0.10000000000000000001"),
        unknown=None,
        inside=({"a": 1, "b": None},),
    )
    assert document_of(record) == {
        "at": "2026-01-02T03:04:05.000006Z",
        "price": "0.10000000000000000001",
        "inside": [{"a": 1}],
    }
