"""What a monitor makes of what is told beside a book, and of books that come, move and go."""

from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest
from tests.support.plain_venue import SPEC, frame, instrument

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Alert, AlertState, Signal
from tidegauge.core.events import (
    FeedEvent,
    FeedEventKind,
    Liquidation,
    MarketEvent,
    Marks,
    Position,
    Trade,
)
from tidegauge.core.instrument import MINUTE, SECOND, BookId, InstrumentKind, Nanos
from tidegauge.core.reading import Reading, Taker
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.wire.effects import MarketTold
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK

BOOK = BookId("plain", "AAAUSDT")
PLAN = MonitorPlan(
    measure=MeasurePlan(notionals=(Decimal(1_000),)),
    rules=RuleSet(crunch=CrunchSettings(min_samples=60, clear_for=10 * SECOND)),
)
EPOCHS = count(1)
START: Nanos = 1_760_000_000 * SECOND


def new_feed(kind: InstrumentKind = InstrumentKind.SPOT) -> VenueFeed:
    listed = replace(instrument(), kind=kind)
    return VenueFeed(SPEC, [Listing(symbol="AAAUSDT", instrument=listed)], epochs=EPOCHS)


class Bench:
    """A monitor over one plain venue, and every record it emitted."""

    def __init__(self, kind: InstrumentKind = InstrumentKind.SPOT) -> None:
        self.records: list[Record] = []
        self.monitor = Monitor(PLAN, self.records.append)
        self.feed = self.open(new_feed(kind))
        self.monitor.watch(self.feed)
        self.number = 0

    def open(self, feed: VenueFeed, now: Nanos = START) -> VenueFeed:
        """Open a connection beside the watched one: of its books nobody is told yet."""
        effects = feed.opened(BOOK_LINK, now)
        connected = [
            each
            for each in effects
            if isinstance(each, FeedEvent) and each.kind is FeedEventKind.CONNECTED
        ]
        self.monitor.handle(connected, now)
        return feed

    def quote(self, now: Nanos, size: float = 100.0, feed: VenueFeed | None = None) -> None:
        """The venue tells its whole book; only what the watched feed says moves the monitor."""
        self.number += 1
        text, told = f"{size:.3f}", feed or self.feed
        bids = [("99.99", "1"), ("99.95", text), ("95", text)]
        asks = [("100.01", "1"), ("100.05", text), ("105", text)]
        self.monitor.advance(now)
        said = frame("snapshot", bids, asks, number=self.number)
        effects = told.received(BOOK_LINK, said, now)
        if told is self.feed:
            self.monitor.handle(effects, now)

    def tell(self, event: MarketEvent, now: Nanos, feed: VenueFeed | None = None) -> None:
        told = feed or self.feed
        effect = MarketTold(
            keeper=told.keepers["AAA"], event=event, received_at=now, trace=told.trace()
        )
        self.monitor.advance(now)
        self.monitor.handle([effect], now)

    def summaries(self) -> list[MarketSummary]:
        return [record for record in self.records if isinstance(record, MarketSummary)]

    def alerts(self) -> list[Alert]:
        alerts = [record for record in self.records if isinstance(record, Alert)]
        return [alert for alert in alerts if alert.key.signal == Signal.CRUNCH]

    def crunched(self) -> None:
        for second in range(100):
            self.quote(START + second * SECOND, size=100 + second % 3)
        for second in range(100, 110):
            self.quote(START + second * SECOND, size=20)
        assert self.alerts()[-1].state is AlertState.FIRING


def trade(number: int, *, at: Nanos | None = None) -> Trade:
    return Trade(
        instrument="AAA", taker=Taker.BUY, price="100", size="2", id=str(number), venue_time=at
    )


def test_what_is_told_beside_the_book_is_written_at_the_cadence() -> None:
    """A thousand trades in ten seconds are ten rows or eleven, and their sum is all of them."""
    bench = Bench()
    for number in range(1000):
        bench.tell(trade(number), START + number * SECOND // 100)
    bench.monitor.advance(START + 11 * SECOND)
    assert len(bench.summaries()) in (10, 11)
    assert sum(each.flow.trades for each in bench.summaries()) == 1000
    assert [each.number for each in bench.summaries()] == [*range(1, len(bench.summaries()) + 1)]


def test_a_market_where_nothing_happens_writes_nothing() -> None:
    """The same marks again are no row."""
    bench = Bench()
    for second in range(30):
        bench.tell(Marks(instrument="AAA", mark="100"), START + second * SECOND)
    assert len(bench.summaries()) == 1


def test_what_was_told_last_is_written_when_the_monitor_stops() -> None:
    """The book's last word, and the trades before it."""
    bench = Bench()
    bench.quote(START)
    bench.tell(trade(1), START + SECOND)
    bench.tell(trade(2), START + SECOND + 1)
    now = START + SECOND + 2
    bench.monitor.handle(bench.feed.stopped(now), now)
    assert sum(each.flow.trades for each in bench.summaries()) == 2


def test_what_a_venue_replays_at_its_opening_is_no_volume() -> None:
    """By the time the trade's own connection opened, not another's."""
    bench = Bench()
    bench.tell(trade(1, at=START - MINUTE), START)
    later = bench.open(new_feed(), START + MINUTE)
    bench.tell(trade(2, at=START + SECOND), START + MINUTE)
    bench.tell(trade(3, at=START + SECOND), START + MINUTE, feed=later)
    (view,) = bench.monitor.books(START + MINUTE)
    assert view.market is not None
    assert view.market.total.trades == 1
    assert view.market.standing.last_price == 100


def test_a_malformed_number_costs_its_event_and_is_counted() -> None:
    """Nothing raises, and what follows is told."""
    bench = Bench()
    bench.tell(Marks(instrument="AAA", mark="-1"), START)
    bench.tell(trade(1), START + SECOND)
    (view,) = bench.monitor.books(START + SECOND)
    assert view.market is not None
    assert (view.market.malformed, view.market.total.trades) == (1, 1)
    assert view.market.bought == 200
    assert view.market.sold == 0


def test_two_connections_that_overlap_count_each_trade_once() -> None:
    """Whichever tells it first; what has no id is taken from the one that is watched."""
    bench = Bench()
    bench.quote(START)
    other = bench.open(new_feed(), START)
    forced = Liquidation(instrument="AAA", position=Position.LONG, price="100", size="1")
    for told in (trade(1), forced):
        bench.tell(told, START + SECOND, feed=other)
        bench.tell(told, START + SECOND)
    bench.monitor.watch(other)
    bench.tell(trade(1), START + 2 * SECOND)
    bench.tell(trade(2), START + 2 * SECOND, feed=other)
    (view,) = bench.monitor.books(START + 2 * SECOND)
    assert view.market is not None
    assert (view.market.total.trades, view.market.total.liquidations) == (2, 1)


def test_a_live_book_that_moves_to_another_connection_goes_on() -> None:
    """Its last reading, its windows and its alert stay; the old connection is not heard any more."""
    bench = Bench()
    bench.crunched()
    at = START + 110 * SECOND
    other = bench.open(new_feed(), START)
    bench.quote(at, size=20, feed=other)
    (before,) = bench.monitor.books(at)
    bench.monitor.watch(other)
    (after,) = bench.monitor.books(at)
    assert after.reading is not None
    assert (after.reading, after.crunch) == (before.reading, before.crunch)
    heard = bench.monitor.readings
    bench.monitor.handle(bench.feed.received(BOOK_LINK, frame("snapshot"), at), at)
    assert bench.monitor.readings == heard
    bench.feed = other
    for second in range(111, 140):
        bench.quote(START + second * SECOND, size=100)
    assert bench.alerts()[-1].state is AlertState.RESOLVED
    assert len({alert.id for alert in bench.alerts()}) == 1
    assert all(alert.unobserved_since is None for alert in bench.alerts())


def test_a_book_that_is_not_live_where_it_moved_to_has_no_reading() -> None:
    """What the old connection knew is not shown as known."""
    bench = Bench()
    bench.quote(START)
    bench.monitor.watch(bench.open(new_feed(), START))
    (view,) = bench.monitor.books(START)
    assert view.reading is None


def test_a_firing_alert_of_a_forgotten_book_ends_saying_why() -> None:
    """It did not recover, and nobody looks any more."""
    bench = Bench()
    bench.crunched()
    bench.tell(trade(1), START + 110 * SECOND)
    bench.tell(trade(2), START + 110 * SECOND + 1)
    bench.monitor.forget(BOOK, START + 111 * SECOND)
    last = bench.alerts()[-1]
    assert (last.state, last.ended_at) == (AlertState.RESOLVED, START + 111 * SECOND)
    assert "no longer watched" in last.sentence
    assert bench.monitor.books(START + 111 * SECOND) == ()
    assert sum(each.flow.trades for each in bench.summaries()) == 2
    bench.monitor.forget(BOOK, START + 112 * SECOND)
    assert bench.alerts()[-1] is last


def test_a_forgotten_book_that_still_talks_is_not_heard() -> None:
    """Its connection may outlive it by a frame or two; taken up again it starts anew."""
    bench = Bench()
    for second in range(70):
        bench.quote(START + second * SECOND)
    bench.monitor.forget(BOOK, START + 70 * SECOND)
    bench.quote(START + 71 * SECOND)
    bench.tell(trade(1), START + 71 * SECOND)
    assert bench.monitor.books(START + 71 * SECOND) == ()
    bench.monitor.watch(bench.feed)
    (view,) = bench.monitor.books(START + 72 * SECOND)
    assert view.crunch is not None
    assert (view.crunch.samples, view.market) == (0, None)


@pytest.mark.parametrize("kind", [InstrumentKind.OPTION, InstrumentKind.PERP])
def test_of_an_option_there_is_the_book_and_no_signal(kind: InstrumentKind) -> None:
    """signals.md section 1, Units: book only."""
    bench = Bench(kind)
    for second in range(5):
        bench.quote(START + second * SECOND)
    bench.monitor.handle(bench.feed.received(BOOK_LINK, frame("lost"), START), START)
    (view,) = bench.monitor.books(START + 5 * SECOND)
    assert (view.crunch is None) is (kind is InstrumentKind.OPTION)
    assert sum(isinstance(record, Reading) for record in bench.records) == 5
    bench.monitor.forget(BOOK, START + 6 * SECOND)
    assert bench.alerts() == []
