"""The mirror holds what the API holds, and says so when it cannot."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.faces.api.patches import patch_of
from tidegauge.faces.dashboard.mirror import Mirror, Misunderstood, instant_of

AT = {"at": "2026-11-28T22:00:00+00:00"}
LEAVES = st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers()))
DOCUMENTS = st.recursive(
    st.dictionaries(st.text(max_size=3), LEAVES, max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=3), inner | LEAVES, max_size=4),
    max_leaves=12,
)


def snapshot(seq: int = 1, **picture: Any) -> str:
    return json.dumps({"type": "snapshot", "seq": seq, "picture": {**AT, **picture}, "ladders": {}})


def patch(seq: int, change: Any) -> str:
    return json.dumps({"type": "patch", "seq": seq, "patch": change})


@given(DOCUMENTS, DOCUMENTS)
def test_any_document_is_made_of_any_other_by_their_difference(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """A snapshot of one and a patch give the other, whatever both hold."""
    mirror = Mirror()
    mirror.hear(snapshot(books=before))
    then = {"picture": {**AT, "books": after}, "ladders": {}}
    assert mirror.document is not None
    assert mirror.hear(patch(2, patch_of(mirror.document, then)))
    assert mirror.document == then


def test_what_a_patch_does_not_name_stays_the_very_same() -> None:
    """So that records of it need not be read again."""
    mirror = Mirror()
    mirror.hear(snapshot(books={"a": {"x": 1}, "b": {"y": 2}}))
    assert mirror.document is not None
    kept = mirror.document["picture"]["books"]["a"]
    mirror.hear(patch(2, {"picture": {"books": {"b": {"y": None}}}}))
    assert mirror.document["picture"]["books"] == {"a": {"x": 1}, "b": {}}
    assert mirror.document["picture"]["books"]["a"] is kept


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        (["nonsense"], "no JSON object"),
        (["[1, 2]"], "no JSON object"),
        ([patch(1, {})], "patch 1 after 0"),
        ([snapshot(), patch(3, {})], "patch 3 after 1"),
        ([snapshot(), patch(2, [1])], "a patch that is none"),
        ([snapshot(), patch(2, {"picture": None})], "without its time"),
        ([snapshot(), patch(2, {"ladders": 7})], "a ladders that is no object"),
        ([json.dumps({"type": "snapshot", "picture": AT})], "without its number"),
        ([json.dumps({"type": "hello"})], "unknown type 'hello'"),
        (
            [json.dumps({"type": "snapshot", "seq": 1, "picture": {"at": "late"}})],
            "without its time",
        ),
    ],
)
def test_what_cannot_be_understood_is_told(messages: list[str], why: str) -> None:
    """Each message that docs/api.md does not allow has its own complaint."""
    mirror = Mirror()
    for each in messages[:-1]:
        mirror.hear(each)
    with pytest.raises(Misunderstood, match=why):
        mirror.hear(messages[-1])


def test_a_problem_of_the_api_changes_nothing_and_is_kept() -> None:
    """The API says that it did not understand us; what is shown stays."""
    mirror = Mirror()
    mirror.hear(snapshot())
    before = mirror.document
    assert not mirror.hear(json.dumps({"type": "problem", "detail": "not a subscription"}))
    assert mirror.problem == "not a subscription"
    assert mirror.document is before


@pytest.mark.parametrize("text", [None, 3, "", "2026-11-28T22:00:00", "yesterday"])
def test_an_instant_needs_its_zone(text: Any) -> None:
    """A time that could be of anywhere is none."""
    assert instant_of(text) is None
