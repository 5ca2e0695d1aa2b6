"""How late frames are, with the two clocks' offset taken out.

A venue's clock and ours differ by an unknown offset, so receive time minus venue time is no
latency. Its smallest value in a window is offset plus the shortest path; what exceeds that is delay
(the minimum filter of clock synchronisation, RFC 5905 section 10).
"""

from tidegauge.core.instrument import SECOND, Nanos

WINDOW: Nanos = 600 * SECOND


class LatencyFilter:
    """Keeps the smallest raw difference of the last one to two half windows."""

    __slots__ = ("_current", "_half", "_previous", "_turned_at", "clock_fault")

    def __init__(self, window: Nanos = WINDOW) -> None:
        self._half = window // 2
        self._turned_at: Nanos | None = None
        self._current: Nanos | None = None
        self._previous: Nanos | None = None
        self.clock_fault = False

    def excess(self, venue_time: Nanos, received_at: Nanos) -> Nanos:
        """Return how much later than the fastest recent frame this one came, in nanoseconds.

        A frame that seems to arrive before it was sent sets `clock_fault`: the clocks disagree,
        and no latency is negative.
        """
        raw = received_at - venue_time
        self.clock_fault = raw < 0
        if self._turned_at is None or received_at - self._turned_at > self._half:
            self._previous, self._current = self._current, None
            self._turned_at = received_at
        if self._current is None or raw < self._current:
            self._current = raw
        smallest = self._current if self._previous is None else min(self._current, self._previous)
        return raw - smallest
