"""What is not live is said to be not live, and why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.scenes import AT, scene_at

from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.faces.dashboard.records import Reader
from tidegauge.faces.dashboard.state import (
    Connection,
    Standing,
    head_line,
    notice_line,
    standing,
)

CONNECTED = Connection(address="http://127.0.0.1:1", down=None)


def judged(connection: Connection = CONNECTED, **more: object) -> Standing:
    scene = more.pop("scene", scene_at())
    return standing(connection, scene, None, Reader())  # type: ignore[arg-type]


def test_what_is_live_is_said_to_be_live() -> None:
    """With nothing to add."""
    found = judged()
    assert (found.word, found.notice, found.live) == ("● LIVE", "", True)


def test_a_lost_connection_says_why_when_it_is_tried_again_and_how_old_this_is() -> None:
    """Nobody takes the numbers below for those of now."""
    found = judged(Connection(down="the token is WRONG", again_in_s=4.2))
    assert found.word == "✖ DISCONNECTED"
    assert found.notice == "BELOW IS OF 22:00:30, tried again in 4 s: the token is WRONG"
    assert not found.live


def test_silence_is_told_after_five_seconds() -> None:
    """A connection that stands and says nothing is no news."""
    assert judged(replace(CONNECTED, silent_s=4.9)).live
    found = judged(replace(CONNECTED, silent_s=7.0))
    assert (found.word, found.live) == ("✖ OLD", False)
    assert "NOTHING NEW for 7 s" in found.notice


def test_a_daemon_that_is_not_seen_any_more_makes_its_numbers_old() -> None:
    """The API goes on, and what it tells stands still."""
    scene = scene_at()
    gone = tuple(replace(each, at=AT - timedelta(seconds=20)) for each in scene.daemons)
    found = judged(scene=replace(scene, daemons=gone))
    assert (found.word, found.live) == ("✖ OLD", False)
    assert "daemon 4711 was last seen 20s ago" in found.notice


def test_another_daemon_that_is_gone_is_told_beside_what_is_live() -> None:
    """Its symbols are not these."""
    scene = scene_at()
    gone = replace(scene.daemons[0], id="12", at=AT - timedelta(seconds=20))
    found = judged(scene=replace(scene, daemons=(*scene.daemons, gone)))
    assert found.live
    assert "1 of 2 daemons are not seen any more" in found.notice


def test_a_pause_says_of_when_it_is_even_while_disconnected() -> None:
    """And from where, if it is the database's."""
    scene = replace(scene_at(), stored=True)
    found = standing(replace(CONNECTED, down="REFUSED"), scene, AT, Reader())
    assert (found.word, found.live) == ("‖ NOT LIVE", False)
    assert "PAUSED, NOT LIVE: this is of the database 22:00:30 UTC" in found.notice
    assert "DISCONNECTED: REFUSED" in found.notice


def test_a_stretch_in_which_nothing_was_seen_is_named() -> None:
    """The picture is of before it."""
    found = standing(CONNECTED, scene_at(), AT + timedelta(minutes=5), Reader())
    assert "nothing was seen at 22:05:30, this is of 22:00:30" in found.notice


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "9.9.9"}, "the daemon is version 9.9.9"),
        ({"storage": None}, ""),
    ],
)
def test_another_version_is_named(change: dict[str, object], said: str) -> None:
    """It is shown all the same."""
    scene = scene_at()
    other = tuple(replace(each, **change) for each in scene.daemons)  # type: ignore[arg-type]
    found = judged(scene=replace(scene, daemons=other))
    assert found.live
    assert said in found.notice


def test_what_could_not_be_read_is_counted_and_the_first_named() -> None:
    """The rest is shown."""
    reader = Reader()
    reader.misread = {"books/binance/BTCUSDT": "no `trust`", "x": "y"}
    found = standing(CONNECTED, scene_at(), None, reader)
    assert "ANOTHER VERSION: 2 records" in found.notice
    assert "books/binance/BTCUSDT: no `trust`" in found.notice


def test_no_daemon_at_all_is_said() -> None:
    """An API without a monitor."""
    assert "NO DAEMON" in judged(scene=replace(scene_at(), daemons=())).notice


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_head_always_says_whether_it_is_live(width: int) -> None:
    """Whatever else there is room for."""
    head = head_line(scene_at(), judged(), width)
    assert width_of(head) == width
    assert "● LIVE 22:00:30 UTC" in text_of([head])
    notice = notice_line(judged(replace(CONNECTED, down="x" * 300)), width)
    assert width_of(notice) == width


def test_the_head_names_the_symbol_its_score_and_what_waits() -> None:
    """At 80 columns."""
    shown = text_of([head_line(scene_at(untrusted=("binance",)), judged(), 80)])
    for part in ("BTCUSDT", "score 3", "watch", "5/6 live", "1 to ack"):
        assert part in shown


def test_the_head_tells_the_mid_of_the_tightest_book_of_those_that_have_both_sides() -> None:
    """What nobody asks or bids has no spread, which is not one of nought."""
    scene = scene_at()
    first, second, *others = (
        replace(row, measures=replace(row.measures, spread_bps=spread))
        for row, spread in zip(scene.rows, (2.0, 1.0, 3.0, 3.0, 3.0, 3.0), strict=True)
        if row.measures is not None
    )
    assert first.measures is not None
    one_sided = replace(first, measures=replace(first.measures, mid=None, spread_bps=None))
    for rows in ((first, second, *others), (one_sided, second, *others)):
        shown = text_of([head_line(replace(scene, rows=rows), judged(), 200)])
        assert "(1.00 bps)" in shown
    shown = text_of([head_line(replace(scene, rows=(one_sided,)), judged(), 200)])
    assert "bps" not in shown
