"""Bybit v5 spot and linear: snapshots and numbered deltas on one socket per market.

bybit-exchange.github.io/docs/v5, "Websocket Stream" and "Connect".
"""

from functools import partial

import msgspec

from tidegauge.core.errors import FeedError
from tidegauge.core.events import (
    BookSnapshot,
)
from tidegauge.core.instrument import (
    SECOND,
    Instrument,
    InstrumentKind,
)
from tidegauge.wire.decode import (
    FrameDecoder,
    nanos,
)
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

from .books import DEPTH, Book, BybitProtocol, depth_and_name, snapshot_of
from .catalogue import next_page, parse_catalogue
from .frames import read_envelope


class BookAnswer(msgspec.Struct):
    result: Book


_book_answer = FrameDecoder(BookAnswer)


def _audit_request(category: str, instrument: Instrument) -> Fetch:
    query = (("category", category), ("symbol", instrument.name), ("limit", str(DEPTH)))
    return Fetch(
        purpose=Purpose.AUDIT,
        path="/v5/market/orderbook",
        params=query,
        instrument=instrument.name,
    )


def _read_audit(_: Instrument, body: bytes) -> BookSnapshot:
    data = _book_answer(body).result
    return snapshot_of(data, None if data.cts is None else nanos(data.cts), DEPTH)


def _named_in(frame: str) -> list[str]:
    """Return the instrument a recorded order-book frame is about."""
    try:
        kind, _, rest = read_envelope(frame).topic.partition(".")
    except FeedError:
        return []
    depth, name = depth_and_name(rest) if kind == "orderbook" else (0, "")
    return [name] if depth and name else []


def _spec(category: str, kind: InstrumentKind, beside: frozenset[Beside]) -> VenueSpec:
    name, path = f"bybit-{category}", f"/v5/public/{category}"
    query = (("category", category), ("limit", "1000"))
    return VenueSpec(
        name=name,
        family="bybit",
        kind=kind,
        ws_url="wss://stream.bybit.com",
        rest_url="https://api.bybit.com",
        links=lambda _: {BOOK_LINK: path},
        protocol=BybitProtocol,
        catalogue=(
            Fetch(purpose=Purpose.CATALOGUE, path="/v5/market/instruments-info", params=query),
        ),
        parse_catalogue=partial(parse_catalogue, name),
        next_page=next_page,
        default_name=str.upper,
        named_in=_named_in,
        limits=VenueLimits(
            connects=Rate(400, 300 * SECOND), weight=Rate(500, 5 * SECOND), books_a_link=100
        ),
        audit=Audit(request=partial(_audit_request, category), read=_read_audit),
        beside=beside,
        checks="update ids, one by one",
        docs="https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook",
        depth=f"{DEPTH} levels a side, kept by the venue, each 200 ms",
        quirks=(
            "a snapshot may come at any time, and replaces the book",
            "the socket, not the symbol, decides the market",
            "refuses addresses in some countries with HTTP 403",
        ),
    )


SPECS = (
    _spec("spot", InstrumentKind.SPOT, frozenset({Beside.TRADES})),
    _spec("linear", InstrumentKind.PERP, frozenset(Beside)),
)
