"""What became of the records that a writer took."""

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.spool.spool import SpoolFigures
from tidegauge.sinks.tally import RATE_OVER, Rate, Tally, WriterStatistics


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now: Nanos = 1_000 * SECOND

    def __call__(self) -> Nanos:
        return self.now


def test_a_rate_is_that_of_the_last_few_seconds() -> None:
    """It is told when they are over, and holds for the next few."""
    clock = Clock()
    rate = Rate(clock)
    rate.add(500)
    assert rate.a_second() == 0.0
    clock.now += RATE_OVER
    assert rate.a_second() == 100.0
    rate.add(50)
    clock.now += RATE_OVER - 1
    assert rate.a_second() == 100.0
    clock.now += 1
    assert rate.a_second() == 10.0


def test_when_nothing_comes_the_rate_is_nothing() -> None:
    """However long it was since somebody asked."""
    clock = Clock()
    rate = Rate(clock)
    rate.add(500)
    clock.now += 10 * RATE_OVER
    assert rate.a_second() == 10.0
    clock.now += RATE_OVER
    assert rate.a_second() == 0.0


def test_a_count_belongs_to_the_seconds_it_came_in() -> None:
    """One that comes after a pause is not of the seconds before."""
    clock = Clock()
    rate = Rate(clock)
    clock.now += RATE_OVER
    rate.add(500)
    assert rate.a_second() == 0.0
    clock.now += RATE_OVER
    assert rate.a_second() == 100.0


def test_statistics_tell_what_the_spool_does() -> None:
    """Rows that an earlier run left, and rows that could not be read, are of the balance."""
    statistics = WriterStatistics(
        accepted={Kind.READING: 10},
        written={Kind.READING: 11},
        dropped={},
        rejected={},
        rows=11,
        batches=2,
        duplicates=0,
        retries=0,
        outages=0,
        depth=1,
        away=False,
        last_error=None,
        spool=SpoolFigures(recovered=4, lost=2, waiting=1),
    )
    assert (statistics.recovered, statistics.lost) == (4, 2)
    assert (
        sum(statistics.accepted.values()) + statistics.recovered
        == sum(statistics.written.values()) + statistics.lost + statistics.depth
    )


def test_counts_begin_at_nothing() -> None:
    """And each tally has its own."""
    one, two = Tally(), Tally()
    one.written[Kind.ALERT] += 1
    one.dropped[Kind.READING] += 1
    assert (two.accepted, dict(two.written), dict(two.dropped), two.last_error) == (
        {},
        {},
        {},
        None,
    )
