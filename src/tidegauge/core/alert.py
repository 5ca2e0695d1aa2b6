"""Alerts: a signal that held (signals.md section 8)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import blake2b

from .instrument import Nanos, Symbol, VenueName

ALL = "*"
"""In the place of a symbol or a venue: all of them."""

PAIR = "~"
"""Between the two venues of a pair."""


class Signal(StrEnum):
    """What may raise an alert (signals.md sections 3 to 6 and 9)."""

    CRUNCH = "liquidity_crunch"
    DIVERGENCE = "divergence"
    EXECUTABLE = "executable_divergence"
    BLIND = "divergence_blind"
    STRESS = "liquidity_stress"
    VENUE_DEGRADED = "venue_degraded"
    VENUE_DOWN = "venue_down"
    SYMBOL_DARK = "symbol_dark"
    OVER_CAP = "exposure_over_cap"


def pair_of(one: VenueName, other: VenueName) -> VenueName:
    """Name a pair of venues, the same whichever comes first."""
    return PAIR.join(sorted((one, other)))


class Severity(IntEnum):
    INFO = 0
    WARNING = 1
    HIGH = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name.lower()


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Action(StrEnum):
    """What is recommended (the mission's vocabulary)."""

    MONITOR = "monitor"
    WIDEN_SPREAD = "widen_spread"
    PAUSE_ASSET = "pause_asset"
    HEDGE = "hedge"
    REDUCE = "reduce"
    LIQUIDATE = "liquidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertKey:
    """What an alert is about; at most one alert a key is open at a time.

    `venue` is a venue, a pair of them (`pair_of`), or `ALL`; `symbol` is `ALL` where a venue as a
    whole is meant. `side` is empty unless the signal speaks of one.
    """

    signal: str
    symbol: Symbol
    venue: VenueName
    side: str = ""

    def __str__(self) -> str:
        side = f":{self.side}" if self.side else ""
        return f"{self.signal}:{self.venue}:{self.symbol}{side}"

    @property
    def venues(self) -> tuple[VenueName, ...]:
        """The venues it speaks of; none where it speaks of all."""
        return () if self.venue == ALL else tuple(self.venue.split(PAIR))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it stands at `updated_at`. Each change of it is a new record with the same id.

    `cause` names the input that breached first, `causes` all that breach now; `value`, `threshold`
    and `baseline` are of `cause`, in its own unit. `trace` is the frame that caused this change.
    `unobserved_since` is set while the book behind a firing alert is not trusted.
    """

    id: str
    key: AlertKey
    severity: Severity
    worst_severity: Severity
    state: AlertState
    cause: str
    causes: tuple[str, ...]
    value: float | None
    threshold: float | None
    baseline: float | None
    sentence: str
    action: Action
    started_at: Nanos
    updated_at: Nanos
    ended_at: Nanos | None
    trace: str
    unobserved_since: Nanos | None = None


def alert_id(key: AlertKey, opened_at: Nanos, trace: str) -> str:
    """Name an alert by its opening: the time, and a hash of its key and the frame behind it.

    Never random, so that a replay gives the same ids (design.md section 4).
    """
    digest = blake2b(f"{key}|{trace}|{opened_at}".encode(), digest_size=5).hexdigest()
    return f"{opened_at // 1_000_000:x}-{digest}"
