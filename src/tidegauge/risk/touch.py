"""What a venue quotes at an instant: the touch of its book, exactly."""

from decimal import Decimal
from typing import NamedTuple

from ..core.book import OrderBook
from ..core.exact import from_units
from ..core.instrument import InstrumentKind

INVERSE_PLACES = Decimal(1).scaleb(-12)
"""Base sizes of an inverse book are derived, and rounded to 12 decimals (docs/signals.md §1)."""


class QuoteFacts(NamedTuple):
    """What makes two quotes of one symbol comparable: the kind of instrument, and what it is quoted
    in. `quote_group` is the same of quotes that are worth the same at any time."""

    kind: InstrumentKind
    quote_group: str


class Touch(NamedTuple):
    """Best bid and ask, in units of 10^-price_scale, and what rests there, in units of 10^-size_scale:
    base, or quote of an `inverse` book."""

    bid: int
    ask: int
    bid_lots: int
    ask_lots: int
    price_scale: int
    size_scale: int
    inverse: bool = False

    @property
    def best_bid(self) -> Decimal:
        return from_units(self.bid, self.price_scale)

    @property
    def best_ask(self) -> Decimal:
        return from_units(self.ask, self.price_scale)

    @property
    def bid_size(self) -> Decimal:
        """What can be sold at once, in base."""
        return self._base(self.bid_lots, self.best_bid)

    @property
    def ask_size(self) -> Decimal:
        """What can be bought at once, in base."""
        return self._base(self.ask_lots, self.best_ask)

    def _base(self, lots: int, price: Decimal) -> Decimal:
        size = from_units(lots, self.size_scale)
        return (size / price).quantize(INVERSE_PLACES) if self.inverse else size


def touch_of(book: OrderBook) -> Touch | None:
    """Return the touch of a book, None where it has not two sides or they cross."""
    bid, ask = book.bids.touch, book.asks.touch
    if bid is None or ask is None or ask.ticks <= bid.ticks:
        return None
    return Touch(
        bid.ticks, ask.ticks, bid.lots, ask.lots, book.price_scale, book.size_scale, book.inverse
    )
