"""A venue of a drill: what goes wrong on its wire is found by the feed, as on any other."""

import pytest

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND, InstrumentKind, Nanos
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.simulator.drill_market import DrillBook
from tidegauge.simulator.drill_venue import DrillVenue, Trouble, TroubleKind
from tidegauge.simulator.scenario import NORMAL
from tidegauge.wire.effects import BookUpdated, Effect

START: Nanos = 1_790_000_000 * SECOND
BOOK = DrillBook(venue="binance", kind=InstrumentKind.SPOT, quote="USDT", depth=3e6)


class Driven:
    """A venue driven by hand. `seen` is all that came of it."""

    def __init__(self, *troubles: Trouble) -> None:
        self.venue = DrillVenue(BOOK, "BTC", "BTCUSDT", 1)
        self.troubles = troubles
        self.now = START
        self.seen: list[Effect] = []

    def run(self, seconds: float) -> None:
        for _ in range(round(2 * seconds)):
            self.now += SECOND // 2
            elapsed = self.now - START
            spells = [each for each in self.troubles if each.holds("binance", elapsed)]
            for effects in (
                self.venue.tell(self.now, 0.0, NORMAL, spells),
                self.venue.tick(self.now),
            ):
                came = effects
                while came:
                    self.seen += came
                    came = self.venue.take(came, self.now)

    def kinds(self) -> list[str]:
        return [each.kind.value for each in self.seen if hasattr(each, "kind")]


def trouble(kind: TroubleKind, **fields: Nanos) -> Trouble:
    return Trouble(
        kind=kind, venues=frozenset(("binance",)), begins_at=60 * SECOND, lasts=30 * SECOND,
        **fields,
    )  # fmt: skip


def test_its_book_is_live_at_once_and_told_twice_a_second() -> None:
    """A snapshot for the subscription, then updates."""
    driven = Driven()
    driven.run(30)
    keeper = driven.venue.keeper
    assert keeper.trust is Trust.LIVE
    assert sum(isinstance(each, BookUpdated) for each in driven.seen) == keeper.updates
    assert 55 <= keeper.updates <= 60
    assert len(keeper.book.bids) > 30


def test_an_update_that_is_lost_is_a_gap_and_the_book_comes_back() -> None:
    """Nobody tells the feed: the next number gives it away."""
    driven = Driven(trouble(TroubleKind.GAPS, every=60 * SECOND))
    driven.run(62)
    assert driven.kinds().count(FeedEventKind.GAP.value) == 1
    assert driven.venue.keeper.trust is Trust.LIVE
    assert driven.venue.keeper.since >= START + 60 * SECOND


def test_a_venue_that_tells_nothing_of_its_book_is_found_by_its_silence() -> None:
    """Heartbeats prove the socket and no book; when it speaks again the book is got anew."""
    driven = Driven(trouble(TroubleKind.SILENT))
    driven.run(75)
    assert driven.venue.keeper.trust in (Trust.STALE, Trust.SYNCING)
    assert driven.kinds().count(FeedEventKind.RESYNC.value) == 1
    driven.run(25)
    assert driven.venue.keeper.quotable


def test_a_venue_that_is_out_takes_no_connection_until_it_is_back() -> None:
    """Its book is given up at once, and is had again soon after."""
    driven = Driven(trouble(TroubleKind.OUTAGE))
    driven.run(61)
    assert driven.venue.keeper.reason is TrustReason.DISCONNECTED
    driven.run(28)
    assert driven.kinds().count(FeedEventKind.CONNECTED.value) == 1
    driven.run(4)
    assert driven.kinds().count(FeedEventKind.CONNECTED.value) == 2
    assert driven.venue.keeper.trust is Trust.LIVE


@pytest.mark.parametrize(("elapsed", "holds"), [(59, False), (60, True), (89, True), (90, False)])
def test_trouble_holds_for_as_long_as_it_says(elapsed: int, holds: bool) -> None:
    """From its first instant, and not at its last; on its venues only."""
    spell = trouble(TroubleKind.OUTAGE)
    assert spell.holds("binance", elapsed * SECOND) is holds
    assert not spell.holds("kraken", elapsed * SECOND)
