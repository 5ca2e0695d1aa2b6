"""What a venue said about its books, and what happened to the feed. Frozen records.

Levels stay wire text until the book reads them: an event never builds an object a level. What comes
with every frame is a `Struct`: it is made in a fifth of the time a frozen dataclass takes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from .instrument import Nanos, VenueName
from .reading import Taker
from .side import WireLevels
from .trust import Trust, TrustReason


class BookSnapshot(Struct, frozen=True, kw_only=True, gc=False):
    """The whole book, as far as the venue tells it. Replaces what was known.

    `limit`: levels a side that were asked for. `window`: depth of the subscription, where the venue
    keeps it at the best levels. See `OrderBook.apply_snapshot`.
    """

    instrument: str
    bids: WireLevels
    asks: WireLevels
    sequence: int
    venue_time: Nanos | None = None
    limit: int | None = None
    window: int | None = None


class BookDelta(Struct, frozen=True, kw_only=True, gc=False):
    """Absolute sizes at changed prices; size zero removes the level."""

    instrument: str
    bids: WireLevels
    asks: WireLevels
    sequence: int
    venue_time: Nanos | None = None


class BookTouch(Struct, frozen=True, kw_only=True, gc=False):
    """The best bid and ask, newer than the rest of the book. None: that side is empty."""

    instrument: str
    bid: tuple[str, str] | None
    ask: tuple[str, str] | None
    sequence: int
    venue_time: Nanos | None = None


class BookLost(Struct, frozen=True, kw_only=True, gc=False):
    """The protocol can no longer vouch for this book; a resync is under way."""

    instrument: str
    reason: TrustReason
    detail: str = ""


class BookAlive(Struct, frozen=True, kw_only=True, gc=False):
    """The venue confirms that this book has not changed."""

    instrument: str


BookEvent: TypeAlias = BookSnapshot | BookDelta | BookTouch | BookLost | BookAlive


class Trade(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody crossed the spread. `price` and `size` are wire text, in the venue's units.

    `taker` is who crossed, whatever side the venue names. `id` is unique per instrument, so that
    what a venue repeats is known; `liquidation`: the venue says a position was being closed by it.
    """

    instrument: str
    taker: Taker
    price: str
    size: str
    id: str
    venue_time: Nanos | None = None
    liquidation: bool = False


class Marks(Struct, frozen=True, kw_only=True, gc=False):
    """What a venue says of a contract beside its book. None: this frame does not speak of it.

    `mark` and `index` are prices; `funding_rate` is a fraction for a span of `funding_interval`,
    positive when longs pay; `open_interest` is in the venue's size unit. All wire text.
    """

    instrument: str
    mark: str | None = None
    index: str | None = None
    funding_rate: str | None = None
    funding_interval: Nanos | None = None
    next_funding_at: Nanos | None = None
    open_interest: str | None = None
    venue_time: Nanos | None = None


class Position(StrEnum):
    LONG = "long"
    SHORT = "short"


class Liquidation(Struct, frozen=True, kw_only=True, gc=False):
    """A position that the venue closed by force. `price` and `size` are wire text."""

    instrument: str
    position: Position
    price: str
    size: str
    venue_time: Nanos | None = None


MarketEvent: TypeAlias = Trade | Marks | Liquidation
"""What a venue tells beside the book."""


class FeedEventKind(StrEnum):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    SUBSCRIBED = "subscribed"
    REJECTED = "rejected"
    GAP = "gap"
    RESYNC = "resync"
    TRUST = "trust"
    MALFORMED = "malformed"
    CLOCK_FAULT = "clock_fault"
    QUARANTINED = "quarantined"
    OVERFLOW = "overflow"
    CATALOGUE = "catalogue"
    CLOCK_STEP = "clock_step"
    AUDIT = "audit"
    ROLLED = "rolled"
    ADDED = "added"
    REMOVED = "removed"
    DELISTED = "delisted"
    LIMITED = "limited"
    CONFLATED = "conflated"
    THINNED = "thinned"
    SPOOL_FAULT = "spool_fault"
    ROW_REFUSED = "row_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """Something that happened to a feed, for the record (design.md section 2).

    `instrument` is None when it concerns the whole venue. `trust` and `reason` are set on `TRUST`.
    `trace` names the frame that caused it: venue/epoch/frame number.
    """

    kind: FeedEventKind
    venue: VenueName
    at: Nanos
    trace: str
    instrument: str | None = None
    symbol: str | None = None
    trust: Trust | None = None
    reason: TrustReason | None = None
    detail: str = ""
