"""Binance's own word on its best prices, held against a book after each of its updates."""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from tests.support.recordings import book_tickers

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.wire.tape import TapeLine

Touch: TypeAlias = tuple[Decimal, Decimal, Decimal, Decimal]
"""Best bid and its size, best ask and its size."""


class TouchOracle:
    """Compares a book with the last bookTicker up to the book's update id.

    An instance is an `Observer`: give it to an `App`, a `VenueFeed` or a replay. The snapshot that
    starts a book is no update, and is not counted. Nor is what came after the last bookTicker of
    the recording: the next one, which the recorder did not wait for, may tell of it already.
    """

    def __init__(self, lines: Iterable[TapeLine]) -> None:
        told = sorted(book_tickers(iter(lines)))
        self._ids = [update for update, _ in told]
        self._texts = [texts for _, texts in told]
        self.equal = self.crossed = 0
        self.different: list[str] = []

    def touch_at(self, update: int) -> Touch | None:
        """Return the touch after the update with that id, None where the recording cannot tell."""
        if not self._ids or not self._ids[0] <= update <= self._ids[-1]:
            return None
        bid, bid_size, ask, ask_size = self._texts[bisect_right(self._ids, update) - 1]
        return Decimal(bid), Decimal(bid_size), Decimal(ask), Decimal(ask_size)

    def __call__(self, keeper: BookKeeper, now: Nanos) -> None:
        """Take note of one applied update."""
        self.crossed += keeper.book.crossed
        true = self.touch_at(keeper.sequence)
        if keeper.updates == 1 or true is None:
            return
        ours = touch_of(keeper.book)
        if ours == true:
            self.equal += 1
        else:
            self.different.append(f"after {keeper.sequence}: ours {ours}, the venue's {true}")


def touch_of(book: OrderBook) -> Touch | None:
    """Return a book's best prices and sizes, None when a side is empty."""
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return None
    return Decimal(bid), book.size(bid), Decimal(ask), book.size(ask)
