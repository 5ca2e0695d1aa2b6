"""What no single rule can tell: names that fit nothing, and rules that contradict each other.

Every check gives what is wrong with a key, as `Flaw`; the lines are known to who read the file.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

from tidegauge import venues
from tidegauge.core.alert import ALL, Signal
from tidegauge.core.instrument import Symbol, VenueName
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_errors import nearest

from .build import of_family
from .desk import MatchRules
from .tree import RuleTree, SymbolRules

SIGNALS = tuple(str(signal) for signal in Signal)
SET_BY = {
    "symbol": "symbols",
    "venue": "venues",
    "quote": "quotes_alike",
    "channel": "notify.channels",
}
"""The setting that says which names of a kind there are."""

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._:/-]{2,63}", re.ASCII)
ALIKE = 0.8
"""How alike two symbols are to be taken for one another: all of one quote share half of their letters."""


class Flaw(NamedTuple):
    """What is wrong with a key, and what to do; `others` are keys that have a part in it."""

    key: str
    what: str
    fix: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What there is for rules to speak of. `channels` None: not known, and not checked."""

    symbols: tuple[Symbol, ...]
    venues: tuple[VenueName, ...]
    quotes: tuple[str, ...] = ()
    sized: frozenset[Symbol] = frozenset()
    channels: Collection[str] | None = None


def watched_by(
    settings: Settings,
    *,
    symbols: Iterable[Symbol] = (),
    venue_names: Iterable[VenueName] = (),
    channels: Collection[str] | None = None,
) -> Watched:
    """Return what the settings, and what a command names beside them, watch."""
    named = (*settings.venues, *venue_names)
    return Watched(
        symbols=tuple(dict.fromkeys((*settings.symbols, *symbols))),
        venues=tuple(spec.name for spec in venues.resolve(named)),
        quotes=tuple(chain.from_iterable(settings.quotes_alike)),
        sized=frozenset(name for name, each in settings.symbols.items() if each.execution_size),
        channels=channels,
    )


def matches_of(tree: RuleTree) -> Iterator[tuple[str, MatchRules]]:
    """Iterate over every matcher of the rules, and its key."""
    for name, inhibition in tree.inhibitions.items():
        yield f"inhibitions.{name}.source", inhibition.source
        yield f"inhibitions.{name}.target", inhibition.target
    for name, window in tree.maintenance.items():
        yield f"maintenance.{name}.match", window.match
    for name, route in tree.routes.items():
        yield f"routes.{name}.match", route.match


def flaws_of_names(tree: RuleTree, watched: Watched) -> Iterator[Flaw]:
    """Find the names that fit nothing.

    Overrides may be of any symbol: a command may watch more than the settings name. So what they are of
    may be matched, and capped, too.
    """
    symbols = tuple(dict.fromkeys((*watched.symbols, *filter(SYMBOL.fullmatch, tree.symbols))))
    for key, match in matches_of(tree):
        yield from _of_match(key, match, symbols, watched.venues)
    for name in tree.symbols:
        if SYMBOL.fullmatch(name) is None:
            yield Flaw(f"symbols.{name}", f"{name!r} is not a symbol", "Write it like BTCUSDT")
    for key, kind, names, known in _named(tree, watched):
        for name in names:
            if name not in known:
                yield _unknown(f"{key}.{name}", kind, name, known)
    for asset in tree.exposure.limits_quote:
        if not any(symbol.startswith(asset) for symbol in symbols):
            fix = f"It begins no symbol of the settings, nor of `symbols` here: {_some(symbols)}"
            yield Flaw(f"exposure.limits_quote.{asset}", f"Unknown asset {asset!r}", fix)
    if watched.channels is not None:
        yield from _of_channels(tree, watched.channels)


def _of_channels(tree: RuleTree, known: Collection[str]) -> Iterator[Flaw]:
    told = [(f"routes.{name}.channels", each.channels) for name, each in tree.routes.items()]
    for key, channels in (*told, ("heartbeat.channels", tree.heartbeat.channels)):
        for number, name in enumerate(channels):
            if name not in known:
                yield _unknown(f"{key}.{number}", "channel", name, known)


def _of_match(
    key: str,
    match: MatchRules,
    symbols: Collection[Symbol],
    watched_venues: Collection[VenueName],
) -> Iterator[Flaw]:
    for kind, given, known in (
        ("signal", match.signals, SIGNALS),
        ("symbol", match.symbols, (ALL, *symbols)),
        ("venue", match.venues, (ALL, *watched_venues)),
    ):
        for number, name in enumerate(given):
            meant = of_family(name) if kind == "venue" else (name,)
            if not any(fits(each, one) for each in meant for one in known):
                yield _unknown(f"{key}.{kind}s.{number}", kind, name, known)


def fits(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern: nothing but `*` and `?` is special, as for the desk."""
    return name == pattern or fnmatchcase(name, pattern.replace("[", "[[]"))


def _named(
    tree: RuleTree, watched: Watched
) -> Iterator[tuple[str, str, Iterable[str], Collection[str]]]:
    """Iterate over every table of names: its key, what they are of, they, and those there are."""
    yield "actions", "signal", tree.actions, SIGNALS
    for symbol, own in tree.symbols.items():
        yield f"symbols.{symbol}.venues", "venue", own.venues, watched.venues
    specs = venues.load()
    whose: dict[str, RuleTree | SymbolRules] = {"": tree}
    whose |= {f"symbols.{name}.": own for name, own in tree.symbols.items()}
    for prefix, rules in whose.items():
        if rules.divergence is not None:
            fees = rules.divergence.taker_bps
            yield f"{prefix}divergence.taker_bps", "venue name", fees, specs
        if rules.stress is not None:
            assumed = rules.stress.assumed_liquidity_quote
            yield f"{prefix}stress.assumed_liquidity_quote", "venue name", assumed, specs
            yield f"{prefix}stress.rates", "quote", rules.stress.rates, watched.quotes


def _unknown(key: str, kind: str, name: str, known: Collection[str]) -> Flaw:
    """Refuse a name that fits nothing, and suggest the nearest, or say what there is."""
    glob = set(name) & set("*?")
    what = f"No {kind} fits {name!r}" if glob else f"Unknown {kind} {name!r}"
    choices = [each for each in known if each != ALL]
    closest = near_symbol if kind == "symbol" else nearest
    near = None if glob else closest(name, choices)
    if near:
        return Flaw(key, what, f"Did you mean {near!r}?")
    where = f"In the settings ({SET_BY[kind]})" if kind in SET_BY else "Known"
    return Flaw(key, what, f"{where}: {_some(choices)}")


def near_symbol(name: str, known: Collection[Symbol]) -> Symbol | None:
    """Return the symbol that `name` may be a slip for; None where none is near."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=ALIKE)), None)


def _some(names: Collection[str], most: int = 12) -> str:
    shown = ", ".join(sorted(names)[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
