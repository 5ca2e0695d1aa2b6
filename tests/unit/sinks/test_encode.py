"""Readings become rows of bytes."""

import struct
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import a_poisonous_reading, a_reading
from tests.support.odd_readings import readings

from tidegauge.core.reading import Reading, Scales
from tidegauge.sinks.batch import Measured
from tidegauge.sinks.binary import HEADER, TRAILER, bits, numeric
from tidegauge.sinks.encode import SERIES_KEPT, UNWRITABLE, ReadingEncoder
from tidegauge.sinks.reading_row import COLUMNS, reading_row
from tidegauge.sinks.rows import READINGS, SERIES
from tidegauge.sinks.series import Series, asked_of
from tidegauge.sinks.unrolled import quick_encoder


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


@settings(max_examples=100, deadline=None)
@given(st.lists(readings() | readings(wide=True), max_size=5), st.data())
def test_any_order_of_readings_makes_the_same_rows(
    found: list[Reading], data: st.DataObject
) -> None:
    """Whatever an encoder remembers, each row is what it is by itself."""
    encoder = ReadingEncoder("run-1")
    for reading in data.draw(st.lists(st.sampled_from(found), max_size=20)) if found else ():
        series, row = encoder.encode(reading)
        assert series.id == Series.of(reading, "run-1").id
        assert row == reading_row(reading, series.id)


@given(readings())
def test_a_row_has_every_column(reading: Reading) -> None:
    """As many as it says, none too short, in the order of the table."""
    columns = columns_of(reading_row(reading, 77))
    assert columns["series"] == (77).to_bytes(8, "big")
    assert columns["recv_ns"] == reading.origin.received_at.to_bytes(8, "big")
    assert (columns["latency_ns"] is None) is (reading.origin.latency is None)
    whole = all(fill.filled for fill in reading.fills)
    assert (columns["fill_fraction"] is None) is whole


def test_a_series_is_itself_by_all_that_is_in_it() -> None:
    """Run, book, instrument, scales, and every thing that was asked; not by what was measured."""
    good = a_reading()
    origin = good.origin
    fill, size, band = good.fills[0], good.max_sizes[0], good.bands[0]
    others = [
        structs.replace(good, origin=structs.replace(origin, venue="bybit")),
        structs.replace(good, origin=structs.replace(origin, symbol="ETHUSDT")),
        structs.replace(good, origin=structs.replace(origin, instrument="BTC-USDT")),
        structs.replace(good, bands=()),
        structs.replace(good, bands=(structs.replace(band, bps=11), *good.bands[1:])),
        structs.replace(good, fills=(structs.replace(fill, notional=Decimal(5)), *good.fills[1:])),
        structs.replace(good, fills=good.fills[::-1]),
        structs.replace(good, max_sizes=(structs.replace(size, scale=7), good.max_sizes[1])),
    ]
    ids = {Series.of(each, "run-1").id for each in [good, *others]}
    ids.add(Series.of(good, "run-2").id)
    assert len(ids) == 10
    later = structs.replace(good, bid_ticks=1, origin=structs.replace(origin, epoch=9, frame=9))
    assert Series.of(later, "run-1").id in ids
    assert all(0 <= each < 2**63 for each in ids)
    assert len(Series.of(good, "run-1").row) == len(SERIES.columns)


def test_another_series_is_seen_at_once() -> None:
    """A size that changes at midnight, a scale that is refined: never told under the old one."""
    good, encoder = a_reading(), ReadingEncoder("run-1")
    first, _row = encoder.encode(good)
    assert encoder.encode(a_reading(2))[0] is first
    scales = Scales(price=3, base=8, quote=11)
    finer = structs.replace(
        good,
        scales=scales,
        bands=tuple(structs.replace(band, scales=scales) for band in good.bands),
        fills=tuple(structs.replace(fill, scales=scales) for fill in good.fills),
    )
    second, row = encoder.encode(finer)
    assert second.scales == scales
    assert encoder.encode(finer) == (second, row)
    assert encoder.encode(good)[0] is first
    for bps in range(1, 2 * SERIES_KEPT):
        band = structs.replace(good.bands[0], bps=bps)
        assert encoder.encode(structs.replace(good, bands=(band,)))[0].bands == (bps,)
    assert encoder.encode(good)[0].id == first.id


def test_parts_that_count_in_other_scales_are_refused() -> None:
    """A number is never stored under a scale that is not its own."""
    good, encoder = a_reading(), ReadingEncoder("run-1")
    encoder.encode(good)
    strange = structs.replace(good.bands[0], scales=Scales(1, 1, 1))
    costly = structs.replace(good.fills[0], scales=Scales(1, 1, 1))
    for wrong in (
        structs.replace(good, bands=(strange, *good.bands[1:])),
        structs.replace(good, fills=(costly, *good.fills[1:])),
    ):
        with pytest.raises(ValueError, match="other scales"):
            encoder.encode(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        a_poisonous_reading(1),
        structs.replace(a_reading(), bid_levels=2**31),
        structs.replace(a_reading(), imbalance="much"),
        structs.replace(a_reading(), bands=None),
        structs.replace(a_reading(), bid_ticks=0.5),
        structs.replace(a_reading(), origin=None),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_what_no_row_can_hold_is_refused(wrong: Any, *, warm: bool) -> None:
    """First of its book or not."""
    encoder = ReadingEncoder("run-1")
    if warm:
        encoder.encode(a_reading())
    with pytest.raises(UNWRITABLE):
        encoder.encode(wrong)


def test_a_waiting_reading_is_small() -> None:
    """The bytes of its row and an entry; no tree of objects for the collector to walk."""
    series, row = ReadingEncoder("run-1").encode(a_reading())
    entry = Measured(row, series, 5)
    assert len(row) < 900
    assert sys.getsizeof(row) + sys.getsizeof(entry) + sys.getsizeof(2**40) < 1000


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
