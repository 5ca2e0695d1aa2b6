"""Decoding: whatever is wrong with a frame is a malformed frame."""

import msgspec
import pytest

from tidegauge.core.errors import MalformedFrame
from tidegauge.wire.decode import (
    FrameDecoder,
    Levels,
    Millis,
    UpdateId,
    encode,
    millis_text,
    nanos,
    number_text,
)


class Update(msgspec.Struct):
    u: UpdateId
    b: Levels
    t: Millis = 0


decode = FrameDecoder(Update)


def test_a_frame_is_read_into_its_type_with_the_numbers_as_written() -> None:
    """Unknown fields are passed over; level text keeps every digit."""
    update = decode('{"u":7,"b":[["0.10","1.500"]],"new":{"x":[1]}}')
    assert update == Update(u=7, b=[("0.10", "1.500")])


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "nonsense",
        "[]",
        "null",
        '{"b":[]}',
        '{"u":"7","b":[]}',
        '{"u":7.5,"b":[]}',
        '{"u":-1,"b":[]}',
        '{"u":1e999,"b":[]}',
        '{"u":NaN,"b":[]}',
        '{"u":true,"b":[]}',
        '{"u":9223372036854775808,"b":[]}',
        '{"u":7,"b":[["1"]]}',
        '{"u":7,"b":[["1","2","3"]]}',
        '{"u":7,"b":[[1,2]]}',
        '{"u":7,"b":[],"t":99999999999999}',
        '{"u":7,"b":[]} and more',
        '{"u":7,"b":[["\\ud800","1"]]}',
        "\ud800",
        b"\xff\xfe",
        b'{"u":7,"b":[["\xff","1"]]}',
        b'{"u":7,"b":[],"x":' + b"[" * 100_000,
    ],
)
def test_whatever_is_wrong_is_a_malformed_frame(frame: str | bytes) -> None:
    """Bad JSON, bad UTF-8, a missing field, a wrong type, an absurd number, too deep a nest."""
    with pytest.raises(MalformedFrame):
        decode(frame)


def test_the_error_shows_how_the_frame_begins_and_no_more() -> None:
    """A five-megabyte frame must not end up in a log line."""
    with pytest.raises(MalformedFrame) as raised:
        decode('{"u":' + "x" * 5_000_000)
    assert len(str(raised.value)) < 300


def test_times_become_nanoseconds() -> None:
    """From numbers, and from the text some venues put them in."""
    assert nanos(1_672_304_484_978) == 1_672_304_484_978_000_000
    assert millis_text("1672304484978") == 1_672_304_484_978


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "١٢", "9" * 14, " 1"])
def test_a_time_that_is_none_is_malformed(text: str) -> None:
    """Only plain digits, and not too many."""
    with pytest.raises(MalformedFrame):
        millis_text(text)


class Quote(msgspec.Struct):
    px: msgspec.Raw


@pytest.mark.parametrize("text", ["0.00005100", "1.0e-4", "2.2E3", "7", "-0.0", "0.10"])
def test_a_number_is_had_as_it_was_written(text: str) -> None:
    """Digit for digit, zeros and exponent included; a float would lose them."""
    assert number_text(FrameDecoder(Quote)('{"px": ' + text + " }").px) == text


@pytest.mark.parametrize("text", ['"1"', "null", "true", "[1]", "{}"])
def test_what_is_no_number_is_malformed(text: str) -> None:
    """Also a number in quotes: a field that changed its type is to be noticed."""
    with pytest.raises(MalformedFrame):
        number_text(FrameDecoder(Quote)('{"px":' + text + "}").px)


def test_what_is_sent_is_compact() -> None:
    """Some venues limit the bytes of a request."""
    assert encode({"op": "ping", "args": ["a"]}) == '{"op":"ping","args":["a"]}'
