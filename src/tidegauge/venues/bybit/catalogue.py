"""What Bybit lists ("Get Instruments Info")."""

from dataclasses import replace

import msgspec

from tidegauge.core.exact import parse
from tidegauge.core.instrument import Instrument, InstrumentKind, InstrumentStatus, VenueName
from tidegauge.wire.decode import FrameDecoder
from tidegauge.wire.protocol import Fetch


class Filters(msgspec.Struct, rename="camel"):
    """Tick and size step: linear calls the step `qtyStep`, spot `basePrecision`."""

    tick_size: str = "0"
    qty_step: str = "0"
    base_precision: str = "0"


class Listing(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_coin: str
    quote_coin: str
    price_filter: Filters
    lot_size_filter: Filters
    contract_type: str = "LinearPerpetual"


class Listings(msgspec.Struct, rename="camel"):
    list: list[Listing]
    next_page_cursor: str = ""


class InstrumentsInfo(msgspec.Struct):
    result: Listings


_instruments_info = FrameDecoder(InstrumentsInfo)

_STATUSES = {"Trading": InstrumentStatus.TRADING, "Closed": InstrumentStatus.DELISTED}


def parse_catalogue(venue: VenueName, body: bytes) -> list[Instrument]:
    """Read instruments-info; what has no tick or no step is left out."""
    spot = venue == "bybit-spot"
    instruments = []
    for listing in _instruments_info(body).result.list:
        lot = listing.lot_size_filter
        tick = parse(listing.price_filter.tick_size)
        step = parse(lot.base_precision if spot else lot.qty_step)
        if not tick or not step:
            continue
        perpetual = listing.contract_type == "LinearPerpetual"
        future = InstrumentKind.PERP if perpetual else InstrumentKind.FUTURE
        instruments.append(
            Instrument(
                venue=venue,
                name=listing.symbol,
                kind=InstrumentKind.SPOT if spot else future,
                base=listing.base_coin,
                quote=listing.quote_coin,
                tick=tick,
                step=step,
                status=_STATUSES.get(listing.status, InstrumentStatus.HALTED),
            )
        )
    return instruments


def next_page(request: Fetch, body: bytes) -> Fetch | None:
    """Follow the cursor of instruments-info; spot comes whole, with no cursor."""
    cursor = _instruments_info(body).result.next_page_cursor
    params = {**dict(request.params), "cursor": cursor}
    return replace(request, params=tuple(params.items())) if cursor else None
