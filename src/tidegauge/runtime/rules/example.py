"""Write `config/rules.yaml` from the tree, so that it cannot lie.

`python -m tidegauge.runtime.rules.example` rewrites it in the current directory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tidegauge.runtime.settings_example import scalar, sentence, yaml_lines
from tidegauge.runtime.settings_schema import Node, NodeKind, node_of

from .crunch import CrunchRules
from .desk import MaintenanceRules, MatchRules, RouteRules
from .draft import ROOT
from .tree import RuleTree, SymbolRules, VenueRules

HEAD = """\
# Tidegauge's rules, each at its built-in default. A rule that is left out keeps its default; a name
# that is not known is refused, and then all of the file is. `inhibitions`, where given here, stand
# in place of the built-in ones. Times end in _s and are in seconds, distances in _bps, sizes in
# _quote; times of the day are UTC. A harm is a difference of logs: 0.65 is 48 % of the depth gone.
# `tidegauge rules check` reads this file, `tidegauge rules show` tells what is in force. A running
# monitor reads it again on SIGHUP.
"""

SAMPLE = RuleTree(
    actions={"liquidity_crunch": {"critical": "hedge"}},
    maintenance={
        "exchange-upgrade": MaintenanceRules(
            match=MatchRules(venues=("binance",)),
            from_utc="2026-12-01T02:00",
            until_utc="2026-12-01T04:00",
        ),
        "weekend-nights": MaintenanceRules(
            match=MatchRules(symbols=("ETH*",)), hours_utc="23:00-04:00", days=("sat", "sun")
        ),
    },
    routes={
        "pager": RouteRules(
            match=MatchRules(severities=("critical",)), channels=("pager",), goes_on=True
        ),
        "everything": RouteRules(channels=("team",)),
    },
    symbols={
        "BTCUSDT": SymbolRules(
            crunch=CrunchRules(),
            venues={"binance": VenueRules(crunch=CrunchRules())},
        )
    },
)
"""What the file shows, commented out, of the tables that are empty by default."""

OF_A_SYMBOL = """\
#   BTCUSDT:
#     crunch: {floor_depth_quote: 2000000, ceiling_spread_bps: 5}
#     divergence: {widen_bps: 20}
#     stress: {unsafe_share: 0.04}
#     windows: {min_samples: 600}
#     venues:
#       binance:
#         crunch: {clear_for_s: 60}"""


MATCHERS = "What source, target and match below may ask of an alert; a name left out asks nothing"


def rules_yaml() -> str:
    """Return `config/rules.yaml`: every rule at its default, with its meaning."""
    lines, defaults = [HEAD.rstrip()], RuleTree()
    for name in ROOT.names():
        node, value = ROOT.child(name), getattr(defaults, name)
        assert node is not None
        lines.append("")
        if name == "inhibitions":
            lines += (*_meanings(node_of(MatchRules), MATCHERS), "")
        if node.kind is NodeKind.TABLE:
            lines += _table(name, node, value)
        else:
            lines += yaml_lines(value, node, (name,))
    return "\n".join(lines) + "\n"


def _table(name: str, node: Node, value: Any) -> Iterator[str]:
    yield f"# {sentence(node)}"
    entry = node.child("")
    assert entry is not None
    yield from _meanings(entry)
    yield f"{name}:" if value else f"{name}: {{}}"
    for key, each in value.items():
        yield from _entry(key, each)
    if name == "symbols":
        yield OF_A_SYMBOL
        return
    for key, each in getattr(SAMPLE, name).items():
        if key not in value:
            yield from (f"# {line}" for line in _entry(key, each))


def _meanings(node: Node, *above: str) -> Iterator[str]:
    yield from (f"# {line}" for line in above)
    for name in node.names():
        child = node.child(name)
        assert child is not None
        yield f"#   {name}: {sentence(child)}"


def _entry(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, BaseModel):
        yield f"  {name}: {_flow(value)}"
        return
    yield f"  {name}:"
    for field in type(value).model_fields:
        if (said := getattr(value, field)) not in (None, (), False):
            yield f"    {field}: {_flow(said)}"


def _flow(value: Any) -> str:
    """Write a value in one line; of a matcher only what it asks."""
    if isinstance(value, BaseModel):
        value = {name: each for name, each in value if each}
    if isinstance(value, dict) or hasattr(value, "items"):
        return "{" + ", ".join(f"{name}: {_flow(each)}" for name, each in value.items()) + "}"
    return "true" if value is True else scalar(value)


if __name__ == "__main__":
    Path("config").mkdir(exist_ok=True)
    Path("config/rules.yaml").write_text(rules_yaml(), encoding="utf-8")
