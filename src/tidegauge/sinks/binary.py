"""PostgreSQL's binary COPY format: the PostgreSQL manual, "COPY", section "Binary Format".

Big-endian throughout. A row is an int16 count of columns, then each column as an int32 length (-1:
null) and that many bytes, in which the receive function of its type (named below) reads it.
"""

import struct
from collections.abc import Iterable, Sequence

from tidegauge.core.instrument import Nanos

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The signature, no flags, no extension."""

TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
EIGHT = b"\0\0\0\x08"
"""The length of an int8, a float8 or a timestamptz."""

FOUR = b"\0\0\0\x04"
INT8, FLOAT8, NUMERIC = 20, 701, 1700
"""OIDs of `pg_type`."""

Y2000: Nanos = 946_684_800_000_000_000
"""The zero of a timestamptz, which counts microseconds."""


def int4(value: int) -> bytes:
    """`int4recv`. Raises `struct.error` when it does not fit."""
    return struct.pack(">4si", FOUR, value)


def int8(value: int | None) -> bytes:
    """`int8recv`. Raises `struct.error` when it does not fit."""
    return NULL if value is None else struct.pack(">4sq", EIGHT, value)


def float8(value: float | None) -> bytes:
    """`float8recv`."""
    return NULL if value is None else struct.pack(">4sd", EIGHT, value)


def timestamptz(nanos: Nanos | None) -> bytes:
    """`timestamptz_recv`: the microsecond below, without going through a float."""
    return int8(None if nanos is None else (nanos - Y2000) // 1000)


def bits(flags: Sequence[bool]) -> bytes:
    """`varbit_recv`: how many, then the bits from the left, the last byte filled up with zeros."""
    size = (len(flags) + 7) // 8
    number = 0
    for flag in flags:
        number = number << 1 | flag
    padded = number << (8 * size - len(flags))
    return struct.pack(">ii", 4 + size, len(flags)) + padded.to_bytes(size, "big")


def array(oid: int, elements: Iterable[bytes]) -> bytes:
    """`array_recv`: of elements that are encoded already."""
    items = list(elements)
    if not items:
        return struct.pack(">iiii", 12, 0, 0, oid)
    body = b"".join(items)
    return array_head(oid, len(items), len(body), nulls=NULL in items) + body


def array_head(oid: int, count: int, body: int, *, nulls: bool = False) -> bytes:
    """Length, one dimension, whether there are nulls, type, `count`, and the lower bound 1."""
    return struct.pack(">iiiiii", 20 + body, 1, nulls, oid, count, 1)


def numeric(value: int | None) -> bytes:
    """`numeric_recv`: count of digits to base 10,000, weight of the first, sign, scale, digits."""
    if value is None:
        return NULL
    digits: list[int] = []
    rest = abs(value)
    while rest:
        rest, digit = divmod(rest, 10_000)
        digits.append(digit)
    digits.reverse()
    count = len(digits)
    sign = 0x4000 if value < 0 else 0
    weight = max(count - 1, 0)
    return struct.pack(f">iHhHH{count}H", 8 + 2 * count, count, weight, sign, 0, *digits)
