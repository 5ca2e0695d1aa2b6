"""A dense book that drifts, for what must stay right while it does."""

from collections.abc import Iterator
from random import Random

from tidegauge.core.book import OrderBook
from tidegauge.core.exact import from_units
from tidegauge.core.side import Side

Text = tuple[str, str]


class Drifting:
    """A dense book about a mid that walks; levels come, go and change at any depth."""

    def __init__(self, seed: int, *, mid: int, levels: int, spread: int, step: int) -> None:
        self.random = Random(seed)
        self.mid, self.levels, self.spread, self.step = mid, levels, spread, step
        self.book = OrderBook(price_scale=1, size_scale=3)
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for side in (0, 1):
            for _ in range(levels):
                self.sides[side][self.price(side)] = self.random.randint(1, 9_000)
        self.book.apply_snapshot(*(self.wire(side) for side in self.sides), limit=levels)

    def price(self, side: int) -> int:
        away = int(self.random.expovariate(1 / self.spread)) + 1
        return max(1, self.mid - away) if side == 0 else self.mid + away

    @staticmethod
    def wire(levels: dict[int, int]) -> list[Text]:
        return [
            (str(from_units(ticks, 1)), str(from_units(lots, 3))) for ticks, lots in levels.items()
        ]

    def changes(self) -> Iterator[dict[int, int]]:
        """Draw what changes on each side, once the mid has moved."""
        self.mid = max(50, self.mid + self.random.randint(-self.step, self.step))
        for side, held in enumerate(self.sides):
            told = {self.price(side): self.random.choice((0, 5, 8_000)) for _ in range(12)}
            # Nothing may stand where the mid has moved to.
            told |= {t: 0 for t in held if (t >= self.mid if side == 0 else t <= self.mid)}
            for ticks, lots in told.items():
                held[ticks] = lots
            for ticks in [ticks for ticks, lots in held.items() if not lots]:
                del held[ticks]
            yield told

    @staticmethod
    def again(book: OrderBook) -> OrderBook:
        """Return a book of the same levels, known as far, and without a past."""
        copy = book.blank()
        sides = [[(str(p), str(s)) for p, s in book.top(side, 10**6)] for side in Side]
        copy.apply_snapshot(sides[0], sides[1])
        copy.known_bid, copy.known_ask = book.known_bid, book.known_ask
        return copy

    def move(self) -> None:
        bids, asks = self.changes()
        self.book.apply_delta(self.wire(bids), self.wire(asks))
