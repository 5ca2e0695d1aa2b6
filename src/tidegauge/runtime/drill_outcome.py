"""What came of a fire drill. Times are nanoseconds since it began."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegauge.core.alert import ALL, PAIR, Severity
from tidegauge.core.incident import Family
from tidegauge.core.instrument import Nanos, Symbol, VenueName


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the configured size, in quote, would have cost at one instant: slippage in bps and usual
    slippage, of the taker that fares worse, and the quote that is more than usual.

    `bps` None: it could not be filled, `extra` then is None as well.
    """

    venue: VenueName
    taker: str
    size: str
    bps: float | None
    usual_bps: float | None
    extra: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeen:
    """An alert that fired. `rises` tells when it was first how bad; `after` is how long it took from
    when what it tells of was there, None where nothing of the kind was to happen. `meant`: it is
    what the drill is about; else it may fire as well, or is `false`."""

    id: str
    signal: str
    symbol: Symbol
    venue: VenueName
    fired_at: Nanos
    ended_at: Nanos | None
    rises: tuple[tuple[Nanos, Severity], ...]
    sentence: str
    cost: Cost | None
    after: Nanos | None = None
    meant: bool = False
    false: bool = False

    @property
    def venues(self) -> tuple[VenueName, ...]:
        """The venues it speaks of; none where it speaks of all."""
        return () if self.venue == ALL else tuple(self.venue.split(PAIR))

    @property
    def worst(self) -> Severity:
        return max(severity for _at, severity in self.rises)

    def reached(self, severity: Severity) -> Nanos | None:
        """Return when it first was at least as bad."""
        return next((at for at, reached in self.rises if reached >= severity), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSeen:
    """An incident as it stood at the end of the drill."""

    id: str
    symbol: Symbol
    family: Family
    worst: Severity
    opened_at: Nanos
    resolved_at: Nanos | None
    reopened: int
    alerts: int
    impact_quote: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSeen:
    """A page that would have been sent."""

    at: Nanos
    kind: str
    title: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteSeen:
    """Something that went no further, and why; `times`: it was said so often."""

    at: Nanos
    stage: str
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that was expected, and whether it came about."""

    expected: str
    came: str
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOutcome:
    """All that is told of a drill. `begins_at` and `ends_at` are when the trouble did."""

    drill: str
    seed: int
    lasts: Nanos
    begins_at: Nanos
    ends_at: Nanos
    alerts: tuple[AlertSeen, ...]
    incidents: tuple[IncidentSeen, ...]
    pages: tuple[PageSeen, ...]
    mutes: tuple[MuteSeen, ...]
    events: Mapping[str, int]
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the rule set did all that was expected of it."""
        return all(check.met for check in self.checks)

    @property
    def delay(self) -> Nanos | None:
        """How long what had to fire took, from when it was there; None: it did not, or nothing had
        to."""
        delays = [each.after for each in self.alerts if each.meant and each.after is not None]
        return min(delays, default=None)

    @property
    def false_alerts(self) -> int:
        return sum(alert.false for alert in self.alerts)


def pages_by_channel(pages: Iterable[PageSeen]) -> dict[str, int]:
    """Return how many pages each channel would have been sent, by its name."""
    counted = Counter(channel for page in pages for channel in page.channels)
    return dict(sorted(counted.items()))
