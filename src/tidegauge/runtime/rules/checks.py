"""What no single rule can tell: names that fit nothing, and rules that contradict each other.

Every check gives what is wrong with a key, as `Flaw`; the lines are known to who read the file.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
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
from .tree import RuleTree

SIGNALS = tuple(str(signal) for signal in Signal)


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
    """Find the names that fit nothing."""
    for key, match in matches_of(tree):
        for kind, given, known in (
            ("signals", match.signals, SIGNALS),
            ("symbols", match.symbols, (ALL, *watched.symbols)),
            ("venues", match.venues, (ALL, *watched.venues)),
        ):
            for number, name in enumerate(given):
                found = of_family(name) if kind == "venues" else (name,)
                if not any(fits(each, one) for each in found for one in known):
                    yield _unknown(f"{key}.{kind}.{number}", kind[:-1], name, known)
    for signal in tree.actions:
        if signal not in SIGNALS:
            yield _unknown(f"actions.{signal}", "signal", signal, SIGNALS)
    yield from _of_tables(tree, watched)
    yield from _of_symbols(tree, watched)
    if watched.channels is not None:
        told = [(f"routes.{name}.channels", each.channels) for name, each in tree.routes.items()]
        for key, channels in (*told, ("heartbeat.channels", tree.heartbeat.channels)):
            for number, name in enumerate(channels):
                if name not in watched.channels:
                    yield _unknown(f"{key}.{number}", "channel", name, watched.channels)


def fits(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern, as the desk sees it."""
    return name == pattern or fnmatchcase(name, pattern)


def _of_tables(tree: RuleTree, watched: Watched) -> Iterator[Flaw]:
    """Find the entries of venues, quotes and assets that there are not."""
    everywhere = (("", tree.divergence, tree.stress),)
    own = (
        (f"symbols.{name}.", each.divergence, each.stress) for name, each in tree.symbols.items()
    )
    specs = tuple(venues.load())
    for prefix, divergence, stress in chain(everywhere, own):
        fees = divergence.taker_bps if divergence is not None else ()
        for venue in fees:
            if venue not in specs:
                yield _unknown(f"{prefix}divergence.taker_bps.{venue}", "venue", venue, specs)
        if stress is None:
            continue
        for venue in stress.assumed_liquidity_quote:
            if venue not in specs:
                key = f"{prefix}stress.assumed_liquidity_quote.{venue}"
                yield _unknown(key, "venue", venue, specs)
        for quote in stress.rates:
            if quote not in watched.quotes:
                key = f"{prefix}stress.rates.{quote}"
                yield _unknown(key, "quote", quote, watched.quotes, "quotes_alike")
    for asset in tree.exposure.limits_quote:
        if not any(symbol.startswith(asset) for symbol in watched.symbols):
            fix = f"It is the beginning of no symbol that is watched: {_some(watched.symbols)}"
            yield Flaw(f"exposure.limits_quote.{asset}", f"Unknown asset {asset!r}", fix)


def _of_symbols(tree: RuleTree, watched: Watched) -> Iterator[Flaw]:
    """Find what is said of symbols and books that are not watched."""
    for symbol, own in tree.symbols.items():
        key = f"symbols.{symbol}"
        if symbol not in watched.symbols:
            yield _unknown(key, "symbol", symbol, watched.symbols)
        for venue in own.venues:
            if venue not in watched.venues:
                yield _unknown(f"{key}.venues.{venue}", "venue", venue, watched.venues)


def _unknown(key: str, kind: str, name: str, known: Collection[str], setting: str = "") -> Flaw:
    """Refuse a name that fits nothing, and suggest the nearest, or say what there is."""
    glob = set(name) & set("*?[")
    what = f"{kind} {name!r} fits nothing" if glob else f"Unknown {kind} {name!r}"
    choices = [each for each in known if each != ALL]
    near = None if glob else nearest(name, choices)
    if near:
        return Flaw(key, what, f"Did you mean {near!r}?")
    where = setting or {"symbol": "symbols", "venue": "venues", "channel": "notify.channels"}.get(
        kind, ""
    )
    watched = f"In the settings ({where})" if where else "Known"
    return Flaw(key, what, f"{watched}: {_some(choices)}")


def _some(names: Collection[str], most: int = 12) -> str:
    shown = ", ".join(sorted(names)[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
