"""What a run of readings has in common."""

from decimal import Decimal

import pytest
from msgspec import structs
from tests.support.database import a_reading

from tidegauge.core.reading import Scales
from tidegauge.sinks.rows import SERIES
from tidegauge.sinks.series import Series, asked_of


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


def test_what_was_asked_tells_series_of_one_book_apart() -> None:
    """And is the same for every reading of one."""
    good = a_reading()
    assert asked_of(good) == asked_of(a_reading(2))
    wider = structs.replace(good.bands[0], bps=11)
    assert asked_of(structs.replace(good, bands=(wider, *good.bands[1:]))) != asked_of(good)


def test_a_reading_in_several_scales_belongs_to_no_series() -> None:
    """Its integers could not be told."""
    good = a_reading()
    strange = structs.replace(good.bands[0], scales=Scales(1, 1, 1))
    with pytest.raises(ValueError, match="other scales"):
        Series.of(structs.replace(good, bands=(strange,)), "run-1")
