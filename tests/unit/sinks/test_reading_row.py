"""What the row of a reading is."""

from hypothesis import given
from msgspec import structs
from tests.support.copied_rows import columns_of
from tests.support.database import a_reading
from tests.support.odd_readings import readings

from tidegauge.core.reading import Reading
from tidegauge.sinks.reading_row import (
    TOUCH,
    exact_integers,
    flags_of,
    reading_row,
    taken_at,
)
from tidegauge.sinks.table import instant


@given(readings())
def test_a_row_has_every_column(reading: Reading) -> None:
    """As many as it says, none too short, in the order of the table."""
    columns = columns_of(reading_row(reading, 77))
    assert columns["series"] == (77).to_bytes(8, "big")
    assert columns["recv_ns"] == reading.origin.received_at.to_bytes(8, "big")
    assert (columns["latency_ns"] is None) is (reading.origin.latency is None)
    whole = all(fill.filled for fill in reading.fills)
    assert (columns["fill_fraction"] is None) is whole


def test_an_integer_that_no_bigint_holds_makes_the_whole_row_wide() -> None:
    """All exact numbers then go into one column; none is lost, none stands twice."""
    huge = structs.replace(a_reading(), bid_units=2**63)
    columns = columns_of(reading_row(huge, 1))
    assert columns["wide"] is not None
    assert columns["bid_units"] is columns["band_units"] is columns["max_units"] is None
    assert columns_of(reading_row(a_reading(), 1))["wide"] is None


def test_the_exact_numbers_come_touch_first() -> None:
    """Then bands, worst prices and largest sizes: the views count on it."""
    reading = a_reading()
    exact = exact_integers(reading)
    assert exact[:TOUCH] == [
        reading.bid_ticks, reading.bid_units, reading.ask_ticks, reading.ask_units,
    ]  # fmt: skip
    count = TOUCH + 4 * len(reading.bands) + len(reading.fills) + len(reading.max_sizes)
    assert len(exact) == count


def test_flags_tell_floors_and_parts() -> None:
    """Two a band, one a fill of each kind, one a size."""
    reading = a_reading()
    floors, partial, fill_floors, size_floors = flags_of(reading)
    assert floors[:2] == (not reading.bands[0].bid_complete, not reading.bands[0].ask_complete)
    assert partial == tuple(not fill.filled for fill in reading.fills)
    assert (len(fill_floors), len(size_floors)) == (len(reading.fills), len(reading.max_sizes))


@given(readings() | readings(wide=True))
def test_a_row_tells_its_time(reading: Reading) -> None:
    """By its bytes alone: the day it goes into is known without taking it apart."""
    assert taken_at(reading_row(reading, 1)) == instant(reading.origin.received_at)
