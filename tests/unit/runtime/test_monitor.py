"""From books to readings and alerts, with time as an argument."""

from dataclasses import replace
from itertools import count

import pytest
from msgspec import structs
from tests.support.plain_bench import BOOK, PLAN, Bench
from tests.support.plain_venue import SPEC, frame, instrument

from tidegauge.core.alert import AlertState
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, BookId
from tidegauge.core.trust import Trust
from tidegauge.runtime.monitor import Monitor
from tidegauge.runtime.view import BookView
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import Fetch, Send


def samples(view: BookView) -> int:
    """How far the crunch detector of a book has warmed up."""
    assert view.crunch is not None
    return view.crunch.samples


def test_what_only_a_driver_can_do_is_handed_back() -> None:
    """Sends and fetches are not the monitor's to make."""
    bench = Bench()
    assert [effect.text for effect in bench.left if isinstance(effect, Send)] == ["subscribe AAA"]
    bench.say(frame("lost"), SECOND)
    assert any(isinstance(effect, Fetch) for effect in bench.left)


def test_readings_are_written_at_their_cadence_however_busy_the_feed() -> None:
    """A thousand frames in ten seconds are ten rows."""
    bench = Bench()
    for step in range(1000):
        bench.quote(step * SECOND // 100)
    assert len(bench.readings()) == 10
    assert bench.monitor.readings >= 1000


def test_a_quiet_book_is_read_and_written_again() -> None:
    """An unchanged LIVE book still tells how things are."""
    bench = Bench()
    bench.quote(0)
    bench.monitor.advance(SECOND)
    bench.monitor.advance(5 * SECOND)
    assert len(bench.readings()) == 6
    assert bench.readings()[-1].origin.feed_age == 5 * SECOND


def test_a_sample_of_an_unchanged_book_is_what_was_measured_when_it_changed() -> None:
    """Not measured again; the next change is, and so is a book that was lost and came back."""
    bench = Bench(replace(PLAN, write_every=0))
    bench.quote(0)
    bench.monitor.advance(SECOND)
    bench.monitor.advance(2 * SECOND)
    told, sampled = bench.readings()[0], bench.readings()[-1]
    assert sampled == structs.replace(told, origin=sampled.origin)
    assert (sampled.bands is told.bands, sampled.origin.received_at) == (True, 2 * SECOND)
    bench.quote(2 * SECOND, size=50.0)
    assert bench.readings()[-1].bands != told.bands
    bench.say(frame("lost"), 3 * SECOND)
    bench.quote(3 * SECOND, size=25.0)
    assert bench.readings()[-1].best_bid == told.best_bid
    assert bench.readings()[-1].bands not in (told.bands, sampled.bands)


def test_no_reading_comes_from_a_book_that_is_not_live() -> None:
    """Lost, crossed or never synchronised: nothing is read, nothing is written."""
    bench = Bench()
    bench.monitor.advance(0)
    bench.monitor.advance(3 * SECOND)
    assert not bench.readings()
    bench.quote(3 * SECOND)
    bench.quote(3 * SECOND + 1, bid="100.02")
    bench.say(frame("lost"), 4 * SECOND)
    bench.monitor.advance(9 * SECOND)
    assert len(bench.readings()) == 1
    (view,) = bench.monitor.books(9 * SECOND)
    assert (view.trust, view.reading) == (Trust.SYNCING, None)


def _crunched(bench: Bench) -> None:
    for second in range(100):
        bench.quote(second * SECOND, size=100 + second % 3)
    for second in range(100, 110):
        bench.quote(second * SECOND, size=20)


def test_a_crunch_is_alerted_while_it_lasts_and_cleared_after() -> None:
    """One alert, from firing to resolved, and a reading written with each change of it."""
    bench = Bench()
    _crunched(bench)
    firing = [alert for alert in bench.alerts() if alert.state is AlertState.FIRING]
    assert firing
    assert firing[0].updated_at <= 103 * SECOND
    written = {reading.origin.received_at for reading in bench.readings()}
    assert firing[0].updated_at in written
    for second in range(110, 140):
        bench.quote(second * SECOND, size=100)
    assert bench.alerts()[-1].state is AlertState.RESOLVED
    assert len({alert.id for alert in bench.alerts() if alert.state is not AlertState.PENDING}) == 1


def test_a_firing_alert_survives_the_loss_of_its_book_marked_unobserved() -> None:
    """It never resolves from missing data."""
    bench = Bench()
    _crunched(bench)
    bench.say(frame("lost"), 111 * SECOND)
    bench.monitor.advance(300 * SECOND)
    last = bench.alerts()[-1]
    assert last.state is AlertState.FIRING
    assert last.unobserved_since == 111 * SECOND


def test_a_feed_started_again_keeps_what_was_learned_of_its_books() -> None:
    """A crash of ours costs the book, not the hour of baseline."""
    bench = Bench()
    for second in range(70):
        bench.quote(second * SECOND)
    again = VenueFeed(SPEC, [Listing(symbol="AAAUSDT", instrument=instrument())], epochs=count(2))
    bench.monitor.watch(again)
    (view,) = bench.monitor.books(71 * SECOND)
    assert view.reading is None
    assert samples(view) >= 60


def test_a_process_that_slept_makes_up_no_samples() -> None:
    """After an hour of sleep the window holds what was seen, not an hour of one value."""
    bench = Bench()
    bench.quote(0)
    bench.monitor.advance(SECOND)
    before = samples(bench.monitor.books(SECOND)[0])
    bench.monitor.advance(3600 * SECOND)
    assert samples(bench.monitor.books(3600 * SECOND)[0]) <= before + 12


def test_every_feed_event_is_emitted() -> None:
    """Connects, trust and gaps are records like any other."""
    bench = Bench()
    bench.quote(0)
    bench.say(frame("lost"), SECOND)
    kinds = [record.kind for record in bench.records if isinstance(record, FeedEvent)]
    assert kinds == [
        FeedEventKind.CONNECTED,
        FeedEventKind.TRUST,
        FeedEventKind.TRUST,
        FeedEventKind.GAP,
        FeedEventKind.TRUST,
    ]


def test_a_clock_that_is_set_back_does_not_stop_the_sampling() -> None:
    """Samples go on from the new time, an hour earlier."""
    bench = Bench()
    bench.quote(7200 * SECOND)
    bench.monitor.advance(7210 * SECOND)
    before = samples(bench.monitor.books(0)[0])
    for second in range(3600, 3620):
        bench.monitor.advance(second * SECOND)
    assert samples(bench.monitor.books(0)[0]) > before + 10


def test_a_bug_in_judging_one_book_is_told_of_and_costs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the frame's path as at a sample: neither the feed nor a sibling notices."""
    told: list[BookId] = []
    bench = Bench()
    bench.monitor = Monitor(PLAN, bench.records.append, lambda book, _crash: told.append(book))
    bench.monitor.watch(bench.feed)
    monkeypatch.setattr("tidegauge.runtime.watched_book.measure", lambda *_: 1 / 0)
    bench.quote(0)
    bench.monitor.advance(SECOND)
    bench.monitor.advance(2 * SECOND)
    assert told == [BOOK] * 3
    assert bench.feed.keepers["AAA"].trust is Trust.LIVE


def test_a_sample_is_traced_to_the_frame_that_last_changed_its_book() -> None:
    """Not to the newest frame of a link, which may have spoken of something else."""
    bench = Bench()
    bench.quote(0)
    for _ in range(5):
        bench.say("not a frame", SECOND // 2)
    bench.monitor.advance(SECOND)
    bench.monitor.advance(3 * SECOND)
    assert {reading.origin.trace for reading in bench.readings()} == {"plain/1/1"}
