"""One venue's protocol together with its books: frames in, effects out. No I/O, no clock.

A live socket, a recorded tape, the simulator and a fuzzer all drive this same object, which is what
makes a replay a proof.
"""

from tidegauge.core.errors import FeedError
from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust, TrustReason

from .effects import Effect
from .inspector import Finding, Found
from .kept_books import Care, KeptBooks, Listing, Observer
from .protocol import BOOK_LINK, Fetch, Purpose, Response

__all__ = ["Care", "Listing", "Observer", "VenueFeed"]


class VenueFeed(KeptBooks):
    """Drives one venue's protocol and keeps its books.

    Time never goes back: an item that comes late is taken as of the one before.
    """

    _latest: Nanos = 0

    def inherit(self, other: "VenueFeed") -> None:
        """Take over what another feed of this venue learned of the same books and of the clock."""
        self.latency = other.latency
        self.inspector.inherit(other.inspector)

    # -- what the driver tells us ----------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Effect]:
        """A link opened: a new epoch for what it carries."""
        now = self._onwards(now)
        epoch = self._trail.opened(link)
        self._links.opened(link, now)
        self.counts.connects += 1
        effects: list[Effect] = [self._event(FeedEventKind.CONNECTED, link, now, detail=link)]
        if link == BOOK_LINK:
            for keeper in self.keepers.values():
                effects += self._told(keeper, keeper.begin_epoch(epoch, now), link, now)
        return effects + self._act(self.protocol.opened(link, now), link, now)

    def closed(self, link: str, now: Nanos, reason: str) -> list[Effect]:
        """A link is gone."""
        now = self._onwards(now)
        self._links.closed(link)
        effects: list[Effect] = [
            self._event(FeedEventKind.DISCONNECTED, link, now, detail=f"{link}: {reason}")
        ]
        return effects + self._act(self.protocol.closed(link, now), link, now)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Effect]:
        """One text frame came in. Never raises for anything a venue may send."""
        now = self._onwards(now)
        self.counts.frames += 1
        self._trail.came(link)
        self._links.heard(link, now)
        try:
            outputs = self.protocol.received(link, frame, now)
        except FeedError as error:
            return self._failed(error, link, now)
        return self._act(outputs, link, now)

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Effect]:
        """A REST answer came in. It counts as a frame of the book link."""
        now = self._onwards(now)
        self._trail.came(BOOK_LINK)
        if fetch.purpose is Purpose.AUDIT:
            return self._inspected(fetch, response, now)
        try:
            outputs = self.protocol.fetched(fetch, response, now)
        except FeedError as error:
            return self._failed(error, BOOK_LINK, now)
        return self._act(outputs, BOOK_LINK, now)

    def tick(self, now: Nanos) -> list[Effect]:
        """About once a second: pings, retries, silence, audits, crossings that stay.

        A silent book goes stale at the last tick before its limit, and a crossing is found at the
        first after its second: ticking four times a second gives less away on both.
        """
        now = self._onwards(now)
        effects = self._act(self.protocol.tick(now), BOOK_LINK, now)
        for wanted in self.inspector.tick(now):
            effects += [wanted] if isinstance(wanted, Fetch) else self._found(wanted, now)
        for name, keeper in self.keepers.items():
            if keeper.trust is Trust.STALE:
                effects += self._begin_again(keeper, now)
            change = keeper.tick(now, self.inspector.limit(name, now))
            effects += self._told(keeper, change, BOOK_LINK, now)
            effects += self._refresh(keeper, now)
        return [*effects, *self._links.silent(now)]

    def crashed(self, now: Nanos, reason: str) -> list[Effect]:
        """Our own code failed on this feed: no book is believed. The protocol is asked nothing."""
        now = self._onwards(now)
        effects: list[Effect] = [
            self._event(FeedEventKind.DISCONNECTED, BOOK_LINK, now, detail=f"{BOOK_LINK}: {reason}")
        ]
        for keeper in self.keepers.values():
            change = keeper.lose(TrustReason.DISCONNECTED, now, reason)
            effects += self._told(keeper, change, BOOK_LINK, now)
        return effects

    def stopped(self, now: Nanos) -> list[Effect]:
        """The monitor stops: the record says until when each believed book was watched."""
        now = self._onwards(now)
        trust, reason = Trust.UNTRUSTED, TrustReason.STOPPED
        return [
            self._event(FeedEventKind.TRUST, BOOK_LINK, now, name, trust=trust, reason=reason)
            for name, keeper in self.keepers.items()
            if keeper.trust is Trust.LIVE
        ]

    def overflowed(self, now: Nanos, dropped: int) -> list[Effect]:
        """Frames were dropped before they reached us: every book has to start afresh."""
        now = self._onwards(now)
        effects: list[Effect] = [
            self._event(
                FeedEventKind.OVERFLOW, BOOK_LINK, now, detail=f"{dropped} frames were dropped"
            )
        ]
        for name in self.keepers:
            effects += self._resync(name, TrustReason.OVERFLOW, now, f"{dropped} frames dropped")
        return effects

    def refused(self, now: Nanos, reason: str) -> list[Effect]:
        """The venue refused the connection itself (HTTP 401, 403 or 451)."""
        return self._quarantine(reason, BOOK_LINK, self._onwards(now))

    # -- doubts ----------------------------------------------------------------------------------

    def _refresh(self, keeper: BookKeeper, now: Nanos) -> list[Effect]:
        """Have a book told anew, while it stays believed, once the price left what is known."""
        name = keeper.instrument.name
        if self._refresher is not None:
            if not keeper.wants_refresh(now):
                return []
            self.counts.refreshes += 1
            return self._act(self._refresher.refresh(name, now), BOOK_LINK, now)
        if self._recorded or not keeper.outgrown():
            return []
        return self._resync(name, TrustReason.NARROWED, now, "the price left what was kept of it")

    def _begin_again(self, keeper: BookKeeper, now: Nanos) -> list[Effect]:
        """A silent book may have a dead stream: get it anew, once, if there is anybody to ask."""
        name = keeper.instrument.name
        if self._recorded or (self._links.begun_again(name) or 0) >= keeper.since:
            return []
        silent_since = now if keeper.updated_at is None else keeper.updated_at
        drop = self._links.begin_again(name, silent_since, now)
        if drop is not None:
            return [drop]
        return self._resync(name, TrustReason.SILENT, now, "nothing is told of it any more")

    def _inspected(self, fetch: Fetch, response: Response, now: Nanos) -> list[Effect]:
        try:
            findings = self.inspector.answered(fetch, response, now)
        except FeedError as error:
            # The REST answer is at fault, not the book.
            return self._malformed(error, BOOK_LINK, now, fetch.instrument)
        return [effect for finding in findings for effect in self._found(finding, now)]

    def _found(self, finding: Finding, now: Nanos) -> list[Effect]:
        """Act on what REST said of a book."""
        name, keeper = finding.instrument, self.keepers[finding.instrument]
        self.notes[f"audit_{finding.found}"] += 1
        said = f"{finding.different:,} of {finding.levels:,} levels differ from REST"
        if finding.found is Found.QUIET:
            self._links.confirmed(name, now)
            return self._told(keeper, keeper.alive(now), BOOK_LINK, now)
        if finding.found is Found.DEAD:
            change = keeper.doubt(now, f"no update, and {said}")
            return self._told(keeper, change, BOOK_LINK, now) + self._begin_again(keeper, now)
        self.counts.audited(finding.levels, finding.different)
        if finding.found is Found.INCOMPARABLE:
            said += ", as after each resync: not acted upon"
        effects: list[Effect] = [
            self._event(FeedEventKind.AUDIT, BOOK_LINK, now, name, detail=said)
        ]
        if finding.found is not Found.DIFFERENT:
            return effects
        change = keeper.distrust(TrustReason.AUDIT, now, said)
        return effects + self._told(keeper, change, BOOK_LINK, now)

    def _onwards(self, now: Nanos) -> Nanos:
        self._latest = max(self._latest, now)
        return self._latest
