"""All the connections of one venue: which books each carries, and how one takes over from another.

A venue's listings are spread over *shards*: feeds with links of their own. Whatever changes the set
of sockets is a *roll*: a second feed opens beside the one in service, its books synchronise, and
once they equal the old ones it takes over in one step; then the old links close. No book loses its
trust by it, and no update is lost. Pure: the same inputs in the same order do the same, so that a
tape of them plays back every roll at its place.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Unpack

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND, BookId, Nanos
from tidegauge.core.trust import Trust, TrustReason

from .counts import FeedCounts
from .effects import BookUpdated, Effect, Quarantine
from .feed import Care, Listing, Observer, VenueFeed
from .handover import Handover
from .latency import LatencyFilter
from .protocol import Fetch, Response, Retire, VenueSpec
from .shards import (
    Entered,
    InService,
    Left,
    Order,
    Orders,
    Plan,
    Released,
    Restart,
    Shard,
    event_of,
    passes,
    spread,
)

ROLL_WITHIN: Nanos = 60 * SECOND
"""A feed that has not taken over by then is closed; the old one stays, and it is tried again."""

RETRY_BASE, RETRY_CAP = 60 * SECOND, 900 * SECOND
LINGER: Nanos = 2 * SECOND
"""How long the old links stay open after a roll: a trade may still be on its way on them only."""

RESTART_AFTER: Nanos = SECOND
"""How long a shard whose processing crashed is left alone before it begins afresh."""

MOST_ROLLS = 4
"""Rolls of one venue that may go on at once."""


class Fleet:
    """A venue's shards. Every method returns the orders that come of it, in order.

    What belongs to a shard that is no more is ignored: its links may still have had something to
    say. `epochs` numbers the openings of all links of the venue.
    """

    def __init__(
        self,
        spec: VenueSpec,
        *,
        observer: Observer | None = None,
        epochs: Iterator[int] | None = None,
        **care: Unpack[Care],
    ) -> None:
        self.spec = spec
        self.counts = FeedCounts()
        self.latency = LatencyFilter()
        self._care = care
        self._observer = observer
        self._epochs = count(1) if epochs is None else epochs
        self._names = count()
        self._members: dict[str, Shard] = {}
        self._wanted: dict[str, dict[str, Listing]] = {}
        self._plans: dict[str, Plan] = {}
        self._restarts: dict[str, Restart] = {}

    # -- looking at it ---------------------------------------------------------------------------

    @property
    def feeds(self) -> list[VenueFeed]:
        """The feeds in service."""
        return [self._members[name].feed for name in self._wanted if name in self._members]

    @property
    def shards(self) -> list[str]:
        """The shards in service."""
        return list(self._wanted)

    def shard_of(self, instrument: str) -> str | None:
        """Return the shard in service that carries an instrument, or will after its next roll."""
        return next((name for name, each in self._wanted.items() if instrument in each), None)

    @property
    def listings(self) -> list[Listing]:
        """Everything that is wanted."""
        return [listing for wanted in self._wanted.values() for listing in wanted.values()]

    @property
    def rolling(self) -> int:
        """How many rolls are going on."""
        return sum(bool(member.successor) for member in self._members.values())

    # -- what is wanted of it --------------------------------------------------------------------

    def begin(self, listings: Sequence[Listing], now: Nanos) -> Orders:
        """Open as few shards as the venue's limit of books allows, all of about one size."""
        orders: Orders = []
        for part in spread(listings, self.spec.limits.books_a_link):
            orders += self._serve(part)
        return orders

    def add(self, listing: Listing, now: Nanos) -> Orders:
        """Want one more book: on the shard with the fewest, or on one of its own."""
        name = listing.instrument.name
        if self.shard_of(name) is not None:
            return []
        shard = min(self._wanted, key=lambda each: len(self._wanted[each]), default=None)
        if shard is None or len(self._wanted[shard]) >= self.spec.limits.books_a_link:
            orders = self._serve([listing])
            return [*orders, self._told(orders[0].shard, FeedEventKind.ADDED, now, listing)]
        self._wanted[shard][name] = listing
        return self._plan(shard, f"{name} was added", now)

    def remove(self, instrument: str, now: Nanos, why: str, *, delisted: bool = False) -> Orders:
        """Want a book no more: it is let go at once, and its shard rolls without it."""
        shard = self.shard_of(instrument)
        if shard is None:
            return []
        wanted = self._wanted[shard]
        listing = wanted.pop(instrument)
        orders: Orders = []
        carrier = self._members.get(shard) or self._restarts[shard].crashed
        if carrier.carries(instrument):
            orders = self._let_go(shard, listing, now, why, delisted=delisted)
        carrier.released.add(instrument)
        if wanted:
            return orders + self._plan(shard, f"{instrument} was let go", now)
        return orders + self._dissolve(shard, "it has no books left")

    def _let_go(
        self, shard: str, listing: Listing, now: Nanos, why: str, *, delisted: bool
    ) -> Orders:
        trust = Trust.UNTRUSTED, TrustReason.DELISTED if delisted else TrustReason.REMOVED
        kind = FeedEventKind.DELISTED if delisted else FeedEventKind.REMOVED
        return [
            self._told(shard, FeedEventKind.TRUST, now, listing, why, trust),
            self._told(shard, kind, now, listing, why),
            Order(shard, Released(BookId(self.spec.name, listing.symbol))),
        ]

    def roll(self, shard: str, now: Nanos, why: str) -> Orders:
        """Have a shard's connections replaced."""
        return self._plan(shard, why, now) if shard in self._wanted else []

    # -- what the links tell ---------------------------------------------------------------------

    def opened(self, shard: str, link: str, now: Nanos) -> Orders:
        """A link of a shard opened."""
        return self._drive(shard, now, lambda feed: feed.opened(link, now))

    def closed(self, shard: str, link: str, now: Nanos, reason: str) -> Orders:
        """A link of a shard is gone."""
        member = self._members.get(shard)
        if member is not None and member.leaves_at is not None:
            return self._close(member, reason)
        return self._drive(shard, now, lambda feed: feed.closed(link, now, reason))

    def received(self, shard: str, link: str, frame: str | bytes, now: Nanos) -> Orders:
        """One text frame came in."""
        return self._drive(shard, now, lambda feed: feed.received(link, frame, now))

    def fetched(self, shard: str, fetch: Fetch, response: Response, now: Nanos) -> Orders:
        """A REST answer came in."""
        return self._drive(shard, now, lambda feed: feed.fetched(fetch, response, now))

    def refused(self, shard: str, now: Nanos, reason: str) -> Orders:
        """The venue refused a connection. A roll is given up by it; the old links are as they were."""
        return self._drive(shard, now, lambda feed: feed.refused(now, reason))

    def overflowed(self, now: Nanos, dropped: int) -> Orders:
        """Frames were dropped, nobody knows of which shard: every book has to start afresh."""
        orders: Orders = []
        for name in list(self._members):
            orders += self._drive(name, now, lambda feed: feed.overflowed(now, dropped))
        return orders

    def crashed(self, shard: str, now: Nanos, reason: str) -> Orders:
        """Our own code failed on this shard: it begins afresh in a moment; the others go on."""
        member = self._members.get(shard)
        if member is None:
            return []
        if member.replaces is not None:
            return self._give_up(member, now, reason)
        orders: Orders = []
        if shard in self._wanted:
            orders += self._passed(member, member.feed.crashed(now, reason))
            self._plans.pop(shard, None)
            self._restarts[shard] = Restart(now + RESTART_AFTER, member)
        if member.successor is not None:
            orders += self._close(self._members[member.successor], reason)
        return orders + self._close(member, reason)

    def stopped(self, now: Nanos) -> Orders:
        """The monitor stops."""
        orders: Orders = []
        for shard in self._wanted:
            if shard in self._members:
                member = self._members[shard]
                orders += self._passed(member, member.feed.stopped(now))
        return orders

    def tick(self, now: Nanos) -> Orders:
        """About once a second: the feeds' own ticks, and rolls that are due, done or late."""
        orders: Orders = []
        for member in list(self._members.values()):
            if member.leaves_at is not None and now >= member.leaves_at:
                orders += self._close(member, "another connection took over")
            elif member.leaves_at is None:
                orders += self._drive(member.name, now, lambda feed: feed.tick(now))
        for member in list(self._members.values()):
            if member.replaces is not None and member.handover is not None:
                member.handover.compare_all()
                if member.handover.done(now):
                    orders += self._take_over(member, now)
                elif now - member.handover.since >= ROLL_WITHIN:
                    orders += self._give_up(member, now, member.handover.missing())
        for shard in [shard for shard, each in self._restarts.items() if now >= each.at]:
            del self._restarts[shard]
            if shard in self._wanted:
                orders += self._serve(list(self._wanted.pop(shard).values()))
        return orders + self._begin_due(now)

    # -- inside ----------------------------------------------------------------------------------

    def _drive(self, shard: str, now: Nanos, work: Callable[[VenueFeed], list[Effect]]) -> Orders:
        member = self._members.get(shard)
        if member is None:
            return []
        orders = self._passed(member, effects := work(member.feed))
        if member.handover is not None:
            orders += self._in_handover(member, member.handover, effects, now)
        for effect in effects:
            if isinstance(effect, Retire) and shard in self._wanted:
                orders += self._plan(shard, effect.reason, now)
        return orders

    def _in_handover(
        self, member: Shard, handover: Handover, effects: list[Effect], now: Nanos
    ) -> Orders:
        """See what this did to a roll that is going on."""
        compared = False
        for effect in effects:
            if isinstance(effect, BookUpdated):
                compared = True
                handover.compare(effect.keeper.instrument.name)
            elif isinstance(effect, Quarantine) and member.replaces is not None:
                return self._give_up(member, now, effect.reason)
            elif isinstance(effect, Retire) and member.replaces is not None:
                handover.retired = effect.reason
        new = self._members.get(member.successor) if member.successor is not None else member
        ready = compared and handover.all_equal and handover.done(now)
        if ready and new is not None and new.replaces is not None:
            return self._take_over(new, now)
        return []

    def _passed(self, member: Shard, effects: list[Effect]) -> Orders:
        """Keep back what is not for the world: of a feed not yet, or no more, in service."""
        shard = member.name if member.replaces is None else member.replaces
        wanted = self._wanted.get(shard, {})
        if member.leaves_at is not None:
            wanted = next((w for s, w in self._wanted.items() if self._succeeded(member, s)), {})
        if member.released:
            wanted = {name: each for name, each in wanted.items() if name not in member.released}
        return [Order(member.name, each) for each in effects if passes(member, each, wanted)]

    def _succeeded(self, member: Shard, shard: str) -> bool:
        """Whether `shard` took over from a member that is about to leave."""
        heir = self._members.get(shard)
        return heir is not None and heir.handover is member.handover

    # -- rolling ---------------------------------------------------------------------------------

    def _plan(self, shard: str, why: str, now: Nanos, *, afresh: bool = False) -> Orders:
        """Have a roll begun as soon as may be; one that is under way for less is begun afresh."""
        member = self._members.get(shard)
        if member is None:
            return []
        orders: Orders = []
        if member.successor is not None:
            new = self._members[member.successor]
            if not afresh and set(new.feed.keepers) == set(self._wanted[shard]):
                return []
            orders += self._close(new, "what is wanted changed")
        self._plans[shard] = Plan(why, now)
        return orders + self._begin_due(now)

    def _begin_due(self, now: Nanos) -> Orders:
        orders: Orders = []
        for shard, plan in self._plans.items():
            old = self._members.get(shard)
            if old is None or old.successor is not None or plan.at > now:
                continue
            if old.handover is not None or self.rolling >= MOST_ROLLS:
                continue  # it has only just taken over, or others come first
            new = self._member(list(self._wanted[shard].values()))
            new.replaces, old.successor = old.name, new.name
            new.handover = old.handover = Handover(old.feed, new.feed, plan.why, now)
            orders.append(Order(new.name, Entered(new.feed)))
        return orders

    def _take_over(self, new: Shard, now: Nanos) -> Orders:
        """The new feed's books are as good as the old one's: replace them in one step."""
        assert new.replaces is not None
        assert new.handover is not None
        old = self._members[new.replaces]
        wanted = self._wanted.pop(old.name)
        self._wanted[new.name] = wanted
        self._plans.pop(old.name, None)
        old.successor, old.leaves_at, new.replaces = None, now + LINGER, None
        new.feed.inherit(old.feed)
        orders = [Order(new.name, InService(new.feed))]
        for name, listing in wanted.items():
            after = new.feed.keepers[name]
            before = old.feed.keepers[name] if old.carries(name) else None
            if before is None:
                orders.append(self._told(new.name, FeedEventKind.ADDED, now, listing))
            if before is None or before.trust is not after.trust:
                trust = after.trust, after.reason
                orders.append(
                    self._told(new.name, FeedEventKind.TRUST, now, listing, new.handover.why, trust)
                )
        took = (now - new.handover.since) / SECOND
        detail = f"{new.handover.why}: {old.name} to {new.name}, {len(wanted)} books, {took:.1f} s"
        orders.append(self._told(new.name, FeedEventKind.ROLLED, now, detail=detail))
        if new.handover.retired is not None:
            self._plans[new.name] = Plan(new.handover.retired, now)
        return orders

    def _give_up(self, new: Shard, now: Nanos, reason: str) -> Orders:
        """Keep the old feed, and try again later."""
        assert new.replaces is not None
        shard = new.replaces
        plan = self._plans.setdefault(shard, Plan(reason, now))
        plan.at = now + min(RETRY_CAP, RETRY_BASE << min(plan.failures, 10))
        plan.failures += 1
        why = f"{new.name} does not take over from {shard}: {reason}"
        told = self._told(new.name, FeedEventKind.DISCONNECTED, now, detail=why)
        return [told, *self._close(new, reason)]

    def _close(self, member: Shard, reason: str) -> Orders:
        """A shard is no more."""
        del self._members[member.name]
        for other in self._members.values():
            if other.successor == member.name:
                other.successor = None
            if other.handover is member.handover:
                other.handover = None
        return [Order(member.name, Left(reason))]

    def _dissolve(self, shard: str, reason: str) -> Orders:
        del self._wanted[shard]
        self._plans.pop(shard, None)
        member = self._members.get(shard)
        if member is None:
            return []
        new = self._members.get(member.successor or "")
        return ([] if new is None else self._close(new, reason)) + self._close(member, reason)

    def _serve(self, listings: Sequence[Listing]) -> Orders:
        member = self._member(listings)
        self._wanted[member.name] = {each.instrument.name: each for each in listings}
        return [
            Order(member.name, InService(member.feed)),
            Order(member.name, Entered(member.feed)),
        ]

    def _member(self, listings: Sequence[Listing]) -> Shard:
        feed = VenueFeed(
            self.spec, listings, observer=self._observer, epochs=self._epochs, **self._care
        )
        feed.counts, feed.latency = self.counts, self.latency
        member = Shard(str(next(self._names)), feed)
        self._members[member.name] = member
        return member

    def _told(
        self,
        shard: str,
        kind: FeedEventKind,
        now: Nanos,
        listing: Listing | None = None,
        detail: str = "",
        trust: tuple[Trust, TrustReason] | None = None,
    ) -> Order:
        member = self._members.get(shard)
        trace = f"{self.spec.name}/0/0" if member is None else member.feed.trace()
        return Order(shard, event_of(self.spec.name, trace, kind, now, listing, detail, trust))
