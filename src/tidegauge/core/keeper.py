"""Keeps one book: applies what the venue says, and knows whether it may be believed."""

from dataclasses import dataclass

from .book import OrderBook
from .errors import BookInvariantError
from .events import BookDelta, BookSnapshot, BookTouch
from .instrument import SECOND, BookId, Instrument, Nanos, Symbol
from .side import Side
from .trust import Trust, TrustReason

CROSSED_LIMIT: Nanos = 1 * SECOND
"""How long a book may stay crossed or locked before it is untrusted (signals.md section 1)."""

NARROWED = 0.7
"""A book is told anew when it reaches less than this share of what its snapshot reached."""

TOO_NARROW = 0.3
"""A book that was pruned and reaches less than this share is begun afresh, if nothing else helps."""

REFRESH_EVERY: Nanos = 30 * SECOND
"""A book is told anew at most this often: a snapshot is the dearest request a venue has."""

CHECK_EVERY = 4096
"""A sample of deltas is followed by the book's own audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustChange:
    """A book's trust moved. `demand_resync`: the keeper asks for a new snapshot."""

    before: Trust
    after: Trust
    reason: TrustReason
    detail: str = ""
    demand_resync: bool = False


class BookKeeper:
    """One book, its trust, and the epoch it belongs to.

    `updated_at` is when the venue last told of this book; `sequence` its last update id.
    """

    __slots__ = (
        "book",
        "changes",
        "crossed_since",
        "epoch",
        "id",
        "instrument",
        "pruned",
        "reach",
        "reason",
        "refreshed_at",
        "sequence",
        "since",
        "trust",
        "updated_at",
        "updates",
        "venue_time",
    )

    def __init__(self, instrument: Instrument, symbol: Symbol) -> None:
        self.instrument = instrument
        self.id = BookId(instrument.venue, symbol)
        self.book = OrderBook(
            price_scale=instrument.price_scale,
            size_scale=instrument.size_scale,
            contract_value=instrument.contract_value,
            inverse=instrument.inverse,
        )
        self.trust = Trust.SYNCING
        self.reason = TrustReason.STARTING
        self.since: Nanos = 0
        self.epoch = 0
        self.sequence = 0
        self.venue_time: Nanos | None = None
        self.updated_at: Nanos | None = None
        self.crossed_since: Nanos | None = None
        self.updates = 0
        self.changes = 0
        self.pruned = False
        self.reach: dict[Side, float | None] = {}
        self.refreshed_at: Nanos = 0

    @property
    def quotable(self) -> bool:
        """Whether a reading may be taken: LIVE, and neither crossed nor locked."""
        return self.trust is Trust.LIVE and not self.book.crossed

    def begin_epoch(self, epoch: int, now: Nanos) -> TrustChange | None:
        """A new connection: nothing is carried over from the old one."""
        self.epoch = epoch
        return self.lose(TrustReason.CONNECTED, now)

    def lose(
        self, reason: TrustReason, now: Nanos, detail: str = "", *, trust: Trust = Trust.SYNCING
    ) -> TrustChange | None:
        """Stop believing the book, and discard it."""
        self.book.clear()
        self.crossed_since = None
        return self._move(trust, reason, now, detail)

    def apply(self, event: BookSnapshot | BookDelta | BookTouch, now: Nanos) -> TrustChange | None:
        """Apply an event the sequencer let through. Raises `MalformedFrame`, the book unchanged.

        A delta or a touch for a book that is not synchronised is ignored.
        """
        if isinstance(event, BookSnapshot):
            self.book.apply_snapshot(event.bids, event.asks, limit=event.limit, window=event.window)
            self.reach = {side: self.book.reach_bps(side) for side in Side}
            self.pruned, self.refreshed_at = False, now
        elif self.trust not in (Trust.LIVE, Trust.STALE):
            return None
        elif isinstance(event, BookDelta):
            self.book.apply_delta(event.bids, event.asks)
        else:
            self.book.apply_touch(event.bid, event.ask)
        self.sequence = event.sequence
        self.venue_time = event.venue_time
        self.updated_at = now
        self.updates += 1
        self.changes += _width(event)
        if isinstance(event, BookSnapshot) or self.updates % CHECK_EVERY == 0:
            try:
                self.book.check()
            except BookInvariantError as error:
                return self.distrust(TrustReason.INVARIANT, now, str(error))
        synchronised = self._move(Trust.LIVE, TrustReason.SYNCHRONISED, now)
        return self._judge_crossing(now) or synchronised

    def alive(self, now: Nanos) -> TrustChange | None:
        """The venue confirms an unchanged book."""
        if self.trust not in (Trust.LIVE, Trust.STALE):
            return None
        self.updated_at = now
        return self._move(Trust.LIVE, TrustReason.SYNCHRONISED, now)

    def tick(self, now: Nanos, silence_limit: Nanos | None) -> TrustChange | None:
        """Look for a crossing that stays and for a silence that lasts."""
        if change := self._judge_crossing(now):
            return change
        if (
            silence_limit is not None
            and self.trust is Trust.LIVE
            and self.updated_at is not None
            and now - self.updated_at > silence_limit
        ):
            seconds = (now - self.updated_at) / SECOND
            return self._move(
                Trust.STALE, TrustReason.SILENT, now, f"no update for {seconds:.0f} s"
            )
        return None

    def doubt(self, now: Nanos, detail: str) -> TrustChange | None:
        """A live book is not told of any more, whatever its silence: believe it no longer."""
        if self.trust is not Trust.LIVE:
            return None
        return self._move(Trust.STALE, TrustReason.SILENT, now, detail)

    def distrust(self, reason: TrustReason, now: Nanos, detail: str) -> TrustChange:
        """The book is known to be wrong: discard it, and ask for a resync."""
        before = self.trust
        self.lose(reason, now, detail, trust=Trust.UNTRUSTED)
        return TrustChange(
            before=before,
            after=Trust.UNTRUSTED,
            reason=reason,
            detail=detail,
            demand_resync=True,
        )

    def prune(self, levels: int | None, range_bps: int | None = None) -> None:
        """Keep the best `levels` a side, and of those what lies within `range_bps` of the best.

        What that takes from a snapshot's reach is not missed.
        """
        known = self.book.known_bid, self.book.known_ask
        if levels is not None:
            self.book.prune(levels)
        if range_bps is not None:
            self.book.prune_beyond(range_bps)
        for side, before in zip(Side, known, strict=True):
            if self.book.known(side) is not before:
                self.pruned, self.reach[side] = True, self.book.reach_bps(side)

    def wants_refresh(self, now: Nanos) -> bool:
        """Whether the price has moved so far that too little is known on one side of it.

        A snapshot covers a fixed span of prices (1,000 levels of Binance USD-M: about 25 bps either
        way); as the price moves through it, the depth bands leave what is known. Says so once,
        and again only when that was of no avail for a while.
        """
        if self.trust is not Trust.LIVE or not self._narrowed_to(NARROWED):
            return False
        if now - self.refreshed_at < REFRESH_EVERY:
            return False
        self.refreshed_at = now
        return True

    def outgrown(self) -> bool:
        """Whether the price left what pruning kept: of a book that came whole, more can be had."""
        return self.trust is Trust.LIVE and self.pruned and self._narrowed_to(TOO_NARROW)

    def _narrowed_to(self, share: float) -> bool:
        reach = self.book.reach_bps()
        told = [each for each in self.reach.values() if each is not None]
        return reach is not None and bool(told) and reach < share * min(told)

    def _judge_crossing(self, now: Nanos) -> TrustChange | None:
        if not self.book.crossed or self.trust not in (Trust.LIVE, Trust.STALE):
            # Only a book that is believed can be crossed; one that is not is being replaced.
            self.crossed_since = None
            return None
        if self.crossed_since is None:
            self.crossed_since = now
        if now - self.crossed_since <= CROSSED_LIMIT:
            return None
        bid, ask = self.book.best_bid, self.book.best_ask
        return self.distrust(TrustReason.CROSSED, now, f"best bid {bid}, best ask {ask}")

    def _move(
        self, trust: Trust, reason: TrustReason, now: Nanos, detail: str = ""
    ) -> TrustChange | None:
        if trust is self.trust and (trust is Trust.LIVE or reason is self.reason):
            return None
        before = self.trust
        self.trust, self.reason, self.since = trust, reason, now
        return TrustChange(before=before, after=trust, reason=reason, detail=detail)


def _width(event: BookSnapshot | BookDelta | BookTouch) -> int:
    return 2 if isinstance(event, BookTouch) else len(event.bids) + len(event.asks)
