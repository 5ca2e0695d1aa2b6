"""OKX v5: snapshots and chained updates of spot, swaps and futures, on one public socket.

www.okx.com/docs-v5, "Order book channel", "WebSocket / Connect" and "Get order book".
"""

from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind
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

from .books import OkxProtocol, request_book
from .catalogue import CATALOGUE, default_name, parse_catalogue
from .frames import BOOKS, DEPTH, read_envelope, read_rest_book


def _audit_request(instrument: Instrument) -> Fetch:
    return request_book(instrument.name, Purpose.AUDIT)


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    return read_rest_book(instrument.name, body)


def _named_in(frame: str) -> list[str]:
    """Return the instrument a recorded frame of the `books` channel is about."""
    try:
        envelope = read_envelope(frame)
    except FeedError:
        return []
    arg = envelope.arg
    return [arg.inst_id] if arg.channel == BOOKS and arg.inst_id and not envelope.event else []


def _kind_of(name: str) -> InstrumentKind:
    """Read `BTC-USDT`, `BTC-USDT-SWAP` and `BTC-USD-261225`."""
    parts = name.split("-")
    if len(parts) <= 2:  # noqa: PLR2004 - base and quote
        return InstrumentKind.SPOT
    return InstrumentKind.PERP if parts[-1] == "SWAP" else InstrumentKind.FUTURE


SPECS = (
    VenueSpec(
        name="okx",
        family="okx",
        kind=InstrumentKind.SPOT,
        # Port 8443 of the older documents was shut on 2026-10-31.
        ws_url="wss://ws.okx.com",
        rest_url="https://www.okx.com",
        links=lambda _: {BOOK_LINK: "/ws/v5/public"},
        protocol=OkxProtocol,
        catalogue=CATALOGUE,
        parse_catalogue=parse_catalogue,
        default_name=default_name,
        # An unchanged book is confirmed about once a minute.
        silence_limit=75 * SECOND,
        named_in=_named_in,
        kind_of=_kind_of,
        limits=VenueLimits(connects=Rate(3, SECOND), weight=Rate(20, 2 * SECOND), books_a_link=30),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset(Beside),
        checks="each update names the one before it",
        docs="https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel",
        depth=f"{DEPTH} levels a side, kept by the venue, each 100 ms",
        quirks=(
            "our symbols are the spot pairs; swaps and futures are mapped by name (BTC-USDT-SWAP)",
            "sizes of swaps and futures are contracts",
            "ids go back after maintenance while the chain holds",
            "480 requests an hour and connection: a link that used them up is opened anew",
        ),
    ),
)
