"""The venues' feeds and the daemons behind them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.pictured import VENUES, WHY
from tests.support.scenes import AT, scene_at

from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.faces.dashboard.feed_lines import feed_lines


@pytest.mark.parametrize("width", [72, 80, 130, 200])
def test_each_venue_says_how_it_is(width: int) -> None:
    """Trust, links, age, latency, gaps; more where there is room."""
    lines = feed_lines(scene_at(untrusted=("binance",)), width)
    assert all(width_of(each) <= width for each in lines)
    shown = text_of(lines)
    for part in (*VENUES, "● well", "▲ degraded", "1/2", "1/1", "age", "latency", "gaps"):
        assert part in shown
    assert ("audits" in shown) == (width >= 130)


def test_what_is_wrong_with_a_feed_is_told() -> None:
    """All that is known of it."""
    scene = scene_at(untrusted=("binance",))
    feed = replace(
        scene.feeds[0], health="down", last_disconnect="reset", retry_at=AT, quarantined="looks odd"
    )
    shown = text_of(feed_lines(replace(scene, feeds=(feed,)), 200))
    assert "✖ down" in shown
    assert f"1 {WHY}; looks odd; reset; asked again at 22:00:30" in shown


def test_a_daemon_is_as_old_as_when_it_was_last_seen() -> None:
    """By its own time, less what the clock of the machine is ahead."""
    scene = scene_at()
    daemon = replace(scene.daemons[0], at=AT - timedelta(seconds=30), clock_behind_s=10.0)
    assert daemon.age_s(AT) == 20.0
    assert replace(daemon, at=AT).age_s(AT) == 0.0
    shown = text_of(feed_lines(replace(scene, daemons=(daemon,)), 120))
    assert "last seen 20s ago" in shown


def test_what_is_not_stored_and_what_waits_is_told() -> None:
    """A database that is away, and pages that nobody got yet."""
    scene = scene_at()
    daemon = scene.daemons[0]
    assert daemon.storage is not None
    away = replace(daemon, storage=replace(daemon.storage, away=True), notifications_waiting=3)
    shown = text_of(feed_lines(replace(scene, daemons=(away,)), 120))
    assert "THE DATABASE IS AWAY" in shown
    assert "3 notifications wait" in shown
    none = replace(daemon, storage=None)
    assert "nothing is stored" in text_of(feed_lines(replace(scene, daemons=(none,)), 120))


def test_of_the_past_nothing_is_known_of_feeds() -> None:
    """The database keeps none of it."""
    scene = replace(scene_at(), feeds=(), daemons=(), stored=True)
    assert "The database keeps none of it" in text_of(feed_lines(scene, 80))
