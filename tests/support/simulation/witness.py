"""Holds the monitor to the truth: every book and every reading against the venue's own history."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

from tidegauge.core.alert import Alert
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Reading
from tidegauge.core.trust import Trust

from .market import Levels, Picture
from .reference import ReferenceVenue

MOST_TOLD = 20


class Witness:
    """Sees each applied update and each record; `wrong` says what was not true, `hash` all of it."""

    def __init__(self, venues: Mapping[str, ReferenceVenue]) -> None:
        self.venues = venues
        self.wrong: list[str] = []
        self.compared = 0
        self.readings = 0
        self.events: list[FeedEvent] = []
        self.alerts = 0
        self.kinds: Counter[str] = Counter()
        self.keepers: dict[tuple[str, str], BookKeeper] = {}
        self.applied: dict[tuple[str, str], set[int]] = {}
        self._hash = sha256()

    @property
    def hash(self) -> str:
        """A digest of every record, with its time, in order."""
        return self._hash.hexdigest()

    def updated(self, keeper: BookKeeper, now: Nanos) -> None:
        """One update was applied: the `Observer` of the feeds."""
        place = keeper.id.venue, keeper.instrument.name
        self.keepers[place] = keeper
        self.applied.setdefault(place, set()).add(keeper.sequence)
        if keeper.trust is Trust.LIVE:
            self.check(keeper, now)

    def check(self, keeper: BookKeeper, now: Nanos) -> None:
        """Compare a believed book, level by level, with what it was at its update id."""
        self.compared += 1
        true = (
            self.venues[keeper.id.venue].books[keeper.instrument.name].history.get(keeper.sequence)
        )
        if true is None:
            self._tell(now, f"{keeper.id}: update {keeper.sequence} never was")
        elif different := difference(keeper, true):
            self._tell(now, f"{keeper.id} at update {keeper.sequence}: {different}")

    def hear(self, record: object) -> None:
        """Take a record of the app: its `listener`."""
        if isinstance(record, Reading):
            self._read(record)
        elif isinstance(record, FeedEvent):
            self.events.append(record)
            self.kinds[record.kind] += 1
            self._note(record.kind, record.at, record.trace, record.instrument, record.trust)
            self._note(record.reason, record.detail)
        elif isinstance(record, Alert):
            self.alerts += 1
            self._note(record.id, record.state)

    def told(self, kind: FeedEventKind, *, venue: str | None = None) -> list[FeedEvent]:
        """The events of one kind, perhaps of one venue."""
        return [
            event
            for event in self.events
            if event.kind is kind and (venue is None or event.venue == venue)
        ]

    def _read(self, reading: Reading) -> None:
        self.readings += 1
        origin = reading.origin
        self._note(origin.trace, origin.instrument, origin.sequence, origin.received_at)
        self._note(reading.best_bid, reading.best_bid_size, reading.best_ask)
        keeper = self.keepers.get((origin.venue, origin.instrument))
        at = origin.received_at
        if keeper is None or keeper.trust is not Trust.LIVE:
            self._tell(at, f"{origin.book}: a reading of a book that is not believed")
            return
        true = self.venues[origin.venue].books[origin.instrument].history.get(origin.sequence)
        if true is None:
            self._tell(at, f"{origin.book}: a reading of update {origin.sequence}, that never was")
            return
        bid, ask = max(true.bids), min(true.asks)
        touch = (*_exact(bid, true.bids[bid]), *_exact(ask, true.asks[ask]))
        read = (reading.best_bid, reading.best_bid_size, reading.best_ask, reading.best_ask_size)
        if read != touch:
            self._tell(at, f"{origin.book} at {origin.sequence}: read {read}, true is {touch}")

    def _tell(self, now: Nanos, what: str) -> None:
        if len(self.wrong) < MOST_TOLD:
            self.wrong.append(f"{now}: {what}")

    def _note(self, *facts: object) -> None:
        self._hash.update("|".join(map(str, facts)).encode())


def difference(keeper: BookKeeper, true: Picture) -> str:
    """Return how a book differs from the reference, nothing where it does not."""
    for side, levels in ((keeper.book.bids, true.bids), (keeper.book.asks, true.asks)):
        have: Levels = {level.ticks: level.lots for level in side}
        if have != levels:
            amiss = sorted(dict(have.items() ^ levels.items()))
            return f"{side.side} differs at ticks {amiss[:5]} ({len(have)} of {len(levels)} levels)"
    return ""


def _exact(ticks: int, lots: int) -> tuple[Decimal, Decimal]:
    return Decimal(ticks).scaleb(-2), Decimal(lots).scaleb(-3)
