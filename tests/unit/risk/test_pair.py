"""Two quotes: how far apart they are, exactly, and what could be taken of it after both fees."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.quoting import FIVE, PERP, QUICK, SPOT, Venues, opened, warm

from tidegauge.core.alert import AlertState, Severity, Signal
from tidegauge.risk.divergence import Touch
from tidegauge.risk.pair import Pair, Quote

TWO = {"binance": SPOT, "okx": SPOT}
MIXED = {"binance": SPOT, "binance-futures": PERP, "bybit": SPOT, "bybit-linear": PERP}
FEES = replace(QUICK, taker_bps=dict.fromkeys(FIVE, 2.0))

touches = st.builds(
    lambda bid, spread, lots, scale: Touch(bid, bid + spread, lots, 2 * lots, scale, 8),
    st.integers(1, 10**9),
    st.integers(1, 10**4),
    st.integers(1, 10**12),
    st.integers(0, 8),
)


@given(here=touches, there=touches)
def test_every_ratio_is_the_exact_one_rounded_once(here: Touch, there: Touch) -> None:
    """Whatever the scales of the two books; the fees are taken off it."""
    one, other = Quote("a", SPOT), Quote("b", SPOT)
    one.take(here)
    other.take(there)
    pair = Pair(one, other, replace(QUICK, taker_bps={"a": 1.5, "b": 2.0}))
    pair.measure()
    bid, ask = (Fraction(each) for each in (here.best_bid, here.best_ask))
    bid_there, ask_there = (Fraction(each) for each in (there.best_bid, there.best_ask))
    mid, mid_there = (bid + ask) / 2, (bid_there + ask_there) / 2
    assert pair.raw == float(10_000 * (mid - mid_there) / ((mid + mid_there) / 2))
    taken = pair.executable()
    assert taken is not None
    middle = (mid + mid_there) / 2
    ways = {
        ("b", "a"): (
            float(10_000 * (bid - ask_there) / middle),
            min(there.ask_size, here.bid_size),
        ),
        ("a", "b"): (
            float(10_000 * (bid_there - ask) / middle),
            min(here.ask_size, there.bid_size),
        ),
    }
    gross, size = ways[taken.buy, taken.sell]
    assert gross == max(gain for gain, _size in ways.values())
    assert (taken.bps, taken.size) == (gross - 3.5, size)
    gain = pair.gain()
    assert gain is not None
    assert gain == taken.beyond or taken.bps <= gain <= 0


def test_what_is_executable_is_named_with_its_size_and_its_own_alert() -> None:
    """(bid - ask) over the mid less both fees, exactly, with the smaller of the two sizes."""
    venues = warm(settings=FEES)
    venues.quote("binance", 0.0, lots=40_000_000)
    issued = venues.run(6, okx=8.0)
    assert opened(issued) == [(Signal.EXECUTABLE, "okx", Severity.WARNING)]
    pair = venues.watch.status().pair("binance", "okx")
    assert pair is not None
    assert pair.executable is not None
    bid, ask = Decimal("60047.50"), Decimal("60000.50")
    mid = (Decimal(60_048) + Decimal(60_000)) / 2
    assert pair.executable.bps == pytest.approx(float(10_000 * (bid - ask) / mid - 4), abs=1e-9)
    assert (pair.executable.buy, pair.executable.sell) == ("binance", "okx")
    assert pair.executable.size == Decimal("1.5")
    (alert,) = issued
    assert "and selling it on okx gains 3.8 bps after both fees, on 1.50000000 of it" in (
        alert.sentence
    )
    ended = venues.run(40, okx=0.0)
    assert [alert.state for alert in ended] == [AlertState.RESOLVED]


def test_without_both_fees_nothing_is_executable() -> None:
    """Unknown is not nothing: None, and no alert."""
    venues = warm(settings=replace(QUICK, taker_bps={"okx": 0.0}))
    issued = venues.run(20, okx=300.0)
    assert {alert.key.signal for alert in issued} == {Signal.DIVERGENCE}
    assert all(pair.executable is None for pair in venues.watch.status().pairs)


def test_a_basis_is_nothing_to_take() -> None:
    """Of instruments that differ only what is beyond the premium counts; the raw number is kept."""
    venues = Venues(MIXED, replace(QUICK, taker_bps=dict.fromkeys(MIXED, 1.0)))
    bps: dict[str, float | None] = {"binance-futures": 45.0, "bybit-linear": 45.0}
    assert venues.run(300, **bps) == []
    pair = venues.watch.status().pair("binance", "binance-futures")
    assert pair is not None
    assert pair.executable is not None
    assert pair.executable.bps > 40
    assert pair.executable.beyond is not None
    assert pair.executable.beyond < 0


def test_what_deviates_from_a_basis_must_pay_for_the_fees_too() -> None:
    """A perpetual that lost its 45 bps is cheap beside what is usual, and there is nothing to take;
    of one that is 60 bps dear, what is beyond the usual counts."""
    facts = {"binance": SPOT, "binance-futures": PERP}
    for bps, expected in ((0.0, None), (60.0, 12.8)):
        venues = Venues(facts, replace(QUICK, taker_bps=dict.fromkeys(facts, 1.0)))
        venues.run(100, **{"binance-futures": 45.0})
        issued = venues.run(20, **{"binance-futures": bps})
        told = [alert.value for alert in issued if alert.key.signal == Signal.EXECUTABLE]
        assert told == ([] if expected is None else [pytest.approx(expected, abs=0.1)])
        pair = venues.watch.status().pair("binance", "binance-futures")
        assert pair is not None
        assert pair.executable is not None
        assert (pair.executable.bps > 0) is (expected is not None)


def test_exactly_nothing_left_is_not_executable() -> None:
    """At a limit of 0 more than 0 must be left."""
    venues = Venues(TWO, replace(QUICK, taker_bps=dict.fromkeys(TWO, 0.0)))
    crossing = 10_000 * 1 / 60_000
    assert venues.run(60, okx=crossing) == []
    pair = venues.watch.status().pair("binance", "okx")
    assert pair is not None
    assert pair.executable is not None
    assert pair.executable.bps == 0.0
    assert len(venues.run(10, okx=2 * crossing)) == 1
