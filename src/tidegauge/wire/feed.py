"""One venue's protocol together with its books: frames in, effects out. No I/O, no clock.

A live socket, a recorded tape, the simulator and a fuzzer all drive this same object, which is what
makes a replay a proof.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeAlias

from tidegauge.core.errors import FeedError, Remedy
from tidegauge.core.events import (
    BookAlive,
    BookDelta,
    BookLost,
    BookSnapshot,
    BookTouch,
    FeedEvent,
    FeedEventKind,
    Liquidation,
    MarketEvent,
    Marks,
    Trade,
)
from tidegauge.core.instrument import SECOND, Instrument, Nanos, Symbol
from tidegauge.core.keeper import BookKeeper, TrustChange
from tidegauge.core.reading import Origin
from tidegauge.core.trust import Trust, TrustReason

from .counts import FeedCounts
from .effects import BookUpdated, Effect, MarketTold, Quarantine
from .latency import LatencyFilter
from .protocol import (
    BOOK_LINK,
    Drop,
    Fetch,
    Note,
    Output,
    Refreshing,
    Response,
    Retire,
    Send,
    VenueSpec,
)

DEAD_AFTER: Nanos = 60 * SECOND
"""A link on which nothing at all came for so long is closed and opened again."""

Observer: TypeAlias = Callable[[BookKeeper, Nanos], None]
"""Called after each single applied update, before the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument to watch, and what we call it."""

    symbol: Symbol
    instrument: Instrument


class VenueFeed:
    """Drives one venue's protocol and keeps its books.

    `epochs` numbers link openings (the feeds of one venue share it); frames and REST answers are
    counted within the newest epoch of a link; venue/epoch/frame is the trace id of everything a frame causes.
    """

    def __init__(
        self,
        spec: VenueSpec,
        listings: Sequence[Listing],
        *,
        levels_kept: int | None = None,
        observer: Observer | None = None,
        epochs: Iterator[int] | None = None,
    ) -> None:
        self.spec = spec
        self.protocol = spec.protocol([listing.instrument for listing in listings])
        self.keepers: Mapping[str, BookKeeper] = {
            listing.instrument.name: BookKeeper(listing.instrument, listing.symbol)
            for listing in listings
        }
        self.counts = FeedCounts()
        self.notes: Counter[str] = Counter()
        self.latency = LatencyFilter()
        self._levels_kept = levels_kept
        self._observer = observer
        self._numbers = count(1) if epochs is None else epochs
        self._epochs: dict[str, int] = {}
        self._frames: dict[str, int] = {}
        self._updated: dict[str, BookKeeper] = {}
        self._causes: dict[str, tuple[int, int]] = {}
        self._heard_at: dict[str, Nanos] = {}
        self._fault_told = False

    # -- what the driver tells us ----------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Effect]:
        """A link opened: a new epoch for what it carries."""
        self._epochs[link], self._frames[link] = next(self._numbers), 0
        self._heard_at[link] = now
        self.counts.connects += 1
        effects: list[Effect] = [self._event(FeedEventKind.CONNECTED, link, now, detail=link)]
        if link == BOOK_LINK:
            for keeper in self.keepers.values():
                effects += self._told(
                    keeper, keeper.begin_epoch(self._epochs[link], now), link, now
                )
        return effects + self._act(self.protocol.opened(link, now), link, now)

    def closed(self, link: str, now: Nanos, reason: str) -> list[Effect]:
        """A link is gone."""
        self._heard_at.pop(link, None)
        effects: list[Effect] = [
            self._event(FeedEventKind.DISCONNECTED, link, now, detail=f"{link}: {reason}")
        ]
        return effects + self._act(self.protocol.closed(link, now), link, now)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Effect]:
        """One text frame came in. Never raises for anything a venue may send."""
        self.counts.frames += 1
        self._frames[link] += 1
        self._heard_at[link] = now
        try:
            outputs = self.protocol.received(link, frame, now)
        except FeedError as error:
            return self._failed(error, link, now)
        return self._act(outputs, link, now)

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Effect]:
        """A REST answer came in. It counts as a frame of the book link."""
        self._frames[BOOK_LINK] = self._frames.get(BOOK_LINK, 0) + 1
        try:
            outputs = self.protocol.fetched(fetch, response, now)
        except FeedError as error:
            return self._failed(error, BOOK_LINK, now)
        return self._act(outputs, BOOK_LINK, now)

    def tick(self, now: Nanos) -> list[Effect]:
        """About once a second: pings, retries, silence, crossings that stay."""
        effects = self._act(self.protocol.tick(now), BOOK_LINK, now)
        for keeper in self.keepers.values():
            change = keeper.tick(now, self.spec.silence_limit)
            effects += self._told(keeper, change, BOOK_LINK, now)
            effects += self._refresh(keeper, now)
        for link, heard_at in self._heard_at.items():
            if now - heard_at > DEAD_AFTER:
                self._heard_at[link] = now
                effects.append(Drop(link=link, reason=f"no frame for {DEAD_AFTER // SECOND} s"))
        return effects

    def crashed(self, now: Nanos, reason: str) -> list[Effect]:
        """Our own code failed on this feed: no book is believed. The protocol is asked nothing."""
        effects: list[Effect] = [
            self._event(FeedEventKind.DISCONNECTED, BOOK_LINK, now, detail=f"{BOOK_LINK}: {reason}")
        ]
        for keeper in self.keepers.values():
            change = keeper.lose(TrustReason.DISCONNECTED, now, reason)
            effects += self._told(keeper, change, BOOK_LINK, now)
        return effects

    def stopped(self, now: Nanos) -> list[Effect]:
        """The monitor stops: the record says until when each believed book was watched."""
        stopped = partial(self._event, FeedEventKind.TRUST, BOOK_LINK, now)
        return [
            stopped(name, trust=Trust.UNTRUSTED, reason=TrustReason.STOPPED)
            for name, keeper in self.keepers.items()
            if keeper.trust is Trust.LIVE
        ]

    def overflowed(self, now: Nanos, dropped: int) -> list[Effect]:
        """Frames were dropped before they reached us: every book has to start afresh."""
        effects: list[Effect] = [
            self._event(
                FeedEventKind.OVERFLOW, BOOK_LINK, now, detail=f"{dropped} frames were dropped"
            )
        ]
        for name in self.keepers:
            effects += self._resync(name, TrustReason.OVERFLOW, now, f"{dropped} frames dropped")
        return effects

    # -- what comes of it ------------------------------------------------------------------------

    def _act(self, outputs: list[Output], link: str, now: Nanos) -> list[Effect]:
        effects: list[Effect] = []
        for output in outputs:
            match output:
                case BookSnapshot() | BookDelta() | BookTouch():
                    effects += self._apply(output, link, now)
                case BookAlive(instrument=name):
                    keeper = self.keepers[name]
                    effects += self._told(keeper, keeper.alive(now), link, now)
                case BookLost():
                    effects += self._lost(output, link, now)
                case Trade() | Marks() | Liquidation():
                    effects += self._beside(output, link, now)
                case Send() | Fetch() | Drop() | Retire():
                    effects.append(output)
                case Note(kind=kind, instrument=name, detail=detail):
                    self.notes[kind] += 1
                    if kind == "subscribed":
                        effects.append(
                            self._event(FeedEventKind.SUBSCRIBED, link, now, name, detail=detail)
                        )
                case FeedError():
                    effects += self._failed(output, link, now)
        return effects + self._settled(link, now)

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
        try:
            change = keeper.apply(event, now)
        except FeedError as error:
            error.instrument = event.instrument
            return self._failed(error, link, now)
        self.counts.updates += 1
        if self._levels_kept is not None:
            keeper.prune(self._levels_kept)
        self._updated[event.instrument] = keeper
        self._causes[event.instrument] = (self._epochs.get(link, 0), self._frames.get(link, 0))
        if self._observer is not None:
            self._observer(keeper, now)
        return self._told(keeper, change, link, now)

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

    def refused(self, now: Nanos, reason: str) -> list[Effect]:
        """The venue refused the connection itself (HTTP 401, 403 or 451)."""
        return self._quarantine(reason, BOOK_LINK, now)

    def _refresh(self, keeper: BookKeeper, now: Nanos) -> list[Effect]:
        """Have a book told anew, while it stays believed, once the price left what is known."""
        if not isinstance(self.protocol, Refreshing) or not keeper.wants_refresh(now):
            return []
        self.counts.refreshes += 1
        return self._act(self.protocol.refresh(keeper.instrument.name, now), BOOK_LINK, now)

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
            if self.latency.clock_fault and not self._fault_told:
                self._fault_told = True
                self.counts.clock_faults += 1
                detail = "a frame arrived before the venue's clock says it was sent"
                effects.append(self._event(FeedEventKind.CLOCK_FAULT, link, now, detail=detail))
            effects.append(BookUpdated(keeper=keeper, origin=origin))
        return effects

    def origin(self, keeper: BookKeeper, now: Nanos, latency: Nanos | None = None) -> Origin:
        """Describe a reading taken now; it is traced to the frame that last changed the book."""
        epoch, frame = self._causes.get(keeper.instrument.name, (0, 0))
        return Origin(
            venue=keeper.id.venue,
            symbol=keeper.id.symbol,
            instrument=keeper.instrument.name,
            epoch=epoch,
            frame=frame,
            sequence=keeper.sequence,
            received_at=now,
            venue_time=keeper.venue_time,
            feed_age=now - keeper.updated_at if keeper.updated_at is not None else 0,
            latency=latency,
        )

    def _latency(self, keeper: BookKeeper, now: Nanos) -> Nanos | None:
        told = keeper.venue_time
        return None if told is None else self.latency.excess(told, now)

    def trace(self, link: str = BOOK_LINK) -> str:
        """The trace id of the newest frame of `link`."""
        return f"{self.spec.name}/{self._epochs.get(link, 0)}/{self._frames.get(link, 0)}"

    def _event(
        self,
        kind: FeedEventKind,
        link: str,
        now: Nanos,
        name: str | None = None,
        *,
        trust: Trust | None = None,
        reason: TrustReason | None = None,
        detail: str = "",
    ) -> FeedEvent:
        keeper = self.keepers.get(name) if name is not None else None
        return FeedEvent(
            kind=kind,
            venue=self.spec.name,
            at=now,
            trace=self.trace(link),
            instrument=name,
            symbol=keeper.id.symbol if keeper is not None else None,
            trust=trust,
            reason=reason,
            detail=detail[:500],
        )
