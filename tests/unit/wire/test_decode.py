"""Decoding: whatever is wrong with a frame is a malformed frame."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    request_number,
    rfc3339,
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


@pytest.mark.parametrize(
    ("text", "nanos_since_1970"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-04-07T14:30:00.123456789Z", 1_775_572_200_123_456_789),
        ("2026-04-07T14:30:00.45Z", 1_775_572_200_450_000_000),
        ("2026-04-07 14:30:00.000001+00:00", 1_775_572_200_000_001_000),
        ("2026-04-07T16:30:00+02:00", 1_775_572_200_000_000_000),
        ("2026-04-07T09:00:00-05:30", 1_775_572_200_000_000_000),
        ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999_999_999),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, nanos_since_1970: int) -> None:
    """All nine digits; fewer are not a smaller number."""
    assert rfc3339(text) == nanos_since_1970


@given(at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2262, 1, 1)))  # noqa: DTZ001
def test_a_time_agrees_with_pythons_own_reading(at: datetime) -> None:
    """As far as that goes, which is to the microsecond."""
    whole = at.replace(tzinfo=UTC)
    expected = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert rfc3339(at.isoformat() + "Z") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-04-07T14:30:00",
        "2026-04-07T14:30:00.Z",
        "2026-04-07T14:30:00.1234567890Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "2026-04-07T14:30:00Z and more",
        "٢٠٢٦-04-07T14:30:00Z",
        "1775572200",
    ],
)
def test_what_is_no_time_is_malformed(text: str) -> None:
    """Nor a time that would not fit the database."""
    with pytest.raises(MalformedFrame):
        rfc3339(text)


@pytest.mark.parametrize(
    ("text", "number"), [("17", 17), ("", 0), ("x7", 0), ("-1", 0), ("\u0663", 0), ("9" * 5000, 0)]
)
def test_the_number_of_a_request_is_ours_or_none(text: str, number: int) -> None:
    """An answer may hold anything there, and so many digits that Python would not read them."""
    assert request_number(text) == number


def test_what_is_sent_is_compact() -> None:
    """Some venues limit the bytes of a request."""
    assert encode({"op": "ping", "args": ["a"]}) == '{"op":"ping","args":["a"]}'
