"""Coinbase Advanced Trade: whole books and their changes; every frame of a connection is numbered.

docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket, "Overview" and "Channels". That one
count runs over all frames of a connection, whatever their channel, was measured: the pages say less.
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

from .books import CoinbaseProtocol
from .frames import read_envelope

NAME = "coinbase"
ROOT = "/api/v3/brokerage/market"
AUDIT_LEVELS = 500


class Product(msgspec.Struct):
    product_id: str
    status: str
    base_currency_id: str
    quote_currency_id: str
    base_increment: str = "0"
    quote_increment: str = "0"
    price_increment: str = ""
    product_type: str = "SPOT"
    trading_disabled: bool = False
    is_disabled: bool = False


class Products(msgspec.Struct):
    products: list[Product]


class Quote(msgspec.Struct):
    price: str
    size: str


class PriceBook(msgspec.Struct):
    bids: list[Quote]
    asks: list[Quote]
    time: str = ""


class BookAnswer(msgspec.Struct):
    pricebook: PriceBook


class Named(msgspec.Struct):
    product_id: str = ""


_products = FrameDecoder(Products)
_book_answer = FrameDecoder(BookAnswer)
_named = FrameDecoder(list[Named])


def _parse_catalogue(body: bytes) -> list[Instrument]:
    """Read "List Public Products"; what is no spot product or has no step is left out."""
    instruments = []
    for product in _products(body).products:
        tick = parse(product.price_increment or product.quote_increment or "0")
        step = parse(product.base_increment or "0")
        if product.product_type != "SPOT" or not tick or not step:
            continue
        disabled = product.trading_disabled or product.is_disabled
        status = InstrumentStatus.HALTED
        if product.status == "delisted":
            status = InstrumentStatus.DELISTED
        elif product.status == "online" and not disabled:
            status = InstrumentStatus.TRADING
        instruments.append(
            Instrument(
                venue=NAME,
                name=product.product_id,
                kind=InstrumentKind.SPOT,
                base=product.base_currency_id,
                quote=product.quote_currency_id,
                tick=tick,
                step=step,
                status=status,
            )
        )
    return instruments


def _audit_request(instrument: Instrument) -> Fetch:
    return Fetch(
        purpose=Purpose.AUDIT,
        path=f"{ROOT}/product_book",
        params=(("product_id", instrument.name), ("limit", str(AUDIT_LEVELS))),
        instrument=instrument.name,
    )


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    """Read "Get Public Product Book": it has no number."""
    book = _book_answer(body).pricebook
    return BookSnapshot(
        instrument=instrument.name,
        bids=[(quote.price, quote.size) for quote in book.bids],
        asks=[(quote.price, quote.size) for quote in book.asks],
        sequence=0,
        venue_time=rfc3339(book.time) if book.time else None,
        limit=AUDIT_LEVELS,
    )


def _named_in(frame: str) -> list[str]:
    """Return the products whose books a recorded frame tells."""
    try:
        envelope = read_envelope(frame)
        events = _named(envelope.events) if envelope.channel == "l2_data" else []
    except FeedError:
        return []
    return [event.product_id for event in events if event.product_id]


def _default_name(symbol: str) -> str:
    return "-".join(filter(None, base_and_quote(symbol.upper())))


SPECS = (
    VenueSpec(
        name=NAME,
        family="coinbase",
        kind=InstrumentKind.SPOT,
        ws_url="wss://advanced-trade-ws.coinbase.com",
        rest_url="https://api.coinbase.com",
        links=lambda _: {BOOK_LINK: "/"},
        protocol=CoinbaseProtocol,
        catalogue=(
            Fetch(
                purpose=Purpose.CATALOGUE,
                path=f"{ROOT}/products",
                params=(("product_type", "SPOT"),),
            ),
        ),
        parse_catalogue=_parse_catalogue,
        default_name=_default_name,
        max_frame=32 * 1024 * 1024,
        named_in=_named_in,
        numbers_links=True,
        limits=VenueLimits(
            connects=Rate(8, SECOND),
            messages=Rate(8, SECOND),
            weight=Rate(10, SECOND),
            books_a_link=10,
        ),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset({Beside.TRADES}),
        checks="a number on every frame of the connection, and a heartbeat a second",
        docs="https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket",
        depth="the whole book, in real time",
        quirks=(
            "a snapshot is one frame of several megabytes",
            "one frame that is missing costs every book of its connection",
            "most products in USDC are told under the name of the one in USD",
            "the side of a trade is the maker's",
        ),
    ),
)
