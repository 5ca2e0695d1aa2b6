"""Venues, instruments and symbols: what is traded, where, and in which units."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Nanos: TypeAlias = int
"""A UTC instant or a span, in nanoseconds."""

VenueName: TypeAlias = str
"""An exchange market by our name: `binance`, `binance-futures`, `bybit-linear` …"""

Symbol: TypeAlias = str
"""Our own name for what is traded, such as `BTCUSDT`; settings map it to one instrument a venue."""

SECOND: Nanos = 1_000_000_000
MINUTE: Nanos = 60 * SECOND
HOUR: Nanos = 60 * MINUTE
DAY: Nanos = 24 * HOUR
MILLISECOND: Nanos = 1_000_000


class BookId(NamedTuple):
    """Names one book: a symbol on a venue."""

    venue: VenueName
    symbol: Symbol

    def __str__(self) -> str:
        return f"{self.venue}/{self.symbol}"


class InstrumentKind(StrEnum):
    SPOT = "spot"
    PERP = "perp"
    FUTURE = "future"
    OPTION = "option"


class InstrumentStatus(StrEnum):
    TRADING = "trading"
    HALTED = "halted"
    DELISTED = "delisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What a venue lists, as its catalogue says it.

    `name` is the venue's own name. `tick` is the smallest price step in quote, `step` the smallest
    size step in the venue's size unit, `contract_value` the base units one size unit stands for
    (1 where sizes are in base already). Of an `inverse` contract a size unit stands for
    `contract_value` units of the quote instead (signals.md section 1, Units).
    """

    venue: VenueName
    name: str
    kind: InstrumentKind
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    contract_value: Decimal = Decimal(1)
    inverse: bool = False
    status: InstrumentStatus = InstrumentStatus.TRADING

    @property
    def price_scale(self) -> int:
        """Decimal places that hold every price of this instrument exactly."""
        return decimals(self.tick)

    @property
    def size_scale(self) -> int:
        """Decimal places that hold every size of this instrument, in base units, exactly."""
        return decimals(self.step) + decimals(self.contract_value)


def decimals(value: Decimal) -> int:
    """Return how many decimal places `value` needs, trailing zeros not counted."""
    exponent = value.normalize().as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"not a finite number: {value}")
    return max(0, -exponent)


QUOTES = ("USDT", "USDC", "USD", "EUR", "GBP", "BTC", "ETH")
"""What is usual to quote in, for reading our symbols."""


def base_and_quote(symbol: Symbol) -> tuple[str, str]:
    """Read `BTCUSDT` as BTC and USDT; the quote is empty where it is none of the usual ones."""
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, ""
