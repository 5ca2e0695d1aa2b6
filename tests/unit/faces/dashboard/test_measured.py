"""What is measured of a book, and how it was lately."""

from datetime import timedelta

import pytest
from tests.support.pictured import INPUTS, WHY
from tests.support.scenes import AT, document_at, scene_at

from tidegauge.faces.dashboard.cells import TICKS, text_of, width_of
from tidegauge.faces.dashboard.measured import measure_lines
from tidegauge.faces.dashboard.memory import Trends
from tidegauge.faces.dashboard.viewer import Viewer


@pytest.mark.parametrize("width", [24, 39, 80, 120])
def test_every_size_band_and_z_has_its_line(width: int) -> None:
    """In any width; a narrow one has no room for sparklines."""
    lines = measure_lines(scene_at(), "binance", Trends(), width)
    assert all(width_of(each) <= max(width, 40) for each in lines)
    shown = text_of(lines)
    for name in ("100k", "500k", "1M", "10 bps", "50 bps", "100 bps", "≥", *INPUTS):
        assert name.replace("_", " ") in shown


def test_sparklines_show_how_it_was() -> None:
    """Ten minutes: what was seen of them is drawn, the rest is a dot."""
    viewer = Viewer("BTCUSDT")
    for n in range(150):
        at = AT + timedelta(seconds=2 * n)
        viewer.take(document_at(n, at))
    assert viewer.live is not None
    shown = text_of(measure_lines(viewer.live, "binance", viewer.past.trends, 86)).splitlines()
    spark = next(each for each in shown if each.startswith(" depth"))[25:]
    assert len(spark) == 60
    assert set(spark[:29]) == {"·"}
    assert set(spark[31:]) <= set(TICKS)
    assert len(set(spark[31:])) > 1


def test_a_book_that_is_not_trusted_has_only_its_reason() -> None:
    """No measure of it is shown."""
    shown = text_of(measure_lines(scene_at(untrusted=("binance",)), "binance", Trends(), 60))
    assert WHY in shown
    assert "bps" not in shown


def test_a_venue_that_nobody_watches_has_no_measures() -> None:
    """It says so."""
    assert "no such book" in text_of(measure_lines(scene_at(), None, Trends(), 60))
