"""One instant's measurements of one book (signals.md section 1).

Prices, sizes and notionals are exact `Decimal`. Ratios and averages are the exact rational rounded
once to a float. Unknown is None. Notional is quote spent (buy) or received (sell).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from .exact import EXACT
from .instrument import BookId, Nanos, Symbol, VenueName


class Taker(StrEnum):
    """Who crosses the spread: a buy walks the asks, a sell walks the bids."""

    BUY = "buy"
    SELL = "sell"


class Quotability(StrEnum):
    QUOTED = "quoted"
    ONE_SIDED = "one_sided"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandDepth:
    """What rests within `bps` of the mid, edges included.

    A side is complete when the band lies within the book's known range; otherwise its depth is a
    floor, and enters no window and no signal. `imbalance` is over notional, None when both are 0.
    """

    bps: int
    bid_base: Decimal
    bid_quote: Decimal
    ask_base: Decimal
    ask_quote: Decimal
    bid_complete: bool
    ask_complete: bool
    imbalance: float | None

    @property
    def complete(self) -> bool:
        return self.bid_complete and self.ask_complete

    @property
    def total_quote(self) -> Decimal:
        return EXACT.add(self.bid_quote, self.ask_quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What taking `notional` from the book would do.

    `slippage_bps` is None unless all of it was filled: a thinner book must never read as cheaper;
    `partial_slippage_bps` is that of the part that was. `floor`: the walk ended beyond the known
    range, so the book may hold more than is shown.
    """

    taker: Taker
    notional: Decimal
    filled: bool
    filled_fraction: float
    base: float
    average: float | None
    worst: Decimal | None
    slippage_bps: float | None
    partial_slippage_bps: float | None
    slippage_cost: float | None
    floor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxSize:
    """The largest notional whose slippage stays within `bps`, rounded down to the quote scale."""

    taker: Taker
    bps: int
    notional: Decimal
    floor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when a reading was taken, and the frame that caused it."""

    venue: VenueName
    symbol: Symbol
    instrument: str
    epoch: int
    frame: int
    sequence: int
    received_at: Nanos
    venue_time: Nanos | None
    feed_age: Nanos
    latency: Nanos | None

    @property
    def book(self) -> BookId:
        return BookId(self.venue, self.symbol)

    @property
    def trace(self) -> str:
        """The trace id of everything this frame caused."""
        return f"{self.venue}/{self.epoch}/{self.frame}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The measurements of one LIVE book at one instant."""

    origin: Origin
    quotability: Quotability
    best_bid: Decimal | None
    best_bid_size: Decimal | None
    best_ask: Decimal | None
    best_ask_size: Decimal | None
    mid: Decimal | None
    microprice: float | None
    spread: Decimal | None
    spread_bps: float | None
    bid_levels: int
    ask_levels: int
    imbalance: float | None
    bands: tuple[BandDepth, ...]
    fills: tuple[Fill, ...]
    max_sizes: tuple[MaxSize, ...]

    def band(self, bps: int) -> BandDepth | None:
        """Return the band of `bps`, None when it was not measured."""
        return next((band for band in self.bands if band.bps == bps), None)

    def fill(self, taker: Taker, notional: Decimal) -> Fill | None:
        """Return the fill of `notional`, None when it was not measured."""
        return next(
            (fill for fill in self.fills if fill.taker is taker and fill.notional == notional), None
        )
