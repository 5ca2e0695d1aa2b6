"""What Binance lists (`exchangeInfo`)."""

from decimal import Decimal

import msgspec

from tidegauge.core.exact import parse
from tidegauge.core.instrument import Instrument, InstrumentKind, InstrumentStatus
from tidegauge.wire.decode import FrameDecoder

from .market import Market


class Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: str = "0"
    step_size: str = "0"


class Listing(msgspec.Struct, rename="camel"):
    """COIN-M calls the status `contractStatus`, and tells how many USD a contract is."""

    symbol: str
    base_asset: str
    quote_asset: str
    filters: list[Filter]
    status: str = ""
    contract_status: str = ""
    contract_type: str = "PERPETUAL"
    contract_size: int | None = None


class ExchangeInfo(msgspec.Struct):
    symbols: list[Listing]


_exchange_info = FrameDecoder(ExchangeInfo)

_STATUSES = {
    "TRADING": InstrumentStatus.TRADING,
    "CLOSE": InstrumentStatus.DELISTED,
    "DELIVERED": InstrumentStatus.DELISTED,
}


def parse_catalogue(market: Market, body: bytes) -> list[Instrument]:
    """Read exchangeInfo; what has no tick or no step cannot be traded, and is left out."""
    found = (_instrument(market, listing) for listing in _exchange_info(body).symbols)
    return [instrument for instrument in found if instrument is not None]


def _instrument(market: Market, listing: Listing) -> Instrument | None:
    by_type = {each.filter_type: each for each in listing.filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    tick = Decimal(0) if price is None else parse(price.tick_size)
    step = Decimal(0) if lot is None else parse(lot.step_size)
    size = listing.contract_size
    if not tick or not step or (size is not None and size <= 0):
        return None
    perpetual = listing.contract_type in ("PERPETUAL", "TRADIFI_PERPETUAL")
    future = InstrumentKind.PERP if perpetual else InstrumentKind.FUTURE
    status = listing.status or listing.contract_status
    return Instrument(
        venue=market.name,
        name=listing.symbol,
        kind=InstrumentKind.SPOT if market.kind is InstrumentKind.SPOT else future,
        base=listing.base_asset,
        quote=listing.quote_asset,
        tick=tick,
        step=step,
        contract_value=Decimal(1 if size is None else size),
        inverse=size is not None,
        status=_STATUSES.get(status, InstrumentStatus.HALTED),
    )


def coin_margined(symbol: str) -> str:
    """`BTCUSDT` is `BTCUSD_PERP` here."""
    name = symbol.upper()
    for quote in ("USDT", "USDC", "USD"):
        if name.endswith(quote) and name != quote:
            return f"{name.removesuffix(quote)}USD_PERP"
    return name
