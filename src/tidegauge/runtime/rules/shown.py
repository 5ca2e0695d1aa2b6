"""The rules in force, for people: every one with its origin, and the whole in a few lines."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from tidegauge.core.instrument import Symbol
from tidegauge.runtime.settings import Settings, rows_of, shown
from tidegauge.runtime.settings_errors import unknown_name
from tidegauge.runtime.settings_schema import NodeKind

from .checks import SIGNALS, near_symbol
from .desk import MatchRules
from .draft import OF_A_SYMBOL, ROOT
from .load import LoadedRules
from .tree import RuleTree

DEFAULT = "default"
UNSAID = "(not said)"
SIZE = "stress.execution_size_quote"


class RuleRow(NamedTuple):
    """One rule: its key, its value as text, and FILE:LINE or `default`."""

    key: str
    value: str
    origin: str


def rule_rows(loaded: LoadedRules) -> list[RuleRow]:
    """Return every rule; of symbols only what is said of them, and of matchers what they ask."""
    return [
        _row(loaded, key, key, value)
        for key, value in rows_of(loaded.tree, ROOT, "")
        if key in loaded.lines or _worth_a_row(key, value)
    ]


def rule_rows_of(loaded: LoadedRules, symbol: Symbol, settings: Settings) -> list[RuleRow]:
    """Return what holds for one symbol, and below `venues` what is different on one of them.

    Raises `OperatorError` for a symbol that nobody knows.
    """
    own, known = loaded.tree.symbols.get(symbol), settings.symbols.get(symbol)
    if own is None and known is None:
        raise unknown_name("symbol", symbol, {*settings.symbols, *loaded.tree.symbols})
    prefix = f"symbols.{symbol}."
    rows = []
    for group in OF_A_SYMBOL:
        whole = getattr(own, group, None) or getattr(loaded.tree, group)
        node = ROOT.child(group)
        assert node is not None
        for key, value in rows_of(whole, node, group):
            said = prefix + key if prefix + key in loaded.lines else key
            rows.append(_row(loaded, key, said, value))
    if known is not None and known.execution_size is not None:
        rows = [
            RuleRow(row.key, shown(known.execution_size), "settings") if row.key == SIZE else row
            for row in rows
        ]
    rows += (
        row._replace(key=row.key.removeprefix(prefix))
        for row in rule_rows(loaded)
        if row.key.startswith(f"{prefix}venues.")
    )
    return rows


def summary(
    loaded: LoadedRules,
    channels: Collection[str] = (),
    watched: Collection[Symbol] | None = None,
) -> Iterator[str]:
    """Say in a few lines what the rules do: what they judge, what is told, and to whom.

    `channels` are those of the settings, and `watched` its symbols (None: not known).
    """
    tree = loaded.tree
    books = sum(len(own.venues) for own in tree.symbols.values())
    yield f"{_some(len(SIGNALS), 'signal')}, {_differing(loaded)}, digest {loaded.digest}"
    if tree.symbols:
        named = ", ".join(tree.symbols)
        some = f", {_some(books, 'book')}" if books else ""
        yield f"overrides: {_some(len(tree.symbols), 'symbol')} ({named}){some}"
    if watched is not None and (others := [name for name in tree.symbols if name not in watched]):
        told = ", ".join(_unwatched(name, watched) for name in others)
        yield f"not watched by the settings: {told}"
    yield (
        f"{_some(len(tree.inhibitions), 'inhibition')}, "
        f"{_some(len(tree.maintenance), 'maintenance window')}, "
        f"{_some(sum(map(len, tree.actions.values())), 'own action')}"
    )
    remind = tree.paging.remind_after_s
    reminded = "never told again" if remind is None else f"told again after {remind:g} s"
    yield (
        f"incidents open from {tree.incidents.opens_from}; told when "
        f"{', '.join(tree.paging.told_of) or 'nothing'}; {reminded}"
    )
    for name, route in tree.routes.items():
        to = ", ".join(route.channels) or "nobody"
        yield f"route {name}: {_asked(route.match)} -> {to}{', and on' if route.goes_on else ''}"
    if not tree.routes:
        if channels:
            yield f"no route: every incident goes to every channel ({', '.join(channels)})"
        else:
            yield "no route, and no channel is set: nobody is told of anything"
    if tree.heartbeat.at_utc is not None:
        yield f"heartbeat: {tree.heartbeat.at_utc} UTC -> {', '.join(tree.heartbeat.channels)}"


def _unwatched(name: Symbol, watched: Collection[Symbol]) -> str:
    """Write a symbol that only a command can watch, and which one it may be a slip for."""
    near = near_symbol(name, watched)
    return name if near is None else f"{name} (did you mean {near}?)"


def _row(loaded: LoadedRules, key: str, said: str, value: object) -> RuleRow:
    line = loaded.lines.get(said)
    origin = DEFAULT if line is None else f"{loaded.path}:{line}"
    return RuleRow(key, _text(value), origin)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value == () else shown(value)


def _worth_a_row(key: str, value: object) -> bool:
    """Whether to show what nobody said: not the half of a matcher or window that asks nothing."""
    top = key.partition(".")[0]
    node = ROOT.child(top)
    assert node is not None
    if node.kind is not NodeKind.TABLE:
        return True
    return top != "symbols" and value not in (None, (), {})


def _differing(loaded: LoadedRules) -> str:
    usual = {key: _text(value) for key, value in rows_of(RuleTree(), ROOT, "")}
    count = sum(
        row.origin != DEFAULT and usual.get(row.key, UNSAID) != row.value
        for row in rule_rows(loaded)
        if not row.key.startswith("symbols.")
    )
    return f"{_some(count, 'rule')} not as built in" if count else "all as built in"


def _asked(match: MatchRules) -> str:
    asked = [
        f"{kind} {', '.join(getattr(match, kind))}"
        for kind in type(match).model_fields
        if getattr(match, kind)
    ]
    return "; ".join(asked) or "everything else"


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
