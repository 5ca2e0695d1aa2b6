"""Many books on few connections, and one connection taking over from another."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import one_in
from tests.support.plain_venue import SPEC, PlainProtocol, frame, instrument

from tidegauge.core.events import FeedEvent, FeedEventKind, Trade
from tidegauge.core.instrument import SECOND, BookId, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.wire.effects import BookUpdated, MarketTold
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.fleet import LINGER, RESTART_AFTER, RETRY_BASE, ROLL_WITHIN, Fleet
from tidegauge.wire.protocol import BOOK_LINK, Output, Retire, VenueLimits
from tidegauge.wire.shards import Entered, InService, Left, Orders, Released


class Talkative(PlainProtocol):
    """A plain venue that also tells trades, and announces its end."""

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        if frame == "retire":
            return [Retire(link=link, reason="the service is upgraded")]
        if isinstance(frame, str) and frame.startswith("trade "):
            _word, name, number = frame.split()
            trade = Trade(instrument=name, taker=Taker.BUY, price="1", size="1", id=number)
            return [trade]
        return super().received(link, frame, now)


def listing(name: str) -> Listing:
    return Listing(symbol=f"{name}USDT", instrument=instrument(name))


class Driver:
    """Drives a fleet as the runtime would, and notes what the world is told."""

    def __init__(self, *names: str, most: int = 2) -> None:
        spec = replace(SPEC, protocol=Talkative, limits=VenueLimits(books_a_link=most))
        self.fleet = Fleet(spec, epochs=count(1))
        self.now: Nanos = SECOND
        self.open: dict[str, VenueFeed] = {}
        self.watched: dict[BookId, BookKeeper] = {}
        self.events: list[FeedEvent] = []
        self.trades: list[str] = []
        self.updates: list[int] = []
        self.do(self.fleet.begin([listing(name) for name in names], self.now))

    def do(self, orders: Orders) -> None:
        for shard, effect in orders:
            match effect:
                case Entered(feed=feed):
                    self.open[shard] = feed
                case Left():
                    self.open.pop(shard, None)
                case InService(feed=feed):
                    self.watched |= {keeper.id: keeper for keeper in feed.keepers.values()}
                case Released(book=book):
                    del self.watched[book]
                case FeedEvent():
                    self.events.append(effect)
                case BookUpdated(keeper=keeper):
                    assert self.watched[keeper.id] is keeper, "only what is watched is told"
                    self.updates.append(keeper.sequence)
                case MarketTold(event=Trade(id=number)):
                    self.trades.append(number)

    def opened(self, shard: str) -> None:
        self.do(self.fleet.opened(shard, BOOK_LINK, self.now))

    def hear(self, shard: str, *texts: str) -> None:
        for text in texts:
            self.do(self.fleet.received(shard, BOOK_LINK, text, self.now))

    def book(self, shard: str, name: str, number: int, size: str = "1") -> None:
        sides = [("99", size)], [("101", "1")]
        self.hear(shard, frame("snapshot", *sides, name=name, number=number))

    def pass_time(self, span: Nanos) -> None:
        self.now += span
        self.do(self.fleet.tick(self.now))

    def live(self, *names: str) -> None:
        """Open every shard and have it told these books."""
        for shard, feed in list(self.open.items()):
            self.opened(shard)
            for name in names:
                if name in feed.keepers:
                    self.book(shard, name, 1)

    def told(self, kind: FeedEventKind) -> list[FeedEvent]:
        return [event for event in self.events if event.kind is kind]

    def keeper(self, name: str) -> BookKeeper:
        return self.watched[BookId("plain", f"{name}USDT")]


@one_in(4)
@given(books=st.integers(1, 300), most=st.integers(1, 60))
def test_books_are_spread_over_as_few_shards_as_will_do(books: int, most: int) -> None:
    """None holds more than the venue's limit, and none is much fuller than another."""
    driver = Driver(*(f"A{n}" for n in range(books)), most=most)
    sizes = [len(feed.keepers) for feed in driver.open.values()]
    assert len(sizes) == -(-books // most)
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(driver.watched) == sum(sizes) == books


def test_a_roll_takes_over_without_a_move_of_trust() -> None:
    """Open, synchronise, compare, switch, close: what the world hears is one event."""
    driver = Driver("AAA")
    driver.live("AAA")
    before = len(driver.told(FeedEventKind.TRUST))
    driver.do(driver.fleet.roll("0", driver.now, "the venue's 24 h"))
    assert set(driver.open) == {"0", "1"}
    driver.opened("1")
    driver.book("0", "AAA", 2, "5")
    assert driver.keeper("AAA") is driver.open["0"].keepers["AAA"]
    driver.book("1", "AAA", 2, "5")
    assert driver.keeper("AAA") is driver.open["1"].keepers["AAA"]
    assert driver.fleet.shards == ["1"]
    driver.book("1", "AAA", 3, "6")
    assert driver.updates == [1, 2, 3]
    assert len(driver.told(FeedEventKind.TRUST)) == before
    (rolled,) = driver.told(FeedEventKind.ROLLED)
    assert "24 h" in rolled.detail
    driver.pass_time(LINGER)
    assert set(driver.open) == {"1"}


def test_books_that_differ_do_not_take_over() -> None:
    """At the same update both must hold the same; the old one stays, and it is tried again."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    for number in range(int(ROLL_WITHIN / (20 * SECOND))):
        driver.book("0", "AAA", number + 2, "1")
        driver.book("1", "AAA", number + 2, "7")
        driver.pass_time(20 * SECOND)
    assert set(driver.open) == {"0"}
    assert driver.keeper("AAA").trust is Trust.LIVE
    assert not driver.told(FeedEventKind.ROLLED)
    driver.pass_time(RETRY_BASE)
    assert set(driver.open) == {"0", "2"}
    driver.opened("2")
    driver.book("0", "AAA", 9)
    driver.book("2", "AAA", 9)
    assert driver.fleet.shards == ["2"]


def test_sockets_that_lag_each_other_agree_at_some_moment() -> None:
    """The ids of two connections need not be the same: the touch decides."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    driver.book("1", "AAA", 77, "3")
    driver.book("0", "AAA", 5, "2")
    assert driver.fleet.shards == ["0"]
    driver.book("0", "AAA", 6, "3")
    assert driver.fleet.shards == ["1"]


def test_a_book_lost_again_must_prove_itself_again() -> None:
    """That it was equal before its gap says nothing of it."""
    driver = Driver("AAA", "BBB")
    driver.live("AAA", "BBB")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    driver.book("1", "AAA", 1)
    driver.hear("1", frame("lost", name="AAA"))
    driver.book("1", "BBB", 1)
    assert driver.fleet.shards == ["0"]
    assert not driver.told(FeedEventKind.GAP), "a feed that is not in service makes no noise"
    driver.book("1", "AAA", 1)
    driver.pass_time(SECOND)
    assert driver.fleet.shards == ["1"]


def test_a_trade_is_told_once_whichever_socket_brings_it() -> None:
    """Before the switch the old one is heard; after it both, for a moment."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    driver.hear("0", "trade AAA 1")
    driver.hear("1", "trade AAA 1", "trade AAA 2")
    driver.book("1", "AAA", 1)
    driver.hear("0", "trade AAA 2", "trade AAA 3")
    driver.hear("1", "trade AAA 3", "trade AAA 4")
    assert driver.trades == ["1", "2", "3", "4"]
    driver.pass_time(LINGER)
    driver.hear("1", "trade AAA 5")
    assert driver.trades[-1] == "5"


def test_a_venue_that_announces_its_end_is_left_in_time() -> None:
    """It may say so twice; one roll is enough."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.hear("0", "retire", "retire")
    assert set(driver.open) == {"0", "1"}
    driver.opened("1")
    driver.book("1", "AAA", 1)
    (rolled,) = driver.told(FeedEventKind.ROLLED)
    assert "upgraded" in rolled.detail


def test_a_symbol_is_added_to_the_emptiest_shard_while_the_others_go_on() -> None:
    """Its shard rolls; a full fleet gets another shard."""
    driver = Driver("AAA", "BBB", "CCC")
    driver.live("AAA", "BBB", "CCC")
    driver.do(driver.fleet.add(listing("DDD"), driver.now))
    assert driver.fleet.add(listing("DDD"), driver.now) == []
    driver.opened("2")
    for name in driver.open["2"].keepers:
        driver.book("2", name, 1)
    (added,) = driver.told(FeedEventKind.ADDED)
    assert (added.instrument, added.symbol) == ("DDD", "DDDUSDT")
    assert driver.keeper("DDD").trust is Trust.LIVE
    driver.pass_time(LINGER)
    assert len(driver.open) == 2
    driver.do(driver.fleet.add(listing("EEE"), driver.now))
    assert len(driver.open) == 3
    assert len(driver.told(FeedEventKind.ADDED)) == 2


def test_a_symbol_is_let_go_at_once_and_its_last_one_closes_the_shard() -> None:
    """Its book is believed no more; nothing that its socket still says of it is told."""
    driver = Driver("AAA", "BBB")
    driver.live("AAA", "BBB")
    driver.do(driver.fleet.remove("AAA", driver.now, "told to"))
    assert BookId("plain", "AAAUSDT") not in driver.watched
    last = driver.told(FeedEventKind.TRUST)[-1]
    assert (last.trust, last.reason) == (Trust.UNTRUSTED, TrustReason.REMOVED)
    driver.book("0", "AAA", 2)
    driver.book("0", "BBB", 2)
    driver.opened("1")
    driver.book("1", "BBB", 2)
    assert driver.fleet.shards == ["1"]
    driver.pass_time(LINGER)
    driver.do(driver.fleet.remove("BBB", driver.now, "gone", delisted=True))
    assert (driver.open, driver.watched, driver.fleet.shards) == ({}, {}, [])
    assert driver.told(FeedEventKind.DELISTED)
    driver.do(driver.fleet.add(listing("CCC"), driver.now))
    assert len(driver.open) == 1


def test_a_symbol_the_venue_rejects_holds_up_no_roll() -> None:
    """What the old feed could not have, the new one need not."""
    driver = Driver("AAA", "BBB")
    driver.live("AAA")
    driver.hear("0", frame("rejected", name="BBB"))
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    driver.hear("1", frame("rejected", name="BBB"))
    driver.book("1", "AAA", 1)
    driver.pass_time(SECOND)
    assert driver.fleet.shards == ["1"]


def test_a_hard_cut_during_a_roll_is_healed_by_the_roll() -> None:
    """The books of the new feed are believed as soon as they are there."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.opened("1")
    driver.do(driver.fleet.closed("0", BOOK_LINK, driver.now, "cut"))
    driver.book("1", "AAA", 9)
    driver.pass_time(SECOND)
    assert driver.fleet.shards == ["1"]
    assert [event.trust for event in driver.told(FeedEventKind.TRUST)][-1] is Trust.LIVE


def test_a_refusal_of_the_second_connection_leaves_the_first_alone() -> None:
    """A venue that lets nobody in any more still serves who is inside."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.do(driver.fleet.refused("1", driver.now, "HTTP 403"))
    assert set(driver.open) == {"0"}
    assert not driver.told(FeedEventKind.QUARANTINED)
    assert driver.keeper("AAA").trust is Trust.LIVE


def test_a_crash_in_one_shard_disturbs_no_other() -> None:
    """It begins afresh after a moment."""
    driver = Driver("AAA", "BBB", most=1)
    driver.live("AAA", "BBB")
    driver.do(driver.fleet.crashed("0", driver.now, "a bug"))
    assert driver.keeper("AAA").trust is Trust.SYNCING
    assert driver.keeper("BBB").trust is Trust.LIVE
    driver.pass_time(RESTART_AFTER)
    assert set(driver.open) == {"1", "2"}
    driver.opened("2")
    driver.book("2", "AAA", 1)
    assert driver.keeper("AAA").trust is Trust.LIVE
    assert driver.fleet.crashed("0", driver.now, "it is no more") == []


def test_a_crash_of_the_second_feed_ends_the_roll_only() -> None:
    """The one in service goes on."""
    driver = Driver("AAA")
    driver.live("AAA")
    driver.do(driver.fleet.roll("0", driver.now, "told to"))
    driver.do(driver.fleet.crashed("1", driver.now, "a bug"))
    assert set(driver.open) == {"0"}
    assert driver.keeper("AAA").trust is Trust.LIVE


def test_a_book_added_to_a_shard_that_crashed_is_not_told_of_as_let_go() -> None:
    """It was never watched: the roll that was to bring it went with the crash."""
    driver = Driver("AAA", most=50)
    driver.do(driver.fleet.add(listing("BBB"), driver.now))
    driver.do(driver.fleet.crashed("0", driver.now, "a bug"))
    driver.do(driver.fleet.remove("BBB", driver.now, "told to"))
    assert not [event for event in driver.events if event.instrument == "BBB"]
    driver.do(driver.fleet.remove("AAA", driver.now, "told to"))
    assert driver.watched == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["roll", "add", "remove", "open", "close", "book", "gap", "tick", "crash",
                         "retire", "overflow", "refuse"]),
        st.integers(0, 7),
        st.integers(0, 3),
    ),
    max_size=60,
)  # fmt: skip


@pytest.mark.parametrize("most", [1, 2, 50])
@given(steps=STEPS)
def test_whatever_happens_each_wanted_book_is_watched_once(
    most: int, steps: list[tuple[str, int, int]]
) -> None:
    """And after quiet, every one of them is on exactly one open shard, and LIVE."""
    driver = Driver("AAA", "BBB", most=most)
    names = ["AAA", "BBB", "CCC", "DDD"]
    for what, which, name in steps:
        shards = sorted(driver.open)
        shard = shards[which % len(shards)] if shards else "0"
        fleet, now = driver.fleet, driver.now
        match what:
            case "roll":
                driver.do(fleet.roll(shard, now, "told to"))
            case "add":
                driver.do(fleet.add(listing(names[name]), now))
            case "remove":
                driver.do(fleet.remove(names[name], now, "told to"))
            case "open":
                driver.opened(shard)
            case "close":
                driver.do(fleet.closed(shard, BOOK_LINK, now, "cut"))
            case "book" if shard in driver.open and names[name] in driver.open[shard].keepers:
                driver.opened(shard)
                driver.book(shard, names[name], which, str(which + 1))
            case "gap" if shard in driver.open and names[name] in driver.open[shard].keepers:
                driver.opened(shard)
                driver.hear(shard, frame("lost", name=names[name]))
            case "tick":
                driver.pass_time(which * 5 * SECOND)
            case "crash":
                driver.do(fleet.crashed(shard, now, "a bug"))
            case "retire":
                driver.opened(shard)
                driver.hear(shard, "retire")
            case "overflow":
                driver.do(fleet.overflowed(now, 3))
            case "refuse" if shard not in fleet.shards:
                driver.do(fleet.refused(shard, now, "HTTP 403"))
    for _ in range(40):
        driver.live(*names)
        driver.pass_time(60 * SECOND)
    wanted = {each.instrument.name for each in driver.fleet.listings}
    driver.live(*names)
    assert {keeper.instrument.name for keeper in driver.watched.values()} == wanted
    assert sorted(name for feed in driver.open.values() for name in feed.keepers) == sorted(wanted)
    assert all(keeper.trust is Trust.LIVE for keeper in driver.watched.values())
