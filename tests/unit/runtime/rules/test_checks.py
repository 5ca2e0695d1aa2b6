"""Names in rules are names of something, or they are refused with the nearest one."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import Signal
from tidegauge.runtime.rules.checks import (
    SIGNALS,
    Flaw,
    Watched,
    fits,
    flaws_of_names,
    matches_of,
    near_symbol,
    watched_by,
)
from tidegauge.runtime.rules.crunch import CrunchRules
from tidegauge.runtime.rules.desk import MatchRules, RouteRules
from tidegauge.runtime.rules.example import SAMPLE
from tidegauge.runtime.rules.signals import ExposureRules
from tidegauge.runtime.rules.tree import RuleTree, SymbolRules
from tidegauge.runtime.settings import Settings, SymbolSettings

SETTINGS = Settings(data_dir=Path("unused"))
WATCHED = watched_by(SETTINGS, channels=("pager", "team"))


def flaws(tree: RuleTree, watched: Watched = WATCHED) -> list[Flaw]:
    return list(flaws_of_names(tree, watched))


def routed(**match: list[str]) -> RuleTree:
    return RuleTree(routes={"x": RouteRules(match=MatchRules.model_validate(match), channels=())})


def test_what_is_watched_is_what_settings_and_command_name() -> None:
    """Families opened, each once; the symbols that have a size are known."""
    settings = Settings(
        venues=("bybit", "okx"), symbols={"ETHUSDT": SymbolSettings(execution_size=Decimal(1))}
    )
    watched = watched_by(settings, symbols=("SOLUSDT", "ETHUSDT"), venue_names=("okx", "kraken"))
    assert watched.symbols == ("ETHUSDT", "SOLUSDT")
    assert watched.venues == ("bybit-spot", "bybit-linear", "okx", "kraken")
    assert watched.quotes == ("USDT", "USDC", "USD")
    assert watched.sized == {"ETHUSDT"}
    assert watched.channels is None


def test_sound_names_are_not_complained_of() -> None:
    """The examples, every signal, a family, a pattern, all of them."""
    assert flaws(SAMPLE) == []
    for match in (
        {"signals": list(SIGNALS)},
        {"signals": ["*"], "symbols": ["*"], "venues": ["*"]},
        {"venues": ["bybit"]},
        {"venues": ["binance-f*", "bybit-?pot"]},
        {"symbols": ["BTC*"]},
    ):
        assert flaws(routed(**match)) == [], match


def test_a_family_that_is_not_watched_fits_nothing() -> None:
    """Though its name is known."""
    watched = watched_by(Settings(venues=("okx",)))
    (flaw,) = flaws(routed(venues=["bybit"]), watched)
    assert flaw.what == "Unknown venue 'bybit'"
    assert flaw.fix == "In the settings (venues): okx"


def test_rules_for_a_symbol_that_a_command_may_watch_are_sound() -> None:
    """It may be matched and capped then; by itself a name in a matcher fits nothing."""
    match = MatchRules(symbols=("SOLUSDT",))
    routes = {"x": RouteRules(match=match, channels=())}
    caps = ExposureRules(limits_quote={"SOL": Decimal(1)})
    (route, cap) = flaws(RuleTree(routes=routes, exposure=caps))
    assert (route.what, cap.what) == ("Unknown symbol 'SOLUSDT'", "Unknown asset 'SOL'")
    assert route.fix == "In the settings (symbols): BTCUSDT, ETHUSDT"
    own = {"SOLUSDT": SymbolRules(crunch=CrunchRules())}
    assert flaws(RuleTree(symbols=own, routes=routes, exposure=caps)) == []
    watched = watched_by(SETTINGS, symbols=("SOLUSDT",))
    assert flaws(RuleTree(routes=routes, exposure=caps), watched) == []


def test_what_is_no_symbol_gets_no_rules() -> None:
    """A name with a space or a star is none."""
    for name in ("SOL USDT", "SOL*", "S"):
        (flaw,) = flaws(RuleTree(symbols={name: SymbolRules()}))
        assert flaw.what == f"{name!r} is not a symbol"


def test_a_symbol_is_near_another_only_by_a_slip() -> None:
    """Not by its quote, which most of them share."""
    known = ("BTCUSDT", "ETHUSDT")
    assert near_symbol("BTCUSTD", known) == "BTCUSDT"
    for name in ("SOLUSDT", "ETCUSDC", "XRPUSDT"):
        assert near_symbol(name, known) is None, name


def test_channels_that_are_not_known_are_not_judged() -> None:
    """None is not the same as none at all."""
    tree = RuleTree(routes={"x": RouteRules(channels=("anything",))})
    assert flaws(tree, watched_by(SETTINGS)) == []
    (flaw,) = flaws(tree, watched_by(SETTINGS, channels=()))
    assert flaw == Flaw(
        "routes.x.channels.0",
        "Unknown channel 'anything'",
        "In the settings (notify.channels): none",
    )


def test_many_names_are_not_all_listed() -> None:
    """A line is to be read."""
    symbols = [f"COIN{number:03}USDT" for number in range(700)]
    (flaw,) = flaws(routed(symbols=["qqq"]), watched_by(SETTINGS, symbols=symbols))
    assert flaw.fix.endswith("and 690 more")
    assert len(flaw.fix) < 300


def test_every_matcher_of_the_rules_is_looked_at() -> None:
    """Sources, targets, windows, routes."""
    kept = {key.partition(".")[0] for key, _match in matches_of(SAMPLE)}
    assert kept == {"inhibitions", "maintenance", "routes"}
    assert len(list(matches_of(SAMPLE))) == 2 * 3 + 2 + 2


@given(st.text(alphabet="ab[]!-", min_size=1, max_size=8))
def test_nothing_but_star_and_question_mark_is_special(name: str) -> None:
    """A name with brackets is that name, as it is for the desk."""
    assert fits(name, name)
    assert fits(f"{name[0]}*", name)
    assert fits("?" * len(name), name)
    assert not fits(name, f"{name}x")
    assert not fits("[ab]", "a")


@pytest.mark.parametrize("signal", Signal)
def test_every_signal_can_be_matched(signal: Signal) -> None:
    """By its name, which is that of the alert."""
    assert str(signal) in SIGNALS
