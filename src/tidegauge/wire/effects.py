"""What comes of a frame: what a feed returns to whoever drives it."""

from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from tidegauge.core.events import FeedEvent, MarketEvent
from tidegauge.core.instrument import Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin

from .protocol import Drop, Fetch, Retire, Send


class BookUpdated(Struct, frozen=True, kw_only=True):
    """This book changed because of this frame. Several updates in one frame are told once."""

    keeper: BookKeeper
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The venue refuses us; leave it alone."""

    reason: str


class MarketTold(Struct, frozen=True, kw_only=True):
    """The venue said something beside the book of this keeper's instrument."""

    keeper: BookKeeper
    event: MarketEvent
    received_at: Nanos
    trace: str


Effect: TypeAlias = Send | Fetch | Drop | Retire | Quarantine | BookUpdated | MarketTold | FeedEvent
