"""The whole spool beside lists: what goes in comes out, whatever happens to the daemon."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.spool import (
    NUMBERS,
    a_record,
    a_row,
    a_series,
    as_killed,
    contents,
)

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.slips import READING, Slip
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool.lane import EARLIEST
from tidegauge.sinks.spool.spool import Spool

LARGEST = 16_000_000
KEEP_S = 3600.0


@dataclass
class Kept:
    """What a lane of the model holds. `settled` rows are stored; of them `surely` for good."""

    slips: list[Slip] = field(default_factory=list)
    kept_at: list[int] = field(default_factory=list)
    settled: int = 0
    surely: int = 0

    @property
    def waiting(self) -> int:
        return len(self.slips) - self.settled


class SpoolAgainstLists(RuleBasedStateMachine):
    """A spool of many small files beside lists, with crashes at any moment.

    After a crash what was settled and not written down is fetched again; nothing else ever is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="tg-spool-"))
        self.full_pages, segment.FULL_PAGES = segment.FULL_PAGES, 14
        self.now = EARLIEST
        self.starts = 0
        self.lanes: list[tuple[Kept, Kept]] = []
        self.root = self.place / "0"

    @initialize()
    def start(self) -> None:
        self.starts += 1
        self.spool = Spool(self.root, f"start-{self.starts:06}", now=lambda: self.now)
        self.spool.open()
        self.learn_marks()
        self.recovered = sum(lane.waiting for pair in self.lanes for lane in pair)
        self.lanes.append((Kept(), Kept()))

    def learn_marks(self) -> None:
        """See how far the spool says it is, of what may have been forgotten in a crash."""
        waiting = {
            folder.path.name: [lane.waiting for lane in folder.lanes] for folder in self.spool._gone
        }
        for number, pair in enumerate(self.lanes, 1):
            found = waiting.get(f"start-{number:06}", [0, 0])
            for lane, count in zip(pair, found, strict=True):
                settled = len(lane.slips) - count
                assert lane.surely <= settled <= lane.settled
                lane.settled = lane.surely = settled

    @rule(
        batch=st.lists(
            st.tuples(st.booleans(), st.integers(1, 3), st.sampled_from([1, 40, 900, 9_000])),
            max_size=40,
        )
    )
    def append(self, batch: list[tuple[bool, int, int]]) -> None:
        made = [
            a_row(next(NUMBERS), size, a_series(number))
            if is_reading
            else a_record(next(NUMBERS), size)
            for is_reading, number, size in batch
        ]
        self.spool.append(made)
        for slip in made:
            lane = self.lanes[-1][slip.code == READING]
            lane.slips.append(slip)
            lane.kept_at.append(self.now)

    @rule(limit=st.integers(1, 60), settles=st.booleans())
    def fetch(self, limit: int, settles: bool) -> None:
        parcel = self.spool.fetch(limit)
        waiting = [pair[which] for which in (0, 1) for pair in self.lanes if pair[which].waiting]
        if not waiting:
            assert parcel is None
            return
        assert parcel is not None
        lane = waiting[0]
        expected = lane.slips[lane.settled : lane.settled + len(parcel.slips)]
        assert 0 < len(parcel.slips) <= limit
        assert contents(parcel.slips) == contents(expected)
        assert not parcel.lost
        if settles:
            self.spool.settle(parcel)
            lane.settled += len(parcel.slips)

    @rule()
    def write_marks(self) -> None:
        self.spool.write_marks()
        for pair in self.lanes:
            for lane in pair:
                lane.surely = lane.settled

    @rule()
    def forget(self) -> None:
        self.spool.forget(self.spool.finished())

    @rule(minutes=st.integers(1, 50))
    def pass_time(self, minutes: int) -> None:
        self.now += minutes * 60 * SECOND

    @rule()
    def expire(self) -> None:
        before = {id(folder): folder.readings.waiting for folder in self.spool._folders}
        given_up = self.spool.expire(KEEP_S)
        gone = 0
        for folder in self.spool._folders:
            number = int(folder.path.name.removeprefix("start-")) - 1
            lane, count = self.lanes[number][1], before[id(folder)] - folder.readings.waiting
            oldest = lane.kept_at[lane.settled : lane.settled + count]
            assert all(at < self.now - KEEP_S * SECOND for at in oldest)
            lane.settled += count
            lane.surely = max(lane.surely, lane.settled) if count else lane.surely
            gone += count
        assert given_up == gone

    @rule(closes=st.booleans())
    def end_and_start(self, closes: bool) -> None:
        if closes:
            self.spool.close()
            self.write_marks()
        else:
            left = as_killed(self.root, self.place / str(self.starts))
            self.spool.close()
            shutil.rmtree(self.root)
            self.root = left
        self.start()

    @precondition(lambda self: any(lane.waiting for pair in self.lanes for lane in pair))
    @rule()
    def drain(self) -> None:
        while (parcel := self.spool.fetch(1000)) is not None:
            self.spool.settle(parcel)
        for pair in self.lanes:
            for lane in pair:
                lane.settled = len(lane.slips)

    @invariant()
    def figures_are_true(self) -> None:
        waiting = sum(lane.waiting for pair in self.lanes for lane in pair)
        figures = self.spool.figures()
        assert self.spool.waiting == figures.waiting == waiting
        assert (figures.lost, figures.damaged) == (0, 0)
        assert figures.recovered == self.recovered
        firsts = [
            lane.slips[lane.settled].at for pair in self.lanes for lane in pair if lane.waiting
        ]
        assert figures.oldest_at == min(firsts, default=None)
        assert all(path.stat().st_size <= LARGEST for path in self.root.rglob("*.sqlite3"))

    def teardown(self) -> None:
        segment.FULL_PAGES = self.full_pages
        if self.lanes:
            self.spool.close()
        shutil.rmtree(self.place)


TestSpoolAgainstLists = SpoolAgainstLists.TestCase
TestSpoolAgainstLists.settings = settings(stateful_step_count=30)
