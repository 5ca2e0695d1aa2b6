"""A ladder shows the levels of a book that may be trusted, and nothing of another."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.pictured import VENUES, WHY
from tests.support.scenes import scene_at

from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.faces.dashboard.ladder import ladder_lines


@pytest.mark.parametrize(("width", "height"), [(39, 12), (42, 43), (30, 8), (100, 30)])
def test_the_touch_is_in_the_middle_and_nothing_is_wider_than_its_room(
    width: int, height: int
) -> None:
    """As many levels a side as fit, asks above bids, both best towards the mid."""
    scene = scene_at()
    lines = ladder_lines(scene, "binance", width, height)
    assert len(lines) <= height
    assert all(width_of(each) <= width for each in lines)
    text = text_of(lines)
    asks = [Decimal(each.replace(",", "")) for each in re.findall(r"ask +([\d,.]+)", text)]
    bids = [Decimal(each.replace(",", "")) for each in re.findall(r"bid +([\d,.]+)", text)]
    assert len(asks) == len(bids) == min(20, (height - 2) // 2)
    ladder = scene.ladders["binance"]
    assert asks == [price for price, _ in ladder.asks[: len(asks)]][::-1]
    assert bids == [price for price, _ in ladder.bids[: len(bids)]]
    assert text.index("ask") < text.index("mid") < text.index("bid")


def test_bars_grow_away_from_the_touch() -> None:
    """What rests up to a level is never less than up to the one before."""
    lines = ladder_lines(scene_at(), "binance", 80, 44)
    bars = [text.count("█") for each in lines for text, ink in each if ink == "bidbar"]
    assert bars == sorted(bars)
    assert bars[-1] > bars[0]


def test_a_book_that_is_not_trusted_shows_its_reason_and_no_number() -> None:
    """Even where levels are at hand."""
    scene = scene_at(untrusted=("binance",))
    lent = replace(scene_at().ladders["binance"])
    shown = text_of(ladder_lines(replace(scene, ladders={"binance": lent}), "binance", 40, 20))
    assert "NO NUMBERS: stale" in shown
    assert WHY in shown
    assert not re.search(r"64,\d\d\d", shown)


def test_levels_of_a_ladder_that_is_not_live_are_not_shown() -> None:
    """The levels may say sooner than the book that they are not to be trusted."""
    scene = scene_at()
    lost = replace(scene.ladders["binance"], trust="untrusted")
    shown = text_of(ladder_lines(replace(scene, ladders={"binance": lost}), "binance", 40, 20))
    assert "NO NUMBERS: untrusted" in shown
    assert not re.search(r"64,\d\d\d", shown)


def test_where_a_book_ends_is_said() -> None:
    """Three asks, and no more are known."""
    scene = scene_at(levels=3)
    ends = {each: replace(ladder, ask_more=False) for each, ladder in scene.ladders.items()}
    shown = text_of(ladder_lines(replace(scene, ladders=ends), VENUES[0], 40, 20))
    assert "no more asks are known" in shown
    assert shown.count("ask ") == 3


def test_what_there_is_no_ladder_of_is_said() -> None:
    """A venue that nobody watches, levels that did not come yet, levels that nobody keeps."""
    scene = scene_at()
    assert "no such book" in text_of(ladder_lines(scene, "nowhere", 40, 9))
    assert "no such book" in text_of(ladder_lines(scene, None, 40, 9))
    assert "no levels yet" in text_of(ladder_lines(replace(scene, ladders={}), "binance", 40, 9))
    assert "from the database" in text_of(
        ladder_lines(replace(scene, stored=True), "binance", 60, 9)
    )


def test_totals_of_an_inverse_book_are_its_sizes() -> None:
    """They are quote already."""
    scene = scene_at()
    ladder = scene.ladders["binance"]
    two = replace(
        ladder,
        bids=((Decimal(100), Decimal(5000)), (Decimal(99), Decimal(2000))),
        asks=((Decimal(101), Decimal(3000)),),
        mid=Decimal("100.5"),
    )
    rows = tuple(replace(row, inverse=row.venue == "binance") for row in scene.rows)
    shown = text_of(
        ladder_lines(replace(scene, rows=rows, ladders={"binance": two}), "binance", 60, 12)
    )
    assert re.search(r"bid +99 +2k +7k", shown)


def test_of_a_daemon_that_is_away_the_ladder_says_that_it_is() -> None:
    """Its symbol is watched all the same."""
    scene = replace(scene_at(), rows=())
    shown = " ".join(text_of(ladder_lines(scene, None, 60, 9)).split())
    assert f"daemon {scene.daemons[0].id}, which watches it, shows nothing of it now" in shown
    assert "no venue" in text_of(ladder_lines(replace(scene, symbol="NOPE"), None, 60, 9))
