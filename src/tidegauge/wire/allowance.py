"""What a venue allows us within a span of time, and how much of it is left. Pure arithmetic."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegauge.core.instrument import SECOND, Nanos

from .protocol import Purpose, Rate

RESERVE = 0.5
"""The share of our weight that is kept for the snapshots of books that nobody can read."""

BAN: dict[int, Nanos] = {418: 120 * SECOND, 429: 60 * SECOND, 403: 300 * SECOND}
"""How long to leave a host alone that answered so and named no time."""

LONGEST_BAN: Nanos = 3 * 86_400 * SECOND
"""Binance spot, "Limits": repeat offenders are banned for up to three days."""

CLOCKS_APART: Nanos = 60 * SECOND
"""A ban that was noted so much later than now was noted by a clock that is wrong."""


def slot_wait(taken: Sequence[Nanos], rate: Rate, now: Nanos) -> Nanos:
    """Return how long until one more fits into any span of the rate; 0: now. `taken` rises."""
    within = [at for at in taken if now - at < rate.per]
    if len(within) < rate.count:
        return 0
    return within[len(within) - rate.count] + rate.per - now


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


@dataclass(slots=True, kw_only=True)
class Account:
    """What we have taken of one host's allowance. Times are UTC, shared by all our processes.

    `weights` are (second, weight used in it); `reported` is what the host said at `reported_at` to
    be used of its minute, by whoever shares our address. The ban until `banned_until` was noted at
    `banned_at`.
    """

    connects: list[Nanos] = field(default_factory=list)
    weights: list[tuple[Nanos, int]] = field(default_factory=list)
    reported: int = 0
    reported_at: Nanos = 0
    banned_at: Nanos = 0
    banned_until: Nanos = 0

    def ban(self, until: Nanos, now: Nanos) -> None:
        """Leave the host alone; a shorter ban shortens no longer one."""
        if until - now > self.ban_left(now):
            self.banned_at, self.banned_until = now, until

    def ban_left(self, now: Nanos) -> Nanos:
        """Return how much longer the host is to be left alone."""
        # A file that was written by a clock far ahead must not shut us out for good.
        noted_later = self.banned_at - now > CLOCKS_APART
        if noted_later or self.banned_until - self.banned_at > LONGEST_BAN:
            return 0
        return max(0, self.banned_until - now)

    def connect(self, rate: Rate, now: Nanos) -> Nanos:
        """Take a slot to connect, and return 0; or return how long to wait for one."""
        self.connects = [at for at in self.connects if abs(now - at) < rate.per]
        wait = max(self.ban_left(now), slot_wait(self.connects, rate, now))
        if wait == 0:
            self.connects.append(now)
        return wait

    def spend(self, weight: int, purpose: Purpose, allowed: Rate | None, now: Nanos) -> Nanos:
        """Take weight for a request, and return 0; or return how long to wait for it."""
        if left := self.ban_left(now):
            return left
        if allowed is None:
            return 0
        self.weights = [each for each in self.weights if abs(now - each[0]) < allowed.per]
        if not affordable(weight, self.used(allowed, now), allowed.count, purpose):
            oldest = self.weights[0][0] + allowed.per - now if self.weights else 0
            return max(SECOND, oldest)
        second = now // SECOND * SECOND
        if self.weights and self.weights[-1][0] == second:
            weight += self.weights.pop()[1]
        self.weights.append((second, weight))
        return 0

    def used(self, allowed: Rate, now: Nanos) -> int:
        """Return the weight used: the larger of what we know and of what the host last said."""
        own = sum(weight for at, weight in self.weights if abs(now - at) < allowed.per)
        current = self.reported_at // allowed.per == now // allowed.per
        return max(own, self.reported) if current else own

    def report(self, used: int, now: Nanos) -> None:
        """The host told how much of this minute's weight is used."""
        self.reported, self.reported_at = used, now


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
