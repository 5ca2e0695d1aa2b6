"""When each book is sampled: all at the same cadence, and never too many at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tidegauge.core.instrument import SECOND, BookId, Nanos

MOST = 32
"""Books sampled at the same moment. A sample takes a tenth of a millisecond or two: a thousand of them
on end would stop the loop for longer than a market may wait."""

SET_BACK: Nanos = 60 * SECOND
"""A time so much before the next sample is one of a clock that was set back; anything less is of a venue
whose frames had to wait, while others are told the present."""

ASLEEP = 10
"""After so many periods the process was asleep: samples of a past nobody saw are not made up."""


@dataclass(slots=True)
class _Round:
    """Books that are sampled together. `at` is when next; None before time was first told."""

    phase: Nanos
    at: Nanos | None = None
    books: dict[BookId, None] = field(default_factory=dict)


class Rounds:
    """The sampling times of many books, `every` apart for each; the first `at_once` have the same."""

    def __init__(self, every: Nanos, at_once: int = MOST) -> None:
        self._every = every
        self._at_once = at_once
        self._rounds: list[_Round] = []
        self._next: Nanos | None = None

    def add(self, book: BookId) -> None:
        """Sample one more book: with a round that has room, else with a new one a period from now."""
        for known in self._rounds:
            if len(known.books) < self._at_once:
                known.books[book] = None
                return
        # Multiples of the golden ratio, so that rounds lie apart however many there are.
        phase = self._every * (len(self._rounds) * 618 % 1000) // 1000
        self._rounds.append(_Round(phase, books={book: None}))
        self._next = None

    def remove(self, book: BookId) -> None:
        """Sample a book no more."""
        for known in self._rounds:
            known.books.pop(book, None)

    def due(self, now: Nanos) -> Iterator[tuple[Nanos, tuple[BookId, ...]]]:
        """Yield the moments up to `now` in their order, each with the books sampled at it."""
        every = self._every
        back = max(2 * every, SET_BACK)
        if self._next is not None and self._next - back <= now < self._next:
            return
        for known in self._rounds:
            if known.at is None or known.at - now > back:
                # The first time, or the clock was set back: samples go on from here.
                known.at = now + every + known.phase
        while self._rounds:
            first = min(self._rounds, key=_at)
            at = self._next = _at(first)
            if at > now:
                return
            # Moved on first: whoever is told of a moment may fail at it, and must not be told again.
            first.at = at + every
            if now - first.at > ASLEEP * every:
                first.at += (now - first.at) // every * every
            yield at, tuple(first.books)


def _at(known: _Round) -> Nanos:
    assert known.at is not None, "every round was given a time"
    return known.at
