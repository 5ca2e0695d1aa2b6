"""Rows of binary COPY, taken apart as PostgreSQL does."""

import struct

from tidegauge.sinks.reading_row import COLUMNS
from tidegauge.sinks.rows import READINGS


def columns_of(row: bytes) -> dict[str, bytes | None]:
    """Take a row apart, as PostgreSQL does."""
    [count] = struct.unpack_from(">h", row)
    assert count == COLUMNS
    place, columns = 2, {}
    for name in READINGS.columns:
        [size] = struct.unpack_from(">i", row, place)
        place += 4
        columns[name] = None if size < 0 else row[place : place + size]
        place += max(size, 0)
    assert place == len(row)
    return columns
