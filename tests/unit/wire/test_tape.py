"""Tape lines: one thing that crossed the wire, as text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.wire.protocol import Fetch, Purpose, Response
from tidegauge.wire.tape import (
    Meta,
    Place,
    TapeKind,
    TapeLine,
    address,
    answer_line,
    answer_of,
    frame_line,
    meta_line,
    parse_line,
    place_of,
    tick_line,
)

TEXTS = st.text(st.characters(codec="utf-8"))


def test_a_line_is_read() -> None:
    """Time, kind, connection and the frame, byte for byte."""
    assert parse_line('17\trecv\twss://venue/ws\t{"a": 1}\n') == TapeLine(
        at=17, kind=TapeKind.RECV, conn="wss://venue/ws", text='{"a": 1}'
    )


def test_an_opened_link_has_no_text() -> None:
    """The fourth column is there, and empty."""
    assert parse_line("17\topen\twss://venue/ws\t\n").text == ""


@given(st.integers(0, 2**63 - 1), st.sampled_from(TapeKind), TEXTS)
def test_what_is_written_is_read_back(at: int, kind: TapeKind, text: str) -> None:
    """For any text that a frame may hold, on one line."""
    line = TapeLine(at=at, kind=kind, conn="wss://venue", text=text)
    assert "\n" not in line.written()
    assert parse_line(line.written() + "\n") == line


@given(st.binary())
def test_a_frame_of_any_bytes_is_given_back(raw: bytes) -> None:
    """What is no text stays bytes, so that a replay refuses it as the monitor did."""
    line = frame_line(1, TapeKind.RECV, "wss://venue", raw)
    frame = parse_line(line.written() + "\n").frame
    assert (frame.encode() if isinstance(frame, str) else frame) == raw


@pytest.mark.parametrize(
    "line",
    [
        "",
        "17\trecv\tonly three",
        "x\trecv\tc\tt",
        "-1\trecv\tc\tt",
        "17\tgot\tc\tt",
        "1.5\trecv\tc\tt",
        "17\trecv+rot13\tc\tt",
        "17\trecv+base64\tc\tt",
        "17\trecv+json\tc\t{}",
    ],
)
def test_any_other_line_is_malformed(line: str) -> None:
    """A torn tape says so."""
    with pytest.raises(MalformedFrame):
        parse_line(line)


def test_links_of_one_address_are_told_apart() -> None:
    """By a fragment, which no venue ever sees."""
    conn = address("wss://api.venue/ws", "venue", "touch", shard="2")
    assert conn == "wss://api.venue/ws#venue/2.touch"
    assert place_of(frame_line(1, TapeKind.RECV, conn)) == Place("venue", "2", "touch")
    assert place_of(frame_line(1, TapeKind.RECV, "wss://api.venue/ws")) is None


def test_ticks_and_meta_lines_belong_to_a_venue_or_to_nobody() -> None:
    """The sampler is no venue's."""
    assert place_of(tick_line(1, "venue")) == Place("venue", "0", "book")
    assert place_of(tick_line(1)) is None
    gap = meta_line(1, Meta.GAP, lines=3)
    assert place_of(gap) is None
    assert gap.facts == {"meta": "gap", "lines": 3}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"meta":1}', "\udcff"])
def test_a_meta_line_that_is_none_is_malformed(text: str) -> None:
    """Whatever is in its place."""
    with pytest.raises(MalformedFrame):
        _ = TapeLine(at=1, kind=TapeKind.META, conn="", text=text).facts


@given(
    st.sampled_from(Purpose),
    st.lists(st.tuples(TEXTS.filter(bool), TEXTS)),
    st.one_of(st.none(), TEXTS),
    st.binary(),
    st.one_of(st.none(), st.floats(0, 259_200)),
)
def test_an_answer_is_read_back_with_its_request(
    purpose: Purpose,
    params: list[tuple[str, str]],
    instrument: str | None,
    body: bytes,
    retry_after: float | None,
) -> None:
    """So that it is given to the protocol as it was, whoever asks for what in a replay."""
    fetch = Fetch(
        purpose=purpose, path="/depth", params=tuple(params), instrument=instrument, body=instrument
    )
    response = Response(status=429, body=body, retry_after=retry_after)
    line = answer_line(7, "https://api.venue/", "venue", (fetch, response), shard="1")
    assert line.conn.startswith("https://api.venue/depth")
    assert place_of(line) == Place("venue", "1", "book")
    assert answer_of(parse_line(line.written() + "\n")) == (fetch, response)


def test_an_answer_of_a_plain_tape_does_not_tell_its_request() -> None:
    """It has to be guessed from the address."""
    with pytest.raises(MalformedFrame):
        answer_of(frame_line(1, TapeKind.HTTP, "https://api.venue/depth?symbol=X", "{}"))


@pytest.mark.parametrize("wait", ["inf", "nan", "-1", "1e300"])
def test_a_wait_that_no_time_can_be_reckoned_with_is_damage(wait: str) -> None:
    """On the wire it was bounded; a tape may tell anything."""
    fetch = Fetch(purpose=Purpose.SNAPSHOT, path="/depth", instrument="AAA")
    response = Response(status=429, body=b"", retry_after=5.0)
    line = answer_line(7, "https://api.venue/", "venue", (fetch, response))
    assert answer_of(line)[1].retry_after == 5.0
    with pytest.raises(MalformedFrame):
        answer_of(replace(line, conn=line.conn.replace("retry_after=5.0", f"retry_after={wait}")))
