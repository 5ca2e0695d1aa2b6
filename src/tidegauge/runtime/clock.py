"""This machine's clock, as the monitor reads it."""

import time

from tidegauge.core.instrument import Nanos


class MachineClock:
    """A `world.Clock` over the machine's own clocks."""

    def now(self) -> Nanos:
        """UTC in nanoseconds since 1970."""
        return time.time_ns()

    def steady(self) -> Nanos:
        """A monotonic time of no particular origin."""
        return time.monotonic_ns()
