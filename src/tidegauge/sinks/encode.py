"""Readings become the bytes of their rows, once, as they are submitted."""

import struct
from typing import TypeAlias

from tidegauge.core.instrument import Symbol, VenueName
from tidegauge.core.reading import Reading

from .binary import EIGHT
from .reading_row import COLUMNS, reading_row
from .series import Asked, Series, asked_of
from .unrolled import Quick, quick_encoder

SERIES_KEPT = 16
"""Series remembered of one book: it may alternate between one-sided and quoted."""

UNWRITABLE = (AttributeError, TypeError, ValueError, ArithmeticError, struct.error)
"""What a record that is not what it should be raises on its way to bytes."""

Lane: TypeAlias = tuple[Series, Quick, Asked, bytes]


class ReadingEncoder:
    """Makes rows of the readings of one run, each with the series it belongs to."""

    __slots__ = ("_books", "_lanes", "_run")

    def __init__(self, run: str) -> None:
        self._run = run
        self._lanes: dict[tuple[VenueName, Symbol], Lane] = {}
        self._books: dict[tuple[VenueName, Symbol], dict[Asked, Series]] = {}

    def encode(self, reading: Reading) -> tuple[Series, bytes]:
        """Return a reading's series and its row.

        Raises one of `UNWRITABLE` for a reading that no row can hold.
        """
        origin = reading.origin
        lane = self._lanes.get((origin.venue, origin.symbol))
        if lane is not None:
            series, quick, asked, prefix = lane
            try:
                row = quick(reading, origin, asked, prefix)
            except (ValueError, struct.error):
                row = None
            if row is not None:
                return series, row
        series = self._series_of(reading)
        return series, reading_row(reading, series.id)

    def _series_of(self, reading: Reading) -> Series:
        """Return the series of a reading, and expect the next one to be of it too."""
        book = reading.origin.venue, reading.origin.symbol
        asked = asked_of(reading)
        known = self._books.setdefault(book, {})
        series = known.get(asked)
        if series is None:
            if len(known) >= SERIES_KEPT:
                known.clear()
            series = known[asked] = Series.of(reading, self._run)
        counts = len(reading.bands), len(reading.fills), len(reading.max_sizes)
        prefix = struct.pack(">h4sq", COLUMNS, EIGHT, series.id)
        self._lanes[book] = series, quick_encoder(*counts), asked, prefix
        return series
