"""A book is believed only while there is reason to; every loss of trust says why."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot, BookTouch
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind, Nanos
from tidegauge.core.keeper import CHECK_EVERY, CROSSED_LIMIT, BookKeeper
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust, TrustReason

INSTRUMENT = Instrument(
    venue="binance",
    name="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
)


def snapshot(bid: str = "9", ask: str = "10", sequence: int = 1) -> BookSnapshot:
    return BookSnapshot(
        instrument="BTCUSDT", bids=((bid, "1"),), asks=((ask, "1"),), sequence=sequence
    )


def delta(*, bids: tuple[tuple[str, str], ...] = (), sequence: int = 2) -> BookDelta:
    return BookDelta(instrument="BTCUSDT", bids=bids, asks=(), sequence=sequence, venue_time=5)


def keeper(*, live_at: Nanos | None = 0) -> BookKeeper:
    """Return a keeper in its first epoch; LIVE unless `live_at` is None."""
    made = BookKeeper(INSTRUMENT, "BTCUSDT")
    made.begin_epoch(1, 0)
    if live_at is not None:
        made.apply(snapshot(), live_at)
    return made


def test_a_new_keeper_is_syncing_and_gives_nothing() -> None:
    """Nothing is believed before a snapshot."""
    made = BookKeeper(INSTRUMENT, "BTC")
    assert (made.trust, made.reason) == (Trust.SYNCING, TrustReason.STARTING)
    assert made.id == ("binance", "BTC")
    assert not made.quotable
    assert (made.book.price_scale, made.book.size_scale) == (2, 3)


def test_a_connection_is_told_and_a_snapshot_makes_the_book_live() -> None:
    """SYNCING by connecting, LIVE by synchronising."""
    made = BookKeeper(INSTRUMENT, "BTCUSDT")
    connected = made.begin_epoch(1, 3)
    assert connected is not None
    assert (connected.after, connected.reason) == (Trust.SYNCING, TrustReason.CONNECTED)
    change = made.apply(snapshot(sequence=8), 4)
    assert change is not None
    assert (change.before, change.after) == (Trust.SYNCING, Trust.LIVE)
    assert change.reason is TrustReason.SYNCHRONISED
    assert not change.demand_resync
    assert (made.sequence, made.updated_at, made.since) == (8, 4, 4)
    assert made.quotable


def test_an_update_of_a_live_book_is_no_change_of_trust() -> None:
    """It moves sequence, times and counts, and nothing else."""
    made = keeper()
    assert made.apply(delta(bids=(("8", "1"), ("7", "1")), sequence=5), 9) is None
    assert (made.sequence, made.updated_at, made.venue_time) == (5, 9, 5)
    assert (made.updates, made.changes) == (2, 4)


@pytest.mark.parametrize(
    "event",
    [delta(), BookTouch(instrument="BTCUSDT", bid=("9", "1"), ask=("10", "1"), sequence=3)],
)
def test_updates_before_a_snapshot_are_ignored(event: BookDelta | BookTouch) -> None:
    """There is nothing to apply them to."""
    made = keeper(live_at=None)
    assert made.apply(event, 1) is None
    assert made.updates == 0
    assert made.trust is Trust.SYNCING
    assert made.alive(1) is None


def test_a_touch_moves_the_best_prices() -> None:
    """And counts as two changes."""
    made = keeper()
    touch = BookTouch(instrument="BTCUSDT", bid=("8", "2"), ask=("10", "1"), sequence=3)
    assert made.apply(touch, 1) is None
    assert made.book.best_bid == 8
    assert made.changes == 4


def test_a_new_epoch_discards_the_book() -> None:
    """Nothing is merged across connections."""
    made = keeper()
    change = made.begin_epoch(2, 7)
    assert change is not None
    assert (change.before, change.reason) == (Trust.LIVE, TrustReason.CONNECTED)
    assert made.epoch == 2
    assert made.book.top(Side.BID, 1) == []
    assert not made.quotable


def test_the_same_loss_twice_is_told_once_but_another_reason_is_news() -> None:
    """The record shows changes, not repetitions."""
    made = keeper()
    assert made.lose(TrustReason.GAP, 1, "expected 4, received 6") is not None
    assert made.lose(TrustReason.GAP, 2) is None
    again = made.lose(TrustReason.DISCONNECTED, 3)
    assert again is not None
    assert (again.before, again.after) == (Trust.SYNCING, Trust.SYNCING)


def test_a_malformed_event_leaves_the_book_and_its_trust() -> None:
    """What to do about it is the driver's decision."""
    made = keeper()
    with pytest.raises(MalformedFrame):
        made.apply(delta(bids=(("8", "1"), ("NaN", "1"))), 5)
    assert made.trust is Trust.LIVE
    assert made.updated_at == 0
    assert made.book.top(Side.BID, 5) == [(Decimal(9), Decimal(1))]


class TestCrossing:
    """Crossed or locked: no reading at once, no trust after a second (signals.md section 1)."""

    @pytest.mark.parametrize("bid", ["10", "10.0", "11"])
    def test_a_crossing_that_stays_costs_trust(self, bid: str) -> None:
        """The book is discarded and a resync demanded, with both prices in the reason."""
        made = keeper()
        assert made.apply(delta(bids=((bid, "1"),)), SECOND) is None
        assert not made.quotable
        assert made.trust is Trust.LIVE
        assert made.tick(SECOND + CROSSED_LIMIT, None) is None
        change = made.tick(SECOND + CROSSED_LIMIT + 1, None)
        assert change is not None
        assert (change.before, change.after) == (Trust.LIVE, Trust.UNTRUSTED)
        assert change.reason is TrustReason.CROSSED
        assert change.demand_resync
        assert f"best bid {bid}, best ask 10" in change.detail
        assert made.book.best_bid is None
        assert made.tick(10 * SECOND, None) is None

    def test_an_update_finds_a_lasting_crossing_too(self) -> None:
        """On a busy feed nobody waits for the tick."""
        made = keeper()
        made.apply(delta(bids=(("11", "1"),)), 0)
        change = made.apply(delta(bids=(("8", "1"),)), CROSSED_LIMIT + 1)
        assert change is not None
        assert change.after is Trust.UNTRUSTED

    def test_a_passing_crossing_is_forgiven(self) -> None:
        """Each crossing has its own second."""
        made = keeper()
        made.apply(delta(bids=(("11", "1"),)), 0)
        made.apply(delta(bids=(("11", "0"),)), CROSSED_LIMIT)
        assert made.quotable
        made.apply(delta(bids=(("11", "1"),)), CROSSED_LIMIT + 1)
        assert made.tick(2 * CROSSED_LIMIT, None) is None
        assert made.tick(2 * CROSSED_LIMIT + 2, None) is not None

    def test_only_a_new_snapshot_restores_an_untrusted_book(self) -> None:
        """Deltas and signs of life are not enough; the old crossing is not held against it."""
        made = keeper()
        made.apply(delta(bids=(("11", "1"),)), 0)
        made.tick(CROSSED_LIMIT + 1, None)
        assert made.apply(delta(), 3 * SECOND) is None
        assert made.alive(3 * SECOND) is None
        assert made.trust is Trust.UNTRUSTED
        change = made.apply(snapshot(), 4 * SECOND)
        assert change is not None
        assert (change.before, change.after) == (Trust.UNTRUSTED, Trust.LIVE)
        assert made.quotable


class TestSilence:
    """A silent feed makes a book stale, and the next word makes it live."""

    def test_silence_beyond_the_limit_is_stale(self) -> None:
        """At the limit it is not yet."""
        made = keeper()
        assert made.tick(60 * SECOND, 60 * SECOND) is None
        change = made.tick(61 * SECOND, 60 * SECOND)
        assert change is not None
        assert (change.after, change.reason) == (Trust.STALE, TrustReason.SILENT)
        assert change.detail == "no update for 61 s"
        assert not change.demand_resync
        assert not made.quotable
        assert made.tick(99 * SECOND, 60 * SECOND) is None

    def test_a_venue_without_a_limit_is_not_watched(self) -> None:
        """None: do not watch for silence."""
        assert keeper().tick(10**6 * SECOND, None) is None

    def test_the_next_update_makes_it_live_with_its_book_kept(self) -> None:
        """Silence loses nothing that the sequence would not show."""
        made = keeper()
        made.tick(61 * SECOND, 60 * SECOND)
        change = made.apply(delta(bids=(("8", "1"),)), 62 * SECOND)
        assert change is not None
        assert (change.before, change.after) == (Trust.STALE, Trust.LIVE)
        assert made.book.top(Side.BID, 5) == [
            (Decimal(9), Decimal(1)),
            (Decimal(8), Decimal(1)),
        ]

    def test_a_sign_of_life_makes_it_live(self) -> None:
        """The venue confirms that nothing changed."""
        made = keeper()
        made.tick(61 * SECOND, 60 * SECOND)
        change = made.alive(62 * SECOND)
        assert change is not None
        assert change.after is Trust.LIVE
        assert made.tick(63 * SECOND, 60 * SECOND) is None

    def test_a_stale_book_that_is_crossed_is_untrusted(self) -> None:
        """Silence does not hide a crossing."""
        made = keeper()
        made.apply(delta(bids=(("11", "1"),)), 0)
        made.trust = Trust.STALE
        change = made.tick(CROSSED_LIMIT + 1, 60 * SECOND)
        assert change is not None
        assert (change.before, change.after) == (Trust.STALE, Trust.UNTRUSTED)


def test_a_book_that_contradicts_itself_is_found_by_the_sampled_audit() -> None:
    """One delta in 4,096 is followed by it; failing is a resync with the reason."""
    made = keeper()
    made.updates = CHECK_EVERY - 2
    best = made.book.best_bid
    assert best is not None
    best.ticks += 1
    assert made.apply(delta(bids=(("8", "1"),)), 1) is None
    change = made.apply(delta(bids=(("7", "1"),)), 2)
    assert change is not None
    assert (change.after, change.reason) == (Trust.UNTRUSTED, TrustReason.INVARIANT)
    assert change.demand_resync
    assert "ticks" in change.detail


class TestPruning:
    """What is pruned is no longer known, and what is known stays enough."""

    @staticmethod
    def wide(**kept: int | None) -> BookKeeper:
        """A book told whole, one tick a level, 10 % either way of 100."""
        made = keeper(live_at=None)
        bids = tuple((f"{price / 100:.2f}", "1") for price in range(9_000, 10_000))
        asks = tuple((f"{price / 100:.2f}", "1") for price in range(10_001, 11_000))
        made.apply(BookSnapshot(instrument="BTCUSDT", bids=bids, asks=asks, sequence=1), 0)
        made.prune(kept.get("levels"), kept.get("range_bps"))
        return made

    def test_the_range_is_kept_true_as_the_price_moves(self) -> None:
        """One percent is kept; after a fall of half a percent only half of it is known below."""
        made = self.wide(range_bps=100)
        assert (made.book.known_bid, made.book.known_ask) == (Decimal("99.00"), Decimal("101.01"))
        fallen = tuple((f"{price / 100:.2f}", "0") for price in range(9_951, 10_000))
        made.apply(delta(bids=fallen), 1)
        made.prune(None, 100)
        assert made.book.known_bid == Decimal("99.00")
        assert made.book.reach_bps(Side.BID) == pytest.approx(75, abs=1)
        assert not made.outgrown()

    def test_a_book_whose_price_left_what_was_kept_has_outgrown_it(self) -> None:
        """Nothing but beginning afresh brings back what was dropped of a book that came whole."""
        made = self.wide(range_bps=100)
        fallen = tuple((f"{price / 100:.2f}", "0") for price in range(9_905, 10_000))
        raised = BookDelta(
            instrument="BTCUSDT", bids=fallen, asks=(("99.06", "1"),), sequence=3, venue_time=5
        )
        made.apply(raised, 1)
        made.prune(None, 100)
        assert made.outgrown()
        made.apply(snapshot(), 2)
        assert not made.outgrown()

    def test_a_rise_that_prunes_the_bids_does_not_hide_what_the_asks_lose(self) -> None:
        """Each side is measured by its own: the asks run out, and the book wants to be told anew."""
        made = self.wide(levels=100)
        wanted = []
        for price in range(10_001, 10_090):
            text = f"{price / 100:.2f}"
            step = BookDelta(
                instrument="BTCUSDT", bids=((text, "1"),), asks=((text, "0"),), sequence=price
            )
            made.apply(step, price * SECOND)
            made.prune(100, None)
            wanted.append(made.wants_refresh(price * SECOND))
        assert wanted[0] is False
        assert any(wanted)

    @given(st.lists(st.integers(1, 10**6), min_size=1, max_size=300), st.sampled_from([10, 1_000]))
    def test_an_endless_stream_of_far_levels_is_not_kept(self, far: list[int], bps: int) -> None:
        """Whatever comes from anywhere, what is held lies within the range, and is all that is."""
        made = self.wide(range_bps=bps)
        for number, price in enumerate(far):
            level = ((f"{price / 10_000:.4f}", "1"),)
            change = BookDelta(
                instrument="BTCUSDT",
                bids=level if price < 1_000_000 else (),
                asks=((f"{100 + price:.2f}", "1"),),
                sequence=number,
            )
            made.apply(change, number)
            made.prune(None, bps)
        book = made.book
        for side in Side:
            best, worst = book.side(side).best(), book.side(side).worst()
            assert best is not None
            assert worst is not None
            assert abs(worst - best) <= best * bps / 10_000
        book.check()


@given(st.data())
def test_the_record_of_changes_is_a_chain_and_only_live_books_quote(data: st.DataObject) -> None:
    """Whatever happens, each change begins where the last ended, and ends where the keeper is."""
    made, now, trust = keeper(live_at=None), 0, Trust.SYNCING
    steps = ["snapshot", "delta", "cross", "uncross", "tick", "alive", "lose", "epoch"]
    for step in data.draw(st.lists(st.sampled_from(steps), max_size=30)):
        now += data.draw(st.sampled_from([0, SECOND // 2, 2 * SECOND, 90 * SECOND]))
        match step:
            case "snapshot":
                change = made.apply(snapshot(), now)
            case "delta":
                change = made.apply(delta(), now)
            case "cross":
                change = made.apply(delta(bids=(("11", "1"),)), now)
            case "uncross":
                change = made.apply(delta(bids=(("11", "0"),)), now)
            case "tick":
                change = made.tick(now, 60 * SECOND)
            case "alive":
                change = made.alive(now)
            case "lose":
                change = made.lose(TrustReason.GAP, now)
            case _:
                change = made.begin_epoch(made.epoch + 1, now)
        if change is not None:
            assert change.before is trust
            trust = change.after
        assert made.trust is trust
        assert made.quotable == (trust is Trust.LIVE and not made.book.crossed)
        if trust in (Trust.SYNCING, Trust.UNTRUSTED):
            assert made.book.best_bid is None
