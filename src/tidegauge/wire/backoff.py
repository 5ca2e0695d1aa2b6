"""How long to wait before trying again: exponential, with full jitter.

"Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from tidegauge.core.instrument import SECOND, Nanos


class Backoff:
    """Counts failed attempts, and forgives them only after a healthy minute.

    A connection that is accepted and dropped at once is no success: were its attempts forgiven on
    opening, a venue in trouble would be hammered at the shortest wait.
    """

    __slots__ = ("attempts", "base", "cap", "forgiven_after", "opened_at")

    def __init__(self, base: Nanos, cap: Nanos, *, forgiven_after: Nanos = 60 * SECOND) -> None:
        if not 0 < base <= cap:
            raise ValueError("a backoff needs 0 < base <= cap")
        self.base = base
        self.cap = cap
        self.forgiven_after = forgiven_after
        self.attempts = 0
        self.opened_at: Nanos | None = None

    def opened(self, now: Nanos) -> None:
        """What was attempted works since `now`."""
        self.opened_at = now

    def wait(self, now: Nanos, chance: float) -> Nanos:
        """It failed or ended: how long to wait. `chance` is a random number from 0 to 1."""
        if self.opened_at is not None and now - self.opened_at >= self.forgiven_after:
            self.attempts = 0
        self.opened_at = None
        # The shift is bounded so that a long outage builds no huge integer.
        ceiling = min(self.cap, self.base << min(self.attempts, 40))
        self.attempts += 1
        return int(ceiling * chance)
