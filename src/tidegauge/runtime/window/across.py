"""What is shown over several books, of venues, and of the daemon itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

OLD_AFTER_S = 5.0
"""A daemon that told nothing for so long is not seen any more as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPart:
    """One part of a score: what was measured, its points (0 to 100), its weight, and how much of the
    score it makes up. `missing_since`: the value is of then, and unknown now."""

    name: str
    value: float | None
    points: float | None
    weight: float
    share: float
    missing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownScore:
    """`value` from 0 (calm) to 100, None while nothing is known; `weather`: calm, watch, stressed or
    critical; `incomplete`: a part of it is missing."""

    value: float | None
    weather: str | None
    incomplete: bool
    parts: tuple[ShownPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPair:
    """Two venues. `raw_bps`: how much dearer `one` is; `deviation_bps` that beyond the usual
    `premium_bps`; `executable_bps`: what is left of it after both fees, None without them."""

    one: str
    other: str
    phase: str
    raw_bps: float | None
    deviation_bps: float | None
    premium_bps: float | None
    executable_bps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDivergence:
    """All venues of a symbol. `judged_bps`: of the widest pair; `left`: who left, as alerts say."""

    phase: str
    venues: tuple[str, ...]
    fresh: tuple[str, ...]
    judged_bps: float | None
    left: tuple[str, ...]
    pairs: tuple[ShownPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPortion:
    """What one venue takes of a size: in quote, as a share, and at which average price."""

    venue: str
    quote: Decimal
    share: float
    average: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStress:
    """One taker's side of the expected execution size, with part of every level gone (`haircut`).

    `slippage` is a share of the notional, None where it does not fill. `safety`: safe, elevated,
    unsafe or unknown. `largest_safe` (quote); `largest_at_least`: it may be more.
    """

    side: str
    safety: str
    haircut: float
    slippage: float | None
    filled: float
    largest_safe: Decimal | None
    largest_at_least: bool
    best: str | None
    split: tuple[ShownPortion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSymbol:
    """One symbol over all of its venues. `stress` is empty while no size is judged, which `size` is."""

    symbol: str
    daemon: str
    score: ShownScore
    divergence: ShownDivergence
    size: Decimal | None
    stress: tuple[ShownStress, ...]
    live: int
    books: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVenue:
    """One venue's feed, as one daemon sees it. `health`: starting, well, degraded, down, refused, dark.

    `links_open` of `links` sockets. `clock_offset_s`: how far the venue's clock is behind ours.
    `reasons`: why books are not live, and how many.
    """

    venue: str
    daemon: str
    health: str
    since: datetime | None
    live: int
    books: int
    reasons: dict[str, int]
    links: int
    links_open: int
    frames: int
    updates: int
    connects: int
    gaps: int
    resyncs: int
    malformed: int
    audits: int
    audit_differences: int
    clock_offset_s: float | None
    clock_faults: int
    quarantined: str | None
    last_disconnect: str | None
    retry_at: datetime | None
    put_off_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStorage:
    """Where rows go. `waiting` rows are accepted and not in the database, `on_disk` of them safe in the
    spool (`spool_bytes`); the oldest waits for `waited_s`. `away`: the database takes nothing."""

    database: str
    rows: int
    waiting: int
    dropped: int
    refused: int
    on_disk: int
    spool_bytes: int
    waited_s: float
    drain_rate: float
    away: bool
    thinned: str | None
    spool_broken: str | None
    batches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHistogram:
    """How many observations were at most each of `bounds` (seconds, ascending), cumulative; `count` of
    all, and their sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    count: int
    sum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDaemon:
    """One daemon. `id` is its process id as text. `feed_to_reading`: from the frame's arrival to its
    reading; `loop_lag`: how late its event loop is. `notifications`: pages by channel and outcome
    (sent, retrying, failed), as `channel/outcome`. `clock_behind_s`: how far the machine's wall clock
    is ahead of the daemon's time."""

    id: str
    run: str
    version: str
    at: datetime
    started_at: datetime
    symbols: tuple[str, ...]
    readings: int
    conflated: int
    crashes: int
    clock_behind_s: float
    storage: ShownStorage | None
    notifications: dict[str, int]
    notifications_waiting: int
    feed_to_reading: ShownHistogram
    loop_lag: ShownHistogram

    def age_s(self, now: datetime) -> float:
        """Return how long before `now`, by the machine's clock, it showed this. Its own clock may still be
        on its way to one that was set."""
        return max(0.0, (now - self.at).total_seconds() - self.clock_behind_s)


def worst_first(symbols: Iterable[ShownSymbol]) -> list[ShownSymbol]:
    """Return symbols by their scores, the worst first; one whose score is not known comes last."""
    return sorted(
        symbols,
        key=lambda each: (each.score.value is None, -(each.score.value or 0.0), each.symbol),
    )
