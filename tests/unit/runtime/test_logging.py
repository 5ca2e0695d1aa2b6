"""Log lines are facts with fields, and no secret is in any of them."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime.logging import LogHandler, Redaction, configure_logging
from tidegauge.runtime.redaction import MASK

CANARY = "canary-7f3a'\\9c"
URL = "postgresql://tide:canary-in-url@db:5432/x"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give the process its logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream() -> io.StringIO:
    """Return where the log goes: JSON lines, one known secret."""
    made = io.StringIO()
    configure_logging(level="info", format="json", secrets=[CANARY], stream=made)
    return made


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def raise_from(error: Exception, cause: Exception | None) -> None:
    raise error from cause


def test_a_line_is_json_with_level_logger_and_utc_time(stream: io.StringIO) -> None:
    """A machine reads it; the time says that it is UTC."""
    structlog.get_logger("tidegauge.feed").warning("feed_resynced", venue="binance", expected=5)
    (line,) = lines(stream)
    assert line["event"] == "feed_resynced"
    assert (line["venue"], line["expected"], line["level"]) == ("binance", 5, "warning")
    assert line["logger"] == "tidegauge.feed"
    assert line["timestamp"].endswith("Z")


def test_context_is_on_every_line_within_it(stream: io.StringIO) -> None:
    """The trace id of a frame follows it."""
    with structlog.contextvars.bound_contextvars(trace="binance/1/7"):
        structlog.get_logger("x").info("book_applied")
    assert lines(stream)[0]["trace"] == "binance/1/7"


def test_the_standard_library_goes_through_the_same_chain(stream: io.StringIO) -> None:
    """A driver that logs the address it could not reach tells no password."""
    logging.getLogger("asyncpg").error("can't reach %s as %s", URL, CANARY, extra={"token": "t1"})
    (line,) = lines(stream)
    assert line["event"] == f"can't reach postgresql://tide:{MASK}@db:5432/x as {MASK}"
    assert line["token"] == MASK
    assert (line["logger"], line["level"]) == ("asyncpg", "error")


def test_no_secret_is_ever_written(stream: io.StringIO) -> None:
    """Not in the event, a field, a key, a nested value, an object's own words, a traceback."""

    class Talkative:
        def __repr__(self) -> str:
            return f"<Talkative {CANARY}>"

    log = structlog.get_logger("x")
    event = f"event {CANARY}"
    log.info(event, field=CANARY, **{f"key {CANARY}": 1})
    log.info("nested", deep={"a": [{"b": (CANARY, {CANARY})}], CANARY: 1}, raw=CANARY.encode())
    log.info("object", thing=Talkative(), error=ValueError(CANARY), password="other")
    log.info("far", deep=[[[[[[[[[CANARY]]]]]]]]], headers={"Authorization": "Bearer abc"})
    try:
        raise_from(RuntimeError(URL), ValueError(CANARY))
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("y").exception("failed too")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn(f"deprecated {CANARY}", stacklevel=1)
    text = stream.getvalue()
    assert len(text.splitlines()) == 7
    for secret in (CANARY, "canary", "other", "Bearer"):
        assert secret not in text
    assert "RuntimeError" in text


@given(
    st.recursive(
        st.sampled_from([CANARY, f"x {CANARY} y", URL, 1, 2.5, None, True, CANARY.encode()]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "token", CANARY]), inner, max_size=3)
            | st.tuples(inner, inner)
        ),
        max_leaves=12,
    )
)
def test_no_shape_of_value_carries_a_secret_through(value: object) -> None:
    """However it is nested, what leaves the redaction is free of it."""
    assert "canary" not in repr(Redaction([CANARY])(None, "info", {"event": "x", "v": value}))


def test_a_short_secret_masks_itself_and_not_the_words_around_it() -> None:
    """A password of `a` must not turn every line into stars."""
    redaction = Redaction(["ab"])
    assert redaction.text("about") == "about"
    assert redaction.text("ab") == MASK


def test_what_json_cannot_say_is_said_in_words(stream: io.StringIO) -> None:
    """NaN, bytes and lone surrogates still make a line that can be read."""
    structlog.get_logger("x").info("odd", nan=float("nan"), raw=b"\xff", text="\ud800")
    (line,) = lines(stream)
    assert line["nan"] == "nan"
    assert line["raw"] == "\ufffd"


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    """Debug is for debugging; libraries are kept to their warnings."""
    structlog.get_logger("x").debug("quiet")
    logging.getLogger("websockets").info("chatter")
    logging.getLogger("websockets").warning("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]


def test_setting_up_again_takes_the_place_of_the_old_set_up(stream: io.StringIO) -> None:
    """A line is written once."""
    second = io.StringIO()
    configure_logging(format="json", stream=second)
    structlog.get_logger("x").info("once")
    assert stream.getvalue() == ""
    assert len(lines(second)) == 1


def test_a_terminal_gets_lines_for_people() -> None:
    """`auto` looks at the stream; secrets and control characters are no less kept out."""
    stream = Terminal()
    configure_logging(format="auto", secrets=[CANARY], stream=stream)
    structlog.get_logger("x").info("feed\x1b[2J_lost", venue="a\nb", why=CANARY)
    try:
        raise_from(ValueError(CANARY), None)
    except ValueError:
        structlog.get_logger("x").exception("failed")
    text = stream.getvalue()
    assert "\\x1b[2J" in text
    assert "a\\nb" in text
    assert "canary" not in text
    assert "\n  File " in text


def test_a_stream_that_is_no_terminal_gets_json() -> None:
    """`auto` in a container."""
    stream = io.StringIO()
    configure_logging(stream=stream)
    structlog.get_logger("x").info("started")
    assert lines(stream)[0]["event"] == "started"


def test_a_line_that_cannot_be_written_shows_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The standard handler would print the raw arguments, and with them the secret."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, f"No space left: {CANARY}")

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    for stream in (Full(), Gone()):
        configure_logging(format="json", stream=stream)
        logging.getLogger("x").error("password is %s", CANARY)
    assert shown.getvalue() == "log line lost: OSError\n"
    LogHandler(io.StringIO()).handleError(logging.makeLogRecord({}))
