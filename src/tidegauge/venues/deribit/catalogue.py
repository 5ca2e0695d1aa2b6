"""What Deribit lists ("public/get_instruments")."""

import msgspec

from tidegauge.core.exact import parse
from tidegauge.core.instrument import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    base_and_quote,
)
from tidegauge.wire.decode import FrameDecoder, number_text
from tidegauge.wire.protocol import Fetch, Purpose


class Listing(msgspec.Struct):
    """`instrument_type` is `reversed` where amounts of a future count quote, not base."""

    instrument_name: str
    kind: str
    base_currency: str
    quote_currency: str
    tick_size: msgspec.Raw
    min_trade_amount: msgspec.Raw
    settlement_period: str = ""
    instrument_type: str = ""
    is_active: bool = True


class Listings(msgspec.Struct):
    result: list[Listing]


_listings = FrameDecoder(Listings)

_KINDS = {
    "spot": InstrumentKind.SPOT,
    "future": InstrumentKind.FUTURE,
    "option": InstrumentKind.OPTION,
}

CATALOGUE = tuple(
    Fetch(
        purpose=Purpose.CATALOGUE,
        path="/api/v2/public/get_instruments",
        params=(("currency", "any"), ("kind", each)),
    )
    for each in ("future", "spot", "option")
)


def parse_catalogue(body: bytes) -> list[Instrument]:
    """Read one kind of instruments; what has no tick or no step, and every combo, is left out.

    Amounts are in base, and of an inverse future in the quote currency: `contract_size` is not to
    be multiplied with. An option's tick is that of its lowest prices, its finest.
    """
    instruments = []
    for listing in _listings(body).result:
        kind = _KINDS.get(listing.kind)
        tick = parse(number_text(listing.tick_size))
        step = parse(number_text(listing.min_trade_amount))
        if kind is None or not tick or not step:
            continue
        if kind is InstrumentKind.FUTURE and listing.settlement_period == "perpetual":
            kind = InstrumentKind.PERP
        future = kind in (InstrumentKind.PERP, InstrumentKind.FUTURE)
        active = listing.is_active
        instruments.append(
            Instrument(
                venue="deribit",
                name=listing.instrument_name,
                kind=kind,
                base=listing.base_currency,
                quote=listing.quote_currency,
                tick=tick,
                step=step,
                inverse=future and listing.instrument_type == "reversed",
                status=InstrumentStatus.TRADING if active else InstrumentStatus.HALTED,
            )
        )
    return instruments


def default_name(symbol: str) -> str:
    """Return the perpetual of our symbol: the inverse one for USD, else the one in USDC."""
    name = symbol.upper()
    base, quote = base_and_quote(name)
    if quote == "USD":
        return f"{base}-PERPETUAL"
    return f"{base}_USDC-PERPETUAL" if quote in ("USDT", "USDC") else name
