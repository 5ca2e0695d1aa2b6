"""One shard of a venue's connections, and what of it the world is told."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import BookId, Nanos, VenueName
from tidegauge.core.trust import Trust, TrustReason

from .effects import BookUpdated, Effect, MarketTold, Quarantine
from .feed import Listing, VenueFeed
from .handover import Handover
from .protocol import Drop, Fetch, Send


@dataclass(frozen=True, slots=True)
class Entered:
    """Open the links of this feed."""

    feed: VenueFeed


@dataclass(frozen=True, slots=True)
class Left:
    """Close the links of this shard for good."""

    reason: str


@dataclass(frozen=True, slots=True)
class InService:
    """This feed's books are the ones to watch from now on."""

    feed: VenueFeed


@dataclass(frozen=True, slots=True)
class Released:
    """This book is watched no more."""

    book: BookId


class Order(NamedTuple):
    """What to do, and for which shard."""

    shard: str
    effect: Effect | Entered | Left | InService | Released


Orders: TypeAlias = list[Order]


@dataclass(slots=True)
class Shard:
    """A feed with links of its own. `handover` is set on both sides of a roll.

    `successor` names the shard that is to replace this one, `replaces` the one that this is to
    replace. `leaves_at` is set once it was replaced: until then its links stay open. `released`
    holds what it still carries and nobody watches: one that is wanted again comes by a roll.
    """

    name: str
    feed: VenueFeed
    handover: Handover | None = None
    successor: str | None = None
    replaces: str | None = None
    leaves_at: Nanos | None = None
    released: set[str] = field(default_factory=set)

    @property
    def serves(self) -> bool:
        """Whether its books are the ones that are watched."""
        return self.replaces is None and self.leaves_at is None

    def carries(self, name: str) -> bool:
        """Whether it has this book, and the book is still watched."""
        return name in self.feed.keepers and name not in self.released


@dataclass(slots=True)
class Plan:
    """A roll that is to be begun: why, not before when, and how often it has failed."""

    why: str
    at: Nanos
    failures: int = 0


@dataclass(slots=True)
class Restart:
    """When a shard that crashed begins afresh, and what it was: its books are watched till then."""

    at: Nanos
    crashed: Shard


def passes(shard: Shard, effect: Effect, wanted: Container[str]) -> bool:
    """Whether the world is to know of an effect.

    Of a feed that is not in service yet nobody hears but its own links; of one that was replaced,
    only the trades that nobody told before. `wanted` holds the instruments that are watched.
    """
    match effect:
        case Send() | Fetch() | Drop():
            return shard.leaves_at is None
        case Quarantine():
            return shard.serves
        case BookUpdated(keeper=keeper):
            return shard.serves and keeper.instrument.name in wanted
        case MarketTold(event=event):
            return event.instrument in wanted and _tells(shard, effect)
        case FeedEvent(instrument=None, kind=kind):
            refusal = kind is FeedEventKind.QUARANTINED
            return shard.serves or (shard.leaves_at is None and not refusal)
        case FeedEvent(instrument=name):
            return shard.serves and name in wanted
    return False


def _tells(shard: Shard, told: MarketTold) -> bool:
    if shard.replaces is not None:
        return False
    handover = shard.handover
    return handover is None or handover.first_told(told.event, serves=shard.serves)


def spread(listings: Sequence[Listing], most: int) -> list[Sequence[Listing]]:
    """Split into as few parts of at most `most` as will do; their sizes differ by one at most."""
    parts, size = -(-len(listings) // most), len(listings)
    return [listings[size * part // parts : size * (part + 1) // parts] for part in range(parts)]


def event_of(
    venue: VenueName,
    trace: str,
    kind: FeedEventKind,
    now: Nanos,
    listing: Listing | None,
    detail: str,
    trust: tuple[Trust, TrustReason] | None,
) -> FeedEvent:
    """Return an event of a fleet, about one instrument or none."""
    return FeedEvent(
        kind=kind,
        venue=venue,
        at=now,
        trace=trace,
        instrument=None if listing is None else listing.instrument.name,
        symbol=None if listing is None else listing.symbol,
        trust=None if trust is None else trust[0],
        reason=None if trust is None else trust[1],
        detail=detail[:500],
    )
