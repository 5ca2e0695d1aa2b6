"""The quick way to a row, held against the plain one."""

import struct

import pytest
from hypothesis import given, settings
from msgspec import structs
from tests.support.copied_rows import columns_of
from tests.support.database import a_reading
from tests.support.odd_readings import readings

from tidegauge.core.reading import Reading
from tidegauge.sinks.reading_row import COLUMNS, reading_row
from tidegauge.sinks.series import Series, asked_of
from tidegauge.sinks.unrolled import quick_encoder


@settings(max_examples=200, deadline=None)
@given(readings() | readings(wide=True))
def test_the_quick_way_makes_the_same_bytes(reading: Reading) -> None:
    """Or says that it does not know."""
    series = Series.of(reading, "run-1")
    quick = quick_encoder(len(reading.bands), len(reading.fills), len(reading.max_sizes))
    prefix = struct.pack(">hiq", COLUMNS, 8, series.id)
    try:
        row = quick(reading, reading.origin, asked_of(reading), prefix)
    except struct.error:
        assert columns_of(reading_row(reading, series.id))["wide"] is not None
        return
    if row is None:
        unknown = (reading.imbalance, reading.origin.latency, reading.origin.venue_time)
        assert None in unknown
    else:
        assert row == reading_row(reading, series.id)


def test_a_reading_of_other_parts_is_not_taken() -> None:
    """The function is made for so many bands; another number of them is another function's."""
    good = a_reading()
    quick = quick_encoder(len(good.bands), len(good.fills), len(good.max_sizes))
    assert quick is quick_encoder(len(good.bands), len(good.fills), len(good.max_sizes))
    with pytest.raises(ValueError, match="unpack"):
        quick(structs.replace(good, bands=good.bands[:1]), good.origin, asked_of(good), bytes(14))
