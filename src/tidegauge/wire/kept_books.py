"""The books of one feed, and what comes of what its protocol says: books, trust, events."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from tidegauge.core.errors import FeedError, Remedy
from tidegauge.core.events import (
    BookAlive,
    BookDelta,
    BookLost,
    BookSnapshot,
    BookTouch,
    FeedEventKind,
    Liquidation,
    MarketEvent,
    Marks,
    Trade,
)
from tidegauge.core.instrument import Instrument, Nanos, Symbol
from tidegauge.core.keeper import BookKeeper, TrustChange
from tidegauge.core.reading import Origin
from tidegauge.core.trust import Trust, TrustReason

from .counts import FeedCounts
from .effects import BookUpdated, Effect, MarketTold, Quarantine
from .inspector import AUDIT_EVERY, Inspector
from .latency import LatencyFilter
from .links import LinkWatch
from .protocol import BOOK_LINK, Drop, Fetch, Note, Output, Refreshing, Retire, Send, VenueSpec
from .trail import Trail

Observer: TypeAlias = Callable[[BookKeeper, Nanos], None]
"""Called after each single applied update, before the next one."""

TOLD = {"subscribed": FeedEventKind.SUBSCRIBED, "unchecked": FeedEventKind.AUDIT}
"""Notes that go on the record; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument to watch, and what we call it."""

    symbol: Symbol
    instrument: Instrument


class Care(TypedDict, total=False):
    """How books are looked after.

    `levels_kept` and `range_kept_bps` (from the best price) say what of each side is kept; None:
    all of it. `audit_every`: how often a book is compared with REST; None: never, in doubt neither.
    `recorded`: it is played from a tape, so that nobody answers what is not on it.
    """

    levels_kept: int | None
    range_kept_bps: int | None
    audit_every: Nanos | None
    recorded: bool


class KeptBooks:
    """A protocol and the books it feeds. `VenueFeed` is how a driver speaks to it.

    `epochs` numbers link openings (the feeds of one venue share it); for the rest see `Care`.
    """

    def __init__(
        self,
        spec: VenueSpec,
        listings: Sequence[Listing],
        *,
        levels_kept: int | None = None,
        range_kept_bps: int | None = None,
        observer: Observer | None = None,
        epochs: Iterator[int] | None = None,
        audit_every: Nanos | None = AUDIT_EVERY,
        recorded: bool = False,
    ) -> None:
        self.spec = spec
        self.protocol = spec.protocol([listing.instrument for listing in listings])
        self.keepers: Mapping[str, BookKeeper] = {
            listing.instrument.name: BookKeeper(listing.instrument, listing.symbol)
            for listing in listings
        }
        self._refresher = self.protocol if isinstance(self.protocol, Refreshing) else None
        self.counts = FeedCounts()
        self.notes: Counter[str] = Counter()
        self.latency = LatencyFilter()
        self.inspector = Inspector(
            self.keepers, spec.audit, spec.silence_limit, every=None if recorded else audit_every
        )
        self._recorded = recorded
        self._kept = (levels_kept, range_kept_bps)
        self._prunes = self._kept != (None, None)
        self._observer = observer
        self._trail = Trail(spec.name, self.keepers, epochs)
        self._event = self._trail.event
        self._links = LinkWatch()
        self._updated: dict[str, BookKeeper] = {}

    def _act(self, outputs: list[Output], link: str, now: Nanos) -> list[Effect]:
        effects: list[Effect] = []
        for output in outputs:
            match output:
                case BookSnapshot() | BookDelta() | BookTouch():
                    effects += self._apply(output, link, now)
                case BookAlive(instrument=name):
                    keeper = self.keepers[name]
                    effects += self._told(keeper, keeper.alive(now), link, now)
                    self._vouched(keeper, link, now)
                case BookLost():
                    effects += self._lost(output, link, now)
                case Trade() | Marks() | Liquidation():
                    effects += self._beside(output, link, now)
                case Send() | Fetch() | Drop() | Retire():
                    effects.append(output)
                case Note():
                    effects += self._noted(output, link, now)
                case FeedError():
                    effects += self._failed(output, link, now)
        return effects + self._settled(link, now)

    def _noted(self, note: Note, link: str, now: Nanos) -> list[Effect]:
        self.notes[note.kind] += 1
        if note.kind == "unchecked" and note.instrument is not None:
            self.inspector.unchecked(note.instrument)
        kind = TOLD.get(note.kind)
        if kind is None:
            return []
        return [self._event(kind, link, now, note.instrument, detail=note.detail)]

    def _beside(self, event: MarketEvent, link: str, now: Nanos) -> list[Effect]:
        keeper = self.keepers.get(event.instrument)
        if keeper is None:
            return []
        told = MarketTold(keeper=keeper, event=event, received_at=now, trace=self.trace(link))
        return [told]

    def _apply(
        self, event: BookSnapshot | BookDelta | BookTouch, link: str, now: Nanos
    ) -> list[Effect]:
        keeper = self.keepers.get(event.instrument)
        if keeper is None:
            self.notes["unknown_instrument"] += 1
            return []
        afresh = keeper.trust not in (Trust.LIVE, Trust.STALE)
        self.inspector.applying(event)
        try:
            change = keeper.apply(event, now)
        except FeedError as error:
            error.instrument = event.instrument
            return self._failed(error, link, now)
        self.counts.updates += 1
        self.counts.begun += afresh
        if self._prunes:
            keeper.prune(*self._kept)
        self._vouched(keeper, link, now, afresh=afresh)
        self._updated[event.instrument] = keeper
        self._trail.changed(event.instrument, link)
        if self._observer is not None:
            self._observer(keeper, now)
        return self._told(keeper, change, link, now)

    def _vouched(self, keeper: BookKeeper, link: str, now: Nanos, *, afresh: bool = False) -> None:
        """The venue told of this book."""
        if keeper.trust is Trust.LIVE:
            self.inspector.heard(keeper.instrument.name, now, afresh=afresh)
            self._links.told(keeper.instrument.name, link, now)

    def _lost(self, lost: BookLost, link: str, now: Nanos) -> list[Effect]:
        effects: list[Effect] = []
        if lost.reason is TrustReason.GAP:
            self.counts.gaps += 1
            effects.append(
                self._event(FeedEventKind.GAP, link, now, lost.instrument, detail=lost.detail)
            )
        if lost.reason is not TrustReason.DISCONNECTED:
            self.counts.resyncs += 1
        keeper = self.keepers[lost.instrument]
        change = keeper.lose(lost.reason, now, lost.detail)
        return effects + self._told(keeper, change, link, now)

    def _failed(self, error: FeedError, link: str, now: Nanos) -> list[Effect]:
        name = error.instrument if error.instrument in self.keepers else None
        match error.remedy:
            case Remedy.RETIRE if name is not None:
                change = self.keepers[name].lose(
                    TrustReason.REJECTED, now, str(error), trust=Trust.UNTRUSTED
                )
                return [
                    self._event(FeedEventKind.REJECTED, link, now, name, detail=str(error)),
                    *self._told(self.keepers[name], change, link, now),
                ]
            case Remedy.QUARANTINE:
                return self._quarantine(str(error), link, now)
            case Remedy.RECONNECT:
                return [Drop(link=link, reason=str(error))]
            case _:
                effects = self._malformed(error, link, now, name)
                if name is not None:
                    effects += self._resync(name, TrustReason.MALFORMED, now, str(error))
                return effects

    def _malformed(self, error: FeedError, link: str, now: Nanos, name: str | None) -> list[Effect]:
        detail = self.counts.bad_frame(error)
        if detail is None:
            return []
        return [self._event(FeedEventKind.MALFORMED, link, now, name, detail=detail)]

    def _quarantine(self, reason: str, link: str, now: Nanos) -> list[Effect]:
        effects: list[Effect] = [
            self._event(FeedEventKind.QUARANTINED, link, now, detail=reason),
            Quarantine(reason=reason),
        ]
        for keeper in self.keepers.values():
            change = keeper.lose(TrustReason.REFUSED, now, reason, trust=Trust.UNTRUSTED)
            effects += self._told(keeper, change, link, now)
        return effects

    def _resync(self, name: str, reason: TrustReason, now: Nanos, detail: str) -> list[Effect]:
        effects: list[Effect] = [
            self._event(FeedEventKind.RESYNC, BOOK_LINK, now, name, reason=reason, detail=detail)
        ]
        return effects + self._act(self.protocol.resync(name, reason, now), BOOK_LINK, now)

    def _told(
        self, keeper: BookKeeper, change: TrustChange | None, link: str, now: Nanos
    ) -> list[Effect]:
        """Record a move of trust, and start the book afresh where its keeper asks for it."""
        if change is None:
            return []
        name = keeper.instrument.name
        if change.after is not Trust.LIVE:
            self._updated.pop(name, None)
        if change.after not in (Trust.LIVE, Trust.STALE):
            self.inspector.lost(name)
        effects: list[Effect] = [
            self._event(
                FeedEventKind.TRUST,
                link,
                now,
                name,
                trust=change.after,
                reason=change.reason,
                detail=change.detail,
            )
        ]
        if change.demand_resync:
            effects += self._resync(name, change.reason, now, change.detail)
        return effects

    def _settled(self, link: str, now: Nanos) -> list[Effect]:
        """Tell of each book that this frame left changed and believed, once."""
        updated, self._updated = self._updated, {}
        effects: list[Effect] = []
        for keeper in updated.values():
            if keeper.trust is not Trust.LIVE:
                continue
            origin = self.origin(keeper, now, self._latency(keeper, now))
            if fault := self.latency.fault():
                self.counts.clock_faults += 1
                effects.append(self._event(FeedEventKind.CLOCK_FAULT, link, now, detail=fault))
            effects.append(BookUpdated(keeper=keeper, origin=origin))
        return effects

    def origin(self, keeper: BookKeeper, now: Nanos, latency: Nanos | None = None) -> Origin:
        """Describe a reading taken now; it is traced to the frame that last changed the book."""
        return self._trail.origin(keeper, now, latency)

    def trace(self, link: str = BOOK_LINK) -> str:
        """The trace id of the newest frame of `link`."""
        return self._trail.trace(link)

    def _latency(self, keeper: BookKeeper, now: Nanos) -> Nanos | None:
        told = keeper.venue_time
        return None if told is None else self.latency.excess(told, now)
