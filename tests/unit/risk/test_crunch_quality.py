"""How well the crunch detector tells crunches from noise, on generated 1 Hz markets.

Behaviour on a few seeds. The quality targets are asserted over many by the scorecard
(`tests/unit/runtime/test_scorecard.py`).
"""

from dataclasses import dataclass
from math import log

import pytest
from tests.support.markets import START, Market, Shape, bleed, calm, step

from tidegauge.core.alert import AlertKey, AlertState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.crunch import SIGNAL, CrunchDetector
from tidegauge.risk.settings import CrunchSettings

KEY = AlertKey(signal=SIGNAL, symbol="BTCUSDT", venue="binance")
SETTINGS = CrunchSettings()
CLEAR_FOR = SETTINGS.clear_for // SECOND
KINDS = pytest.mark.parametrize("heavy", [False, True], ids=["lognormal", "student-t3"])


@dataclass(frozen=True, slots=True)
class Run:
    """One market watched: alerts as (first second fired, second resolved, None while it fires)."""

    alerts: list[tuple[int, int | None]]
    seconds: int

    def found(self, at: int) -> int | None:
        """Return how many seconds after `at` an alert first fired; None: never."""
        return next((fired - at for fired, _ in self.alerts if fired >= at), None)


def watch(seed: int, seconds: int, shape: Shape, *, heavy: bool) -> Run:
    """Drive a detector through a market, a judgement and a sample a second."""
    detector = CrunchDetector(KEY, SETTINGS)
    opened: dict[str, int] = {}
    resolved: dict[str, int] = {}
    for reading in Market(seed, heavy=heavy).readings(seconds, shape):
        alert = detector.observe(reading)
        detector.sample(reading, reading.origin.received_at)
        if alert is not None:
            second = (reading.origin.received_at - START) // SECOND
            opened.setdefault(alert.id, second)
            if alert.state is AlertState.RESOLVED:
                resolved[alert.id] = second
    return Run([(second, resolved.get(name)) for name, second in opened.items()], seconds)


# -- the short form ----------------------------------------------------------------------------


@KINDS
def test_a_forty_minute_step_is_found_within_3_s_and_fires_until_it_recovers(heavy: bool) -> None:
    """A fall of both sides by 60 %: one alert, on every tick, resolved soon after recovery."""
    run = watch(1, 3_100, step(600, 3_000, 0.4), heavy=heavy)
    ((fired, resolved),) = run.alerts
    assert fired - 600 <= 3
    assert resolved is not None
    assert 3_000 < resolved <= 3_000 + CLEAR_FOR + 5


@KINDS
def test_short_steps_are_one_alert_each(heavy: bool) -> None:
    """Found, kept and resolved, on several seeds."""
    for seed in (2, 3):
        run = watch(seed, 860, step(500, 800, 0.4), heavy=heavy)
        ((fired, resolved),) = run.alerts
        assert fired - 500 <= 3
        assert resolved is not None
        assert resolved <= 800 + CLEAR_FOR + 5


@KINDS
def test_a_bleed_is_found_before_half_is_gone(heavy: bool) -> None:
    """0.5 % of the depth a second."""
    delay = watch(4, 1_140, bleed(1_000, 0.005), heavy=heavy).found(1_000)
    assert delay is not None
    assert delay <= log(2) / -log(0.995)


@KINDS
def test_a_calm_market_is_quiet(heavy: bool) -> None:
    """No alert in an hour of ordinary noise."""
    assert watch(5, 3_600, calm, heavy=heavy).alerts == []
