"""The short way past the rules in a calm market: it may never miss what a rule would find."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.support.markets import START, one_sided, reading

from tidegauge.core.instrument import SECOND
from tidegauge.risk.crunch_inputs import CrunchInputs
from tidegauge.risk.rules import evidence, quiet
from tidegauge.risk.settings import CrunchSettings, UserFloors

SETTINGS = CrunchSettings(min_samples=30, reference_samples=10, slow=120, fast=60)
DEPTHS = st.floats(0.05, 3.0)


def warmed(settings: CrunchSettings = SETTINGS, *, falling: float = 0.0) -> CrunchInputs:
    """Windows of a market that breathes, and then perhaps bleeds."""
    windows = CrunchInputs(settings)
    for second in range(140):
        share = 1 + 0.1 * ((second * 7) % 11 - 5) / 5 - (falling if second >= 105 else 0)
        told = reading(START + second * SECOND, bid=3e6 * share, ask=3e6 * share)
        windows.sample(told, START + second * SECOND, firing=False)
    return windows


@given(
    bid=DEPTHS,
    ask=DEPTHS,
    spread=st.floats(0.2, 9.0),
    sell=st.none() | st.floats(0.1, 9.0),
    buy=st.none() | st.floats(0.1, 9.0),
    falling=st.sampled_from([0.0, 0.2, 0.35, 0.5]),
)
def test_what_is_called_quiet_breaches_no_rule(
    bid: float, ask: float, spread: float, sell: float | None, buy: float | None, falling: float
) -> None:
    """Steps, bleeds, wide spreads and sizes that cannot be filled are all looked into."""
    windows = warmed(falling=falling)
    told = reading(
        START + 141 * SECOND,
        bid=3e6 * bid,
        ask=3e6 * ask,
        spread_bps=spread,
        sell=sell,
        buy=buy,
        notionals=windows.wanted().notionals or (Decimal(500_000),),
    )
    inputs = windows.read(told)
    breached = any(found.breached for found in evidence(inputs, SETTINGS))
    assert not (quiet(inputs, SETTINGS) and breached)


def test_a_calm_market_is_quiet_and_a_crunched_one_is_not() -> None:
    """Else the short way would be of no use, or of too much."""
    windows = warmed()
    assert quiet(windows.read(reading()), SETTINGS)
    assert not quiet(windows.read(reading(bid=3e5, ask=3e5)), SETTINGS)
    assert not quiet(windows.read(one_sided()), SETTINGS)


def test_a_book_with_floors_of_its_user_is_always_judged_in_full() -> None:
    """Their values are compared with no window."""
    settings = CrunchSettings(min_samples=30, floors=UserFloors(max_spread_bps=5.0))
    windows = CrunchInputs(settings)
    assert not quiet(windows.read(reading()), settings)
