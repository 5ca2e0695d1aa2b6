"""What OKX lists ("Get instruments")."""

from decimal import Decimal

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.exact import EXACT, parse
from tidegauge.core.instrument import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    base_and_quote,
)
from tidegauge.wire.decode import FrameDecoder
from tidegauge.wire.protocol import Fetch, Purpose

from .beside import INSTRUMENT_TYPES
from .frames import read_answer


class Listing(msgspec.Struct, rename="camel"):
    """Spot names its currencies; contracts name what they are of, such as `BTC-USDT`."""

    inst_type: str
    inst_id: str
    state: str
    tick_sz: str
    lot_sz: str
    base_ccy: str = ""
    quote_ccy: str = ""
    uly: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""


_listings = FrameDecoder(list[Listing])

_KINDS = {kind: name for name, kind in INSTRUMENT_TYPES.items()}
_STATUSES = {"live": InstrumentStatus.TRADING, "expired": InstrumentStatus.DELISTED}

CATALOGUE = tuple(
    Fetch(
        purpose=Purpose.CATALOGUE,
        path="/api/v5/public/instruments",
        params=(("instType", each),),
    )
    for each in _KINDS
)


def parse_catalogue(body: bytes) -> list[Instrument]:
    """Read one type of instruments; what has no tick or no step is left out."""
    answer = read_answer(body)
    if answer.code != "0":
        raise MalformedFrame(f"no catalogue, but code {answer.code[:10]}: {answer.msg[:200]}")
    found = (_instrument(listing) for listing in _listings(answer.data))
    return [instrument for instrument in found if instrument is not None]


def _instrument(listing: Listing) -> Instrument | None:
    kind = _KINDS.get(listing.inst_type)
    tick, step = parse(listing.tick_sz or "0"), parse(listing.lot_sz or "0")
    if kind is None or not tick or not step:
        return None
    base, quote = listing.base_ccy, listing.quote_ccy
    value = Decimal(1)
    if kind is not InstrumentKind.SPOT:
        base, _, quote = listing.uly.partition("-")
        value = EXACT.multiply(parse(listing.ct_val), parse(listing.ct_mult or "1"))
    return Instrument(
        venue="okx",
        name=listing.inst_id,
        kind=kind,
        base=base,
        quote=quote,
        tick=tick,
        step=step,
        contract_value=value,
        # Sizes of an inverse contract count quote: BTC-USD-SWAP is 100 USD.
        inverse=bool(quote) and listing.ct_val_ccy == quote,
        status=_STATUSES.get(listing.state, InstrumentStatus.HALTED),
    )


def default_name(symbol: str) -> str:
    """Return the spot instrument of our symbol: `BTCUSDT` is `BTC-USDT`."""
    base, quote = base_and_quote(symbol.upper())
    return f"{base}-{quote}" if quote and "-" not in base else symbol.upper()
