"""Drills for people: one report, one list, one scorecard, with nothing that steers a terminal."""

from tests.unit.runtime.test_drill_verdict import alert, incident, of

from tidegauge.core.instrument import SECOND
from tidegauge.faces.drill_tables import list_of_drills, listed, report, scorecard
from tidegauge.runtime.drill_outcome import Cost, MuteSeen
from tidegauge.runtime.drill_scorecard import Failure, Line, Scorecard
from tidegauge.simulator.drills import CALM, DRILLS, STEP_CRUNCH


def cost(bps: float | None) -> Cost:
    extra = None if bps is None else 75.0
    return Cost(venue="binance", taker="sell", size="500000", bps=bps, usual_bps=1.0, extra=extra)


def test_a_report_tells_what_fired_what_it_cost_and_who_would_know() -> None:
    """And each expectation with what came of it."""
    said = report(
        of(alert(cost=cost(2.5)), incidents=(incident(impact_quote="75.00"),)), STEP_CRUNCH
    )
    assert "6:02.0 liquidity_crunch on binance fired (high), after 2.0 s, for 5:32.0" in said
    assert "A sell of 500,000 on binance at that moment: 2.50 bps, usually 1.00: 75 more." in said
    assert "incident of liquidity, high: opened 6:00.0, resolved 12:33.0; 1 alert" in said
    assert "impact 75.00" in said
    assert "Pages: 2 to team. Nobody was notified." in said
    assert "PASSED: step-crunch" in said
    assert said.count("  ok  ") == 7


def test_a_report_of_a_failure_says_what_was_not_as_expected() -> None:
    """False alerts are marked, and what could not be filled has no price."""
    seen = alert(venue="bybit-spot", cost=cost(None))
    said = report(of(seen, incidents=()), STEP_CRUNCH)
    assert "FALSE: liquidity_crunch on bybit-spot fired" in said
    assert "could not be filled" in said
    assert "FAILED: step-crunch" in said
    assert "  NOT nothing else fires: liquidity_crunch on bybit-spot at 362.0 s" in said


def test_a_quiet_drill_says_that_nothing_fired() -> None:
    """That is what was to be shown."""
    said = report(of(incidents=(), pages=0, drill=CALM), CALM)
    assert "Nothing fired." in said
    assert "Pages: none." in said
    assert "The trouble" not in said


def test_what_is_told_cannot_steer_the_terminal() -> None:
    """A comment of a silence may hold anything."""
    mute = MuteSeen(at=SECOND, stage="silenced", reason="by \x1b[2Jeve", times=3)
    outcome = of(alert())
    seen = type(outcome)(
        **{name: getattr(outcome, name) for name in outcome.__slots__ if name != "mutes"},
        mutes=(mute,),
    )
    said = report(seen, STEP_CRUNCH)
    assert "\x1b" not in said
    assert "muted, silenced: by \\x1b[2Jeve (3 times)" in said


def test_the_list_names_every_drill_and_what_is_expected() -> None:
    """For people and for machines."""
    said = list_of_drills()
    assert all(drill.said in said for drill in DRILLS.values())
    assert said.count("expected: ") == len(DRILLS)
    assert "expected: nothing fires, no incident, no page" in said
    assert [each["name"] for each in listed()] == list(DRILLS)


def test_a_scorecard_is_a_line_a_drill_with_what_failed_below() -> None:
    """With the seed, so that it can be run by itself."""
    failure = Failure(seed=4, expected="it fires", came="it did not")
    lines = (
        Line(
            drill="step-crunch", runs=2, passed=1, after=5 * SECOND // 2, after_worst=3 * SECOND,
            missed=1, false_alerts=1, incidents=2, pages=5, muted=1, failures=(failure,) * 12,
        ),
        Line(
            drill="calm", runs=2, passed=2, after=None, after_worst=None, missed=0, false_alerts=0,
            incidents=0, pages=0, muted=0, failures=(),
        ),
    )  # fmt: skip
    said = scorecard(Scorecard(seeds=2, hours=3.2, lines=lines), range(3, 5)).splitlines()
    assert said[1].split() == [
        "step-crunch",
        "1/2",
        "2.5",
        "s",
        "3.0",
        "s",
        *["1", "1", "1", "2.5", "0.5"],
    ]
    assert said[2].split() == ["calm", "2/2", "-", "-", *"00000"]
    assert said[4] == "step-crunch, seed 4: NOT it fires: it did not"
    assert "step-crunch: 2 more of these" in said
    assert said[-1] == "FAILED: 3 of 4 drills, seeds 3 to 4; 1 false alerts in 3 h of books."
