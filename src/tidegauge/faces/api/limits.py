"""How much one client may ask: buckets of allowances, and the size of what it sends."""

import math
import time
from collections.abc import Callable

MOST_NAMES = 4_096
"""Clients that are told apart; the one that asked longest ago is forgotten."""


class Buckets:
    """An allowance per name: `rate` a second, and at most `burst` saved up."""

    def __init__(
        self, *, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, name: str) -> float:
        """Take one from the allowance of `name`. Returns 0, or in how many seconds there is one."""
        now = self._now()
        left, then = self._left.pop(name, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        taken = left >= 1
        while len(self._left) >= MOST_NAMES:
            del self._left[next(iter(self._left))]
        self._left[name] = (left - 1 if taken else left, now)
        return 0.0 if taken else (1 - left) / self._rate


def retry_after(seconds: float) -> dict[str, str]:
    """Return the header that says when to come again."""
    return {"retry-after": str(max(1, math.ceil(seconds)))}
