"""One update is lost: the gap is found at the next frame, nothing is read of the bad book, and the
book recovers by itself. 200 times in process, and over sockets."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.support.conversation import instrument
from tests.support.oracle import TouchOracle, touch_of
from tests.support.recordings import BINANCE, Recording, tape_lines
from tests.support.served import watch_recordings
from tests.support.slices import LIMITS, SLICE, Slice, cut_slices, top

from tidegauge.core.book import OrderBook
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.reading import Reading
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.simulator.recorded import recorded as recorded_venue
from tidegauge.venues import load
from tidegauge.wire.effects import BookUpdated, Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Response

pytestmark = pytest.mark.recorded

SEED = "tidegauge 1"
REMOVALS, MANY_REMOVALS = 100, 200
FEW = MeasurePlan(bands=(10,), notionals=(Decimal(100_000),), max_size_bps=())
PLAN = MonitorPlan(
    measure=FEW,
    rules=RuleSet(crunch=CrunchSettings(bands=(10,))),
    sample_every=SECOND,
    write_every=0,
)
"""Every reading is emitted, so that each of them can be judged."""

AROUND = 50
"""Frames before a removed update and after the recovery of which readings are taken. All others are
judged by what a reading would be taken of: a book that is quotable."""


def is_gap(effect: Effect) -> bool:
    return isinstance(effect, FeedEvent) and effect.kind is FeedEventKind.GAP


class Watcher:
    """A feed and a monitor that live through a slice whose snapshots are answered from the truth.

    Every reading is judged as it is taken, and every book that one could be taken of: the best
    prices must be the true ones at its sequence.
    """

    def __init__(self, cut: Slice) -> None:
        name = cut.recording.instrument
        spec = load()[cut.recording.venue]
        self.cut = cut
        self.feed = VenueFeed(spec, [Listing(symbol=name, instrument=instrument(spec, name))])
        self.monitor = Monitor(PLAN, self._take)
        self.monitor.watch(self.feed)
        self.keeper = self.feed.keepers[name]
        self.index_of = {diff.update: index for index, diff in enumerate(cut.diffs)}
        self.gaps: list[Effect] = []
        self.reading = False
        self.readings = self.quoted = 0
        self.asked: Fetch | None = None
        self.answer_at = 0
        self._next_tick: Nanos = cut.diffs[0].at + SECOND
        self._act(self.feed.opened(BOOK_LINK, cut.diffs[0].at), cut.diffs[0].at, 0)

    def hear(self, index: int) -> None:
        """Receive the frame at `index`, and an answer if one is due."""
        diff = self.cut.diffs[index]
        if self.reading:
            self.monitor.advance(diff.at)
        while self._next_tick <= diff.at:
            self._act(self.feed.tick(self._next_tick), self._next_tick, index)
            self._next_tick += SECOND
        self._act(self.feed.received(BOOK_LINK, diff.text, diff.at), diff.at, index)
        if self.asked is not None and index >= self.answer_at:
            self._answer(self.asked, index)
        if self.keeper.quotable:
            self.quoted += 1
            true = self.cut.touches[self.index_of[self.keeper.sequence]]
            assert touch_of(self.keeper.book) == true, f"after {self.keeper.sequence}"

    def _act(self, effects: list[Effect], now: Nanos, index: int) -> None:
        self.gaps += [event for event in effects if is_gap(event)]
        for effect in self.monitor.handle(effects, now) if self.reading else effects:
            if isinstance(effect, FeedEvent | BookUpdated):
                continue
            assert isinstance(effect, Fetch), effect
            if self.keeper.trust is Trust.LIVE:
                continue  # it wants to see further; here it is never told, which must cost nothing
            if self.asked is None:  # a request that is not answered within 10 s is made again
                self.answer_at = index + self.cut.lag
            self.asked = effect

    def _answer(self, fetch: Fetch, index: int) -> None:
        assert dict(fetch.params)["limit"] == str(LIMITS[self.cut.recording.venue])
        body = self.cut.answers[index]
        self.asked, now = None, self.cut.diffs[index].at
        self._act(self.feed.fetched(fetch, Response(status=200, body=body), now), now, index)

    def _take(self, record: Record) -> None:
        if isinstance(record, Reading):
            self.readings += 1
            true = self.cut.touches[self.index_of[record.origin.sequence]]
            read = (
                record.best_bid,
                record.best_bid_size,
                record.best_ask,
                record.best_ask_size,
            )
            assert read == true, f"after {record.origin.sequence}: read {read}, true is {true}"


def lose_one(cut: Slice) -> None:
    """Live through a slice without its removed update, and see what the monitor makes of it."""
    watcher = Watcher(cut)
    keeper, counts = watcher.keeper, watcher.feed.counts
    for index in range(cut.removed):
        watcher.reading = index >= cut.removed - AROUND
        watcher.hear(index)
    assert (keeper.trust, counts.gaps) == (Trust.LIVE, 0)

    index = successor = cut.removed + 1
    # A sample that fell due before the next frame came is of the book as it last was, and is true.
    watcher.monitor.advance(cut.diffs[successor].at)
    readings = watcher.readings
    assert readings >= AROUND
    watcher.hear(index)
    assert counts.gaps == 1, "the gap was not found at the next frame"
    assert len(watcher.gaps) == 1
    while index < successor + cut.lag:
        assert (keeper.trust, keeper.reason) == (Trust.SYNCING, TrustReason.GAP)
        assert not keeper.quotable
        assert watcher.readings == readings, "a reading of a book that is not believed"
        index += 1
        watcher.hear(index)
    assert keeper.trust is Trust.LIVE, "the book did not recover with its snapshot"
    recovered = index
    while index + 1 < SLICE:
        index += 1
        watcher.reading = index <= recovered + AROUND
        watcher.hear(index)

    assert (keeper.trust, counts.gaps, counts.resyncs, counts.malformed) == (Trust.LIVE, 1, 1, 0)
    assert keeper.sequence == cut.diffs[-1].update
    assert touch_of(keeper.book) == cut.touches[-1]
    assert top(keeper.book) == cut.tops
    # All frames but the removed one, and those that waited for one of the two snapshots.
    assert watcher.quoted == SLICE - 1 - 2 * cut.lag
    assert watcher.readings >= readings + AROUND


def cuts_of(folder: Path, recording: Recording, removals: int = REMOVALS) -> list[Slice]:
    return cut_slices(folder, recording, removals // len(BINANCE), SEED)


each_recording = pytest.mark.parametrize("recording", BINANCE, ids=lambda recording: recording.file)


@each_recording
def test_a_removed_update_is_found_at_the_next_frame_and_made_good(
    recording: Recording, recorded: Path
) -> None:
    """20 slices of 2,000 updates from each of five recordings, one random update lost in each."""
    cuts = cuts_of(recorded, recording)
    assert len(cuts) == 20
    lose_one_of_each(cuts, recording)


@pytest.mark.campaign
@each_recording
def test_two_hundred_removed_updates_are_found_and_made_good(
    recording: Recording, recorded: Path
) -> None:
    """The same over twice as many slices."""
    cuts = cuts_of(recorded, recording, MANY_REMOVALS)
    assert len(cuts) == 40
    lose_one_of_each(cuts, recording)


def lose_one_of_each(cuts: list[Slice], recording: Recording) -> None:
    for cut in cuts:
        try:
            lose_one(cut)
        except AssertionError as failure:
            failure.add_note(
                f"seed {SEED!r}: {recording.file} from update {cut.start} on,"
                f" without {cut.removed}, answered {cut.lag} frames late"
            )
            raise


def test_a_book_that_does_not_notice_a_removed_update_is_wrong(recorded: Path) -> None:
    """What the other tests look for can be seen: without a judge, such books go wrong."""
    wrong = 0
    for cut in cut_slices(recorded, BINANCE[0], 4, SEED):
        snapshot = msgspec.json.decode(cut.answers[cut.lag])
        book, touches = OrderBook(), []
        book.apply_snapshot(snapshot["bids"], snapshot["asks"])
        for index in range(cut.lag + 1, SLICE):
            if index != cut.removed:
                book.apply_delta(cut.diffs[index].bids, cut.diffs[index].asks)
            touches.append(touch_of(book))
        before, after = cut.removed - cut.lag - 1, cut.removed - cut.lag
        true = cut.touches[cut.lag + 1 :]
        assert touches[:before] == true[:before]
        wrong += touches[after:] != true[after:]
    assert wrong >= 2


@pytest.mark.parametrize(
    ("recording", "most", "removed"),
    [(BINANCE[1], 40_000, 1_500), (BINANCE[3], 40_000, 2_000), (BINANCE[4], 20_000, 7_000)],
    ids=["spot", "usdm", "thin"],
)
async def test_a_removed_update_is_made_good_over_a_socket(
    recording: Recording, most: int, removed: int, recorded: Path
) -> None:
    """The server leaves one update out, and answers the later snapshot request from its book."""
    lines = list(tape_lines(recorded, recording.file, most=most))
    updates = recorded_venue(recording.venue, lines).reels[recording.instrument].updates
    lost, successor = updates[removed], msgspec.json.decode(updates[removed + 1].text)
    oracle = TouchOracle(lines)
    dialect = recorded_venue(recording.venue, lines, drop=frozenset({lost.update}))

    watched = await watch_recordings(
        {recording.venue: dialect}, observer=oracle, every_reading=True
    )

    (gap,) = watched.told(FeedEventKind.GAP)
    received = successor["pu" if "pu" in successor else "U"]
    assert str(received) in gap.detail, "the gap was found at another frame than the next"
    assert oracle.different == []
    assert oracle.crossed == 0
    assert oracle.equal > 0.9 * (len(updates) - 200)
    (venue,) = watched.view.venues
    counts = (venue.connects, venue.gaps, venue.resyncs, venue.malformed)
    assert counts == (len(venue.links), 1, 1, 0)
    (keeper,) = watched.keepers.values()
    assert (keeper.trust, keeper.sequence) == (Trust.LIVE, updates[-1].update)
    assert touch_of(keeper.book) == touch_of(dialect.reels[recording.instrument].book()[1])

    *recovered, stopped = watched.told(FeedEventKind.TRUST)
    trusts = [event.trust for event in recovered]
    assert trusts == [Trust.SYNCING, Trust.LIVE, Trust.SYNCING, Trust.LIVE]
    assert stopped.reason is TrustReason.STOPPED
    for reading in watched.readings:
        true = oracle.touch_at(reading.origin.sequence)
        assert true is None or true == (
            reading.best_bid,
            reading.best_bid_size,
            reading.best_ask,
            reading.best_ask_size,
        )
    assert lost.update not in {reading.origin.sequence for reading in watched.readings}
