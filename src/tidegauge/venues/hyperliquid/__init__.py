"""Hyperliquid perpetuals: whole books of 20 levels on one socket, the touch on another.

hyperliquid.gitbook.io, "API: Websocket" ("Subscriptions", "Timeouts and heartbeats") and
"Tick and lot size". Two sockets, because a book of another depth on the same one could not be told
apart, and because a refused coin closes the socket it was asked for on.
"""

from collections.abc import Mapping, Sequence

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind
from tidegauge.wire.decode import encode
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

from .books import BOOK_WITHIN, HyperliquidProtocol
from .catalogue import default_name, parse_catalogue
from .frames import TOUCH_LINK, read_book, read_envelope, read_named, snapshot_of


def _named_in(frame: str) -> list[str]:
    """Return the coin a recorded book or touch is about."""
    try:
        envelope = read_envelope(frame)
        return [read_named(envelope.data).coin] if envelope.channel in ("l2Book", "bbo") else []
    except FeedError:
        return []


def _links(_: Sequence[Instrument]) -> Mapping[str, str]:
    return {BOOK_LINK: "/ws", TOUCH_LINK: "/ws"}


def _audit_request(instrument: Instrument) -> Fetch:
    """The same 20 levels a side, without a number: only its time can be compared."""
    return Fetch(
        purpose=Purpose.AUDIT,
        path="/info",
        body=encode({"type": "l2Book", "coin": instrument.name}),
        instrument=instrument.name,
        weight=2,
    )


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    book = read_book(body)
    if book.coin != instrument.name:
        raise MalformedFrame(f"the book of {book.coin[:20]!r} for that of {instrument.name}")
    return snapshot_of(book)


SPECS = (
    VenueSpec(
        name="hyperliquid",
        family="hyperliquid",
        kind=InstrumentKind.PERP,
        ws_url="wss://api.hyperliquid.xyz",
        rest_url="https://api.hyperliquid.xyz",
        links=_links,
        protocol=HyperliquidProtocol,
        catalogue=(
            Fetch(
                purpose=Purpose.CATALOGUE, path="/info", body=encode({"type": "meta"}), weight=20
            ),
        ),
        parse_catalogue=parse_catalogue,
        default_name=default_name,
        silence_limit=BOOK_WITHIN,
        named_in=_named_in,
        limits=VenueLimits(
            connects=Rate(15, 60 * SECOND),
            messages=Rate(1500, 60 * SECOND),
            weight=Rate(1200, 60 * SECOND),
            books_a_link=100,
        ),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset({Beside.TRADES, Beside.MARK, Beside.FUNDING, Beside.OPEN_INTEREST}),
        checks="every book is whole, and newer than the last",
        docs="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket",
        depth="20 levels a side each 5 s, the touch with every block",
        quirks=(
            "an unknown coin closes the socket without a word",
            "no sequence numbers: every book is whole, and only its time counts",
            "coin names are case-sensitive; kPEPE is a thousand PEPE",
            "funding is for an hour; the index is the oracle's price",
            "10 sockets an address, and two are used for each hundred books",
        ),
    ),
)
