"""Tape lines: one thing that crossed the wire, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.wire.tape import TapeKind, TapeLine, parse_line


def test_a_line_is_read() -> None:
    """Time, kind, connection and the frame, byte for byte."""
    assert parse_line('17\trecv\twss://venue/ws\t{"a": 1}\n') == TapeLine(
        at=17, kind=TapeKind.RECV, conn="wss://venue/ws", text='{"a": 1}'
    )


def test_an_opened_link_has_no_text() -> None:
    """The fourth column is there, and empty."""
    assert parse_line("17\topen\twss://venue/ws\t\n").text == ""


@given(
    st.integers(0, 2**63 - 1),
    st.sampled_from(TapeKind),
    st.text(st.characters(exclude_characters="\t\r\n")),
)
def test_what_is_written_is_read_back(at: int, kind: TapeKind, text: str) -> None:
    """For any text that a frame may hold."""
    line = TapeLine(at=at, kind=kind, conn="wss://venue", text=text)
    assert parse_line(line.written() + "\n") == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "17\trecv\tonly three",
        "x\trecv\tc\tt",
        "-1\trecv\tc\tt",
        "17\tgot\tc\tt",
        "1.5\trecv\tc\tt",
    ],
)
def test_any_other_line_is_malformed(line: str) -> None:
    """A torn tape says so."""
    with pytest.raises(MalformedFrame):
        parse_line(line)
