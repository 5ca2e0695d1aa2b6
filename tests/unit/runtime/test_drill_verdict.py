"""What a verdict finds: late, missed, false, too short, open still, one incident too many."""

from dataclasses import replace

import pytest

from tidegauge.core.alert import Severity, Signal
from tidegauge.core.incident import Family
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.runtime.drill_outcome import AlertSeen, DrillOutcome, IncidentSeen, PageSeen
from tidegauge.runtime.drill_verdict import clear_for, judged
from tidegauge.simulator.drill_plan import Drill
from tidegauge.simulator.drills import CALM, DEPEG, OUTAGE, STEP_CRUNCH

RULES = RuleSet()
BEGINS, ENDS = STEP_CRUNCH.begins_at, STEP_CRUNCH.ends_at


def alert(
    fired_at: Nanos = BEGINS + 2 * SECOND,
    ended_at: Nanos | None = ENDS + 31 * SECOND,
    **fields: object,
) -> AlertSeen:
    """Return the alert that the step crunch wants, or another one."""
    usual: dict[str, object] = {
        "id": "1", "signal": Signal.CRUNCH, "symbol": "BTCUSDT", "venue": "binance",
        "rises": ((fired_at, Severity.HIGH),), "sentence": "It thinned.", "cost": None,
    }  # fmt: skip
    return AlertSeen(fired_at=fired_at, ended_at=ended_at, **{**usual, **fields})  # type: ignore[arg-type]


def incident(resolved_at: Nanos | None = ENDS + 90 * SECOND, **fields: object) -> IncidentSeen:
    usual: dict[str, object] = {
        "id": "I", "symbol": "BTCUSDT", "family": Family.LIQUIDITY, "worst": Severity.HIGH,
        "opened_at": BEGINS, "reopened": 0, "alerts": 1, "impact_quote": None,
    }  # fmt: skip
    return IncidentSeen(resolved_at=resolved_at, **{**usual, **fields})  # type: ignore[arg-type]


def of(
    *alerts: AlertSeen,
    incidents: tuple[IncidentSeen, ...] = (incident(),),
    pages: int = 2,
    drill: Drill = STEP_CRUNCH,
) -> DrillOutcome:
    """Return the verdict on a drill in which this happened."""
    page = PageSeen(at=BEGINS, kind="opened", title="HIGH", channels=("team",))
    raw = DrillOutcome(
        drill=drill.name, seed=1, lasts=drill.lasts, begins_at=drill.begins_at,
        ends_at=drill.ends_at, alerts=alerts, incidents=incidents, pages=(page,) * pages,
        mutes=(), events={},
    )  # fmt: skip
    return judged(raw, drill, RULES)


def failures(outcome: DrillOutcome) -> list[str]:
    return [f"{check.expected}: {check.came}" for check in outcome.checks if not check.met]


def test_a_drill_that_went_as_expected_passes() -> None:
    """In time, for as long as it lasts, alone, one incident, few pages."""
    outcome = of(alert())
    assert failures(outcome) == []
    assert outcome.passed
    assert outcome.delay == 2 * SECOND


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (alert(BEGINS + 5 * SECOND), "within 4.0 s: after 5.0 s"),
        (
            alert(ended_at=BEGINS + 60 * SECOND),
            "for as long as it lasts: it ended 240.0 s too early",
        ),
        (alert(ended_at=ENDS + 36 * SECOND), "over within 35.0 s of the trouble: after 36.0 s"),
        (alert(ended_at=None), "over within 35.0 s of the trouble: it fires still"),
        (alert(venue="bybit-spot"), "liquidity_crunch on bybit-spot at 362.0 s"),
        (alert(BEGINS - SECOND), "liquidity_crunch on binance at 359.0 s"),
        (alert(signal=Signal.STRESS), "liquidity_stress on binance at 362.0 s"),
    ],
)
def test_what_is_not_as_expected_is_said(seen: AlertSeen, said: str) -> None:
    """With the figure that was expected and the one that came."""
    outcome = of(seen)
    assert not outcome.passed
    assert any(said in each for each in failures(outcome)), failures(outcome)


def test_nothing_at_all_fails_a_drill_in_which_something_must_fire() -> None:
    """A rule set that never fires is never wrong, and no good."""
    outcome = of(incidents=(), pages=0)
    assert any("it did not" in each for each in failures(outcome))
    assert any("one incident of liquidity: none" in each for each in failures(outcome))
    assert outcome.delay is None


def test_it_must_be_as_bad_as_the_drill_says_in_time() -> None:
    """A depeg is told mildly at first; what counts is when it is high, and early is no fault."""
    begins, high = DEPEG.begins_at, DEPEG.expected[0].since
    rises = ((begins + 20 * SECOND, Severity.INFO), (high + 4 * SECOND, Severity.HIGH))
    seen = alert(
        begins + 20 * SECOND, DEPEG.ends_at, signal=Signal.DIVERGENCE, venue="coinbase", rises=rises
    )
    one = incident(DEPEG.ends_at, family=Family.DIVERGENCE)
    assert of(seen, incidents=(one,), drill=DEPEG).delay == 4 * SECOND
    early = replace(seen, rises=((begins + 20 * SECOND, Severity.HIGH),))
    assert of(early, incidents=(one,), drill=DEPEG).delay == 0
    mild = replace(seen, rises=rises[:1])
    assert any("it did not" in each for each in failures(of(mild, incidents=(one,), drill=DEPEG)))


def test_a_pair_counts_for_either_of_its_venues() -> None:
    """Of two that disagree nobody can say which one left."""
    seen = alert(
        DEPEG.begins_at + 20 * SECOND, DEPEG.ends_at, signal=Signal.DIVERGENCE,
        venue="binance~coinbase",
    )  # fmt: skip
    assert not of(seen, drill=DEPEG).alerts[0].false


@pytest.mark.parametrize(
    ("incidents", "said"),
    [
        ((incident(), incident(id="J")), "one incident of liquidity: 2 of liquidity"),
        ((incident(), incident(id="J", family=Family.FEED)), "1 of feed, 1 of liquidity"),
        ((incident(None),), "before the drill ends: 1 open still"),
    ],
)
def test_one_trouble_is_one_incident_and_it_ends(
    incidents: tuple[IncidentSeen, ...], said: str
) -> None:
    """Neither two of the family that is meant, nor one of another, nor one that stays open."""
    assert any(said in each for each in failures(of(alert(), incidents=incidents)))


def test_too_many_pages_fail_a_drill() -> None:
    """People stop reading."""
    assert failures(of(alert(), pages=4)) == ["at most 3 pages a channel: 4 at most"]
    assert not of(incidents=(), pages=1, drill=CALM).passed
    assert of(incidents=(), pages=0, drill=CALM).passed


def test_what_may_fire_beside_is_not_false() -> None:
    """A venue that is down is degraded as well, and that is no other trouble."""
    at = OUTAGE.begins_at
    down = alert(at + 15 * SECOND, OUTAGE.ends_at + 31 * SECOND, signal=Signal.VENUE_DOWN)
    degraded = replace(down, id="2", signal=Signal.VENUE_DEGRADED, fired_at=at + 5 * SECOND)
    outcome = of(down, degraded, incidents=(incident(family=Family.FEED),), drill=OUTAGE)
    assert failures(outcome) == []
    assert [each.meant for each in outcome.alerts] == [True, False]


def test_how_long_calm_must_last_is_that_of_the_rules() -> None:
    """A rule set that clears slower may take longer, and no more."""
    slow = RuleSet(health=HealthSettings(clear_for=90 * SECOND))
    assert clear_for(slow, Signal.VENUE_DOWN) == 90 * SECOND
    assert clear_for(slow, Signal.CRUNCH) == 30 * SECOND
    assert all(clear_for(slow, signal) > 0 for signal in Signal)
