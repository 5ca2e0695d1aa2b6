"""A generated book as one channel tells it: what was told last, and what has changed since."""

from collections.abc import Mapping
from typing import TypeAlias

from tidegauge.core.side import Side

from .market import MarketBook

Lots: TypeAlias = Mapping[int, int]
"""Ticks to lots."""

Rows: TypeAlias = list[tuple[int, int]]
"""(ticks, lots), best first; zero lots remove a level."""


class ToldBook:
    """The best `depth` levels a side (None: all of them), as everyone was told who subscribed.

    `bids` and `asks` are what was told last; `sequence` is the id of it, `previous` of what was
    told before. `restart`, if set, is the id of the next change.
    """

    def __init__(self, book: MarketBook, depth: int | None = None) -> None:
        self.book = book
        self.depth = depth
        self.bids: Lots = self._present(Side.BID)
        self.asks: Lots = self._present(Side.ASK)
        self.sequence = self.previous = book.last_id
        self.restart: int | None = None
        self._ahead = 0

    def advance(self) -> tuple[Rows, Rows] | None:
        """Catch up with the market; return what changed, None if nothing did."""
        bids, asks = self._present(Side.BID), self._present(Side.ASK)
        changed = (_differences(self.bids, bids), _differences(self.asks, asks))
        if not any(changed):
            return None
        self.bids, self.asks = bids, asks
        self.previous = self.sequence
        if self.restart is not None:
            self._ahead, self.restart = self.book.last_id - self.restart, None
            self.sequence = self.book.last_id - self._ahead
        else:
            self.sequence = max(self.sequence + 1, self.book.last_id - self._ahead)
        return sorted(changed[0], reverse=True), sorted(changed[1])

    def whole(self, levels: int | None = None) -> tuple[Rows, Rows]:
        """Return the best `levels` of what was told last."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return bids[:levels], asks[:levels]

    def _present(self, side: Side) -> Lots:
        return dict(self.book.ladder(side, self.depth))


def _differences(old: Lots, new: Lots) -> Rows:
    changed = dict(new.items() - old.items())
    changed.update(dict.fromkeys(old.keys() - new.keys(), 0))
    return [*changed.items()]
