"""What is normal: rolling windows of one number (docs/signals.md §2).

Samples come at a fixed cadence, so that a busy feed weighs no more than a quiet one. A sample
costs O(log n) comparisons, a reading O(1): quantiles are read from an ordered list, once a sample
at most.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from ..core.instrument import Nanos
from .kept import NormalState, Samples, SharedTimes

LOW_QUANTILE, HIGH_QUANTILE = 0.159, 0.841
"""One standard deviation either side of the median, if the numbers were normal."""

SCALE = 2**40
"""Sums are kept in integers of 1/SCALE: running sums of floats would drift."""


class Quantiles(NamedTuple):
    """The median of a window, and the 15.9 % and 84.1 % quantiles."""

    low: float
    median: float
    high: float


class SortedWindow:
    """The last `size` samples, none older than `span`, kept in order."""

    __slots__ = ("_ordered", "_quantiles", "_times", "_values", "size", "span", "version")

    def __init__(self, size: int, span: Nanos) -> None:
        self.size = size
        self.span = span
        self._times: deque[Nanos] = deque()
        self._values: deque[float] = deque()
        # A plain list: at 3,600 samples moving its tail costs less than one index into a SortedList.
        self._ordered: list[float] = []
        self._quantiles: Quantiles | None = None
        self.version = 0
        """Moves whenever the samples do: who works something out from them need not do it again."""

    def __len__(self) -> int:
        return len(self._times)

    def add(self, value: float, at: Nanos) -> None:
        """Take a sample; the oldest leaves when there are too many or it is too old."""
        self._times.append(at)
        self._values.append(value)
        insort(self._ordered, value)
        self._quantiles = None
        self.version += 1
        if len(self._times) > self.size:
            self._drop()
        self.expire(at)

    def expire(self, at: Nanos) -> None:
        """Drop what is older than the span."""
        times, oldest = self._times, at - self.span
        while times and times[0] < oldest:
            self._drop()

    def resize(self, size: int, span: Nanos) -> None:
        """Hold so many from now on, and for so long; the oldest leave at once if there are too many."""
        self.size, self.span = size, span
        while len(self._times) > size:
            self._drop()
        self.version += 1

    def snapshot(self, shared: SharedTimes) -> Samples:
        """Return the samples, to be restored later."""
        return shared.keep(self._times, self._values)

    def fill(self, times: Sequence[Nanos], values: Sequence[float]) -> None:
        """Hold these samples instead, the last of them if there are too many."""
        self._times = deque(times[-self.size :])
        self._values = deque(values[-self.size :])
        self._ordered = sorted(self._values)
        self._quantiles = None
        self.version += 1

    def quantiles(self) -> Quantiles | None:
        """Return the quantiles by linear interpolation, None when the window is empty."""
        if self._quantiles is None and self._times:
            self._quantiles = Quantiles(
                self._at(LOW_QUANTILE), self._at(0.5), self._at(HIGH_QUANTILE)
            )
        return self._quantiles

    def _at(self, share: float) -> float:
        ordered = self._ordered
        position = share * (len(ordered) - 1)
        index = int(position)
        below = ordered[index]
        rest = position - index
        if not rest:
            return below
        return below + rest * (ordered[index + 1] - below)

    def _drop(self) -> None:
        self._times.popleft()
        value = self._values.popleft()
        del self._ordered[bisect_left(self._ordered, value)]
        self._quantiles = None
        self.version += 1


class MomentWindow:
    """Mean and standard deviation of the last `size` samples, for the textbook z only."""

    __slots__ = ("_queue", "_root", "_squares", "_sum", "size", "span")

    def __init__(self, size: int, span: Nanos) -> None:
        self.size = size
        self.span = span
        self._queue: deque[tuple[Nanos, int]] = deque()
        self._sum = 0
        self._squares = 0
        self._root: float | None = None
        """n times the deviation, 0 when nothing varies; None: to be worked out."""

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, value: float, at: Nanos) -> None:
        """Take a sample."""
        scaled = round(value * SCALE)
        self._queue.append((at, scaled))
        self._root = None
        self._sum += scaled
        self._squares += scaled * scaled
        if len(self._queue) > self.size:
            self._drop()
        self.expire(at)

    def expire(self, at: Nanos) -> None:
        """Drop what is older than the span."""
        queue, oldest = self._queue, at - self.span
        while queue and queue[0][0] < oldest:
            self._drop()

    def resize(self, size: int, span: Nanos) -> None:
        """Hold so many from now on, and for so long."""
        self.size, self.span = size, span
        while len(self._queue) > size:
            self._drop()

    def z(self, value: float) -> float | None:
        """Return (value - mean) / population sd, None when nothing varies."""
        n = len(self._queue)
        if self._root is None:
            self._root = sqrt(max(0, n * self._squares - self._sum * self._sum))
        if not self._root:
            return None
        return (n * round(value * SCALE) - self._sum) / self._root

    def _drop(self) -> None:
        _at, scaled = self._queue.popleft()
        self._root = None
        self._sum -= scaled
        self._squares -= scaled * scaled


class Normal:
    """The slow and the fast window of one number, and how they stand still while an alert fires.

    Frozen, neither takes samples nor expires, and the time spent frozen does not age what they
    hold: a crunch must not become the new normal. Frozen for `max_freeze`, a second slow window is
    built beside the first, to be shown, and to take its place if a person says so.
    """

    __slots__ = (
        "_away",
        "_frozen_at",
        "fast",
        "max_freeze",
        "min_samples",
        "second",
        "slow",
    )

    def __init__(
        self, *, slow: int, fast: int, cadence: Nanos, min_samples: int, max_freeze: Nanos
    ) -> None:
        self.slow = SortedWindow(slow, slow * cadence)
        self.fast = MomentWindow(fast, fast * cadence)
        self.min_samples = min_samples
        self.max_freeze = max_freeze
        self.second: SortedWindow | None = None
        self._frozen_at: Nanos | None = None
        self._away: Nanos = 0

    @property
    def ready(self) -> bool:
        """Whether there are samples enough to judge by; until then the signal is warming up.

        What was ready when it froze stays so, whatever `min_samples` becomes: it takes no more.
        """
        return self._frozen_at is not None or len(self.slow) >= self.min_samples

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def sample(self, value: float, at: Nanos) -> None:
        """Take a sample, unless frozen."""
        if self._frozen_at is None:
            self.slow.add(value, at - self._away)
            self.fast.add(value, at - self._away)
        elif at - self._frozen_at >= self.max_freeze:
            if self.second is None:
                self.second = SortedWindow(self.slow.size, self.slow.span)
            self.second.add(value, at)

    def expire(self, at: Nanos) -> None:
        """Drop what grew too old while nothing was sampled, unless frozen."""
        if self._frozen_at is None:
            self.slow.expire(at - self._away)
            self.fast.expire(at - self._away)

    def resize(
        self, *, slow: int, fast: int, cadence: Nanos, min_samples: int, max_freeze: Nanos
    ) -> None:
        """Take other sizes, and keep of the samples what they have room for."""
        self.min_samples, self.max_freeze = min_samples, max_freeze
        self.fast.resize(fast, fast * cadence)
        for window in (self.slow, self.second):
            if window is not None:
                window.resize(slow, slow * cadence)

    def snapshot(self, times: SharedTimes) -> NormalState:
        """Return all of it, to be restored later."""
        return NormalState(
            self.slow.snapshot(times),
            len(self.fast),
            None if self.second is None else self.second.snapshot(times),
            self._frozen_at,
            self._away,
        )

    def restore(self, state: NormalState, times: SharedTimes) -> None:
        """Go on from what was kept. Raises `ValueError` if it does not belong together."""
        sampled, values = times.samples(state.slow)
        self.slow.fill(sampled, values)
        recent = slice(max(0, len(values) - state.fast), None)
        for at, value in zip(sampled[recent], values[recent], strict=True):
            self.fast.add(value, at)
        if state.second is not None:
            self.second = SortedWindow(self.slow.size, self.slow.span)
            self.second.fill(*times.samples(state.second))
        self._frozen_at, self._away = state.frozen_at, state.away

    def freeze(self, at: Nanos) -> None:
        """Stand still from `at` on."""
        if self._frozen_at is None:
            self._frozen_at = at

    def thaw(self, at: Nanos) -> None:
        """Go on as if no time had passed."""
        if self._frozen_at is not None:
            self._away += at - self._frozen_at
            self._frozen_at = None
            self.second = None

    def rebase(self, at: Nanos) -> None:
        """Thaw, with the second window, or an empty one, in place of the first."""
        second = self.second
        self.thaw(at)
        self.slow = second or SortedWindow(self.slow.size, self.slow.span)
        self.fast = MomentWindow(self.fast.size, self.fast.span)
        # The second window's samples were never out of step with the clock.
        self._away = 0
