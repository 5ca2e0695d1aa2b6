"""Keeps the garbage collector away from the books.

Levels are hundreds of thousands of objects that refer to nothing: a full collection that looks at
all of them stops the loop for a tenth of a second, and frees nothing. They are freed by their
reference counts when their book lets them go, frozen or not.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field

from tidegauge.core.instrument import SECOND, Nanos

SETTLED: Nanos = 2 * SECOND
"""How long no book was told whole before what there is is frozen."""

NOT_BEFORE: Nanos = 600 * SECOND
"""A freeze comes at most this often: a cycle that is alive at one and dies later is never collected."""


def freeze() -> None:
    """Free what is garbage of the young, and look at nothing of the rest again.

    Not of the old: that would be the very pause that this is to prevent.
    """
    gc.collect(1)
    gc.freeze()


@dataclass(slots=True)
class Freezer:
    """Freezes when snapshots have come and settled. `act` is what is done then."""

    act: Callable[[], None] = field(default=freeze)
    _seen: int = 0
    _changed_at: Nanos = 0
    _frozen_at: Nanos | None = None
    _owing: bool = False

    def look(self, snapshots: int, now: Nanos) -> bool:
        """Call about once a second with the count of snapshots so far. Returns whether it froze."""
        if snapshots != self._seen:
            self._seen, self._changed_at, self._owing = snapshots, now, True
        if not self._owing or now - self._changed_at < SETTLED:
            return False
        if self._frozen_at is not None and 0 <= now - self._frozen_at < NOT_BEFORE:
            return False
        self._frozen_at, self._owing = now, False
        self.act()
        return True
