"""What gives way when the spool fills. Pure: time is an argument.

Up to 3/4 of the bound everything goes in. From there a book's readings thin out to one every 10 s,
from 9/10 to one a minute, and when it is full none goes in, nor what was told beside the books
(`market`). Nothing else is ever given up. A step
is taken back when the spool holds 1/20 of the bound less than what led to it.
"""

from collections.abc import Hashable

from tidegauge.core.instrument import SECOND, Nanos

STEPS: tuple[tuple[float, Nanos | None], ...] = (
    (0.75, 10 * SECOND),
    (0.9, 60 * SECOND),
    (1.0, None),
)
"""From which share of the bound, and the time between two readings of a book; None: no reading."""

BACK = 0.05
"""How much less than that takes a step back: a spool that hovers there would tell of it for ever."""


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
        reached = sum(filled >= share for share, _every in STEPS)
        held = sum(filled >= share - BACK for share, _every in STEPS)
        level = min(max(self.level, reached), held)
        changed = level != self.level
        self.level = level
        self.every = STEPS[level - 1][1] if level else 0
        if not level:
            self._kept.clear()
        return changed

    @property
    def full(self) -> bool:
        """Whether there is room only for what is never given up."""
        return self.every is None

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
