"""One picture of several daemons; of one that went there is only when it was last seen."""

from collections.abc import Sequence

from tests.support.pictures import NOW, a_book, a_daemon, a_symbol, a_venue

from tidegauge.core.instrument import BookId
from tidegauge.runtime.window.client import Seen
from tidegauge.runtime.window.desk import ShownDesk
from tidegauge.runtime.window.merge import picture_of
from tidegauge.runtime.window.wire import Hello, Round

EMPTY = ShownDesk(incidents=(), over=(), alerts=(), silences=(), mutes=())


def seen(name: str, symbols: Sequence[str], gone_at: float | None = None) -> Seen:
    round_ = Round(
        daemon=a_daemon(name, *symbols),
        symbols=tuple(a_symbol(each, 10.0) for each in symbols),
        venues=(a_venue("binance", name),),
        desk=EMPTY,
        exposures=(),
        terms={},
    )
    books = {BookId("binance", each): a_book("binance", each) for each in symbols}
    hello = Hello(protocol=1, version="0.1.0", daemon=name, run="run")
    return Seen(hello, {} if gone_at else books, round_, gone_at)


def test_what_several_daemons_show_is_one_picture() -> None:
    """A venue is told once for each daemon that watches it."""
    picture = picture_of({"1": seen("1", ["BTCUSDT"]), "2": seen("2", ["ETHUSDT"])}, NOW)
    assert set(picture.daemons) == {"1", "2"}
    assert set(picture.symbols) == {"BTCUSDT", "ETHUSDT"}
    assert set(picture.venues) == {"binance@1", "binance@2"}
    assert set(picture.books) == {"binance/BTCUSDT", "binance/ETHUSDT"}


def test_nothing_is_shown_as_live_of_a_daemon_that_went() -> None:
    """Only when it was last seen."""
    known = {"1": seen("1", ["BTCUSDT"], gone_at=1.0), "2": seen("2", ["ETHUSDT"])}
    picture = picture_of(known, NOW)
    assert set(picture.daemons) == {"1", "2"}
    assert set(picture.symbols) == {"ETHUSDT"}
    assert set(picture.books) == {"binance/ETHUSDT"}
    assert set(picture.venues) == {"binance@2"}


def test_a_daemon_whose_first_round_is_not_whole_is_not_shown() -> None:
    """Half of a picture would be a wrong one."""
    hello = Hello(protocol=1, version="0.1.0", daemon="3", run="run")
    assert picture_of({"3": Seen(hello)}, NOW).daemons == {}
