"""The drills are data that makes sense: what is expected can be had, and is about what happens."""

import pytest

from tidegauge import venues
from tidegauge.core.incident import FAMILY_OF
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import RuleSet
from tidegauge.simulator.drill_plan import Drill, Shift
from tidegauge.simulator.drills import DRILLS

EVERY = pytest.mark.parametrize("drill", DRILLS.values(), ids=[*DRILLS])
WANTED = [
    "calm",
    "step-crunch",
    "one-sided-crunch",
    "slow-bleed",
    "flash-crash",
    "spread-blow-out",
    "venue-outage",
    "stale-venue",
    "divergence",
    "stablecoin-depeg",
    "feed-gaps",
    "flapping-edge",
    "thin-night",
]


def test_every_drill_that_was_asked_for_is_there() -> None:
    """Thirteen of them, each under its own name."""
    assert list(DRILLS) == WANTED
    assert all(name == drill.name for name, drill in DRILLS.items())


@EVERY
def test_trouble_begins_when_the_windows_are_warm_and_ends_before_the_drill(drill: Drill) -> None:
    """A signal that is still warming fails no rule set."""
    warm = RuleSet().crunch.min_samples * SECOND
    assert warm < drill.begins_at < drill.ends_at < drill.lasts
    for expected in drill.expected:
        assert drill.begins_at <= expected.since
        assert expected.since + expected.within <= drill.ends_at
        assert expected.since < expected.until <= drill.ends_at


@EVERY
def test_what_is_expected_is_about_a_venue_there_is_and_its_incident_too(drill: Drill) -> None:
    """The venues are ours by their names, so that a rule about one of them is drilled."""
    known = {book.venue for book in drill.books}
    assert known <= venues.load().keys()
    assert {each.venue for each in drill.expected} - {None} <= known
    assert {FAMILY_OF[each.signal] for each in drill.expected} == set(drill.incidents)
    assert bool(drill.most_pages) is bool(drill.incidents)


@EVERY
def test_nothing_happens_before_the_trouble_or_after_it(drill: Drill) -> None:
    """Where anything has to fire, the market is as usual until then, and again at the end."""
    if drill.quiet:
        return
    for book in drill.books:
        for elapsed in (0, drill.begins_at, drill.ends_at, drill.lasts):
            conditions = drill.conditions(book.venue, elapsed)
            assert conditions.bid_factor == conditions.ask_factor == 1.0
            assert conditions.spread_bps == conditions.slide_bps == 0.0
        assert not any(each.holds(book.venue, drill.ends_at) for each in drill.troubles)


def test_a_shift_comes_lasts_and_goes() -> None:
    """In bps of the venues it is of."""
    shift = Shift(
        venues=frozenset(("okx",)), bps=-60.0, begins_at=10 * SECOND, onset=5 * SECOND,
        lasts=20 * SECOND, recovery=4 * SECOND,
    )  # fmt: skip
    at = [shift.at("okx", second * SECOND) for second in (10, 12, 15, 30, 32, 34, 99)]
    assert at == pytest.approx([0, -24, -60, -60, -30, 0, 0])
    assert shift.at("binance", 20 * SECOND) == 0.0
