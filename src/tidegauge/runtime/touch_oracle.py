"""A book held against the venue's own stream of best bid and ask, update by update.

After update `u` the best prices and sizes must be those of the last touch told with an id up to `u`.
Touches may be told before or after the update; nothing is compared beyond the last of them, since
the next one might already have told of it. Memory is bounded, however long the tape.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tidegauge.core.book import OrderBook
from tidegauge.core.events import BookDelta, BookTouch

Level: TypeAlias = tuple[Decimal, Decimal] | None
Sides: TypeAlias = tuple[Level, Level]
"""Best bid and best ask, each with its size."""

MOST_HELD = 100_000
"""Touches kept while no update comes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a tape is not what it should be."""

    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class _Update:
    """The touch after an update, and the prices a side that the update spoke of."""

    id: int
    since: int
    sides: Sides
    spoken: tuple[frozenset[str], frozenset[str]]
    place: str


class TouchOracle:
    """Counts the updates of one book that were `compared` with the venue's word, and were `equal`.

    `untold` of those that were not are no fault of the book: the venue's stream left out a change
    of the touch. That is so where the last touch told lies inside the update's range of ids, the
    update does not speak of its price (it would, had that level lasted), and the very next
    comparison is equal again. Any other is `first`.
    """

    def __init__(self) -> None:
        self.compared = self.equal = self.untold = 0
        self.first: Difference | None = None
        self._told: deque[tuple[int, Sides]] = deque(maxlen=MOST_HELD)
        self._waiting: deque[_Update] = deque(maxlen=MOST_HELD)
        self._suspect: Difference | None = None
        self._before = 0

    def told(self, touch: BookTouch) -> None:
        """The venue said what the best bid and ask are."""
        if self._told and touch.sequence <= self._told[-1][0]:
            return
        while self._waiting and self._waiting[0].id < touch.sequence:
            update = self._waiting.popleft()
            if self._told:
                self._judge(update, *self._told[-1])
        self._told.append((touch.sequence, (_level(touch.bid), _level(touch.ask))))
        while self._waiting and self._waiting[0].id == touch.sequence:
            self._judge(self._waiting.popleft(), *self._told[-1])

    def applied(self, book: OrderBook, update: BookDelta, place: str) -> None:
        """The book followed an update."""
        since, self._before = self._before, update.sequence
        if self._told and update.sequence < self._told[0][0]:
            return
        spoken = (
            frozenset(level[0] for level in update.bids),
            frozenset(level[0] for level in update.asks),
        )
        applied = _Update(update.sequence, since, sides_of(book), spoken, place)
        if not self._told or update.sequence > self._told[-1][0]:
            self._waiting.append(applied)
            return
        while len(self._told) > 1 and self._told[1][0] <= update.sequence:
            self._told.popleft()
        self._judge(applied, *self._told[0])

    def finish(self) -> None:
        """The tape is over: what nothing took back stays a difference."""
        self._confirm()

    def _judge(self, update: _Update, told_at: int, told: Sides) -> None:
        self.compared += 1
        if update.sides == told:
            self.equal += 1
            self.untold += self._suspect is not None
            self._suspect = None
            return
        self._confirm()
        self._suspect = Difference(
            f"{update.place}, after update {update.id}",
            f"the best bid and ask that the venue told at {told_at}, {_words(told)}",
            _words(update.sides),
        )
        if not update.since < told_at < update.id or _speaks_of(update, told):
            self._confirm()

    def _confirm(self) -> None:
        self.first = self.first or self._suspect
        self._suspect = None


def sides_of(book: OrderBook) -> Sides:
    """Return a book's best prices and sizes."""
    bid, ask = book.best_bid, book.best_ask
    return (
        None if bid is None else (Decimal(bid), book.size(bid)),
        None if ask is None else (Decimal(ask), book.size(ask)),
    )


def _speaks_of(update: _Update, told: Sides) -> bool:
    """Whether the update says something of a price at which the two differ."""
    return any(
        ours != theirs
        and theirs is not None
        and any(Decimal(price) == theirs[0] for price in spoken)
        for ours, theirs, spoken in zip(update.sides, told, update.spoken, strict=True)
    )


def _level(level: tuple[str, str] | None) -> Level:
    return None if level is None else (Decimal(level[0]), Decimal(level[1]))


def _words(sides: Sides) -> str:
    return " / ".join(
        "nothing" if level is None else f"{level[1].normalize():f} at {level[0].normalize():f}"
        for level in sides
    )
