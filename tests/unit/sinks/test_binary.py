"""PostgreSQL's binary COPY format, against the manual's own words."""

import struct

import pytest

from tidegauge.sinks.binary import (
    HEADER,
    INT8,
    NULL,
    TRAILER,
    Y2000,
    array,
    bits,
    float8,
    int4,
    int8,
    numeric,
    timestamptz,
)


def test_the_frame_of_a_copy_is_the_manuals() -> None:
    """Signature, flags, extension; an int16 of -1."""
    assert b"PGCOPY\n\377\r\n\0" + bytes(8) == HEADER
    assert (-1).to_bytes(2, "big", signed=True) == TRAILER


def test_bits_stand_from_the_left() -> None:
    """As B'0100000001' does."""
    flags = [False, True, *[False] * 7, True]
    assert bits(flags) == struct.pack(">iiBB", 6, 10, 0b01000000, 0b01000000)
    assert bits([]) == struct.pack(">ii", 4, 0)


def test_numerics_are_digits_of_ten_thousand() -> None:
    """Zero has none; the sign stands apart."""
    assert numeric(0) == struct.pack(">iHhHH", 8, 0, 0, 0, 0)
    assert numeric(-12_3456_0001) == struct.pack(">iHhHHHHH", 14, 3, 2, 0x4000, 0, 12, 3456, 1)


def test_numbers_come_with_their_length_and_unknown_is_none() -> None:
    """Big-endian; a null is a length of -1 and nothing."""
    assert int4(7) == struct.pack(">ii", 4, 7)
    assert int8(-7) == struct.pack(">iq", 8, -7)
    assert float8(0.5) == struct.pack(">id", 8, 0.5)
    assert int8(None) == float8(None) == timestamptz(None) == NULL == struct.pack(">i", -1)
    with pytest.raises(struct.error):
        int8(2**63)


def test_a_time_is_the_microsecond_below_since_2000() -> None:
    """No float on the way."""
    assert timestamptz(Y2000 + 1_999) == int8(1)
    assert timestamptz(Y2000 - 1) == int8(-1)


def test_an_array_says_how_many_and_of_what() -> None:
    """One dimension from 1; an empty one has none."""
    assert array(INT8, []) == struct.pack(">iiii", 12, 0, 0, INT8)
    found = array(INT8, [int8(5), NULL])
    assert found == struct.pack(">iiiiiiiqi", 36, 1, 1, INT8, 2, 1, 8, 5, -1)
