"""What a venue said about its books, and what happened to the feed. Frozen records.

Levels stay wire text until the book reads them: an event never builds an object a level.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .instrument import Nanos, VenueName
from .side import WireLevels
from .trust import Trust, TrustReason


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSnapshot:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDelta:
    """Absolute sizes at changed prices; size zero removes the level."""

    instrument: str
    bids: WireLevels
    asks: WireLevels
    sequence: int
    venue_time: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTouch:
    """The best bid and ask, newer than the rest of the book. None: that side is empty."""

    instrument: str
    bid: tuple[str, str] | None
    ask: tuple[str, str] | None
    sequence: int
    venue_time: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLost:
    """The protocol can no longer vouch for this book; a resync is under way."""

    instrument: str
    reason: TrustReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAlive:
    """The venue confirms that this book has not changed."""

    instrument: str


BookEvent: TypeAlias = BookSnapshot | BookDelta | BookTouch | BookLost | BookAlive


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
