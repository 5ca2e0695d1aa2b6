"""A venue's protocol and its books, driven together."""

import pytest
from tests.support.plain_venue import SNAPSHOT, SPEC, PlainProtocol, frame, instrument

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.wire.effects import BookUpdated, Effect, Quarantine
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Drop, Fetch, Response, Send

AAA = Listing(symbol="AAAUSDT", instrument=instrument("AAA"))
BBB = Listing(symbol="BBBUSDT", instrument=instrument("BBB"))


def opened_feed(*listings: Listing) -> VenueFeed:
    feed = VenueFeed(SPEC, listings or (AAA,))
    feed.opened(BOOK_LINK, 1)
    return feed


def kinds(effects: list[Effect]) -> list[FeedEventKind]:
    return [effect.kind for effect in effects if isinstance(effect, FeedEvent)]


def updates(effects: list[Effect]) -> list[BookUpdated]:
    return [effect for effect in effects if isinstance(effect, BookUpdated)]


def test_opening_a_link_subscribes_and_begins_an_epoch() -> None:
    """The first thing on a new link is the subscription; every book starts from nothing."""
    feed = VenueFeed(SPEC, [AAA, BBB])
    effects = feed.opened(BOOK_LINK, 1)
    assert [effect.text for effect in effects if isinstance(effect, Send)] == [
        "subscribe AAA",
        "subscribe BBB",
    ]
    assert {keeper.epoch for keeper in feed.keepers.values()} == {1}


def test_a_snapshot_makes_a_book_live_and_tells_of_it_once() -> None:
    """One frame, one update, traced to venue, epoch and frame."""
    feed = opened_feed()
    effects = feed.received(BOOK_LINK, SNAPSHOT, 5)
    (update,) = updates(effects)
    assert update.keeper.trust is Trust.LIVE
    assert update.origin.trace == "plain/1/1"
    assert update.origin.book == ("plain", "AAAUSDT")


def test_a_delta_before_any_snapshot_changes_nothing() -> None:
    """A book that is not synchronised takes no deltas and gives no updates."""
    feed = opened_feed()
    assert not updates(feed.received(BOOK_LINK, frame("delta", [("99", "1")]), 5))
    assert feed.keepers["AAA"].trust is Trust.SYNCING


def test_a_new_epoch_discards_the_book() -> None:
    """Nothing is merged across connections: no ghost levels."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    feed.closed(BOOK_LINK, 6, "cut")
    feed.opened(BOOK_LINK, 7)
    keeper = feed.keepers["AAA"]
    assert (keeper.trust, keeper.epoch) == (Trust.SYNCING, 2)
    assert keeper.book.best_bid is None
    (update,) = updates(feed.received(BOOK_LINK, SNAPSHOT, 8))
    assert update.origin.trace == "plain/2/1"


def test_a_lost_book_is_recorded_as_a_gap_and_its_snapshot_is_fetched() -> None:
    """The gap, the loss of trust and the request follow one another in one frame."""
    feed = opened_feed(AAA, BBB)
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    feed.received(BOOK_LINK, SNAPSHOT.replace("AAA", "BBB"), 5)
    effects = feed.received(BOOK_LINK, frame("lost"), 6)
    assert kinds(effects) == [FeedEventKind.GAP, FeedEventKind.TRUST]
    assert isinstance(effects[-1], Fetch)
    assert feed.counts.gaps == 1
    assert feed.keepers["BBB"].trust is Trust.LIVE, "the sibling is not disturbed"


def test_an_answer_brings_the_book_back() -> None:
    """A REST answer counts as a frame of the book's link."""
    feed = opened_feed()
    fetch = Fetch(purpose="snapshot", path="/book")  # type: ignore[arg-type]
    effects = feed.fetched(fetch, Response(status=200, body=SNAPSHOT.encode()), 6)
    assert [update.origin.frame for update in updates(effects)] == [1]


@pytest.mark.parametrize("size", ["NaN", "1e999", "-1", "Infinity", "9" * 80, ""])
def test_a_number_no_market_has_resyncs_that_book_only(size: str) -> None:
    """The book is dropped at once, and never read with the bad number in it."""
    feed = opened_feed(AAA, BBB)
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    feed.received(BOOK_LINK, SNAPSHOT.replace("AAA", "BBB"), 5)
    effects = feed.received(BOOK_LINK, frame("delta", [("99", size)]), 6)
    assert not updates(effects)
    assert feed.keepers["AAA"].trust is Trust.SYNCING
    assert feed.keepers["BBB"].trust is Trust.LIVE
    assert isinstance(feed.protocol, PlainProtocol)
    assert feed.protocol.resynced == [("AAA", TrustReason.MALFORMED)]


def test_a_frame_that_is_not_json_keeps_every_book() -> None:
    """A bad frame that names no book changes none; a missing update would show as a gap."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    effects = feed.received(BOOK_LINK, b"\xff\xfe{", 6)
    assert kinds(effects) == [FeedEventKind.MALFORMED]
    assert feed.keepers["AAA"].trust is Trust.LIVE


def test_a_flood_of_bad_frames_is_told_of_at_powers_of_ten() -> None:
    """Counted each time, told of at the 1st, 10th, 100th: a flood stays quiet."""
    feed = opened_feed()
    told = [kinds(feed.received(BOOK_LINK, "x", at)) for at in range(500)]
    assert sum(map(len, told)) == 3
    assert feed.counts.malformed == 500


def test_a_crossed_book_gives_no_reading_and_is_resynced_after_a_second() -> None:
    """Crossed is tolerated for a second, then the book is untrusted and starts afresh."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    feed.received(BOOK_LINK, frame("delta", [("103", "1")]), 1)
    assert feed.keepers["AAA"].trust is Trust.LIVE
    assert not feed.keepers["AAA"].quotable
    effects = feed.tick(2 * SECOND)
    assert FeedEventKind.RESYNC in kinds(effects)
    trusts = [effect.trust for effect in effects if isinstance(effect, FeedEvent) and effect.trust]
    assert trusts == [Trust.UNTRUSTED, Trust.SYNCING]


def test_a_silent_book_goes_stale_and_the_next_update_revives_it() -> None:
    """Silence costs trust, not the book: its sequence still vouches for it."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    trusts = []
    feed.tick(31 * SECOND)
    trusts.append(feed.keepers["AAA"].trust)
    feed.received(BOOK_LINK, frame("delta", [("99", "2")], number=2), 32 * SECOND)
    trusts.append(feed.keepers["AAA"].trust)
    assert trusts == [Trust.STALE, Trust.LIVE]


def test_a_rejected_instrument_is_retired_and_the_rest_go_on() -> None:
    """One delisted symbol does not stop its siblings."""
    feed = opened_feed(AAA, BBB)
    feed.received(BOOK_LINK, SNAPSHOT.replace("AAA", "BBB"), 5)
    effects = feed.received(BOOK_LINK, frame("rejected"), 6)
    assert FeedEventKind.REJECTED in kinds(effects)
    assert feed.keepers["AAA"].reason is TrustReason.REJECTED
    assert feed.keepers["BBB"].trust is Trust.LIVE


def test_a_venue_that_refuses_us_is_quarantined() -> None:
    """Every book says why it is not believed."""
    feed = opened_feed()
    effects = feed.received(BOOK_LINK, frame("refused"), 6)
    assert any(isinstance(effect, Quarantine) for effect in effects)
    assert feed.keepers["AAA"].reason is TrustReason.REFUSED
    assert any(isinstance(effect, Quarantine) for effect in feed.refused(7, "HTTP 451"))


def test_dropped_frames_start_every_book_afresh() -> None:
    """An overflow is a hole in every sequence."""
    feed = opened_feed(AAA, BBB)
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    effects = feed.overflowed(6, 100)
    assert kinds(effects)[0] is FeedEventKind.OVERFLOW
    assert {keeper.trust for keeper in feed.keepers.values()} == {Trust.SYNCING}


def test_a_link_the_protocol_gives_up_is_dropped() -> None:
    """The driver is told to close it; the feed does no I/O."""
    feed = opened_feed()
    assert Drop(link=BOOK_LINK, reason="told to") in feed.received(BOOK_LINK, frame("drop"), 6)


def test_a_frame_from_the_future_is_a_clock_fault_told_once() -> None:
    """A negative raw latency is a fault of the clocks; the latency itself is never negative."""
    feed = opened_feed()
    ahead = frame("snapshot", [("99", "1")], [("101", "1")], at=10 * SECOND)
    first = feed.received(BOOK_LINK, ahead, 9 * SECOND)
    second = feed.received(BOOK_LINK, ahead, 9 * SECOND + 5)
    assert kinds(first).count(FeedEventKind.CLOCK_FAULT) == 1
    assert kinds(second).count(FeedEventKind.CLOCK_FAULT) == 0
    assert [update.origin.latency for update in updates(first + second)] == [0, 5]


def test_a_clock_fault_says_by_how_much_and_is_told_again_when_it_moves() -> None:
    """The venue's clock is 1.27 s ahead, then 3 s; latency goes on without it."""
    feed = opened_feed()
    told = []
    for second, ahead in ((5, 1.27), (6, 1.28), (7, 3.0)):
        at = round((second + ahead) * SECOND)
        told += feed.received(
            BOOK_LINK, frame("snapshot", [("99", "1")], [("101", "1")], at=at), second * SECOND
        )
    faults = [each for each in told if isinstance(each, FeedEvent)]
    details = [each.detail for each in faults if each.kind is FeedEventKind.CLOCK_FAULT]
    assert details == [
        "the venue's clock is 1.27 s ahead of ours",
        "the venue's clock is 3.00 s ahead of ours",
    ]
    assert feed.counts.clock_faults == 2
    assert feed.latency.offset == -3 * SECOND


def test_an_item_that_comes_late_is_taken_as_of_the_one_before() -> None:
    """Time never goes back inside: no age, latency or silence is negative."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 9 * SECOND)
    late = feed.received(BOOK_LINK, frame("delta", [("99", "2")], number=2), 4 * SECOND)
    (update,) = updates(late)
    assert (update.origin.received_at, update.origin.feed_age) == (9 * SECOND, 0)
    assert feed.tick(2 * SECOND) == []
    assert feed.origin(feed.keepers["AAA"], 8 * SECOND).feed_age == 0


def test_a_heartbeat_keeps_no_book_alive() -> None:
    """Pongs each second count for the socket; the book is stale by its own silence."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    for second in range(1, 31):
        feed.received(BOOK_LINK, frame("pong"), second * SECOND)
        feed.tick(second * SECOND)
    assert feed.keepers["AAA"].trust is Trust.STALE


def test_a_silent_book_is_untrusted_before_its_limit_whatever_the_ticks() -> None:
    """At the last tick before it: ticking four times a second gives less away."""
    for ticks in (1, 4):
        feed = opened_feed()
        feed.received(BOOK_LINK, SNAPSHOT, 0)
        feed.received(BOOK_LINK, frame("pong"), SECOND)
        stale = 0
        for number in range(1, 40 * ticks):
            now = number * SECOND // ticks + SECOND // 8
            if FeedEventKind.TRUST in kinds(feed.tick(now)) and not stale:
                stale = now
        assert 30 * SECOND - SECOND // ticks <= stale <= 30 * SECOND


def test_a_silent_book_is_begun_afresh_when_a_tick_later_it_still_is() -> None:
    """Where nobody can be asked whether the market is quiet, the book is got anew."""
    feed = opened_feed(AAA, BBB)
    for name in ("AAA", "BBB"):
        feed.received(BOOK_LINK, SNAPSHOT.replace("AAA", name), 0)
    for second in range(1, 33):
        feed.received(
            BOOK_LINK, frame("delta", [("99", "2")], name="BBB", number=second), second * SECOND
        )
        feed.tick(second * SECOND)
    assert feed.keepers["AAA"].trust is Trust.SYNCING
    assert feed.keepers["BBB"].trust is Trust.LIVE, "the sibling is not disturbed"
    assert isinstance(feed.protocol, PlainProtocol)
    assert feed.protocol.resynced == [("AAA", TrustReason.SILENT)]


def test_a_link_that_says_nothing_is_dropped_for_its_silent_book() -> None:
    """Nothing at all came since the book's last word: a new subscription would go nowhere."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    effects = [effect for second in range(1, 33) for effect in feed.tick(second * SECOND)]
    (drop,) = [effect for effect in effects if isinstance(effect, Drop)]
    assert drop == Drop(link=BOOK_LINK, reason="no frame for 30 s")


def test_a_locked_book_gives_no_reading_either() -> None:
    """Best bid equal to best ask: not quotable at once, and untrusted when it stays."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    feed.received(BOOK_LINK, frame("delta", [("101", "1")]), 1)
    assert not feed.keepers["AAA"].quotable
    feed.tick(2 * SECOND)
    assert feed.keepers["AAA"].reason is TrustReason.CROSSED


def test_books_are_kept_within_a_range_and_begun_afresh_beyond_it() -> None:
    """Only what is kept is known; when the price has left it, the whole book is got again."""
    feed = VenueFeed(SPEC, [AAA], range_kept_bps=500)
    feed.opened(BOOK_LINK, 0)
    bids, asks = [("100", "1"), ("96", "1"), ("90", "1")], [("101", "1"), ("120", "1")]
    feed.received(BOOK_LINK, frame("snapshot", bids, asks), 0)
    book = feed.keepers["AAA"].book
    assert (len(book.bids), len(book.asks)) == (2, 1)
    fallen = frame("delta", [("100", "0")], [("101", "0"), ("97", "1")], number=2)
    feed.received(BOOK_LINK, fallen, SECOND)
    feed.tick(2 * SECOND)
    assert isinstance(feed.protocol, PlainProtocol)
    assert feed.protocol.resynced == [("AAA", TrustReason.NARROWED)]


def test_the_observer_sees_each_update_before_the_next() -> None:
    """Several updates in one frame are told once, but observed one by one."""
    seen: list[int] = []
    feed = VenueFeed(SPEC, [AAA], observer=lambda keeper, _now: seen.append(keeper.sequence))
    feed.opened(BOOK_LINK, 1)
    for number in (1, 2, 3):
        feed.received(BOOK_LINK, frame("snapshot", [("9", "1")], number=number), 5)
    assert seen == [1, 2, 3]


def test_books_are_pruned_to_the_levels_kept() -> None:
    """Deep levels rot; the known range narrows with them."""
    feed = VenueFeed(SPEC, [AAA], levels_kept=1)
    feed.opened(BOOK_LINK, 1)
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    book = feed.keepers["AAA"].book
    assert (len(book.bids), len(book.asks)) == (1, 1)
    assert (str(book.known_bid), str(book.known_ask)) == ("99", "101")


def test_a_venue_that_cannot_refresh_is_never_asked_to() -> None:
    """A book kept to a window by its venue needs no second snapshot."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    feed.tick(600 * SECOND)
    assert feed.counts.refreshes == 0


def test_a_stopping_monitor_believes_no_book_any_more() -> None:
    """What is stored says until when the books were watched."""
    feed = opened_feed()
    feed.received(BOOK_LINK, SNAPSHOT, 5)
    (event,) = feed.stopped(9)
    assert isinstance(event, FeedEvent)
    assert (event.trust, event.reason) == (Trust.UNTRUSTED, TrustReason.STOPPED)
    assert opened_feed().stopped(9) == [], "a book that was not believed has nothing to lose"
