"""A fleet whose every input is noted down, and a fleet played from such notes: two ends of one thing.

What `NotedFleet` notes for a method, `tell` reads and passes to the same method.
"""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import Nanos
from tidegauge.wire.feed import Care, Listing
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.protocol import Fetch, Response, Send
from tidegauge.wire.resumed import ResumedFleet
from tidegauge.wire.shards import Entered, Orders
from tidegauge.wire.tape import (
    Meta,
    TapeKind,
    TapeLine,
    address,
    answer_line,
    answer_of,
    frame_line,
    meta_line,
    place_of,
    tick_line,
)

from .journal import Journal

UrlOf = Callable[[str, str], str]
"""The address of a shard's link, with its query."""


class NotedFleet:
    """Passes everything on to a fleet, and notes it just before; and the frames it has sent.

    Its driver calls `Monitor.advance` with the same time before each call, but for `begin`,
    `overflowed`, `crashed` and `stopped`; a replay does so, too. The query of a socket's address is noted only when it opens: it may name a hundred streams.
    """

    def __init__(
        self,
        fleet: Fleet,
        journal: Journal,
        *,
        url_of: UrlOf,
        rest_url: str,
        **care: Unpack[Care],
    ) -> None:
        self.fleet = fleet
        self._care = care
        self._journal = journal
        self._url_of = url_of
        self._rest_url = rest_url
        self._venue = fleet.spec.name
        self._addresses: dict[tuple[str, str], str] = {}
        self._next_shard = 0
        self._next_epoch = 1

    def position(self, now: Nanos) -> TapeLine | None:
        """Return the meta line by which a part of a tape can begin here, and a roll be its start.

        None while a roll or a restart is going on: a fleet begun then would not do the same.
        """
        fleet = self.fleet
        if fleet.rolling or len(fleet.feeds) < len(fleet.shards):
            return None
        shards = {
            shard: [
                Listing(symbol=keeper.id.symbol, instrument=keeper.instrument)
                for keeper in feed.keepers.values()
            ]
            for shard, feed in zip(fleet.shards, fleet.feeds, strict=True)
        }
        return meta_line(
            now,
            Meta.VENUE,
            self._venue,
            resumed=True,
            care=self._care,
            shards=shards,
            next_shard=self._next_shard,
            next_epoch=self._next_epoch,
        )

    def begin(self, listings: Sequence[Listing], now: Nanos) -> Orders:
        self._meta(now, Meta.VENUE, care=self._care, listings=listings)
        return self._sent(self.fleet.begin(listings, now), now)

    def add(self, listing: Listing, now: Nanos) -> Orders:
        self._meta(now, Meta.ADDED, listing=listing)
        return self._sent(self.fleet.add(listing, now), now)

    def remove(self, instrument: str, now: Nanos, why: str, *, delisted: bool = False) -> Orders:
        self._meta(now, Meta.REMOVED, instrument=instrument, why=why, delisted=delisted)
        return self._sent(self.fleet.remove(instrument, now, why, delisted=delisted), now)

    def roll(self, shard: str, now: Nanos, why: str) -> Orders:
        self._meta(now, Meta.ROLL, shard=shard, why=why)
        return self._sent(self.fleet.roll(shard, now, why), now)

    def opened(self, shard: str, link: str, now: Nanos) -> Orders:
        url = self._url_of(shard, link)
        self._addresses[shard, link] = address(
            url.partition("?")[0], self._venue, link, shard=shard
        )
        conn = address(url, self._venue, link, shard=shard)
        self._journal.note(frame_line(now, TapeKind.OPEN, conn))
        return self._sent(self.fleet.opened(shard, link, now), now)

    def closed(self, shard: str, link: str, now: Nanos, reason: str) -> Orders:
        self._journal.note(frame_line(now, TapeKind.CLOSE, self._conn(shard, link), reason))
        return self._sent(self.fleet.closed(shard, link, now, reason), now)

    def received(self, shard: str, link: str, frame: str | bytes, now: Nanos) -> Orders:
        self._journal.note(frame_line(now, TapeKind.RECV, self._conn(shard, link), frame))
        return self._sent(self.fleet.received(shard, link, frame, now), now)

    def fetched(self, shard: str, fetch: Fetch, response: Response, now: Nanos) -> Orders:
        asked = fetch, response
        self._journal.note(answer_line(now, self._rest_url, self._venue, asked, shard=shard))
        return self._sent(self.fleet.fetched(shard, fetch, response, now), now)

    def refused(self, shard: str, now: Nanos, reason: str) -> Orders:
        self._meta(now, Meta.REFUSED, shard=shard, reason=reason)
        return self._sent(self.fleet.refused(shard, now, reason), now)

    def overflowed(self, now: Nanos, dropped: int) -> Orders:
        self._meta(now, Meta.OVERFLOW, dropped=dropped)
        return self._sent(self.fleet.overflowed(now, dropped), now)

    def crashed(self, shard: str, now: Nanos, reason: str) -> Orders:
        self._meta(now, Meta.CRASHED, shard=shard, reason=reason)
        return self._sent(self.fleet.crashed(shard, now, reason), now)

    def stopped(self, now: Nanos) -> Orders:
        self._meta(now, Meta.STOPPED)
        return self._sent(self.fleet.stopped(now), now)

    def pace(self, every: Nanos, now: Nanos) -> None:
        """Note at which pace the books are read from here on; the fleet itself does not care."""
        self._meta(now, Meta.PACE, every=every)

    def tick(self, now: Nanos) -> Orders:
        self._journal.note(tick_line(now, self._venue))
        return self._sent(self.fleet.tick(now), now)

    def _conn(self, shard: str, link: str) -> str:
        known = self._addresses.get((shard, link))
        return known if known is not None else address("", self._venue, link, shard=shard)

    def _meta(self, now: Nanos, meta: Meta, **facts: Any) -> None:
        self._journal.note(meta_line(now, meta, self._venue, **facts))

    def _sent(self, orders: Orders, now: Nanos) -> Orders:
        for shard, effect in orders:
            match effect:
                case Send(link=link, text=text):
                    conn = self._conn(shard, link)
                    self._journal.note(frame_line(now, TapeKind.SEND, conn, text))
                case Entered():
                    self._next_shard = max(self._next_shard, int(shard) + 1)
                case FeedEvent(kind=FeedEventKind.CONNECTED, trace=trace):
                    self._next_epoch = int(trace.split("/")[1]) + 1
        return orders


def tell(fleet: Fleet, line: TapeLine) -> Orders:
    """Give a line to a fleet as it was given when it was noted. Raises `MalformedFrame`."""
    now = line.at
    if line.kind is TapeKind.META:
        return _tell_meta(fleet, line)
    if line.kind is TapeKind.TICK:
        return fleet.tick(now)
    place = place_of(line)
    if place is None:
        raise MalformedFrame(f"a line that does not say whose it is: {line.conn[:100]}")
    match line.kind:
        case TapeKind.OPEN:
            return fleet.opened(place.shard, place.link, now)
        case TapeKind.CLOSE:
            return fleet.closed(place.shard, place.link, now, line.text)
        case TapeKind.RECV:
            return fleet.received(place.shard, place.link, line.frame, now)
        case TapeKind.HTTP:
            return fleet.fetched(place.shard, *answer_of(line), now)
        case _:
            return []


def _tell_meta(fleet: Fleet, line: TapeLine) -> Orders:
    facts, now = line.facts, line.at
    try:
        match facts["meta"]:
            case Meta.VENUE:
                return _begin(fleet, facts, now)
            case Meta.ADDED:
                _number(fleet, facts)
                return fleet.add(msgspec.convert(facts["listing"], Listing), now)
            case Meta.REMOVED:
                _number(fleet, facts)
                name, why, delisted = facts["instrument"], facts["why"], facts["delisted"]
                return fleet.remove(name, now, why, delisted=delisted)
            case Meta.ROLL:
                return _roll(fleet, facts, now)
            case Meta.REFUSED:
                return fleet.refused(facts["shard"], now, facts["reason"])
            case Meta.OVERFLOW:
                return fleet.overflowed(now, facts["dropped"])
            case Meta.CRASHED:
                return fleet.crashed(facts["shard"], now, facts["reason"])
            case Meta.STOPPED:
                return fleet.stopped(now)
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedFrame(f"a meta line that tells too little: {error!r}") from None
    return []


def _number(fleet: Fleet, facts: dict[str, Any]) -> None:
    """Go on with the number that a cut tells: the shards of what is not in it had some, too."""
    if isinstance(fleet, ResumedFleet) and "next_shard" in facts:
        fleet.number(facts["next_shard"])


def _roll(fleet: Fleet, facts: dict[str, Any], now: Nanos) -> Orders:
    _number(fleet, facts)
    if isinstance(fleet, ResumedFleet) and "shard" not in facts:
        return fleet.roll_all(now, facts["why"])
    return fleet.roll(facts["shard"], now, facts["why"])


def _begin(fleet: Fleet, facts: dict[str, Any], now: Nanos) -> Orders:
    if isinstance(fleet, ResumedFleet):
        shards = msgspec.convert(facts["shards"], dict[str, list[Listing]])
        return fleet.resume(shards, facts["next_shard"], now)
    return fleet.begin(msgspec.convert(facts["listings"], list[Listing]), now)
