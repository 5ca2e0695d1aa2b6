"""A matcher asks what it names, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import ALL, AlertKey, Severity, Signal, pair_of
from tidegauge.core.desk import Matcher
from tidegauge.risk.desk.matching import fits, said

BINANCE = AlertKey(signal=Signal.CRUNCH, symbol="BTCUSDT", venue="binance")
PAIR = AlertKey(signal=Signal.DIVERGENCE, symbol="BTCUSDT", venue=pair_of("okx", "binance"))
DOWN = AlertKey(signal=Signal.VENUE_DOWN, symbol=ALL, venue="okx")
DARK = AlertKey(signal=Signal.SYMBOL_DARK, symbol="BTCUSDT", venue=ALL)


@pytest.mark.parametrize(
    ("matcher", "key", "fit"),
    [
        (Matcher(), BINANCE, True),
        (Matcher(signals=(Signal.CRUNCH,)), BINANCE, True),
        (Matcher(signals=("liquidity_*",)), BINANCE, True),
        (Matcher(signals=(Signal.STRESS, Signal.DIVERGENCE)), BINANCE, False),
        (Matcher(symbols=("BTC*",)), BINANCE, True),
        (Matcher(symbols=("BTCUSD?",)), BINANCE, True),
        (Matcher(symbols=("BTCUSD",)), BINANCE, False),
        (Matcher(symbols=("btcusdt",)), BINANCE, False),
        (Matcher(venues=("binance",)), BINANCE, True),
        (Matcher(venues=("binance", "okx")), DOWN, True),
        # of a pair, one venue that fits is enough
        (Matcher(venues=("okx",)), PAIR, True),
        (Matcher(venues=("bin*",)), PAIR, True),
        (Matcher(venues=("binance~okx",)), PAIR, True),
        (Matcher(venues=("bybit",)), PAIR, False),
        # what speaks of all venues or symbols is not what speaks of one
        (Matcher(venues=("binance",)), DARK, False),
        (Matcher(venues=("*",)), DARK, True),
        (Matcher(symbols=("BTCUSDT",)), DOWN, False),
        (Matcher(severities=(Severity.HIGH,)), BINANCE, True),
        (Matcher(severities=(Severity.INFO, Severity.CRITICAL)), BINANCE, False),
        (Matcher(symbols=("BTC*",), venues=("okx",)), BINANCE, False),
    ],
)
def test_every_field_that_is_named_must_fit(matcher: Matcher, key: AlertKey, fit: bool) -> None:
    """An empty field asks nothing."""
    assert fits(matcher, key, Severity.HIGH) is fit


@given(st.text(max_size=8))
def test_nothing_is_special_in_a_name_but_stars_and_question_marks(name: str) -> None:
    """Hostile names match themselves, and raise nothing."""
    key = AlertKey(signal="s", symbol=name, venue="v")
    assert fits(Matcher(symbols=(name,)), key, Severity.INFO)
    assert fits(Matcher(symbols=(f"{name}*",)), key, Severity.INFO)
    other = AlertKey(signal="s", symbol=f"{name}.", venue="v")
    if "*" not in name:
        assert not fits(Matcher(symbols=(name,)), other, Severity.INFO)


def test_a_matcher_is_said_in_words() -> None:
    """For outcomes and refusals."""
    matcher = Matcher(symbols=("BTC*", "ETH*"), severities=(Severity.HIGH,))
    assert said(matcher) == "symbol BTC* or ETH*, severity high"
    assert said(Matcher()) == "everything"
