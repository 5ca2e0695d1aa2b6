"""The table of books: numbers of those that are live, reasons of the others."""

import re
from dataclasses import replace

import pytest
from tests.support.pictured import VENUES, WHY
from tests.support.scenes import scene_at

from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.faces.dashboard.scene import Cost
from tidegauge.faces.dashboard.tables import book_lines, shown_cost

CHOSEN = ("binance", "kraken-spot")


@pytest.mark.parametrize("width", [60, 80, 111, 200])
def test_a_line_a_venue_in_any_width(width: int) -> None:
    """None is wider than its room, and the two ladders are marked."""
    lines = book_lines(scene_at(), CHOSEN, width)
    assert len(lines) == 1 + len(VENUES)
    assert all(width_of(each) <= width for each in lines)
    shown = text_of(lines).splitlines()
    assert shown[1].startswith("A binance ")
    assert shown[-1].startswith("B kraken-spot ")
    assert shown[2].startswith("  binance-futures")


def test_what_matters_most_is_there_at_80_columns_and_everything_at_200() -> None:
    """Mid, spread, depth and slippage; then the other sizes, bands, z-scores, ages."""
    narrow = text_of(book_lines(scene_at(), CHOSEN, 80)[:1])
    for name in ("mid", "spread", "bids/asks 10bp", "sell 500k", "buy 500k"):
        assert name in narrow
    wide = text_of(book_lines(scene_at(), CHOSEN, 200)[:1])
    for name in ("imb", "bids/asks 100bp", "sell 1M", "z depth", "z spread", "age", "latency"):
        assert name in wide


def test_a_book_that_is_not_trusted_shows_its_reason_in_the_place_of_numbers() -> None:
    """And since when, with a sign beside the colour."""
    shown = text_of(book_lines(scene_at(untrusted=("binance",)), CHOSEN, 80)).splitlines()[1]
    assert "✖ stale" in shown
    assert f"{WHY}, since 22:00:00" in shown
    assert not re.search(r"64,\d\d\d", shown)


def test_a_reason_cannot_steer_the_terminal() -> None:
    """What a venue says is shown, escaped."""
    scene = scene_at(untrusted=("binance",))
    rows = (replace(scene.rows[0], reason="\x1b[2J[bold]gone\u202e"),)
    shown = text_of(book_lines(replace(scene, rows=rows), CHOSEN, 100))
    assert "\\x1b[2J[bold]gone\\u202e" in shown
    assert "\x1b" not in shown


def test_a_size_that_does_not_fill_says_how_much_does() -> None:
    """At least so much, where the book that is known ends first."""
    assert shown_cost(Cost(bps=None, filled=0.784)) == ("fills 78%", "warn")
    assert shown_cost(Cost(bps=None, filled=0.784, floor=True)) == ("fills ≥78%", "warn")
    assert shown_cost(Cost(bps=1.5))[0] == "1.50"
    assert shown_cost(Cost(bps=1.5, floor=True))[0] == "≤1.50"
    assert shown_cost(None)[0] == shown_cost(Cost(bps=None))[0] == "-"


def test_a_symbol_without_books_says_so() -> None:
    """With its name."""
    shown = text_of(book_lines(replace(scene_at(), rows=()), CHOSEN, 80))
    assert "No daemon watches BTCUSDT" in shown
