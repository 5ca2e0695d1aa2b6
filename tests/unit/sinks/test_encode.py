"""Readings become rows of bytes."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import a_poisonous_reading, a_reading
from tests.support.odd_readings import readings

from tidegauge.core.reading import Reading, Scales
from tidegauge.sinks.encode import SERIES_KEPT, UNWRITABLE, ReadingEncoder
from tidegauge.sinks.reading_row import reading_row
from tidegauge.sinks.series import Series
from tidegauge.sinks.slips import READING, Slip


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
    _series, row = ReadingEncoder("run-1").encode(a_reading())
    entry = Slip(READING, 5, row)
    assert len(row) < 900
    assert sys.getsizeof(row) + sys.getsizeof(entry) + sys.getsizeof(2**40) < 1000
