"""Scenarios: conditions over time, per venue."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.simulator.exchange import Stage
from tidegauge.simulator.scenario import CALM, NORMAL, Episode, Scenario, crunch


def test_a_crunch_comes_lasts_and_goes() -> None:
    """Nothing before, the floor from soon after its start to its end, nothing later."""
    scenario = crunch(at=20 * SECOND, lasts=12 * SECOND, floor=0.25)
    factors = {
        second: scenario.conditions("binance", second * SECOND).bid_factor
        for second in (0, 20, 21, 26, 32, 33, 35, 60)
    }
    assert factors[0] == factors[20] == factors[35] == factors[60] == 1.0
    assert factors[21] == factors[26] == factors[32] == 0.25
    assert 0.25 < factors[33] < 1.0


def test_a_scenario_that_has_not_begun_is_calm() -> None:
    """The clock of a scenario starts with the first subscription, not with the process."""
    stage = Stage(origin=100, scenario=crunch(at=0, lasts=10 * SECOND))
    assert stage.conditions("binance", 5 * SECOND) is NORMAL
    stage.begin(100 + 5 * SECOND)
    stage.begin(100 + 9 * SECOND)
    assert stage.conditions("binance", 5 * SECOND) == NORMAL
    assert stage.conditions("binance", 7 * SECOND).ask_factor == 0.25


def test_a_crunch_can_be_of_one_venue() -> None:
    """The others do not notice."""
    scenario = crunch(at=0, venues=frozenset({"bybit-spot"}))
    assert scenario.conditions("bybit-spot", 5 * SECOND).bid_factor < 0.5
    assert scenario.conditions("binance", 5 * SECOND) == NORMAL


def test_a_scenario_can_come_again() -> None:
    """Every so often, from its start."""
    scenario = crunch(at=SECOND, lasts=2 * SECOND, every=30 * SECOND)
    assert scenario.conditions("binance", 62 * SECOND).bid_factor == 0.25
    assert scenario.conditions("binance", 80 * SECOND) == NORMAL


def test_episodes_add_up() -> None:
    """Sizes multiply, the widest spread counts, slides add."""
    episode = Episode(begins_at=0, lasts=10 * SECOND, bid_floor=0.5, spread_bps=1.0, slide_bps=-4.0)
    both = Scenario(name="twice", episodes=(episode, episode)).conditions("binance", 10 * SECOND)
    assert both.bid_factor == 0.25
    assert both.ask_factor == 1.0
    assert both.spread_bps == 1.0
    assert both.slide_bps == -8.0


def test_speed_scales_the_market_clock() -> None:
    """Ten times the speed, ten times the market time; a pause can be left out."""
    stage = Stage(origin=1000, speed=10.0, scenario=CALM)
    assert stage.market_time(1000 + SECOND) == 10 * SECOND
    stage.skip(SECOND)
    assert stage.market_time(1000 + SECOND) == 0


@given(elapsed=st.integers(0, 100 * SECOND), floor=st.floats(0.05, 1.0))
def test_factors_stay_between_the_floor_and_one(elapsed: int, floor: float) -> None:
    """However far it has come."""
    conditions = crunch(floor=floor).conditions("binance", elapsed)
    assert floor - 1e-9 <= conditions.bid_factor <= 1.0
    assert conditions.spread_bps >= 0.0
