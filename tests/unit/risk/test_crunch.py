"""The liquidity crunch: what fires, what it says, and what clears it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.crunch_watch import QUICK, Watched, firing, warm
from tests.support.markets import START, reading

from tidegauge.core.alert import Action, AlertState, Severity
from tidegauge.core.instrument import SECOND
from tidegauge.risk.status import CrunchPhase

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


def test_depth_and_spread_that_went_together_are_believed_by_less() -> None:
    """45 % of the depth is no step by itself; with a spread that moved it is, after two seconds."""
    thinner = {"bid": 1.65e6, "ask": 1.65e6}
    assert warm().see(10, **thinner) == []
    watched = warm()
    assert watched.see(2, spread_bps=1.3, **thinner) == []
    (alert,) = watched.see(1, spread_bps=1.3, **thinner)
    assert (alert.cause, alert.severity) == ("depth", Severity.WARNING)


@pytest.mark.parametrize(("spread", "seconds"), [(1.0, 10), (1.3, 4)])
def test_half_of_a_side_is_believed_when_it_lasts_or_the_spread_moved(
    spread: float, seconds: int
) -> None:
    """Nine seconds, or three."""
    watched = warm()
    book = {"bid": 1.5e6, "sell": 2.0, "spread_bps": spread}
    assert watched.see(seconds - 1, **book) == []
    (alert,) = watched.see(1, **book)
    assert (alert.cause, alert.severity) == ("bid_depth", Severity.HIGH)


def test_a_slow_bleed_of_one_side_fires_before_half_is_gone() -> None:
    """0.2 % a second, and a taker pays more as it goes."""
    watched = warm(replace(QUICK, slow=2_000), seconds=1_000)
    shares = [0.998**second for second in range(346)]
    changes = [watched.see(1, bid=3e6 * share, sell=3.0 / share - 2.0) for share in shares]
    (alert,) = next(change for change in changes if change)
    assert alert.cause == "bid_depth"


@pytest.mark.parametrize(("side", "taker"), [("ask", "buy"), ("bid", "sell")])
def test_a_wall_that_leaves_the_band_is_no_crunch(side: str, taker: str) -> None:
    """Two thirds of all depth went, from one side, and nobody pays more: for a minute, no alert."""
    walled: dict[str, Any] = {side: 1.2e7}
    watched = warm(**walled)
    assert watched.see(60) == []
    assert watched.phase is CrunchPhase.CALM
    watched = warm(**walled)
    assert watched.see(10, **{taker: 2.5}) != []


def test_a_wall_that_leaves_while_the_other_side_falls_is_one() -> None:
    """What is left of both sides is less, whatever a size of today costs."""
    watched = warm(ask=1.2e7)
    (alert,) = watched.see(3, bid=1.5e6, ask=3e6)
    assert alert.cause == "depth"


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
