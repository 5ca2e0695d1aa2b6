"""What a writer does with a record at once: bytes of it, into memory, or not at all."""

from collections.abc import Callable

import structlog

from tidegauge.core.activity import MarketSummary
from tidegauge.core.instrument import Nanos
from tidegauge.core.reading import Reading

from .batch import Backlog
from .delivery import shown
from .encode import UNWRITABLE, ReadingEncoder
from .rows import KINDS, Rare, Record
from .series import Series
from .slips import READING, Slip, slip_of, slip_of_series
from .spool.thinning import Thinner
from .tally import Tally

SERIES_KEPT = 10_000

log = structlog.get_logger()


class Intake:
    """Takes records. `thinner` says which readings still go in when the spool fills."""

    def __init__(
        self, backlog: Backlog, run_id: str, tally: Tally, clock: Callable[[], Nanos]
    ) -> None:
        self.backlog = backlog
        self.thinner = Thinner()
        self._run_id = run_id
        self._tally = tally
        self._clock = clock
        self._encoder = ReadingEncoder(run_id)
        self._series: dict[int, Slip] = {}
        self._dropping = False

    def take(self, record: Record) -> Slip | None:
        """Take a record into the backlog. Never blocks, never raises; None: it did not go in."""
        kind = KINDS.get(type(record))
        if kind is None:
            log.warning("record_not_known", kind=type(record).__name__)
            return None
        accepted = self._tally.accepted
        accepted[kind] = accepted.get(kind, 0) + 1
        if self.thinner.level and not self._has_room(record):
            self._tally.dropped[kind] += 1
            return None
        try:
            if isinstance(record, Reading):
                # As bytes from here on: a waiting reading is one object, not a tree of them.
                series, row = self._encoder.encode(record)
                slip = Slip(READING, record.origin.received_at, row, self._under(series))
            else:
                slip = self._rare(record)
        except UNWRITABLE as error:
            self.reject(kind, shown(error))
            return None
        given_up = self.backlog.add(slip, self._clock())
        if given_up is not None:
            self._drop(given_up)
        return slip

    def reject(self, kind: str, error: str) -> None:
        """Count a record that cannot be stored, and say why."""
        self._tally.rejected[kind] += 1
        self._tally.last_error = error
        log.error("record_rejected", kind=kind, error=error)

    def has_room_again(self) -> None:
        """Tell of the next record given up as of a first."""
        self._dropping = False

    def _rare(self, record: Rare) -> Slip:
        return slip_of(record, self._run_id)

    def _has_room(self, record: Record) -> bool:
        """Whether a record goes in while the spool fills."""
        if isinstance(record, Reading):
            origin = record.origin
            return self.thinner.keeps((origin.venue, origin.symbol), origin.received_at)
        return not (self.thinner.full and isinstance(record, MarketSummary))

    def _under(self, series: Series) -> Slip:
        """Return the slip of a series, the same one every time while it is remembered."""
        known = self._series.get(series.id)
        if known is None:
            if len(self._series) >= SERIES_KEPT:
                self._series.clear()
            known = self._series[series.id] = slip_of_series(series)
        return known

    def _drop(self, slip: Slip) -> None:
        self._tally.dropped[slip.name] += 1
        if not self._dropping:
            self._dropping = True
            log.error("records_dropped", kind=slip.name, waiting=len(self.backlog))
