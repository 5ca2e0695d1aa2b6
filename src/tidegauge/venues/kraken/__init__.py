"""Kraken v2, spot: books kept to a depth, proved by a checksum and by nothing else.

docs.kraken.com/api/docs/websocket-v2, "Book (Level 2)" and "Book Checksum (v2)".
"""

from decimal import Decimal
from typing import Annotated

import msgspec

from tidegauge.core.errors import FeedError, MalformedFrame
from tidegauge.core.events import BookSnapshot
from tidegauge.core.instrument import (
    SECOND,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    base_and_quote,
)
from tidegauge.wire.decode import FrameDecoder
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

from .books import DEPTH, KrakenProtocol
from .frames import read_envelope, read_names

NAME = "kraken"
AUDIT_LEVELS = 500
OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
"""What REST and the first sockets call an asset, and what v2 does."""

_REST_NAMES = {new: old for old, new in OLD_NAMES.items()}

Places = Annotated[int, msgspec.Meta(ge=0, le=18)]


class Pair(msgspec.Struct):
    """`wsname` is a name of the first sockets; dark pools have none."""

    pair_decimals: Places
    lot_decimals: Places
    wsname: str = ""
    status: str = ""


class AssetPairs(msgspec.Struct):
    result: dict[str, Pair]


class Depth(msgspec.Struct):
    """Rows are price, volume and a time in seconds."""

    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]


class DepthAnswer(msgspec.Struct):
    result: dict[str, Depth]


_asset_pairs = FrameDecoder(AssetPairs)
_depth_answer = FrameDecoder(DepthAnswer)


def _parse_catalogue(body: bytes) -> list[Instrument]:
    """Read "Get Tradable Asset Pairs". The tick is what prices are printed to."""
    instruments = []
    for pair in _asset_pairs(body).result.values():
        old_base, slash, old_quote = pair.wsname.partition("/")
        if not slash:
            continue
        base, quote = OLD_NAMES.get(old_base, old_base), OLD_NAMES.get(old_quote, old_quote)
        trading = pair.status == "online"
        instruments.append(
            Instrument(
                venue=NAME,
                name=f"{base}/{quote}",
                kind=InstrumentKind.SPOT,
                base=base,
                quote=quote,
                tick=Decimal(1).scaleb(-pair.pair_decimals),
                step=Decimal(1).scaleb(-pair.lot_decimals),
                status=InstrumentStatus.TRADING if trading else InstrumentStatus.HALTED,
            )
        )
    return instruments


def _audit_request(instrument: Instrument) -> Fetch:
    pair = "".join(_REST_NAMES.get(asset, asset) for asset in instrument.name.split("/"))
    return Fetch(
        purpose=Purpose.AUDIT,
        path="/0/public/Depth",
        params=(("pair", pair), ("count", str(AUDIT_LEVELS))),
        instrument=instrument.name,
    )


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    """Read "Get Order Book": one pair, under a name of its own."""
    books = [*_depth_answer(body).result.values()]
    if len(books) != 1:
        raise MalformedFrame(f"{len(books)} books instead of one")
    return BookSnapshot(
        instrument=instrument.name,
        bids=[(price, size) for price, size, _at in books[0].bids],
        asks=[(price, size) for price, size, _at in books[0].asks],
        sequence=0,
        limit=AUDIT_LEVELS,
    )


def _named_in(frame: str) -> list[str]:
    """Return the symbols whose books a recorded frame tells."""
    try:
        envelope = read_envelope(frame)
        named = read_names(envelope.data) if envelope.channel == "book" else []
    except FeedError:
        return []
    return [each.symbol for each in named if each.symbol]


def _default_name(symbol: str) -> str:
    return "/".join(filter(None, base_and_quote(symbol.upper())))


SPECS = (
    VenueSpec(
        name=NAME,
        family=NAME,
        kind=InstrumentKind.SPOT,
        ws_url="wss://ws.kraken.com",
        rest_url="https://api.kraken.com",
        links=lambda _: {BOOK_LINK: "/v2"},
        protocol=KrakenProtocol,
        catalogue=(Fetch(purpose=Purpose.CATALOGUE, path="/0/public/AssetPairs"),),
        parse_catalogue=_parse_catalogue,
        default_name=_default_name,
        named_in=_named_in,
        # How many messages it takes is not published and varies; this is well below any refusal.
        limits=VenueLimits(
            connects=Rate(140, 600 * SECOND),
            messages=Rate(5, SECOND),
            weight=Rate(1, SECOND),
        ),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset({Beside.TRADES}),
        checks="CRC32 over the digits of the best ten levels, on every message",
        docs="https://docs.kraken.com/api/docs/websocket-v2/book",
        depth=f"{DEPTH:,} levels a side, kept by the client, as events happen",
        quirks=(
            "levels fall out of the subscribed depth without a word",
            "numbers are not in quotes, and their zeros are part of the checksum",
            "a pair whose checksum never fits is watched unchecked, and compared by REST",
            "in maintenance no book is believed",
            "says BTC and DOGE on the socket, XBT and XDG by REST",
        ),
    ),
)
