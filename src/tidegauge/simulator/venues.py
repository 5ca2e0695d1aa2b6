"""Which dialect each venue's local server speaks."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tidegauge.core.instrument import Symbol, VenueName

from .dialect import Dialect
from .dialects.binance import COIN_M, SPOT, USD_M, Binance
from .dialects.bybit import Bybit
from .dialects.coinbase import Coinbase
from .dialects.coinbase_exchange import CoinbaseExchange
from .dialects.deribit import Deribit
from .dialects.hyperliquid import Hyperliquid
from .dialects.kraken import Kraken
from .dialects.okx import Okx
from .exchange import Exchange, Stage
from .listing import listings

DIALECTS: Mapping[VenueName, Callable[[Exchange], Dialect]] = MappingProxyType(
    {
        "binance": lambda exchange: Binance(exchange, SPOT),
        "binance-futures": lambda exchange: Binance(exchange, USD_M),
        "binance-coinm": lambda exchange: Binance(exchange, COIN_M),
        "bybit-spot": lambda exchange: Bybit(exchange, "spot"),
        "bybit-linear": lambda exchange: Bybit(exchange, "linear"),
        "okx": Okx,
        "deribit": Deribit,
        "coinbase": Coinbase,
        "coinbase-exchange": CoinbaseExchange,
        "kraken": Kraken,
        "hyperliquid": Hyperliquid,
    }
)

VENUES: tuple[VenueName, ...] = tuple(DIALECTS)


def simulate(
    venue: VenueName, symbols: Sequence[Symbol], *, stage: Stage, seed: int
) -> tuple[Dialect, Exchange]:
    """Return a venue's dialect over a freshly generated market, and that market."""
    exchange = Exchange(venue, listings(venue, symbols), stage=stage, seed=seed)
    return DIALECTS[venue](exchange), exchange
