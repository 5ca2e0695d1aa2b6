"""Whatever is wrong is told in one form, and never with what was sent."""

from pathlib import Path

import pytest
import structlog
from tests.support.api import Served, an_api
from tests.support.asking import Answer, ask

from tidegauge.faces.api.problems import problem_body


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """An API."""
    return an_api(tmp_path)


def told(answer: Answer) -> None:
    """Assert that an answer is a problem."""
    assert answer.header("content-type") == "application/problem+json"
    said = answer.json
    assert said["status"] == answer.status
    assert said["type"] == "about:blank"
    assert said["title"]
    assert said["detail"]


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/nothing", 404),
        ("PUT", "/things", 405),
        ("GET", "/unset", 503),
        ("GET", "/crash", 500),
        ("GET", "/things/x", 422),
        ("GET", "/things/1?share=x", 422),
        ("GET", "/docs/other.js", 422),
    ],
)
async def test_an_error_is_a_problem(served: Served, method: str, url: str, status: int) -> None:
    """Of every kind that a route, or none, can give."""
    with structlog.testing.capture_logs():
        answer = await ask(served.app, method, url, served.operator)
    assert answer.status == status
    told(answer)


async def test_what_an_operator_can_put_right_says_how(served: Served) -> None:
    """The detail is the sentence a command would print."""
    answer = await ask(served.app, "GET", "/unset", served.reader)
    assert answer.json["detail"] == "The database is away. Start it"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["body"]),
        (b"{", ["body"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b"{}", ["comment"]),
        (b'{"comment": 1, "times": "x"}', ["comment", "times"]),
        (b'{"comment": "\\ud800"}', ["comment"]),
        (b'{"comment": "a", "times": NaN}', ["times"]),
        (b'{"comment": "' + b"x" * 101 + b'"}', ["comment"]),
    ],
)
async def test_the_field_at_fault_is_named(served: Served, body: bytes, fields: list[str]) -> None:
    """By the name under which it was sent."""
    answer = await ask(served.app, "POST", "/things", served.operator, body=body)
    assert answer.status == 422
    told(answer)
    assert [each["field"].split(".")[0] for each in answer.json["errors"]] == fields


async def test_what_is_no_json_is_told_where(served: Served) -> None:
    """And nothing of it is told back."""
    answer = await ask(served.app, "POST", "/things", served.operator, body=b'{"comment": x}')
    (error,) = answer.json["errors"]
    assert (error["field"], error["message"]) == (
        "body",
        "This is no JSON at character 12: Expecting value",
    )


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b"9" * 60_000, b'{"comment": "\xff"}', b"\x00", b'{"a":' * 10_000]
)
async def test_what_cannot_be_read_is_no_crash(served: Served, body: bytes) -> None:
    """Depth and digits without end included."""
    answer = await ask(served.app, "POST", "/things", served.operator, body=body)
    assert answer.status in (400, 422)
    told(answer)


async def test_a_body_that_is_no_json_is_told_what_it_should_be(served: Served) -> None:
    """It is what `curl --data` sends by itself."""
    form = {**served.operator, "content-type": "application/x-www-form-urlencoded"}
    answer = await ask(served.app, "POST", "/things", form, body=b'{"comment": "x"}')
    assert answer.status == 415
    told(answer)
    assert "application/json" in answer.json["detail"]


async def test_what_was_sent_is_not_told_back(served: Served) -> None:
    """It may be a secret in the wrong place."""
    canary = "canary-7f3a"
    body = f'{{"comment": ["{canary}"], "times": "{canary}"}}'.encode()
    posted = await ask(served.app, "POST", "/things", served.operator, body=body)
    asked = await ask(served.app, "GET", f"/things/{canary}?share={canary}", served.reader)
    for answer in (posted, asked):
        assert answer.status == 422
        assert canary.encode() not in answer.body


def test_text_that_has_no_encoding_is_told_all_the_same() -> None:
    """A lone surrogate comes from bytes that were no text."""
    assert b"a?" in problem_body(400, "a\udcff", [("\ud800", "b")])
