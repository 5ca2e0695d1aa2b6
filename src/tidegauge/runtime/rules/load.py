"""Load the rules: a file, or the built-in defaults; all that is wrong with them is told at once."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol, VenueName
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.settings import Settings, rows_of, shown
from tidegauge.runtime.settings_errors import Fault

from .build import rule_set
from .checks import flaws_of_names, watched_by
from .conflicts import flaws_of_the_whole
from .draft import ROOT, Draft, read_draft
from .tree import RuleTree

USUAL = Path("config/rules.yaml")


class RulesRefused(OperatorError):
    """Rules that cannot be used. `complaints` are all of them, each FILE:LINE and one line."""

    def __init__(self, complaints: Collection[str]) -> None:
        self.complaints = tuple(complaints)
        more = len(self.complaints) - 1
        rest = f" ({more} more: `tidegauge rules check` lists them)" if more else ""
        super().__init__(self.complaints[0] + rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRules:
    """The rules in force, and the file they came from; None: none, they are the built-in defaults.

    `digest` is of what the rules say, whatever the file looks like. `tree` holds them as the file
    names them, `lines` where it says what.
    """

    rules: RuleSet
    path: Path | None = None
    digest: str = ""
    tree: RuleTree = field(default_factory=RuleTree)
    lines: Mapping[str, int] = field(default_factory=dict)


def rules_path(settings: Settings) -> Path | None:
    """Return the file of the rules: the one the settings name, or the usual one if there is one."""
    if settings.rules is not None:
        return settings.rules
    return USUAL if os.path.exists(USUAL) else None  # noqa: PTH110


def load_rules(
    path: Path | None,
    settings: Settings,
    *,
    channels: Collection[str] | None = None,
    symbols: Iterable[Symbol] = (),
    venues: Iterable[VenueName] = (),
) -> LoadedRules:
    """Read a file of rules, the built-in defaults without one. Raises `RulesRefused`.

    `channels` are those there are to notify (None: not known, and not checked); `symbols` and
    `venues` what is watched beside what the settings name.
    """
    draft = Draft() if path is None else read_draft(path)
    watched = watched_by(settings, symbols=symbols, venue_names=venues, channels=channels)
    faults = list(draft.faults)
    for flaw in (
        *flaws_of_names(draft.tree, watched),
        *flaws_of_the_whole(draft.tree, watched, draft.lines),
    ):
        # What a symbol only has from the general rules is told of there.
        if flaw.key in draft.lines or not flaw.key.startswith("symbols."):
            line = draft.line(*(flaw.others or (flaw.key,)))
            faults.append(Fault(line, flaw.what, flaw.fix))
    if faults:
        told = sorted(dict.fromkeys(faults), key=lambda fault: fault.line)
        raise RulesRefused([fault.at(path) for fault in told])
    return LoadedRules(
        rules=rule_set(draft.tree, settings),
        path=path,
        digest=digest_of(draft.tree),
        tree=draft.tree,
        lines=draft.lines,
    )


def digest_of(tree: RuleTree) -> str:
    """Return what tells these rules from all others: two that say the same have the same."""
    said = "".join(f"{key}={shown(value)}\n" for key, value in rows_of(tree, ROOT, ""))
    return sha256(said.encode()).hexdigest()[:16]
