"""What rested between one band and the next is told where both are known."""

from dataclasses import replace
from decimal import Decimal

from tests.support.pictures import NOW

from tidegauge.faces.api.history import _column
from tidegauge.sinks.history import HistoryPoint

POINT = HistoryPoint(
    at=NOW,
    mid=Decimal(100),
    bands={
        "5": (Decimal(50), Decimal(60)),
        "10": (Decimal(80), Decimal(70)),
        "25": (Decimal(90), Decimal(90)),
    },
    slippage={},
)


def test_a_column_tells_what_lies_from_each_band_to_the_next() -> None:
    """From the touch on."""
    column = _column(POINT, [5, 10, 25])
    assert column is not None
    assert column.bids == [Decimal(50), Decimal(30), Decimal(10)]
    assert column.asks == [Decimal(60), Decimal(10), Decimal(20)]


def test_beyond_a_band_that_was_not_measured_then_nothing_is_known_to_the_next() -> None:
    """The bands were set otherwise; the two rings about it are not one."""
    bands = {name: both for name, both in POINT.bands.items() if name != "10"}
    column = _column(replace(POINT, bands=bands), [5, 10, 25])
    assert column is not None
    assert column.bids == [Decimal(50), None, None]


def test_without_a_mid_there_is_no_column() -> None:
    """It would be drawn about nothing."""
    assert _column(replace(POINT, mid=None), [5]) is None
