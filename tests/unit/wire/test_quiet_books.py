"""A quiet market is not a dead one: no false alarm in a quiet day, and a dead stream found in time."""

from collections.abc import Mapping
from random import Random

import pytest
from tests.support.quiet_venue import Gap, QuietVenue

from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import HOUR, SECOND, Nanos
from tidegauge.core.trust import Trust


def steady(random: Random) -> float:
    return random.expovariate(1 / 3)


def sleepy(random: Random) -> float:
    """Seconds between updates of a book that nobody trades: forty on average, minutes at times."""
    return random.expovariate(1 / 40)


def bursty(random: Random) -> float:
    """Most gaps are short, and the longest of a day is an hour."""
    return min(3_600.0, 0.5 * random.paretovariate(1.1))


NOT_LIVE = frozenset(Trust) - {Trust.LIVE}
QUIET: Mapping[str, Gap] = {"AAA": steady, "BBB": sleepy, "CCC": bursty}


@pytest.mark.parametrize("pongs", [True, False], ids=["with pongs", "without pongs"])
def test_a_quiet_day_has_no_false_alarm(*, pongs: bool) -> None:
    """24 simulated hours of books that are silent for up to an hour, asked about in time."""
    venue = QuietVenue(QUIET, seed=7, pongs=pongs)
    venue.run(24 * HOUR)
    assert venue.distrusted() == []
    assert venue.drops == []
    assert all(keeper.trust is Trust.LIVE for keeper in venue.feed.keepers.values())
    assert venue.feed.counts.audit_differences == 0
    assert venue.feed.counts.audits > 3 * 200, "each book is audited every five minutes"
    assert venue.asked < 24 * 60 * 4, "and the venue is asked little"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("what", ["symbol", "socket with pongs", "socket"])
def test_a_dead_stream_is_found_within_the_learned_silence(what: str, seed: int) -> None:
    """Counted from the first update that we should have had; and it comes back by itself."""
    venue = QuietVenue(QUIET, seed=seed, pongs=what != "socket")
    dies_at = 2 * HOUR + seed * 77 * SECOND
    venue.run(dies_at)
    assert venue.distrusted() == []
    if what == "symbol":
        venue.books["AAA"].dead = True
    else:
        venue.mute = True
    allowed: dict[str, Nanos] = {}
    doubted: list[FeedEvent] = []
    while not doubted:
        venue.run(venue.now + SECOND)
        for name in venue.missed:
            patience = venue.feed.inspector.silence(name).patience(venue.now)
            assert patience is not None
            allowed.setdefault(name, patience)
        doubted = [each for each in venue.events if each.at > dies_at and each.trust in NOT_LIVE]
    first = doubted[0]
    assert first.instrument is not None
    waited = first.at - venue.missed[first.instrument]
    assert waited <= max(5 * SECOND, allowed[first.instrument])
    venue.books["AAA"].dead = False
    venue.run(venue.now + 120 * SECOND)
    assert all(keeper.trust is Trust.LIVE for keeper in venue.feed.keepers.values())
    if what == "symbol":
        assert venue.drops == [], "its siblings are not disturbed"
