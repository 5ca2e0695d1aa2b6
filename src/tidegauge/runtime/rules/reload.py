"""Rules that may change while they are in force: whole, or not at all."""

from collections.abc import Callable
from typing import NamedTuple

from tidegauge.core.errors import OperatorError

from .load import LoadedRules
from .shown import UNSAID, rule_rows


class RuleChange(NamedTuple):
    """A rule that is another now. Text on both sides; `(not said)` where there is nothing."""

    key: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.key}: {self.old} -> {self.new}"


class Reloaded(NamedTuple):
    """The rules now in force, and what changed; empty: they say what they said."""

    loaded: LoadedRules
    changes: tuple[RuleChange, ...]


class RulesInForce:
    """Holds the rules in force. `load` reads them anew, and raises `OperatorError` for bad ones."""

    def __init__(self, load: Callable[[], LoadedRules], loaded: LoadedRules | None = None) -> None:
        self._load = load
        self.loaded = load() if loaded is None else loaded

    def reload(self) -> Reloaded | OperatorError:
        """Read the rules again. Bad ones are given back as their refusal, and the old ones stay."""
        try:
            after = self._load()
        except OperatorError as refusal:
            return refusal
        before, self.loaded = self.loaded, after
        return Reloaded(after, changes_between(before, after))


def changes_between(before: LoadedRules, after: LoadedRules) -> tuple[RuleChange, ...]:
    """Return what differs, in the order of the rules after, and then what is gone."""
    old = {row.key: row.value for row in rule_rows(before)}
    new = {row.key: row.value for row in rule_rows(after)}
    return tuple(
        RuleChange(key, old.get(key, UNSAID), new.get(key, UNSAID))
        for key in {**new, **old}
        if old.get(key) != new.get(key)
    )
