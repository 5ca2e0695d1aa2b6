"""The rules that hold where nobody wrote any."""

import msgspec
import pytest

from tidegauge.core.alert import ALL, Action, AlertKey, Severity, Signal, pair_of
from tidegauge.core.instrument import SECOND, BookId
from tidegauge.risk.desk.matching import fits
from tidegauge.risk.ruleset import HOUR, INHIBITIONS, MINUTE, DeskRules, RuleSet
from tidegauge.risk.settings import CrunchSettings

DOWN = AlertKey(signal=Signal.VENUE_DOWN, symbol=ALL, venue="okx")
DARK = AlertKey(signal=Signal.SYMBOL_DARK, symbol="BTCUSDT", venue=ALL)


@pytest.mark.parametrize(
    ("source", "target", "inhibits"),
    [
        (DOWN, AlertKey(signal=Signal.CRUNCH, symbol="BTCUSDT", venue="okx"), True),
        (
            DOWN,
            AlertKey(signal=Signal.DIVERGENCE, symbol="BTCUSDT", venue=pair_of("okx", "binance")),
            True,
        ),
        (DOWN, AlertKey(signal=Signal.VENUE_DEGRADED, symbol=ALL, venue="okx"), True),
        (DARK, AlertKey(signal=Signal.BLIND, symbol="BTCUSDT", venue=ALL), True),
        (DOWN, AlertKey(signal=Signal.OVER_CAP, symbol="BTC", venue=ALL), False),
        (DARK, AlertKey(signal=Signal.CRUNCH, symbol="BTCUSDT", venue="okx"), False),
    ],
)
def test_a_venue_that_is_down_inhibits_what_it_would_say_of_its_market(
    source: AlertKey, target: AlertKey, inhibits: bool
) -> None:
    """signals.md sections 6 and 8; what is equal is tested with the inhibitions themselves."""
    assert inhibits is any(
        fits(rule.source, source, Severity.HIGH) and fits(rule.target, target, Severity.HIGH)
        for rule in INHIBITIONS
    )


def test_no_inhibition_names_one_signal_on_both_sides() -> None:
    """Two alerts of it could otherwise silence each other."""
    for rule in INHIBITIONS:
        assert not set(rule.source.signals) & set(rule.target.signals)


def test_the_defaults_are_those_that_the_document_names() -> None:
    """signals.md section 8."""
    rules = DeskRules()
    assert rules.opens_from is Severity.HIGH
    assert rules.reopen_within == 10 * MINUTE == 600 * SECOND
    assert rules.settle_for <= rules.reopen_within
    assert rules.acknowledged_for == HOUR
    assert rules.burst > 0
    assert rules.routes == ()


def test_an_action_is_looked_up_by_signal_and_severity() -> None:
    """None where the rules recommend nothing of their own."""
    rules = DeskRules(actions={Signal.CRUNCH: {"critical": Action.HEDGE}})
    assert rules.action(Signal.CRUNCH, Severity.CRITICAL) is Action.HEDGE
    assert rules.action(Signal.CRUNCH, Severity.HIGH) is None
    assert rules.action(Signal.STRESS, Severity.CRITICAL) is None


def test_a_book_has_its_own_settings_or_its_symbols_or_the_general_ones() -> None:
    """The nearest that was written."""
    general, of_symbol, of_book = (CrunchSettings(clear_for=n * SECOND) for n in (1, 2, 3))
    rules = RuleSet(
        crunch=general,
        crunch_of={"BTCUSDT": of_symbol},
        crunch_at={"BTCUSDT": {"binance": of_book}},
    )
    found = [
        rules.crunch_for(BookId(venue=venue, symbol=symbol))
        for venue, symbol in (("binance", "BTCUSDT"), ("okx", "BTCUSDT"), ("okx", "ETHUSDT"))
    ]
    assert found == [of_book, of_symbol, general]


def test_a_rule_set_can_be_written_down() -> None:
    """For a digest of it, and for showing."""
    written = msgspec.to_builtins(RuleSet().desk)
    assert written["opens_from"] == Severity.HIGH
