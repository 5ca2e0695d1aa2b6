"""What became of the records that a writer took: counts, and how fast."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tidegauge.core.instrument import SECOND, Nanos

from .spool.spool import SpoolFigures

RATE_OVER: Nanos = 5 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatistics:
    """By kind: accepted + recovered = written + dropped + rejected + lost + depth.

    `recovered`: rows that an earlier run left in the spool. `dropped`: given up for want of room.
    `rejected`: the database refuses them. `lost`: rows of the spool that could not be read.
    `batches`: how many transactions brought `rows`.
    `duplicates`: rows the database had already, or newer. `drain_rate`: records stored a second,
    lately. `last_error` and `spool_broken` hold no secret.
    """

    accepted: Mapping[str, int]
    written: Mapping[str, int]
    dropped: Mapping[str, int]
    rejected: Mapping[str, int]
    rows: int
    batches: int
    duplicates: int
    retries: int
    outages: int
    depth: int
    away: bool
    last_error: str | None
    drain_rate: float = 0.0
    spool: SpoolFigures = field(default_factory=SpoolFigures)
    spool_broken: str | None = None
    thinned: str | None = None

    @property
    def recovered(self) -> int:
        return self.spool.recovered

    @property
    def lost(self) -> int:
        return self.spool.lost


@dataclass(slots=True)
class Tally:
    """Counts as they go."""

    accepted: dict[str, int] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    last_error: str | None = None


class Rate:
    """How many a second, over the last few seconds in which there were any."""

    __slots__ = ("_clock", "_count", "_rate", "_since")

    def __init__(self, clock: Callable[[], Nanos]) -> None:
        self._clock = clock
        self._since = clock()
        self._count = 0
        self._rate = 0.0

    def add(self, count: int) -> None:
        """Count."""
        self._turn()
        self._count += count

    def a_second(self) -> float:
        """Return the rate."""
        self._turn()
        return self._rate

    def _turn(self) -> None:
        passed = self._clock() - self._since
        if passed >= RATE_OVER:
            self._rate = self._count * SECOND / passed
            self._since += passed
            self._count = 0
