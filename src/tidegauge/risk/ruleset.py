"""The rules of a desk as data: thresholds of every signal, and what becomes of what they find.

What `config/rules.yaml` says, without its units and names for people. Frozen: a reload makes a new
one. The thresholds of each signal are written where the signal is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..core.alert import Action, Severity, Signal
from ..core.desk import Matcher
from ..core.instrument import SECOND, BookId, Nanos, Symbol, VenueName
from .settings import CrunchSettings
from .signal_settings import (
    CapSettings,
    CompositeSettings,
    DivergenceSettings,
    HealthSettings,
    StressSettings,
)

MINUTE: Nanos = 60 * SECOND
HOUR: Nanos = 60 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert that matches `source` fires, one that matches `target` goes no further, if what
    `equal` names is the same of both. An alert never inhibits itself."""

    source: Matcher
    target: Matcher
    equal: tuple[Literal["symbol", "venue"], ...] = ("symbol",)


INHIBITIONS = (
    # A venue that is down says nothing of its market.
    Inhibition(
        source=Matcher(signals=(Signal.VENUE_DOWN,)),
        target=Matcher(signals=(Signal.CRUNCH, Signal.DIVERGENCE, Signal.EXECUTABLE)),
        equal=("venue",),
    ),
    Inhibition(
        source=Matcher(signals=(Signal.VENUE_DOWN,)),
        target=Matcher(signals=(Signal.VENUE_DEGRADED,)),
        equal=("venue",),
    ),
    Inhibition(
        source=Matcher(signals=(Signal.SYMBOL_DARK,)),
        target=Matcher(signals=(Signal.BLIND,)),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A silence that was planned. Either from `starts_at` until `ends_at`, or each day (`weekdays`: 0
    is Monday; none: every day) from `day_starts` for `lasts`, in UTC."""

    name: str
    matcher: Matcher
    starts_at: Nanos | None = None
    ends_at: Nanos | None = None
    weekdays: tuple[int, ...] = ()
    day_starts: Nanos | None = None
    lasts: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Whom to tell of what matches: names of channels. The first that matches is taken, and the
    following ones too while `goes_on`."""

    matcher: Matcher
    channels: tuple[str, ...]
    goes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """What becomes of an alert: which open incidents, how these live, and who is told.

    `opens_from`: the severity that opens one; a lower only joins. `settle_for`: how long nothing must
    fire until an incident is over; it doubles with each time it came back, up to `reopen_within`,
    within which a new alert reopens it rather than opening another. `flapping_from`: so many
    recurrences are told of once. `remind_after`: until an unacknowledged one is told again; None:
    never. `acknowledged_for`: how long an acknowledgement lasts. A channel is told `burst` pages at
    once, and one digest each `group_every` after that. `heartbeat_at`: time of the day, UTC.
    `actions`: by signal and severity in words, so that a tape can hold them; `action` looks there.
    """

    opens_from: Severity = Severity.HIGH
    settle_for: Nanos = 60 * SECOND
    reopen_within: Nanos = 10 * MINUTE
    flapping_from: int = 3
    acknowledged_for: Nanos = HOUR
    remind_after: Nanos | None = 15 * MINUTE
    inhibitions: tuple[Inhibition, ...] = INHIBITIONS
    maintenance: tuple[Maintenance, ...] = ()
    routes: tuple[Route, ...] = ()
    actions: Mapping[str, Mapping[str, Action]] = field(default_factory=dict)
    burst: int = 5
    group_every: Nanos = 30 * SECOND
    told_of: tuple[str, ...] = ("opened", "escalated", "reopened", "resolved")
    heartbeat_at: Nanos | None = None
    heartbeat_channels: tuple[str, ...] = ()

    def action(self, signal: str, severity: Severity) -> Action | None:
        """Return what is recommended in place of what the signal recommends; None: nothing else."""
        return self.actions.get(signal, {}).get(str(severity))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All of it. The mappings hold what differs: a symbol's own settings in place of the general, and
    one book's in place of its symbol's."""

    crunch: CrunchSettings = field(default_factory=CrunchSettings)
    crunch_of: Mapping[Symbol, CrunchSettings] = field(default_factory=dict)
    crunch_at: Mapping[Symbol, Mapping[VenueName, CrunchSettings]] = field(default_factory=dict)
    divergence: DivergenceSettings = field(default_factory=DivergenceSettings)
    divergence_of: Mapping[Symbol, DivergenceSettings] = field(default_factory=dict)
    stress: StressSettings = field(default_factory=StressSettings)
    stress_of: Mapping[Symbol, StressSettings] = field(default_factory=dict)
    health: HealthSettings = field(default_factory=HealthSettings)
    composite: CompositeSettings = field(default_factory=CompositeSettings)
    caps: CapSettings = field(default_factory=CapSettings)
    desk: DeskRules = field(default_factory=DeskRules)

    def crunch_for(self, id_: BookId) -> CrunchSettings:
        """Return what a crunch of this book is."""
        own = self.crunch_at.get(id_.symbol, {}).get(id_.venue)
        return own or self.crunch_of.get(id_.symbol, self.crunch)
