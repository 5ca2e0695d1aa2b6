"""Books to execute on, books with a part of every level really gone, and what a size costs there,
worked out the slow way: `Fraction` throughout, level by level."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from tidegauge.core.book import OrderBook
from tidegauge.core.exact import from_units
from tidegauge.core.reading import Taker
from tidegauge.core.side import Side

Levels = Mapping[str, str]
"""Price to size, as a venue writes them."""


def book_of(
    bids: Levels, asks: Levels, *, limit: int | None = None, inverse: bool = False
) -> OrderBook:
    """Return a book of these levels; with a `limit` that they reach, more may lie beyond."""
    book = OrderBook(price_scale=0, size_scale=0, inverse=inverse)
    book.apply_snapshot([*bids.items()], [*asks.items()], limit=limit)
    return book


def even_book(
    mid: int = 1_000, size: str = "100", levels: int = 50, limit: int | None = None
) -> OrderBook:
    """Return a book with a level of `size` at each whole price, the touch one from `mid`."""
    return book_of(
        {str(mid - each): size for each in range(1, levels + 1)},
        {str(mid + each): size for each in range(1, levels + 1)},
        limit=limit,
    )


def remade(book: OrderBook, kept: Decimal = Decimal(1), limit: int | None = None) -> OrderBook:
    """Return a new book of the same levels, only `kept` of each, and at most `limit` a side."""
    bids, asks = (
        {str(price): str(size * kept) for price, size in book.top(side, limit or 10**6)}
        for side in (Side.BID, Side.ASK)
    )
    return book_of(bids, asks, limit=limit, inverse=book.inverse)


@st.composite
def books(draw: st.DrawFn, *, inverse: bool | None = None, middle: int = 10_000) -> OrderBook:
    """Wholly known, two-sided, uncrossed books about a price; linear or inverse, thick or thin."""
    scale = draw(st.integers(0, 2))
    size = st.integers(1, draw(st.sampled_from([3, 1_000, 10**6])))
    reach = draw(st.sampled_from([5, 300, 4_000]))
    shift = draw(st.integers(-3, 3))
    below = st.integers(middle + shift - reach, middle + shift)
    above = st.integers(middle + shift + 1, middle + shift + reach)
    bids, asks = (
        {
            str(from_units(ticks, scale)): str(from_units(lots, scale))
            for ticks, lots in draw(st.dictionaries(each, size, min_size=1, max_size=40)).items()
        }
        for each in (below, above)
    )
    inverted = draw(st.booleans()) if inverse is None else inverse
    return book_of(bids, asks, inverse=inverted)


sizes = st.decimals("0.001", "1000000", places=3, allow_nan=False, allow_infinity=False)


def levels_of(book: OrderBook, taker: Taker) -> list[tuple[Fraction, Fraction]]:
    """Return (price, quote) of what a taker eats, best first."""
    side = Side.ASK if taker is Taker.BUY else Side.BID
    return [
        (Fraction(price), Fraction(size) * (1 if book.inverse else Fraction(price)))
        for price, size in book.top(side, 10**6)
    ]


def base_for(levels: list[tuple[Fraction, Fraction]], quote: Fraction) -> Fraction | None:
    """Return the base that changes hands for a quote, None where there is not so much."""
    base = Fraction()
    for price, there in levels:
        taken = min(there, quote)
        base, quote = base + taken / price, quote - taken
        if not quote:
            return base
    return None


def mid_of(book: OrderBook) -> Fraction:
    assert book.best_bid is not None
    assert book.best_ask is not None
    return (Fraction(book.best_bid) + Fraction(book.best_ask)) / 2


def lost(book: OrderBook, taker: Taker, quote: Fraction) -> Fraction | None:
    """Return the share of the notional that a taker loses against the mid, None where unfilled."""
    base = base_for(levels_of(book, taker), quote)
    if base is None:
        return None
    return (1 if taker is Taker.BUY else -1) * (quote / base / mid_of(book) - 1)
