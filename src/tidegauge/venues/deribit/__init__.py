"""Deribit: whole books and chained changes of perpetuals, futures, spot and options, one socket.

docs.deribit.com, "book.{instrument_name}.{interval}", "public/set_heartbeat" and "Rate limits".
"""

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

from .books import DeribitProtocol
from .catalogue import CATALOGUE, default_name, parse_catalogue
from .frames import named_in, read_rest_book

AUDITED_DEPTH = 1000
BOOKS_A_LINK = 100


def _audit_request(instrument: Instrument) -> Fetch:
    query = (("instrument_name", instrument.name), ("depth", str(AUDITED_DEPTH)))
    return Fetch(
        purpose=Purpose.AUDIT,
        path="/api/v2/public/get_order_book",
        params=query,
        instrument=instrument.name,
    )


def _read_audit(instrument: Instrument, body: bytes) -> BookSnapshot:
    return read_rest_book(instrument.name, body, AUDITED_DEPTH)


def _kind_of(name: str) -> InstrumentKind:
    """Read `BTC_USDC`, `BTC-PERPETUAL`, `BTC-25DEC26` and `BTC-25DEC26-60000-C`."""
    parts = name.split("-")
    if len(parts) == 1:
        return InstrumentKind.SPOT
    if parts[-1] in ("C", "P"):
        return InstrumentKind.OPTION
    return InstrumentKind.PERP if parts[-1] == "PERPETUAL" else InstrumentKind.FUTURE


SPECS = (
    VenueSpec(
        name="deribit",
        family="deribit",
        kind=InstrumentKind.PERP,
        ws_url="wss://www.deribit.com",
        rest_url="https://www.deribit.com",
        links=lambda _: {BOOK_LINK: "/ws/api/v2"},
        protocol=DeribitProtocol,
        catalogue=CATALOGUE,
        parse_catalogue=parse_catalogue,
        default_name=default_name,
        # A still book says nothing at all; 54 s were seen of a perpetual.
        silence_limit=90 * SECOND,
        named_in=named_in,
        kind_of=_kind_of,
        limits=VenueLimits(
            # Subscribing costs 3,000 of 30,000 credits, of which 10,000 come back each second.
            messages=Rate(10, 3 * SECOND),
            weight=Rate(20, SECOND),
            books_a_link=BOOKS_A_LINK,
        ),
        audit=Audit(request=_audit_request, read=_read_audit),
        beside=frozenset(Beside),
        checks="each change names the one before it",
        docs="https://docs.deribit.com/#book-instrument_name-interval",
        depth="the whole book, each 100 ms",
        quirks=(
            "our symbols are perpetuals: BTCUSDT is BTC_USDC-PERPETUAL, BTCUSD is BTC-PERPETUAL",
            "sizes of inverse futures are USD; contract_size is not multiplied with",
            "unknown channels are left out of the answer, without an error",
            "of options only the book is kept; a side of it may be empty",
        ),
    ),
)
