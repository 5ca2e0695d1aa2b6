"""A scene is one symbol of a document, in the order in which it is looked at."""

from dataclasses import replace
from datetime import timedelta

from tests.support.pictured import VENUES, WHY, picture_at
from tests.support.scenes import AT, document_at, scene_at

from tidegauge.faces.api.patches import document_of
from tidegauge.faces.dashboard.records import Reader
from tidegauge.faces.dashboard.scene import scene_of


def test_a_scene_holds_the_books_of_one_symbol() -> None:
    """Rows by venue, their ladders, the symbol's summary, and all symbols by score."""
    scene = scene_at()
    assert tuple(row.venue for row in scene.rows) == VENUES
    assert set(scene.ladders) == set(VENUES)
    assert {each.symbol for each in scene.ladders.values()} == {"BTCUSDT"}
    assert scene.summary is not None
    assert scene.symbols == ("BTCUSDT", "ETHUSDT")
    assert scene.at == AT
    assert all(row.live and row.measures is not None for row in scene.rows)


def test_a_book_that_is_not_live_has_no_numbers_whatever_is_told() -> None:
    """An API that sends a reading of a stale book all the same is not believed."""
    document = document_at(untrusted=("binance",))
    books = document["picture"]["books"]
    books["binance/BTCUSDT"]["reading"] = books["kraken-spot/BTCUSDT"]["reading"]
    scene = scene_of(document, "BTCUSDT", Reader())
    row = scene.row("binance")
    assert row is not None
    assert (row.live, row.measures, row.latency_s, row.reason) == (False, None, None, WHY)


def test_what_waits_for_somebody_comes_first() -> None:
    """Open before acknowledged before resolved; of this symbol before others; the gravest, the newest."""
    picture, _ = picture_at(1, AT)
    plain = next(iter(picture.incidents.values()))
    mixed = [
        replace(plain, id="over", state="resolved", severity="critical"),
        replace(plain, id="elsewhere", symbol="ETHUSDT", severity="critical"),
        replace(plain, id="taken", state="acknowledged", severity="critical"),
        replace(plain, id="mild", severity="warning"),
        replace(plain, id="older", opened_at=AT - timedelta(hours=1)),
        plain,
    ]
    told = replace(picture, incidents={each.id: each for each in mixed})
    scene = scene_of({"picture": document_of(told)}, "BTCUSDT", Reader())
    order = [each.id for each in scene.incidents]
    assert order == ["INC-1", "older", "mild", "taken", "elsewhere", "over"]
    assert [each.id for each in scene.open_incidents] == order[:-1]


def test_a_symbol_that_nobody_watches_has_no_books() -> None:
    """And no summary; the venues are shown all the same."""
    scene = scene_of(document_at(), "DOGEUSDT", Reader())
    assert scene.rows == ()
    assert scene.summary is None
    assert len(scene.feeds) == len(VENUES)
