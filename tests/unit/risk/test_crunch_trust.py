"""The liquidity crunch when something is missing, and a user's own limits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.support.crunch_watch import QUICK, Watched, firing, warm
from tests.support.markets import START, one_sided, reading

from tidegauge.core.alert import Action, AlertState, Severity
from tidegauge.core.instrument import SECOND
from tidegauge.risk.settings import UserFloors
from tidegauge.risk.status import CrunchPhase

# -- what is missing ---------------------------------------------------------------------------


def test_losing_trust_keeps_it_firing_and_says_since_when() -> None:
    """It never resolves from missing data."""
    watched = firing()
    lost = watched.detector.lost_trust(watched.at, "binance/1/77")
    assert lost is not None
    assert (lost.state, lost.unobserved_since, lost.trace) == (
        AlertState.FIRING,
        watched.at,
        "binance/1/77",
    )
    assert "cannot be seen" in lost.sentence
    assert watched.detector.lost_trust(watched.at + SECOND, "x") is None
    assert watched.detector.tick(watched.at + 3_600 * SECOND) is None
    assert watched.phase is CrunchPhase.FIRING


def test_seeing_it_again_takes_the_mark_away() -> None:
    """The first reading says so, whatever else it says."""
    watched = firing()
    watched.detector.lost_trust(watched.at, "x")
    watched.second += 50
    (alert,) = watched.see(1, bid=1e6, ask=1e6)
    assert (alert.state, alert.unobserved_since) == (AlertState.FIRING, None)
    assert "cannot be seen" not in alert.sentence


def test_clearing_stands_still_while_the_book_is_not_seen() -> None:
    """Eight seconds before the gap and five after make more than ten, an hour does not."""
    watched = firing()
    watched.see(8)
    watched.detector.lost_trust(watched.at, "x")
    watched.second += 3_600
    (seen_again,) = watched.see(2)
    assert seen_again.state is AlertState.FIRING
    (alert,) = watched.see(8)
    assert alert.state is AlertState.RESOLVED


def test_a_hold_stands_still_while_the_book_is_not_seen() -> None:
    """One second of breach, an hour of nothing: not two seconds."""
    watched = warm(replace(QUICK, slow=4_000))
    watched.see(2, bid=1e6, ask=1e6)
    assert watched.detector.lost_trust(watched.at, "x") is None
    assert watched.phase is CrunchPhase.PENDING
    watched.second += 30
    assert watched.see(1, bid=1e6, ask=1e6) == []
    (alert,) = watched.see(1, bid=1e6, ask=1e6)
    assert alert.state is AlertState.FIRING


def test_after_a_long_gap_it_warms_up_anew() -> None:
    """Windows expire by time across a trust gap."""
    watched = warm()
    watched.detector.lost_trust(watched.at, "x")
    watched.second += 200
    assert watched.see(5, bid=1e6, ask=1e6) == []
    assert watched.phase is CrunchPhase.WARMING


def test_a_depth_that_is_only_a_floor_enters_nothing() -> None:
    """Neither the window nor the rules: unknown is not a fall."""
    watched = warm()
    depth = watched.detector.status().input("depth")
    assert watched.see(10, bid=1e5, ask=1e5, complete=()) == []
    after = watched.detector.status().input("depth")
    assert depth is not None
    assert after is not None
    assert after.samples <= depth.samples + 1
    assert after.harm is None


def test_an_input_that_is_not_seen_does_not_clear() -> None:
    """The band is unknown: the alert goes on."""
    watched = firing()
    assert watched.see(60, complete=()) == []
    assert watched.phase is CrunchPhase.FIRING


def test_a_slippage_beyond_the_known_range_is_not_judged() -> None:
    """It is a floor of what the book holds, so its cost is a bound only."""
    watched = warm()
    assert watched.see(20, sell=9.0, bid=2e6, floor=True) == []


def test_a_missing_side_is_a_breach_even_while_warming_up() -> None:
    """ONE_SIDED needs no baseline."""
    watched = Watched()
    watched.see(3)
    alert = watched.see_each(one_sided(START + (3 + n) * SECOND) for n in range(3))[-1]
    assert (alert.cause, alert.severity) == ("one_sided", Severity.CRITICAL)
    assert "lost a whole side" in alert.sentence
    (resolved,) = watched.see(30)
    assert resolved.state is AlertState.RESOLVED


def test_a_tick_without_an_observation_moves_nothing() -> None:
    """Neither hold nor clear runs on a clock alone."""
    watched = warm()
    watched.see(2, bid=1e6, ask=1e6)
    for later in (1, 10, 100):
        assert watched.detector.tick(watched.at + later * SECOND) is None
    assert watched.phase is CrunchPhase.PENDING


def test_a_quiet_book_that_is_vouched_for_is_judged_by_the_tick() -> None:
    """A sample of an unchanged LIVE book is an observation of it."""
    watched = warm()
    last = reading(watched.at, bid=1e6, ask=1e6)
    assert watched.detector.observe(last) is None
    changes = []
    for later in (1, 2, 3):
        watched.detector.sample(last, watched.at + later * SECOND)
        changes.append(watched.detector.tick(watched.at + later * SECOND))
    assert [change is not None for change in changes] == [False, True, False]


# -- the user's own limits ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floors", "fine", "breach", "cause", "limit"),
    [
        (UserFloors(min_depth=Decimal(5_000_000)), {}, {"bid": 1e6}, "depth_floor", 5e6),
        (UserFloors(max_spread_bps=2.0), {}, {"spread_bps": 2.5}, "spread_floor", 2.0),
        (UserFloors(max_slippage_bps=2.0), {}, {"buy": 2.5}, "slippage_floor", 2.0),
    ],
)
def test_a_limit_of_the_user_holds_while_warming_up_and_clears_by_a_tenth(
    floors: UserFloors,
    fine: dict[str, Any],
    breach: dict[str, Any],
    cause: str,
    limit: float,
) -> None:
    """An absolute limit needs no baseline."""
    watched = Watched(replace(QUICK, floors=floors))
    watched.see(6, **fine)
    alert = watched.see(3, **breach)[-1]
    assert (alert.cause, alert.severity, alert.threshold) == (cause, Severity.WARNING, limit)
    assert alert.action is Action.WIDEN_SPREAD
    assert "past the limit" in alert.sentence
    (resolved,) = watched.see(30, **fine)
    assert resolved.state is AlertState.RESOLVED


def test_a_limit_barely_met_again_does_not_clear() -> None:
    """Cleared by 10 %."""
    watched = Watched(replace(QUICK, floors=UserFloors(max_spread_bps=2.0)))
    watched.see(5)
    watched.see(3, spread_bps=2.5)
    assert watched.see(60, spread_bps=1.9) == []
    assert watched.phase is CrunchPhase.FIRING


def test_what_is_known_of_an_incomplete_band_may_satisfy_a_limit() -> None:
    """Enough is enough; too little of an unknown whole says nothing."""
    watched = Watched(replace(QUICK, floors=UserFloors(min_depth=Decimal(5_000_000))))
    assert watched.see(5, complete=()) == []
    assert watched.see(5, complete=(), bid=1e6) == []
    assert watched.detector.wanted().bands == (1, 2, 5, 10, 50, 100)


def test_a_floor_on_slippage_waits_for_a_reference_notional() -> None:
    """Unknown until a size was chosen."""
    watched = Watched(replace(QUICK, floors=UserFloors(max_slippage_bps=0.5)))
    assert watched.see(5) == []
    alert = watched.see(4)[-1]
    assert alert.cause == "slippage_floor"


def test_a_floor_on_a_band_that_is_not_measured_is_unknown() -> None:
    """The plan asks for it; a reading without it says nothing."""
    floors = UserFloors(min_depth=Decimal(5_000_000), depth_band=25)
    watched = Watched(replace(QUICK, floors=floors))
    assert 25 in watched.detector.wanted().bands
    assert watched.see(10, bid=1e5) == []


def test_a_limit_of_bps_on_a_floor_is_said_in_words() -> None:
    """Small numbers and large ones are written as people say them."""
    watched = Watched(replace(QUICK, floors=UserFloors(min_depth=Decimal(5_000))))
    watched.see(6)
    alert = watched.see(3, bid=150.0, ask=150.0)[-1]
    assert alert.sentence.startswith("Depth is 300, past the limit of 5,000 set on binance")


def test_an_alert_that_lasted_is_told_in_minutes_and_hours() -> None:
    """Seconds, then minutes, then hours."""
    for seconds, words in ((5, "after 21 s"), (300, "after 5 min"), (7_500, "after 2 h 5 min")):
        watched = firing()
        watched.see(seconds, bid=1e6, ask=1e6)
        (alert,) = [one for one in watched.see(40) if one.state is AlertState.RESOLVED]
        assert words in alert.sentence


def test_a_bleeding_side_that_costs_the_taker_is_believed_earlier() -> None:
    """A side at 57 % is not far enough by itself; with dearer sells it is."""
    for sell, fires in ((1.0, False), (2.5, True)):
        watched = warm(replace(QUICK, slow=1_000), seconds=300)
        watched.see(60, bid=3e6 * 0.57, sell=sell)
        assert (watched.phase is CrunchPhase.FIRING) is fires


def test_a_band_nobody_asked_for_is_not_sampled() -> None:
    """A plan may hold more bands than the detector judges by."""
    watched = warm(bands=(10, 25, 50), complete=(10, 25, 50))
    assert set(watched.detector.windows.bands) == {10, 50}
