"""An alert holds others back while it fires, and not a moment longer."""

import pytest
from tests.support.desk import START, firing, key_of

from tidegauge.core.alert import ALL, AlertKey, Severity, Signal, pair_of
from tidegauge.core.desk import Matcher
from tidegauge.risk.desk.inhibiting import Inhibitions
from tidegauge.risk.ruleset import INHIBITIONS, Inhibition

DOWN = key_of(Signal.VENUE_DOWN, ALL, "binance")
CRUNCH = key_of()


@pytest.mark.parametrize(
    ("target", "held"),
    [
        (CRUNCH, True),
        (key_of(symbol="ETHUSDT"), True),
        (key_of(venue="bybit"), False),
        (key_of(Signal.DIVERGENCE, venue=pair_of("binance", "okx")), True),
        (key_of(Signal.DIVERGENCE, venue=pair_of("bybit", "okx")), False),
        (key_of(Signal.VENUE_DEGRADED, ALL, "binance"), True),
        (key_of(Signal.STRESS), False),
        (DOWN, False),
    ],
)
def test_what_must_be_equal_decides(target: AlertKey, held: bool) -> None:
    """A venue that is down holds back what speaks of this venue, of whatever symbol."""
    inhibitions = Inhibitions(INHIBITIONS)
    inhibitions.fires(firing(DOWN, START))
    assert inhibitions.inhibitor_of(firing(target, START)) == (DOWN if held else None)


def test_a_symbol_must_be_the_same_and_all_symbols_are_each() -> None:
    """A source of all symbols holds back every one; one of one symbol does not hold back all."""
    rule = Inhibition(
        source=Matcher(signals=(Signal.STRESS,)), target=Matcher(signals=(Signal.CRUNCH,))
    )
    inhibitions = Inhibitions((rule,))
    stress = key_of(Signal.STRESS, "ETHUSDT", "okx")
    inhibitions.fires(firing(stress, START))
    assert inhibitions.inhibitor_of(firing(CRUNCH, START)) is None
    assert inhibitions.inhibitor_of(firing(key_of(symbol="ETHUSDT"), START)) == stress
    assert inhibitions.inhibitor_of(firing(key_of(symbol=ALL), START)) is None
    everywhere = key_of(Signal.STRESS, ALL, "okx")
    inhibitions.fires(firing(everywhere, START))
    assert inhibitions.inhibitor_of(firing(CRUNCH, START)) == everywhere


def test_when_the_source_ends_all_it_held_back_are_free() -> None:
    """And none that another one holds back, or that ended meanwhile."""
    inhibitions = Inhibitions(INHIBITIONS)
    inhibitions.fires(firing(DOWN, START))
    other = key_of(symbol="ETHUSDT")
    for key in (CRUNCH, other, key_of(symbol="SOLUSDT")):
        inhibitions.inhibitor_of(firing(key, START))
    assert inhibitions.ends(key_of(symbol="SOLUSDT")) == ()
    assert inhibitions.ends(DOWN) == (CRUNCH, other)
    assert inhibitions.held_by(CRUNCH) is None
    assert inhibitions.ends(DOWN) == ()
    assert inhibitions.inhibitor_of(firing(CRUNCH, START)) is None


def test_a_source_that_changes_so_that_it_fits_no_more_frees_what_it_held() -> None:
    """A rule may name the severity of its source."""
    rule = Inhibition(
        source=Matcher(signals=(Signal.STRESS,), severities=(Severity.WARNING,)),
        target=Matcher(signals=(Signal.CRUNCH,)),
    )
    inhibitions = Inhibitions((rule,))
    stress = key_of(Signal.STRESS)
    assert inhibitions.fires(firing(stress, START, Severity.WARNING)) == ()
    assert inhibitions.inhibitor_of(firing(CRUNCH, START)) == stress
    assert inhibitions.fires(firing(stress, START, Severity.WARNING)) == ()
    assert inhibitions.fires(firing(stress, START, Severity.HIGH)) == (CRUNCH,)
    assert inhibitions.inhibitor_of(firing(CRUNCH, START)) is None


def test_two_alerts_never_silence_each_other() -> None:
    """What fits both sides of a rule is not held back by another that does as well."""
    rule = Inhibition(source=Matcher(), target=Matcher(), equal=("symbol",))
    inhibitions = Inhibitions((rule,))
    for venue in ("binance", "bybit"):
        inhibitions.fires(firing(key_of(venue=venue), START))
    assert inhibitions.inhibitor_of(firing(key_of(venue="binance"), START)) is None


def test_nothing_is_left_behind() -> None:
    """A thousand sources that come and go take no memory."""
    inhibitions = Inhibitions(INHIBITIONS)
    for number in range(1_000):
        down = key_of(Signal.VENUE_DOWN, ALL, f"venue-{number}")
        inhibitions.fires(firing(down, START))
        inhibitions.inhibitor_of(firing(key_of(venue=f"venue-{number}"), START))
        inhibitions.ends(key_of(venue=f"venue-{number}"))
        inhibitions.ends(down)
    assert not inhibitions._sources
    assert not inhibitions._placed
    assert not inhibitions._held
    assert not inhibitions._holds
