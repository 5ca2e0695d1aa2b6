"""Readings at a pace, while updates come faster than they can be read."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.support.plain_bench import BOOK, PLAN, Bench

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import MILLISECOND, SECOND

EVERY = replace(PLAN, write_every=0)


def test_a_book_is_read_at_the_pace_and_its_updates_are_counted() -> None:
    """Ten updates in a second, read every 300 ms: freshness is lost, and nothing else."""
    bench = Bench(EVERY)
    bench.quote(0)
    bench.monitor.pace(BOOK.venue, 300 * MILLISECOND, 0)
    for step in range(1, 10):
        bench.quote(step * 100 * MILLISECOND, size=100.0 + step)
    times = [reading.origin.received_at // MILLISECOND for reading in bench.readings()]
    assert times == [0, 300, 600, 900]
    # Of the nine updates since, three were read when they came, and six with a later one.
    assert bench.monitor.conflated + len(bench.monitor._owed) <= 6
    assert bench.monitor.conflated >= 3


def test_what_is_owed_is_read_when_its_time_comes_although_nothing_more_is_told() -> None:
    """The last update before a silence must not stay unread."""
    bench = Bench(EVERY)
    bench.quote(0)
    bench.monitor.pace(BOOK.venue, 300 * MILLISECOND, 0)
    bench.quote(100 * MILLISECOND, size=50.0)
    assert len(bench.readings()) == 1
    bench.monitor.advance(299 * MILLISECOND)
    assert len(bench.readings()) == 1
    bench.monitor.advance(301 * MILLISECOND)
    latest = bench.readings()[-1]
    assert latest.origin.received_at == 301 * MILLISECOND
    assert latest.origin.feed_age == 201 * MILLISECOND
    assert latest.bands != bench.readings()[0].bands


def test_every_update_is_read_or_counted_even_where_a_sample_comes_first() -> None:
    """A sample shows what the update did; the update itself was not read."""
    bench = Bench(EVERY)
    bench.quote(0)
    bench.monitor.pace(BOOK.venue, 900 * MILLISECOND, 0)
    updates, samples = 95, 9
    for step in range(1, updates):
        bench.quote(step * 100 * MILLISECOND, size=100.0 + step)
    counted = bench.monitor.readings + bench.monitor.conflated + len(bench.monitor._owed)
    assert counted == updates + samples


def test_a_venue_that_keeps_up_again_is_read_at_each_update() -> None:
    """Both turns are events on the record."""
    bench = Bench(EVERY)
    bench.quote(0)
    bench.monitor.pace(BOOK.venue, 10 * SECOND, 0)
    bench.quote(100 * MILLISECOND)
    bench.monitor.pace(BOOK.venue, 0, 200 * MILLISECOND)
    bench.quote(300 * MILLISECOND)
    bench.quote(400 * MILLISECOND)
    times = [reading.origin.received_at // MILLISECOND for reading in bench.readings()]
    assert times == [0, 300, 300, 400]  # what was owed, and then each
    told = [each for each in bench.records if isinstance(each, FeedEvent)]
    assert [each.kind for each in told].count(FeedEventKind.CONFLATED) == 2


def test_another_venue_is_read_as_before() -> None:
    """A pace is of one venue."""
    bench = Bench(EVERY)
    bench.monitor.pace("somewhere else", 10 * SECOND, 0)
    for step in range(5):
        bench.quote(step * 100 * MILLISECOND)
    assert len(bench.readings()) == 5
    assert bench.monitor.conflated == 0


@given(
    gaps=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    paces=st.lists(st.sampled_from([0, 150, 700]), min_size=1, max_size=6),
)
def test_however_the_pace_changes_the_last_reading_is_of_the_last_update(
    gaps: list[int], paces: list[int]
) -> None:
    """And no update is neither read nor counted."""
    bench, now = Bench(EVERY), 0
    for index, gap in enumerate(gaps):
        now += gap * MILLISECOND
        if index % 10 == 0:
            pace = paces[(index // 10) % len(paces)]
            bench.monitor.pace(BOOK.venue, pace * MILLISECOND, now)
        bench.quote(now, size=100.0 + index)
    bench.monitor.pace(BOOK.venue, 0, now)
    bench.monitor.advance(now + 1)
    last = bench.readings()[-1]
    assert last.bands[-1].bid_base == 1 + 100 + len(gaps) - 1
    assert not bench.monitor._owed
