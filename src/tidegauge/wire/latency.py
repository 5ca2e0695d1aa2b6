"""How late frames are, and by how much a venue's clock differs from ours.

A venue's clock and ours differ by an unknown offset, so receive time minus venue time is no
latency. Its smallest value in a window is offset plus the shortest path; what exceeds that is delay
(the minimum filter of clock synchronisation, RFC 5905 section 10).
"""

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos

WINDOW: Nanos = 600 * SECOND
STEP: Nanos = 500 * MILLISECOND
"""An offset that moves by more is a step of a clock, and told."""

STEP_SPAN: Nanos = 10 * SECOND
STEP_SPANS = 3
"""When the smallest of this many spans in a row all lie a step above the window's, it has moved."""

SLOWEST_PATH: Nanos = 5 * SECOND
"""No frame takes longer at its fastest: the clocks disagree."""

ENOUGH_OF_A_SPAN, ENOUGH = 5, 20
"""Frames to judge by: fewer may all tell of something old, such as a quiet book's last change."""


class LatencyFilter:
    """Keeps the smallest raw difference of the last one to two half windows.

    `offset` is that difference: how far the venue's clock is behind ours, the shortest path
    included; negative when it is ahead. A venue's clock that is set forward is followed at once,
    one that is set back within a minute.
    """

    __slots__ = (
        "_current",
        "_half",
        "_previous",
        "_span_at",
        "_span_frames",
        "_span_least",
        "_spans",
        "_told",
        "_turned_at",
        "clock_fault",
        "frames",
        "offset",
    )

    def __init__(self, window: Nanos = WINDOW) -> None:
        self._half = window // 2
        self._turned_at: Nanos | None = None
        self._current: Nanos | None = None
        self._previous: Nanos | None = None
        self._span_at: Nanos = 0
        self._span_least: Nanos | None = None
        self._span_frames = 0
        self._spans: list[Nanos] = []
        self._told: Nanos | None = None
        self.offset: Nanos | None = None
        self.frames = 0
        self.clock_fault = False

    def excess(self, venue_time: Nanos, received_at: Nanos) -> Nanos:
        """Return how much later than the fastest recent frame this one came, in nanoseconds.

        A frame that seems to arrive before it was sent sets `clock_fault`: the clocks disagree,
        and no latency is negative.
        """
        raw = received_at - venue_time
        self.clock_fault = raw < 0
        self.frames += 1
        if self._turned_at is None or not 0 <= received_at - self._turned_at <= self._half:
            self._previous, self._current = self._current, None
            self._turned_at = received_at
        if self._current is None or raw < self._current:
            self._current = raw
        smallest = self._current if self._previous is None else min(self._current, self._previous)
        smallest = self._stepped(raw, smallest, received_at)
        self.offset = smallest
        return raw - smallest

    def _stepped(self, raw: Nanos, smallest: Nanos, now: Nanos) -> Nanos:
        """Return the smallest difference, begun afresh if even the fastest frames left it behind."""
        least = self._span_least
        if least is None or not 0 <= now - self._span_at < STEP_SPAN:
            if least is not None and self._span_frames >= ENOUGH_OF_A_SPAN:
                self._spans = [*self._spans[1 - STEP_SPANS :], least]
            self._span_at, self._span_least, self._span_frames = now, raw, 1
            if len(self._spans) == STEP_SPANS and min(self._spans) - smallest > STEP:
                self._previous, self._current = None, min(*self._spans, raw)
                return self._current
        else:
            self._span_least, self._span_frames = min(least, raw), self._span_frames + 1
        return smallest

    def fault(self) -> str | None:
        """Say what is wrong with the clocks, when that is news: None otherwise.

        News is a fault that begins, one whose size has changed by more than half a second, and one
        that has ended.
        """
        offset = self.offset
        if offset is None:
            return None
        ahead, behind = offset < 0, offset > SLOWEST_PATH and self.frames >= ENOUGH
        if not ahead and not behind:
            if self._told is None or abs(offset - self._told) <= STEP:
                return None
            self._told = None
            return "the venue's clock agrees with ours again"
        if self._told is not None and abs(offset - self._told) <= STEP:
            return None
        self._told = offset
        by = f"{abs(offset) / SECOND:.2f} s"
        if abs(offset) < SECOND // 10:
            by = f"{abs(offset) / MILLISECOND:.2f} ms"
        if ahead:
            return f"the venue's clock is {by} ahead of ours"
        return f"the venue's clock is {by} behind ours, or every frame is that late"
