"""What a person may see of the monitor: frozen, made when it is looked at."""

from dataclasses import dataclass
from decimal import Decimal

from tidegauge.core.activity import Flow, Standing
from tidegauge.core.alert import Alert
from tidegauge.core.instrument import BookId, Nanos, Symbol
from tidegauge.core.reading import Reading
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.risk.caps import Exposure
from tidegauge.risk.composite import Score
from tidegauge.risk.desk.view import DeskView
from tidegauge.risk.divergence_status import DivergenceStatus
from tidegauge.risk.health import HealthStatus
from tidegauge.risk.status import CrunchStatus
from tidegauge.risk.stress import StressStatus

from .budget import BudgetView


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What is told beside one book. `bought` and `sold`: quote, by takers in the last minute."""

    standing: Standing
    total: Flow
    bought: Decimal
    sold: Decimal
    tells_liquidations: bool
    malformed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """One book: its trust, its last reading, and what the crunch detector makes of it.

    `reading` is None while the book gives none. `age` is nanoseconds since the venue last told of
    this book, None before it ever did. `crunch` is None where no signal is wanted (options),
    `market` while nothing was told beside the book.
    """

    id: BookId
    instrument: str
    trust: Trust
    reason: TrustReason
    since: Nanos
    age: Nanos | None
    updates: int
    best_bid: Decimal | None
    best_ask: Decimal | None
    reading: Reading | None
    crunch: CrunchStatus | None
    market: MarketView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueView:
    """One venue's feed in numbers. `quarantined` says why the venue is left alone, if it is.

    `links` names each socket and whether it is open. `retry_at` is when the next connection is
    tried, of those that are down. `clock_offset` is how far the venue's clock is behind ours, the
    shortest way included; None while it is unknown.
    """

    name: str
    links: tuple[tuple[str, bool], ...]
    frames: int
    updates: int
    connects: int
    gaps: int
    resyncs: int
    malformed: int
    quarantined: str | None
    shards: int = 0
    rolling: int = 0
    budget: BudgetView | None = None
    last_disconnect: str | None = None
    retry_at: Nanos | None = None
    clock_offset: Nanos | None = None
    clock_faults: int = 0
    audits: int = 0
    audit_differences: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageView:
    """Where rows go, and what keeps them.

    `waiting`: rows accepted that the database has not; `on_disk` of them are safe in the spool, which
    takes `spool_bytes`; `waited`: how old the oldest is. `drain_rate`: rows stored a second, lately.
    `away`: the database takes nothing. `thinned`: what of the readings is still kept, while the spool
    fills. `spool_broken`: why the disk takes nothing.
    """

    database: str
    rows: int = 0
    batches: int = 0
    waiting: int = 0
    dropped: int = 0
    refused: int = 0
    on_disk: int = 0
    spool_bytes: int = 0
    waited: Nanos = 0
    drain_rate: float = 0.0
    away: bool = False
    thinned: str | None = None
    spool_broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolView:
    """One symbol over all of its venues."""

    symbol: Symbol
    score: Score
    divergence: DivergenceStatus
    stress: StressStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossView:
    """All that is judged across the books."""

    symbols: tuple[SymbolView, ...]
    venues: tuple[HealthStatus, ...]
    exposures: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorView:
    """The whole monitor at one instant. `conflated`: updates that were read with a later one."""

    at: Nanos
    started_at: Nanos
    books: tuple[BookView, ...]
    venues: tuple[VenueView, ...]
    alerts: tuple[Alert, ...]
    readings: int
    conflated: int
    desk: DeskView | None = None
    across: CrossView | None = None
    storage: StorageView | None = None
    """None: nothing is stored."""
    clock_behind: Nanos = 0
    """How far this machine's wall clock is ahead of the monitor's time."""
