"""What a venue allows us within a span of time, and how much of it is left. Pure arithmetic."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos

from .protocol import Purpose, Rate

RESERVE = 0.5
"""The share of our weight that is kept for the snapshots of books that nobody can read."""

BAN: dict[int, Nanos] = {418: 120 * SECOND, 429: 60 * SECOND, 403: 300 * SECOND}
"""How long to leave a host alone that answered so and named no time."""


def slot_wait(taken: Sequence[Nanos], rate: Rate, now: Nanos) -> Nanos:
    """Return how long until one more fits into any span of the rate; 0: now. `taken` rises."""
    within = [at for at in taken if now - at < rate.per]
    if len(within) < rate.count:
        return 0
    return within[len(within) - rate.count] + rate.per - now


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """REST weight within a rate's span: what we used ourselves, and what the venue says is used."""

    own: int
    reported: int = 0

    @property
    def used(self) -> int:
        """The larger: others may share our address, and a report may be old."""
        return max(self.own, self.reported)


def affordable(weight: int, used: int, limit: int, purpose: Purpose) -> bool:
    """Whether a request may be made. Snapshots may use all of `limit`, all else leaves a reserve.

    A request that is heavier than the whole limit is made when nothing else was.
    """
    allowed = limit if purpose is Purpose.SNAPSHOT else int(limit * (1 - RESERVE))
    return used + weight <= allowed or used == 0


def banned_until(status: int, retry_after: float | None, now: Nanos) -> Nanos | None:
    """Return until when a host that answered so is to be left alone; None: it is not."""
    if status not in BAN:
        return None
    return now + (BAN[status] if retry_after is None else int(retry_after * SECOND))


class Pacer:
    """Keeps what one connection sends within a rate."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._sent: deque[Nanos] = deque(maxlen=None if rate is None else rate.count)

    def wait(self, now: Nanos) -> Nanos:
        """Return how long until the next one may be sent; 0: now."""
        if self._rate is None or len(self._sent) < self._rate.count:
            return 0
        return max(0, self._sent[0] + self._rate.per - now)

    def sent(self, now: Nanos) -> None:
        """One was sent."""
        if self._rate is not None:
            self._sent.append(now)
