"""Whether a second feed's books are as good as those of the feed it is to replace."""

from tidegauge.core.events import MarketEvent, Trade
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust

from .feed import VenueFeed

WAITED_FOR: Nanos = 10 * SECOND
"""How long a book that nobody believed before holds up the others."""

COMPARED = 20
"""Levels a side that are compared at the same update."""


class Handover:
    """Compares the books of two feeds as both follow the same market.

    Two sockets lag each other: at one instant their books need not be equal. Books at the same
    update are; else it is enough that the touch was equal, price and size, at some moment.
    """

    def __init__(self, old: VenueFeed, new: VenueFeed, why: str, now: Nanos) -> None:
        self.why = why
        self.since = now
        self.retired: str | None = None
        """Set when the venue has announced the end of the new feed's link, too."""
        self._old = old.keepers
        self._new = new.keepers
        self._unequal = {name for name in new.keepers if name in old.keepers}
        self._told: set[tuple[str, str]] = set()

    def compare(self, name: str) -> None:
        """This book has changed, on either side."""
        if name in self._unequal:
            old, new = self._old[name], self._new[name]
            if new.trust is Trust.LIVE and old.trust is Trust.LIVE and _equal(old, new):
                self._unequal.discard(name)

    def compare_all(self) -> None:
        """Time has passed: what neither side told of may have become equal."""
        for name in list(self._unequal):
            self.compare(name)

    @property
    def all_equal(self) -> bool:
        """Whether every book was equal at some moment."""
        return not self._unequal

    def done(self, now: Nanos) -> bool:
        """Whether every book that was believed is believed, and was equal to the old one."""
        patient = now - self.since < WAITED_FOR
        return all(self._ready(name, patient=patient) for name in self._new)

    def missing(self) -> str:
        """Say which books are not ready."""
        names = [name for name in self._new if not self._ready(name, patient=False)]
        return f"{len(names)} books did not become equal: {', '.join(names[:5])}"

    def first_told(self, event: MarketEvent, *, serves: bool) -> bool:
        """Whether something beside the book is told for the first time, by either feed.

        Only trades have ids. Of the rest, the feed in service is heard.
        """
        if not isinstance(event, Trade):
            return serves
        key = event.instrument, event.id
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def _ready(self, name: str, *, patient: bool) -> bool:
        old, new = self._old.get(name), self._new[name]
        if old is not None and old.trust is Trust.LIVE:
            if new.trust is not Trust.LIVE:
                # It was lost again: what was equal before proves nothing.
                self._unequal.add(name)
            return new.trust is Trust.LIVE and name not in self._unequal
        if new.trust in (Trust.LIVE, Trust.UNTRUSTED):
            return True
        return not patient and new.epoch > 0


def _equal(old: BookKeeper, new: BookKeeper) -> bool:
    # A venue without numbers has 0 on every update: then nothing says that these are the same.
    depth = COMPARED if old.sequence == new.sequence != 0 else 1
    return all(old.book.top(side, depth) == new.book.top(side, depth) for side in Side)
