"""Whether venues agree: what fires, whom it names, what it says, and what clears it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.quoting import (
    FIVE,
    PERP,
    QUICK,
    SPOT,
    Venues,
    opened,
    warm,
)

from tidegauge.core.alert import Action, AlertState, Severity, Signal
from tidegauge.core.instrument import SECOND, InstrumentKind
from tidegauge.risk.divergence import QuoteFacts
from tidegauge.risk.divergence_status import DivergencePhase

TWO = {"binance": SPOT, "okx": SPOT}
THREE = {"binance": SPOT, "bybit": SPOT, "okx": SPOT}
MIXED = {"binance": SPOT, "binance-futures": PERP, "bybit": SPOT, "bybit-linear": PERP}
FEES = replace(QUICK, taker_bps=dict.fromkeys(FIVE, 2.0))


# -- one that leaves -----------------------------------------------------------------------------


def test_one_venue_that_leaves_four_others_is_one_alert_that_names_it() -> None:
    """Not one a pair; and both numbers are kept."""
    venues = warm()
    issued = venues.run(6, okx=40.0)
    assert opened(issued) == [(Signal.DIVERGENCE, "okx", Severity.WARNING)]
    (alert,) = issued
    assert alert.action is Action.WIDEN_SPREAD
    assert (alert.cause, alert.threshold) == ("okx", 30.0)
    assert alert.value == pytest.approx(40.0, abs=0.2)
    assert alert.started_at == alert.updated_at - 5 * SECOND
    assert alert.sentence.startswith(
        "okx has left the other venues of BTCUSDT: it is 39.9 bps above"
    )
    assert "apart from 4 of 4 others" in alert.sentence
    assert "Executing 500,000 on the wrong one of them costs 1,996 more." in alert.sentence
    assert alert.sentence.endswith("Do not price from okx until it is back.")
    assert venues.watch.impact(alert) == Decimal("1996.01")
    status = venues.watch.status()
    assert (status.phase, status.left) == (DivergencePhase.FIRING, ("okx",))
    pair = status.pair("okx", "binance")
    assert pair is not None
    assert pair.raw_bps == pair.deviation_bps == pytest.approx(-39.92, abs=0.01)
    assert pair.divergence_bps == pair.judged_bps == status.judged_bps
    assert venues.watch.judged_bps == status.judged_bps


@pytest.mark.parametrize(
    ("bps", "severity", "action"),
    [
        (9.9, None, None),
        (10.1, Severity.INFO, Action.MONITOR),
        (29.8, Severity.INFO, Action.MONITOR),
        (30.2, Severity.WARNING, Action.WIDEN_SPREAD),
        (59.8, Severity.WARNING, Action.WIDEN_SPREAD),
        (60.2, Severity.HIGH, Action.PAUSE_ASSET),
        (600.0, Severity.HIGH, Action.PAUSE_ASSET),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_severity_goes_by_how_far_they_are_apart(
    bps: float, severity: Severity | None, action: Action | None, sign: int
) -> None:
    """10, 30 and 60 bps, either way; a formula of the mean of both mids."""
    venues = warm(TWO)
    apart = sign * bps / 10_000
    issued = venues.run(6, okx=10_000 * apart / (1 - apart / 2))
    assert [alert.severity for alert in issued] == ([] if severity is None else [severity])
    assert [alert.action for alert in issued] == ([] if action is None else [action])


def test_of_two_venues_nobody_can_tell_which_left() -> None:
    """The alert is of the pair, and says so."""
    venues = warm(TWO)
    (alert,) = venues.run(6, okx=-20.0)
    assert alert.key.venue == "binance~okx"
    assert "20.0 bps dearer on binance than on okx" in alert.sentence
    assert "cannot be said which" in alert.sentence


@pytest.mark.parametrize("moved", ["binance", "bybit", "okx"])
def test_of_three_the_one_alone_left(moved: str) -> None:
    """Whichever name it has, and whichever way it went."""
    for bps in (25.0, -25.0):
        issued = warm(THREE).run(20, **{moved: bps})
        assert opened(issued) == [(Signal.DIVERGENCE, moved, Severity.INFO)]


def test_two_that_left_are_two_alerts() -> None:
    """Each is named; the three that agree are not."""
    issued = warm().run(20, okx=80.0, kraken=-40.0)
    assert sorted(opened(issued)) == [
        (Signal.DIVERGENCE, "kraken", Severity.WARNING),
        (Signal.DIVERGENCE, "okx", Severity.HIGH),
    ]


@pytest.mark.parametrize("first", ["kraken", "okx"])
def test_two_that_left_either_way_are_as_bad_as_they_are_apart(first: str) -> None:
    """80 bps between them is high, told by the one that left first; the other is 40 from the rest.
    Once the first is back, that the other is away does not keep it."""
    second, at = {"kraken": ("okx", -40.0), "okx": ("kraken", 40.0)}[first]
    venues = warm()
    venues.run(10, **{first: at})
    venues.run(10, **{second: -at / 4})
    venues.run(10, **{second: -at})
    severities = {alert.key.venue: alert.severity for alert in venues.open.values()}
    assert severities == {first: Severity.HIGH, second: Severity.WARNING}
    venues.run(40, **{first: 0.0})
    assert venues.open.keys() == {f"divergence {second}"}


@pytest.mark.parametrize("side", [("a", "b"), ("a", "c"), ("a", "d"), ("c", "d"), ("b", "d")])
def test_of_four_that_split_in_two_one_half_left(side: tuple[str, str]) -> None:
    """Which half nobody can tell; but it is two alerts, and both of the same half."""
    venues = warm(dict.fromkeys("abcd", SPOT))
    left = {
        venue for _signal, venue, _severity in opened(venues.run(20, **dict.fromkeys(side, 40.0)))
    }
    assert left in (set(side), set("abcd") - set(side))
    assert len(venues.issued) == 2


def test_a_market_that_moves_venue_after_venue_blames_nobody() -> None:
    """The first to move is ahead of the others for less than the hold."""
    venues = warm()
    for venue in FIVE:
        assert venues.run(1, **{venue: 50.0}) == []
    assert venues.run(30) == []


def test_the_one_that_stays_behind_is_the_one_that_left() -> None:
    """It did not move: the others did. Who moved first does not matter."""
    venues = warm()
    for venue in ("binance", "bybit", "coinbase", "kraken"):
        venues.run(1, **{venue: 50.0})
    assert {alert.key.venue for alert in venues.run(30)} == {"okx"}


def test_two_that_hang_about_the_same_distance_do_not_hide_behind_each_other() -> None:
    """Which is the further changes each second; what they are apart by lasts, and fires."""
    venues = warm(THREE)
    for second in range(20):
        jitter = 0.5 if second % 2 else -0.5
        venues.run(1, okx=8.0 + jitter, bybit=-8.0 + jitter)
    (alert,) = venues.issued
    assert alert.severity is Severity.INFO
    assert alert.updated_at - alert.started_at == 5 * SECOND


# -- holds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasted", "fires"), [(21, True), (19, False)])
def test_an_excursion_between_two_samples_counts_from_quote_to_quote(
    lasted: int, fires: bool
) -> None:
    """2.1 s of it with a hold of 2 s fires, though the samples saw 1.0 s of it."""
    venues = warm(settings=replace(QUICK, hold=2 * SECOND))
    for tenths in range(40):
        if tenths in (6, 6 + lasted):
            venues.quote("okx", 40.0 if tenths == 6 else 0.0)
        if tenths % 10 == 0:
            venues.note(venues.watch.sample(venues.at, venues.trace))
        venues.at += SECOND // 10
    assert bool(venues.issued) is fires


def test_a_flap_shorter_than_the_hold_never_fires() -> None:
    """Four seconds out, one in, for ten minutes."""
    venues = warm()
    for _ in range(120):
        assert venues.run(4, okx=80.0) == []
        assert venues.run(1, okx=0.0) == []


def test_worse_counts_once_it_lasted_too_and_is_one_alert() -> None:
    """The severity rises within the alert, and does not fall."""
    venues = warm()
    severities = []
    for seconds, bps in ((10, 15.0), (3, 70.0), (3, 70.0)):
        venues.run(seconds, okx=bps)
        severities.append(venues.open["divergence okx"].severity)
    assert severities == [Severity.INFO, Severity.INFO, Severity.HIGH]
    assert venues.run(60, okx=15.0) == []
    assert len({alert.id for alert in venues.issued}) == 1


def test_it_clears_below_three_quarters_of_the_limit_for_half_a_minute() -> None:
    """Not at 8 bps, nor after 29 s."""
    venues = warm()
    venues.run(10, okx=40.0)
    assert venues.run(120, okx=8.0) == []
    venues.run(20, okx=7.0)
    venues.run(1, okx=9.0)
    assert venues.run(30, okx=7.0) == []
    (ended,) = venues.run(1)
    assert ended.state is AlertState.RESOLVED
    assert ended.sentence == (
        "okx agrees with the others about BTCUSDT again after 3 min 1 s; it was warning at its "
        "worst. Resume as usual."
    )
    assert venues.watch.status().phase is DivergencePhase.CALM


# -- what cannot be seen -------------------------------------------------------------------------


def test_while_the_venue_that_left_is_gone_its_alert_fires_on() -> None:
    """An hour of nothing is no recovery; back among the others, it clears as usual."""
    venues = warm()
    venues.run(10, okx=40.0)
    (lost,) = venues.run(3_600, okx=None)
    assert lost.unobserved_since == lost.updated_at
    (seen,) = venues.run(30, okx=0.0)
    assert (seen.unobserved_since, seen.state) == (None, AlertState.FIRING)
    assert [alert.state for alert in venues.run(2)] == [AlertState.RESOLVED]


def test_that_another_venue_is_gone_does_not_keep_it_from_clearing() -> None:
    """It agrees again with those that are left."""
    venues = warm()
    venues.run(10, okx=40.0)
    issued = venues.run(40, okx=0.0, kraken=None)
    assert [alert.state for alert in issued] == [AlertState.RESOLVED]


def test_agreeing_with_another_that_left_is_no_recovery() -> None:
    """Two left together; those that they left cannot be seen."""
    venues = warm({**TWO, "bybit": SPOT, "kraken": SPOT, "coinbase": SPOT})
    venues.run(10, okx=40.0, kraken=40.0)
    assert venues.open.keys() == {"divergence okx", "divergence kraken"}
    issued = venues.run(300, binance=None, bybit=None, coinbase=None)
    assert all(alert.unobserved_since is not None for alert in issued)
    assert venues.open.keys() == {"divergence okx", "divergence kraken"}


def test_agreeing_with_one_that_it_never_left_is_no_recovery() -> None:
    """Those that it left are gone, and one that was not there yet quotes what it does."""
    venues = warm({**THREE, "kraken": SPOT})
    venues.run(10, okx=40.0, kraken=None)
    issued = venues.run(300, binance=None, bybit=None, kraken=40.0)
    assert [alert.unobserved_since is None for alert in issued] == [False]
    assert venues.open.keys() == {"divergence okx"}


def test_a_hold_stands_still_while_a_venue_is_gone() -> None:
    """Three seconds apart before, two after."""
    venues = warm()
    venues.run(4, okx=40.0)
    assert venues.run(100, okx=None) == []
    assert venues.run(2, okx=40.0) == []
    assert len(venues.run(1, okx=40.0)) == 1


def test_with_fewer_than_two_fresh_venues_it_is_blind_and_says_so() -> None:
    """After a while, naming who is missing; over once two are back for long enough."""
    venues = warm(THREE)
    venues.run(15, bybit=None, okx=None)
    assert venues.issued == []
    assert venues.watch.status().phase is DivergencePhase.BLIND
    (blind,) = venues.run(1)
    assert (blind.key.signal, blind.key.venue, blind.severity) == (
        Signal.BLIND,
        "*",
        Severity.WARNING,
    )
    assert "only binance is live and fresh, and not bybit, okx" in blind.sentence
    assert venues.run(600) == []
    ended = venues.run(40, okx=0.0)
    assert [alert.state for alert in ended] == [AlertState.RESOLVED]


def test_a_start_is_no_blindness_until_it_lasts() -> None:
    """Books that synchronise for ten seconds are nothing to tell of."""
    venues = Venues(THREE)
    assert venues.run(10, binance=None, bybit=None, okx=None) == []
    assert venues.run(60, binance=0.0, bybit=0.0, okx=0.0) == []


def test_one_venue_alone_is_never_blind() -> None:
    """There was never anything to compare."""
    venues = Venues({"binance": SPOT})
    assert venues.run(100, binance=None) == []
    assert venues.run(100, binance=500.0) == []


# -- premiums ------------------------------------------------------------------------------------


def test_a_lasting_premium_is_no_divergence() -> None:
    """Perpetuals 45 bps above spot, for an hour, and not one alert: basis is no divergence."""
    venues = Venues(MIXED, QUICK)
    bps = {"binance-futures": 45.0, "bybit-linear": 44.0}
    assert venues.run(3_600, **bps) == []
    pair = venues.watch.status().pair("binance", "binance-futures")
    assert pair is not None
    assert pair.raw_bps == pytest.approx(-44.9, abs=0.1)
    assert pair.premium_bps == pytest.approx(-44.9, abs=0.1)
    assert pair.deviation_bps == pytest.approx(0.0, abs=0.01)
    assert not pair.alike


def test_what_differs_is_judged_by_what_deviates_from_its_premium() -> None:
    """A perpetual that loses its usual 45 bps has left, though its raw difference is nothing."""
    venues = Venues(MIXED, QUICK)
    bps: dict[str, float | None] = {"binance-futures": 45.0, "bybit-linear": 45.0}
    venues.run(100, **bps)
    (alert,) = venues.run(6, **{"binance-futures": 0.0})
    assert (alert.key.venue, alert.severity) == ("binance-futures", Severity.WARNING)
    assert alert.value == pytest.approx(44.8, abs=0.1)
    assert "beyond their usual premium" in alert.sentence or "has left" in alert.sentence


@pytest.mark.parametrize(
    "other", [PERP, QuoteFacts(InstrumentKind.SPOT, "USD"), QuoteFacts(InstrumentKind.FUTURE, "X")]
)
def test_until_its_premium_is_known_it_is_warming_and_judges_nothing(other: QuoteFacts) -> None:
    """Other kinds and other quotes: 200 bps apart from the first second on, and shown as that."""
    venues = Venues({"binance": SPOT, "okx": other})
    assert venues.run(19, okx=200.0) == []
    pair = venues.watch.status().pair("binance", "okx")
    assert pair is not None
    assert (pair.phase, pair.samples, pair.samples_needed) == (DivergencePhase.WARMING, 19, 20)
    assert pair.divergence_bps == pytest.approx(198.0, abs=0.1)
    assert (pair.deviation_bps, pair.premium_bps, pair.judged_bps) == (None, None, None)
    venues.run(1)
    assert venues.watch.status().phase is DivergencePhase.CALM


def test_what_lasts_does_not_become_usual_while_it_fires() -> None:
    """Half an hour of a broken peg still fires, against the premium of before; then it clears."""
    venues = warm({"binance": SPOT, "coinbase": QuoteFacts(InstrumentKind.SPOT, "USD")})
    venues.run(1_800, coinbase=-80.0)
    pair = venues.watch.status().pair("binance", "coinbase")
    assert pair is not None
    assert (pair.frozen, pair.samples) == (True, 65)
    assert pair.premium_bps == pytest.approx(0.0, abs=0.01)
    assert venues.open.keys() == {"divergence binance~coinbase"}
    issued = venues.run(40, coinbase=0.0)
    assert [alert.state for alert in issued] == [AlertState.RESOLVED]
    pair = venues.watch.status().pair("binance", "coinbase")
    assert pair is not None
    assert not pair.frozen


def test_after_a_long_freeze_a_second_premium_is_shown_and_a_person_may_take_it() -> None:
    """Rebased is not recovered: the sentence says so."""
    settings = replace(QUICK, max_freeze=60 * SECOND)
    venues = warm({"binance": SPOT, "coinbase": QuoteFacts(InstrumentKind.SPOT, "USD")}, settings)
    venues.run(120, coinbase=-80.0)
    pair = venues.watch.status().pair("binance", "coinbase")
    assert pair is not None
    assert pair.second_premium_bps == pytest.approx(80.3, abs=0.1)
    (ended,) = venues.note(venues.watch.rebase("binance~coinbase", venues.at, "x"))
    assert ended.state is AlertState.RESOLVED
    assert "was declared the usual one; it has not come back" in ended.sentence
    assert venues.run(300) == []


def test_alike_instruments_have_no_premium_to_rebase() -> None:
    """Nothing happens: the alert fires on."""
    venues = warm()
    venues.run(10, okx=40.0)
    assert list(venues.watch.rebase("okx", venues.at, "x")) == []
    assert venues.open.keys() == {"divergence okx"}
