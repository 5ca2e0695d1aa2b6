"""Which alerts go no further because another one fires (signals.md section 8)."""

from collections.abc import Iterable, Iterator, Sequence

from ...core.alert import ALL, Alert, AlertKey, Severity
from ..ruleset import Inhibition
from .matching import fits

_Place = tuple[int, str, str]
"""A rule's number, and what must be equal: a symbol and a venue, empty where it need not be."""


class Inhibitions:
    """Which sources fire, and which targets they hold back. O(rules) for each alert.

    `ALL` in the symbol or venue of a source covers each of them. Two alerts that a rule names both
    as source and as target do not silence each other.
    """

    def __init__(self, rules: Sequence[Inhibition]) -> None:
        self._rules = rules
        self._sources: dict[_Place, dict[AlertKey, Severity]] = {}
        self._placed: dict[AlertKey, tuple[_Place, ...]] = {}
        self._held: dict[AlertKey, AlertKey] = {}
        self._holds: dict[AlertKey, dict[AlertKey, None]] = {}

    def fires(self, alert: Alert) -> tuple[AlertKey, ...]:
        """Take note of what fires now. Return the targets that it holds back no longer."""
        places = tuple(self._places(alert))
        before = self._placed.get(alert.key, ())
        for place in places:
            self._sources.setdefault(place, {})[alert.key] = alert.severity
        if before == places:
            return ()
        freed = self._leave(alert.key, set(before) - set(places))
        if places:
            self._placed[alert.key] = places
        return freed

    def ends(self, key: AlertKey) -> tuple[AlertKey, ...]:
        """Take note of what fires no more. Return the targets that it held back."""
        self.let_go(key)
        return self._leave(key, self._placed.get(key, ()))

    def inhibitor_of(self, alert: Alert) -> AlertKey | None:
        """Return what holds an alert back, if anything does, and remember it."""
        source = self._find(alert)
        self.let_go(alert.key)
        if source is not None:
            self._held[alert.key] = source
            self._holds.setdefault(source, {})[alert.key] = None
        return source

    def held_by(self, key: AlertKey) -> AlertKey | None:
        """Return what was last found to hold this one back."""
        return self._held.get(key)

    def let_go(self, key: AlertKey) -> None:
        """Forget that this one is held back."""
        source = self._held.pop(key, None)
        if source is not None:
            targets = self._holds[source]
            del targets[key]
            if not targets:
                del self._holds[source]

    def _leave(self, key: AlertKey, places: Iterable[_Place]) -> tuple[AlertKey, ...]:
        """Take a source away from these places."""
        self._placed.pop(key, None)
        for place in places:
            sources = self._sources[place]
            del sources[key]
            if not sources:
                del self._sources[place]
        freed = tuple(self._holds.get(key, ()))
        for target in freed:
            self.let_go(target)
        return freed

    def _places(self, alert: Alert) -> Iterator[_Place]:
        key = alert.key
        for number, rule in enumerate(self._rules):
            if not fits(rule.source, key, alert.severity):
                continue
            symbol = key.symbol if "symbol" in rule.equal else ""
            for venue in (key.venues or (ALL,)) if "venue" in rule.equal else ("",):
                yield number, symbol, venue

    def _find(self, alert: Alert) -> AlertKey | None:
        if not self._sources:
            return None
        key = alert.key
        for number, rule in enumerate(self._rules):
            if not fits(rule.target, key, alert.severity):
                continue
            both = fits(rule.source, key, alert.severity)
            symbols = {key.symbol: None, ALL: None} if "symbol" in rule.equal else {"": None}
            venues = dict.fromkeys((*key.venues, ALL)) if "venue" in rule.equal else {"": None}
            for symbol in symbols:
                for venue in venues:
                    for source, severity in self._sources.get((number, symbol, venue), {}).items():
                        mutual = both and fits(rule.target, source, severity)
                        if source != key and not mutual:
                            return source
        return None
