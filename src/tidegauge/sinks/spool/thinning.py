"""What gives way when the spool fills. Pure: time is an argument.

Up to 3/4 of the bound everything goes in. From there a book's readings thin out to one every 10 s,
from 9/10 to one a minute, and when it is full none goes in. Nothing else is ever given up.
"""

from collections.abc import Hashable

from tidegauge.core.instrument import SECOND, Nanos

STEPS: tuple[tuple[float, Nanos | None], ...] = (
    (1.0, None),
    (0.9, 60 * SECOND),
    (0.75, 10 * SECOND),
)
"""From which share of the bound, and the time between two readings of a book; None: no reading."""


class Thinner:
    """Decides, reading by reading, what still goes in."""

    __slots__ = ("_kept", "every", "level")

    def __init__(self) -> None:
        self.level = 0
        self.every: Nanos | None = 0
        self._kept: dict[Hashable, Nanos] = {}

    def look(self, filled: float) -> bool:
        """Take note of how full the spool is, as a share of its bound. Returns whether it matters:
        whether another step is reached."""
        level, every = 0, 0
        for place, (share, least) in enumerate(STEPS):
            if filled >= share:
                level, every = len(STEPS) - place, least  # type: ignore[assignment]
                break
        changed = level != self.level
        self.level, self.every = level, every
        if level == 0:
            self._kept.clear()
        return changed

    def keeps(self, book: Hashable, at: Nanos) -> bool:
        """Return whether a book's reading of `at` goes in."""
        if self.every is None:
            return False
        last = self._kept.get(book)
        if last is not None and 0 <= at - last < self.every:
            return False
        self._kept[book] = at
        return True

    def told(self) -> str:
        """Say, for the record, what is done now."""
        if self.level == 0:
            return "every reading is kept again"
        if self.every is None:
            return "no reading is kept until there is room"
        return f"one reading a book every {self.every // SECOND} s is kept"
