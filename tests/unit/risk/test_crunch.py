"""The liquidity crunch: what fires, what clears, and what must never end an alert."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.support.markets import START, one_sided, reading

from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity
from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Reading
from tidegauge.risk.crunch import SIGNAL, CrunchDetector
from tidegauge.risk.settings import CrunchSettings, UserFloors
from tidegauge.risk.status import CrunchPhase

KEY = AlertKey(signal=SIGNAL, symbol="BTCUSDT", venue="binance")
QUICK = CrunchSettings(
    slow=100, fast=20, min_samples=20, reference_samples=5, clear_for=10 * SECOND
)


class Watched:
    """A detector and its market, a second at a time."""

    def __init__(self, settings: CrunchSettings = QUICK) -> None:
        self.detector = CrunchDetector(KEY, settings)
        self.second = 0
        self.changes: list[tuple[int, Alert]] = []

    def see(self, seconds: int = 1, **book: Any) -> list[Alert]:
        """Judge and sample the same book for some seconds; return what changed."""
        return self.see_each(reading(self.at, frame=self.second, **book) for _ in range(seconds))

    def see_each(self, readings: Iterable[Reading]) -> list[Alert]:
        """Judge and sample each reading, a second apart."""
        changes = []
        for one in readings:
            change = self.detector.observe(one)
            self.detector.sample(one, one.origin.received_at)
            self.note(change)
            if change is not None:
                changes.append(change)
            self.second += 1
        return changes

    def note(self, change: Alert | None) -> None:
        """Keep what changed."""
        if change is not None:
            self.changes.append((self.second, change))

    @property
    def at(self) -> int:
        return START + self.second * SECOND

    @property
    def phase(self) -> CrunchPhase:
        return self.detector.status().phase


def warm(settings: CrunchSettings = QUICK, seconds: int = 60, **book: Any) -> Watched:
    """Return a detector that knows its market."""
    watched = Watched(settings)
    assert watched.see(seconds, **book) == []
    return watched


def firing(**book: Any) -> Watched:
    """Return a detector whose alert fires because most of the depth went."""
    watched = warm()
    watched.see(4, **(book or {"bid": 1e6, "ask": 1e6}))
    assert watched.phase is CrunchPhase.FIRING
    return watched


# -- warming up --------------------------------------------------------------------------------


def test_it_warms_up_visibly_and_says_how_far() -> None:
    """No judgement below min_samples; the count is shown."""
    watched = Watched()
    watched.see(19)
    status = watched.detector.status()
    assert (status.phase, status.samples, status.samples_needed) == (CrunchPhase.WARMING, 19, 20)
    depth = status.input("depth")
    assert depth is not None
    assert (depth.harm, depth.noise, depth.robust_z, depth.textbook_z) == (None,) * 4
    watched.see(2)
    assert watched.phase is CrunchPhase.CALM


def test_nothing_relative_fires_while_it_warms_up() -> None:
    """Without a baseline no depth is unusual."""
    watched = Watched()
    watched.see(10)
    assert watched.see(9, bid=1e5, ask=1e5, spread_bps=9.0) == []


def test_a_new_detector_has_a_status() -> None:
    """Before anything was seen."""
    status = Watched().detector.status()
    assert (status.phase, status.samples, status.band) == (CrunchPhase.WARMING, 0, None)
    assert (status.inputs, status.alert, status.reference_notional) == ((), None, None)
    assert status.input("depth") is None


def test_the_value_judged_is_not_in_the_window_it_is_judged_against() -> None:
    """A first unusual reading stands against a window without it."""
    watched = warm()
    watched.detector.observe(reading(watched.at, bid=1.5e6, ask=1.5e6))
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert depth.baseline == pytest.approx(6e6)
    assert depth.harm == pytest.approx(0.6931, abs=1e-3)
    assert depth.robust_z == pytest.approx(0.6931 / 0.05, abs=0.01)


# -- what fires --------------------------------------------------------------------------------


def test_depth_that_falls_by_two_thirds_fires_after_its_hold() -> None:
    """A step of both sides: for 2 s, then one alert."""
    watched = warm()
    assert watched.see(2, bid=1e6, ask=1e6) == []
    assert watched.phase is CrunchPhase.PENDING
    (alert,) = watched.see(1, bid=1e6, ask=1e6)
    assert (alert.state, alert.cause, alert.severity) == (
        AlertState.FIRING,
        "depth",
        Severity.HIGH,
    )
    assert alert.started_at == START + 60 * SECOND
    assert alert.updated_at == START + 62 * SECOND
    assert alert.value == pytest.approx(2e6)
    assert alert.baseline == pytest.approx(6e6)
    assert alert.threshold == pytest.approx(6e6 * 2.718281828**-0.65, rel=1e-6)
    assert alert.action is Action.PAUSE_ASSET
    assert alert.trace == "binance/1/62"
    assert watched.detector.status().alert is alert


def test_a_dip_shorter_than_its_hold_is_no_alert() -> None:
    """Pending, then calm again."""
    watched = warm()
    watched.see(2, bid=1e6, ask=1e6)
    assert watched.see(5) == []
    assert watched.phase is CrunchPhase.CALM


@pytest.mark.parametrize(
    ("book", "cause", "severity", "seconds"),
    [
        ({"bid": 1.5e6, "ask": 1.5e6}, "depth", Severity.WARNING, 3),
        ({"bid": 1e6, "ask": 1e6}, "depth", Severity.HIGH, 3),
        ({"bid": 6e5, "ask": 6e5}, "depth", Severity.CRITICAL, 3),
        ({"bid": 0.0, "ask": 0.0}, "depth", Severity.CRITICAL, 3),
        ({"bid": 1e6, "sell": 3.0}, "bid_depth", Severity.HIGH, 4),
        ({"ask": 1e6, "buy": 3.0}, "ask_depth", Severity.HIGH, 4),
        ({"spread_bps": 3.1}, "spread", Severity.HIGH, 6),
        ({"spread_bps": 4.0}, "spread", Severity.CRITICAL, 6),
        ({"spread_bps": 4.0, "bid": 2e6, "ask": 2e6}, "spread", Severity.CRITICAL, 3),
        ({"sell": 5.5, "bid": 2e6}, "sell_slippage", Severity.HIGH, 6),
        ({"buy": 5.5, "ask": 2e6}, "buy_slippage", Severity.HIGH, 6),
        ({"sell": None}, "sell_fill", Severity.CRITICAL, 3),
        ({"buy": None}, "buy_fill", Severity.CRITICAL, 3),
    ],
)
def test_every_breach_fires_when_its_hold_is_over(
    book: dict[str, Any], cause: str, severity: Severity, seconds: int
) -> None:
    """The cause, the severity and the hold of each rule."""
    if severity is Severity.WARNING:
        book = {"bid": 3e6 * 0.51, "ask": 3e6 * 0.51}
    watched = warm()
    assert watched.see(seconds - 1, **book) == []
    (alert,) = watched.see(1, **book)
    assert (alert.cause, alert.severity) == (cause, severity)


@pytest.mark.parametrize(
    "book",
    [
        {"bid": 1.4e6},
        {"sell": 6.0},
        {"imbalance": 1.0},
        {"spread_bps": 2.9},
        {"bid": 1.7e6, "ask": 1.7e6},
    ],
)
def test_what_is_not_supported_or_not_enough_stays_quiet(book: dict[str, Any]) -> None:
    """One side's depth alone, its slippage alone, imbalance alone, and the near misses."""
    watched = warm()
    assert watched.see(20, **book) == []


def test_a_slow_bleed_fires_before_half_is_gone() -> None:
    """0.5 % a second: no step of the second, but the median of the last thirty says it."""
    watched = warm(replace(QUICK, slow=2_000), seconds=1_000)
    shares = [0.995**second for second in range(138)]
    changes = [watched.see(1, bid=3e6 * share, ask=3e6 * share) for share in shares]
    (alert,) = next(change for change in changes if change)
    assert (alert.cause, alert.state) == ("depth", AlertState.FIRING)


def test_imbalance_is_named_by_the_alert_that_others_raise() -> None:
    """It never fires alone, but it is said."""
    watched = warm()
    (alert,) = watched.see(3, bid=1e6, ask=1e6, imbalance=-0.8)
    assert "leans to the asks (imbalance -0.80)" in alert.sentence


def test_severity_rises_at_once_and_does_not_fall() -> None:
    """It falls only by clearing."""
    watched = firing()
    (worse,) = watched.see(1, bid=5e5, ask=5e5)
    assert (worse.severity, worse.worst_severity) == (Severity.CRITICAL, Severity.CRITICAL)
    watched.see(5, bid=1e6, ask=1e6)
    alert = watched.detector.status().alert
    assert alert is not None
    assert alert.severity is Severity.CRITICAL


def test_a_later_cause_joins_the_alert() -> None:
    """One crunch, one alert: the first cause stays its name, and all are listed."""
    watched = firing()
    changes = watched.see(5, bid=1e6, ask=1e6, spread_bps=5.0)
    assert changes[-1].causes == ("depth", "spread")
    assert {change.id for change in changes} == {watched.changes[0][1].id}
    assert changes[-1].cause == "depth"


def test_an_eased_first_cause_keeps_the_numbers_it_was_told_with() -> None:
    """Value, threshold and baseline are always those of the cause."""
    watched = firing()
    (alert,) = watched.see(6, spread_bps=5.0)
    assert (alert.cause, alert.causes) == ("depth", ("depth", "spread"))
    assert alert.value == pytest.approx(2e6)
    assert alert.severity is Severity.CRITICAL


def test_the_sentence_says_what_how_unusual_what_it_costs_and_what_to_do() -> None:
    """In plain words."""
    watched = warm()
    (alert,) = watched.see(3, bid=1e6, ask=1e6, sell=4.0)
    assert alert.sentence == (
        "Depth within 10 bps is 2M, 67% below its usual 6M, on binance BTCUSDT: "
        "22.0 times its noise. For 500,000, a sell costs 4 bps (200, usually 1 bps) and a buy "
        "costs 1 bps (50, usually 1 bps). Pause quoting and large orders until it clears."
    )


@pytest.mark.parametrize(
    ("book", "words"),
    [
        ({"spread_bps": 4.0}, "The spread is 4 bps, usually 1, on binance BTCUSDT"),
        ({"sell": None}, "A sell of 500,000 can no longer be filled (only 50% of it)"),
        ({"sell": None}, "a sell cannot be filled and a buy costs 1 bps"),
        ({"sell": 6.0, "bid": 2e6}, "Selling 500,000 slips 6 bps, usually 1,"),
        ({"buy": 6.0, "ask": 2e6}, "Buying 500,000 slips 6 bps, usually 1,"),
        ({"bid": 1e6, "sell": 3.0}, "Bid depth within 10 bps is 1M, 67% below its usual 3M"),
    ],
)
def test_each_cause_has_its_words(book: dict[str, Any], words: str) -> None:
    """The sentence names what happened."""
    watched = warm()
    alert = watched.see(6, **book)[0]
    assert words in alert.sentence


# -- while it lasts, and how it clears ---------------------------------------------------------


def test_a_crunch_fires_for_as_long_as_it_lasts() -> None:
    """Forty minutes: one alert, never quiet, because the windows stand still."""
    watched = firing()
    for _ in range(2_400):
        watched.see(1, bid=1e6, ask=1e6)
        assert watched.phase is CrunchPhase.FIRING
    assert len({alert.id for _, alert in watched.changes}) == 1
    assert len(watched.changes) <= 3
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert depth.frozen
    assert depth.baseline == pytest.approx(6e6)


def test_recovery_resolves_it_once_after_clear_for() -> None:
    """Within clear_for and five seconds, and everything learns again."""
    watched = firing()
    recovered_at = watched.second
    (alert,) = watched.see(30)
    assert alert.state is AlertState.RESOLVED
    resolved_at = watched.changes[-1][0]
    assert 10 <= resolved_at - recovered_at <= 15
    assert alert.ended_at == START + resolved_at * SECOND
    assert "back to normal after" in alert.sentence
    assert watched.phase is CrunchPhase.CALM
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert not depth.frozen


def test_the_next_crunch_is_another_alert() -> None:
    """Another id."""
    watched = firing()
    first = watched.changes[0][1]
    watched.see(40)
    (second,) = watched.see(3, bid=1e6, ask=1e6)
    assert second.id != first.id
    assert second.state is AlertState.FIRING


def test_a_replay_gives_the_same_alerts() -> None:
    """Byte for byte."""
    runs = []
    for _ in range(2):
        watched = firing()
        watched.see(40)
        runs.append(watched.changes)
    assert runs[0] == runs[1]


def test_a_half_recovery_does_not_clear() -> None:
    """Below the threshold that breached, but not below three quarters of the lowest."""
    watched = firing()
    assert watched.see(60, bid=2e6, ask=2e6) == []
    assert watched.phase is CrunchPhase.FIRING


def test_a_relapse_starts_the_clearing_anew() -> None:
    """Unbroken for clear_for."""
    watched = firing()
    assert watched.see(9) == []
    watched.see(5, bid=1e6, ask=1e6)
    assert watched.see(9) == []
    (alert,) = watched.see(10)
    assert alert.state is AlertState.RESOLVED


def test_every_cause_must_recover() -> None:
    """Depth is back, the spread is not."""
    watched = firing(bid=1e6, ask=1e6, spread_bps=5.0)
    assert watched.see(60, spread_bps=5.0) == []
    assert watched.phase is CrunchPhase.FIRING


def test_a_side_that_cannot_be_filled_clears_when_it_can() -> None:
    """Filled again for clear_for."""
    watched = warm()
    watched.see(4, sell=None)
    assert watched.phase is CrunchPhase.FIRING
    (alert,) = watched.see(30)
    assert alert.state is AlertState.RESOLVED


def test_a_size_that_often_did_not_fit_raises_nothing() -> None:
    """Cannot fill counts only where it normally could."""
    watched = Watched()
    for _ in range(40):
        watched.see(1, sell=None)
        watched.see(1)
    assert watched.see(10, sell=None) == []


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
    assert watched.detector.plan_bands() == (1, 2, 5, 10, 50, 100)


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
    assert 25 in watched.detector.plan_bands()
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
    assert watched.detector.plan_notionals() == sizes
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
    assert watched.detector.plan_notionals() == both
    assert watched.detector.reference_notional == Decimal(500_000)
    watched.see(30, bid=1e5, ask=1e5, notionals=both)
    assert watched.detector.plan_notionals() == (thin,)


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
