"""Coinbase Exchange: whole books and batches of changes, with nothing on them to check by.

docs.cdp.coinbase.com/exchange/websocket-feed, "Channels". Book frames have neither number nor
checksum: what is lost is found by a broken connection, a crossing, a silence or a comparison.
"""

import msgspec

from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookSnapshot
from tidegauge.core.exact import parse
from tidegauge.core.instrument import (
    SECOND,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    base_and_quote,
)
from tidegauge.wire.decode import FrameDecoder, rfc3339
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Audit,
    Beside,
    Fetch,
    Purpose,
    Rate,
    VenueLimits,
    VenueSpec,
)

from .books import CoinbaseExchangeProtocol, read_frame

NAME = "coinbase-exchange"


class Product(msgspec.Struct):
    id: str
    base_currency: str
    quote_currency: str
    base_increment: str
    quote_increment: str
    status: str
    trading_disabled: bool = False


class BookAnswer(msgspec.Struct):
    """Rows are price, size and how many orders."""

    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
    time: str = ""


_products = FrameDecoder(list[Product])
_book_answer = FrameDecoder(BookAnswer)
_STATUSES: dict[str, InstrumentStatus] = {
    "online": InstrumentStatus.TRADING,
    "delisted": InstrumentStatus.DELISTED,
}


def _parse_catalogue(body: bytes) -> list[Instrument]:
    """Read "Get all known trading pairs"; what has no step is left out."""
    instruments = []
    for product in _products(body):
        tick, step = parse(product.quote_increment or "0"), parse(product.base_increment or "0")
        if not tick or not step:
            continue
        status = _STATUSES.get(product.status, InstrumentStatus.HALTED)
        if product.trading_disabled and status is InstrumentStatus.TRADING:
            status = InstrumentStatus.HALTED
        instruments.append(
            Instrument(
                venue=NAME,
                name=product.id,
                kind=InstrumentKind.SPOT,
                base=product.base_currency,
                quote=product.quote_currency,
                tick=tick,
                step=step,
                status=status,
            )
        )
    return instruments


def _audit_request(instrument: Instrument) -> Fetch:
    return Fetch(
        purpose=Purpose.AUDIT,
        path=f"/products/{instrument.name}/book",
        params=(("level", "2"),),
        instrument=instrument.name,
    )


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    """Read "Get product book": whole. Its number is of another count than the socket's."""
    book = _book_answer(body)
    return BookSnapshot(
        instrument=instrument.name,
        bids=[(price, size) for price, size, _orders in book.bids],
        asks=[(price, size) for price, size, _orders in book.asks],
        sequence=0,
        venue_time=rfc3339(book.time) if book.time else None,
    )


def _named_in(frame: str) -> list[str]:
    """Return the product whose book a recorded frame tells."""
    try:
        told = read_frame(frame)
    except FeedError:
        return []
    return [told.product_id] if told.type in ("snapshot", "l2update") and told.product_id else []


def _default_name(symbol: str) -> str:
    return "-".join(filter(None, base_and_quote(symbol.upper())))


SPECS = (
    VenueSpec(
        name=NAME,
        family="coinbase",
        kind=InstrumentKind.SPOT,
        ws_url="wss://ws-feed.exchange.coinbase.com",
        rest_url="https://api.exchange.coinbase.com",
        links=lambda _: {BOOK_LINK: "/"},
        protocol=CoinbaseExchangeProtocol,
        catalogue=(Fetch(purpose=Purpose.CATALOGUE, path="/products"),),
        parse_catalogue=_parse_catalogue,
        default_name=_default_name,
        max_frame=32 * 1024 * 1024,
        named_in=_named_in,
        limits=VenueLimits(
            connects=Rate(8, SECOND),
            messages=Rate(100, SECOND),
            weight=Rate(10, SECOND),
            books_a_link=10,
        ),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset({Beside.TRADES}),
        checks="none on the wire: crossed, silence, REST comparison",
        docs="https://docs.cdp.coinbase.com/exchange/websocket-feed/channels",
        depth="the whole book, in batches of 50 ms",
        quirks=(
            "one unknown product has a whole request refused",
            "a frame that cannot be read costs the connection: nothing else tells what it held",
            "prices are spelt with more zeros in updates than in snapshots",
            "the side of a trade is the maker's",
        ),
    ),
)
