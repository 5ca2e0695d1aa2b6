"""Most updates get a glance; what is found and stored is what readings alone would have found."""

from collections import Counter
from random import Random

import pytest
from tests.support.plain_bench import PLAN, Bench

from tidegauge.core.alert import AlertState
from tidegauge.core.instrument import MILLISECOND, SECOND
from tidegauge.core.reading import Origin, Reading
from tidegauge.runtime.watched_book import WatchedBook


def lived_through(seed: int) -> Bench:
    """A calm minute and a half, ten updates a second, a crunch, and what comes after it."""
    bench, random = Bench(PLAN), Random(seed)
    bench.quote(0)
    for step in range(2_200):
        now = step * 100 * MILLISECOND
        share = 0.2 if 95 * SECOND <= now < 130 * SECOND else 1.0
        bench.change(now, size=100.0 * share * random.uniform(0.85, 1.15))
    return bench


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_record_is_that_of_a_monitor_that_reads_at_every_update(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings that are stored, alerts and events: equal, one by one, in their order."""
    glancing = lived_through(seed)
    monkeypatch.setattr(WatchedBook, "calm", lambda _book: False)
    reading = lived_through(seed)
    assert glancing.records == reading.records
    assert glancing.monitor.readings == reading.monitor.readings
    states = [alert.state for alert in glancing.alerts()]
    assert AlertState.FIRING in states
    assert AlertState.RESOLVED in states


def test_a_calm_market_is_mostly_glanced_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all of this would be for nothing."""
    measured = Counter[str]()
    measure = WatchedBook.measure

    def counted(book: WatchedBook, origin: Origin) -> Reading | None:
        measured["readings"] += 1
        return measure(book, origin)

    monkeypatch.setattr(WatchedBook, "measure", counted)
    bench = lived_through(4)
    assert bench.monitor.readings > 2_200
    assert measured["readings"] < 1_700  # the warm-up of 60 s, the crunch, and two a second
