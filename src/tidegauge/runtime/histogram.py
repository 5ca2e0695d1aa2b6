"""How long something takes, counted in fixed buckets: cheap enough to be asked of every frame."""

from bisect import bisect_left
from itertools import accumulate

from tidegauge.core.instrument import SECOND, Nanos

from .window.across import ShownHistogram

BOUNDS_S = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005),
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
"""From a frame that is read at once to a monitor that has fallen behind by seconds."""

BOUNDS: tuple[Nanos, ...] = tuple(round(bound * SECOND) for bound in BOUNDS_S)


class Histogram:
    """Counts spans since the start. Whole nanoseconds, so that nothing is rounded however many there are."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum: Nanos = 0

    def observe(self, span: Nanos) -> None:
        """Count one span; it belongs to the first bucket whose bound it does not exceed."""
        self._counts[bisect_left(BOUNDS, span)] += 1
        self._sum += span

    def snapshot(self) -> ShownHistogram:
        """Return the counts as they stand."""
        *counts, count = accumulate(self._counts)
        return ShownHistogram(
            bounds=BOUNDS_S, counts=tuple(counts), count=count, sum=self._sum / SECOND
        )
