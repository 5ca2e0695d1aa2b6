"""How long a book may say nothing before it is doubted, learned from the book itself.

A quiet market is not a dead one. The limit is three times the gap that one update in a thousand
exceeds, of the last one to two hours; a probe that finds the book unchanged stretches the patience.
"""

from collections import Counter

from tidegauge.core.instrument import HOUR, SECOND, Nanos

LEAST_LIMIT: Nanos = 5 * SECOND
LONGEST_PATIENCE: Nanos = 300 * SECOND
"""A book that was found unchanged is probed again after at most this long, or its own limit."""

TIMES = 3
RARE = 1_000
"""One gap in so many is beyond the quantile that the limit is a multiple of."""

ENOUGH_GAPS = 1_000
"""Fewer gaps tell nothing of a quantile of one in a thousand."""

HALF_WINDOW: Nanos = HOUR
LEARN_EVERY: Nanos = 30 * SECOND
FINENESS = 3
"""Bits of a gap below its highest that are told apart: buckets of an eighth of an octave."""


class Silence:
    """One book's gaps between words, and how long the present one may last.

    `given` is the venue's limit for as long as too few gaps are known; None: this venue's silences
    mean nothing, and are not watched. Where nothing can be asked (`probed` false) a mistake costs
    the book: the limit then stays clear of the longest gap that was seen, too.
    """

    __slots__ = (
        "_confirmed_at",
        "_current",
        "_given",
        "_learned",
        "_learned_at",
        "_previous",
        "_probed",
        "_turned_at",
        "_word_at",
    )

    def __init__(self, given: Nanos | None, *, probed: bool = True) -> None:
        self._given = given
        self._probed = probed
        self._current: Counter[int] = Counter()
        self._previous: Counter[int] = Counter()
        self._turned_at: Nanos | None = None
        self._learned: Nanos | None = None
        self._learned_at: Nanos | None = None
        self._word_at: Nanos | None = None
        self._confirmed_at: Nanos | None = None

    def heard(self, now: Nanos) -> None:
        """The venue told of this book, which is live."""
        if self._word_at is not None and now >= self._word_at:
            self._current[_bucket(now - self._word_at)] += 1
        self._word_at = now
        self._confirmed_at = None

    def begin(self, now: Nanos) -> None:
        """The book has just become live: the time before is no gap of the market's."""
        self._word_at, self._confirmed_at = now, None

    def gaps(self) -> tuple[tuple[Counter[int], Counter[int]], Nanos | None]:
        """Return a copy of the gaps of this half window and the one before, and when it began."""
        return (self._current.copy(), self._previous.copy()), self._turned_at

    def learn_from(self, other: "Silence") -> None:
        """Take over the gaps that another connection saw of this book. Its last word is not ours:
        it may be from before an outage, which is no gap of the market's."""
        gaps, turned_at = other.gaps()
        (self._current, self._previous), self._turned_at = gaps, turned_at
        self._learned_at = None

    def confirmed(self, now: Nanos) -> None:
        """A probe found the book as it is: the market is quiet, and the stream has missed nothing."""
        if self._word_at is not None:
            self._confirmed_at = now

    def silent_for(self, now: Nanos) -> Nanos:
        """Return how long nothing vouched for the book."""
        since = self._word_at if self._confirmed_at is None else self._confirmed_at
        return 0 if since is None else max(0, now - since)

    def limit(self, now: Nanos) -> Nanos | None:
        """Return how long the book may be silent, learned or given. None: it is not watched."""
        if self._given is None:
            return None
        if self._learned_at is None or not 0 <= now - self._learned_at < LEARN_EVERY:
            self._learned_at = now
            self._turn(now)
            self._learned = self._learn()
        return self._given if self._learned is None else self._learned

    def patience(self, now: Nanos) -> Nanos | None:
        """Return how long nothing may vouch for the book now: the limit, or more once probed.

        Each probe that finds nothing new doubles it, so that a market that sleeps is left alone.
        """
        limit = self.limit(now)
        if limit is None or self._confirmed_at is None or self._word_at is None:
            return limit
        return max(limit, min(self._confirmed_at - self._word_at, LONGEST_PATIENCE))

    def _turn(self, now: Nanos) -> None:
        """Forget what is older than two half windows."""
        if self._turned_at is None or now < self._turned_at:
            self._turned_at = now
        elif now - self._turned_at >= HALF_WINDOW and self._current.total() >= ENOUGH_GAPS:
            # Not sooner: the gaps of a market that sleeps would be too few to say anything.
            self._previous, self._current = self._current, Counter()
            self._turned_at = now

    def _learn(self) -> Nanos | None:
        gaps = self._current + self._previous
        total = gaps.total()
        if total < ENOUGH_GAPS:
            return None
        beyond = 0
        buckets = sorted(gaps, reverse=True)
        quantile = buckets[0]
        for bucket in buckets:
            quantile = bucket
            beyond += gaps[bucket]
            if beyond * RARE > total:
                break
        limit = max(LEAST_LIMIT, TIMES * _upper_edge(quantile))
        return limit if self._probed else max(limit, _upper_edge(buckets[0]) * 3 // 2)


def _bucket(gap: Nanos) -> int:
    """Return the number of the bucket that holds `gap`; it grows with the gap."""
    shift = max(0, gap.bit_length() - 1 - FINENESS)
    return (shift << (FINENESS + 1)) + (gap >> shift)


def _upper_edge(bucket: int) -> Nanos:
    """Return the least gap that is beyond the bucket."""
    shift = bucket >> (FINENESS + 1)
    return ((bucket & ((1 << (FINENESS + 1)) - 1)) + 1) << shift
