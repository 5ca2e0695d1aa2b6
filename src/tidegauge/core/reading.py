"""One instant's measurements of one book (signals.md section 1).

What is exact is kept as integers of the book's scales, and told as `Decimal` when somebody asks:
most readings are judged and stored, and nobody looks at them. Ratios and averages are the exact
rational rounded once to a float. Unknown is None. Notional is quote spent (buy) or received (sell).
"""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from .exact import EXACT, from_units
from .instrument import BookId, Nanos, Symbol, VenueName


class Taker(StrEnum):
    """Who crosses the spread: a buy walks the asks, a sell walks the bids."""

    BUY = "buy"
    SELL = "sell"


class Quotability(StrEnum):
    QUOTED = "quoted"
    ONE_SIDED = "one_sided"


class Scales(NamedTuple):
    """How many decimal places the integers of a reading have: prices, base sizes, quote sizes."""

    price: int
    base: int
    quote: int


class BandDepth(Struct, frozen=True, kw_only=True, gc=False):
    """What rests within `bps` of the mid, edges included.

    A side is complete when the band lies within the book's known range; otherwise its depth is a
    floor, and enters no window and no signal. The sums are in units of `scales`.
    """

    bps: int
    scales: Scales
    bid_base_units: int
    bid_quote_units: int
    ask_base_units: int
    ask_quote_units: int
    bid_complete: bool
    ask_complete: bool

    @property
    def bid_base(self) -> Decimal:
        return from_units(self.bid_base_units, self.scales.base)

    @property
    def bid_quote(self) -> Decimal:
        return from_units(self.bid_quote_units, self.scales.quote)

    @property
    def ask_base(self) -> Decimal:
        return from_units(self.ask_base_units, self.scales.base)

    @property
    def ask_quote(self) -> Decimal:
        return from_units(self.ask_quote_units, self.scales.quote)

    @property
    def complete(self) -> bool:
        return self.bid_complete and self.ask_complete

    @property
    def total_quote(self) -> Decimal:
        return EXACT.add(self.bid_quote, self.ask_quote)

    @property
    def imbalance(self) -> float | None:
        """(bid - ask) / (bid + ask) over notional, None when both are 0."""
        bid, ask = self.bid_quote_units, self.ask_quote_units
        return (bid - ask) / (bid + ask) if bid or ask else None


class Fill(Struct, frozen=True, kw_only=True, gc=False):
    """What taking `notional` from the book would do.

    `filled_fraction` is 1 where all of it can be had; the rest is of what was filled. `base` is what
    changes hands, in base; `cost_bps` how much worse than the mid the average price is. `floor`: the
    walk ended beyond the known range, so the book may hold more than is shown.
    """

    taker: Taker
    notional: Decimal
    filled: bool
    filled_fraction: float
    base: float
    cost_bps: float
    worst_ticks: int
    scales: Scales
    floor: bool

    @property
    def average(self) -> float:
        """The price paid or received on average, in quote a base."""
        raise NotImplementedError

    @property
    def cost(self) -> float:
        """|average - mid| times the base, in quote."""
        raise NotImplementedError

    @property
    def worst(self) -> Decimal:
        """The price of the last level that was reached."""
        return from_units(self.worst_ticks, self.scales.price)

    @property
    def slippage_bps(self) -> float | None:
        """None unless all of it was filled: a thinner book must never read as cheaper."""
        return self.cost_bps if self.filled else None

    @property
    def partial_slippage_bps(self) -> float | None:
        """Slippage of the part that was filled, None when that was all of it."""
        return None if self.filled else self.cost_bps

    @property
    def slippage_cost(self) -> float | None:
        """None unless all of it was filled."""
        return self.cost if self.filled else None


class ExactFill(Fill, frozen=True, kw_only=True, gc=False):
    """A fill as integers: what is not stored is divided when somebody asks.

    `quote` / `quote_over` is the quote and `base_units` / `base_over` the base that changes hands,
    in units of `scales`; `mid2` is twice the mid in ticks.
    """

    quote: int
    quote_over: int
    base_units: int
    base_over: int
    mid2: int

    @property
    def average(self) -> float:
        unit: int = 10**self.scales.price
        return (self.quote * self.base_over) / (self.quote_over * self.base_units * unit)

    @property
    def cost(self) -> float:
        at_mid = self.mid2 * self.base_units * self.quote_over
        excess = 2 * self.quote * self.base_over - at_mid
        over: int = 2 * self.quote_over * self.base_over * 10**self.scales.quote
        return (excess if self.taker is Taker.BUY else -excess) / over


class RoundedFill(Fill, frozen=True, kw_only=True, gc=False):
    """A fill whose figures are rounded already: no integer holds the base of an inverse book."""

    rounded_average: float
    rounded_cost: float

    @property
    def average(self) -> float:
        return self.rounded_average

    @property
    def cost(self) -> float:
        return self.rounded_cost


class MaxSize(Struct, frozen=True, kw_only=True, gc=False):
    """The largest notional whose slippage stays within `bps`, rounded down to the quote scale."""

    taker: Taker
    bps: int
    units: int
    scale: int
    floor: bool

    @property
    def notional(self) -> Decimal:
        return from_units(self.units, self.scale)


class Origin(Struct, frozen=True, kw_only=True, gc=False):
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


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """The measurements of one LIVE book at one instant.

    `bid_ticks`, `ask_ticks` are prices and `bid_units`, `ask_units` the base sizes at the touch, in
    units of `scales`; None where the side is empty.
    """

    origin: Origin
    quotability: Quotability
    scales: Scales
    bid_ticks: int | None
    bid_units: int | None
    ask_ticks: int | None
    ask_units: int | None
    microprice: float | None
    spread_bps: float | None
    bid_levels: int
    ask_levels: int
    imbalance: float | None
    bands: tuple[BandDepth, ...]
    fills: tuple[Fill, ...]
    max_sizes: tuple[MaxSize, ...]

    @property
    def best_bid(self) -> Decimal | None:
        return _told(self.bid_ticks, self.scales.price)

    @property
    def best_bid_size(self) -> Decimal | None:
        return _told(self.bid_units, self.scales.base)

    @property
    def best_ask(self) -> Decimal | None:
        return _told(self.ask_ticks, self.scales.price)

    @property
    def best_ask_size(self) -> Decimal | None:
        return _told(self.ask_units, self.scales.base)

    @property
    def mid(self) -> Decimal | None:
        if self.bid_ticks is None or self.ask_ticks is None:
            return None
        return from_units((self.bid_ticks + self.ask_ticks) * 5, self.scales.price + 1)

    @property
    def spread(self) -> Decimal | None:
        if self.bid_ticks is None or self.ask_ticks is None:
            return None
        return from_units(self.ask_ticks - self.bid_ticks, self.scales.price)

    def band(self, bps: int) -> BandDepth | None:
        """Return the band of `bps`, None when it was not measured."""
        for band in self.bands:
            if band.bps == bps:
                return band
        return None

    def fill(self, taker: Taker, notional: Decimal) -> Fill | None:
        """Return the fill of `notional`, None when it was not measured."""
        for fill in self.fills:
            if fill.taker is taker and fill.notional == notional:
                return fill
        return None


def _told(units: int | None, scale: int) -> Decimal | None:
    return None if units is None else from_units(units, scale)
