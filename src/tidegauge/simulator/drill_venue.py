"""One venue of a drill: its market, its socket, and the real feed that listens to it.

The smallest honest stand-in for a venue: it has one book, numbers its updates, and speaks a plain
wording over the common part of all venues that tell their books on the socket (`wire.subscribed`).
Its gaps, silences and outages are told by nobody: the feed finds them, as it does in a live day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec

from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, Nanos, Symbol, VenueName
from tidegauge.wire.decode import FrameDecoder, Levels
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Drop,
    Fetch,
    Output,
    Purpose,
    Send,
    VenueSpec,
)
from tidegauge.wire.sequencer import StepSequencer
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording

from .drill_market import STEP, TICK, DrillBook, DrillMarket
from .scenario import Conditions

SILENCE_LIMIT: Nanos = 10 * SECOND
"""How long a book may say nothing until its own silences are known."""

SUBSCRIBE, HEARTBEAT = "subscribe", "{}"
REOPENS_AFTER: Nanos = SECOND


class TroubleKind(StrEnum):
    """What may go wrong with the feed of a venue."""

    OUTAGE = "outage"
    """The socket is closed, and cannot be opened."""
    SILENT = "silent"
    """The socket stays open and its heartbeats come; of the book nothing is told."""
    GAPS = "gaps"
    """An update is lost now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A spell of trouble with the feeds of `venues`. `every`: how often an update is lost."""

    kind: TroubleKind
    venues: frozenset[VenueName]
    begins_at: Nanos
    lasts: Nanos
    every: Nanos = 20 * SECOND

    def holds(self, venue: VenueName, elapsed: Nanos) -> bool:
        """Whether `venue` has it, `elapsed` after the drill began."""
        return venue in self.venues and 0 <= elapsed - self.begins_at < self.lasts


class _Told(msgspec.Struct, gc=False):
    """A frame: of a book, or, when it holds nothing, a heartbeat. `n` counts the updates."""

    i: str = ""
    b: Levels = []
    a: Levels = []
    n: int = 0
    whole: bool = False


_read = FrameDecoder(_Told)
_write = msgspec.json.Encoder()


class DrillProtocol(SubscribedProtocol[StepSequencer]):
    """The conversation: a snapshot for each subscription, then updates numbered one by one."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.books = SubscribedBooks(
            [instrument.name for instrument in instruments],
            Wording(
                subscribe=lambda _names, _number: [SUBSCRIBE],
                unsubscribe=lambda _names, _number: [],
                batch=1,
            ),
        )

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        told = _read(frame)
        self.books.heard(now)
        if told.i not in self.books:
            return []
        if not told.whole:
            delta = BookDelta(instrument=told.i, bids=told.b, asks=told.a, sequence=told.n)
            return self.books.follow(delta, told.n, now=now)
        whole = BookSnapshot(instrument=told.i, bids=told.b, asks=told.a, sequence=told.n)
        return [*self.books.synchronised(told.i, StepSequencer(told.n), now), whole]


def _spec(book: DrillBook) -> VenueSpec:
    return VenueSpec(
        name=book.venue,
        family=book.venue,
        kind=book.kind,
        ws_url="ws://drill.invalid",
        rest_url="http://drill.invalid",
        links=lambda _instruments: {BOOK_LINK: "/"},
        protocol=DrillProtocol,
        catalogue=(Fetch(purpose=Purpose.CATALOGUE, path="/"),),
        parse_catalogue=lambda _body: [],
        default_name=lambda symbol: symbol,
        silence_limit=SILENCE_LIMIT,
    )


class DrillVenue:
    """Drives one feed: what the venue says at each instant, and what comes of it."""

    def __init__(self, book: DrillBook, base: str, symbol: Symbol, seed: int) -> None:
        self.name = book.venue
        self.book = book
        self.market = DrillMarket(book, seed)
        instrument = Instrument(
            venue=book.venue,
            name=f"{base}{book.quote}",
            kind=book.kind,
            base=base,
            quote=book.quote,
            tick=Decimal(TICK),
            step=Decimal(STEP),
        )
        listing = Listing(symbol=symbol, instrument=instrument)
        self.feed = VenueFeed(_spec(book), [listing], audit_every=None)
        self.keeper = self.feed.keepers[instrument.name]
        self._number = 0
        self._open = False
        self._opens_at: Nanos = 0
        self._asked = False
        self._lost_at: Nanos = 0

    def tell(
        self, now: Nanos, price_bps: float, conditions: Conditions, troubles: Iterable[Trouble]
    ) -> list[Effect]:
        """Let the market go on to `now`, and have the feed told of it; return what came of it."""
        self.market.step(1 / self.book.updates, price_bps, conditions)
        spells = {trouble.kind: trouble for trouble in troubles}
        if TroubleKind.OUTAGE in spells:
            if not self._open:
                return []
            return self._close(now, "the venue closed the connection")
        if not self._open:
            self._open = now >= self._opens_at
            return self.feed.opened(BOOK_LINK, now) if self._open else []
        if TroubleKind.SILENT in spells:
            return self.feed.received(BOOK_LINK, HEARTBEAT, now)
        return self._say(now, spells.get(TroubleKind.GAPS))

    def tick(self, now: Nanos) -> list[Effect]:
        """Let the feed look at the time."""
        return self.feed.tick(now)

    def take(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        """Do what the feed wants done; return what comes of that."""
        came: list[Effect] = []
        for effect in effects:
            match effect:
                case Send(text=text):
                    self._asked = self._asked or text == SUBSCRIBE
                case Drop(reason=reason):
                    came += self._close(now, reason)
        return came

    def _close(self, now: Nanos, why: str) -> list[Effect]:
        self._open = self._asked = False
        self._opens_at = now + REOPENS_AFTER
        return self.feed.closed(BOOK_LINK, now, why)

    def _say(self, now: Nanos, gaps: Trouble | None) -> list[Effect]:
        whole, self._asked = self._asked, False
        bids, asks = self.market.whole() if whole else self.market.changed()
        self._number += 1
        if gaps is not None and not whole and now - self._lost_at >= gaps.every:
            self._lost_at = now
            return []
        told = _Told(self.keeper.instrument.name, bids, asks, self._number, whole)
        return self.feed.received(BOOK_LINK, _write.encode(told), now)
