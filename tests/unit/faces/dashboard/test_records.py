"""Records are read as they were sent, and what cannot be read is left out and named."""

from datetime import UTC, datetime
from typing import Any

from tests.support.pictured import picture_at

from tidegauge.faces.api.patches import document_of
from tidegauge.faces.dashboard.records import MOST_NAMED, Reader
from tidegauge.runtime.window.across import ShownSymbol
from tidegauge.runtime.window.books import ShownBook, ShownLadder
from tidegauge.runtime.window.desk import ShownIncident

AT = datetime(2026, 11, 28, 22, tzinfo=UTC)


def books() -> dict[str, Any]:
    found: dict[str, Any] = document_of(picture_at(1, AT, untrusted=("binance",))[0].books)
    return found


def test_what_was_sent_without_what_is_unknown_is_read_whole() -> None:
    """A record as a document lacks its nulls; read, it is equal to what it was made of."""
    picture, ladders = picture_at(1, AT, untrusted=("binance",))
    reader = Reader()
    kinds: tuple[tuple[type, Any], ...] = (
        (ShownBook, picture.books),
        (ShownSymbol, picture.symbols),
        (ShownLadder, ladders),
        (ShownIncident, picture.incidents),
    )
    for kind, records in kinds:
        assert reader.all(kind, kind.__name__, document_of(records)) == records
    assert not reader.misread
    assert not reader.unknown


def test_what_has_not_changed_is_not_read_again() -> None:
    """The record of a document that stayed is the same object."""
    reader, told = Reader(), books()
    before = reader.all(ShownBook, "books", told)
    changed = {**told, "binance/BTCUSDT": {**told["binance/BTCUSDT"], "updates": 77}}
    after = reader.all(ShownBook, "books", changed)
    assert after["binance/BTCUSDT"].updates == 77
    assert after["kraken-spot/BTCUSDT"] is before["kraken-spot/BTCUSDT"]


def test_a_record_that_lacks_a_field_is_left_out_and_named_until_it_is_gone() -> None:
    """Another version of the API costs its own records only."""
    reader, told = Reader(), books()
    del told["binance/BTCUSDT"]["trust"]
    told["kraken-spot/BTCUSDT"]["updates"] = "many"
    found = reader.all(ShownBook, "books", told)
    assert "binance/BTCUSDT" not in found
    assert "kraken-spot/BTCUSDT" not in found
    assert "trust" in reader.misread["books/binance/BTCUSDT"]
    assert "kraken-spot" in str(reader.misread)
    reader.all(ShownBook, "books", {})
    assert not reader.misread


def test_fields_of_a_later_version_are_named_and_do_no_harm() -> None:
    """A record with one field more is read all the same."""
    reader, told = Reader(), books()
    told["binance/BTCUSDT"]["mood"] = "good"
    assert "binance/BTCUSDT" in reader.all(ShownBook, "books", told)
    assert reader.unknown == {"mood"}


def test_nonsense_in_the_place_of_records_gives_none() -> None:
    """Neither a list nor numbers are records, and the complaints stay few."""
    reader = Reader()
    assert reader.all(ShownBook, "books", ["x"]) == {}
    assert reader.all(ShownBook, "books", {str(n): n for n in range(100)}) == {}
    assert len(reader.misread) == MOST_NAMED
