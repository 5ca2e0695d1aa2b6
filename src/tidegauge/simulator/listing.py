"""What each local venue lists: names, decimals, and the kind of market behind each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10
from types import MappingProxyType

from tidegauge.core.instrument import Symbol, VenueName

from .profile import BTC_PERP, BTC_SPOT, ETH_PERP, ETH_SPOT, THIN_ALT, Profile, twenty_levels

QUOTES = ("USDT", "USDC", "USD")
SWAP = "-SWAP"
"""How the names of OKX's perpetuals end: with one as its symbol, the local OKX lists that."""

PRICES: Mapping[str, str] = MappingProxyType(
    {"BTC": "64000", "ETH": "3200", "SOL": "150", "XRP": "0.6", "DOGE": "0.12", "NEXO": "1.2"}
)
"""Where the market opens, quote per base; anything else opens at 10."""

PROFILES: Mapping[tuple[str, bool], Profile] = MappingProxyType(
    {
        ("BTC", True): BTC_SPOT,
        ("BTC", False): BTC_PERP,
        ("ETH", True): ETH_SPOT,
        ("ETH", False): ETH_PERP,
    }
)
"""(base, is spot) to the market of the majors; everything else is a thin alt."""

DEEP = frozenset(base for base, _spot in PROFILES)

UNITS: Mapping[tuple[VenueName, str], tuple[str, str]] = MappingProxyType(
    {
        ("binance", "BTC"): ("0.01", "0.00001"),
        ("binance", "ETH"): ("0.01", "0.0001"),
        ("binance-futures", "BTC"): ("0.10", "0.001"),
        ("binance-futures", "ETH"): ("0.01", "0.001"),
        ("binance-coinm", "BTC"): ("0.1", "1"),
        ("binance-coinm", "ETH"): ("0.01", "1"),
        ("bybit-spot", "BTC"): ("0.1", "0.000001"),
        ("bybit-spot", "ETH"): ("0.01", "0.00001"),
        ("bybit-linear", "BTC"): ("0.10", "0.001"),
        ("bybit-linear", "ETH"): ("0.01", "0.01"),
        ("okx", "BTC"): ("0.1", "0.00000001"),
        ("okx", "ETH"): ("0.01", "0.000001"),
        ("okx-swap", "BTC"): ("0.1", "0.0001"),
        ("okx-swap", "ETH"): ("0.01", "0.001"),
        ("deribit", "BTC"): ("0.1", "0.0001"),
        ("deribit", "ETH"): ("0.01", "0.001"),
        ("coinbase", "BTC"): ("0.01", "0.00000001"),
        ("coinbase", "ETH"): ("0.01", "0.00000001"),
        ("coinbase-exchange", "BTC"): ("0.01", "0.00000001"),
        ("coinbase-exchange", "ETH"): ("0.01", "0.00000001"),
        ("kraken", "BTC"): ("0.1", "0.00000001"),
        ("kraken", "ETH"): ("0.01", "0.00000001"),
        ("hyperliquid", "BTC"): ("1.0", "0.00001"),
        ("hyperliquid", "ETH"): ("0.1", "0.0001"),
    }
)
"""(tick, step) of the majors, spelt with the decimals the venue writes prices in."""

SPOT_VENUES = ("binance", "bybit-spot", "okx", "coinbase", "coinbase-exchange", "kraken")

DIVIDED_BY: Mapping[VenueName, str] = MappingProxyType(
    {"okx": "-", "coinbase": "-", "coinbase-exchange": "-", "kraken": "/"}
)
"""What stands between base and quote in a venue's own names."""

QUOTES_OF: Mapping[VenueName, str] = MappingProxyType(
    {"hyperliquid": "USDC", "deribit": "USDC", "binance-coinm": "USD"}
)
"""Venues where everything has one quote, whatever our symbol says."""

INVERSE: Mapping[VenueName, Callable[[str], int]] = MappingProxyType(
    {"binance-coinm": lambda base: 100 if base == "BTC" else 10}
)
"""Venues of inverse contracts: how many units of the quote a contract of `base` is."""

PACE: Mapping[VenueName, tuple[float, float]] = MappingProxyType(
    {
        "binance": (1.0, 1.0),
        "binance-futures": (1.0, 1.0),
        "binance-coinm": (0.35, 0.5),
        "bybit-spot": (0.45, 0.35),
        "bybit-linear": (0.8, 0.35),
        "coinbase": (0.5, 0.5),
        "coinbase-exchange": (0.5, 0.5),
        "kraken": (0.25, 0.25),
        "okx": (0.7, 0.35),
        "okx-swap": (0.9, 0.35),
        "deribit": (0.35, 0.35),
        "hyperliquid": (0.4, 1.0),
    }
)
"""(depth, operations) against the profile of the asset, per venue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument as a venue lists it, and the market behind it."""

    venue: VenueName
    symbol: Symbol
    name: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    price_places: int
    size_places: int
    opens_at: Decimal
    profile: Profile
    shared_ids: bool = False
    """Whether update ids are shared with other instruments, so that one book's are not contiguous."""
    lot_quote: Decimal | None = None
    """What one lot is worth in quote, where that is fixed; None: a lot is `step` of the base."""


def listing(venue: VenueName, symbol: Symbol) -> Listing:
    """Return how `venue` lists our `symbol`."""
    base, quote = split(symbol)
    market = "okx-swap" if venue == "okx" and symbol.endswith(SWAP) else venue
    opens_at = Decimal(PRICES.get(base, "10"))
    deep = base in DEEP
    if deep:
        tick_text, step_text = UNITS[market, base]
    else:
        tick_text = str(Decimal(1).scaleb(min(0, floor(log10(opens_at)) - 3)))
        step_text = "1" if venue in INVERSE else "0.01"
    spot = market in SPOT_VENUES
    binance_spot = venue == "binance"
    tick, step = Decimal(tick_text), Decimal(step_text)
    return Listing(
        venue=venue,
        symbol=symbol,
        name=_name(venue, symbol, base),
        base=base,
        quote=QUOTES_OF.get(venue, quote),
        tick=tick,
        step=step,
        price_places=8 if binance_spot else _places(tick),
        size_places=8 if binance_spot else _places(step),
        opens_at=opens_at,
        profile=_profile(market, base, spot=spot),
        shared_ids=venue in ("binance-futures", "binance-coinm", "deribit"),
        lot_quote=Decimal(INVERSE[venue](base)) if venue in INVERSE else None,
    )


def _name(venue: VenueName, symbol: Symbol, base: str) -> str:
    """Return the venue's own name."""
    if venue == "binance-coinm":
        return f"{base}USD_PERP"
    if venue in DIVIDED_BY:
        ending = SWAP if symbol.endswith(SWAP) else ""
        return DIVIDED_BY[venue].join(split(symbol)) + ending
    if venue == "deribit":
        return f"{base}_USDC-PERPETUAL"
    return base if venue == "hyperliquid" else symbol


def listings(venue: VenueName, symbols: Sequence[Symbol]) -> list[Listing]:
    """Return how `venue` lists each of `symbols`."""
    return [listing(venue, symbol) for symbol in symbols]


def split(symbol: Symbol) -> tuple[str, str]:
    """Return base and quote of `symbol`, ours or OKX's own, such as `BTC-USDT-SWAP`."""
    symbol = symbol.removesuffix(SWAP).replace("-", "")
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _profile(market: str, base: str, *, spot: bool) -> Profile:
    if base not in DEEP:
        return THIN_ALT
    profile = PROFILES[base, spot]
    if market == "hyperliquid":
        profile = twenty_levels(profile)
    depth, operations = PACE[market]
    return profile.scaled(depth=depth, operations=operations)
