"""A viewer shows what is live, until somebody stays at an instant of the last hour."""

from datetime import timedelta
from typing import Any

from tests.support.pictured import VENUES
from tests.support.scenes import AT, document_at

from tidegauge.faces.dashboard.memory import Memory
from tidegauge.faces.dashboard.stored import stored_of
from tidegauge.faces.dashboard.viewer import SYMBOLS, Viewer

S = timedelta(seconds=1)


def seen(steps: int = 30) -> Viewer:
    """Return one who has looked for so many seconds."""
    viewer = Viewer("BTCUSDT")
    for n in range(steps):
        viewer.take(document_at(n, AT + n * S))
    return viewer


def history() -> Any:
    """Return an hour of one book, up to when it was first seen."""
    return stored_of(
        {
            "points": [
                {
                    "at": (AT - 10 * n * S).isoformat(),
                    "mid": str(n),
                    "spread_bps": 1.0,
                    "imbalance": 0.5,
                    "depth_z": 2.0,
                }
                for n in range(1, 720)
            ]
        }
    )


def test_the_worst_symbol_is_looked_at_where_none_is_named() -> None:
    """The first one by score."""
    viewer = Viewer()
    viewer.take(document_at())
    assert viewer.symbol == "BTCUSDT"
    assert viewer.live is not None
    assert len(viewer.live.rows) == len(VENUES)


def test_while_paused_the_same_is_shown_however_much_is_heard() -> None:
    """And going on shows the latest at once."""
    viewer = seen()
    viewer.pause()
    before = viewer.scene()
    for n in range(30, 40):
        viewer.take(document_at(n, AT + n * S))
    assert viewer.scene() is before
    viewer.go_on()
    now = viewer.scene()
    assert now is not None
    assert now.at == AT + 39 * S


def test_scrubbing_finds_what_was_seen_then_with_its_levels() -> None:
    """Ten seconds back: the very numbers of then."""
    viewer = seen()
    viewer.step(-9)
    scene = viewer.scene()
    assert scene is not None
    assert scene.at == AT + 20 * S
    then = Viewer("BTCUSDT")
    then.take(document_at(20, AT + 20 * S))
    assert then.live is not None
    assert scene.rows == then.live.rows
    assert scene.ladders == then.live.ladders
    assert not scene.stored


def test_nobody_scrubs_beyond_what_is_known() -> None:
    """Not before the first, not after the last, and not further back than an hour."""
    viewer = seen()
    viewer.step(-9999)
    assert viewer.paused_at == AT
    viewer.step(9999)
    assert viewer.paused_at == AT + 29 * S
    viewer.put_stored("BTCUSDT", "binance", history())
    viewer.to_first()
    assert viewer.paused_at == AT + 29 * S - timedelta(hours=1)


def test_before_it_was_looked_at_the_database_tells_without_levels() -> None:
    """A venue that nothing is stored of says so, and shows no number."""
    viewer = seen()
    viewer.put_stored("BTCUSDT", "binance", history())
    viewer.step(-100)
    scene = viewer.scene()
    assert scene is not None
    assert scene.stored
    assert scene.ladders == {}
    live = [row.venue for row in scene.rows if row.live]
    assert live == ["binance"]
    row = scene.row("binance")
    assert row is not None
    assert row.measures is not None
    assert str(row.measures.mid) == "8"


def test_the_trends_begin_with_what_the_database_has() -> None:
    """So that a sparkline is there at once."""
    viewer = seen()
    viewer.put_stored("BTCUSDT", "binance", history())
    found = viewer.past.trends.of(("binance", "z depth"), AT, timedelta(minutes=5), 5)
    assert None not in found


def test_two_ladders_are_never_of_the_same_venue() -> None:
    """However often the next one is asked for; it goes round."""
    viewer = seen(1)
    shown = set()
    for n in range(20):
        viewer.next_ladder(n % 2)
        one, other = viewer.ladders
        assert one != other
        shown |= {one, other}
    assert shown == set(VENUES)


def test_a_venue_that_leaves_makes_room_for_another() -> None:
    """The other ladder stays where it was chosen."""
    viewer = seen(1)
    viewer.next_ladder(1)
    kept = viewer.ladders[1]
    document = document_at(2, AT + 2 * S)
    del document["picture"]["books"]["binance/BTCUSDT"]
    viewer.take(document)
    assert viewer.ladders[1] == kept
    assert viewer.ladders[0] not in (None, "binance", kept)


def test_symbols_go_round_and_what_was_seen_of_the_last_few_is_kept() -> None:
    """Looking at another symbol ends a pause."""
    viewer = seen()
    viewer.pause()
    viewer.next_symbol(1)
    assert (viewer.symbol, viewer.paused_at) == ("ETHUSDT", None)
    viewer.next_symbol(1)
    assert viewer.symbol == "BTCUSDT"
    assert len(viewer.past.memory) == 15
    for n in range(SYMBOLS):
        viewer.look_at(f"S{n}")
        viewer.take(document_at(n, AT + 100 * S + n * S))
    viewer.look_at("BTCUSDT")
    assert len(viewer.past.memory) == 0


def test_an_incident_stays_chosen_and_the_choice_ends_at_the_ends() -> None:
    """With none chosen it is the first."""
    viewer = seen(1)
    assert viewer.chosen is not None
    assert viewer.chosen.id == "INC-1"
    viewer.move(5)
    assert viewer.incident == "INC-1"
    viewer.incident = "gone"
    assert viewer.chosen.id == "INC-1"


def test_an_hour_of_six_books_is_small() -> None:
    """1,800 pictures with two sides of 20 levels fit into what is allowed for them."""
    viewer = seen()
    memory: Memory = viewer.past.memory
    assert memory.size / len(memory) * 1800 < 32 * 1024 * 1024
