"""What of a picture is told: of daemons that live, of the worst symbols first."""

from dataclasses import replace
from datetime import timedelta

from tests.support.pictures import DAEMON, NOW, a_book, a_daemon, a_picture, a_symbol

from tidegauge.faces.metrics.seen import FRESH_S, MOST_SYMBOLS, Seen
from tidegauge.runtime.window.picture import Picture

OLD = NOW - timedelta(seconds=FRESH_S + 1)


def test_a_daemon_is_named_by_what_it_watches() -> None:
    """Its process id changes with each start; what is asked of it does not."""
    daemons = {
        "1": a_daemon("1", "BTCUSDT", "ETHUSDT"),
        "2": a_daemon("2", "A", "B", "C", "D", "E"),
        "3": replace(a_daemon("3"), symbols=()),
    }
    seen = Seen.of(Picture(at=NOW, daemons=daemons), NOW)
    assert seen.names == {"1": "BTCUSDT,ETHUSDT", "2": "A,B,C+2", "3": "3"}


def test_two_that_watch_the_same_are_told_apart() -> None:
    """As when somebody tries something beside the real one."""
    daemons = {"1": a_daemon("1"), "2": a_daemon("2"), "3": a_daemon("3", "ETHUSDT")}
    seen = Seen.of(Picture(at=NOW, daemons=daemons), NOW)
    assert seen.names == {"1": "BTCUSDT#1", "2": "BTCUSDT#2", "3": "ETHUSDT"}


def test_a_daemon_that_was_started_again_is_not_dead() -> None:
    """What is left of the one before is no reason to wake anybody."""
    daemons = {"1": a_daemon("1", at=OLD), "2": a_daemon("2"), "3": a_daemon("3", "X", at=OLD)}
    seen = Seen.of(Picture(at=NOW, daemons=daemons), NOW)
    assert seen.names == {"2": "BTCUSDT"}
    assert seen.dead == ("X",)


def test_a_clock_on_its_way_to_one_that_was_set_makes_no_daemon_old() -> None:
    """The machine's clock was set on by an hour; the daemon says how far behind it is."""
    behind = replace(a_daemon(at=NOW - timedelta(hours=1)), clock_behind_s=3600.0)
    seen = Seen.of(Picture(at=NOW, daemons={DAEMON: behind}), NOW)
    assert (len(seen.names), behind.age_s(seen.now)) == (1, 0.0)


def test_of_many_symbols_the_worst_are_told_and_the_others_counted() -> None:
    """One without a score comes after all that have one."""
    scores = {f"S{number:03}": float(number) for number in range(MOST_SYMBOLS + 5)}
    symbols = {name: a_symbol(name, score) for name, score in scores.items()}
    symbols["UNKNOWN"] = a_symbol("UNKNOWN", None)
    books = {f"binance/{name}": a_book("binance", name) for name in symbols}
    picture = replace(a_picture(), symbols=symbols, books=books)
    seen = Seen.of(picture, NOW)
    told = [each.symbol for each in seen.symbols]
    assert told == sorted(scores, key=lambda name: -scores[name])[:MOST_SYMBOLS]
    assert {each.symbol for each in seen.books} == set(told)
    assert seen.left_out == 6


def test_what_a_dead_daemon_showed_is_not_told() -> None:
    """Its books and symbols are those of a moment that is gone."""
    picture = a_picture()
    seen = Seen.of(picture, NOW + timedelta(seconds=FRESH_S + 1))
    assert (seen.names, seen.symbols, seen.books) == ({}, (), ())
    assert not seen.watches("BTCUSDT")
    assert not seen.watches("*")
    fresh = Seen.of(picture, NOW)
    assert fresh.watches("BTCUSDT")
    assert fresh.watches("*")
    assert not fresh.watches("ETHUSDT")
