"""UTC that never goes back and never leaps, whatever is done to the machine's clock.

The machine's wall clock is read once at the start; from then on time is what a monotonic clock
counts, a little faster or slower for as long as it differs from the wall clock (as adjtime does,
RFC 5905 section 12). A wall clock that was set is an event to tell of, not a moment in the market.
"""

import time
from collections.abc import Callable

from tidegauge.core.instrument import SECOND, Nanos

STEP: Nanos = SECOND // 4
"""A wall clock that moved by more between two looks, beyond what passed, was set."""

BILLION = 1_000_000_000
GENTLE, FIRM = 500_000, 50_000_000
"""The most that time is bent, in parts per billion: usually, and while a step is worked off."""

IN_STEP: Nanos = SECOND // 100
"""Nearer than this to the wall clock, a step is worked off."""

WITHIN_S = 10
"""Over how many seconds a small difference is evened out."""


class Slew:
    """Time bent towards a wall clock. Pure: every reading is an argument.

    `bend` is by how much time runs faster now, in parts per billion.
    """

    def __init__(self, wall: Nanos, steady: Nanos) -> None:
        self.bend = 0
        self._firmly = False
        self._utc, self._since = wall, steady
        self._offset = wall - steady
        self._latest = wall

    def now(self, steady: Nanos) -> Nanos:
        """UTC at a reading of the monotonic clock; never less than it ever was."""
        passed = steady - self._since
        self._latest = max(self._latest, self._utc + passed + passed * self.bend // BILLION)
        return self._latest

    def look(self, wall: Nanos, steady: Nanos) -> Nanos | None:
        """Compare with the wall clock. Returns by how much it was set since the last look, if it was."""
        self._utc, self._since = self.now(steady), steady
        moved, self._offset = wall - steady - self._offset, wall - steady
        behind = wall - self._utc
        if abs(behind) > STEP:
            self._firmly = True
        elif abs(behind) < IN_STEP:
            self._firmly = False
        most = FIRM if self._firmly else GENTLE
        self.bend = max(-most, min(most, behind // WITHIN_S))
        return moved if abs(moved) > STEP else None


def machine_steady() -> Nanos:
    """Read a clock that nobody sets. Where there is one, it counts while the machine sleeps, too."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)


class SlewedClock:
    """A `world.Clock`. `look` is to be called about once a second."""

    def __init__(
        self,
        wall: Callable[[], Nanos] = time.time_ns,
        steady: Callable[[], Nanos] = machine_steady,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._slew = Slew(wall(), steady())

    def now(self) -> Nanos:
        """UTC in nanoseconds since 1970."""
        return self._slew.now(self._steady())

    def steady(self) -> Nanos:
        """A monotonic time of no particular origin."""
        return self._steady()

    def look(self) -> Nanos | None:
        """Look at the wall clock. Returns by how much it was set since the last look, if it was."""
        return self._slew.look(self._wall(), self._steady())

    def behind(self) -> Nanos:
        """How far the wall clock is ahead of this one."""
        return self._wall() - self.now()
