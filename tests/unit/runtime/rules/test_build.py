"""From the tree to what the floors below go by: the same defaults, and every rule counts."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from tidegauge.core.alert import Action, Severity
from tidegauge.core.instrument import SECOND, BookId
from tidegauge.risk.ruleset import Maintenance, RuleSet
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.plans import monitor_plan
from tidegauge.runtime.rules.build import matcher, of_family, rule_set
from tidegauge.runtime.rules.crunch import CrunchRules
from tidegauge.runtime.rules.desk import HeartbeatRules, MaintenanceRules, MatchRules
from tidegauge.runtime.rules.draft import ROOT
from tidegauge.runtime.rules.example import SAMPLE
from tidegauge.runtime.rules.kinds import DAY
from tidegauge.runtime.rules.signals import (
    DivergenceRules,
    ExposureRules,
    StressRules,
    WindowRules,
)
from tidegauge.runtime.rules.tree import RuleTree, SymbolRules, VenueRules
from tidegauge.runtime.settings import ReadingSettings, Settings, SymbolSettings, rows_of

SETTINGS = Settings(data_dir=Path("unused"))
DEFAULTS = RuleTree()
OTHERS: tuple[Any, ...] = (0.999, 1.001, 1, -1, 0.01)
WORDS: dict[str, Any] = {
    "crunch.fallback_bands_bps": (4, 2),
    "crunch.floor_depth_quote": Decimal(5),
    "crunch.ceiling_slippage_bps": 5.0,
    "crunch.ceiling_spread_bps": 5.0,
    "stress.haircuts": (0.4, 0.5),
    "stress.judged_haircut": 0.7,
    "incidents.opens_from": "critical",
    "paging.told_of": ("opened",),
}
PLAIN = [
    key
    for key, value in rows_of(DEFAULTS, ROOT, "")
    if not key.startswith(("heartbeat.", "inhibitions.")) and not isinstance(value, Mapping)
]


def changed(tree: RuleTree, key: str, value: Any) -> RuleTree:
    """Return the tree with one rule another. Raises where it does not fit."""
    values = tree.model_dump()
    *groups, name = key.split(".")
    into = values
    for group in groups:
        into = into[group]
    into[name] = value
    return RuleTree(**values)


def another(key: str) -> RuleTree:
    """Return the defaults with this rule at a value near its own that is allowed."""
    if key in WORDS:
        return changed(DEFAULTS, key, WORDS[key])
    value = dict(rows_of(DEFAULTS, ROOT, ""))[key]
    for other in OTHERS:
        number = (
            value + other
            if isinstance(value, int) or abs(other) < 0.5
            else value * type(value)(other)
        )
        try:
            tree = changed(DEFAULTS, key, number)
        except ValidationError:
            continue
        if tree != DEFAULTS:
            return tree
    raise AssertionError(f"no other value of {key} is allowed")


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Iterate over every number and word of rules, by its path."""
    below: Mapping[str, Any]
    if is_dataclass(value):
        below = {each.name: getattr(value, each.name) for each in fields(value)}
    elif isinstance(value, Mapping) and value:
        below = {str(key): each for key, each in value.items()}
    else:
        yield path, value
        return
    for name, each in below.items():
        yield from parts(each, f"{path}.{name}" if path else name)


def differing(tree: RuleTree) -> set[str]:
    before = dict(parts(rule_set(DEFAULTS, SETTINGS)))
    after = dict(parts(rule_set(tree, SETTINGS)))
    return {key for key in {**before, **after} if before.get(key) != after.get(key)}


def test_the_defaults_here_are_the_defaults_of_the_floors_below() -> None:
    """Each number has one default, written in two places that agree."""
    assert rule_set(DEFAULTS, SETTINGS) == RuleSet()


@pytest.mark.parametrize("key", PLAIN)
def test_every_rule_counts(key: str) -> None:
    """One that is read and then forgotten would be obeyed by nobody."""
    moved = differing(another(key))
    shared = 2 if key.startswith("windows.") else 1
    assert 1 <= len(moved) <= shared, (key, moved)


def test_everything_that_can_be_set_below_is_set_by_a_rule() -> None:
    """A number that is added to a signal needs a rule; these are of the settings, or whole tables."""
    of_settings = {"crunch.cadence", "crunch.bands", "divergence.cadence"}
    tables = {
        "crunch_of", "crunch_at", "divergence_of", "stress_of", "divergence.taker_bps",
        "stress.rates", "stress.assumed_liquidity", "caps.limits", "desk.inhibitions",
        "desk.maintenance", "desk.routes", "desk.actions", "desk.heartbeat_at",
        "desk.heartbeat_channels",
    }  # fmt: skip
    every = {key for key, _value in parts(RuleSet())}
    moved = set().union(*(differing(another(key)) for key in PLAIN))
    assert every - moved == of_settings | tables


def test_the_tables_are_handed_down_as_they_are() -> None:
    """Fees, rates, limits, actions, routes, windows, the heartbeat."""
    tree = SAMPLE.model_copy(
        update={
            "divergence": DivergenceRules(taker_bps={"kraken": 26}),
            "stress": StressRules(
                rates={"USDC": Decimal("0.9998")}, assumed_liquidity_quote={"okx": Decimal(7)}
            ),
            "exposure": ExposureRules(limits_quote={"BTC": Decimal(9)}),
            "heartbeat": HeartbeatRules(at_utc="09:30", channels=("team",)),
        }
    )
    rules = rule_set(tree, SETTINGS)
    assert rules.divergence.taker_bps == {"kraken": 26.0}
    assert rules.stress.rates == {"USDC": Decimal("0.9998")}
    assert rules.stress.assumed_liquidity == {"okx": Decimal(7)}
    assert rules.caps.limits == {"BTC": Decimal(9)}
    assert rules.desk.heartbeat_at == (9 * 60 + 30) * 60 * SECOND
    assert rules.desk.heartbeat_channels == ("team",)
    assert rules.desk.action("liquidity_crunch", Severity.CRITICAL) is Action.HEDGE
    assert rules.desk.action("liquidity_crunch", Severity.HIGH) is None
    pager, everything = rules.desk.routes
    assert (pager.matcher.severities, pager.channels, pager.goes_on) == (
        (Severity.CRITICAL,),
        ("pager",),
        True,
    )
    assert everything.channels == ("team",)
    once, weekly = rules.desk.maintenance
    assert once.starts_at is not None
    assert once.ends_at is not None
    assert once.ends_at - once.starts_at == 2 * 3_600 * SECOND
    assert weekly == Maintenance(
        name="weekend-nights",
        matcher=matcher(MatchRules(symbols=("ETH*",))),
        weekdays=(5, 6),
        day_starts=23 * 3_600 * SECOND,
        lasts=5 * 3_600 * SECOND,
    )


def test_a_window_without_days_is_every_day() -> None:
    """0 is Monday, where there are some."""
    window = MaintenanceRules(match=MatchRules(), hours_utc="00:00-23:59")
    (planned,) = rule_set(
        DEFAULTS.model_copy(update={"maintenance": {"x": window}}), SETTINGS
    ).desk.maintenance
    assert (planned.weekdays, planned.day_starts, planned.lasts) == ((), 0, DAY - 60 * SECOND)


def test_a_symbol_and_a_book_of_it_have_rules_of_their_own() -> None:
    """The book's before the symbol's, the symbol's before the general; only what differs is kept."""
    tree = RuleTree(
        symbols={
            "BTCUSDT": SymbolRules(
                crunch=CrunchRules(high_share=0.4),
                divergence=DivergenceRules(widen_bps=20),
                venues={
                    "kraken": VenueRules(crunch=CrunchRules(high_share=0.3)),
                    "okx": VenueRules(),
                },
            ),
            "ETHUSDT": SymbolRules(windows=WindowRules(min_samples=600)),
        }
    )
    rules = rule_set(tree, SETTINGS)
    for venue, symbol, share in (
        ("kraken", "BTCUSDT", 0.3),
        ("okx", "BTCUSDT", 0.4),
        ("kraken", "SOLUSDT", 0.5),
    ):
        assert rules.crunch_for(BookId(venue, symbol)).high_share == share
    assert rules.crunch_for(BookId("kraken", "ETHUSDT")) == replace(rules.crunch, min_samples=600)
    assert rules.divergence_of["ETHUSDT"] == replace(rules.divergence, min_samples=600)
    assert rules.divergence_of["BTCUSDT"].widen_bps == 20
    assert set(rules.crunch_of) == {"BTCUSDT", "ETHUSDT"}
    assert rules.stress_of == {}


def test_the_settings_say_what_is_executed_how_often_and_which_bands() -> None:
    """One truth for each number, whichever file it is in."""
    settings = Settings(
        data_dir=Path("unused"),
        symbols={"BTCUSDT": SymbolSettings(execution_size=Decimal(7)), "ETHUSDT": SymbolSettings()},
        readings=ReadingSettings(bands_bps=(20, 60), sample_every_s=0.5),
    )
    rules = rule_set(RuleTree(symbols={"ETHUSDT": SymbolRules(crunch=CrunchRules())}), settings)
    assert set(rules.stress_of) == {"BTCUSDT"}
    assert rules.stress_of["BTCUSDT"].execution_size == 7
    assert (rules.crunch.bands, rules.crunch.cadence) == ((20, 60), SECOND // 2)
    assert rules.crunch_of["ETHUSDT"].bands == (20, 60)
    assert rules.divergence.cadence == SECOND // 2


def test_a_family_means_all_of_its_venues() -> None:
    """As in the settings; a venue that is named as its family is itself."""
    assert set(of_family("bybit")) == {"bybit-spot", "bybit-linear"}
    assert of_family("binance") == ("binance",)
    assert of_family("bin*") == ("bin*",)
    assert matcher(MatchRules(venues=("bybit", "okx"))).venues == (*of_family("bybit"), "okx")


def test_a_tape_can_hold_the_rules() -> None:
    """A recorded run is judged again by the rules it was judged by."""
    plan = monitor_plan(SETTINGS, rule_set(SAMPLE, SETTINGS))
    read = msgspec.convert(msgspec.json.decode(msgspec.json.encode(plan)), MonitorPlan)
    assert read == plan
    assert read.rules.desk.action("liquidity_crunch", Severity.CRITICAL) is Action.HEDGE
