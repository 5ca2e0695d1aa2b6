"""What a crunch is judged by: the second baseline, the band and the reference notional."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.crunch_watch import QUICK, Watched, warm

from tidegauge.core.alert import AlertState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.settings import CrunchSettings
from tidegauge.risk.status import CrunchPhase

# -- the second baseline -----------------------------------------------------------------------


def long_crunch() -> Watched:
    """Return a detector whose alert has fired for longer than max_freeze."""
    watched = warm(replace(QUICK, max_freeze=60 * SECOND))
    watched.see(120, bid=1e6, ask=1e6)
    return watched


def test_a_long_crunch_shows_what_has_become_usual() -> None:
    """A second baseline beside the first; the alert still clears against the first."""
    watched = long_crunch()
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert depth.second_baseline == pytest.approx(2e6)
    assert depth.baseline == pytest.approx(6e6)
    assert watched.phase is CrunchPhase.FIRING


def test_a_person_may_rebase_it_which_is_not_a_recovery() -> None:
    """The alert ends, saying so, and the new level is judged against itself."""
    watched = long_crunch()
    alert = watched.detector.rebase(watched.at, "operator")
    assert alert is not None
    assert alert.state is AlertState.RESOLVED
    assert "has not recovered" in alert.sentence
    assert watched.see(30, bid=1e6, ask=1e6) == []
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert depth.baseline == pytest.approx(2e6)
    assert watched.detector.rebase(watched.at, "operator") is None


def test_an_alert_of_a_book_that_is_left_ends_saying_so() -> None:
    """Nobody saw it recover; without an alert there is nothing to end."""
    watched = long_crunch()
    alert = watched.detector.leave(watched.at, "removed")
    assert alert is not None
    assert (alert.state, alert.ended_at) == (AlertState.RESOLVED, watched.at)
    assert "no longer watched" in alert.sentence
    assert watched.detector.status().alert is None
    assert watched.detector.leave(watched.at, "removed") is None


# -- bands and sizes ---------------------------------------------------------------------------


def test_the_band_is_wide_enough_for_the_spread() -> None:
    """At least three times the median spread."""
    for spread, band in ((3.3, 10), (3.4, 50), (16.0, 50), (17.0, 100), (90.0, 100)):
        watched = warm(spread_bps=spread)
        assert watched.detector.status().band == band


def test_a_venue_with_a_narrow_range_is_judged_by_its_largest_complete_band() -> None:
    """And that band is named."""
    bands = (1, 2, 5, 10, 50, 100)
    watched = warm(bands=bands, complete=(1, 2, 5))
    (alert,) = watched.see(3, bands=bands, complete=(1, 2, 5), bid=1e6, ask=1e6)
    assert watched.detector.status().band == 5
    assert "within 5 bps" in alert.sentence


def test_a_spread_at_the_edge_does_not_make_the_band_flap() -> None:
    """It is left only when it is clearly too narrow."""
    watched = warm(spread_bps=3.3)
    watched.see(150, spread_bps=3.5)
    assert watched.detector.status().band == 10
    watched.see(150, spread_bps=4.3)
    assert watched.detector.status().band == 50
    watched.see(150, spread_bps=3.3)
    assert watched.detector.status().band == 10


def test_the_reference_notional_fits_the_book_in_its_normal_state() -> None:
    """A fifth of the thinner side within 100 bps, a round number, and it is said."""
    sizes = (Decimal(110_000),)
    watched = warm(bid=5.9e4, ask=5.6e4, notionals=sizes)
    status = watched.detector.status()
    assert (status.reference_notional, status.reference_too_large) == (Decimal(110_000), True)
    assert watched.detector.wanted().notionals == sizes
    status = warm().detector.status()
    assert (status.reference_notional, status.reference_too_large) == (Decimal(500_000), False)


def test_without_100_bps_the_widest_known_band_chooses_the_reference() -> None:
    """A smaller depth gives a smaller, safer size."""
    watched = warm(bid=1e6, ask=1e6, complete=(10,))
    assert watched.detector.reference_notional == Decimal(200_000)


def test_a_book_without_a_whole_band_has_no_reference_yet() -> None:
    """Nothing is made up."""
    assert warm(complete=()).detector.reference_notional is None
    assert warm(bid=0.01, ask=0.01).detector.reference_notional is None


def test_the_reference_is_held_for_the_day_and_its_successor_warms_up_first() -> None:
    """A new day's size is measured beside the old one until it can be judged."""
    thin = Decimal(200_000)
    both = (Decimal(500_000), thin)
    watched = warm(notionals=both)
    watched.second += 86_400
    watched.see(6, bid=1e5, ask=1e5, notionals=both)
    assert watched.detector.wanted().notionals == both
    assert watched.detector.reference_notional == Decimal(500_000)
    watched.see(30, bid=1e5, ask=1e5, notionals=both)
    assert watched.detector.wanted().notionals == (thin,)


def test_a_book_too_noisy_to_tell_a_fall_of_sixty_percent_is_marked() -> None:
    """4.25 s above 0.92."""
    watched = Watched()
    for second in range(60):
        watched.see(1, bid=3e6 * (1.6 if second % 2 else 0.6), ask=3e6)
        watched.see(1, ask=3e6 * (1.6 if second % 2 else 0.6))
    assert not warm().detector.status().noise_limited
    assert watched.detector.status().noise_limited


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CrunchSettings(min_samples=1),
        lambda: CrunchSettings(min_samples=10, slow=5),
        lambda: CrunchSettings(cadence=0),
        lambda: CrunchSettings(bands=()),
        lambda: CrunchSettings(bleed_short=100),
        lambda: CrunchSettings(reference_notional=Decimal(0)),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: Callable[[], CrunchSettings]) -> None:
    """ValueError, when they are made."""
    with pytest.raises(ValueError, match="must"):
        wrong()
